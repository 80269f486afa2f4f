//! EASE: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019.
//!
//! Score of item j for a user with the items H: `Σ_{i ∈ H} B_ij`, where `B` minimises `‖X − XB‖² + λ‖B‖²` with a zero
//! diagonal. With `P = (XᵀX + λI)⁻¹` (equation 8 of the paper): `B_ij = −P_ij / P_jj`, `B_jj = 0`.
//!
//! Differences from the paper: none in the result. `XᵀX`, `P` and `B` are one `f32` buffer `[I, I]` after another in the
//! same memory, because at 41,000 items one of them is 6.3 GiB.

use crate::inverse::{PANEL, mirror, negate_inverse};
use crate::rows::{Wanted, each_row, history_set};
use crate::run::check;
use crate::{FitError, Recommender, Run, Training};
use rayon::prelude::*;
use seoro_core::{Csr, Items, Matrix, Query, Score, ScoreError, kernel::axpy};
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicBool;

/// The recipe of EASE.
///
/// ```
/// use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
/// use seoro_models::{Ease, Recommender, Run, Training};
/// use std::sync::Arc;
///
/// // Two users have items 0 and 1, one has item 2.
/// let (users, items) = ([0, 0, 1, 1, 2].map(UserId), [0, 1, 0, 1, 2].map(ItemId));
/// let vocab = || Arc::new(Vocab::numbered(3));
/// let log = Log::new(users.to_vec(), items.to_vec(), None, None, vocab(), vocab())?;
/// let histories = Histories::new(&log);
/// let recipe = Ease { lambda: 1.0 };
/// let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
///
/// let mut scores = [0.0; 3];
/// model.score(&[Query::new(&[ItemId(0)])], Items::All, &mut scores)?;
/// assert!(scores[1] > scores[2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ease {
    /// λ, the L2 penalty on the weights: larger where interactions are fewer per item than items.
    pub lambda: f32,
}

impl Default for Ease {
    fn default() -> Self {
        Self { lambda: 500.0 }
    }
}

/// A fitted EASE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EaseModel {
    /// `B`, `[I, I]`.
    weights: Matrix,
    /// The share of users of each item: the scores of an empty history.
    popularity: Vec<f32>,
}

impl EaseModel {
    /// The item-item weights `B`, `[I, I]`: row i holds what having item i adds to each item's score.
    pub fn weights(&self) -> &Matrix {
        &self.weights
    }
}

impl Recommender for Ease {
    type Fitted = EaseModel;
    const NAME: &'static str = "ease";
    const REVISION: u32 = 1;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<EaseModel, FitError> {
        let model = Self::NAME;
        if !(self.lambda.is_finite() && self.lambda > 0.0) {
            let (parameter, value) = ("lambda", f64::from(self.lambda));
            return Err(FitError::Parameter { model, parameter, value, expected: "a positive number" });
        }
        if train.histories.n_events() == 0 {
            return Err(FitError::Empty { model });
        }
        run.reserve(model, bytes(train.histories.n_items(), train.histories.n_events()))?;
        let x = train.histories.matrix();
        let (pool, cancel) = (run.pool()?, run.cancel);
        pool.install(|| self.weights(&x, cancel))
    }
}

/// What a fit allocates: the buffer, two panels of the inversion, and the interactions by user and by item.
fn bytes(items: usize, events: usize) -> u64 {
    let (items, events) = (items as u64, events as u64);
    items.saturating_mul(4 * items).saturating_add(8 * items * PANEL as u64 + 16 * events)
}

impl Ease {
    fn weights(&self, x: &Csr, cancel: &AtomicBool) -> Result<EaseModel, FitError> {
        let by_item = x.transpose();
        let n = x.cols();
        let share = |item: usize| by_item.columns(item).len() as f32 / x.rows() as f32;
        let popularity = (0..n).map(share).collect();

        let mut weights = Matrix::zeros(n, n);
        let buffer = weights.as_mut_slice();
        gram_lower(x, &by_item, buffer, cancel)?;
        (0..n).for_each(|item| buffer[item * n + item] += self.lambda);
        negate_inverse(buffer, n, Self::NAME, cancel)?;
        mirror(buffer, n);
        let diagonal: Vec<f32> = (0..n).map(|item| -buffer[item * n + item]).collect();
        buffer.par_chunks_mut(n).enumerate().for_each(|(row, weights)| {
            weights.iter_mut().zip(&diagonal).for_each(|(weight, scale)| *weight /= scale);
            weights[row] = 0.0;
        });
        check(cancel)?;
        if !buffer.par_iter().all(|weight| weight.is_finite()) {
            return Err(FitError::Numeric {
                model: Self::NAME,
                what: "a weight is not finite; raise lambda",
            });
        }
        Ok(EaseModel { weights, popularity })
    }
}

/// Adds the lower triangle of `XᵀX` into `out`, `[I, I]`; counts are exact in `f32` up to 2^24 users.
fn gram_lower(x: &Csr, by_item: &Csr, out: &mut [f32], cancel: &AtomicBool) -> Result<(), FitError> {
    out.par_chunks_mut(x.cols()).enumerate().try_for_each(|(item, out)| {
        for &user in by_item.columns(item) {
            let others = x.columns(user as usize);
            let end = others.partition_point(|&other| other as usize <= item);
            others[..end].iter().for_each(|&other| out[other as usize] += 1.0);
        }
        check(cancel)
    })
}

impl Score for EaseModel {
    fn n_items(&self) -> usize {
        self.weights.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        let n_items = self.n_items();
        items.check(queries.len(), n_items, out.len())?;
        let mut history = Vec::new();
        each_row(queries.len(), n_items, &items, out, |row, wanted, out| {
            history_set(&queries[row], n_items, &mut history)?;
            let popularity = history.is_empty().then_some(&self.popularity[..]);
            out.fill(0.0);
            for weights in history.iter().map(|item| self.weights.row(item.index())).chain(popularity) {
                match &wanted {
                    Wanted::Block(range) => axpy(1.0, &weights[range.clone()], out),
                    Wanted::List(list) => {
                        out.iter_mut().zip(*list).for_each(|(out, item)| *out += weights[item.index()]);
                    }
                }
            }
            Ok(())
        })
    }
}
