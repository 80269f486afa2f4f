//! PureSVD: Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N Recommendation Tasks",
//! RecSys 2010.
//!
//! Score of item i for a user with the items H: `Σ_{h ∈ H} ⟨v_h, v_i⟩`, that is `r_u V Vᵀ`, where V holds the first right
//! singular vectors of the user-item matrix.
//!
//! Differences from the paper: the matrix holds 1 for an interaction where the paper's holds ratings; and the singular
//! vectors come from a randomised range finder (Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM
//! Review 2011, algorithms 4.4 and 5.1) instead of a Lanczos method. Its error falls with every power iteration.

use crate::linalg::of;
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::history_set;
use crate::run::check;
use crate::{FitError, Recommender, Run, Training};
use faer::MatRef;
use seoro_core::{Csr, Embed, Items, Matrix, Query, Score, ScoreError, Seed, kernel::axpy, score_by_vectors};
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
        let rows = (histories.n_users() + histories.n_items()) as u64;
        let dense = rows.saturating_mul(12 * width as u64);
        run.reserve(model, dense.saturating_add(16 * histories.n_events() as u64))?;
        let x = histories.matrix();
        let factors = self.factors.min(rank);
        let (pool, cancel, seed) = (run.pool()?, run.cancel, run.seed);
        pool.install(|| self.truncated(&x, factors, width, seed, cancel))
    }
}

impl PureSvd {
    /// The `factors` leading right singular vectors of `x`, from a subspace of `width` dimensions.
    fn truncated(
        &self,
        x: &Csr,
        factors: usize,
        width: usize,
        seed: Seed,
        cancel: &AtomicBool,
    ) -> Result<PureSvdModel, FitError> {
        let transposed = x.transpose();
        let mut range = orthonormal(&product(x, &gaussian(x.cols(), width, seed)));
        for _ in 0..self.power_iterations {
            check(cancel)?;
            let rows = orthonormal(&product(&transposed, &range));
            check(cancel)?;
            range = orthonormal(&product(x, &rows));
        }
        check(cancel)?;
        // x ≈ Q Qᵀx, so the left singular vectors of (Qᵀx)ᵀ = xᵀQ are the right ones of x.
        let projected = product(&transposed, &range);
        let what = "the singular value decomposition did not converge";
        let svd = of(&projected).thin_svd().map_err(|_| FitError::Numeric { model: Self::NAME, what })?;
        let items = matrix(svd.U().subcols(0, factors));
        let values = svd.S().column_vector().iter().take(factors);
        let mut mean = vec![0.0; factors];
        for item in 0..x.cols() {
            let share = transposed.columns(item).len() as f32 / x.rows() as f32;
            axpy(share, items.row(item), &mut mean);
        }
        Ok(PureSvdModel { items, singular_values: values.copied().collect(), mean })
    }
}

fn product(sparse: &Csr, dense: &Matrix) -> Matrix {
    let mut out = Matrix::default();
    sparse.times(dense, &mut out);
    out
}

fn gaussian(rows: usize, cols: usize, seed: Seed) -> Matrix {
    let mut rng = seed.child("range").rng();
    let mut out = Matrix::zeros(rows, cols);
    out.as_mut_slice().iter_mut().for_each(|entry| *entry = rng.normal() as f32);
    out
}

/// An orthonormal basis of the columns.
fn orthonormal(columns: &Matrix) -> Matrix {
    matrix(of(columns).qr().compute_thin_Q().as_ref())
}

fn matrix(view: MatRef<'_, f32>) -> Matrix {
    let mut out = Matrix::zeros(view.nrows(), view.ncols());
    for row in 0..view.nrows() {
        out.row_mut(row).iter_mut().zip(view.row(row).iter()).for_each(|(out, &entry)| *out = entry);
    }
    out
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
