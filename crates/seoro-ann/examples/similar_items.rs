//! The items most similar to one item, by the cosine of their vectors.

#![allow(clippy::print_stdout)]

use seoro_ann::{Flat, Metric};
use seoro_core::{Matrix, Seed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Seed::new(1).child("vectors").rng();
    let vectors = Matrix::from_vec(1_000, 32, (0..32_000).map(|_| rng.normal() as f32).collect())?;
    let query = vectors.row(42).to_vec();
    for neighbor in Flat::new(vectors, Metric::Cosine).search(&query, 5)? {
        println!("item {:>3}  cosine {:.3}", neighbor.row, neighbor.score);
    }
    Ok(())
}
