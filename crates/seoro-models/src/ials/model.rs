//! The fitted iALS: item vectors, known users' vectors, and fold-in for everyone else.

use super::solve::Solver;
use super::{Ials, Weighting};
use seoro_core::hash::Fnv1a;
use seoro_core::{
    Csr, Embed, ItemId, Items, Matrix, Query, Score, ScoreError, Seed, kernel, score_by_vectors,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A fitted iALS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IalsModel {
    recipe: Ials,
    /// x, `[U, D]`.
    pub(super) users: Matrix,
    /// y, `[I, D]`, rotated so that their gram matrix is diagonal.
    pub(super) items: Matrix,
    /// The diagonal of the items' gram matrix, `[D]`.
    pub(super) spectrum: Vec<f32>,
    /// The mean user: the vector of a query that says nothing.
    mean: Vec<f32>,
    /// What each user's vector was learned from, as a hash.
    learned_from: Vec<u64>,
}

impl IalsModel {
    /// The state before the first epoch: users drawn from N(0, σ²/d), items zero.
    pub(super) fn start(recipe: &Ials, by_user: &Csr, seed: Seed) -> Self {
        let dim = recipe.factors;
        let mut users = Matrix::zeros(by_user.rows(), dim);
        let mut rng = seed.child("init").rng();
        let scale = f64::from(recipe.init_std) / (dim as f64).sqrt();
        users.as_mut_slice().iter_mut().for_each(|entry| *entry = (scale * rng.normal()) as f32);
        Self {
            recipe: recipe.clone(),
            users,
            items: Matrix::zeros(by_user.cols(), dim),
            spectrum: vec![0.0; dim],
            mean: vec![0.0; dim],
            learned_from: (0..by_user.rows()).map(|user| hash(by_user.row(user))).collect(),
        }
    }

    /// Takes the mean of the users' vectors.
    pub(super) fn remember_mean(&mut self) {
        let share = 1.0 / self.users.rows() as f32;
        self.mean.fill(0.0);
        for user in 0..self.users.rows() {
            kernel::axpy(share, self.users.row(user), &mut self.mean);
        }
    }

    /// The vector of a known user, where the query says no more than what it was learned from.
    fn known(&self, query: &Query<'_>, observed: &[(u32, f32)]) -> Option<&[f32]> {
        let user = query.user.filter(|user| user.index() < self.users.rows())?.index();
        let learned = self.learned_from[user] != hash(std::iter::empty());
        let same = self.learned_from[user] == hash(observed.iter().copied());
        (learned && (same || query.history.is_empty())).then(|| self.users.row(user))
    }
}

/// The hash of a row of observations.
fn hash(row: impl Iterator<Item = (u32, f32)>) -> u64 {
    let mut hash = Fnv1a::new();
    row.for_each(|(item, weight)| hash.word(u64::from(item) << 32 | u64::from(weight.to_bits())));
    hash.value()
}

impl Score for IalsModel {
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

impl Embed for IalsModel {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        out.reset(queries.len(), self.items.cols());
        let n_items = self.n_items();
        let longest = queries.iter().map(|query| query.history.len()).max().unwrap_or(0);
        let mut solver = Solver::new(&self.recipe, &self.items, &self.spectrum, longest);
        for (row, query) in queries.iter().enumerate() {
            let unknown = query.history.iter().find(|item| item.index() >= n_items);
            if let Some(&item) = unknown {
                return Err(ScoreError::Item { item: ItemId(item.0), n_items });
            }
            let lacks_values = query.values.is_some_and(|values| values.len() != query.history.len());
            if lacks_values && self.recipe.weighting != Weighting::One {
                return Err(ScoreError::Missing { query: row, what: "a value for each item of its history" });
            }
            let observed = self.recipe.weights(query);
            let out = out.row_mut(row);
            match self.known(query, &observed) {
                Some(vector) => out.copy_from_slice(vector),
                None if observed.is_empty() => out.copy_from_slice(&self.mean),
                None => {
                    let (columns, weights): (Vec<u32>, Vec<f32>) = observed.into_iter().unzip();
                    // A system that rounding made indefinite falls back to the mean user: finite, as promised.
                    if solver.row(&columns, &weights, out).is_err() {
                        out.copy_from_slice(&self.mean);
                    }
                }
            }
        }
        Ok(())
    }
}
