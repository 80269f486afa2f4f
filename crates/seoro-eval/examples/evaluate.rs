//! Popularity against the oracle on the embedded world: full ranking, intervals, a test, and what is shown.
//!
//! `cargo run --release -p seoro-eval --example evaluate`

#![allow(clippy::print_stdout)]

use seoro_core::world::World;
use seoro_core::{Csr, Histories, Items, OwnHistory, Query, Score, ScoreError, Seed, Splitter};
use seoro_eval::significance::wilcoxon;
use seoro_eval::{Case, Evaluation, Exposure, Metric, Options, evaluate};
use std::error::Error;

/// Scores an item by the number of its users.
struct Popularity(Vec<u32>);

impl Popularity {
    fn of(items_of_users: &Csr) -> Self {
        let users_of_items = items_of_users.transpose();
        Self((0..users_of_items.rows()).map(|item| users_of_items.columns(item).len() as u32).collect())
    }
}

impl Score for Popularity {
    fn n_items(&self) -> usize {
        self.0.len()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        let rows: Vec<u32> = match items {
            Items::All => (0..self.0.len() as u32).collect(),
            Items::Range(range) => range.collect(),
            Items::Lists(lists) => lists.concat().iter().map(|item| item.0).collect(),
        };
        out.iter_mut().zip(rows.iter().cycle()).for_each(|(out, &item)| *out = self.0[item as usize] as f32);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let world = World::new();
    let split = Splitter::LeaveOneOut.split(&world.implicit(), Seed::new(1))?;
    let (train, targets) = (Histories::new(&split.train), Histories::new(&split.test));
    let popularity = Popularity::of(&train.matrix());
    let oracle = world.oracle();

    // Each user is asked about at the time of the hidden event.
    let tested: Vec<_> = split.test.events().collect();
    let queries: Vec<Query<'_>> =
        tested.iter().map(|event| train.query(event.user).at(event.time.unwrap_or_default())).collect();
    let cases: Vec<Case<'_>> = queries
        .iter()
        .zip(&tested)
        .map(|(&query, event)| Case { query, targets: targets.items(event.user), candidates: None })
        .collect();
    let mut options = Options::new();
    options.hide = &OwnHistory;

    let ndcg = Metric::Ndcg(10);
    let models: [(&str, &dyn Score); 2] = [("popularity", &popularity), ("oracle", &oracle)];
    let mut found: Vec<Evaluation> = Vec::new();
    for (name, model) in models {
        let evaluation = evaluate(model, &cases, &[Metric::HitRate(10), ndcg, Metric::Auc], &options)?;
        println!("{name}");
        for metric in evaluation.metrics() {
            let mean = evaluation.mean(metric).unwrap_or(f64::NAN);
            let (low, high) = evaluation.interval(metric, 0.95, 1000, Seed::new(2))?;
            println!("  {metric:<8} {mean:.4}, 95 % interval {low:.4} to {high:.4}");
        }
        let exposure = Exposure::of_model(model, &queries, 10, &options)?;
        let novelty = exposure.novelty(&popularity.0, train.n_users() as u32)?;
        let (coverage, gini) = (exposure.coverage(), exposure.gini());
        println!("  coverage {coverage:.3}, Gini coefficient {gini:.3}, novelty {novelty:.2} bits");
        found.push(evaluation);
    }
    if let (Some(a), Some(b)) = (found[0].values(ndcg), found[1].values(ndcg)) {
        println!("{ndcg}: p = {:.1e} by Wilcoxon's test", wilcoxon(a, b)?.p_value);
    }
    Ok(())
}
