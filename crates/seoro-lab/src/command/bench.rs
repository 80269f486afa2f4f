//! `bench`: ours against the libraries people use.

use crate::bench::{self, Alone, BenchRow, Case, Scene};
use crate::data::Folders;
use crate::progress::Progress;
use crate::{LabError, rows, workplace};
use seoro_models::DeviceName;
use std::path::PathBuf;

/// Times ours, and with --peers the libraries people use, on the same work.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// A bench (data, eval, models, ann), a case, or how names of cases begin
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
    /// Where networks are trained, on both sides
    #[arg(long, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Write docs/results/bench.json and docs/benchmarks.md too: of the processor alone
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
    if args.publish && args.device != DeviceName::Cpu {
        let what = format!("--publish with --device {}; expected the processor's numbers alone", args.device);
        return Err(LabError::Usage(what));
    }
    if args.peers && !matches!(args.device, DeviceName::Cpu | DeviceName::Gpu) {
        let what =
            format!("--peers with --device {}; expected cpu or gpu, which the peers have too", args.device);
        return Err(LabError::Usage(what));
    }
    let cases = chosen(args)?;
    let mut scene = Scene::new(Folders::new(args.data.as_deref()), args.threads, args.python.clone());
    scene.device = args.device;
    if !args.peers {
        for case in cases {
            let ours = bench::alone(case, &scene)?;
            println!("{} {}: {}", case.bench, case.name, in_words(&ours));
        }
        return Ok(());
    }
    let python = scene.python()?;
    let progress = Progress::new(cases.len(), "bench");
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for case in cases {
        let tell = |what: &str| progress.say(what);
        // Where something fails the rest is measured all the same: a case may take long, and a library fail.
        let outcomes =
            bench::against_peers(case, &scene, &python, &tell).unwrap_or_else(|error| vec![Err(error)]);
        let (measured, errors): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        let measured: Vec<BenchRow> = measured.into_iter().flatten().collect();
        if args.publish && !measured.is_empty() {
            publish(&measured)?;
        }
        rows.extend(measured);
        for error in errors.into_iter().filter_map(Result::err) {
            eprintln!("{}: {error}", case.name);
            failed.push(case.name);
        }
        progress.step();
    }
    drop(progress);
    println!("{}", bench::markdown(&rows));
    rows::write(&workplace::target().join("experiments/bench.json"), &rows)?;
    failed.dedup();
    if failed.is_empty() { Ok(()) } else { Err(LabError::Cases(failed.join(", "))) }
}

/// Puts rows in the place of those of the same cases and peers.
fn publish(measured: &[BenchRow]) -> Result<(), LabError> {
    let path = workplace::root().join("docs/results/bench.json");
    let rows = merged(rows::read(&path)?, measured.to_vec());
    rows::write(&path, &rows)?;
    let page = workplace::root().join("docs/benchmarks.md");
    workplace::write_whole(&page, bench::markdown(&rows).as_bytes())
}

/// What our side alone gave, on a line.
fn in_words(ours: &Alone) -> String {
    let number = format!("{:.4} {}", ours.value, ours.unit);
    if ours.setting.is_empty() {
        return number;
    }
    format!("{number}, recall {:.4} ({})", ours.check, ours.setting)
}

/// The cases of a bench, the case of a name, or those whose names begin with it.
fn chosen(args: &BenchArgs) -> Result<Vec<&'static Case>, LabError> {
    let Some(name) = &args.name else { return Ok(bench::cases().collect()) };
    let those = |is_meant: &dyn Fn(&Case) -> bool| {
        bench::cases().filter(|case| is_meant(case)).collect::<Vec<&Case>>()
    };
    let whole = those(&|case| case.bench == name || case.name == name);
    let cases = if whole.is_empty() { those(&|case| case.name.starts_with(name.as_str())) } else { whole };
    if cases.is_empty() {
        let known = bench::cases().map(|case| case.name).collect::<Vec<_>>().join(", ");
        return Err(LabError::Unknown { kind: "bench", name: name.clone(), known });
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
