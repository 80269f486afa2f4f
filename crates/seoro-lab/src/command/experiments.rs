//! `experiments`: the papers' tables, ours beside theirs.

use super::pictures::Pictured;
use super::scene::run_dataset;
use super::{neighbours, vectors, workers};
use crate::ann::trade::TradeRow;
use crate::course;
use crate::data::{self, Folders};
use crate::paper::{self, AnnPaper, Paper, Papers, Part, VectorPaper};
use crate::table::{self, ResultRow};
use crate::vectors::VectorResult;
use crate::{LabError, render, rows, workplace};
use seoro_models::DeviceName;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Reproduces the papers' tables.
#[derive(Debug, clap::Args)]
pub struct ExperimentsArgs {
    /// List papers, rows and data sets, and run nothing
    #[arg(long)]
    list: bool,
    /// Only this paper
    #[arg(long)]
    paper: Option<String>,
    /// Only these rows
    #[arg(long)]
    pub(super) row: Vec<String>,
    /// Only these data sets
    #[arg(long)]
    pub(super) dataset: Vec<String>,
    /// The folder that holds the data sets
    #[arg(long, env = "SEORO_DATA", value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// How many seeds a row with randomness is run with [default: 1; with --full the paper file's; indexes have one]
    #[arg(long)]
    pub(super) seeds: Option<NonZeroUsize>,
    /// Only the honest part: validation-selected, full ranking; papers on indexes have one part
    #[arg(long)]
    pub(super) honest: bool,
    /// All the seeds that the paper files ask for, and the data sets that take long
    #[arg(long)]
    pub(super) full: bool,
    /// Keep finished cells and go on from checkpoints
    #[arg(long)]
    pub(super) resume: bool,
    /// Print the results as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Write docs/results too; refused where the working tree differs from its commit
    #[arg(long)]
    pub(super) publish: bool,
    /// A Python that has the peers, for papers whose rows are some
    #[arg(long, value_name = "PATH")]
    pub(super) python: Option<PathBuf>,
    /// How many threads [default: all cores]; an index is built by them and searched by one
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(super) threads: usize,
    /// How many fits of recommenders run at a time, each a process of its own with its share of the threads; to --resume,
    /// name the same number
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    pub(super) jobs: NonZeroUsize,
    /// Keep this seed's cells in the store and write nothing else: what a process of `--jobs` does
    #[arg(long, hide = true)]
    pub(super) fill: Option<u64>,
    /// Where networks are trained: cpu, gpu, software-gpu or ndarray; other models are fitted on the processor
    #[arg(long, default_value_t = DeviceName::Cpu)]
    pub(super) device: DeviceName,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps a table from being made; data that is not at hand is said and passed over, unless it was named.
#[allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to its user
pub fn run(args: &ExperimentsArgs) -> Result<(), LabError> {
    if args.fill.is_some() {
        workers::end_with_parent();
    }
    let papers = chosen_papers(args)?;
    if args.list {
        papers.recommenders.iter().for_each(|paper| println!("{}", listing(paper)));
        papers.ann.iter().for_each(|paper| println!("{}", listing_of_indexes(paper)));
        papers.vectors.iter().for_each(|paper| println!("{}", listing_of_vectors(paper)));
        return Ok(());
    }
    if args.publish && workplace::is_dirty() {
        return Err(LabError::DirtyTree);
    }
    if args.publish && args.device != DeviceName::Cpu {
        let what = format!("--publish with --device {}; expected the processor's numbers alone", args.device);
        return Err(LabError::Usage(what));
    }
    let mut all = Vec::new();
    for paper in &papers.recommenders {
        all.extend(run_and_write(paper, args)?.into_iter().map(AnyRow::Recommender));
    }
    for paper in &papers.ann {
        all.extend(neighbours::run(paper, args)?.into_iter().map(AnyRow::Index));
    }
    for paper in &papers.vectors {
        all.extend(vectors::run(paper, args)?.into_iter().map(AnyRow::Vectors));
    }
    if args.json && args.fill.is_none() {
        let text = serde_json::to_string_pretty(&all).map_err(|error| LabError::Usage(error.to_string()))?;
        println!("{text}");
    }
    Ok(())
}

/// A result of any paper, in one format.
#[derive(Serialize)]
#[serde(untagged)]
enum AnyRow {
    Recommender(ResultRow),
    Index(TradeRow),
    Vectors(VectorResult),
}

#[allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to its user
fn run_and_write(paper: &Paper, args: &ExperimentsArgs) -> Result<Vec<ResultRow>, LabError> {
    let (results, pictured) = run_paper(paper, args)?;
    if args.fill.is_some() {
        return Ok(results);
    }
    let out = workplace::target().join("experiments");
    pictured.write(&out, paper, Vec::new())?;
    write_both(&out, paper, &results)?;
    if !args.json {
        println!("{}", render::markdown(paper, &results, &|file| out.join(file).exists()));
    }
    eprintln!("written: {}", out.join(format!("{}.{{md,json}}", paper.name)).display());
    if args.publish {
        let docs = workplace::root().join("docs/results");
        let old = rows::read(&docs.join(format!("{}.json", paper.name)))?;
        let merged = table::merge(paper, old, results.clone())?;
        pictured.write(&docs, paper, rows::read(&course::file(&docs, &paper.name))?)?;
        write_both(&docs, paper, &merged)?;
        eprintln!("published: {}", docs.join(format!("{}.{{md,json}}", paper.name)).display());
    }
    Ok(results)
}

fn write_both(folder: &std::path::Path, paper: &Paper, rows: &[ResultRow]) -> Result<(), LabError> {
    rows::write(&folder.join(format!("{}.json", paper.name)), rows)?;
    let path = folder.join(format!("{}.md", paper.name));
    let text = render::markdown(paper, rows, &|file| folder.join(file).exists());
    workplace::write_whole(&path, text.as_bytes())
}

impl ExperimentsArgs {
    /// The parts of the report.
    pub(super) fn parts(&self) -> &'static [Part] {
        if self.honest { &[Part::Honest] } else { &[Part::AsPublished, Part::Honest] }
    }

    /// The threads of one fit: all of a process that computes alone, else its share.
    pub(super) fn threads_of_a_fit(&self) -> usize {
        match self.jobs.get() {
            1 => self.threads,
            jobs => (workplace::threads(self.threads) / jobs).max(1),
        }
    }

    pub(super) fn takes_row(&self, name: &str) -> bool {
        self.row.is_empty() || self.row.iter().any(|row| row == name)
    }

    pub(super) fn takes_dataset(&self, name: &str) -> bool {
        self.dataset.is_empty() || self.dataset.iter().any(|dataset| dataset == name)
    }
}

/// The papers that have something of what is asked for.
fn chosen_papers(args: &ExperimentsArgs) -> Result<Papers, LabError> {
    let mut papers = paper::read_all(&workplace::root().join("docs/papers"))?;
    if let Some(name) = &args.paper {
        check("paper", std::slice::from_ref(name), &papers.names())?;
        papers.recommenders.retain(|paper| paper.name == *name);
        papers.ann.retain(|paper| paper.name == *name);
        papers.vectors.retain(|paper| paper.name == *name);
    }
    let (mut rows, mut datasets): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for paper in &papers.recommenders {
        rows.extend(paper.rows.iter().map(|row| row.name.as_str()));
        datasets.extend(paper.datasets.keys().map(String::as_str));
    }
    for paper in &papers.ann {
        rows.extend(paper.rows.iter().map(|row| row.name.as_str()));
        datasets.extend(paper.datasets.keys().map(|space| space.name()));
    }
    for paper in &papers.vectors {
        rows.extend(paper.rows.iter().map(|row| row.name.as_str()));
        datasets.extend(paper.datasets.keys().map(|task| task.name()));
    }
    check("row", &args.row, &rows)?;
    check("data set", &args.dataset, &datasets)?;
    let is_asked = |paper: &Paper| {
        paper.rows.iter().any(|row| args.takes_row(&row.name))
            && paper.datasets.keys().any(|name| args.takes_dataset(name))
    };
    papers.recommenders.retain(is_asked);
    papers.ann.retain(|paper| {
        paper.rows.iter().any(|row| args.takes_row(&row.name))
            && paper.datasets.keys().any(|space| args.takes_dataset(space.name()))
    });
    papers.vectors.retain(|paper| {
        paper.rows.iter().any(|row| args.takes_row(&row.name))
            && paper.datasets.keys().any(|task| args.takes_dataset(task.name()))
    });
    Ok(papers)
}

/// Refuses names that stand for nothing.
fn check(kind: &'static str, names: &[String], known: &[&str]) -> Result<(), LabError> {
    let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let mut each: Vec<&str> = Vec::new();
    known.iter().for_each(|known| {
        if !each.contains(known) {
            each.push(known)
        }
    });
    Err(LabError::Unknown { kind, name: name.clone(), known: each.join(", ") })
}

fn listing(paper: &Paper) -> String {
    let rows: Vec<&str> = paper.rows.iter().map(|row| row.name.as_str()).collect();
    let datasets: Vec<&str> = paper.datasets.keys().map(String::as_str).collect();
    listed(&paper.name, &paper.title, &rows, &datasets)
}

fn listing_of_indexes(paper: &AnnPaper) -> String {
    let rows: Vec<&str> = paper.rows.iter().map(|row| row.name.as_str()).collect();
    let datasets: Vec<&str> = paper.datasets.keys().map(|space| space.name()).collect();
    listed(&paper.name, &paper.title, &rows, &datasets)
}

fn listing_of_vectors(paper: &VectorPaper) -> String {
    let rows: Vec<&str> = paper.rows.iter().map(|row| row.name.as_str()).collect();
    let datasets: Vec<&str> = paper.datasets.keys().map(|task| task.name()).collect();
    listed(&paper.name, &paper.title, &rows, &datasets)
}

fn listed(name: &str, title: &str, rows: &[&str], datasets: &[&str]) -> String {
    format!("{name}: {title}\n  rows: {}\n  data sets: {}", rows.join(", "), datasets.join(", "))
}

fn run_paper(paper: &Paper, args: &ExperimentsArgs) -> Result<(Vec<ResultRow>, Pictured), LabError> {
    let folders = Folders::new(args.data.as_deref());
    let (mut results, mut pictured) = (Vec::new(), Pictured::default());
    for (name, usage) in paper.datasets.iter().filter(|(name, _)| args.takes_dataset(name)) {
        match data::open(usage.source(name), &folders)? {
            Some(data) => results.extend(run_dataset(paper, &data.called(name), args, &mut pictured)?),
            None => say_missing(name, usage.source(name), args)?,
        }
    }
    Ok((results, pictured))
}

/// Says that what a paper calls `name` lacks its data set `source`.
#[allow(clippy::print_stderr)] // a command speaks to its user
pub(super) fn say_missing(name: &str, source: &str, args: &ExperimentsArgs) -> Result<(), LabError> {
    let line = format!(
        "{name}: not at hand; `cargo xtask datasets fetch {source}` gets it, or name its folder with --data DIR"
    );
    if args.dataset.iter().any(|asked| asked == name) {
        return Err(LabError::Usage(line));
    }
    eprintln!("{line}");
    Ok(())
}
