//! A forest whose vectors come and go after the build.

#![allow(clippy::print_stdout)]

use seoro_ann::{Ask, Build, Forest, Index, Metric, Points};
use seoro_core::{Matrix, Seed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Seed::new(1).child("vectors").rng();
    let vectors = Matrix::from_vec(1_000, 32, (0..32_000).map(|_| rng.normal() as f32).collect())?;
    let points = Points::new(&vectors, Metric::Cosine);
    let mut index = Forest::default().build(&points, &Build::new(Seed::new(1)))?;
    let (mut scratch, mut nearest) = (index.scratch(), Vec::new());
    let query = vectors.row(42);

    index.delete(42)?;
    index.search(query, &Ask::new(3), &mut scratch, &mut nearest)?;
    println!("without item 42: {nearest:.3?}");

    index.add(5_000, query)?;
    index.search(query, &Ask::new(3), &mut scratch, &mut nearest)?;
    println!("with its vector again, as item 5000: {nearest:.3?}");
    Ok(())
}
