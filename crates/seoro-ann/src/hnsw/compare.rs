//! How far the vectors of a graph are from each other, and from a query.

use super::walk::Cost;
use crate::Metric;
use crate::head::Head;
use crate::slab::Rows;
use crate::storage::{Short, ShortQuery};
use crate::vectors::Vectors;
use seoro_core::kernel;

/// Numbers of a vector asked for before it is compared; the processor fetches what follows by itself.
const FETCH: usize = 112;

/// Vectors, and their heads where they are long.
pub(super) struct Stored<'a> {
    pub(super) vectors: &'a Vectors,
    pub(super) head: Option<&'a Head>,
}

impl<'a> Stored<'a> {
    /// How far two vectors are where that is at most `limit`, else any number above it.
    #[inline]
    pub(super) fn between(&self, a: u32, b: u32, limit: f32) -> f32 {
        if let Some(head) = self.head {
            let least = -head.bound(head.rows().row(a as usize), b) - head.slack();
            if least > limit {
                return least;
            }
        }
        self.whole(self.vectors.row(a)).of(b, limit)
    }

    /// A vector to be compared as a whole.
    #[inline]
    pub(super) fn whole(&self, query: &'a [f32]) -> Whole<'a> {
        Whole { rows: self.vectors.rows(), query, is_distance: self.vectors.metric() == Metric::SquaredL2 }
    }

    /// A vector of the graph to be compared by its head first.
    #[inline]
    pub(super) fn headed(&self, head: &'a Head, vector: u32) -> Headed<'a> {
        let whole = self.whole(self.vectors.row(vector));
        Headed { whole, head, query: head.rows().row(vector as usize), slack: head.slack() }
    }
}

/// A query that is compared with whole vectors: by squared distances, or by products.
pub(super) struct Whole<'a> {
    rows: &'a Rows,
    query: &'a [f32],
    is_distance: bool,
}

impl Cost for Whole<'_> {
    #[inline]
    fn of(&self, vector: u32, limit: f32) -> f32 {
        let row = self.rows.row(vector as usize);
        if self.is_distance {
            return kernel::squared_l2_within(self.query, row, limit);
        }
        let cost = -kernel::dot(self.query, row);
        // ∞ − ∞ inside a dot product: such a row is as far as can be.
        if cost.is_nan() { f32::INFINITY } else { cost }
    }

    #[inline]
    fn prefetch(&self, vector: u32) {
        let row = self.rows.row(vector as usize);
        kernel::prefetch(&row[..row.len().min(FETCH)]);
    }

    #[inline]
    fn prefetch_whole(&self, vector: u32) {
        self.prefetch(vector);
    }
}

/// A query whose head is compared first.
pub(super) struct Headed<'a> {
    pub(super) whole: Whole<'a>,
    pub(super) head: &'a Head,
    pub(super) query: &'a [f32],
    pub(super) slack: f32,
}

impl Cost for Headed<'_> {
    const BOUNDED: bool = true;

    #[inline]
    fn of(&self, vector: u32, limit: f32) -> f32 {
        self.whole.of(vector, limit)
    }

    #[inline]
    fn bound(&self, vector: u32) -> f32 {
        let least = -self.head.bound(self.query, vector) - self.slack;
        // What is not a number bounds nothing away.
        if least.is_nan() { f32::NEG_INFINITY } else { least }
    }

    #[inline]
    fn prefetch(&self, vector: u32) {
        kernel::prefetch(self.head.rows().row(vector as usize));
    }

    #[inline]
    fn prefetch_whole(&self, vector: u32) {
        self.whole.prefetch(vector);
    }
}

/// A query of whose distances the heads tell about how large they are.
pub(super) struct Estimated<'a> {
    pub(super) head: &'a Head,
    pub(super) query: &'a [f32],
}

impl Cost for Estimated<'_> {
    #[inline]
    fn of(&self, vector: u32, _limit: f32) -> f32 {
        let cost = -self.head.estimate(self.query, vector);
        if cost.is_nan() { f32::INFINITY } else { cost }
    }

    #[inline]
    fn prefetch(&self, vector: u32) {
        kernel::prefetch(self.head.rows().row(vector as usize));
    }
}

/// A query that is compared with short vectors.
pub(super) struct Rounded<'a> {
    pub(super) short: &'a Short,
    pub(super) query: &'a ShortQuery,
}

impl Cost for Rounded<'_> {
    #[inline]
    fn of(&self, vector: u32, _limit: f32) -> f32 {
        let cost = -self.short.nearness(self.query, vector);
        if cost.is_nan() { f32::INFINITY } else { cost }
    }

    #[inline]
    fn prefetch(&self, vector: u32) {
        self.short.prefetch(vector);
    }
}
