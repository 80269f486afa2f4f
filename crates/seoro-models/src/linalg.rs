//! The dense algebra that several models share, over row-major slices.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::matmul;
use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Accum, MatMut, MatRef, Par, Side, Spec};
use rayon::prelude::*;
use seoro_core::Matrix;

/// The view `[rows, cols]` of a row-major slice.
pub(crate) fn view(data: &[f32], rows: usize, cols: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(data, rows, cols)
}

/// The view `[rows, cols]` of a row-major slice, to write.
pub(crate) fn view_mut(data: &mut [f32], rows: usize, cols: usize) -> MatMut<'_, f32> {
    MatMut::from_row_major_slice_mut(data, rows, cols)
}

/// The view of a matrix.
pub(crate) fn of(matrix: &Matrix) -> MatRef<'_, f32> {
    view(matrix.as_slice(), matrix.rows(), matrix.cols())
}

/// `XᵀX` of `[N, D]`, as `[D, D]`, on the threads of the current pool.
pub(crate) fn gram(x: &Matrix) -> Matrix {
    let dim = x.cols();
    let mut out = Matrix::zeros(dim, dim);
    let (x, par) = (of(x), Par::rayon(0));
    matmul(view_mut(out.as_mut_slice(), dim, dim), Accum::Replace, x.transpose(), x, 1.0, par);
    out
}

/// Replaces every row `x` of `rows` by `x · basis`, where `basis` is square.
pub(crate) fn rotate(rows: &mut Matrix, basis: &Matrix) {
    const ROWS: usize = 64;
    let dim = rows.cols();
    rows.as_mut_slice().par_chunks_mut(ROWS * dim).for_each_init(
        || vec![0.0; ROWS * dim],
        |rotated, chunk| {
            let (n, rotated) = (chunk.len() / dim, &mut rotated[..chunk.len()]);
            matmul(view_mut(rotated, n, dim), Accum::Replace, view(chunk, n, dim), of(basis), 1.0, Par::Seq);
            chunk.copy_from_slice(rotated);
        },
    );
}

/// The eigenvalues of a symmetric matrix, rising, and its eigenvectors as columns; computed in `f64`.
///
/// `None` where the matrix has an entry that is not finite.
pub(crate) fn symmetric_eigen(matrix: &Matrix) -> Option<(Vec<f64>, Matrix)> {
    let dim = matrix.rows();
    let wide = faer::Mat::from_fn(dim, dim, |i, j| f64::from(matrix.row(i)[j]));
    let eigen = wide.self_adjoint_eigen(Side::Lower).ok()?;
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let mut vectors = Matrix::zeros(dim, dim);
    for i in 0..dim {
        let row = eigen.U().row(i);
        vectors.row_mut(i).iter_mut().zip(row.iter()).for_each(|(out, &entry)| *out = entry as f32);
    }
    values.iter().all(|value| value.is_finite()).then_some((values, vectors))
}

/// Solves systems with small symmetric positive definite matrices, keeping its working memory.
pub(crate) struct Cholesky {
    memory: MemBuffer,
}

impl Cholesky {
    /// A solver of systems of at most `dim` unknowns.
    pub(crate) fn new(dim: usize) -> Self {
        let factor = llt::factor::cholesky_in_place_scratch::<f32>(dim, Par::Seq, Spec::default());
        let inverse = llt::inverse::inverse_scratch::<f32>(dim, Par::Seq);
        Self { memory: MemBuffer::new(factor.or(inverse)) }
    }

    /// Puts the solution of `a · x = b` into `b`; of `a`, `[D, D]` column after column, the lower
    /// triangle is read, and overwritten.
    ///
    /// `false` where `a` is not positive definite.
    #[must_use]
    pub(crate) fn solve(&mut self, a: &mut [f32], b: &mut [f32]) -> bool {
        let (dim, stack) = (b.len(), MemStack::new(&mut self.memory));
        let mut matrix = MatMut::from_column_major_slice_mut(a, dim, dim);
        if !factorise(matrix.rb_mut(), stack) {
            return false;
        }
        let b = MatMut::from_column_major_slice_mut(b, dim, 1);
        llt::solve::solve_in_place(matrix.rb(), b, Par::Seq, stack);
        true
    }

    /// Replaces the symmetric `a`, `[D, D]`, by its inverse, both triangles written.
    ///
    /// `false` where `a` is not positive definite.
    #[must_use]
    pub(crate) fn invert(&mut self, a: &mut [f32], dim: usize) -> bool {
        let stack = MemStack::new(&mut self.memory);
        let mut factor = a.to_vec();
        let mut factor = MatMut::from_column_major_slice_mut(&mut factor, dim, dim);
        if !factorise(factor.rb_mut(), stack) {
            return false;
        }
        let mut inverse = MatMut::from_column_major_slice_mut(a, dim, dim);
        llt::inverse::inverse(inverse.rb_mut(), factor.rb(), Par::Seq, stack);
        for column in 0..dim {
            for row in column + 1..dim {
                inverse[(column, row)] = inverse[(row, column)];
            }
        }
        true
    }
}

fn factorise(matrix: MatMut<'_, f32>, stack: &mut MemStack) -> bool {
    llt::factor::cholesky_in_place(matrix, Default::default(), Par::Seq, stack, Spec::default()).is_ok()
}
