//! HNSW: a graph of layers whose links lead to near vectors, walked greedily.
//!
//! Y. Malkov, D. Yashunin: Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs, 2016 (arXiv 1603.09320), algorithms 1 to 5. Where this differs:
//!
//! - Vectors are inserted in a random order and in batches, at most a small share of the vectors already in: those of a
//!   batch look for neighbours in the graph before it, on all cores, and are then linked in order. So the graph is the
//!   same at any number of threads; a node misses neighbours of its own batch, which are few.
//! - A node whose list is too long after a batch is selected for once, not once for each new link.
//! - Algorithm 4 is used without `extendCandidates`, which the paper wants for extremely clustered data only.
//! - Nodes that cannot be reached are linked at the end, and the graph is **frozen**: nodes are numbered breadth first
//!   from the entry and their vectors moved along, so that near vectors are near in memory.
//! - Squared distances are summed coordinate by coordinate in the order of their variance, and left as soon as they
//!   exceed the worst one kept.
//! - For inner products the graph is that of squared distances with one more coordinate, which makes all vectors
//!   equally long (Y. Bachrach et al.: Speeding up the Xbox recommender system using a Euclidean transformation for
//!   inner-product spaces, RecSys 2014); for a query the order of both is the same, so it is compared by inner products. On random vectors of varied
//!   lengths this reduction finds less at the same effort than a graph made by inner products themselves would.

mod freeze;
mod grow;
mod layer;
mod select;
mod walk;

use crate::vectors::Vectors;
use crate::{Ask, Build, BuildError, Index, Metric, Neighbor, Points, Scratch, SearchError, Work};
use grow::{FETCH, Graph};
use rayon::prelude::*;
use select::Stored;
use seoro_core::kernel;
use serde::{Deserialize, Serialize};
use walk::{Cost, Found};

pub(crate) use freeze::permute_rows;
pub(crate) use walk::Walk;

/// The recipe of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hnsw {
    /// `M`, the links that a new node makes on each layer; a node keeps at most `M` on the layers above the ground
    /// (`Mmax`) and `2M` on the ground (`Mmax0`). More: better answers where vectors have many dimensions, `8M` bytes a
    /// vector, slower steps. 2 to 1024.
    pub m: usize,
    /// `efConstruction`, how many near nodes a new one chooses its neighbours from. More: better answers, a slower build.
    pub ef_construction: usize,
    /// `keepPrunedConnections`: whether places left over go to neighbours that the heuristic refused. More links: better
    /// connected, slower steps.
    pub keep_pruned: bool,
    /// `ef`, how many near nodes a search keeps where it is not told an effort. More: better answers, slower searches.
    pub ef: usize,
}

impl Default for Hnsw {
    fn default() -> Self {
        Self { m: 16, ef_construction: 200, keep_pruned: false, ef: 64 }
    }
}

/// The most links a new node may make.
const MOST_LINKS: usize = 1024;

/// The most vectors: one bit of a node's number is a mark.
const MOST: usize = i32::MAX as usize;

/// Under the squared distance, rows of fewer numbers than this keep their order: no distance over them is left early.
const WORTH_ORDERING: usize = 128;

impl Hnsw {
    /// The graph over these points; reproducible for a seed at any number of threads.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<HnswIndex, BuildError> {
        self.check(points)?;
        build.reserve(self.bytes_to_build(points))?;
        build.check()?;
        build.pool()?.install(|| self.build_here(points, build))
    }

    fn check(&self, points: &Points<'_>) -> Result<(), BuildError> {
        let wrong = |parameter, value: usize, expected| {
            Err(BuildError::Parameter { parameter, value: value as f64, expected })
        };
        if !(2..=MOST_LINKS).contains(&self.m) {
            return wrong("m", self.m, "2 to 1024");
        }
        if self.ef_construction == 0 {
            return wrong("ef_construction", 0, "at least 1");
        }
        if self.ef == 0 {
            return wrong("ef", 0, "at least 1");
        }
        match points.vectors.rows() {
            rows if rows > MOST => Err(BuildError::TooMany { rows, most: MOST }),
            _ => Ok(()),
        }
    }

    /// The vectors, and for each its links with their distances (twice that for the layers above, whose share of the
    /// nodes is about `1 / (M − 1)`), its numbers and marks.
    fn bytes_to_build(&self, points: &Points<'_>) -> u64 {
        let rows = points.vectors.rows() as u64;
        let links = 2 * self.m as u64 * 8;
        let above = links / (self.m as u64 - 1) + 16;
        Vectors::bytes_of(points).saturating_add(rows.saturating_mul(links + above + 24))
    }

    fn build_here(&self, points: &Points<'_>, build: &Build<'_>) -> Result<HnswIndex, BuildError> {
        let mut vectors = Vectors::new(points)?;
        let mut rows: Vec<u32> = (0..vectors.len() as u32).collect();
        if rows.is_empty() {
            return Ok(HnswIndex {
                vectors,
                rows,
                places: Vec::new(),
                layers: Vec::new(),
                entry: 0,
                ef: self.ef,
            });
        }
        build.seed.child("hnsw order").rng().shuffle(&mut rows);
        freeze::permute_rows(vectors.rows_mut(), &rows);
        let places = order_places(&mut vectors);
        let extra = extra_coordinate(&vectors);
        let stored = Stored { vectors: &vectors, extra: &extra };
        let mut graph = grow::grow(self, &stored, build)?;
        freeze::connect(&mut graph, &stored, self.ef_construction);
        let (Graph { layers, entry }, order) = freeze::renumber(graph);
        freeze::permute_rows(vectors.rows_mut(), &order);
        let rows = order.iter().map(|&node| rows[node as usize]).collect();
        Ok(HnswIndex { vectors, rows, places, layers, entry, ef: self.ef })
    }
}

/// Puts the places with the largest variance first, where distances are left early; their order, or nothing.
pub(crate) fn order_places(vectors: &mut Vectors) -> Vec<u32> {
    let width = vectors.rows().cols();
    if vectors.metric() != Metric::SquaredL2 || width < WORTH_ORDERING {
        return Vec::new();
    }
    let (mut sums, mut squares) = (vec![0.0f64; width], vec![0.0f64; width]);
    for row in vectors.rows().as_slice().chunks_exact(width) {
        for (place, &number) in row.iter().enumerate() {
            sums[place] += f64::from(number);
            squares[place] += f64::from(number).powi(2);
        }
    }
    let count = vectors.len() as f64;
    let variance = |place: u32| squares[place as usize] - sums[place as usize].powi(2) / count;
    let mut places: Vec<u32> = (0..width as u32).collect();
    places.sort_by(|&a, &b| variance(b).total_cmp(&variance(a)));
    vectors.rows_mut().as_mut_slice().par_chunks_exact_mut(width).for_each_init(
        Vec::new,
        |held: &mut Vec<f32>, row| {
            held.clear();
            held.extend_from_slice(row);
            reorder(&places, held, row);
        },
    );
    places
}

#[inline]
pub(crate) fn reorder(places: &[u32], from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(places).for_each(|(to, &place)| *to = from[place as usize]);
}

/// What each vector lacks to the length of the longest; empty but for inner products.
fn extra_coordinate(vectors: &Vectors) -> Vec<f32> {
    if vectors.metric() != Metric::InnerProduct {
        return Vec::new();
    }
    let square = |row: u32| vectors.row(row).iter().map(|&number| f64::from(number).powi(2)).sum::<f64>();
    let squares: Vec<f64> = (0..vectors.len() as u32).map(square).collect();
    let longest = squares.iter().copied().fold(0.0, f64::max);
    squares.iter().map(|square| ((longest - square).sqrt() as f32).min(f32::MAX)).collect()
}

/// A graph that is served: it cannot change any more.
#[derive(Clone, Debug, PartialEq)]
pub struct HnswIndex {
    /// By node; names are by row.
    vectors: Vectors,
    /// Which row a node was.
    rows: Vec<u32>,
    /// Which of a query's numbers stands at each place; in their own order where empty.
    places: Vec<u32>,
    layers: Vec<layer::Layer>,
    /// On the highest layer.
    entry: u32,
    ef: usize,
}

/// A query that is compared with the vectors.
struct FromQuery<'a> {
    vectors: &'a Vectors,
    query: &'a [f32],
    is_distance: bool,
}

impl Cost for FromQuery<'_> {
    #[inline]
    fn of(&self, node: u32, limit: f32) -> f32 {
        let row = self.vectors.row(node);
        if self.is_distance {
            return kernel::squared_l2_within(self.query, row, limit);
        }
        let cost = -kernel::dot(self.query, row);
        // ∞ − ∞ inside a dot product: such a row is as far as can be.
        if cost.is_nan() { f32::INFINITY } else { cost }
    }

    #[inline]
    fn prefetch(&self, node: u32) {
        let row = self.vectors.row(node);
        kernel::prefetch(&row[..row.len().min(FETCH)]);
    }
}

impl HnswIndex {
    /// Leaves the (about) `ef` nearest nodes in `walk.found` (algorithm 5).
    fn walk(&self, cost: &FromQuery<'_>, ef: usize, walk: &mut Walk) {
        let Some((ground, above)) = self.layers.split_first() else { return };
        let descend =
            |walk: &mut Walk, node, layer: &layer::Layer| layer.down(walk.descend(layer, cost, node));
        let entry = above.iter().rev().fold(self.entry, |node, layer| descend(walk, node, layer));
        walk.search(ground, cost, &[entry], ef);
    }

    /// Leaves all nodes that are kept in `walk.found`.
    fn scan(&self, cost: &FromQuery<'_>, ask: &Ask<'_>, walk: &mut Walk) {
        walk.found.clear();
        let nodes = (0..self.rows.len() as u32).filter(|&node| self.keeps(ask, node));
        walk.found.extend(nodes.map(|node| Found::new(cost.of(node, f32::INFINITY), node)));
        walk.distances += walk.found.len() as u64;
    }

    fn keeps(&self, ask: &Ask<'_>, node: u32) -> bool {
        ask.filter.is_none() || ask.keeps(self.vectors.id(self.rows[node as usize]))
    }

    /// Leaves at least `k` nodes that are kept in `walk.found`, or all that there are.
    fn find(&self, cost: &FromQuery<'_>, ask: &Ask<'_>, k: usize, walk: &mut Walk) {
        let mut ef = ask.effort.unwrap_or(self.ef).max(k);
        let most = if ask.filter.is_some() { self.rows.len() / SCAN_FROM } else { self.rows.len() - 1 };
        let mut is_first = true;
        while ef < self.rows.len() && (is_first || ef <= most) {
            self.walk(cost, ef, walk);
            if ask.filter.is_some() {
                walk.found.retain(|found| self.keeps(ask, found.node()));
            }
            if walk.found.len() >= k {
                return;
            }
            is_first = false;
            ef = ef.saturating_mul(if ask.filter.is_some() { 4 } else { usize::MAX });
        }
        self.scan(cost, ask, walk);
    }
}

/// A filtered search that would keep more than this part of the nodes compares all that the filter keeps instead.
const SCAN_FROM: usize = 16;

impl Index for HnswIndex {
    fn len(&self) -> usize {
        self.vectors.len()
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric()
    }

    fn bytes(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(layer::Layer::bytes).sum();
        self.vectors.bytes() + layers + (self.rows.len() + self.places.len()) as u64 * 4
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, scores: given, walk, .. } = scratch;
        self.vectors.prepare(query, prepared)?;
        out.clear();
        let k = ask.k.min(self.len());
        if k == 0 {
            return Ok(Work::default());
        }
        if !self.places.is_empty() {
            std::mem::swap(prepared, given);
            prepared.resize(given.len(), 0.0);
            reorder(&self.places, given, prepared);
        }
        let is_distance = self.metric() == Metric::SquaredL2;
        walk.distances = 0;
        self.find(&FromQuery { vectors: &self.vectors, query: prepared, is_distance }, ask, k, walk);
        let by_row = |found: &Found| self.rows[found.node() as usize];
        walk.found.sort_unstable_by(|a, b| a.cost.total_cmp(&b.cost).then_with(|| by_row(a).cmp(&by_row(b))));
        let neighbor = |found: &Found| Neighbor {
            id: self.vectors.id(by_row(found)),
            // Neither is −0 where it is nothing.
            score: if is_distance { found.cost } else { 0.0 - found.cost },
        };
        out.extend(walk.found.iter().take(k).map(neighbor));
        Ok(Work { distances: walk.distances })
    }
}
