//! What a paper's file must keep to beyond its syntax.

use super::{Paper, Search};
use std::collections::BTreeSet;
use toml::Spanned;

impl Paper {
    /// Each row has a name of its own, and its recipes and searches are of data sets that the paper has; else what is
    /// wrong, and where in `text`.
    pub(super) fn check_rows(&self, text: &str) -> Result<(), (String, usize)> {
        let mut names = BTreeSet::new();
        for row in &self.rows {
            let name = &row.name;
            let place = || text.find(&format!("name = \"{name}\"")).unwrap_or(0);
            if !names.insert(name) {
                let place = text.rfind(&format!("name = \"{name}\"")).unwrap_or(0);
                return Err((format!("a second row is called {name:?}"), place));
            }
            let named = row.datasets.iter().flatten().chain(row.minutes.keys());
            if let Some(dataset) = { named }.find(|name| !self.datasets.contains_key(*name)) {
                return Err((format!("row {name}: no dataset is called {dataset:?}"), place()));
            }
            let wrong = |(dataset, minutes): &(&String, &f64)| {
                !(row.is_on(dataset) && minutes.is_finite() && **minutes > 0.0)
            };
            if let Some((dataset, minutes)) = row.minutes.iter().find(wrong) {
                let what = format!(
                    "row {name}: {minutes} minutes on {dataset}; expected a positive number, and a data set that it is run on"
                );
                return Err((what, place()));
            }
            let recipes = row.recipes.iter().filter(|(key, _)| *key != "default");
            let recipes = recipes.map(|(key, recipe)| ("recipe", key, recipe.span()));
            let searches = row.searches.iter().map(|(key, search)| ("search", key, search.span()));
            for (kind, key, span) in recipes.chain(searches) {
                let dataset = key.strip_suffix(".honest").unwrap_or(key);
                if !self.datasets.contains_key(dataset) {
                    return Err((
                        format!("row {name}, {kind} {key}: no dataset is called {dataset:?}"),
                        span.start,
                    ));
                }
            }
            for (key, search) in &row.searches {
                check_search(search, |recipe| row.parse_recipe(recipe).map(|_| ()))
                    .map_err(|(what, place)| (format!("row {name}, search {key}: {what}"), place))?;
            }
        }
        Ok(())
    }

    pub(super) fn check_printed(&self) -> Result<(), (String, String)> {
        for printed in &self.printed {
            let known = [
                ("row", &printed.row, self.rows.iter().any(|row| row.name == printed.row)),
                ("dataset", &printed.dataset, self.datasets.contains_key(&printed.dataset)),
                ("source", &printed.source, self.sources.contains_key(&printed.source)),
            ];
            if let Some((kind, name, _)) = known.into_iter().find(|(_, _, known)| !known) {
                let what = format!("table {}: no {kind} is called {name:?}", printed.table);
                return Err((what, format!("\"{name}\"")));
            }
        }
        Ok(())
    }
}

/// A search tries something, and each value is one that its hyper-parameter can have; else what is wrong, and where in the
/// file. `parse` says what is wrong with a recipe.
pub(super) fn check_search(
    search: &Spanned<Search>,
    parse: impl Fn(&toml::Table) -> Result<(), String>,
) -> Result<(), (String, usize)> {
    let grid = &search.get_ref().grid;
    let empty = grid.values().find(|values| values.get_ref().is_empty()).map(Spanned::span);
    if let Some(span) = empty.or_else(|| grid.is_empty().then(|| search.span())) {
        return Err(("nothing to try; expected values".to_owned(), span.start));
    }
    for (parameter, values) in grid {
        for value in values.get_ref() {
            let alone = toml::Table::from_iter([(parameter.clone(), value.clone())]);
            parse(&alone).map_err(|what| (what, values.span().start))?;
        }
    }
    Ok(())
}
