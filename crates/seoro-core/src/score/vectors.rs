//! Models whose score is a dot product: score blocks and best items by products of matrices.

use super::hide::all_hidden_items;
use super::{Embed, Hide, Items, Query, ScoreError, TopK};
use crate::gemm::{View, ViewMut, gemm};
use crate::{Matrix, kernel};

/// Writes the dot products of the queries' vectors and the items' vectors: the whole of [`Score::score`](super::Score::score)
/// for a model that is an [`Embed`].
///
/// Blocks of items are products of matrices, candidates are dot products, so the score of one item may differ between
/// them in its last bits.
///
/// # Errors
/// What [`Items::check`] refuses, and those of [`Embed::queries`].
pub fn score_by_vectors(
    embed: &dyn Embed,
    queries: &[Query<'_>],
    items: Items<'_>,
    out: &mut [f32],
) -> Result<(), ScoreError> {
    let table = embed.items();
    items.check(queries.len(), table.rows(), out.len())?;
    let mut vectors = Matrix::default();
    embed.queries(queries, &mut vectors)?;
    let range = match items {
        Items::All => 0..table.rows(),
        Items::Range(range) => range.start as usize..range.end as usize,
        Items::Lists(lists) => {
            let wanted =
                lists.iter().enumerate().flat_map(|(query, list)| list.iter().map(move |item| (query, item)));
            for (out, (query, item)) in out.iter_mut().zip(wanted) {
                *out = kernel::dot(vectors.row(query), table.row(item.index()));
            }
            return Ok(());
        }
    };
    if !range.is_empty() {
        let (width, dim) = (range.len(), table.cols());
        let rows = View::new(&table.as_slice()[range.start * dim..], width, dim);
        let out = ViewMut::new(out, queries.len(), width);
        gemm(1.0, View::from(&vectors), rows.transposed(), 0.0, out, false);
    }
    Ok(())
}

/// How many queries and items [`top_k_by_vectors`] multiplies at once: at most 1 MiB of scores, which stay in the
/// second-level cache until they are selected from; more queries mean that item vectors are laid out less often.
const TILE: (usize, usize) = (512, 512);

/// Selects the items whose vectors have the largest dot products with the queries' vectors: blocks of queries times
/// blocks of items.
///
/// # Errors
/// Those of [`Embed::queries`], and [`ScoreError::NotANumber`].
pub fn top_k_by_vectors(
    embed: &dyn Embed,
    queries: &[Query<'_>],
    k: usize,
    hide: &dyn Hide,
    out: &mut TopK,
) -> Result<(), ScoreError> {
    let items = embed.items();
    let (n_items, dim) = (items.rows(), items.cols());
    let mut vectors = Matrix::default();
    embed.queries(queries, &mut vectors)?;
    out.reset(queries.len(), k);
    let hidden = all_hidden_items(hide, queries);
    let mut scores = vec![0.0; queries.len().min(TILE.0) * n_items.min(TILE.1)];
    for first_query in (0..queries.len()).step_by(TILE.0) {
        let block = first_query..queries.len().min(first_query + TILE.0);
        let left = View::new(&vectors.as_slice()[block.start * dim..], block.len(), dim);
        for first in (0..n_items).step_by(TILE.1) {
            let width = TILE.1.min(n_items - first);
            let right = View::new(&items.as_slice()[first * dim..], width, dim).transposed();
            let scores = &mut scores[..block.len() * width];
            gemm(1.0, left, right, 0.0, ViewMut::new(scores, block.len(), width), false);
            for (query, row) in block.clone().zip(scores.chunks_exact(width)) {
                out.offer(query, first as u32, row, &hidden[query])?;
            }
        }
    }
    Ok(())
}
