//! What is asked of a propagation: which rows, of which polynomials.

use seoro_core::kernel;
use std::cell::RefCell;

/// The rows and the polynomials of the graph's matrix that [`propagate`](super::propagate) computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// None for all.
    rows: Option<Vec<u32>>,
    /// By polynomial, its weight of each layer.
    layers: Vec<Vec<f32>>,
}

impl Reach {
    /// All rows, of the polynomials whose layers have these weights: first those of the embeddings themselves.
    pub fn all(layers: Vec<Vec<f32>>) -> Self {
        Self { rows: None, layers }
    }

    /// The rows of these nodes.
    ///
    /// # Panics
    /// Where the nodes do not rise strictly.
    pub fn rows(rows: Vec<u32>, layers: Vec<Vec<f32>>) -> Self {
        assert!(rows.is_sorted_by(|a, b| a < b), "rows that rise strictly");
        Self { rows: Some(rows), layers }
    }

    pub(super) fn check(&self, n_nodes: usize) {
        let last = self.rows.as_ref().and_then(|rows| rows.last());
        assert!(last.is_none_or(|&last| (last as usize) < n_nodes), "rows of {n_nodes} nodes");
    }

    /// By polynomial, its weight of each layer.
    pub(super) fn layers(&self) -> &[Vec<f32>] {
        &self.layers
    }

    /// The hops that the longest polynomial makes.
    pub(super) fn depth(&self) -> usize {
        self.layers.iter().map(|weights| weights.len().saturating_sub(1)).max().unwrap_or(0)
    }

    /// How many rows of each polynomial are asked for.
    pub(super) fn n_rows(&self, n_nodes: usize) -> usize {
        self.rows.as_ref().map_or(n_nodes, Vec::len)
    }

    /// The node of a row.
    pub(super) fn node(&self, row: usize) -> usize {
        self.rows.as_ref().map_or(row, |rows| rows[row] as usize)
    }

    /// Where each node's row is.
    pub(super) fn places(&self, n_nodes: usize) -> Places {
        Places(self.rows.as_ref().map(|rows| {
            let mut places = vec![NONE; n_nodes];
            rows.iter().zip(0..).for_each(|(&node, place)| places[node as usize] = place);
            places
        }))
    }
}

/// No place.
const NONE: u32 = u32::MAX;

/// By node the place of its row; none where each node's is its own.
pub(super) struct Places(Option<Vec<u32>>);

thread_local! {
    /// The neighbours that have a row, and their weights: kept, so that their memory is.
    static FOUND: RefCell<(Vec<u32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

impl Places {
    pub(super) fn of(&self, node: usize) -> Option<usize> {
        match &self.0 {
            None => Some(node),
            Some(places) => Some(places[node]).filter(|&place| place != NONE).map(|place| place as usize),
        }
    }

    /// [`kernel::weighted_rows`] of those neighbours that have a row.
    pub(super) fn weighted_rows(
        &self,
        (neighbours, weights): (&[u32], &[f32]),
        rows: &[f32],
        sum: &mut [f32],
    ) {
        let Some(places) = &self.0 else { return kernel::weighted_rows(neighbours, weights, rows, sum) };
        FOUND.with_borrow_mut(|(found, of_found)| {
            found.clear();
            of_found.clear();
            for (&neighbour, &weight) in neighbours.iter().zip(weights) {
                let place = places[neighbour as usize];
                if place != NONE {
                    found.push(place);
                    of_found.push(weight);
                }
            }
            kernel::weighted_rows(found, of_found, rows, sum);
        });
    }
}
