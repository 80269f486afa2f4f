//! `search`: hyper-parameters chosen on validation data, with every try in a log.

mod log;

pub use log::{Try, best, log_name};

use crate::cell::{self, training};
use crate::data::{self, Data, Folders};
use crate::measure::{Measure, Preference};
use crate::paper::{self, DatasetUse, Paper, Part, Protocol, Row, Search};
use crate::progress::Progress;
use crate::task::{Side, Task};
use crate::{LabError, rows, workplace};
use seoro_core::{Score, Seed};
use seoro_models::{Epoch, FitError, Run};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// The seed of every try.
const SEED: u64 = 1;

/// Chooses a row's hyper-parameters on validation data.
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// The paper
    #[arg(long)]
    pub(super) paper: String,
    /// These rows [default: all with a search on the data set]
    #[arg(long)]
    pub(super) row: Vec<String>,
    /// The data set
    #[arg(long)]
    pub(super) dataset: String,
    /// Select by the honest part's protocol instead of the published one
    #[arg(long)]
    pub(super) honest: bool,
    /// The folder that holds the data sets
    #[arg(long, env = "SEORO_DATA", value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Keep the tries of an earlier search
    #[arg(long)]
    pub(super) resume: bool,
    /// How many threads [default: all cores]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(super) threads: usize,
    /// Copy the log to docs/results/search
    #[arg(long)]
    pub(super) publish: bool,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps a search from ending.
#[allow(clippy::print_stdout)] // a command speaks to its user
pub fn run(args: &SearchArgs) -> Result<(), LabError> {
    if args.publish && workplace::is_dirty() {
        return Err(LabError::DirtyTree);
    }
    let papers = paper::read_all(&workplace::root().join("docs/papers"))?;
    if let Some(paper) = papers.vectors.iter().find(|paper| paper.name == args.paper) {
        return super::vectors::search(paper, args);
    }
    let (papers, vectors) = (papers.recommenders, papers.vectors);
    let names = papers.iter().map(|paper| &paper.name).chain(vectors.iter().map(|paper| &paper.name));
    let known = names.cloned().collect::<Vec<_>>().join(", ");
    let paper = papers.iter().find(|paper| paper.name == args.paper);
    let paper = paper.ok_or_else(|| LabError::Unknown { kind: "paper", name: args.paper.clone(), known })?;
    let usage = paper.datasets.get(&args.dataset).ok_or_else(|| LabError::Unknown {
        kind: "data set",
        name: args.dataset.clone(),
        known: paper.datasets.keys().cloned().collect::<Vec<_>>().join(", "),
    })?;
    let part = if args.honest { Part::Honest } else { Part::AsPublished };
    let found = data::open(usage.source(&args.dataset), &Folders::new(args.data.as_deref()))?;
    let data = found.map(|data| data.called(&args.dataset)).ok_or_else(|| {
        LabError::Usage(format!("{}: not at hand; name its folder with --data DIR", args.dataset))
    })?;
    let chosen = chosen(paper, part, args)?;
    let protocol = paper.protocol(part);
    let task = Task::new(&data, usage, protocol, Side::Validation, SEED)?;
    for (row, search) in chosen {
        let key = search_key(row, search, &data.fingerprint, usage, protocol)?;
        let scene = Scene { paper, row, data: &data, task: &task, protocol, part, key, args };
        let best = scene.search(search)?;
        println!("{}", best_line(row, &best, protocol.select));
    }
    Ok(())
}

/// The rows asked for that have a search on the data set, in the part.
fn chosen<'a>(
    paper: &'a Paper,
    part: Part,
    args: &SearchArgs,
) -> Result<Vec<(&'a Row, &'a Search)>, LabError> {
    let dataset = args.dataset.as_str();
    let search = |row: &'a Row| row.search(dataset, part).filter(|_| row.is_in(part) && row.is_on(dataset));
    for name in &args.row {
        if search(paper.row(name)?).is_none() {
            let what = format!("row {name}: no search on {dataset}, {part}; expected [row.search]");
            return Err(LabError::Usage(what));
        }
    }
    let rows = paper.rows.iter().filter(|row| args.row.is_empty() || args.row.contains(&row.name));
    let chosen: Vec<_> = rows.filter_map(|row| Some((row, search(row)?))).collect();
    if chosen.is_empty() {
        let name = &paper.name;
        let what = format!("{name}: no row has a search on {dataset}, {part}; expected [row.search]");
        return Err(LabError::Usage(what));
    }
    Ok(chosen)
}

/// The hash of all that decides a try but the hyper-parameters it sets and its threads: tries of another key say nothing
/// of this search.
///
/// # Errors
/// [`LabError::Usage`] for a row whose model has no recipe.
pub fn search_key(
    row: &Row,
    search: &Search,
    fingerprint: &str,
    usage: &DatasetUse,
    protocol: &Protocol,
) -> Result<String, LabError> {
    Ok(cell::hash(&decided_by(row, search, fingerprint, usage, protocol)?))
}

/// What [`search_key`] is the hash of.
fn decided_by(
    row: &Row,
    search: &Search,
    fingerprint: &str,
    usage: &DatasetUse,
    protocol: &Protocol,
) -> Result<serde_json::Value, LabError> {
    let model = row.parse_recipe(&toml::Table::new()).map_err(LabError::Usage)?;
    let mut decided_by = serde_json::json!({
        "data": fingerprint,
        "split": protocol.split(usage),
        "negatives": usage.negatives,
        "protocol": protocol,
        "model": row.model,
        // What a recipe does not set.
        "defaults": model,
        "every": search.every,
        "seed": SEED,
        "revision": [model.revision(), seoro_core::split::REVISION],
        "measures": cell::measure_revisions(),
    });
    if usage.forgotten > 0.0 {
        decided_by["forgotten"] = serde_json::json!(usage.forgotten);
    }
    if protocol.split(usage).is_drawn() {
        // The revision of how validation data are drawn.
        decided_by["validation"] = serde_json::json!(1);
    }
    Ok(decided_by)
}

fn best_line(row: &Row, best: &Try, select: Measure) -> String {
    let epoch = best.epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
    let value = best.values.get(&select).copied().unwrap_or(f64::NAN);
    format!("{}: {select} {value:.4}{epoch} with {}", row.name, serde_json::json!(best.recipe))
}

struct Scene<'a> {
    paper: &'a Paper,
    row: &'a Row,
    data: &'a Data,
    task: &'a Task,
    protocol: &'a Protocol,
    part: Part,
    key: String,
    args: &'a SearchArgs,
}

impl Scene<'_> {
    fn search(&self, search: &Search) -> Result<Try, LabError> {
        let name = log_name(&self.paper.name, &self.data.name, &self.row.name, self.part);
        let log = workplace::target().join("experiments/search").join(&name);
        let published = workplace::root().join("docs/results/search").join(&name);
        let threads = workplace::threads(self.args.threads);
        let mut tries = Vec::new();
        if self.args.resume {
            let known: Vec<Try> = rows::read(if log.exists() { &log } else { &published })?;
            tries.extend(known.into_iter().filter(|tried| tried.key == self.key && tried.threads == threads));
        }
        let recipes = search.recipes(&self.row.name);
        let progress = Progress::new(recipes.len(), &format!("{} {}", self.data.name, self.row.name));
        for recipe in recipes {
            progress.say(&serde_json::json!(recipe).to_string());
            if !tries.iter().any(|tried| tried.recipe == recipe) {
                tries.push(self.attempt(recipe, search.every)?);
                rows::write(&log, &tries)?;
            }
            progress.step();
        }
        if self.args.publish {
            rows::write(&published, &tries)?;
        }
        best(&tries, &self.protocol.select)
            .cloned()
            .ok_or_else(|| LabError::Usage(format!("row {}: no try of the search succeeded", self.row.name)))
    }

    /// One try; a recipe whose fit diverges is a failed try, not the end of the search.
    fn attempt(&self, recipe: toml::Table, every: usize) -> Result<Try, LabError> {
        let start = Instant::now();
        let (found, failed) = match self.fit(&recipe, every) {
            Ok(found) => (found, None),
            Err(LabError::Fit { source, .. }) if is_of_the_recipe(&source) => {
                (Found::default(), Some(source.to_string()))
            }
            Err(error) => return Err(error),
        };
        Ok(Try {
            key: self.key.clone(),
            recipe,
            epoch: found.epoch,
            values: found.values,
            course: found.course,
            failed,
            threads: workplace::threads(self.args.threads),
            seconds: (start.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        })
    }

    /// Fits a recipe, asking validation data every so many epochs and at the end: the best of these.
    fn fit(&self, recipe: &toml::Table, every: usize) -> Result<Found, LabError> {
        let model = self.row.parse_recipe(recipe).map_err(LabError::Usage)?;
        let mut found = Found::default();
        let mut failed = None;
        let mut measure = |epoch: Option<usize>, model: &dyn Score| match self.values(model) {
            Ok(values) => found.keep_better(epoch, values, self.protocol.select),
            Err(error) => failed = Some(error),
        };
        let last_epoch = Cell::new(None);
        let mut observe = |epoch: Epoch<'_>| {
            if every > 0 && epoch.epoch.is_multiple_of(every) && epoch.epoch < epoch.epochs {
                measure(Some(epoch.epoch), (epoch.snapshot)().as_score());
            }
            last_epoch.set(Some(epoch.epoch));
        };
        let mut run = Run::new(Seed::new(SEED).child(&self.row.name));
        // All cores are so many, whatever the environment says of pools: the log records the number.
        run.threads = workplace::threads(self.args.threads);
        run.observe = Some(&mut observe);
        let fitted = model.fit(&training(self.data, self.task), &mut run);
        drop(run);
        let fitted = fitted.map_err(|source| LabError::Fit {
            row: self.row.name.clone(),
            dataset: self.data.name.clone(),
            source,
        })?;
        if every > 0 && last_epoch.get().is_none() {
            let what =
                format!("row {}: every = {every}, but {} has no epochs", self.row.name, self.row.model);
            return Err(LabError::Usage(what));
        }
        measure(last_epoch.get(), fitted.as_score());
        failed.map_or(Ok(found), Err)
    }

    fn values(&self, model: &dyn Score) -> Result<BTreeMap<Measure, f64>, LabError> {
        let evaluation = self.task.evaluate(model, self.args.threads).map_err(|source| LabError::Eval {
            row: self.row.name.clone(),
            dataset: self.data.name.clone(),
            source,
        })?;
        let metrics = self.protocol.metrics.iter();
        Ok(metrics.map(|&metric| (metric, round(evaluation.mean(metric).unwrap_or(f64::NAN)))).collect())
    }
}

/// The best state of one fit on validation data.
#[derive(Default)]
struct Found {
    epoch: Option<usize>,
    values: BTreeMap<Measure, f64>,
    /// By epoch.
    course: Vec<(usize, f64)>,
}

impl Found {
    fn keep_better(&mut self, epoch: Option<usize>, values: BTreeMap<Measure, f64>, select: Measure) {
        let new = values.get(&select).copied().unwrap_or(f64::NAN);
        self.course.extend(epoch.map(|epoch| (epoch, new)));
        if self.values.get(&select).is_none_or(|&best| select.compare(new, best).is_gt()) {
            (self.epoch, self.values) = (epoch, values);
        }
    }
}

/// Whether other hyper-parameters would do.
pub(super) fn is_of_the_recipe(error: &FitError) -> bool {
    matches!(error, FitError::Diverged { .. } | FitError::Numeric { .. })
}

fn round(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search on the embedded world with this recipe alone.
    fn attempt(row: &str, recipe: &str, every: usize) -> Result<Try, LabError> {
        let papers =
            paper::read_all(&workplace::root().join("docs/papers")).expect("the papers").recommenders;
        let paper = papers.iter().find(|paper| paper.name == "ncf").expect("is there");
        let data = data::open("world", &Folders::new(None)).expect("the world").expect("is always at hand");
        let (usage, protocol) = (&paper.datasets["world"], paper.protocol(Part::Honest));
        let task = Task::new(&data, usage, protocol, Side::Validation, SEED).expect("a task");
        let row = paper.row(row).expect("a row");
        let args = SearchArgs {
            paper: paper.name.clone(),
            row: Vec::new(),
            dataset: data.name.clone(),
            honest: true,
            data: None,
            resume: false,
            threads: 1,
            publish: false,
        };
        let search = Search { grid: BTreeMap::new(), draws: None, every };
        let key = search_key(row, &search, &data.fingerprint, usage, protocol).expect("a key");
        let scene =
            Scene { paper, row, data: &data, task: &task, protocol, part: Part::Honest, key, args: &args };
        scene.attempt(toml::from_str(recipe).expect("a recipe"), every)
    }

    #[test]
    fn a_fit_that_diverges_is_a_failed_try_and_never_the_best() {
        let failed =
            attempt("funk-svd", "learning_rate = 1e6\nregularization = 0.0\nepochs = 2", 1).expect("a try");
        assert!(failed.failed.is_some() && failed.values.is_empty(), "{failed:?}");
        let fine = attempt("funk-svd", "factors = 4\nepochs = 2", 1).expect("a try");
        assert!(fine.failed.is_none() && fine.values.len() == 2, "{fine:?}");
        let select: Measure = "ndcg@10".parse().expect("a metric");
        let tries = [failed.clone(), fine, failed.clone()];
        assert_eq!(best(&tries, &select).map(|tried| tried.recipe.clone()), Some(tries[1].recipe.clone()));
        assert!(best(&[failed], &select).is_none());
    }

    #[test]
    fn what_is_no_fault_of_the_recipe_ends_the_search() {
        let error = attempt("top-pop", "", 2).expect_err("popularity has no epochs");
        assert!(error.to_string().contains("no epochs"), "{error}");
    }

    #[test]
    fn searches_of_another_protocol_have_another_key() {
        let papers =
            paper::read_all(&workplace::root().join("docs/papers")).expect("the papers").recommenders;
        let paper = papers.iter().find(|paper| paper.name == "ncf").expect("is there");
        let row = paper.row("ease").expect("a row");
        let key = |data: &str, part: Part| {
            let search = row.search("world", part).expect("a search");
            search_key(row, search, data, &paper.datasets["world"], paper.protocol(part)).expect("a key")
        };
        let one = key("a", Part::Honest);
        assert_eq!(one, key("a", Part::Honest));
        assert_ne!(one, key("b", Part::Honest));
        assert_ne!(one, key("a", Part::AsPublished));
    }

    #[test]
    fn forgetting_makes_another_search() {
        let paper = paper::small("");
        let row = paper.row("ease").expect("a row");
        let search = Search { grid: BTreeMap::new(), draws: None, every: 0 };
        let key = |usage: &str| {
            let usage = &paper.datasets[usage];
            search_key(row, &search, "a", usage, paper.protocol(Part::Honest)).expect("a key")
        };
        assert_ne!(key("world"), key("world-in-part"));
    }

    #[test]
    fn how_validation_data_are_drawn_decides_where_they_are_drawn() {
        let drawn = paper::small("");
        let papers = paper::read_all(&workplace::root().join("docs/papers")).expect("the papers");
        let latest = papers.recommenders.iter().find(|paper| paper.name == "ncf").expect("is there");
        let search = Search { grid: BTreeMap::new(), draws: None, every: 0 };
        let revision = |paper: &Paper| {
            let (row, usage) = (paper.row("ease").expect("a row"), &paper.datasets["world"]);
            let decided =
                decided_by(row, &search, "a", usage, paper.protocol(Part::Honest)).expect("a model");
            decided.get("validation").cloned()
        };
        assert_eq!(revision(&drawn), Some(serde_json::json!(1)));
        assert_eq!(revision(latest), None);
    }

    #[test]
    fn where_nothing_is_searched_for_that_is_said() {
        let mut args = SearchArgs {
            paper: "small".to_owned(),
            row: Vec::new(),
            dataset: "world".to_owned(),
            honest: false,
            data: None,
            resume: false,
            threads: 1,
            publish: false,
        };
        let paper = paper::small("");
        let said = chosen(&paper, Part::AsPublished, &args).expect_err("no row has a search").to_string();
        assert!(said.contains("no row has a search on world, as-published"), "{said}");
        args.row.push("pop".to_owned());
        let said = chosen(&paper, Part::Honest, &args).expect_err("a row without a search").to_string();
        assert!(said.contains("row pop: no search on world, honest"), "{said}");
    }
}
