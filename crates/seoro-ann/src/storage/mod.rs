//! How an index stores its vectors: as numbers of 32 bits, or shorter.

mod bytes;
mod halves;

use crate::file::{FileError, Sections, Source};
use crate::vectors::Vectors;
use crate::{Ask, BuildError, Points};
use bytes::{ByteQueries, ByteQuery, Bytes};
use halves::Halves;
use seoro_core::kernel;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How an index stores its vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Storage {
    /// Numbers of 32 bits.
    #[default]
    F32,
    /// Bytes alone: a quarter of the memory; scores are those of the rounded vectors.
    Int8,
    /// Bytes for the search, and numbers of 32 bits by which the best found are compared again
    /// ([`Ask::rerank`](crate::Ask)): the fastest, at a quarter more memory.
    Int8Reranked,
    /// Numbers of 16 bits alone, bfloat16: half of the memory, nearly the same answers; scores are those of the rounded
    /// vectors.
    Bf16,
}

/// How many queries and rows are compared together: sums that stay in the second-level cache beside the queries.
pub(crate) const TILE: (usize, usize) = (128, 120);

/// Of how many neighbours asked for one is compared again where a search is not told: rounding moves few farther.
const RERANK: usize = 3;

/// How many of the best by bytes are compared again.
pub(crate) fn reranked(ask: &Ask<'_>, k: usize) -> usize {
    ask.rerank.unwrap_or(k.saturating_mul(RERANK)).max(k)
}

/// Bytes of a vector asked for before it is compared; the processor fetches what follows by itself.
const FETCH: usize = 448;

/// Vectors stored shorter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Short(Kept);

#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Bytes(Bytes),
    Halves(Halves),
}

/// A query as it is compared with short vectors.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShortQuery {
    bytes: ByteQuery,
    numbers: Vec<f32>,
}

/// Queries that are compared with many rows together.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShortQueries {
    bytes: ByteQueries,
    numbers: Vec<Vec<f32>>,
    wide: Vec<f32>,
}

impl Storage {
    /// That of an index with these short vectors and so many whole ones.
    pub(crate) fn of(short: Option<&Short>, whole: usize) -> Self {
        match short.map(|short| &short.0) {
            None => Self::F32,
            Some(Kept::Halves(_)) => Self::Bf16,
            Some(Kept::Bytes(bytes)) if whole < bytes.len() => Self::Int8,
            Some(Kept::Bytes(_)) => Self::Int8Reranked,
        }
    }

    /// How many of `len` vectors a search for `k` selects, to be compared again or as they are.
    pub(crate) fn wanted(self, ask: &Ask<'_>, k: usize, len: usize) -> usize {
        if self == Self::Int8Reranked { reranked(ask, k).min(len) } else { k }
    }

    /// Whether whole vectors are kept.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::F32 | Self::Int8Reranked)
    }

    /// What the short ones of vectors will hold.
    pub(crate) fn bytes_of(self, points: &Points<'_>) -> u64 {
        match self {
            Self::F32 => 0,
            Self::Int8 | Self::Int8Reranked => Bytes::bytes_of(points),
            Self::Bf16 => Halves::bytes_of(points),
        }
    }

    /// That vectors of so many dimensions can be stored so.
    ///
    /// # Errors
    /// More dimensions than sums of bytes can hold.
    pub(crate) fn check(self, dim: usize) -> Result<(), BuildError> {
        match self {
            Self::F32 | Self::Bf16 => Ok(()),
            Self::Int8 | Self::Int8Reranked => Bytes::check(dim),
        }
    }

    /// The short ones of vectors, where there are any.
    ///
    /// # Errors
    /// As [`Storage::check`].
    pub(crate) fn shorten(self, vectors: &Vectors) -> Result<Option<Short>, BuildError> {
        Ok(match self {
            Self::F32 => None,
            Self::Int8 | Self::Int8Reranked => Some(Short(Kept::Bytes(Bytes::new(vectors)?))),
            Self::Bf16 => Some(Short(Kept::Halves(Halves::new(vectors)))),
        })
    }

    /// Takes the short ones of `count` vectors from a file, where there are any; `step` is the bytes'.
    ///
    /// # Errors
    /// Sections of other lengths, numbers that are not finite, more dimensions than sums of bytes can hold.
    pub(crate) fn take_sections(
        self,
        source: &mut Source,
        count: usize,
        step: f32,
    ) -> Result<Option<Short>, FileError> {
        Ok(match self {
            Self::F32 => None,
            Self::Int8 | Self::Int8Reranked => {
                Some(Short(Kept::Bytes(Bytes::take_sections(source, count, step)?)))
            }
            Self::Bf16 => Some(Short(Kept::Halves(Halves::take_sections(source, count)?))),
        })
    }
}

impl Short {
    pub(crate) fn bytes(&self) -> u64 {
        match &self.0 {
            Kept::Bytes(bytes) => bytes.bytes(),
            Kept::Halves(halves) => halves.bytes(),
        }
    }

    /// The bytes' step; 0 where there is none.
    pub(crate) fn step(&self) -> f32 {
        match &self.0 {
            Kept::Bytes(bytes) => bytes.step(),
            Kept::Halves(_) => 0.0,
        }
    }

    /// Puts them into a file, but for their step.
    pub(crate) fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        match &self.0 {
            Kept::Bytes(bytes) => bytes.put_sections(out),
            Kept::Halves(halves) => halves.put_sections(out),
        }
    }

    /// Writes a prepared query as it is compared with rows.
    pub(crate) fn write_query(&self, query: &[f32], out: &mut ShortQuery) {
        match &self.0 {
            Kept::Bytes(bytes) => bytes.write_query(query, &mut out.bytes),
            Kept::Halves(halves) => halves.write_query(query, &mut out.numbers),
        }
    }

    /// How near a row is to the query.
    #[inline]
    pub(crate) fn nearness(&self, query: &ShortQuery, row: u32) -> f32 {
        match &self.0 {
            Kept::Bytes(bytes) => bytes.nearness(&query.bytes, row),
            Kept::Halves(halves) => halves.nearness(&query.numbers, row),
        }
    }

    /// Asks for a row before it is compared.
    #[inline]
    pub(crate) fn prefetch(&self, row: u32) {
        match &self.0 {
            Kept::Bytes(bytes) => {
                let row = bytes.row(row);
                kernel::prefetch(&row[..row.len().min(FETCH)]);
            }
            Kept::Halves(halves) => {
                let row = halves.row(row);
                kernel::prefetch(&row[..row.len().min(FETCH / 2)]);
            }
        }
    }
}

impl ShortQueries {
    /// Takes queries of these short vectors in the place of those before.
    pub(crate) fn fill<'a>(
        &mut self,
        short: &Short,
        queries: impl ExactSizeIterator<Item = &'a ShortQuery> + Clone,
    ) {
        match &short.0 {
            Kept::Bytes(bytes) => self.bytes.fill(bytes, queries.map(|query| &query.bytes)),
            Kept::Halves(_) => {
                self.numbers.resize(queries.len(), Vec::new());
                self.numbers.iter_mut().zip(queries).for_each(|(own, query)| own.clone_from(&query.numbers));
            }
        }
    }

    /// Writes how near some rows are to each query, `[Q, R]`, as [`Short::nearness`] to the bit.
    pub(crate) fn score(&mut self, short: &Short, rows: Range<usize>, out: &mut Vec<f32>) {
        match &short.0 {
            Kept::Bytes(bytes) => self.bytes.score(bytes, rows, out),
            Kept::Halves(halves) => halves.score(&self.numbers, rows, &mut self.wide, out),
        }
    }
}
