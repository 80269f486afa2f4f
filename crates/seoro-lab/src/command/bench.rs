//! `bench`: ours against the libraries people use.

use crate::bench::{self, BenchRow, Case, Scene};
use crate::data::Folders;
use crate::progress::Progress;
use crate::{LabError, rows, workplace};
use std::path::PathBuf;

/// Times ours, and with --peers the libraries people use, on the same work.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// A bench (data, eval, models) or a case
    name: Option<String>,
    /// Time the peers too; their Python environment is made below the target folder the first time
    #[arg(long)]
    peers: bool,
    /// A Python that has the peers already
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The folder that holds the data sets
    #[arg(long, env = "SEORO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Threads on both sides
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Write docs/results/bench.json and docs/benchmarks.md too
    #[arg(long)]
    publish: bool,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps a case from being timed.
#[allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to its user
pub fn run(args: &BenchArgs) -> Result<(), LabError> {
    if args.publish && workplace::is_dirty() {
        return Err(LabError::DirtyTree);
    }
    let cases = chosen(args)?;
    let scene = Scene { folders: Folders::new(args.data.as_deref()), threads: args.threads };
    if !args.peers {
        for case in cases {
            let seconds = bench::alone(&case, &scene)?;
            println!("{} {}: {seconds:.4} s", case.bench, case.name);
        }
        return Ok(());
    }
    let python = args.python.clone().map_or_else(bench::python, Ok)?;
    let progress = Progress::new(cases.len(), "bench");
    let mut rows = Vec::new();
    for case in cases {
        rows.extend(bench::against_peers(&case, &scene, &python, &|what| progress.say(what))?);
        progress.step();
    }
    drop(progress);
    println!("{}", bench::markdown(&rows));
    rows::write(&workplace::target().join("experiments/bench.json"), &rows)?;
    if args.publish {
        let path = workplace::root().join("docs/results/bench.json");
        let rows = merged(rows::read(&path)?, rows);
        rows::write(&path, &rows)?;
        let page = workplace::root().join("docs/benchmarks.md");
        workplace::write_whole(&page, bench::markdown(&rows).as_bytes())?;
        eprintln!("published: {}, {}", path.display(), page.display());
    }
    Ok(())
}

fn chosen(args: &BenchArgs) -> Result<Vec<Case>, LabError> {
    let mut cases = bench::CASES.to_vec();
    if let Some(name) = &args.name {
        let known = cases.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
        cases.retain(|case| case.bench == name || case.name == name);
        if cases.is_empty() {
            return Err(LabError::Unknown { kind: "bench", name: name.clone(), known });
        }
    }
    Ok(cases)
}

fn merged(old: Vec<BenchRow>, new: Vec<BenchRow>) -> Vec<BenchRow> {
    let same = |a: &BenchRow, b: &BenchRow| (&a.case, &a.peer) == (&b.case, &b.peer);
    let mut rows: Vec<BenchRow> =
        old.into_iter().filter(|old| !new.iter().any(|new| same(old, new))).collect();
    rows.extend(new);
    rows.sort_by(|a, b| (&a.bench, &a.case, &a.peer).cmp(&(&b.bench, &b.case, &b.peer)));
    rows
}
