//! The best items of each query, selected from one block of scores after another.

use super::hide::all_hidden_items;
use super::{Hide, Items, Query, ScoreError};
use crate::{ItemId, kernel};

/// An item and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The item.
    pub item: ItemId,
    /// Its score; larger is better.
    pub score: f32,
}

/// The best items of each query, best first; equal scores stand in the order of item rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopK {
    k: usize,
    lists: Vec<Vec<Scored>>,
}

impl TopK {
    /// An empty answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the answer and makes room for `queries` lists of at most `k`; allocations are kept.
    pub fn reset(&mut self, queries: usize, k: usize) {
        self.k = k;
        self.lists.iter_mut().for_each(Vec::clear);
        self.lists.resize_with(queries, Vec::new);
    }

    /// How many items were asked for.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The number of queries.
    pub fn queries(&self) -> usize {
        self.lists.len()
    }

    /// The list of query `query`, best first: shorter than `k` only where fewer items were left.
    pub fn list(&self, query: usize) -> &[Scored] {
        &self.lists[query]
    }

    /// The list of query `query`, to fill; the filler keeps it sorted and at most `k` long.
    pub fn list_mut(&mut self, query: usize) -> &mut Vec<Scored> {
        &mut self.lists[query]
    }

    /// Offers the scores of the items from `first` on to query `query`, skipping those in `hidden` (which rises).
    ///
    /// # Errors
    /// [`ScoreError::NotANumber`].
    pub fn offer(
        &mut self,
        query: usize,
        first: u32,
        scores: &[f32],
        hidden: &[ItemId],
    ) -> Result<(), ScoreError> {
        let list = &mut self.lists[query];
        kernel::select(list, self.k, first, scores, hidden)
            .map_err(|item| ScoreError::NotANumber { query, item })
    }
}

/// How many items [`top_k_by_blocks`] asks for at once: 64 KiB of scores a query.
const BLOCK: usize = 16_384;

/// Selects the best items while `score` fills one block of items after another.
///
/// # Errors
/// Those of `score`, and [`ScoreError::NotANumber`].
pub fn top_k_by_blocks(
    n_items: usize,
    queries: &[Query<'_>],
    k: usize,
    hide: &dyn Hide,
    out: &mut TopK,
    mut score: impl FnMut(Items<'_>, &mut [f32]) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    out.reset(queries.len(), k);
    let hidden = all_hidden_items(hide, queries);
    let mut scores = vec![0.0; queries.len() * BLOCK.min(n_items)];
    for first in (0..n_items).step_by(BLOCK) {
        let last = n_items.min(first + BLOCK);
        let scores = &mut scores[..queries.len() * (last - first)];
        score(Items::Range(first as u32..last as u32), scores)?;
        for (query, row) in scores.chunks_exact(last - first).enumerate() {
            out.offer(query, first as u32, row, &hidden[query])?;
        }
    }
    Ok(())
}
