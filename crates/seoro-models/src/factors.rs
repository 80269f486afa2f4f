//! What models that are a table of item vectors share: scoring by dot products, and reading a query's history.

use crate::linalg::{of, view, view_mut};
use faer::linalg::matmul::matmul;
use faer::{Accum, Par};
use seoro_core::{ItemId, Items, Matrix, Query, ScoreError, kernel::dot};

/// Writes the dot products of `queries`, `[Q, D]`, and rows of `table`, `[I, D]`, in the order of
/// [`Score::score`](seoro_core::Score::score); the caller has called [`Items::check`].
pub(crate) fn score_rows(queries: &Matrix, table: &Matrix, items: &Items<'_>, out: &mut [f32]) {
    let dim = table.cols();
    let block = |first: usize, last: usize, out: &mut [f32]| {
        let rows = view(&table.as_slice()[first * dim..last * dim], last - first, dim);
        let out = view_mut(out, queries.rows(), last - first);
        matmul(out, Accum::Replace, of(queries), rows.transpose(), 1.0, Par::Seq);
    };
    match items {
        Items::All => block(0, table.rows(), out),
        Items::Range(range) if range.is_empty() => {}
        Items::Range(range) => block(range.start as usize, range.end as usize, out),
        Items::Lists(lists) => {
            let mut out = out.iter_mut();
            for (query, list) in lists.iter().enumerate() {
                for (item, out) in list.iter().zip(&mut out) {
                    *out = dot(queries.row(query), table.row(item.index()));
                }
            }
        }
    }
}

/// Puts the items of the query's history into `out`, rising and each once.
///
/// # Errors
/// [`ScoreError::Item`] for an item that the model does not have.
pub(crate) fn history_set(
    query: &Query<'_>,
    n_items: usize,
    out: &mut Vec<ItemId>,
) -> Result<(), ScoreError> {
    out.clear();
    out.extend_from_slice(query.history);
    out.sort_unstable();
    out.dedup();
    match out.last() {
        Some(&item) if item.index() >= n_items => Err(ScoreError::Item { item, n_items }),
        _ => Ok(()),
    }
}
