//! The items most similar to one item, by the cosine of their vectors.

#![allow(clippy::print_stdout)]

use seoro_ann::{Ask, Build, Flat, Index, Metric, Points};
use seoro_core::{Matrix, Seed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Seed::new(1).child("vectors").rng();
    let vectors = Matrix::from_vec(1_000, 32, (0..32_000).map(|_| rng.normal() as f32).collect())?;
    let index = Flat::default().build(&Points::new(&vectors, Metric::Cosine), &Build::new(Seed::new(1)))?;
    let (mut scratch, mut nearest) = (index.scratch(), Vec::new());
    index.search(vectors.row(42), &Ask::new(5), &mut scratch, &mut nearest)?;
    for neighbor in nearest {
        println!("item {:>3}  cosine {:.3}", neighbor.id, neighbor.score);
    }
    Ok(())
}
