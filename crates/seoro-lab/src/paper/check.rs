//! What a paper's file must keep to beyond its syntax.

use super::{
    DatasetUse, Negatives, Order, Paper, Part, Printed, Protocol, Ranking, Search, SplitRule, Status,
};
use crate::data;
use crate::picture::COLOURS;
use std::collections::BTreeSet;
use toml::Spanned;

impl Paper {
    /// Each protocol says all that its ranking asks for, and nothing else; else what is wrong, and where in
    /// `text`.
    pub(super) fn check_protocols(&self, text: &str) -> Result<(), (String, usize)> {
        for protocol in [&self.protocols.as_published, &self.protocols.honest] {
            let start = protocol.span().start;
            let place = |key: &str| text[start..].find(key).map_or(start, |place| start + place);
            check_protocol(protocol.get_ref()).map_err(|(what, key)| (what, place(key)))?;
        }
        Ok(())
    }

    /// Shares are shares, and data sets are known; else what is wrong, and where it stands.
    pub(super) fn check_uses(&self) -> Result<(), (String, String)> {
        let protocols = [&self.protocols.as_published, &self.protocols.honest];
        let is_of_candidates = protocols.iter().any(|each| each.get_ref().ranking == Ranking::Candidates);
        for (name, usage) in &self.datasets {
            check_use(name, usage, is_of_candidates)?;
            self.check_pictures(name, usage)?;
        }
        let splits = protocols.map(|protocol| protocol.get_ref().split);
        let uses = self.datasets.iter().map(|(name, usage)| (name.as_str(), usage.forgotten, usage.split));
        let of_parts = splits.into_iter().flatten().map(|split| ("protocol", 0.0, split));
        for (name, forgotten, split) in uses.chain(of_parts) {
            if !(0.0..1.0).contains(&forgotten) {
                let what = format!("{name}: forgotten = {forgotten}; expected at least 0 and below 1");
                return Err((what, "forgotten".to_owned()));
            }
            let (SplitRule::Share(test) | SplitRule::ShareOfUser(test) | SplitRule::LatestShare(test)) =
                split
            else {
                continue;
            };
            if !(test > 0.0 && test < 1.0) {
                let what = format!("{name}: a split of {test}; expected above 0 and below 1");
                return Err((what, "split".to_owned()));
            }
        }
        Ok(())
    }

    /// What pictures are to show is there to be shown; else what is wrong, and where it stands.
    fn check_pictures(&self, name: &str, usage: &DatasetUse) -> Result<(), (String, String)> {
        let is_there = |row: &String| {
            let row = self.row(row).ok().filter(|row| row.is_on(name) && row.is_in(Part::AsPublished));
            row.filter(|row| !row.is_oracle())
        };
        let mut drawn = usage.courses.iter().chain(&usage.maps);
        if let Some(row) = drawn.find(|row| is_there(row).is_none()) {
            return Err((format!("{name}: no published row of it is called {row:?}"), format!("{row:?}")));
        }
        let has_snapshots = |row: &&String| is_there(row).is_some_and(|row| row.snapshots > 0);
        if let Some(row) = usage.courses.iter().find(|row| !has_snapshots(row)) {
            return Err((format!("{name}: {row} has no snapshots to make a course of"), format!("{row:?}")));
        }
        let is_of_ratings = self.protocol(Part::AsPublished).ranking == Ranking::Ratings;
        match usage.courses.len() > COLOURS.len() || (is_of_ratings && !usage.maps.is_empty()) {
            true => {
                let what = format!(
                    "{name}: {} courses, {} maps; expected at most {} courses, and maps of rankings alone",
                    usage.courses.len(),
                    usage.maps.len(),
                    COLOURS.len()
                );
                Err((what, format!("[dataset.{name}]")))
            }
            false => Ok(()),
        }
    }

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
                let wrong = match self.datasets.get(dataset) {
                    None => format!("no dataset is called {dataset:?}"),
                    Some(DatasetUse { of: Some(source), .. }) => {
                        format!("expected one for {source}, which it is a use of")
                    }
                    Some(_) => continue,
                };
                return Err((format!("row {name}, {kind} {key}: {wrong}"), span.start));
            }
            for (key, search) in &row.searches {
                check_search(search, |recipe| row.parse_recipe(recipe).map(|_| ()))
                    .map_err(|(what, place)| (format!("row {name}, search {key}: {what}"), place))?;
            }
        }
        Ok(())
    }

    /// Printed numbers are of rows, data sets and sources that the file has; else what is wrong, and where in
    /// `text`.
    pub(super) fn check_printed(&self, text: &str) -> Result<(), (String, usize)> {
        for spanned in &self.printed {
            let (start, printed) = (spanned.span().start, spanned.get_ref());
            self.check_number(printed).map_err(|(what, needle)| {
                let near = text.get(start..).and_then(|rest| rest.find(&needle));
                (format!("table {}: {what}", printed.table), start + near.unwrap_or(0))
            })?;
        }
        Ok(())
    }

    /// What is wrong with a printed number, and what stands where.
    fn check_number(&self, printed: &Printed) -> Result<(), (String, String)> {
        let known = [
            ("row", &printed.row, self.rows.iter().any(|row| row.name == printed.row)),
            ("dataset", &printed.dataset, self.datasets.contains_key(&printed.dataset)),
            ("source", &printed.source, self.sources.contains_key(&printed.source)),
        ];
        if let Some((kind, name, _)) = known.into_iter().find(|(_, _, known)| !known) {
            return Err((format!("no {kind} is called {name:?}"), format!("{kind} = \"{name}\"")));
        }
        let row = &printed.row;
        match (printed.tolerance, printed.status == Status::OtherData) {
            (None, false) => Err((
                format!("row {row}: no tolerance; expected one"),
                format!("table = \"{}\"", printed.table),
            )),
            (Some(_), true) => {
                let what = format!("row {row}: a tolerance, but the number is of other data; expected none");
                Err((what, "tolerance".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// What is no row has a data set and a source; else what is wrong, and where.
    pub(super) fn check_elsewhere(&self) -> Result<(), (String, usize)> {
        for spanned in &self.elsewhere {
            let printed = spanned.get_ref();
            self.check_named(&printed.dataset, &printed.source)
                .map_err(|what| (format!("{}: {what}", printed.label), spanned.span().start))?;
        }
        Ok(())
    }

    /// Orders are of rows that can be measured so; else what is wrong, and where.
    pub(super) fn check_orders(&self) -> Result<(), (String, usize)> {
        for spanned in &self.orders {
            let order = spanned.get_ref();
            self.check_named(&order.dataset, &order.source)
                .and_then(|()| self.check_order(order))
                .map_err(|what| (format!("order of {}: {what}", order.table), spanned.span().start))?;
        }
        Ok(())
    }

    fn check_named(&self, dataset: &str, source: &str) -> Result<(), String> {
        if !self.datasets.contains_key(dataset) {
            return Err(format!("no dataset is called {dataset:?}"));
        }
        if !self.sources.contains_key(source) {
            return Err(format!("no source is called {source:?}"));
        }
        Ok(())
    }

    fn check_order(&self, order: &Order) -> Result<(), String> {
        if !self.protocol(Part::AsPublished).metrics.contains(&order.metric) {
            let metric = order.metric.to_string();
            return Err(format!("metric {metric:?}; expected one of the protocol's"));
        }
        let is_run = |name: &str| {
            let row = self.rows.iter().find(|row| row.name == name);
            row.is_some_and(|row| row.is_in(Part::AsPublished) && row.is_on(&order.dataset))
        };
        match order.rows.iter().find(|name| !is_run(name)) {
            Some(name) => {
                Err(format!("no row called {name:?} is run on {}, {}", order.dataset, Part::AsPublished))
            }
            None if order.rows.len() < 2 => Err("fewer than two rows; expected some to compare".to_owned()),
            None => Ok(()),
        }
    }
}

/// What is wrong with a protocol, and the key it stands at or the first one.
fn check_protocol(protocol: &Protocol) -> Result<(), (String, &'static str)> {
    if !protocol.metrics.contains(&protocol.select) {
        let select = protocol.select.to_string();
        return Err((format!("select = {select:?}; expected one of the protocol's metrics"), "select"));
    }
    let of_ratings = protocol.ranking == Ranking::Ratings;
    if let Some(other) = protocol.metrics.iter().find(|metric| metric.is_of_ratings() != of_ratings) {
        let expected = if of_ratings { "rmse or mae" } else { "metrics of rankings" };
        return Err((format!("metric {:?}; expected {expected}", other.to_string()), "metrics"));
    }
    let said = [("hide", protocol.hide.is_some()), ("ties", protocol.ties.is_some())];
    if let Some((key, is_said)) = said.into_iter().find(|(_, is_said)| *is_said == of_ratings) {
        return Err(match is_said {
            true => (format!("{key}, but nothing is ranked; expected ratings alone"), key),
            false => (format!("no {key}; expected how items are ranked"), "ranking"),
        });
    }
    match protocol.unseen {
        Some(_) if !of_ratings => {
            Err(("unseen, but no ratings are predicted; expected none".to_owned(), "unseen"))
        }
        Some(unseen) if !unseen.is_finite() => {
            Err((format!("unseen = {unseen}; expected a rating"), "unseen"))
        }
        _ => Ok(()),
    }
}

/// What is wrong with a data set's use, and where it stands.
fn check_use(name: &str, usage: &DatasetUse, is_of_candidates: bool) -> Result<(), (String, String)> {
    if let Some(source) = usage.of.as_ref().filter(|source| !data::is_known(source)) {
        return Err((format!("{name}: no data set is called {source:?}"), format!("of = {source:?}")));
    }
    if is_of_candidates && usage.negatives == Negatives::Drawn(0) {
        let what = format!("{name}: no negatives; expected how many a target is ranked among");
        return Err((what, format!("[dataset.{name}]")));
    }
    Ok(())
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
