//! Products of dense matrices: the one safe door to the `gemm` crate.

#![allow(unsafe_code)] // The crate takes raw pointers; the views here have checked what they point to.

use crate::Matrix;

/// A matrix to read: a slice with a shape, rows `stride` apart, transposed or not.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    shape: Shape,
}

/// A matrix to write: as [`View`].
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl Shape {
    /// The shape of rows of `cols` numbers, `stride` apart; checks that `len` numbers hold it. No stride exceeds the
    /// larger of `len` and 1.
    fn new(len: usize, rows: usize, cols: usize, stride: usize) -> Self {
        assert!(stride >= cols, "rows of {cols} numbers, {stride} apart, overlap");
        let needed = match rows {
            0 => Some(0),
            _ => (rows - 1).checked_mul(stride).and_then(|start| start.checked_add(cols)),
        };
        assert!(
            needed.is_some_and(|needed| needed <= len),
            "{len} numbers do not hold {rows} rows of {cols}, {stride} apart"
        );
        // One row or none has no next one to stride to, so any `stride` was let through.
        let row_stride = if rows > 1 { stride } else { cols.min(len) };
        Self { rows, cols, row_stride, col_stride: 1 }
    }

    fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride }
    }
}

impl<'a> View<'a> {
    /// `data` as `rows` rows of `cols` numbers.
    ///
    /// # Panics
    /// Where `data` is too short.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `data` as `rows` rows of `cols` numbers whose starts are `stride` apart.
    ///
    /// # Panics
    /// Where `data` is too short, or rows overlap.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        Self { data, shape: Shape::new(data.len(), rows, cols, stride) }
    }

    /// The transpose, without moving a number.
    pub fn transposed(self) -> Self {
        Self { data: self.data, shape: self.shape.transposed() }
    }
}

impl<'a> ViewMut<'a> {
    /// `data` as `rows` rows of `cols` numbers.
    ///
    /// # Panics
    /// Where `data` is too short.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `data` as `rows` rows of `cols` numbers whose starts are `stride` apart.
    ///
    /// # Panics
    /// Where `data` is too short, or rows overlap.
    pub fn strided(data: &'a mut [f32], rows: usize, cols: usize, stride: usize) -> Self {
        let shape = Shape::new(data.len(), rows, cols, stride);
        Self { data, shape }
    }

    /// The transpose, without moving a number.
    pub fn transposed(self) -> Self {
        Self { shape: self.shape.transposed(), data: self.data }
    }
}

impl<'a> From<&'a Matrix> for View<'a> {
    fn from(matrix: &'a Matrix) -> Self {
        View::new(matrix.as_slice(), matrix.rows(), matrix.cols())
    }
}

impl<'a> From<&'a mut Matrix> for ViewMut<'a> {
    fn from(matrix: &'a mut Matrix) -> Self {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        ViewMut::new(matrix.as_mut_slice(), rows, cols)
    }
}

/// `C ← alpha · A · B + beta · C` for `A` `[M, K]`, `B` `[K, N]`, `C` `[M, N]`; with `beta` 0 the old `C` is not read.
///
/// With `parallel` the work goes to the threads of the rayon pool it is called in; the result is the same to the bit
/// for a given number of threads. Products of small or thin matrices add in another order than large ones, so an element
/// may differ in its last bits between a product and a part of it.
///
/// ```
/// use seoro_core::gemm::{View, ViewMut, gemm};
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0]);
/// let mut c = [0.0; 2];
/// gemm(1.0, View::new(&a, 2, 2), View::new(&b, 2, 1), 0.0, ViewMut::new(&mut c, 2, 1), false);
/// assert_eq!(c, [17.0, 39.0]);
/// ```
///
/// # Panics
/// Where the shapes do not fit.
pub fn gemm(alpha: f32, a: View<'_>, b: View<'_>, beta: f32, c: ViewMut<'_>, parallel: bool) {
    let (m, k, n) = (a.shape.rows, a.shape.cols, b.shape.cols);
    assert_eq!((b.shape.rows, c.shape.rows, c.shape.cols), (k, m, n), "C [M, N] of A [M, K] and B [K, N]");
    if m == 0 || n == 0 {
        return;
    }
    let threads = if parallel { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: each view has checked that every element of its shape lies within its slice; C's rows do not overlap and
    // C is borrowed alone. No stride exceeds the larger of its slice's length and 1, so each fits an isize.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.data.as_mut_ptr(),
            c.shape.col_stride as isize,
            c.shape.row_stride as isize,
            beta != 0.0,
            a.data.as_ptr(),
            a.shape.col_stride as isize,
            a.shape.row_stride as isize,
            b.data.as_ptr(),
            b.shape.col_stride as isize,
            b.shape.row_stride as isize,
            beta,
            alpha,
            false,
            false,
            false,
            threads,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_fit_an_isize_whatever_was_asked_for() {
        let numbers = [1.0, 2.0, 3.0];
        for (rows, cols, stride) in
            [(1, 3, usize::MAX), (1, 0, usize::MAX), (0, 3, usize::MAX), (0, usize::MAX, usize::MAX)]
        {
            let shape = View::strided(&numbers, rows, cols, stride).shape;
            assert!(shape.row_stride <= numbers.len(), "{rows} × {cols}, {stride} apart: {shape:?}");
        }
    }

    #[test]
    fn one_row_takes_any_stride() {
        let (a, b) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
        let mut c = [0.0; 9];
        let column = View::strided(&a, 1, 3, usize::MAX).transposed();
        let row = View::strided(&b, 1, 3, usize::MAX);
        gemm(1.0, column, row, 0.0, ViewMut::new(&mut c, 3, 3), false);
        assert_eq!(c, [4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 12.0, 15.0, 18.0]);
        let mut c = [0.0; 3];
        gemm(1.0, View::new(&[2.0], 1, 1), row, 0.0, ViewMut::strided(&mut c, 1, 3, usize::MAX), false);
        assert_eq!(c, [8.0, 10.0, 12.0]);
    }

    #[test]
    #[should_panic(expected = "do not hold")]
    fn two_rows_do_not() {
        View::strided(&[1.0, 2.0, 3.0], 2, 1, usize::MAX);
    }
}
