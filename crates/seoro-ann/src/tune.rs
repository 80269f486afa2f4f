//! The effort that a wanted recall takes.

use crate::{Ask, FlatIndex, Index, TuneError};
use seoro_core::Matrix;

/// What [`tune`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tuned {
    /// The effort to ask for.
    pub effort: usize,
    /// The recall it reached on the sample.
    pub recall: f64,
}

/// The smallest effort at which `index` finds the share `wanted` of the true `k` nearest of a sample of queries `[Q, D]`,
/// on average: doubled until it is reached, then halved in between. Recall is taken to grow with effort, which on few
/// queries it need not: then an effort that reaches `wanted` is found, not surely the smallest. A neighbour as near as the
/// last true one counts as found, whichever of equals it is.
///
/// # Errors
/// A share outside (0, 1], queries that are refused, an exact index of other or of rounded vectors, or a recall that no effort reaches.
pub fn tune(
    index: &dyn Index,
    exact: &FlatIndex,
    queries: &Matrix,
    wanted: f64,
    k: usize,
) -> Result<Tuned, TuneError> {
    if !(wanted > 0.0 && wanted <= 1.0) {
        return Err(TuneError::Recall { wanted });
    }
    let is_same = index.len() == exact.len() && index.metric() == exact.metric();
    if !is_same || index.dim() != exact.dim() {
        return Err(TuneError::Different { rows: index.len(), expected: exact.len() });
    }
    if !exact.is_exact() {
        return Err(TuneError::NotExact);
    }
    let rows = exact.rows_by_id();
    let truth = exact.search_batch(queries, &Ask::new(k))?;
    let last: Vec<Option<f32>> = truth.iter().map(|row| row.last().map(|last| last.score)).collect();
    let all: usize = truth.iter().map(Vec::len).sum();
    let recall = |effort| -> Result<f64, TuneError> {
        let found = index.search_batch(queries, &Ask::new(k).effort(effort))?;
        let metric = index.metric();
        let mut hits = 0;
        for (query, (found, &last)) in found.iter().zip(&last).enumerate() {
            let Some(last) = last else { continue };
            // By exact scores: those of the index may be of rounded vectors.
            let found = found.iter().filter_map(|near| rows.get(&near.id).copied());
            let scores = exact.scores(queries.row(query), found)?;
            hits += scores.iter().filter(|&&score| metric.is_as_near(score, last)).count();
        }
        Ok(if all == 0 { 1.0 } else { hits as f64 / all as f64 })
    };
    let (mut below, mut effort) = (0, k.max(1));
    let mut reached = recall(effort)?;
    while reached < wanted {
        if effort >= index.len() {
            return Err(TuneError::Unreached { wanted, reached });
        }
        below = effort;
        effort = effort.saturating_mul(2).min(index.len());
        reached = recall(effort)?;
    }
    // Within a hundredth, which no sample tells apart.
    while effort - below > 1 + effort / 100 {
        let middle = below + (effort - below) / 2;
        match recall(middle)? {
            enough if enough >= wanted => (effort, reached) = (middle, enough),
            _ => below = middle,
        }
    }
    Ok(Tuned { effort, recall: reached })
}
