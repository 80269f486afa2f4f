//! The graph as a sparse matrix of all nodes by all nodes: users first, items after them.

use super::GraphError;
use crate::ops::propagate::Layout;
use rayon::prelude::*;
use seoro_core::{Csr, ItemId, Seed, UserId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What an edge between two nodes weighs; `d` is a node's number of edges, one to itself included where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Normalization {
    /// `1 / √(d_r d_c)`: `D^−½ A D^−½`.
    #[default]
    Symmetric,
    /// `1 / d_r`: `D⁻¹ A`, the mean of the neighbours.
    Left,
}

/// The bipartite graph of users and items as a sparse matrix `Â` `[N, N]` with `N = U + I`: node `u` is user `u`, node `U + i`
/// item `i`, and an entry stands for an edge in one of its directions.
///
/// The matrix and its transpose have their entries in the same places. It takes memory of `O(edges + nodes)`, and keeps up to two layers of a
/// propagation of several hops to write the next ones over.
///
/// ```
/// use seoro_models::graph::{Graph, Normalization};
/// // One user of two items; the second edge is given twice and counts once.
/// let graph = Graph::from_edges(1, 2, &[(0, 0), (0, 1), (0, 1)], Normalization::Symmetric, false)?;
/// assert_eq!((graph.n_nodes(), graph.entries()), (3, 4));
/// let (columns, weights) = graph.row(0);
/// assert_eq!(columns, [1, 2]);
/// assert!(weights.iter().all(|weight| (weight - 0.5f32.sqrt()).abs() < 1e-6));
/// # Ok::<(), seoro_models::graph::GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    n_users: usize,
    n_items: usize,
    pattern: Arc<Pattern>,
    /// By entry.
    weights: Vec<f32>,
    /// By entry of the transpose; none where that is the matrix itself.
    transposed: Option<Vec<f32>>,
    /// Both as a device other than the processor reads them, once one did.
    pub(crate) layouts: OnceLock<Arc<[Layout; 2]>>,
}

/// Where the entries are: the same places after transposing.
#[derive(Debug)]
struct Pattern {
    /// Where each node's entries start, and the end.
    starts: Vec<usize>,
    /// The nodes at the other end, rising within a node's entries.
    columns: Vec<u32>,
    spare: Spare,
}

/// Layers that are done with, to be written over: fresh memory costs about as much as half a hop.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<Vec<f32>>>);

impl Spare {
    /// As many as a propagation holds at once.
    const MOST: usize = 2;

    /// So many numbers, whatever they are.
    pub(crate) fn take(&self, len: usize) -> Vec<f32> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|layer| layer.len() == len).map(|place| kept.swap_remove(place));
        found.unwrap_or_else(|| vec![0.0; len])
    }

    /// Keeps a layer that is nobody else's.
    pub(crate) fn give(&self, layer: Cow<'_, [f32]>) {
        let Cow::Owned(layer) = layer else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == Self::MOST {
            kept.remove(0);
        }
        kept.push(layer);
    }
}

impl Pattern {
    fn of(&self, node: usize) -> Range<usize> {
        self.starts[node]..self.starts[node + 1]
    }

    fn degree(&self, node: usize) -> f64 {
        self.of(node).len() as f64
    }
}

/// The matrix or its transpose, to multiply with.
#[derive(Clone, Copy)]
pub(crate) struct Weighted<'a> {
    pattern: &'a Pattern,
    weights: &'a [f32],
}

impl<'a> Weighted<'a> {
    pub(crate) fn n_nodes(self) -> usize {
        self.pattern.starts.len() - 1
    }

    /// A node's neighbours and their weights.
    pub(crate) fn row(self, node: usize) -> (&'a [u32], &'a [f32]) {
        let own = self.pattern.of(node);
        (&self.pattern.columns[own.clone()], &self.weights[own])
    }
}

impl Graph {
    /// Layers to be written over, of this graph and of all with the same edges.
    pub(crate) fn spare(&self) -> &Spare {
        &self.pattern.spare
    }

    /// The graph whose edges are the entries of `positives` `[U, I]`, whatever their values, and with `self_connections` one
    /// from each node to itself.
    ///
    /// # Errors
    /// [`GraphError::Size`].
    pub fn new(
        positives: &Csr,
        normalization: Normalization,
        self_connections: bool,
    ) -> Result<Self, GraphError> {
        let (n_users, n_items) = (positives.rows(), positives.cols());
        check_size(n_users, n_items, positives.entries(), self_connections)?;
        let pattern = Arc::new(pattern(positives, self_connections));
        let weights = weights(&pattern, |row, column| match normalization {
            Normalization::Symmetric => 1.0 / (pattern.degree(row) * pattern.degree(column)).sqrt(),
            Normalization::Left => 1.0 / pattern.degree(row),
        });
        let transposed = match normalization {
            Normalization::Symmetric => None,
            Normalization::Left => Some(self::weights(&pattern, |_, column| 1.0 / pattern.degree(column))),
        };
        Ok(Self { n_users, n_items, pattern, weights, transposed, layouts: OnceLock::new() })
    }

    /// The graph of edges given as user and item; one that is given more than once counts once.
    ///
    /// # Errors
    /// [`GraphError`].
    pub fn from_edges(
        n_users: usize,
        n_items: usize,
        edges: &[(u32, u32)],
        normalization: Normalization,
        self_connections: bool,
    ) -> Result<Self, GraphError> {
        check_size(n_users, n_items, 0, self_connections)?;
        let is_beyond = |&(user, item): &(u32, u32)| user as usize >= n_users || item as usize >= n_items;
        if let Some((edge, &(user, item))) = edges.iter().enumerate().find(|(_, edge)| is_beyond(edge)) {
            let (user, item) = (UserId(user), ItemId(item));
            return Err(GraphError::Edge { edge, user, item, n_users, n_items });
        }
        let mut sorted = edges.to_vec();
        sorted.par_sort_unstable();
        sorted.dedup();
        let start = |user: usize| sorted.partition_point(|edge| (edge.0 as usize) < user);
        let starts = (0..=n_users).map(start).collect();
        let columns: Vec<u32> = sorted.iter().map(|edge| edge.1).collect();
        let ones = vec![1.0; columns.len()];
        let size = |_| GraphError::Size { nodes: n_users + n_items, entries: 2 * sorted.len() };
        let positives = Csr::new(starts, columns, ones, n_items).map_err(size)?;
        Self::new(&positives, normalization, self_connections)
    }

    /// How many users there are.
    pub fn n_users(&self) -> usize {
        self.n_users
    }

    /// How many items there are.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// How many users and items there are.
    pub fn n_nodes(&self) -> usize {
        self.n_users + self.n_items
    }

    /// How many entries the matrix has: two for each edge between a user and an item, one for each self-connection.
    pub fn entries(&self) -> usize {
        self.weights.len()
    }

    /// The nodes next to `node`, rising, and what each weighs in its row.
    ///
    /// # Panics
    /// Where there is no such node.
    pub fn row(&self, node: usize) -> (&[u32], &[f32]) {
        self.matrix(false).row(node)
    }

    /// Whether the matrix is its own transpose.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.transposed.is_none()
    }

    /// The matrix, or its transpose.
    pub(crate) fn matrix(&self, is_transposed: bool) -> Weighted<'_> {
        let weights = match &self.transposed {
            Some(transposed) if is_transposed => transposed,
            _ => &self.weights,
        };
        Weighted { pattern: &self.pattern, weights }
    }

    /// The graph without a share of its entries, drawn one by one from `seed`, a direction apart from the other; the rest is
    /// multiplied by `1 / (1 − share)`. (The node dropout of NGCF's authors.) The share is at least 0 and below 1.
    pub(crate) fn dropped(&self, share: f64, seed: Seed) -> Self {
        let by = (1.0 / (1.0 - share)) as f32;
        let kept = |row: usize, column: usize| {
            let draw = seed.index((row as u64) << 32 | column as u64).value();
            (draw >> 11) as f64 * (1.0 / (1u64 << 53) as f64) >= share
        };
        let scaled = |is_transposed: bool| {
            let from = self.matrix(is_transposed);
            let mut weights = from.weights.to_vec();
            by_node(&self.pattern, &mut weights, |row, columns, weights| {
                for (&column, weight) in columns.iter().zip(weights) {
                    let (from, to) = (row, column as usize);
                    let (from, to) = if is_transposed { (to, from) } else { (from, to) };
                    *weight *= if kept(from, to) { by } else { 0.0 };
                }
            });
            weights
        };
        let (weights, transposed) = rayon::join(|| scaled(false), || scaled(true));
        let (transposed, layouts) = (Some(transposed), OnceLock::new());
        Self { pattern: Arc::clone(&self.pattern), weights, transposed, layouts, ..*self }
    }
}

/// Refuses more nodes or entries than devices count, which is by 31 bits.
fn check_size(
    n_users: usize,
    n_items: usize,
    edges: usize,
    self_connections: bool,
) -> Result<(), GraphError> {
    let nodes = n_users.saturating_add(n_items);
    let own = if self_connections { nodes } else { 0 };
    let entries = edges.saturating_mul(2).saturating_add(own);
    if nodes.max(entries) < i32::MAX as usize { Ok(()) } else { Err(GraphError::Size { nodes, entries }) }
}

/// Where the entries of both directions are.
fn pattern(positives: &Csr, self_connections: bool) -> Pattern {
    let by_item = positives.transpose();
    let (n_users, n_items) = (positives.rows(), positives.cols());
    let own = usize::from(self_connections);
    let degrees = (0..n_users).map(|user| positives.columns(user).len());
    let degrees = degrees.chain((0..n_items).map(|item| by_item.columns(item).len()));
    let mut starts = vec![0];
    let mut end = 0;
    starts.extend(degrees.map(|degree| {
        end += degree + own;
        end
    }));
    let mut pattern = Pattern { starts, columns: Vec::new(), spare: Spare::default() };
    let mut columns = vec![0u32; end];
    by_node(&pattern, &mut columns, |node, _, columns| {
        // Users stand before items: a user's self-connection is its first entry, an item's its last.
        let is_user = node < n_users;
        let (neighbours, first, offset) = match is_user {
            true => (positives.columns(node), own, n_users as u32),
            false => (by_item.columns(node - n_users), 0, 0),
        };
        if self_connections {
            columns[if is_user { 0 } else { neighbours.len() }] = node as u32;
        }
        columns[first..].iter_mut().zip(neighbours).for_each(|(column, other)| *column = offset + other);
    });
    pattern.columns = columns;
    pattern
}

/// The weight of each entry, by its row and its column.
fn weights(pattern: &Pattern, weight: impl Fn(usize, usize) -> f64 + Sync) -> Vec<f32> {
    let mut weights = vec![0.0; pattern.columns.len()];
    by_node(pattern, &mut weights, |row, columns, weights| {
        let entries = columns.iter().zip(weights);
        entries.for_each(|(&column, own)| *own = weight(row, column as usize) as f32);
    });
    weights
}

/// Nodes that a core takes at once.
const NODES: usize = 1 << 10;

/// Has `write` fill each node's part of `numbers`, one for each entry, on all cores; it sees the node's neighbours, where they
/// are known yet.
fn by_node<T: Send>(pattern: &Pattern, numbers: &mut [T], write: impl Fn(usize, &[u32], &mut [T]) + Sync) {
    let n_nodes = pattern.starts.len() - 1;
    let mut rest = numbers;
    let mut piece = |first: usize| {
        let last = n_nodes.min(first + NODES);
        let count = pattern.starts[last] - pattern.starts[first];
        (first..last, rest.split_off_mut(..count).unwrap_or_default())
    };
    let pieces: Vec<(Range<usize>, &mut [T])> = (0..n_nodes).step_by(NODES).map(&mut piece).collect();
    pieces.into_par_iter().for_each(|(nodes, mut numbers)| {
        for node in nodes {
            let own = pattern.of(node);
            let columns = pattern.columns.get(own.clone()).unwrap_or_default();
            write(node, columns, numbers.split_off_mut(..own.len()).unwrap_or_default());
        }
    });
}
