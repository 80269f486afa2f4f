//! Which of the nodes found become neighbours: algorithm 4 of the paper.

use super::compare::Stored;
use super::walk::Found;

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
