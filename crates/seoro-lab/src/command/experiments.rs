//! `experiments`: the papers' tables, ours beside theirs.

use super::pictures::Pictured;
use super::workers::{self, Unit};
use super::{neighbours, vectors};
use crate::ann::trade::TradeRow;
use crate::cell::{Job, Store};
use crate::compare::Comparison;
use crate::data::{self, Data, Folders};
use crate::measure::Measure;
use crate::paper::{self, AnnPaper, DatasetUse, Paper, Papers, Part, Protocol, Row, VectorPaper};
use crate::progress::Progress;
use crate::table::{self, ResultRow, RowCells};
use crate::task::Tasks;
use crate::vectors::VectorResult;
use crate::{LabError, render, rows, workplace};
use seoro_models::DeviceName;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
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
    row: Vec<String>,
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
    pictured.write(&out, paper)?;
    write_both(&out, paper, &results)?;
    if !args.json {
        println!("{}", render::markdown(paper, &results, &|file| out.join(file).exists()));
    }
    eprintln!("written: {}", out.join(format!("{}.{{md,json}}", paper.name)).display());
    if args.publish {
        let docs = workplace::root().join("docs/results");
        let old = rows::read(&docs.join(format!("{}.json", paper.name)))?;
        let merged = table::merge(paper, old, results.clone())?;
        pictured.write(&docs, paper)?;
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
    fn parts(&self) -> &'static [Part] {
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

fn run_dataset(
    paper: &Paper,
    data: &Data,
    args: &ExperimentsArgs,
    pictured: &mut Pictured,
) -> Result<Vec<ResultRow>, LabError> {
    let usage = &paper.datasets[&data.name];
    let parts = args.parts();
    let mut store = Store::new(&workplace::target().join("experiments"), args.resume);
    store.committed_only = args.publish;
    let tasks = parts.iter().map(|&part| (part, Tasks::new(data, usage, paper.protocol(part)))).collect();
    let rows = chosen_rows(paper, data, args);
    if args.publish && args.fill.is_none() {
        let published: Vec<ResultRow> =
            rows::read(&workplace::root().join(format!("docs/results/{}.json", paper.name)))?;
        for (row, &part) in rows.iter().flat_map(|row| parts.iter().map(move |part| (row, part))) {
            let seeds = seeds(row, usage, paper.protocol(part), args) as usize;
            table::check_seeds(&published, &row.name, &data.name, part, seeds)?;
        }
    }
    say_how_long(paper, data, &rows, args);
    let scene = Scene { paper, data, usage, tasks, args };
    if args.jobs.get() > 1 {
        workers::fill(scene.missing(&rows, &store)?, paper, &data.name, args)?;
        store.resume = true;
    }
    scene.results(&rows, &store, pictured)
}

/// A paper's table on a data set, about to be computed.
struct Scene<'a> {
    paper: &'a Paper,
    data: &'a Data,
    usage: &'a DatasetUse,
    tasks: Vec<(Part, Tasks<'a>)>,
    args: &'a ExperimentsArgs,
}

impl<'a> Scene<'a> {
    fn job(&self, row: &'a Row, part: Part, seed: u64) -> Job<'a> {
        let protocol = self.paper.protocol(part);
        Job { row, data: self.data, usage: self.usage, part, protocol, seed, device: self.args.device }
    }

    /// The seeds of a row in all parts.
    fn seeds(&self, row: &Row) -> RangeInclusive<u64> {
        match self.args.fill {
            Some(seed) => seed..=seed,
            None => 1..=most_seeds(self.paper, row, self.usage, self.args),
        }
    }

    /// Whether a row is asked with `seed` in this part.
    fn has(&self, row: &Row, part: Part, seed: u64) -> bool {
        row.is_in(part) && seed <= seeds(row, self.usage, self.paper.protocol(part), self.args)
    }

    /// What the store does not have yet.
    fn missing(&self, rows: &[&'a Row], store: &Store) -> Result<Vec<Unit<'a>>, LabError> {
        let threads = self.args.threads_of_a_fit();
        let mut missing = Vec::new();
        for &row in rows.iter().filter(|row| !row.is_oracle()) {
            for seed in self.seeds(row) {
                let mut is_missing = false;
                for (part, _) in self.tasks.iter().filter(|(part, _)| self.has(row, *part, seed)) {
                    is_missing |= !self.job(row, *part, seed).is_kept(threads, store)?;
                }
                missing.extend(is_missing.then_some(Unit { row, seed }));
            }
        }
        Ok(missing)
    }

    fn results(
        &self,
        rows: &[&'a Row],
        store: &Store,
        pictured: &mut Pictured,
    ) -> Result<Vec<ResultRow>, LabError> {
        let (paper, dataset) = (self.paper, self.data.name.as_str());
        let progress = Progress::new(rows.len(), &format!("{} {dataset}", paper.name));
        let mut tables: Vec<Vec<RowCells<'_>>> = self.tasks.iter().map(|_| Vec::new()).collect();
        for &row in rows {
            let mut cells: Vec<Vec<_>> = self.tasks.iter().map(|_| Vec::new()).collect();
            for seed in self.seeds(row) {
                progress.say(&format!("{} seed {seed}", row.name));
                for ((part, tasks), cells) in
                    self.tasks.iter().zip(&mut cells).filter(|((part, _), _)| self.has(row, *part, seed))
                {
                    let tell = |what: String| progress.detail(&what);
                    let job = self.job(row, *part, seed);
                    let task = tasks.of(seed)?;
                    cells.push(job.run(&task, self.args.threads_of_a_fit(), store, &tell)?);
                }
            }
            progress.step();
            let of_parts = self.tasks.iter().zip(cells).zip(&mut tables);
            for (((part, _), cells), table) in of_parts.filter(|(((part, _), _), _)| row.is_in(*part)) {
                cells.first().into_iter().for_each(|cell| pictured.add(dataset, row, cell));
                table.push(RowCells { row, dataset, part: *part, cells });
            }
        }
        let of_parts = self.tasks.iter().zip(&tables);
        Ok(of_parts.flat_map(|((part, _), table)| part_results(paper, dataset, *part, table)).collect())
    }
}

/// How many seeds a row is run with under a protocol.
fn seeds(row: &Row, usage: &DatasetUse, protocol: &Protocol, args: &ExperimentsArgs) -> u64 {
    // Who fills a seed's cells was told of this seed alone.
    let filled = args.fill.and_then(|seed| NonZeroUsize::new(seed as usize));
    let asked = filled.or(args.seeds).or((!args.full).then_some(NonZeroUsize::MIN));
    row.seeds_on(usage, protocol, asked) as u64
}

/// How many seeds a row is run with in that part of those asked for where it has the most.
fn most_seeds(paper: &Paper, row: &Row, usage: &DatasetUse, args: &ExperimentsArgs) -> u64 {
    let parts = args.parts().iter().filter(|part| row.is_in(**part));
    parts.map(|&part| seeds(row, usage, paper.protocol(part), args)).max().unwrap_or(0)
}

/// Says what a table took when it was last published, before it starts: nothing where that is less than a minute.
#[allow(clippy::print_stderr)] // a command speaks to its user
fn say_how_long(paper: &Paper, data: &Data, rows: &[&Row], args: &ExperimentsArgs) {
    let path = workplace::root().join(format!("docs/results/{}.json", paper.name));
    // An estimate is no reason to stop: what cannot be read says nothing.
    let published: Vec<ResultRow> = rows::read(&path).unwrap_or_default();
    let seconds = |row: &&Row| {
        let known = published.iter().find(|result| result.dataset == data.name && result.row == row.name)?;
        Some(known.seconds * most_seeds(paper, row, &paper.datasets[&data.name], args) as f64)
    };
    let minutes = rows.iter().filter_map(seconds).sum::<f64>() / 60.0;
    if minutes >= 1.0 {
        eprintln!("{}, {}: the fits took {minutes:.0} minutes when last published", paper.name, data.name);
    }
}

fn chosen_rows<'a>(paper: &'a Paper, data: &Data, args: &ExperimentsArgs) -> Vec<&'a Row> {
    let rows = paper.rows.iter().filter(|row| args.takes_row(&row.name));
    let is_asked = |row: &&Row| args.full || !args.row.is_empty() || !row.minutes.contains_key(&data.name);
    rows.filter(|row| row.is_on(&data.name) && (!row.is_oracle() || data.oracle.is_some()))
        .filter(is_asked)
        .collect()
}

fn part_results(paper: &Paper, dataset: &str, part: Part, table: &[RowCells<'_>]) -> Vec<ResultRow> {
    let protocol = paper.protocol(part);
    let mut rows: Vec<ResultRow> =
        table.iter().flat_map(|cells| cells.results(paper, &protocol.metrics)).collect();
    let is_redrawn = protocol.is_redrawn(&paper.datasets[dataset]);
    let compared = |metric: Measure| Comparison { table, metric, is_redrawn };
    if part == Part::Honest {
        compared(protocol.select).mark_p_values(&mut rows);
    }
    if paper.intervals {
        protocol.metrics.iter().for_each(|&metric| compared(metric).mark_intervals(&mut rows));
        paper
            .orders(dataset, part)
            .for_each(|order| compared(order.metric).mark_order(&order.rows, &mut rows));
    }
    rows
}
