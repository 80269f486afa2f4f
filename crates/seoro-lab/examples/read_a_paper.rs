//! Reads a paper's file and prints its rows, each with what the paper prints for it:
//! `cargo run -p seoro-lab --example read_a_paper -- docs/papers/ncf.toml`.

#![allow(clippy::print_stdout)]

use seoro_lab::LabError;
use seoro_lab::paper::{Paper, Part};
use seoro_lab::workplace;
use std::path::PathBuf;

fn main() -> Result<(), LabError> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let paper = Paper::read(&given.unwrap_or_else(|| workplace::root().join("docs/papers/ncf.toml")))?;
    println!("{} ({})", paper.title, paper.address);
    for row in &paper.rows {
        println!("{} ({})", row.label, row.model);
        for dataset in paper.datasets.keys() {
            for printed in paper.printed(&row.name, dataset, Part::AsPublished) {
                let values = printed.values.iter().map(|(metric, value)| format!("{metric} {value}"));
                let values = values.collect::<Vec<_>>().join(", ");
                let tolerance = printed.tolerance.map_or("no bar".to_owned(), |far| format!("± {far}"));
                println!("  {dataset}: {values} ({tolerance}, {})", printed.table);
            }
        }
    }
    Ok(())
}
