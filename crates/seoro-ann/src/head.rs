//! Heads: the leading principal coordinates of vectors, and the length of what they leave out.
//!
//! With an orthonormal basis `B`, `‖q − x‖² = ‖Bq − Bx‖² + ‖q⊥ − x⊥‖² ≥ ‖Bq − Bx‖² + (‖q⊥‖ − ‖x⊥‖)²`, and
//! `q·x = Bq·Bx + q⊥·x⊥ ≤ Bq·Bx + ‖q⊥‖‖x⊥‖`: the metric of two heads bounds that of their vectors. With nothing for
//! `q⊥·x⊥`, which is small where the rests have any directions, it is an estimate. The basis comes
//! from subspace iteration on a sample (Halko, Martinsson and Tropp 2011, algorithm 4.4).

use crate::file::{FileError, Sections, Source, check};
use crate::slab::{Rows, Slab};
use crate::vectors::Vectors;
use crate::{Build, BuildError, Metric, Points};
use rayon::prelude::*;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Seed, kernel};

/// How many vectors the principal coordinates are found from.
const SAMPLE: usize = 4096;

/// How often the subspace is multiplied by the covariance: heads need no converged basis, only a good one.
const ROUNDS: usize = 5;

/// A bound's error relative to the squared lengths, from numbers of 24 bits; a multiple of what is seen.
const SLACK: f32 = 1e-5;

/// The heads of vectors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    metric: Metric,
    /// Orthonormal rows, `[H − 1, D′]`.
    basis: Rows,
    /// What is taken off vectors first, `[D′]`: their mean under L2, which no difference sees, else zeros.
    mean: Slab<f32>,
    /// `[N, H′]`: H − 1 coordinates, the length of the rest, and zeros up to whole registers.
    rows: Rows,
    /// The longest vector's length, off the mean.
    radius: f32,
}

impl Head {
    /// Heads of `size` numbers.
    pub(crate) fn new(vectors: &Vectors, size: usize, build: &Build<'_>) -> Result<Self, BuildError> {
        let (metric, count, width) = (vectors.metric(), vectors.len(), vectors.rows().cols());
        let picked = count.min(SAMPLE);
        let sample = (0..picked).flat_map(|place| vectors.row((place * count / picked) as u32));
        let mut sample: Vec<f32> = sample.copied().collect();
        let mut mean = vec![0.0; width];
        if metric == Metric::SquaredL2 && picked > 0 {
            let share = 1.0 / picked as f32;
            sample.chunks_exact(width).for_each(|row| kernel::axpy(share, row, &mut mean));
            sample.chunks_exact_mut(width).for_each(|row| kernel::axpy(-1.0, &mean, row));
        }
        let basis = principal(&sample, width, size - 1, build)?;
        let mut rows = Rows::zeros(count, size.next_multiple_of(16));
        let mut head = Self { metric, basis, mean: mean.into(), rows: Rows::default(), radius: 0.0 };
        let lengths = rows.as_mut_slice().par_chunks_exact_mut(size.next_multiple_of(16)).enumerate();
        let lengths = lengths
            .map_init(Vec::new, |centred, (row, out)| head.write(vectors.row(row as u32), centred, out));
        head.radius = lengths.reduce(|| 0.0, f32::max);
        head.rows = rows;
        build.check()?;
        Ok(head)
    }

    /// What the basis of heads of `size` numbers and finding it hold.
    pub(crate) fn bytes_to_find(points: &Points<'_>, size: usize) -> u64 {
        let sample = points.vectors.rows().min(SAMPLE) as u64;
        let (width, size) = (points.vectors.cols().next_multiple_of(16) as u64, size as u64);
        (size + 1 + sample)
            .saturating_mul(width)
            .saturating_add(sample.saturating_mul(size))
            .saturating_mul(4)
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The same, for an index that moves them.
    pub(crate) fn rows_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }

    pub(crate) fn bytes(&self) -> u64 {
        let numbers = self.basis.as_slice().len() + self.rows.as_slice().len() + self.mean.len();
        numbers as u64 * 4
    }

    /// How many numbers a head has.
    pub(crate) fn size(&self) -> usize {
        self.basis.rows() + 1
    }

    pub(crate) fn radius(&self) -> f32 {
        self.radius
    }

    /// Puts the heads into a file, but for their radius.
    pub(crate) fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        out.put("head-basis", self.basis.as_slice());
        out.put("head-mean", &self.mean);
        out.put("head-rows", self.rows.as_slice());
    }

    /// Takes the heads of `vectors` from a file: `size` numbers each.
    ///
    /// # Errors
    /// Sections of other lengths, numbers that are not finite.
    pub(crate) fn take_sections(
        source: &mut Source,
        vectors: &Vectors,
        size: usize,
        radius: f32,
    ) -> Result<Self, FileError> {
        let (width, own) = (vectors.rows().cols(), size.next_multiple_of(16));
        // Sizes and dimensions have at most 30 bits.
        let basis: Slab<f32> = source.take("head-basis", (size - 1).saturating_mul(width))?;
        let mean: Slab<f32> = source.take("head-mean", width)?;
        let rows: Slab<f32> = source.take("head-rows", vectors.len().saturating_mul(own))?;
        check::finite(source, "head-basis", &basis)?;
        check::finite(source, "head-mean", &mean)?;
        let (basis, rows) = (Rows::new(size - 1, width, basis), Rows::new(vectors.len(), own, rows));
        Ok(Self { metric: vectors.metric(), basis, mean, rows, radius })
    }

    /// Writes the head of a vector; returns the vector's length off the mean.
    pub(crate) fn write(&self, vector: &[f32], centred: &mut Vec<f32>, out: &mut [f32]) -> f32 {
        centred.clear();
        centred.extend(vector.iter().zip(&self.mean[..]).map(|(x, mean)| x - mean));
        let (coordinates, rest) = out.split_at_mut(self.basis.rows());
        kernel::dot_rows(centred, self.basis.as_slice(), coordinates);
        let square = kernel::dot(centred, centred);
        rest.fill(0.0);
        rest[0] = (square - kernel::dot(coordinates, coordinates)).max(0.0).sqrt();
        square.sqrt()
    }

    /// Writes the head of a query; returns what its bounds may be wrong by.
    pub(crate) fn write_query(&self, query: &[f32], centred: &mut Vec<f32>, out: &mut Vec<f32>) -> f32 {
        out.clear();
        out.resize(self.rows.cols(), 0.0);
        let length = self.write(query, centred, out);
        match self.metric {
            Metric::SquaredL2 => SLACK * (length + self.radius) * (length + self.radius),
            Metric::InnerProduct | Metric::Cosine => SLACK * length * self.radius,
        }
    }

    /// What bounds between stored vectors may be wrong by.
    pub(crate) fn slack(&self) -> f32 {
        match self.metric {
            Metric::SquaredL2 => SLACK * 4.0 * self.radius * self.radius,
            Metric::InnerProduct | Metric::Cosine => SLACK * self.radius * self.radius,
        }
    }

    /// At most how near the vector of a row can be, but for the slack.
    #[inline]
    pub(crate) fn bound(&self, query: &[f32], row: u32) -> f32 {
        self.metric.nearness(query, self.rows.row(row as usize))
    }

    /// About how near the vector of a row is, as if what two heads leave out had nothing to do with each other. The
    /// rests of near vectors do: these seem farther than they are.
    #[inline]
    pub(crate) fn estimate(&self, query: &[f32], row: u32) -> f32 {
        let (rest, twice) = (self.size() - 1, if self.metric == Metric::SquaredL2 { 2.0 } else { 1.0 });
        self.bound(query, row) - twice * query[rest] * self.rows.row(row as usize)[rest]
    }

    /// Takes a vector in at `row`, which is there or the next.
    pub(crate) fn put(&mut self, row: usize, vector: &[f32]) {
        let (mut centred, mut head) = (Vec::new(), vec![0.0; self.rows.cols()]);
        self.radius = self.radius.max(self.write(vector, &mut centred, &mut head));
        self.rows.put(row, &head);
    }
}

/// `size` orthonormal directions of much variance of `sample` `[S, D′]`.
fn principal(sample: &[f32], width: usize, size: usize, build: &Build<'_>) -> Result<Rows, BuildError> {
    let count = sample.len() / width.max(1);
    let mut basis = random(size, width, build.seed.child("head"));
    orthonormalise(&mut basis);
    let mut projected = vec![0.0; count * size];
    for _ in 0..ROUNDS {
        build.check()?;
        let sample = View::new(sample, count, width);
        let out = ViewMut::new(&mut projected, count, size);
        gemm(1.0, sample, View::new(basis.as_slice(), size, width).transposed(), 0.0, out, false);
        let back = View::new(&projected, count, size).transposed();
        gemm(1.0, back, sample, 0.0, ViewMut::new(basis.as_mut_slice(), size, width), false);
        orthonormalise(&mut basis);
    }
    Ok(basis)
}

/// Rows of normally distributed numbers.
pub(crate) fn random(rows: usize, cols: usize, seed: Seed) -> Rows {
    let mut rng = seed.rng();
    let mut matrix = Rows::zeros(rows, cols);
    matrix.as_mut_slice().iter_mut().for_each(|number| *number = rng.normal() as f32);
    matrix
}

/// Gram and Schmidt, twice for the rounding; directions that vanish or overflow become zeros, which bound nothing away.
fn orthonormalise(basis: &mut Rows) {
    let (count, width) = (basis.rows(), basis.cols());
    let numbers = basis.as_mut_slice();
    for row in 0..count {
        let (before, own) = numbers.split_at_mut(row * width);
        let own = &mut own[..width];
        let given = kernel::dot(own, own).sqrt();
        own.iter_mut().for_each(|number| *number /= given);
        for _ in 0..2 {
            for other in before.chunks_exact(width) {
                kernel::axpy(-kernel::dot(other, own), other, own);
            }
        }
        let length = kernel::dot(own, own).sqrt();
        // Nothing but rounding is left of what was of length one; NaN is not larger either.
        if length > 1e-4 && given.is_finite() {
            own.iter_mut().for_each(|number| *number /= length);
            let length = kernel::dot(own, own).sqrt();
            own.iter_mut().for_each(|number| *number /= length);
        } else {
            own.fill(0.0);
        }
    }
}
