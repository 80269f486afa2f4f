//! `search`: hyper-parameters chosen on validation data, with every try in a log.

use crate::cell::training;
use crate::data::{self, Data, Folders};
use crate::paper::{self, Paper, Part, Protocol, Row, Search};
use crate::progress::Progress;
use crate::task::{Side, Task};
use crate::{LabError, rows, workplace};
use seoro_core::{Score, Seed};
use seoro_eval::Metric;
use seoro_models::{Epoch, Run};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Chooses a row's hyper-parameters on validation data.
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// The paper
    #[arg(long)]
    paper: String,
    /// These rows [default: all with a search on the data set]
    #[arg(long)]
    row: Vec<String>,
    /// The data set
    #[arg(long)]
    dataset: String,
    /// Select by the honest part's protocol instead of the published one
    #[arg(long)]
    honest: bool,
    /// The folder that holds the data sets
    #[arg(long, env = "SEORO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the tries of an earlier search
    #[arg(long)]
    resume: bool,
    /// How many threads [default: all cores]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Copy the log to docs/results/search
    #[arg(long)]
    publish: bool,
}

/// One try: a recipe and what validation data says of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// The hyper-parameters that were set.
    pub recipe: toml::Table,
    /// The best epoch, for models that have epochs.
    pub epoch: Option<usize>,
    /// What was measured at it.
    pub values: BTreeMap<Metric, f64>,
    /// Seconds for the fit and its measures.
    pub seconds: f64,
}

impl Try {
    /// The recipe to use: what was tried, for as many epochs as were best.
    pub fn found(&self) -> toml::Table {
        let mut recipe = self.recipe.clone();
        if let (Some(epoch), true) = (self.epoch, recipe.contains_key("epochs")) {
            recipe.insert("epochs".to_owned(), toml::Value::Integer(epoch as i64));
        }
        recipe
    }
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps a search from ending.
#[allow(clippy::print_stdout)] // a command speaks to its user
pub fn run(args: &SearchArgs) -> Result<(), LabError> {
    let papers = paper::read_all(&workplace::root().join("docs/papers"))?;
    let known = papers.iter().map(|paper| paper.name.clone()).collect::<Vec<_>>().join(", ");
    let paper = papers.iter().find(|paper| paper.name == args.paper);
    let paper = paper.ok_or_else(|| LabError::Unknown { kind: "paper", name: args.paper.clone(), known })?;
    let usage = paper.datasets.get(&args.dataset).ok_or_else(|| LabError::Unknown {
        kind: "data set",
        name: args.dataset.clone(),
        known: paper.datasets.keys().cloned().collect::<Vec<_>>().join(", "),
    })?;
    let data = data::open(&args.dataset, &Folders::new(args.data.as_deref()))?.ok_or_else(|| {
        LabError::Usage(format!("{}: not at hand; name its folder with --data DIR", args.dataset))
    })?;
    let part = if args.honest { Part::Honest } else { Part::AsPublished };
    let protocol = paper.protocol(part);
    let task = Task::new(&data, usage, protocol, Side::Validation)?;
    for row in &args.row {
        paper.row(row)?;
    }
    let chosen = |row: &&Row| args.row.is_empty() || args.row.contains(&row.name);
    for row in paper.rows.iter().filter(chosen) {
        let Some(search) = row.searches.get(&args.dataset) else { continue };
        let scene = Scene { paper, row, data: &data, task: &task, protocol, part, args };
        let best = scene.search(search)?;
        println!("{}", best_line(row, &best, protocol.select));
    }
    Ok(())
}

fn best_line(row: &Row, best: &Try, select: Metric) -> String {
    let epoch = best.epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
    format!(
        "{}: {select} {:.4}{epoch} with {}",
        row.name,
        best.values[&select],
        serde_json::json!(best.recipe)
    )
}

struct Scene<'a> {
    paper: &'a Paper,
    row: &'a Row,
    data: &'a Data,
    task: &'a Task,
    protocol: &'a Protocol,
    part: Part,
    args: &'a SearchArgs,
}

impl Scene<'_> {
    fn search(&self, search: &Search) -> Result<Try, LabError> {
        let name = log_name(&self.paper.name, &self.data.name, &self.row.name, self.part);
        let log = workplace::target().join("experiments/search").join(&name);
        let mut tries: Vec<Try> = if self.args.resume { rows::read(&log)? } else { Vec::new() };
        let recipes = recipes(search, self.row);
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
            rows::write(&workplace::root().join("docs/results/search").join(&name), &tries)?;
        }
        best(&tries, self.protocol.select)
            .cloned()
            .ok_or_else(|| LabError::Usage(format!("row {}: an empty search", self.row.name)))
    }

    fn attempt(&self, recipe: toml::Table, every: usize) -> Result<Try, LabError> {
        let model = self.row.parse_recipe(&recipe).map_err(LabError::Usage)?;
        let start = Instant::now();
        let mut found: Option<(Option<usize>, BTreeMap<Metric, f64>)> = None;
        let mut failed = None;
        let mut measure = |epoch: Option<usize>, model: &dyn Score| match self.values(model) {
            Ok(values) => {
                let select = self.protocol.select;
                if found.as_ref().is_none_or(|(_, best)| values[&select] > best[&select]) {
                    found = Some((epoch, values));
                }
            }
            Err(error) => failed = Some(error),
        };
        let last_epoch = Cell::new(None);
        let mut observe = |epoch: Epoch<'_>| {
            if every > 0 && epoch.epoch.is_multiple_of(every) && epoch.epoch < epoch.epochs {
                measure(Some(epoch.epoch), (epoch.snapshot)().as_score());
            }
            last_epoch.set(Some(epoch.epoch));
        };
        let mut run = Run::new(Seed::new(1).child(&self.row.name));
        run.threads = self.args.threads;
        run.observe = Some(&mut observe);
        let fitted = model.fit(&training(self.data, self.task), &mut run);
        drop(run);
        let fitted = fitted.map_err(|source| LabError::Fit {
            row: self.row.name.clone(),
            dataset: self.data.name.clone(),
            source,
        })?;
        measure(last_epoch.get(), fitted.as_score());
        if let Some(error) = failed {
            return Err(error);
        }
        let (epoch, values) = found.unwrap_or_default();
        Ok(Try { recipe, epoch, values, seconds: (start.elapsed().as_secs_f64() * 10.0).round() / 10.0 })
    }

    fn values(&self, model: &dyn Score) -> Result<BTreeMap<Metric, f64>, LabError> {
        let evaluation = self.task.evaluate(model, self.args.threads).map_err(|source| LabError::Eval {
            row: self.row.name.clone(),
            dataset: self.data.name.clone(),
            source,
        })?;
        let metrics = self.protocol.metrics.iter();
        Ok(metrics.map(|&metric| (metric, round(evaluation.mean(metric).unwrap_or(f64::NAN)))).collect())
    }
}

fn round(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

/// The log's name: `PAPER/DATASET/ROW.PART.json`.
pub fn log_name(paper: &str, dataset: &str, row: &str, part: Part) -> PathBuf {
    PathBuf::from(paper).join(dataset).join(format!("{row}.{part}.json"))
}

/// The try with the highest value of `select`.
pub fn best(tries: &[Try], select: Metric) -> Option<&Try> {
    tries.iter().max_by(|a, b| a.values[&select].total_cmp(&b.values[&select]))
}

/// All combinations of the grid, or as many as are to be drawn: the same ones every time.
fn recipes(search: &Search, row: &Row) -> Vec<toml::Table> {
    let mut recipes = vec![toml::Table::new()];
    for (parameter, values) in &search.grid {
        let with = |recipe: &toml::Table, value: &toml::Value| {
            let mut recipe = recipe.clone();
            recipe.insert(parameter.clone(), value.clone());
            recipe
        };
        recipes =
            recipes.iter().flat_map(|recipe| values.iter().map(move |value| with(recipe, value))).collect();
    }
    if let Some(draws) = search.draws {
        Seed::new(0).child("search").child(&row.name).rng().shuffle(&mut recipes);
        recipes.truncate(draws);
    }
    recipes
}
