//! A fitted factorisation: scores, vectors, ratings, and users it never saw.

use super::factors::Factors;
use super::fold_in::Newcomer;
use super::objective::Learn;
use super::step::Step;
use crate::rows::check_histories;
use seoro_core::score::top_k_by_blocks;
use seoro_core::{
    Embed, Hide, ItemId, Items, Matrix, Query, Rate, Score, ScoreError, Seed, TopK, UserId, kernel,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A fitted factorisation, `s(u, i) = μ + b_u + c_i + p_u · q_i`.
///
/// A user without training events (or a query without a user) gets `p` and `b` from the query's history: the recipe's
/// own steps over it, with the items held still and uniform negatives from a fixed stream, so the same history gets the
/// same scores. An empty history (for a model of ratings: one without its ratings) scores every item by `μ + c_i`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixFactorization {
    pub(super) factors: Factors,
    /// Whether a user had training events.
    pub(super) trained: Vec<bool>,
    pub(super) learn: Learn,
    pub(super) step: Step,
    /// Passes over the history of a user without training events.
    pub(super) passes: usize,
    /// The lowest and the highest training rating, where the values of events were learned.
    pub(super) range: Option<(f32, f32)>,
}

/// The users of some queries: `p` as rows `[Q, D]`, and `μ + b_u`.
struct Askers {
    vectors: Matrix,
    offsets: Vec<f32>,
}

impl MatrixFactorization {
    fn askers(&self, queries: &[Query<'_>]) -> Result<Askers, ScoreError> {
        check_histories(queries, self.n_items())?;
        let mut vectors = Matrix::zeros(queries.len(), self.factors.dim());
        let offsets = queries.iter().enumerate();
        let offsets =
            offsets.map(|(row, query)| self.factors.global + self.asker(query, vectors.row_mut(row)));
        Ok(Askers { offsets: offsets.collect(), vectors })
    }

    /// Writes the asker's `p` into zeroed `vector`, and returns `b`.
    fn asker(&self, query: &Query<'_>, vector: &mut [f32]) -> f32 {
        match query.user.filter(|user| self.trained.get(user.index()) == Some(&true)) {
            Some(UserId(user)) => {
                vector.copy_from_slice(self.factors.users.row(user as usize));
                self.factors.user_bias[user as usize]
            }
            None => self.fold_in(query, vector),
        }
    }

    fn fold_in(&self, query: &Query<'_>, vector: &mut [f32]) -> f32 {
        let events: Vec<(ItemId, f32)> = match (self.range, query.values) {
            // What a history without its ratings says of a taste is not in this model.
            (Some(_), None) => Vec::new(),
            (_, values) => {
                let value =
                    |place: usize| values.and_then(|values| values.get(place)).copied().unwrap_or(1.0);
                query.history.iter().enumerate().map(|(place, &item)| (item, value(place))).collect()
            }
        };
        let (factors, step) = (&self.factors, self.step);
        let mut newcomer = Newcomer { factors, step, events: &events, vector, bias: 0.0 };
        newcomer.learn(&self.learn, self.passes, Seed::new(0).child("fold-in"));
        newcomer.bias
    }

    fn scores(&self, askers: &Askers, items: Items<'_>, out: &mut [f32]) {
        let Factors { items: factors, item_bias, .. } = &self.factors;
        let dim = self.factors.dim();
        let range = match items {
            Items::All => 0..self.n_items(),
            Items::Range(range) => range.start as usize..range.end as usize,
            Items::Lists(lists) => {
                let mut out = out.iter_mut();
                for (query, list) in lists.iter().enumerate() {
                    for (item, out) in list.iter().map(|item| item.index()).zip(&mut out) {
                        *out = kernel::dot(askers.vectors.row(query), factors.row(item))
                            + (askers.offsets[query] + item_bias[item]);
                    }
                }
                return;
            }
        };
        for (query, out) in out.chunks_exact_mut(range.len().max(1)).enumerate() {
            let rows = &factors.as_slice()[range.start * dim..range.end * dim];
            kernel::dot_rows(askers.vectors.row(query), rows, out);
            for (out, bias) in out.iter_mut().zip(&item_bias[range.clone()]) {
                *out += askers.offsets[query] + bias;
            }
        }
    }
}

impl Score for MatrixFactorization {
    fn n_items(&self) -> usize {
        self.factors.items.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        self.scores(&self.askers(queries)?, items, out);
        Ok(())
    }

    fn top_k(
        &self,
        queries: &[Query<'_>],
        k: usize,
        hide: &dyn Hide,
        out: &mut TopK,
    ) -> Result<(), ScoreError> {
        // The users are found once, not once a block of items.
        let askers = self.askers(queries)?;
        top_k_by_blocks(self.n_items(), queries, k, hide, out, |items, scores| {
            self.scores(&askers, items, scores);
            Ok(())
        })
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }

    fn rate(&self) -> Option<&dyn Rate> {
        self.range.is_some().then_some(self as &dyn Rate)
    }
}

/// Items are `(q_i, c_i, 1)`, queries `(p_u, 1, μ + b_u)`.
impl Embed for MatrixFactorization {
    fn items(&self) -> Cow<'_, Matrix> {
        let dim = self.factors.dim();
        let mut items = Matrix::zeros(self.n_items(), dim + 2);
        for item in 0..self.n_items() {
            let row = items.row_mut(item);
            row[..dim].copy_from_slice(self.factors.items.row(item));
            row[dim..].copy_from_slice(&[self.factors.item_bias[item], 1.0]);
        }
        Cow::Owned(items)
    }

    /// `q_i`.
    fn comparable(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.factors.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        let dim = self.factors.dim();
        let askers = self.askers(queries)?;
        out.reset(queries.len(), dim + 2);
        for (query, &offset) in askers.offsets.iter().enumerate() {
            let row = out.row_mut(query);
            row[..dim].copy_from_slice(askers.vectors.row(query));
            row[dim..].copy_from_slice(&[1.0, offset]);
        }
        Ok(())
    }
}

/// Ratings are kept within the range of the training ratings.
impl Rate for MatrixFactorization {
    fn rate(&self, pairs: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError> {
        if out.len() != pairs.len() {
            return Err(ScoreError::Output { len: out.len(), expected: pairs.len() });
        }
        let (low, high) = self.range.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        for ((query, item), out) in pairs.iter().zip(out) {
            self.score(std::slice::from_ref(query), Items::Lists(&[&[*item]]), std::slice::from_mut(out))?;
            *out = out.clamp(low, high);
        }
        Ok(())
    }
}
