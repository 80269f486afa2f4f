//! What the file of a paper on nearest neighbours must keep to beyond its syntax.

use super::{AnnPaper, AnnPrinted, AnnRow, DEFAULT};
use crate::ann::{Effort, Recipe};
use std::collections::BTreeSet;

impl AnnPaper {
    /// Each row has a name of its own, is of data sets that the paper has, and has efforts where its index has; else what
    /// is wrong, and where in `text`.
    pub(super) fn check_rows(&self, text: &str) -> Result<(), (String, usize)> {
        let mut names = BTreeSet::new();
        for row in &self.rows {
            let name = &row.name;
            if !names.insert(name) {
                let place = text.rfind(&format!("name = \"{name}\"")).unwrap_or(0);
                return Err((format!("a second row is called {name:?}"), place));
            }
            let indexes = row.indexes.iter().map(|(key, index)| ("index", key, index.span()));
            let efforts = row.efforts.iter().map(|(key, efforts)| ("efforts", key, efforts.span()));
            for (kind, key, span) in indexes.chain(efforts) {
                if key != DEFAULT && !self.datasets.keys().any(|space| space.name() == key) {
                    return Err((
                        format!("row {name}, {kind} {key}: no dataset is called {key:?}"),
                        span.start,
                    ));
                }
            }
            row.check_efforts().map_err(|(what, place)| (format!("row {name}: {what}"), place))?;
            row.check_recipes(self).map_err(|(what, place)| (format!("row {name}: {what}"), place))?;
        }
        Ok(())
    }

    /// Printed numbers are of rows, efforts and sources that the file has; else what is wrong, and words near it.
    pub(super) fn check_printed(&self) -> Result<(), (String, String)> {
        for printed in &self.printed {
            let wrong = |what: String, needle: &str| {
                Err((format!("table {}: {what}", printed.table), format!("\"{needle}\"")))
            };
            if !self.sources.contains_key(&printed.source) {
                return wrong(format!("no source is called {:?}", printed.source), &printed.source);
            }
            if !self.datasets.contains_key(&printed.dataset) {
                let name = printed.dataset.name();
                return wrong(format!("no dataset is called {name:?}"), name);
            }
            if let Some(name) = &printed.row {
                let Some(row) = self.row(name) else {
                    return wrong(format!("no row is called {name:?}"), name);
                };
                if !row.measures(printed) {
                    return wrong(
                        format!("row {name} has no effort {:?} on these vectors", printed.effort),
                        name,
                    );
                }
            }
            if let Some(measure) = printed.values.keys().find(|measure| !measure.is_recall()) {
                return wrong(format!("{measure} of another machine is no bar"), &printed.label);
            }
        }
        Ok(())
    }
}

impl AnnRow {
    fn check_efforts(&self) -> Result<(), (String, usize)> {
        for (key, efforts) in &self.efforts {
            let values = efforts.get_ref();
            if values.first().is_none_or(|&first| first == 0) || !values.is_sorted_by(|a, b| a < b) {
                let what = format!("efforts {key}: {values:?}; expected growing numbers from 1");
                return Err((what, efforts.span().start));
            }
        }
        Ok(())
    }

    fn check_recipes(&self, paper: &AnnPaper) -> Result<(), (String, usize)> {
        let Some(first) = self.indexes.values().next() else {
            return Err(("no index; expected one for default or a dataset".to_owned(), 0));
        };
        let has_effort = |recipe: &Recipe| recipe.effort() != Effort::None;
        for &space in paper.datasets.keys() {
            let Some(recipe) = self.recipe(space) else { continue };
            let has_efforts = self.efforts(space) != [None];
            if has_effort(recipe) != has_efforts {
                let what = if has_efforts {
                    "efforts of an index that has none"
                } else {
                    "an index without efforts"
                };
                return Err((format!("{}: {what}", space.name()), first.span().start));
            }
        }
        Ok(())
    }

    /// Whether it does what is printed.
    fn measures(&self, printed: &AnnPrinted) -> bool {
        self.recipe(printed.dataset).is_some() && self.efforts(printed.dataset).contains(&printed.effort)
    }
}
