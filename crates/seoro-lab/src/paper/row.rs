//! A row of a paper's tables: a model with its hyper-parameters by data set.

use super::{DatasetUse, Part, Protocol, Search};
use crate::LabError;
use seoro_models::registry::Model;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use toml::Spanned;

/// A model in a paper's tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// System and variant, lower-case and hyphenated.
    pub name: String,
    /// How the paper writes it.
    pub label: String,
    /// The model behind it, as registered; `oracle` is the embedded world's truth.
    pub model: String,
    /// Whether the numbers hang on no random draw: one seed suffices, and they must agree both ways.
    #[serde(default)]
    pub deterministic: bool,
    /// The data sets it is run on; all of the paper's where absent.
    pub datasets: Option<Vec<String>>,
    /// The parts of the report it is in; both where absent.
    pub parts: Option<Vec<Part>>,
    /// By data set, about how many minutes a seed takes on two cores, where that is so long that the row is
    /// run only with `--full`, or where it is named.
    #[serde(default)]
    pub minutes: BTreeMap<String, f64>,
    /// The most seeds it is run with; as many as the data set asks for where absent.
    pub seeds: Option<NonZeroUsize>,
    /// Every how many epochs a snapshot is kept, for the best epoch on test and for courses; 0 for none.
    #[serde(default)]
    pub snapshots: usize,
    /// Hyper-parameters by data set (`default` for all others); `NAME.honest` for the honest part alone.
    #[serde(default, rename = "recipe")]
    pub(super) recipes: BTreeMap<String, Spanned<toml::Table>>,
    /// What a search tries, by data set; `NAME.honest` for the honest part alone.
    #[serde(default, rename = "search")]
    pub(super) searches: BTreeMap<String, Spanned<Search>>,
    /// What a reader must know about this row.
    pub note: Option<String>,
}

impl Row {
    /// The recipe of this row on `dataset`, in `part`.
    ///
    /// # Errors
    /// [`LabError::Usage`] where the file has none; parse errors were met by [`Paper::parse`](super::Paper::parse).
    pub fn recipe(&self, dataset: &str, part: Part) -> Result<Model, LabError> {
        let table = self.recipe_table(dataset, part);
        self.parse_recipe(&table).map_err(|what| LabError::Usage(format!("row {}: {what}", self.name)))
    }

    /// The hyper-parameters of this row on `dataset`, in `part`, as written.
    pub fn recipe_table(&self, dataset: &str, part: Part) -> toml::Table {
        let found = keys(dataset, part).iter().find_map(|key| self.recipes.get(key));
        let found = found.or_else(|| self.recipes.get("default"));
        found.map(|recipe| recipe.get_ref().clone()).unwrap_or_default()
    }

    /// Whether [`Row::recipe_table`] is of this part of this data set, and not of the published part or the
    /// default.
    pub fn has_own_recipe(&self, dataset: &str, part: Part) -> bool {
        keys(dataset, part).first().is_some_and(|key| self.recipes.contains_key(key))
    }

    /// Whether the file sets anything of its model.
    pub fn has_hyper_parameters(&self) -> bool {
        !self.recipes.is_empty()
    }

    /// What a search for this row tries on `dataset`, in `part`.
    pub fn search(&self, dataset: &str, part: Part) -> Option<&Search> {
        keys(dataset, part).iter().find_map(|key| self.searches.get(key)).map(Spanned::get_ref)
    }

    /// The recipe of these hyper-parameters.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn parse_recipe(&self, table: &toml::Table) -> Result<Model, String> {
        Model::parse(&self.model, table.clone()).map_err(|error| error.to_string())
    }

    /// Whether it is run on `dataset`.
    pub fn is_on(&self, dataset: &str) -> bool {
        self.datasets.as_ref().is_none_or(|datasets| datasets.iter().any(|name| name == dataset))
    }

    /// Whether it is in `part` of the report.
    pub fn is_in(&self, part: Part) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.contains(&part))
    }

    /// How many seeds it is run with under a protocol: `asked`, or in full as many as the file asks for; one
    /// where nothing hangs on it.
    pub fn seeds_on(&self, usage: &DatasetUse, protocol: &Protocol, asked: Option<NonZeroUsize>) -> usize {
        let most = self.seeds.map_or(usage.seeds, |most| most.min(usage.seeds));
        let is_one = (self.deterministic || self.is_oracle()) && !protocol.is_redrawn(usage);
        if is_one { 1 } else { asked.unwrap_or(most).get() }
    }

    /// Whether this row is the embedded world's truth.
    pub fn is_oracle(&self) -> bool {
        self.model == "oracle"
    }
}

/// Under which keys a row's entries for a part of a data set stand, the most particular one first.
fn keys(dataset: &str, part: Part) -> Vec<String> {
    let honest = (part == Part::Honest).then(|| format!("{dataset}.honest"));
    honest.into_iter().chain([dataset.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::small;

    #[test]
    fn what_hangs_on_no_draw_has_one_seed() {
        let paper = small("");
        let (row, usage) = (paper.row("pop").expect("a row"), &paper.datasets["world"]);
        assert_eq!(row.seeds_on(usage, paper.protocol(Part::AsPublished), None), 2);
        assert_eq!(row.seeds_on(usage, paper.protocol(Part::Honest), None), 1);
    }
}
