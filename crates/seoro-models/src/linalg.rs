//! The dense algebra that several models share, over row-major slices.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{MatMut, MatRef, Par, Spec};
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
