//! The lab's command line; `cargo xtask` starts it.

use clap::{Parser, Subcommand};
use seoro_lab::command::{bench, datasets, experiments, search};
use std::process::ExitCode;

/// Reproduces the papers, measures, fetches data.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reproduce the papers' tables, ours beside theirs
    Experiments(experiments::ExperimentsArgs),
    /// List, fetch and check data sets
    Datasets(datasets::DatasetsArgs),
    /// Choose hyper-parameters on validation data
    Search(search::SearchArgs),
    /// Time ours against the libraries people use
    Bench(bench::BenchArgs),
}

#[allow(clippy::print_stderr)] // a program tells its user why it failed
fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEORO_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let result = match Cli::parse().command {
        Command::Experiments(args) => experiments::run(&args),
        Command::Datasets(args) => datasets::run(&args).map_err(Into::into),
        Command::Search(args) => search::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
