//! The parts of `experiments` and `search` whose rows learn vectors.

use super::experiments::ExperimentsArgs;
use super::search::{self, SearchArgs, Try};
use crate::cell::Store;
use crate::data::Folders;
use crate::paper::{Part, Search, VectorPaper, VectorRow, VectorUse};
use crate::progress::Progress;
use crate::vectors::{
    Learner, SEARCH_SEED, Subject, Task, VectorJob, VectorResult, map_name, markdown, merge, results,
    vector_search_key,
};
use crate::{LabError, rows, workplace};
use seoro_eval::Scatter;
use seoro_eval::figure::page;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

/// Measures what is asked for of a paper; data that is not at hand is said and passed over, unless it was named.
///
/// # Errors
/// Anything that keeps a table from being made.
#[allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to its user
pub(super) fn run(paper: &VectorPaper, args: &ExperimentsArgs) -> Result<Vec<VectorResult>, LabError> {
    let folders = Folders::new(args.data.as_deref());
    let (mut all, mut maps) = (Vec::new(), Vec::new());
    for (&task, usage) in paper.datasets.iter().filter(|(task, _)| args.takes_dataset(task.name())) {
        let name = task.name();
        if usage.full && !args.full && !args.dataset.iter().any(|asked| asked == name) {
            eprintln!("{}, {name}: takes long; --full or --dataset {name} includes it", paper.name);
            continue;
        }
        match task.open(&folders, usage)? {
            Some(subject) => {
                all.extend(run_task(paper, task, usage, subject.as_ref(), args)?);
                maps.extend(draw(paper, task, usage, subject.as_ref(), args)?);
            }
            None => super::experiments::say_missing(name, name, args)?,
        }
    }
    if all.is_empty() {
        return Ok(all);
    }
    let out = workplace::target().join("experiments");
    write_maps(&out, &maps)?;
    write(&out, paper, &all)?;
    if !args.json {
        println!("{}", markdown(paper, &all, &|file| out.join(file).exists()));
    }
    eprintln!("written: {}", out.join(format!("{}.{{md,json}}", paper.name)).display());
    if args.publish {
        let docs = workplace::root().join("docs/results");
        let old = rows::read(&docs.join(format!("{}.json", paper.name)))?;
        write_maps(&docs, &maps)?;
        write(&docs, paper, &merge(paper, old, all.clone()))?;
        eprintln!("published: {}", docs.join(format!("{}.{{md,json}}", paper.name)).display());
    }
    Ok(all)
}

#[allow(clippy::print_stderr)] // a command speaks to its user
fn run_task(
    paper: &VectorPaper,
    task: Task,
    usage: &VectorUse,
    subject: &dyn Subject,
    args: &ExperimentsArgs,
) -> Result<Vec<VectorResult>, LabError> {
    let mut store = Store::new(&workplace::target().join("experiments"), args.resume);
    store.committed_only = args.publish;
    let chosen: Vec<_> = paper.rows.iter().filter(|row| args.takes_row(&row.name)).collect();
    let progress = Progress::new(chosen.len(), &format!("{} {}", paper.name, task.name()));
    let mut all = Vec::new();
    for row in chosen {
        progress.say(&row.name);
        let Some(learner) = row.learner(task) else { continue };
        let mut cells = Vec::new();
        let seeds = args.seeds.map_or(if args.full { row.seeds(usage) } else { 1 }, NonZeroUsize::get);
        if args.publish && seeds < row.seeds(usage) {
            let what = format!(
                "row {}: {seeds} seeds; expected {} where results are published",
                row.name,
                row.seeds(usage)
            );
            return Err(LabError::Usage(what));
        }
        for seed in 1..=seeds as u64 {
            let python = args.python.as_deref();
            let job =
                VectorJob { row, learner: &learner, task, subject, seed, threads: args.threads, python };
            cells.extend(job.run(&store)?);
        }
        if cells.is_empty() {
            eprintln!("{}: passed over; --python PATH names a Python that has the peer", row.name);
        }
        all.extend(results(paper, row, task, &cells));
        progress.step();
    }
    Ok(all)
}

/// Pictures of the rows that are to be beside each other, where all of them were asked for; by the names of their files.
fn draw(
    paper: &VectorPaper,
    task: Task,
    usage: &VectorUse,
    subject: &dyn Subject,
    args: &ExperimentsArgs,
) -> Result<Vec<(String, String)>, LabError> {
    if usage.maps.is_empty() || !usage.maps.iter().all(|name| args.takes_row(name)) {
        return Ok(Vec::new());
    }
    let progress = Progress::new(usage.maps.len(), &format!("{} {} maps", paper.name, task.name()));
    let mut plots: Vec<Scatter> = Vec::new();
    let mut files = Vec::new();
    for row in usage.maps.iter().filter_map(|name| paper.row(name)) {
        progress.say(&row.name);
        let Some(learner) = row.learner(task) else { continue };
        if let Some(plot) = subject.map(&row.label, &learner, args.threads)? {
            let svg = plot.svg().map_err(|error| LabError::Usage(error.to_string()))?;
            files.push((map_name(paper, task, &row.name), svg));
            plots.push(plot);
        }
        progress.step();
    }
    if plots.is_empty() {
        return Ok(files);
    }
    let page = page(&format!("{}: {}", paper.title, task.name()), &plots);
    let page = page.map_err(|error| LabError::Usage(error.to_string()))?;
    files.push((format!("{}-{}.html", paper.name, task.name()), page));
    Ok(files)
}

/// Tries a paper's grids on one data set, by what half of its labels say.
///
/// # Errors
/// Anything that keeps a search from ending.
#[allow(clippy::print_stdout)] // a command speaks to its user
pub(super) fn search(paper: &VectorPaper, args: &SearchArgs) -> Result<(), LabError> {
    let known = || paper.datasets.keys().map(|task| task.name()).collect::<Vec<_>>().join(", ");
    let found = paper.datasets.iter().find(|(task, _)| task.name() == args.dataset);
    let (&task, usage) = found.ok_or_else(|| LabError::Unknown {
        kind: "data set",
        name: args.dataset.clone(),
        known: known(),
    })?;
    let refused = |what: &str| LabError::Usage(format!("{}, {}: {what}", paper.name, task.name()));
    let select = task.select().ok_or_else(|| refused("nothing to choose hyper-parameters by"))?;
    if args.honest {
        return Err(refused("there is no honest part of its own; expected no --honest"));
    }
    if let Some(name) = args.row.iter().find(|name| paper.row(name).is_none()) {
        let known = paper.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>().join(", ");
        return Err(LabError::Unknown { kind: "row", name: name.clone(), known });
    }
    let subject = task.open(&Folders::new(args.data.as_deref()), usage)?;
    let subject = subject.ok_or_else(|| refused("not at hand; name its folder with --data DIR"))?;
    for row in paper.rows.iter().filter(|row| args.row.is_empty() || args.row.contains(&row.name)) {
        let Some(search) = row.search(task) else { continue };
        let tries = tries(paper, row, task, subject.as_ref(), search, args)?;
        if args.publish {
            let name = search::log_name(&paper.name, task.name(), &row.name, Part::AsPublished);
            rows::write(&workplace::root().join("docs/results/search").join(name), &tries)?;
        }
        let best = search::best(&tries, &select.to_owned());
        let best = best.ok_or_else(|| refused("no try of the search succeeded"))?;
        let (value, recipe) = (best.values[select], serde_json::json!(best.recipe));
        println!("{}: {select} {value:.4} with {recipe}", row.name);
    }
    Ok(())
}

/// What became of each recipe of a grid; known tries are kept when resuming.
fn tries(
    paper: &VectorPaper,
    row: &VectorRow,
    task: Task,
    subject: &dyn Subject,
    search: &Search,
    args: &SearchArgs,
) -> Result<Vec<Try<String>>, LabError> {
    let name = search::log_name(&paper.name, task.name(), &row.name, Part::AsPublished);
    let log = workplace::target().join("experiments/search").join(&name);
    let key = vector_search_key(row, task, subject.fingerprint())?;
    let threads = workplace::threads(args.threads);
    let store = Store::new(&workplace::target().join("experiments"), false);
    let mut tries: Vec<Try<String>> = Vec::new();
    if args.resume {
        let published = workplace::root().join("docs/results/search").join(&name);
        tries = rows::read(if log.exists() { &log } else { &published })?;
        tries.retain(|tried| tried.key == key && tried.threads == threads);
    }
    let recipes = search.recipes(&row.name);
    let progress = Progress::new(recipes.len(), &format!("{} {}", task.name(), row.name));
    for recipe in recipes {
        progress.say(&serde_json::json!(recipe).to_string());
        if !tries.iter().any(|tried| tried.recipe == recipe) {
            let learner = Learner::parse(&row.model, &recipe).map_err(LabError::Usage)?;
            let job =
                VectorJob { row, learner: &learner, task, subject, seed: SEARCH_SEED, threads, python: None };
            let (values, seconds, failed) = match job.run(&store) {
                Ok(Some(cell)) => (cell.values, cell.seconds, None),
                Ok(None) => continue,
                Err(LabError::Fit { source, .. }) if search::is_of_the_recipe(&source) => {
                    (BTreeMap::new(), 0.0, Some(source.to_string()))
                }
                Err(error) => return Err(error),
            };
            tries.push(Try {
                key: key.clone(),
                recipe,
                epoch: None,
                values,
                course: Vec::new(),
                failed,
                threads,
                seconds,
            });
            rows::write(&log, &tries)?;
        }
        progress.step();
    }
    Ok(tries)
}

fn write_maps(folder: &Path, maps: &[(String, String)]) -> Result<(), LabError> {
    maps.iter().try_for_each(|(name, content)| workplace::write_whole(&folder.join(name), content.as_bytes()))
}

fn write(folder: &Path, paper: &VectorPaper, all: &[VectorResult]) -> Result<(), LabError> {
    rows::write(&folder.join(format!("{}.json", paper.name)), all)?;
    let text = markdown(paper, all, &|file| folder.join(file).exists());
    workplace::write_whole(&folder.join(format!("{}.md", paper.name)), text.as_bytes())
}
