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
    /// The shape of rows of `cols` numbers, `stride` apart; checks that `len` numbers hold it.
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
        Self { rows, cols, row_stride: stride, col_stride: 1 }
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
    // C is borrowed alone. Strides are those of slices, so they fit an isize.
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
