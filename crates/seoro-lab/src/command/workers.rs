//! Fits by processes of their own, several at a time: they keep their cells in the store, where the command finds them.

use super::experiments::ExperimentsArgs;
use crate::LabError;
use crate::paper::{Paper, Row};
use crate::progress::Progress;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// One row with one seed.
pub(super) struct Unit<'a> {
    pub(super) row: &'a Row,
    pub(super) seed: u64,
}

/// Has every unit computed, as many at a time as `--jobs` says, the longest first.
///
/// # Errors
/// The first that fails; what runs beside it is waited for, the rest is not begun.
pub(super) fn fill(
    mut units: Vec<Unit<'_>>,
    paper: &Paper,
    dataset: &str,
    args: &ExperimentsArgs,
) -> Result<(), LabError> {
    let minutes = |unit: &Unit<'_>| unit.row.minutes.get(dataset).copied().unwrap_or(0.0);
    // Taken from the end.
    units.sort_by(|a, b| minutes(a).total_cmp(&minutes(b)));
    let progress = Progress::new(units.len(), &format!("{} {dataset}, {} at a time", paper.name, args.jobs));
    let jobs = args.jobs.get().min(units.len());
    let (units, failed) = (Mutex::new(units), Mutex::new(None));
    let next = || {
        let stop = failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if stop { None } else { units.lock().unwrap_or_else(PoisonError::into_inner).pop() }
    };
    let work = || {
        while let Some(unit) = next() {
            progress.say(&format!("{} seed {}", unit.row.name, unit.seed));
            if let Err(error) = compute(&unit, paper, dataset, args) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            progress.step();
        }
    };
    std::thread::scope(|scope| {
        (0..jobs).for_each(|_| {
            scope.spawn(work);
        });
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// This very program, also where its file has been replaced since.
fn program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

/// Has this process, which fills a cell for another, end when that one does: its end closes our input.
pub(super) fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(1);
    });
}

/// Starts this program for one unit and waits for it.
fn compute(unit: &Unit<'_>, paper: &Paper, dataset: &str, args: &ExperimentsArgs) -> Result<(), LabError> {
    let said = |what: String| LabError::Worker { row: unit.row.name.clone(), seed: unit.seed, what };
    let mut command = Command::new(program().map_err(|error| said(error.to_string()))?);
    command.args(["experiments", "--paper", &paper.name, "--dataset", dataset, "--row", &unit.row.name]);
    command.args(["--fill", &unit.seed.to_string()]);
    command.args(["--threads", &args.threads_of_a_fit().to_string(), "--device", &args.device.to_string()]);
    let flags = [(args.honest, "--honest"), (args.resume, "--resume"), (args.publish, "--publish")];
    command.args(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag));
    if let Some(data) = &args.data {
        command.arg("--data").arg(data);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().map_err(|error| said(error.to_string()))?;
    // Held to the end: see `end_with_parent`.
    let _input = process.stdin.take();
    let output = process.wait_with_output().map_err(|error| said(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.map(|line| line.trim_start_matches("error: ").to_owned());
    Err(said(last.unwrap_or_else(|| output.status.to_string())))
}
