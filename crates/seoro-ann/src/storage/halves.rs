//! Vectors as numbers of 16 bits, bfloat16: the upper half of 32, so that all magnitudes stay and three digits of a number.

use crate::file::{FileError, Sections, Source, check};
use crate::slab::Slab;
use crate::vectors::Vectors;
use crate::{Metric, Points};
use rayon::prelude::*;
use seoro_core::kernel;
use std::ops::Range;

/// Numbers of a row are filled up to a multiple of this with zeros.
const LANES: usize = 16;

/// The largest finite number of 16 bits.
const LARGEST: u16 = 0x7f7f;

/// Vectors as numbers of 16 bits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Halves {
    metric: Metric,
    width: usize,
    count: usize,
    /// `[N, width]`.
    rows: Slab<u16>,
}

impl Halves {
    /// What they will hold.
    pub(super) fn bytes_of(points: &Points<'_>) -> u64 {
        let (rows, dim) = (points.vectors.rows() as u64, points.vectors.cols());
        rows.saturating_mul(dim.next_multiple_of(LANES) as u64 * 2)
    }

    /// Vectors, each number rounded to the nearest, of two the even one.
    pub(super) fn new(vectors: &Vectors) -> Self {
        let (metric, count, dim) = (vectors.metric(), vectors.len(), vectors.dim());
        let width = dim.next_multiple_of(LANES);
        let mut rows = Slab::zeros(count * width);
        let filled = rows.as_mut_slice().par_chunks_exact_mut(width.max(1)).enumerate();
        filled.for_each(|(row, out)| {
            let vector = &vectors.row(row as u32)[..dim];
            out.iter_mut().zip(vector).for_each(|(out, &x)| *out = half(x));
        });
        Self { metric, width, count, rows }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.rows.len() as u64 * 2
    }

    /// Puts the numbers into a file.
    pub(super) fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        match self.width {
            // So that a file cannot claim more vectors than it has bytes.
            0 => out.put_owned("halves", &vec![0u8; self.count]),
            _ => out.put("halves", &self.rows),
        }
    }

    /// Takes the numbers of `count` vectors from a file.
    ///
    /// # Errors
    /// A section of another length, numbers that are not finite.
    pub(super) fn take_sections(source: &mut Source, count: usize) -> Result<Self, FileError> {
        let (metric, width) = (source.metric(), source.dim()?.next_multiple_of(LANES));
        let rows = match width {
            0 => source.take::<u8>("halves", count).map(|_| Slab::default())?,
            _ => source.take("halves", count.saturating_mul(width))?,
        };
        check::finite_halves(source, "halves", &rows)?;
        Ok(Self { metric, width, count, rows })
    }

    #[inline]
    pub(super) fn row(&self, row: u32) -> &[u16] {
        &self.rows[row as usize * self.width..(row as usize + 1) * self.width]
    }

    /// Writes a prepared query as it is compared with rows.
    pub(super) fn write_query(&self, query: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.extend_from_slice(&query[..query.len().min(self.width)]);
        out.resize(self.width, 0.0);
    }

    /// How near a row is to the query.
    #[inline]
    pub(super) fn nearness(&self, query: &[f32], row: u32) -> f32 {
        match self.metric {
            Metric::SquaredL2 => -kernel::squared_l2_bf16(query, self.row(row)),
            Metric::InnerProduct | Metric::Cosine => kernel::dot_bf16(query, self.row(row)),
        }
    }

    /// Writes how near some rows are to each query, `[Q, R]`, as [`Halves::nearness`] to the bit; `wide` is working memory.
    pub(super) fn score(
        &self,
        queries: &[Vec<f32>],
        rows: Range<usize>,
        wide: &mut Vec<f32>,
        out: &mut Vec<f32>,
    ) {
        let count = rows.len();
        wide.clear();
        // Once for all queries.
        wide.extend(
            self.rows[rows.start * self.width..rows.end * self.width].iter().map(|&half| kernel::widen(half)),
        );
        out.clear();
        out.resize(queries.len() * count, 0.0);
        if self.width == 0 {
            return;
        }
        for (query, out) in queries.iter().zip(out.chunks_exact_mut(count.max(1))) {
            for (row, out) in wide.chunks_exact(self.width).zip(out) {
                *out = self.metric.nearness(query, row);
            }
        }
    }
}

/// The nearest number of 16 bits, of two the even one; the largest where that would be infinite.
#[inline]
fn half(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    let is_finite = rounded & 0x7f80 != 0x7f80;
    if is_finite { rounded as u16 } else { (bits >> 16) as u16 & 0x8000 | LARGEST }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::Seed;

    #[test]
    fn a_number_is_rounded_to_the_nearest() {
        let mut rng = Seed::new(4).rng();
        for _ in 0..10_000 {
            let x = (rng.normal() * 10f64.powi(rng.below(60) as i32 - 30)) as f32;
            let near = kernel::widen(half(x));
            let (below, above) =
                (kernel::widen((x.to_bits() >> 16) as u16), kernel::widen((x.to_bits() >> 16) as u16 + 1));
            let least = (below - x).abs().min((above - x).abs());
            assert_eq!((near - x).abs(), least, "{x}: {near}, between {below} and {above}");
        }
        for x in [0.0, -0.0, 1.0, -255.0, 3.389_531_4e38] {
            assert_eq!(kernel::widen(half(x)).to_bits(), f32::to_bits(x));
        }
        assert_eq!((half(f32::MAX), half(f32::MIN)), (LARGEST, LARGEST | 0x8000));
        // Halfway between two: the even one.
        assert_eq!((half(1.0 + 1.0 / 256.0), half(1.0 + 3.0 / 256.0)), (0x3f80, 0x3f82));
    }
}
