//! The log of a search: what was tried, and what became of it.

use crate::measure::{Measure, Preference};
use crate::paper::Part;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One try: a recipe and what validation data says of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try<M: Ord = Measure> {
    /// The hash of the data, the protocol and the revision of the code it was tried with: [`search_key`](super::search_key).
    pub key: String,
    /// The hyper-parameters that were set.
    pub recipe: toml::Table,
    /// The best epoch, for models that have epochs.
    pub epoch: Option<usize>,
    /// What was measured at it; nothing where the fit failed.
    #[serde(bound(deserialize = "M: Deserialize<'de>"))]
    pub values: BTreeMap<M, f64>,
    /// What is selected by, at each epoch that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<(usize, f64)>,
    /// Why the fit failed, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Threads of the fit.
    pub threads: usize,
    /// Seconds for the fit and its measures.
    pub seconds: f64,
}

impl<M: Ord> Try<M> {
    /// The recipe to use: what was tried, for as many epochs as were best.
    pub fn found(&self) -> toml::Table {
        let mut recipe = self.recipe.clone();
        if let (Some(epoch), true) = (self.epoch, recipe.contains_key("epochs")) {
            recipe.insert("epochs".to_owned(), toml::Value::Integer(epoch as i64));
        }
        recipe
    }
}

/// The log's name: `PAPER/DATASET/ROW.PART.json`.
pub fn log_name(paper: &str, dataset: &str, row: &str, part: Part) -> PathBuf {
    PathBuf::from(paper).join(dataset).join(format!("{row}.{part}.json"))
}

/// The try with the best value of `select`; those that failed have none.
pub fn best<'a, M: Ord + Preference>(tries: &'a [Try<M>], select: &M) -> Option<&'a Try<M>> {
    let measured = tries.iter().filter_map(|tried| Some((tried, *tried.values.get(select)?)));
    measured
        .filter(|(_, value)| !value.is_nan())
        .max_by(|(_, a), (_, b)| select.compare(*a, *b))
        .map(|(tried, _)| tried)
}
