//! Reads `user item rating time` lines and says what is in them:
//! `cargo run --release --example read_a_log -- ratings.dat ::`.

#![allow(clippy::print_stdout)]

use seoro_core::format::{Delimited, Format, read_log};
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected a file, and perhaps what stands between its columns")?;
    let delimiter = arguments.next().unwrap_or_else(|| "\t".to_owned());
    let format = Delimited { delimiter, value: Some(2.into()), time: Some(3.into()), ..Delimited::default() };
    let start = Instant::now();
    let log = read_log(Path::new(&path), &Format::Delimited(format))?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    println!("{} events, {} users, {} items in {ms:.1} ms", log.len(), log.n_users(), log.n_items());
    Ok(())
}
