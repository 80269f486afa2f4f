//! The leading singular vectors of a sparse matrix, by a randomised range finder: Halko, Martinsson and Tropp, "Finding
//! Structure with Randomness", SIAM Review 2011, algorithms 4.4 and 5.1. Its error falls with every power iteration.

use crate::FitError;
use crate::linalg::of;
use crate::run::check;
use faer::MatRef;
use seoro_core::{Csr, Matrix, Seed};
use std::sync::atomic::AtomicBool;

/// How the range of a matrix is found.
pub(crate) struct RangeFinder {
    /// Dimensions of the random subspace: the vectors wanted and some more, at most as many as the matrix has rows or columns.
    pub(crate) width: usize,
    /// q: how often the subspace is multiplied by the matrix and its transpose once more.
    pub(crate) power_iterations: usize,
    /// The subspace's stream.
    pub(crate) seed: Seed,
}

/// Leading singular vectors and values.
pub(crate) struct Svd {
    /// The right singular vectors, `[N, D]`.
    pub(crate) right: Matrix,
    /// The values, falling.
    pub(crate) values: Vec<f32>,
}

impl RangeFinder {
    /// The bytes that the vectors of a matrix of these sides hold at most, beside the matrix: what is decomposed and its
    /// factors on one side, the subspace on the other.
    pub(crate) fn bytes(&self, rows: usize, cols: usize) -> u64 {
        let (most, least) = (rows.max(cols) as u64, rows.min(cols) as u64);
        (20 * most + 4 * least).saturating_mul(self.width as u64)
    }

    /// The `factors` leading right singular vectors of `x` `[M, N]`, whose transpose is given.
    pub(crate) fn svd(
        &self,
        model: &'static str,
        x: &Csr,
        transposed: &Csr,
        factors: usize,
        cancel: &AtomicBool,
    ) -> Result<Svd, FitError> {
        let mut range = orthonormal(&product(x, &gaussian(x.cols(), self.width, self.seed)));
        for _ in 0..self.power_iterations {
            check(cancel)?;
            let rows = orthonormal(&product(transposed, &range));
            check(cancel)?;
            range = orthonormal(&product(x, &rows));
        }
        check(cancel)?;
        // x ≈ Q Qᵀx, so the left singular vectors of (Qᵀx)ᵀ = xᵀQ are the right ones of x.
        let projected = product(transposed, &range);
        let what = "the singular value decomposition did not converge";
        let svd = of(&projected).thin_svd().map_err(|_| FitError::Numeric { model, what })?;
        let values = svd.S().column_vector().iter().take(factors);
        Ok(Svd { right: matrix(svd.U().subcols(0, factors)), values: values.copied().collect() })
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
