//! A matrix that many threads read and change at once (Hogwild: Recht et al. 2011): its numbers are relaxed atomics, and
//! arithmetic is done on copies.

use seoro_core::Matrix;
use seoro_core::kernel::{self, LINE, Line};

/// A matrix `[N, D]`, in rows of whole lines of the cache, which zeros fill up.
pub(crate) struct Shared {
    rows: usize,
    dim: usize,
    lines: Vec<Line>,
}

impl Shared {
    /// A matrix of zeros.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Self {
        let lines = (0..rows * dim.div_ceil(LINE)).map(|_| Line::default()).collect();
        Self { rows, dim, lines }
    }

    /// What a matrix of this shape holds, in bytes.
    pub(crate) fn bytes(rows: usize, dim: usize) -> u64 {
        (rows as u64).saturating_mul(dim.div_ceil(LINE) as u64 * 64)
    }

    /// A matrix with these numbers.
    pub(crate) fn from_matrix(matrix: &Matrix) -> Self {
        let shared = Self::zeros(matrix.rows(), matrix.cols());
        let mut filled = vec![0.0; shared.width()];
        for row in 0..matrix.rows() {
            filled[..matrix.cols()].copy_from_slice(matrix.row(row));
            shared.write(row as u32, &filled);
        }
        shared
    }

    /// The numbers.
    pub(crate) fn to_matrix(&self) -> Matrix {
        let mut matrix = Matrix::zeros(self.rows, self.dim);
        let mut filled = vec![0.0; self.width()];
        for row in 0..self.rows {
            self.read(row as u32, &mut filled);
            matrix.row_mut(row).copy_from_slice(&filled[..self.dim]);
        }
        matrix
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many numbers a row has, with those that it is filled up with.
    pub(crate) fn width(&self) -> usize {
        self.dim.div_ceil(LINE) * LINE
    }

    #[inline]
    fn row(&self, row: u32) -> &[Line] {
        let lines = self.dim.div_ceil(LINE);
        &self.lines[row as usize * lines..(row as usize + 1) * lines]
    }

    /// Asks for a row before it is read.
    #[inline]
    pub(crate) fn prefetch(&self, row: u32) {
        kernel::prefetch(self.row(row));
    }

    /// Copies a row.
    #[inline]
    pub(crate) fn read(&self, row: u32, out: &mut [f32]) {
        kernel::read_lines(self.row(row), out);
    }

    /// Puts a row in the place of the one that is there.
    #[inline]
    pub(crate) fn write(&self, row: u32, numbers: &[f32]) {
        kernel::write_lines(self.row(row), numbers);
    }

    /// Adds to a row what a copy of it has changed by.
    #[inline]
    pub(crate) fn add_change(&self, row: u32, now: &[f32], before: &[f32]) {
        kernel::move_lines(self.row(row), now, before);
    }

    /// Whether all numbers are finite.
    pub(crate) fn is_finite(&self) -> bool {
        let mut numbers = vec![0.0; self.width()];
        (0..self.rows).all(|row| {
            self.read(row as u32, &mut numbers);
            numbers.iter().all(|number| number.is_finite())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_was_added() {
        let numbers: Vec<f32> = (0..3 * 21).map(|number| number as f32 - 30.0).collect();
        let matrix = Matrix::from_vec(3, 21, numbers).unwrap();
        let shared = Shared::from_matrix(&matrix);
        assert_eq!((shared.rows(), shared.width()), (3, 32));
        assert_eq!(shared.to_matrix(), matrix);
        let mut row = vec![9.0; 32];
        shared.read(1, &mut row);
        assert_eq!(row[..21], *matrix.row(1));
        assert!(row[21..].iter().all(|&number| number == 0.0));
        shared.add_change(1, &row, &[0.0; 32]);
        assert_eq!(shared.to_matrix().row(1)[4], 2.0 * matrix.row(1)[4]);
        assert!(shared.is_finite());
        shared.write(2, &[f32::INFINITY; 32]);
        assert!(!shared.is_finite());
    }
}
