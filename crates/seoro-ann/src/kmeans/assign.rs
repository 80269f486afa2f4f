//! Finding the nearest centroid of each of many points by products of matrices.

use crate::{Build, BuildError};
use rayon::prelude::*;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Matrix, kernel};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Points: rows of `width` numbers whose starts are `stride` apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    data: &'a [f32],
    count: usize,
    width: usize,
    stride: usize,
}

impl<'a> Rows<'a> {
    /// All rows of a matrix.
    pub(crate) fn of(matrix: &'a Matrix) -> Self {
        Self::new(matrix.as_slice(), matrix.rows(), matrix.cols())
    }

    /// Rows of `width` numbers, one after the other.
    pub(crate) fn new(data: &'a [f32], count: usize, width: usize) -> Self {
        Self { data, count, width, stride: width }
    }

    /// The same rows from number `start` on, `width` of each.
    pub(crate) fn part(self, start: usize, width: usize) -> Self {
        let data = if self.count == 0 { self.data } else { &self.data[start..] };
        Self { data, width, ..self }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    #[inline]
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..self.width]
    }

    /// `count` of the rows from `first` on.
    fn view(&self, first: usize, count: usize) -> View<'a> {
        View::strided(&self.data[first * self.stride..], count, self.width, self.stride)
    }
}

/// How many products a block of points may have with all centroids: what stays in the second-level cache.
const BLOCK: usize = 1 << 16;

/// Centroids, to find the nearest of.
pub(crate) struct Nearest<'a> {
    centroids: &'a Matrix,
    /// `½‖c‖²`, or zeros where the largest product is the nearest.
    half_norms: Vec<f32>,
    /// Short centroids column by column, `[D, K]`; empty where they are long or not whole registers.
    columns: Vec<f32>,
}

/// Centroids shorter than this are compared without products of matrices, which do not pay for them.
const SHORT: usize = 24;

impl<'a> Nearest<'a> {
    /// By distances, or `by_product`.
    pub(crate) fn new(centroids: &'a Matrix, by_product: bool) -> Self {
        let half_norm = |row: usize| {
            let row = centroids.row(row);
            if by_product { 0.0 } else { 0.5 * kernel::dot(row, row) }
        };
        let (count, width) = (centroids.rows(), centroids.cols());
        let is_short = width > 0 && width < SHORT && count.is_multiple_of(16);
        let number = |place: usize| centroids.row(place % count)[place / count];
        let columns = if is_short { (0..count * width).map(number).collect() } else { Vec::new() };
        Self { centroids, half_norms: (0..count).map(half_norm).collect(), columns }
    }

    fn block(&self) -> usize {
        (BLOCK / self.centroids.rows().max(1)).clamp(16, 512)
    }

    /// Writes the nearest centroid of each point; the first of equally near ones.
    pub(crate) fn assign(&self, points: Rows<'_>, out: &mut [u32]) {
        let block = self.block();
        out.par_chunks_mut(block).enumerate().for_each_init(Vec::new, |scores, (part, out)| {
            self.assign_block(points, part * block, out, scores);
        });
    }

    /// The same, in larger parts that tell the build's observer of what is done and end when it is cancelled.
    pub(crate) fn assign_all(
        &self,
        points: Rows<'_>,
        out: &mut [u32],
        build: &Build<'_>,
    ) -> Result<(), BuildError> {
        let (block, done) = (self.block(), AtomicUsize::new(0));
        out.par_chunks_mut(block).enumerate().try_for_each_init(Vec::new, |scores, (part, out)| {
            build.check()?;
            self.assign_block(points, part * block, out, scores);
            let done = done.fetch_add(out.len(), Ordering::Relaxed) + out.len();
            build.observe.iter().for_each(|observe| observe(done, points.count()));
            Ok(())
        })
    }

    /// The points from `first` on, in one product.
    fn assign_block(&self, points: Rows<'_>, first: usize, out: &mut [u32], scores: &mut Vec<f32>) {
        if !self.columns.is_empty() {
            for (place, out) in out.iter_mut().enumerate() {
                let point = points.row(first + place);
                *out = kernel::nearest_column(point, &self.columns, &self.half_norms) as u32;
            }
            return;
        }
        let centroids = self.centroids.rows();
        scores.resize(out.len() * centroids, 0.0);
        gemm(
            1.0,
            points.view(first, out.len()),
            View::from(self.centroids).transposed(),
            0.0,
            ViewMut::new(scores, out.len(), centroids),
            false,
        );
        let scores = scores.chunks_exact(centroids.max(1));
        out.iter_mut().zip(scores).for_each(|(out, scores)| {
            *out = kernel::argmax_less(scores, &self.half_norms) as u32;
        });
    }
}
