//! `experiments`: the papers' tables, ours beside theirs.

use crate::cell::{Job, Store};
use crate::data::{self, Data, Folders};
use crate::paper::{self, DatasetUse, Paper, Part, Row};
use crate::progress::Progress;
use crate::table::{self, ResultRow, RowCells};
use crate::task::{Side, Task};
use crate::{LabError, compare, render, rows, workplace};
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
    row: Vec<String>,
    /// Only these data sets
    #[arg(long)]
    dataset: Vec<String>,
    /// The folder that holds the data sets
    #[arg(long, env = "SEORO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many seeds a row with randomness is run with [default: 1; with --full the paper file's]
    #[arg(long)]
    seeds: Option<NonZeroUsize>,
    /// Only the honest part: validation-selected, full ranking
    #[arg(long)]
    honest: bool,
    /// All the seeds that the paper files ask for
    #[arg(long)]
    full: bool,
    /// Keep finished cells and go on from checkpoints
    #[arg(long)]
    resume: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    /// Write docs/results too; refused where the working tree differs from its commit
    #[arg(long)]
    publish: bool,
    /// How many threads [default: all cores]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps a table from being made; data that is not at hand is said and passed over, unless it was named.
#[allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to its user
pub fn run(args: &ExperimentsArgs) -> Result<(), LabError> {
    let papers = chosen_papers(args)?;
    if args.list {
        papers.iter().for_each(|paper| println!("{}", listing(paper)));
        return Ok(());
    }
    if args.publish && workplace::is_dirty() {
        return Err(LabError::DirtyTree);
    }
    let mut all = Vec::new();
    for paper in &papers {
        let results = run_paper(paper, args)?;
        let out = workplace::target().join("experiments");
        let text = render::markdown(paper, &results);
        write_both(&out, paper, &results)?;
        if !args.json {
            println!("{text}");
        }
        eprintln!("written: {}", out.join(format!("{}.{{md,json}}", paper.name)).display());
        if args.publish {
            let docs = workplace::root().join("docs/results");
            let old = rows::read(&docs.join(format!("{}.json", paper.name)))?;
            write_both(&docs, paper, &table::merge(paper, old, results.clone())?)?;
            eprintln!("published: {}", docs.join(format!("{}.{{md,json}}", paper.name)).display());
        }
        all.extend(results);
    }
    if args.json {
        let text = serde_json::to_string_pretty(&all).map_err(|error| LabError::Usage(error.to_string()))?;
        println!("{text}");
    }
    Ok(())
}

fn write_both(folder: &std::path::Path, paper: &Paper, rows: &[ResultRow]) -> Result<(), LabError> {
    rows::write(&folder.join(format!("{}.json", paper.name)), rows)?;
    let path = folder.join(format!("{}.md", paper.name));
    workplace::write_whole(&path, render::markdown(paper, rows).as_bytes())
}

fn chosen_papers(args: &ExperimentsArgs) -> Result<Vec<Paper>, LabError> {
    let mut papers = paper::read_all(&workplace::root().join("docs/papers"))?;
    if let Some(name) = &args.paper {
        let known = papers.iter().map(|paper| paper.name.clone()).collect::<Vec<_>>().join(", ");
        papers.retain(|paper| paper.name == *name);
        if papers.is_empty() {
            return Err(LabError::Unknown { kind: "paper", name: name.clone(), known });
        }
    }
    for paper in &papers {
        for row in &args.row {
            paper.row(row)?;
        }
        if let Some(dataset) = args.dataset.iter().find(|name| !paper.datasets.contains_key(*name)) {
            let known = paper.datasets.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(LabError::Unknown { kind: "data set", name: dataset.clone(), known });
        }
    }
    Ok(papers)
}

fn listing(paper: &Paper) -> String {
    let rows: Vec<&str> = paper.rows.iter().map(|row| row.name.as_str()).collect();
    let datasets: Vec<&str> = paper.datasets.keys().map(String::as_str).collect();
    format!(
        "{}: {}\n  rows: {}\n  data sets: {}",
        paper.name,
        paper.title,
        rows.join(", "),
        datasets.join(", ")
    )
}

fn run_paper(paper: &Paper, args: &ExperimentsArgs) -> Result<Vec<ResultRow>, LabError> {
    let folders = Folders::new(args.data.as_deref());
    let mut results = Vec::new();
    for name in paper.datasets.keys().filter(|name| args.dataset.is_empty() || args.dataset.contains(*name)) {
        match data::open(name, &folders)? {
            Some(data) => results.extend(run_dataset(paper, &data, args)?),
            None => say_missing(name, args)?,
        }
    }
    Ok(results)
}

#[allow(clippy::print_stderr)] // a command speaks to its user
fn say_missing(name: &str, args: &ExperimentsArgs) -> Result<(), LabError> {
    let line = format!(
        "{name}: not at hand; `cargo xtask datasets fetch {name}` gets it, or name its folder with --data DIR"
    );
    if args.dataset.iter().any(|asked| asked == name) {
        return Err(LabError::Usage(line));
    }
    eprintln!("{line}");
    Ok(())
}

fn run_dataset(paper: &Paper, data: &Data, args: &ExperimentsArgs) -> Result<Vec<ResultRow>, LabError> {
    let usage = &paper.datasets[&data.name];
    let parts: &[Part] = if args.honest { &[Part::Honest] } else { &[Part::AsPublished, Part::Honest] };
    let mut store = Store::new(&workplace::target().join("experiments"), args.resume);
    store.committed_only = args.publish;
    let tasks: Vec<(Part, Task)> = parts
        .iter()
        .map(|&part| Ok((part, Task::new(data, usage, paper.protocol(part), Side::Test)?)))
        .collect::<Result<_, LabError>>()?;
    let rows = chosen_rows(paper, data, args);
    if args.publish {
        let published: Vec<ResultRow> =
            rows::read(&workplace::root().join(format!("docs/results/{}.json", paper.name)))?;
        for (row, &part) in rows.iter().flat_map(|row| parts.iter().map(move |part| (row, part))) {
            let seeds = seeds(row, usage, args) as usize;
            table::check_seeds(&published, &row.name, &data.name, part, seeds)?;
        }
    }
    say_how_long(paper, data, &rows, args);
    let progress = Progress::new(rows.len(), &format!("{} {}", paper.name, data.name));
    let mut tables: Vec<Vec<RowCells<'_>>> = parts.iter().map(|_| Vec::new()).collect();
    for row in rows {
        let mut cells: Vec<Vec<_>> = parts.iter().map(|_| Vec::new()).collect();
        for seed in 1..=seeds(row, usage, args) {
            progress.say(&format!("{} seed {seed}", row.name));
            for ((part, task), cells) in tasks.iter().zip(&mut cells) {
                let job = Job { row, data, usage, part: *part, protocol: paper.protocol(*part), seed };
                cells.push(job.run(task, args.threads, &store, &|what| progress.detail(&what))?);
            }
        }
        progress.step();
        for ((&part, cells), table) in parts.iter().zip(cells).zip(&mut tables) {
            table.push(RowCells { row, dataset: &data.name, part, cells });
        }
    }
    Ok(parts.iter().zip(&tables).flat_map(|(&part, table)| part_results(paper, part, table)).collect())
}

/// How many seeds a row is run with: one where nothing hangs on it.
fn seeds(row: &Row, usage: &DatasetUse, args: &ExperimentsArgs) -> u64 {
    let asked = args.seeds.unwrap_or(if args.full { usage.seeds } else { NonZeroUsize::MIN });
    if row.deterministic || row.is_oracle() { 1 } else { asked.get() as u64 }
}

/// Says what a table took when it was last published, before it starts: nothing where that is less than a minute.
#[allow(clippy::print_stderr)] // a command speaks to its user
fn say_how_long(paper: &Paper, data: &Data, rows: &[&Row], args: &ExperimentsArgs) {
    let path = workplace::root().join(format!("docs/results/{}.json", paper.name));
    // An estimate is no reason to stop: what cannot be read says nothing.
    let published: Vec<ResultRow> = rows::read(&path).unwrap_or_default();
    let seconds = |row: &&Row| {
        let known = published.iter().find(|result| result.dataset == data.name && result.row == row.name)?;
        Some(known.seconds * seeds(row, &paper.datasets[&data.name], args) as f64)
    };
    let minutes = rows.iter().filter_map(seconds).sum::<f64>() / 60.0;
    if minutes >= 1.0 {
        eprintln!("{}, {}: the fits took {minutes:.0} minutes when last published", paper.name, data.name);
    }
}

fn chosen_rows<'a>(paper: &'a Paper, data: &Data, args: &ExperimentsArgs) -> Vec<&'a Row> {
    let rows = paper.rows.iter().filter(|row| args.row.is_empty() || args.row.contains(&row.name));
    rows.filter(|row| !row.is_oracle() || data.oracle.is_some()).collect()
}

fn part_results(paper: &Paper, part: Part, table: &[RowCells<'_>]) -> Vec<ResultRow> {
    let protocol = paper.protocol(part);
    let mut rows: Vec<ResultRow> =
        table.iter().flat_map(|cells| cells.results(paper, &protocol.metrics)).collect();
    if part == Part::Honest {
        compare::mark_p_values(table, protocol.select, &mut rows);
    }
    rows
}
