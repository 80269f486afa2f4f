//! Scoring query by query: which of a query's items are wanted, and where their scores go.

use seoro_core::{ItemId, Items, ScoreError};
use std::ops::Range;

/// The items whose scores one query wants.
#[derive(Clone, Debug)]
pub(crate) enum Wanted<'a> {
    /// A block of rows.
    Block(Range<usize>),
    /// Candidates.
    List(&'a [ItemId]),
}

impl Wanted<'_> {
    /// Copies the scores wanted out of `all`, `[I]`.
    pub(crate) fn copy(&self, all: &[f32], out: &mut [f32]) {
        match self {
            Wanted::Block(range) => out.copy_from_slice(&all[range.clone()]),
            Wanted::List(list) => {
                out.iter_mut().zip(*list).for_each(|(out, item)| *out = all[item.index()]);
            }
        }
    }
}

/// Calls `score` for each query with what it wants and its part of `out`; the caller has called [`Items::check`].
pub(crate) fn each_row(
    queries: usize,
    n_items: usize,
    items: &Items<'_>,
    out: &mut [f32],
    mut score: impl FnMut(usize, Wanted<'_>, &mut [f32]) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    let mut rest = out;
    for query in 0..queries {
        let (wanted, len) = match items {
            Items::All => (Wanted::Block(0..n_items), n_items),
            Items::Range(range) => (Wanted::Block(range.start as usize..range.end as usize), range.len()),
            Items::Lists(lists) => (Wanted::List(lists[query]), lists[query].len()),
        };
        let (row, tail) = rest.split_at_mut(len);
        rest = tail;
        if len > 0 {
            score(query, wanted, row)?;
        }
    }
    Ok(())
}
