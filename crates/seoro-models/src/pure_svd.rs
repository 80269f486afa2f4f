//! PureSVD: Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N Recommendation Tasks",
//! RecSys 2010.
//!
//! Score of item i for a user with the items H: `Σ_{h ∈ H} ⟨v_h, v_i⟩`, that is `r_u V Vᵀ`, where V holds the first right
//! singular vectors of the user-item matrix.
//!
//! Differences from the paper: the matrix holds 1 for an interaction where the paper's holds ratings; and the singular
//! vectors come from a randomised range finder (see `svd`) instead of a Lanczos method.

use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::history_set;
use crate::svd::{RangeFinder, Svd};
use crate::{FitError, Recommender, Run, Training};
use seoro_core::{Csr, Embed, Items, Matrix, Query, Score, ScoreError, kernel::axpy, score_by_vectors};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::atomic::AtomicBool;

/// The recipe of PureSVD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PureSvd {
    /// How many singular vectors; at most as many as there are users, or items, are kept.
    pub factors: usize,
    /// q: how often the random subspace is multiplied by the matrix and its transpose once more.
    pub power_iterations: usize,
    /// p: how many dimensions the random subspace has beyond the factors.
    pub oversampling: usize,
}

impl Default for PureSvd {
    fn default() -> Self {
        Self { factors: 50, power_iterations: 7, oversampling: 20 }
    }
}

/// A fitted PureSVD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PureSvdModel {
    /// V, `[I, D]`.
    items: Matrix,
    /// The singular values, falling.
    singular_values: Vec<f32>,
    /// The mean vector of the training users: that of an empty history.
    mean: Vec<f32>,
}

impl PureSvdModel {
    /// The first singular values of the user-item matrix, falling.
    pub fn singular_values(&self) -> &[f32] {
        &self.singular_values
    }
}

impl Recommender for PureSvd {
    type Fitted = PureSvdModel;
    const NAME: &'static str = "pure-svd";
    const REVISION: u32 = 1;

    /// As many factors as the checkerboard has colours: with all of them nothing is left to say of unseen items.
    fn checked() -> Self {
        Self { factors: 2, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<PureSvdModel, FitError> {
        let model = Self::NAME;
        if !(1..=MAX_FACTORS).contains(&self.factors) {
            let (parameter, expected, value) = ("factors", FACTORS_EXPECTED, self.factors as f64);
            return Err(FitError::Parameter { model, parameter, value, expected });
        }
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model });
        }
        let rank = histories.n_users().min(histories.n_items());
        let width = rank.min(self.factors.saturating_add(self.oversampling));
        let range = RangeFinder { width, power_iterations: self.power_iterations, seed: run.seed };
        let dense = range.bytes(histories.n_users(), histories.n_items());
        run.reserve(model, dense.saturating_add(16 * histories.n_events() as u64))?;
        let x = histories.matrix();
        let (pool, cancel) = (run.pool()?, run.cancel);
        pool.install(|| PureSvdModel::new(&x, &range, self.factors.min(rank), cancel))
    }
}

impl PureSvdModel {
    /// Of the `factors` leading right singular vectors of `x`.
    fn new(x: &Csr, range: &RangeFinder, factors: usize, cancel: &AtomicBool) -> Result<Self, FitError> {
        let transposed = x.transpose();
        let Svd { right: items, values: singular_values } =
            range.svd(PureSvd::NAME, x, &transposed, factors, cancel)?;
        let mut mean = vec![0.0; factors];
        for item in 0..x.cols() {
            let share = transposed.columns(item).len() as f32 / x.rows() as f32;
            axpy(share, items.row(item), &mut mean);
        }
        Ok(Self { items, singular_values, mean })
    }
}

impl Score for PureSvdModel {
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

impl Embed for PureSvdModel {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        out.reset(queries.len(), self.items.cols());
        let mut history = Vec::new();
        for (row, query) in queries.iter().enumerate() {
            history_set(query, self.n_items(), &mut history)?;
            let mean = history.is_empty().then_some(&self.mean[..]);
            for vector in history.iter().map(|item| self.items.row(item.index())).chain(mean) {
                axpy(1.0, vector, out.row_mut(row));
            }
        }
        Ok(())
    }
}
