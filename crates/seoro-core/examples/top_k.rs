//! Full ranking with a model of vectors: a recommender from outside, its 20 best items for every user, and how fast.
//!
//! `cargo run --release -p seoro-core --example top_k -- 29858 40981 64`

use rayon::prelude::*;
use seoro_core::{
    Embed, ItemId, Items, Matrix, OwnHistory, Query, Score, ScoreError, Seed, TopK, UserId, score_by_vectors,
};
use std::borrow::Cow;
use std::time::Instant;

/// Users and items as vectors; the score is their dot product.
struct Vectors {
    users: Matrix,
    items: Matrix,
}

impl Embed for Vectors {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        out.reset(queries.len(), self.users.cols());
        for (row, query) in queries.iter().enumerate() {
            let user = query.user.ok_or(ScoreError::Missing { query: row, what: "user" })?;
            out.row_mut(row).copy_from_slice(self.users.row(user.index()));
        }
        Ok(())
    }
}

impl Score for Vectors {
    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items, out)
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }
}

fn normal_matrix(seed: Seed, rows: usize, cols: usize) -> Result<Matrix, seoro_core::ShapeError> {
    let mut rng = seed.rng();
    Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| rng.normal() as f32).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sizes = std::env::args().skip(1).map(|arg| arg.parse()).collect::<Result<Vec<usize>, _>>()?;
    let (n_users, n_items, dim) = match sizes[..] {
        [users, items, dim] => (users, items, dim),
        _ => (2_000, 5_000, 64),
    };
    let seed = Seed::new(7);
    let model = Vectors {
        users: normal_matrix(seed.child("users"), n_users, dim)?,
        items: normal_matrix(seed.child("items"), n_items, dim)?,
    };
    let mut rng = seed.child("histories").rng();
    let histories: Vec<Vec<ItemId>> =
        (0..n_users).map(|_| (0..27).map(|_| ItemId(rng.below(n_items as u32))).collect()).collect();
    let queries: Vec<Query<'_>> =
        histories.iter().zip(0..).map(|(history, user)| Query::new(history).user(UserId(user))).collect();

    let start = Instant::now();
    let batches = queries
        .par_chunks(512)
        .map(|batch| {
            let mut best = TopK::new();
            model.top_k(batch, 20, &OwnHistory, &mut best).map(|()| best)
        })
        .collect::<Result<Vec<TopK>, _>>()?;
    let seconds = start.elapsed().as_secs_f64();

    #[allow(clippy::print_stdout)] // an example talks to its reader
    for scored in batches[0].list(0).iter().take(3) {
        println!("user 0: item {} scores {:.3}", scored.item, scored.score);
    }
    #[allow(clippy::print_stdout)]
    {
        println!("{:.0} users/s on {} threads", n_users as f64 / seconds, rayon::current_num_threads());
    }
    Ok(())
}
