//! Which of the nodes found become neighbours: algorithm 4 of the paper.

use super::walk::Found;
use crate::vectors::Vectors;
use seoro_core::kernel;

/// Vectors as the graph compares them while it is built: by squared distances.
pub(super) struct Stored<'a> {
    pub(super) vectors: &'a Vectors,
    /// One more coordinate of each vector, which makes all of them equally long; empty but for inner products.
    pub(super) extra: &'a [f32],
}

impl Stored<'_> {
    /// The squared distance of two vectors where it is at most `limit`, else any number above it.
    #[inline]
    pub(super) fn between(&self, a: u32, b: u32, limit: f32) -> f32 {
        let far = kernel::squared_l2_within(self.vectors.row(a), self.vectors.row(b), limit);
        match (self.extra.get(a as usize), self.extra.get(b as usize)) {
            (Some(a), Some(b)) => far + (a - b) * (a - b),
            _ => far,
        }
    }
}

/// Leaves at most `most` of `found` (nearest first), each nearer to the node they are for than to any other of them
/// (algorithm 4); where `fill`, the nearest of the others take the places left (its `keepPrunedConnections`).
pub(super) fn select(
    stored: &Stored<'_>,
    vector: impl Fn(u32) -> u32,
    found: &[Found],
    most: usize,
    fill: bool,
) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(most);
    let mut pruned = Vec::new();
    for &candidate in found {
        if kept.len() == most {
            break;
        }
        let own = vector(candidate.node());
        let is_nearer_to =
            |other: &Found| stored.between(own, vector(other.node()), candidate.cost) < candidate.cost;
        if kept.iter().any(is_nearer_to) {
            pruned.push(candidate);
        } else {
            kept.push(candidate);
        }
    }
    if fill {
        let places = most - kept.len();
        kept.extend(pruned.into_iter().take(places));
    }
    kept
}
