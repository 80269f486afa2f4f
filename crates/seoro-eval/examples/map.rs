//! Draws three clusters of 50-dimensional vectors as a map, into the folder named, or the system's for temporary files.
//!
//! `cargo run --release -p seoro-eval --features figures --example map -- FOLDER`

#![allow(clippy::print_stdout)]

use seoro_core::{Matrix, Seed};
use seoro_eval::figure::page;
use seoro_eval::tsne::{Distance, Run};
use seoro_eval::{Scatter, Tsne, genre_consistency, silhouette};
use std::error::Error;
use std::path::PathBuf;

const GENRES: [&str; 3] = ["comedy", "drama", "western"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut rng = Seed::new(1).child("vectors").rng();
    let (count, width) = (600, 50);
    let mut vectors = Matrix::zeros(count, width);
    for row in 0..count {
        for (column, x) in vectors.row_mut(row).iter_mut().enumerate() {
            let centre = if column % GENRES.len() == row % GENRES.len() { 1.0 } else { 0.0 };
            *x = (centre + 0.7 * rng.normal()) as f32;
        }
    }
    let labels: Vec<Option<u32>> = (0..count).map(|row| Some((row % GENRES.len()) as u32)).collect();
    println!("genre consistency of 10 neighbours: {:.3}", genre_consistency(&vectors, &labels, 10)?.mean());
    println!("silhouette: {:.3}", silhouette(&vectors, &labels)?.mean());

    let observe =
        |done: usize, divergence: f64| println!("after {done} iterations: divergence {divergence:.3}");
    let mut run = Run::new(Seed::new(1));
    run.observe = Some(&observe);
    let map = Tsne { distance: Distance::Cosine, iterations: 500, ..Tsne::default() }.fit(&vectors, &run)?;

    let names: Vec<String> =
        (0..count).map(|row| format!("{} {}", GENRES[row % GENRES.len()], row / 3)).collect();
    let groups: Vec<&str> = (0..count).map(|row| GENRES[row % GENRES.len()]).collect();
    let mut plot = Scatter::of_map("Three genres by t-SNE", &map.positions, &names, &groups)?;
    plot.named = vec![0, 1, 2];
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::write(folder.join("map.svg"), plot.svg()?)?;
    std::fs::write(folder.join("map.html"), page("Three genres", &[plot])?)?;
    println!("map.svg and map.html are in {}", folder.display());
    Ok(())
}
