//! A matrix that many threads read and change at once (Hogwild: Recht et al. 2011).
//!
//! Numbers are relaxed atomics, two in one, so that there is no data race by the language's rules; of two changes to one
//! number at once, one may be lost. Arithmetic is done on copies, where it becomes vector instructions.

use seoro_core::{Matrix, kernel};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Numbers that rows are filled up to a multiple of, with zeros: a line of the cache.
const LANES: usize = 16;

/// A line of the cache.
#[repr(align(64))]
#[derive(Default)]
struct Line([AtomicU64; LANES / 2]);

/// A matrix `[N, D]`, in rows of whole lines.
pub(crate) struct Shared {
    rows: usize,
    dim: usize,
    lines: Vec<Line>,
}

#[inline(always)]
fn join([low, high]: [f32; 2]) -> u64 {
    u64::from(low.to_bits()) | u64::from(high.to_bits()) << 32
}

#[inline(always)]
fn split(bits: u64) -> [f32; 2] {
    [f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)]
}

impl Shared {
    /// A matrix of zeros.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Self {
        let lines = (0..rows * dim.div_ceil(LANES)).map(|_| Line::default()).collect();
        Self { rows, dim, lines }
    }

    /// What a matrix of this shape holds, in bytes.
    pub(crate) fn bytes(rows: usize, dim: usize) -> u64 {
        (rows as u64).saturating_mul(dim.div_ceil(LANES) as u64 * 64)
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
        self.dim.div_ceil(LANES) * LANES
    }

    #[inline]
    fn row(&self, row: u32) -> &[Line] {
        let lines = self.dim.div_ceil(LANES);
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
        for (line, out) in self.row(row).iter().zip(out.as_chunks_mut::<LANES>().0) {
            for (pair, out) in line.0.iter().zip(out.as_chunks_mut::<2>().0) {
                *out = split(pair.load(Relaxed));
            }
        }
    }

    /// Puts a row in the place of the one that is there.
    #[inline]
    pub(crate) fn write(&self, row: u32, numbers: &[f32]) {
        for (line, numbers) in self.row(row).iter().zip(numbers.as_chunks::<LANES>().0) {
            for (pair, numbers) in line.0.iter().zip(numbers.as_chunks::<2>().0) {
                pair.store(join(*numbers), Relaxed);
            }
        }
    }

    /// Adds to a row; `sum` has room for one.
    #[inline]
    pub(crate) fn add(&self, row: u32, step: &[f32], sum: &mut [f32]) {
        self.read(row, sum);
        sum.iter_mut().zip(step).for_each(|(sum, step)| *sum += step);
        self.write(row, sum);
    }

    /// Whether all numbers are finite.
    pub(crate) fn is_finite(&self) -> bool {
        let pairs = self.lines.iter().flat_map(|line| &line.0);
        pairs.map(|pair| split(pair.load(Relaxed))).all(|[low, high]| low.is_finite() && high.is_finite())
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
        let mut sum = vec![0.0; 32];
        shared.add(1, &row, &mut sum);
        assert_eq!(shared.to_matrix().row(1)[4], 2.0 * matrix.row(1)[4]);
        assert!(shared.is_finite());
        shared.write(2, &[f32::INFINITY; 32]);
        assert!(!shared.is_finite());
    }
}
