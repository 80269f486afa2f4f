//! What one learner makes of one data set with one seed, kept under the hash of all that decides it.

use super::{Learner, Subject, Task};
use crate::cell::{Kept, Store, hash};
use crate::paper::{Part, VectorPaper, VectorRow};
use crate::table::{ResultRow, Selection, round};
use crate::{LabError, workplace};
use seoro_eval::significance::{mean, std};
use seoro_models::DeviceName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Raised when what vectors are held to may give other numbers than before.
const REVISION: u32 = 2;

/// The seed of every try of a search.
pub const SEARCH_SEED: u64 = 1;

/// What is known of vectors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorCell {
    /// The hash it is kept under.
    pub key: String,
    /// The measures, by name.
    pub values: BTreeMap<String, f64>,
    /// How long learning took.
    pub seconds: f64,
    /// On how many threads.
    pub threads: usize,
    /// The most memory held, where the system tells.
    pub peak_rss_mb: Option<f64>,
    /// By which code.
    pub commit: String,
}

impl Kept for VectorCell {
    fn key(&self) -> &str {
        &self.key
    }

    fn commit(&self) -> &str {
        &self.commit
    }
}

/// What decides a cell.
pub struct VectorJob<'a> {
    /// The row.
    pub row: &'a VectorRow,
    /// What learns.
    pub learner: &'a Learner,
    /// What is learned from and held to.
    pub task: Task,
    /// The same, read.
    pub subject: &'a dyn Subject,
    /// The seed.
    pub seed: u64,
    /// How many threads; 0 for all cores.
    pub threads: usize,
    /// The Python that has the peers.
    pub python: Option<&'a Path>,
}

impl VectorJob<'_> {
    /// The cell, from the store or by learning; `None` for a peer that nobody can ask.
    ///
    /// # Errors
    /// A training that fails; a store that cannot be written.
    pub fn run(&self, store: &Store) -> Result<Option<VectorCell>, LabError> {
        let threads = workplace::threads(self.threads);
        let key = hash(&serde_json::json!({
            "task": self.task,
            "data": self.subject.fingerprint(),
            "row": self.row.name,
            "learner": self.learner,
            "seed": self.seed,
            "threads": threads,
            "revision": [REVISION, self.learner.revision()],
        }));
        if let Some(cell) = store.find(&key) {
            return Ok(Some(cell));
        }
        if self.learner.is_peer() && self.python.is_none() {
            return Ok(None);
        }
        workplace::reset_peak_rss();
        let (values, seconds) = self.subject.measure(self.learner, self.seed, threads, self.python)?;
        let peak_rss_mb = workplace::peak_rss_mb().filter(|_| !self.learner.is_peer());
        let cell = VectorCell { key, values, seconds, threads, peak_rss_mb, commit: workplace::commit() };
        store.keep(&cell)?;
        Ok(Some(cell))
    }
}

/// The hash of all that decides a try of a search but the hyper-parameters it sets and its threads: tries of another key
/// say nothing of this search.
///
/// # Errors
/// [`LabError::Usage`] for hyper-parameters that the model does not have.
pub fn vector_search_key(row: &VectorRow, task: Task, fingerprint: &str) -> Result<String, LabError> {
    let defaults = Learner::parse(&row.model, &toml::Table::new()).map_err(LabError::Usage)?;
    Ok(hash(&serde_json::json!({
        "task": task,
        "data": fingerprint,
        // What a recipe does not set.
        "defaults": defaults,
        "seed": SEARCH_SEED,
        "revision": [REVISION, defaults.revision()],
    })))
}

/// One measure of a row.
pub type VectorResult = ResultRow<String>;

/// The rows of results of one row on one data set, by its cells of all seeds.
pub fn results(paper: &VectorPaper, row: &VectorRow, task: Task, cells: &[VectorCell]) -> Vec<VectorResult> {
    let Some(first) = cells.first() else { return Vec::new() };
    let seconds: Vec<f64> = cells.iter().map(|cell| cell.seconds).collect();
    let of_metric = |&metric: &&str| {
        let values: Vec<f64> = cells.iter().filter_map(|cell| cell.values.get(metric)).copied().collect();
        (!values.is_empty()).then(|| ResultRow {
            paper: paper.name.clone(),
            table: "ours".to_owned(),
            row: row.name.clone(),
            dataset: task.name().to_owned(),
            protocol: Part::AsPublished,
            metric: metric.to_owned(),
            effort: None,
            published: None,
            source: None,
            status: None,
            tolerance: None,
            value: round(mean(&values)),
            std: if values.len() > 1 { round(std(&values)) } else { 0.0 },
            seeds: values.len(),
            seconds: round(mean(&seconds)),
            peak_rss_mb: cells.iter().filter_map(|cell| cell.peak_rss_mb).reduce(f64::max),
            device: DeviceName::Cpu.to_string(),
            threads: first.threads,
            commit: first.commit.clone(),
            within: None,
            selection: Selection::Last,
            epoch: None,
            p_against_best: None,
            behind_best: None,
            ahead_of_next: BTreeMap::new(),
        })
    };
    task.metrics().iter().filter_map(of_metric).collect()
}

/// `old` with the rows that `new` measured again replaced, in the order of the paper's data sets and rows.
pub fn merge(paper: &VectorPaper, old: Vec<VectorResult>, new: Vec<VectorResult>) -> Vec<VectorResult> {
    let is_same = |a: &VectorResult, b: &VectorResult| a.row == b.row && a.dataset == b.dataset;
    let place = |result: &VectorResult| {
        let dataset = paper.datasets.keys().position(|task| task.name() == result.dataset)?;
        Some((dataset, paper.rows.iter().position(|row| row.name == result.row)?))
    };
    let kept = old.into_iter().filter(|old| !new.iter().any(|new| is_same(old, new)));
    let mut rows: Vec<VectorResult> = kept.filter(|old| place(old).is_some()).collect();
    rows.extend(new);
    rows.sort_by_key(place);
    rows
}
