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

    /// Printed numbers are of rows, efforts and sources that the file has; else what is wrong, and where in `text`.
    pub(super) fn check_printed(&self, text: &str) -> Result<(), (String, usize)> {
        for printed in &self.printed {
            let (start, printed) = (printed.span().start, printed.get_ref());
            self.check_number(printed).map_err(|(what, needle)| {
                let near = text.get(start..).and_then(|rest| rest.find(&format!("\"{needle}\"")));
                (format!("table {}: {what}", printed.table), start + near.unwrap_or(0))
            })?;
        }
        Ok(())
    }

    /// What is wrong with a printed number, and a word that stands where.
    fn check_number(&self, printed: &AnnPrinted) -> Result<(), (String, String)> {
        if !self.sources.contains_key(&printed.source) {
            return Err((format!("no source is called {:?}", printed.source), printed.source.clone()));
        }
        if !self.datasets.contains_key(&printed.dataset) {
            let name = printed.dataset.name();
            return Err((format!("no dataset is called {name:?}"), name.to_owned()));
        }
        if let Some(name) = &printed.row {
            let Some(row) = self.row(name) else {
                return Err((format!("no row is called {name:?}"), name.clone()));
            };
            if !row.measures(printed) {
                let what = format!("row {name} has no effort {:?} on these vectors", printed.effort);
                return Err((what, name.clone()));
            }
        }
        match printed.values.keys().find(|measure| !measure.is_recall()) {
            Some(measure) => Err((format!("{measure} of another machine is no bar"), measure.to_string())),
            None => Ok(()),
        }
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
