//! One cell of a table: a recipe fitted with one seed and asked a task, kept under the hash of all that decides it.

mod fit;
mod map;
mod store;

use fit::Fit;
pub use map::{MapPoint, draw_map, map_name};
pub(crate) use store::Kept;
pub use store::Store;

use crate::course::{self, EpochRecord};
use crate::data::Data;
use crate::measure::{Measure, Measured, Preference};
use crate::paper::{DatasetUse, Part, Protocol, Row};
use crate::task::Task;
use crate::{LabError, table, workplace};
use seoro_core::{Histories, Score};
use seoro_models::registry::{self, Model};
use seoro_models::{DeviceName, FitError, Training};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Raised when the lab's own part of a protocol (which events are hidden, who is asked) may give other numbers than before.
const PROTOCOL_REVISION: u32 = 1;

/// What a cell holds once it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The hash it is kept under.
    pub key: String,
    /// The means over all questions, of the model as the fit left it.
    pub values: BTreeMap<Measure, f64>,
    /// One value a user, in their order, for paired tests.
    pub per_query: BTreeMap<Measure, Vec<f32>>,
    /// The best of the snapshots on test, for papers that reported so.
    pub best_on_test: Option<BestOnTest>,
    /// All epochs, where a picture is to show them.
    #[serde(default)]
    pub course: Vec<EpochRecord>,
    /// Some users and what they took, where a picture is to show them.
    #[serde(default)]
    pub map: Vec<MapPoint>,
    /// The last epoch, for models that have epochs.
    pub epochs: Option<usize>,
    /// Seconds the fit took: its epochs, before and after a resume, for models that have them; else the whole of it.
    pub seconds: f64,
    /// Seconds the evaluation took.
    pub evaluation_seconds: f64,
    /// The most memory held while fitting and evaluating, where the system tells.
    pub peak_rss_mb: Option<f64>,
    /// Where it was computed.
    pub device: String,
    /// On how many threads.
    pub threads: usize,
    /// By which code.
    pub commit: String,
}

impl Kept for Cell {
    fn key(&self) -> &str {
        &self.key
    }

    fn commit(&self) -> &str {
        &self.commit
    }
}

/// The epoch a paper that selects on test would have reported: printed beside the last epoch, never acted upon.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestOnTest {
    /// The epoch with the best value of what the protocol selects by.
    pub epoch: usize,
    /// Its means.
    pub values: BTreeMap<Measure, f64>,
}

/// What decides a cell.
pub struct Job<'a> {
    /// The row.
    pub row: &'a Row,
    /// The data set.
    pub data: &'a Data,
    /// Its use in the paper.
    pub usage: &'a DatasetUse,
    /// Which part of the report.
    pub part: Part,
    /// Its protocol.
    pub protocol: &'a Protocol,
    /// The seed.
    pub seed: u64,
    /// Where a network is trained.
    pub device: DeviceName,
}

/// A fit, and its cell, by the hashes of what decides them.
struct Identity {
    recipe: Model,
    fit: String,
    cell: String,
}

impl Job<'_> {
    /// The hash of all that decides the fit.
    fn fit_key(&self, recipe: &Model, threads: usize) -> String {
        let mut decided_by = serde_json::json!({
            "data": self.data.fingerprint,
            "split": self.protocol.split(self.usage),
            "split-revision": seoro_core::split::REVISION,
            // The seed's stream is named after the row; the same seed gives the same bytes on the same number of threads.
            "row": self.row.name,
            "threads": threads,
            "model": self.row.model,
            "recipe": recipe,
            "snapshots": self.row.snapshots,
            "seed": self.seed,
            "revision": recipe.revision(),
        });
        if recipe.on_device() {
            decided_by["device"] = serde_json::json!(self.device);
        }
        let seed_of_split = self.protocol.seed_of_split(self.usage, self.seed);
        if self.protocol.split(self.usage).is_drawn() && seed_of_split != self.seed {
            decided_by["seed-of-split"] = serde_json::json!(seed_of_split);
        }
        hash(&decided_by)
    }

    /// Where the recipe is fitted.
    fn device_of(&self, recipe: &Model) -> DeviceName {
        if recipe.on_device() { self.device } else { DeviceName::Cpu }
    }

    /// The hash of all that decides the cell.
    fn key(&self, fit: &str) -> String {
        let mut decided_by = serde_json::json!({
            "fit": fit,
            "negatives": self.usage.negatives,
            "part": self.part,
            "protocol": self.protocol,
            "revision": measure_revisions(),
        });
        if self.usage.forgotten > 0.0 {
            decided_by["forgotten"] = serde_json::json!(self.usage.forgotten);
        }
        if self.has_course() {
            decided_by["course"] = serde_json::json!(course::REVISION);
        }
        if self.has_map() {
            decided_by["map"] = serde_json::json!(map::REVISION);
        }
        hash(&decided_by)
    }

    /// The cell, from the store or by fitting and asking.
    ///
    /// # Errors
    /// A bad recipe, a failed fit or evaluation, a store that cannot be written.
    pub fn run(
        &self,
        task: &Task,
        threads: usize,
        store: &Store,
        tell: &dyn Fn(String),
    ) -> Result<Cell, LabError> {
        // All cores are so many, whatever the environment says of pools: the number is part of the key.
        let threads = workplace::threads(threads);
        if self.row.is_oracle() {
            return self.run_oracle(task, threads);
        }
        let Identity { recipe, fit: fit_key, cell: key } = self.identity(threads)?;
        if let Some(cell) = store.find(&key) {
            return Ok(cell);
        }
        if self.has_map() {
            map::check(self, task)?;
        }
        workplace::reset_peak_rss();
        let known = store.last().clone().filter(|(last, _)| *last == fit_key);
        let fit = match known {
            Some((_, fit)) => fit,
            None => {
                let lock = store.lock(&fit_key, tell)?;
                // Another process may have computed it in the meantime.
                if let Some(cell) = store.find(&key) {
                    return Ok(cell);
                }
                let fit = self.fit(&recipe, task, threads, &store.fit_folder(&fit_key)?, lock, tell)?;
                let fit = Arc::new(fit);
                *store.last() = Some((fit_key, Arc::clone(&fit)));
                fit
            }
        };
        let cell = self.measure(key, task, threads, &fit)?;
        store.keep(&cell)?;
        Ok(cell)
    }

    /// Whether the store has the cell.
    ///
    /// # Errors
    /// A bad recipe.
    pub fn is_kept(&self, threads: usize, store: &Store) -> Result<bool, LabError> {
        let identity = self.identity(workplace::threads(threads))?;
        Ok(store.find::<Cell>(&identity.cell).is_some())
    }

    fn identity(&self, threads: usize) -> Result<Identity, LabError> {
        // Recipes are of data sets, whatever a paper calls a use of one.
        let recipe = self.row.recipe(&self.data.source, self.part)?;
        let fit = self.fit_key(&recipe, threads);
        let cell = self.key(&fit);
        Ok(Identity { recipe, fit, cell })
    }

    fn run_oracle(&self, task: &Task, threads: usize) -> Result<Cell, LabError> {
        let oracle = self.data.oracle.as_deref().ok_or_else(|| {
            LabError::Usage(format!("{}: only the embedded world has an oracle", self.data.name))
        })?;
        workplace::reset_peak_rss();
        let start = Instant::now();
        let evaluation = self.evaluate(task, oracle, threads)?;
        Ok(self.cell(self.key("oracle"), &evaluation, start.elapsed().as_secs_f64(), threads))
    }

    /// Scores the fitted model, and only then the snapshots: nothing of this can reach the fit.
    fn measure(&self, key: String, task: &Task, threads: usize, fit: &Fit) -> Result<Cell, LabError> {
        let start = Instant::now();
        let evaluation = self.evaluate(task, fit.model.as_score(), threads)?;
        let mut cell = self.cell(key, &evaluation, 0.0, threads);
        // The honest part never looks at test for an epoch.
        if self.part == Part::AsPublished {
            self.follow(&mut cell, task, threads, fit)?;
        }
        if self.has_map() {
            cell.map = map::of(self, task, fit.model.as_score(), threads)?;
        }
        cell.epochs = fit.epochs;
        cell.device = fit.device.to_string();
        cell.seconds = fit.seconds;
        cell.evaluation_seconds = start.elapsed().as_secs_f64();
        cell.peak_rss_mb = fit.peak_rss_mb.into_iter().chain(workplace::peak_rss_mb()).reduce(f64::max);
        Ok(cell)
    }

    /// What the snapshots are worth, and which is best.
    fn follow(&self, cell: &mut Cell, task: &Task, threads: usize, fit: &Fit) -> Result<(), LabError> {
        let select = self.protocol.select;
        if self.has_course() {
            cell.course = fit.course.clone();
        }
        for (epoch, path) in &fit.snapshots {
            let snapshot = registry::load(path).map_err(|source| self.fit_error(source.into()))?;
            let values = means(&self.evaluate(task, snapshot.as_score(), threads)?, &self.protocol.metrics);
            if let Some(record) = cell.course.iter_mut().find(|record| record.epoch == *epoch) {
                record.values =
                    values.iter().map(|(&metric, &value)| (metric, table::round(value))).collect();
            }
            let is_better = |best: &BestOnTest| select.compare(values[&select], best.values[&select]).is_gt();
            if cell.best_on_test.as_ref().is_none_or(is_better) {
                cell.best_on_test = Some(BestOnTest { epoch: *epoch, values });
            }
        }
        Ok(())
    }

    /// Whether a picture is to show its epochs.
    fn has_course(&self) -> bool {
        self.is_drawn_from() && self.usage.courses.contains(&self.row.name)
    }

    /// Whether a picture is to show some of its users and items.
    fn has_map(&self) -> bool {
        self.is_drawn_from() && self.usage.maps.contains(&self.row.name)
    }

    /// Pictures are of one part and one seed.
    fn is_drawn_from(&self) -> bool {
        self.part == Part::AsPublished && self.seed == 1
    }

    fn evaluate(&self, task: &Task, model: &dyn Score, threads: usize) -> Result<Measured, LabError> {
        task.evaluate(model, threads).map_err(|source| LabError::Eval {
            row: self.row.name.clone(),
            dataset: self.data.name.clone(),
            source,
        })
    }

    fn cell(&self, key: String, evaluation: &Measured, seconds: f64, threads: usize) -> Cell {
        let metrics = &self.protocol.metrics;
        let single = |metric: &Measure| {
            (*metric, evaluation.by_user(*metric).iter().map(|&value| value as f32).collect())
        };
        Cell {
            key,
            values: means(evaluation, metrics),
            per_query: metrics.iter().map(single).collect(),
            best_on_test: None,
            course: Vec::new(),
            map: Vec::new(),
            epochs: None,
            seconds: 0.0,
            evaluation_seconds: seconds,
            peak_rss_mb: workplace::peak_rss_mb(),
            device: DeviceName::Cpu.to_string(),
            threads,
            commit: workplace::commit(),
        }
    }

    fn fit_error(&self, source: FitError) -> LabError {
        LabError::Fit { row: self.row.name.clone(), dataset: self.data.name.clone(), source }
    }
}

/// The revisions of all that turns scores into numbers.
pub(crate) fn measure_revisions() -> [u32; 3] {
    [PROTOCOL_REVISION, seoro_eval::protocol::REVISION, seoro_eval::metric::REVISION]
}

pub(crate) fn hash(decided_by: &serde_json::Value) -> String {
    let digest = Sha256::digest(decided_by.to_string().as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn means(evaluation: &Measured, metrics: &[Measure]) -> BTreeMap<Measure, f64> {
    metrics.iter().map(|&metric| (metric, evaluation.mean(metric).unwrap_or(f64::NAN))).collect()
}

/// What a model may learn from in a task.
pub fn training<'a>(data: &'a Data, task: &'a Task) -> Training<'a> {
    let histories: &Histories = &task.histories;
    let mut training = Training::new(&task.train, histories);
    training.users = data.users.as_ref();
    training.items = data.items.as_ref();
    training.signals = task.signals.as_ref();
    training
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Folders};
    use crate::paper;

    #[test]
    fn fits_that_may_differ_have_keys_that_differ() {
        let papers = paper::read_all(&workplace::root().join("docs/papers")).expect("the papers");
        let paper = papers.recommenders.iter().find(|paper| paper.name == "ncf").expect("is there");
        let data = data::open("world", &Folders::new(None)).expect("the world").expect("is always at hand");
        let part = Part::AsPublished;
        let key = |row: &str, seed: u64, threads: usize| {
            let row = paper.row(row).expect("a row");
            let (usage, protocol) = (&paper.datasets["world"], paper.protocol(part));
            let job = Job { row, data: &data, usage, part, protocol, seed, device: DeviceName::Cpu };
            // One recipe for all: what differs is the rest.
            let recipe = paper.row("ease").and_then(|row| row.recipe("world", part)).expect("a recipe");
            job.fit_key(&recipe, threads)
        };
        let fit = key("ease", 1, 2);
        assert_eq!(fit, key("ease", 1, 2));
        for other in [key("ease", 2, 2), key("ease", 1, 1), key("rp3-beta", 1, 2)] {
            assert_ne!(fit, other);
        }
    }

    #[test]
    fn fits_of_another_split_have_another_key() {
        let paper = paper::small("");
        let data = data::open("world", &Folders::new(None)).expect("the world").expect("is always at hand");
        let row = paper.row("pop").expect("a row");
        let key = |part: Part, seed: u64| {
            let (usage, protocol) = (&paper.datasets["world"], paper.protocol(part));
            let job = Job { row, data: &data, usage, part, protocol, seed, device: DeviceName::Cpu };
            job.fit_key(&row.recipe("world", part).expect("a recipe"), 1)
        };
        // The honest part has the first seed's split for all.
        assert_eq!(key(Part::AsPublished, 1), key(Part::Honest, 1));
        assert_ne!(key(Part::AsPublished, 2), key(Part::Honest, 2));
    }
}
