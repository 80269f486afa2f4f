//! Vectors as bytes, a quarter to read.
//!
//! A vector is `x ≈ c + s · b` with whole numbers `b` of a byte, one centre `c` for each dimension and one step `s` for
//! all. So `‖q − x‖² ≈ s² ‖b_q − b‖²` and `q · x ≈ q · c + s s_q (b_q · b)`, where a query's bytes of the second kind
//! have a step of their own: sums of products of bytes, exact and fast. The step is the one with the least squared error
//! on a sample, so that few large numbers do not blur all others.

use crate::file::{FileError, Sections, Source, check};
use crate::slab::Slab;
use crate::vectors::Vectors;
use crate::{BuildError, Metric, Points};
use rayon::prelude::*;
use seoro_core::kernel::{self, Panels};
use std::ops::Range;

/// Bytes of a row are filled up to a multiple of this with zeros.
const LANES: usize = 32;

/// The longest vectors whose sums of squared differences of bytes fit 32 bits.
const LONGEST: usize = 1 << 15;

/// From how many vectors the step is found.
const SAMPLE: usize = 4096;

/// The steps that are tried, as parts of the one that reaches every number.
const CLIPS: [f32; 9] = [1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25];

/// Vectors as bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bytes {
    metric: Metric,
    /// `[D]`.
    centre: Slab<f32>,
    step: f32,
    width: usize,
    count: usize,
    /// `[N, width]`.
    rows: Slab<i8>,
}

/// A query as bytes, and how their sums become nearness.
#[derive(Clone, Debug, Default)]
pub(super) struct ByteQuery {
    bytes: Vec<i8>,
    scale: f32,
    shift: f32,
}

/// Queries as bytes, to be compared with many rows together.
#[derive(Clone, Debug, Default)]
pub(super) struct ByteQueries {
    panels: Panels,
    /// The scale and shift of each.
    lines: Vec<(f32, f32)>,
    sums: Vec<i32>,
}

impl Bytes {
    /// What they will hold.
    pub(super) fn bytes_of(points: &Points<'_>) -> u64 {
        let (rows, dim) = (points.vectors.rows() as u64, points.vectors.cols());
        rows.saturating_mul(dim.next_multiple_of(LANES) as u64).saturating_add(dim as u64 * 4)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Vectors, rounded.
    ///
    /// # Errors
    /// More dimensions than sums can hold.
    pub(super) fn new(vectors: &Vectors) -> Result<Self, BuildError> {
        let (metric, dim, count) = (vectors.metric(), vectors.dim(), vectors.len());
        Self::check(dim)?;
        let (centre, reach) = middle(vectors);
        let full = if reach > 0.0 && reach.is_finite() { reach / 127.5 } else { 1.0 };
        let mut bytes = Self {
            metric,
            centre: centre.into(),
            step: full,
            width: dim.next_multiple_of(LANES),
            count,
            rows: Slab::default(),
        };
        bytes.step = bytes.best_step(vectors, full);
        let mut rows = Slab::zeros(count * bytes.width);
        let filled = rows.as_mut_slice().par_chunks_exact_mut(bytes.width.max(1)).enumerate();
        filled.for_each(|(row, out)| bytes.round(vectors.row(row as u32), out));
        bytes.rows = rows;
        Ok(bytes)
    }

    /// That vectors of so many dimensions can be bytes.
    ///
    /// # Errors
    /// More dimensions than sums can hold.
    pub(super) fn check(dim: usize) -> Result<(), BuildError> {
        if dim <= LONGEST {
            return Ok(());
        }
        let (value, expected) = (dim as f64, "at most 32768 dimensions for bytes");
        Err(BuildError::Parameter { parameter: "storage", value, expected })
    }

    /// The step with the least squared error on a sample.
    fn best_step(&self, vectors: &Vectors, full: f32) -> f32 {
        let count = vectors.len();
        let picked = count.min(SAMPLE);
        let error = |step: f32| -> f64 {
            let of_row = |place: usize| -> f64 {
                let row = vectors.row((place * count / picked) as u32);
                let error = |(x, c): (&f32, &f32)| {
                    let x = x - c;
                    f64::from(x - step * (f32::from(code(x, step)) + 0.5)).powi(2)
                };
                row.iter().zip(&self.centre[..]).map(error).sum()
            };
            (0..picked).map(of_row).sum()
        };
        let steps = CLIPS.iter().map(|clip| clip * full).map(|step| (error(step), step));
        steps.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(full, |best| best.1)
    }

    fn round(&self, vector: &[f32], out: &mut [i8]) {
        let numbers = vector.iter().zip(&self.centre[..]);
        out.iter_mut().zip(numbers).for_each(|(out, (x, c))| *out = code(x - c, self.step));
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.rows.len() + self.centre.len() * 4) as u64
    }

    pub(super) fn step(&self) -> f32 {
        self.step
    }

    /// Puts the bytes into a file, but for their step.
    pub(super) fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        out.put("centre", &self.centre);
        match self.width {
            // So that a file cannot claim more vectors than it has bytes.
            0 => out.put_owned("bytes", &vec![0i8; self.count]),
            _ => out.put("bytes", &self.rows),
        }
    }

    /// Takes the bytes of `count` vectors from a file.
    ///
    /// # Errors
    /// Sections of other lengths, numbers that are not finite, more dimensions than sums can hold.
    pub(super) fn take_sections(source: &mut Source, count: usize, step: f32) -> Result<Self, FileError> {
        let (metric, dim) = (source.metric(), source.dim()?);
        if dim > LONGEST || !step.is_finite() {
            return Err(source.damaged("recipe", 0, "bytes of at most 32768 dimensions, with a finite step"));
        }
        let width = dim.next_multiple_of(LANES);
        let centre: Slab<f32> = source.take("centre", dim)?;
        check::finite(source, "centre", &centre)?;
        let rows = match width {
            0 => source.take::<i8>("bytes", count).map(|_| Slab::default())?,
            _ => source.take("bytes", count.saturating_mul(width))?,
        };
        Ok(Self { metric, centre, step, width, count, rows })
    }

    #[inline]
    pub(super) fn row(&self, row: u32) -> &[i8] {
        &self.rows[row as usize * self.width..(row as usize + 1) * self.width]
    }

    /// Writes a prepared query as bytes.
    pub(super) fn write_query(&self, query: &[f32], out: &mut ByteQuery) {
        out.bytes.clear();
        out.bytes.resize(self.width, 0);
        let dim = self.centre.len();
        if self.metric == Metric::SquaredL2 {
            self.round(&query[..dim], &mut out.bytes);
            (out.scale, out.shift) = (-self.step * self.step, 0.0);
            return;
        }
        let largest = query.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
        let step = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        // Within ±127, as the product's kernel asks of one side; steps too small for a number round far beyond.
        let byte = |x: f32| (x / step).round().clamp(-127.0, 127.0) as i8;
        out.bytes.iter_mut().zip(query).for_each(|(out, &x)| *out = byte(x));
        out.scale = self.step * step;
        // Bytes stand for the middle of what is rounded to them.
        let sum: i32 = out.bytes.iter().map(|&byte| i32::from(byte)).sum();
        out.shift = kernel::dot(&query[..dim], &self.centre) + 0.5 * out.scale * sum as f32;
    }

    /// The sum of the bytes' products or squared differences: how near a row is, but for scale and shift.
    #[inline]
    pub(super) fn sum(&self, query: &ByteQuery, row: u32) -> i32 {
        match self.metric {
            Metric::SquaredL2 => kernel::squared_l2_i8(self.row(row), &query.bytes),
            Metric::InnerProduct | Metric::Cosine => kernel::dot_i8(self.row(row), &query.bytes),
        }
    }

    /// How near a row is to the query.
    #[inline]
    pub(super) fn nearness(&self, query: &ByteQuery, row: u32) -> f32 {
        self.sum(query, row) as f32 * query.scale + query.shift
    }
}

impl ByteQueries {
    /// Takes queries of these bytes in the place of those before.
    pub(super) fn fill<'a>(
        &mut self,
        bytes: &Bytes,
        queries: impl ExactSizeIterator<Item = &'a ByteQuery> + Clone,
    ) {
        self.panels.fill(bytes.width, queries.clone().map(|query| &query.bytes[..]));
        self.lines.clear();
        self.lines.extend(queries.map(|query| (query.scale, query.shift)));
    }

    /// Writes how near some rows are to each query, `[Q, R]`, as [`Bytes::nearness`] to the bit.
    pub(super) fn score(&mut self, bytes: &Bytes, rows: Range<usize>, out: &mut Vec<f32>) {
        let count = rows.len();
        self.sums.resize(self.lines.len() * count, 0);
        let rows = &bytes.rows[rows.start * bytes.width..rows.end * bytes.width];
        match bytes.metric {
            Metric::SquaredL2 => self.panels.squared_l2(rows, &mut self.sums),
            Metric::InnerProduct | Metric::Cosine => self.panels.dot(rows, &mut self.sums),
        }
        out.resize(self.sums.len(), 0.0);
        let of_query = out.chunks_exact_mut(count.max(1)).zip(self.sums.chunks_exact(count.max(1)));
        for ((out, sums), &(scale, shift)) in of_query.zip(&self.lines) {
            out.iter_mut().zip(sums).for_each(|(out, &sum)| *out = sum as f32 * scale + shift);
        }
    }
}

/// A number off its centre as a byte: the whole number below it in steps, but for rounding.
#[inline]
fn code(x: f32, step: f32) -> i8 {
    // The whole part of what is not below zero, which is one instruction of every processor.
    (((x / step).clamp(-128.0, 127.0) + 128.0) as i32 - 128) as i8
}

/// The middle of each dimension's numbers, and the largest distance from it.
fn middle(vectors: &Vectors) -> (Vec<f32>, f32) {
    let dim = vectors.dim();
    let (mut low, mut high) = (vec![f32::INFINITY; dim], vec![f32::NEG_INFINITY; dim]);
    for row in 0..vectors.len() as u32 {
        for (place, &x) in vectors.row(row)[..dim].iter().enumerate() {
            low[place] = low[place].min(x);
            high[place] = high[place].max(x);
        }
    }
    let centre: Vec<f32> = low
        .iter()
        .zip(&high)
        .map(|(low, high)| if low <= high { 0.5 * low + 0.5 * high } else { 0.0 })
        .collect();
    let reach = centre.iter().zip(&high).map(|(centre, high)| high - centre).fold(0.0, f32::max);
    (centre, reach)
}
