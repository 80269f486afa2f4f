//! A recommender from outside the crate: a recipe, a fitted model, and the rules that every model keeps.
//!
//! It offers what is taken right after the last item of the history, most often first: `cargo run -p seoro-models --example
//! own_model`.
#![allow(clippy::print_stdout)]

use seoro_core::world::World;
use seoro_core::{Histories, ItemId, Items, Nothing, Query, Score, ScoreError, Seed, TopK, UserId};
use seoro_models::{FitError, Recommender, Run, Training, conformance};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Hyper-parameters are the recipe's fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Next {
    /// What popularity counts beside a transition.
    popularity: f32,
}

impl Default for Next {
    fn default() -> Self {
        Self { popularity: 1e-3 }
    }
}

/// A fitted model can be scored with, and saved.
#[derive(Serialize, Deserialize)]
struct NextModel {
    /// Of each item, how often each other one came next.
    next: Vec<BTreeMap<ItemId, f32>>,
    base: Vec<f32>,
}

impl Recommender for Next {
    type Fitted = NextModel;
    const NAME: &'static str = "next";
    const REVISION: u32 = 1;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<NextModel, FitError> {
        let histories = train.histories;
        let mut next = vec![BTreeMap::new(); histories.n_items()];
        let mut base = vec![0.0; histories.n_items()];
        for user in 0..histories.n_users() as u32 {
            run.check()?;
            let items = histories.items(UserId(user));
            items.iter().for_each(|item| base[item.index()] += self.popularity);
            for pair in items.windows(2) {
                *next[pair[0].index()].entry(pair[1]).or_insert(0.0) += 1.0;
            }
        }
        Ok(NextModel { next, base })
    }
}

impl Score for NextModel {
    fn n_items(&self) -> usize {
        self.base.len()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        let every: Vec<ItemId> = match &items {
            Items::Range(range) => range.clone().map(ItemId).collect(),
            _ => (0..self.n_items() as u32).map(ItemId).collect(),
        };
        let mut out = out.iter_mut();
        for (place, query) in queries.iter().enumerate() {
            let wanted = if let Items::Lists(lists) = &items { lists[place] } else { &every[..] };
            if let Some(&item) = query.history.iter().find(|item| item.index() >= self.n_items()) {
                return Err(ScoreError::Item { item, n_items: self.n_items() });
            }
            let next = query.history.last().map(|last| &self.next[last.index()]);
            for (item, out) in wanted.iter().zip(&mut out) {
                let times = next.and_then(|next| next.get(item)).copied().unwrap_or(0.0);
                *out = times + self.base[item.index()];
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    conformance::check(&Next::default())?;
    println!("{} keeps every rule", Next::NAME);

    let log = World::new().sessions();
    let histories = Histories::new(&log);
    let model = Next::default().fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
    let mut best = TopK::new();
    model.top_k(&[histories.query(UserId(0))], 5, &Nothing, &mut best)?;
    for scored in best.list(0) {
        println!("item {} with {:.3}", scored.item, scored.score);
    }
    Ok(())
}
