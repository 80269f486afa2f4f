//! Arithmetic of sparse matrices: products with dense ones, norms, scaling.

use crate::{Csr, Matrix, kernel};
use rayon::prelude::*;

/// Rows of a product that one task computes.
const ROWS: usize = 64;

impl Csr {
    /// The product `[R, D]` of this matrix `[R, C]` and a dense one `[C, D]`, on the threads of the rayon pool it is
    /// called in; each row is summed in the order of its columns, so the result does not depend on the threads.
    ///
    /// ```
    /// use seoro_core::{Csr, Matrix};
    /// let sparse = Csr::new(vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 3.0], 2)?;
    /// let dense = Matrix::from_vec(2, 1, vec![10.0, 20.0])?;
    /// let mut product = Matrix::default();
    /// sparse.times(&dense, &mut product);
    /// assert_eq!(product.as_slice(), [50.0, 60.0]);
    /// # Ok::<(), seoro_core::ShapeError>(())
    /// ```
    ///
    /// # Panics
    /// Where `dense` has another number of rows than this matrix has columns.
    pub fn times(&self, dense: &Matrix, out: &mut Matrix) {
        assert_eq!(dense.rows(), self.cols(), "one dense row for each sparse column");
        let dim = dense.cols();
        out.reset(self.rows(), dim);
        if dim == 0 {
            return;
        }
        out.as_mut_slice().par_chunks_mut(ROWS * dim).enumerate().for_each(|(block, out)| {
            for (row, out) in out.chunks_exact_mut(dim).enumerate() {
                let row = block * ROWS + row;
                kernel::weighted_rows(self.columns(row), self.values(row), dense.as_slice(), out);
            }
        });
    }

    /// The sum of each row, `[R]`.
    pub fn row_sums(&self) -> Vec<f32> {
        (0..self.rows()).map(|row| kernel::sum(self.values(row))).collect()
    }

    /// The Euclidean norm of each row, `[R]`.
    pub fn row_norms(&self) -> Vec<f32> {
        (0..self.rows()).map(|row| kernel::dot(self.values(row), self.values(row)).sqrt()).collect()
    }

    /// The sum of each column, `[C]`.
    pub fn column_sums(&self) -> Vec<f32> {
        self.fold_columns(|value| value)
    }

    /// The Euclidean norm of each column, `[C]`.
    pub fn column_norms(&self) -> Vec<f32> {
        let mut squares = self.fold_columns(|value| value * value);
        squares.iter_mut().for_each(|square| *square = square.sqrt());
        squares
    }

    /// The number of entries in each column, `[C]`.
    pub fn column_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.cols()];
        for row in 0..self.rows() {
            for &column in self.columns(row) {
                counts[column as usize] += 1;
            }
        }
        counts
    }

    /// Multiplies each row by its factor of `[R]`.
    ///
    /// # Panics
    /// Where there is not one factor for each row.
    pub fn scale_rows(&mut self, factors: &[f32]) {
        assert_eq!(factors.len(), self.rows(), "one factor for each row");
        for (row, factor) in factors.iter().enumerate() {
            self.values_mut(row).iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// Multiplies each column by its factor of `[C]`.
    ///
    /// # Panics
    /// Where there is not one factor for each column.
    pub fn scale_columns(&mut self, factors: &[f32]) {
        assert_eq!(factors.len(), self.cols(), "one factor for each column");
        for row in 0..self.rows() {
            let (columns, values) = self.row_mut(row);
            for (value, &column) in values.iter_mut().zip(columns) {
                *value *= factors[column as usize];
            }
        }
    }

    /// `Σ term(value)` over each column, in `f64`.
    fn fold_columns(&self, term: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut sums = vec![0f64; self.cols()];
        for row in 0..self.rows() {
            for (column, value) in self.row(row) {
                sums[column as usize] += f64::from(term(value));
            }
        }
        sums.into_iter().map(|sum| sum as f32).collect()
    }
}
