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
//! - Long vectors are compared by their heads first, a bound of the distance that is a tenth to read; only those that
//!   may be near enough are read whole. The distances kept are those of whole vectors.
//! - For inner products the graph is made by inner products themselves (S. Morozov, A. Babenko: Non-metric similarity
//!   graphs for maximum inner product search, NeurIPS 2018), which finds more at the same effort than squared distances
//!   with one more coordinate that makes all vectors equally long.

mod compare;
mod file;
mod freeze;
mod grow;
mod layer;
#[cfg(feature = "hnsw_rs")]
mod racing;
mod select;
mod walk;

use crate::head::Head;
use crate::slab::Slab;
use crate::storage::{Bytes, Storage, reranked};
use crate::vectors::Vectors;
use crate::{Ask, Build, BuildError, Index, Metric, Neighbor, Points, Scratch, SearchError, Work};
use compare::{Headed, Rounded, Stored};
use grow::Graph;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use walk::{Cost, Found};

pub(crate) use freeze::permute_rows;
pub(crate) use walk::Walk;

/// Who builds a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Builder {
    /// This crate, in batches: the same graph for a seed at any number of threads.
    #[default]
    Batches,
    /// The crate `hnsw_rs` (feature `hnsw_rs`): **racing**. Its threads insert without an order, so graphs differ from build
    /// to build; its levels come from a seed of its own, whatever the build's seed is. `m` is at most 256.
    #[cfg(feature = "hnsw_rs")]
    HnswRs,
}

/// The recipe of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hnsw {
    /// Who builds it.
    pub builder: Builder,
    /// `M`, the links that a new node makes on each layer; a node keeps at most `M` on the layers above the ground
    /// (`Mmax`) and `2M` on the ground (`Mmax0`). More: better answers where vectors have many dimensions, `8M` bytes a
    /// vector, slower steps. 2 to 1024.
    pub m: usize,
    /// `efConstruction`, how many near nodes a new one chooses its neighbours from. More: better answers, a slower build.
    pub ef_construction: usize,
    /// `keepPrunedConnections`: whether places left over go to neighbours that the heuristic refused. More links: better
    /// connected, slower steps.
    pub keep_pruned: bool,
    /// How many numbers of a vector are compared first: its leading principal coordinates and the length of the rest.
    /// More: fewer vectors are read whole, `4` bytes each a vector; vectors shorter than four times as many are compared
    /// whole, as all are at 0.
    pub head: usize,
    /// How vectors are stored for searches; the graph is built by numbers of 32 bits in any case.
    pub storage: Storage,
    /// `ef`, how many near nodes a search keeps where it is not told an effort. More: better answers, slower searches.
    pub ef: usize,
}

impl Default for Hnsw {
    fn default() -> Self {
        Self {
            builder: Builder::Batches,
            m: 16,
            ef_construction: 200,
            keep_pruned: false,
            head: 64,
            storage: Storage::F32,
            ef: 64,
        }
    }
}

/// The most links a new node may make.
const MOST_LINKS: usize = 1024;

/// The most numbers of a head.
const MOST_HEAD: usize = 65_536;

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
        #[cfg(feature = "hnsw_rs")]
        if self.builder == Builder::HnswRs && self.m > racing::MOST_LINKS {
            return wrong("m", self.m, "2 to 256 for hnsw_rs");
        }
        if self.ef_construction == 0 {
            return wrong("ef_construction", 0, "at least 1");
        }
        if self.ef == 0 {
            return wrong("ef", 0, "at least 1");
        }
        if self.head == 1 || self.head > MOST_HEAD {
            return wrong("head", self.head, "0, or 2 to 65536");
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
        let head = if self.has_head(points.vectors.cols()) { self.head as u64 * 4 + 64 } else { 0 };
        let foreign = match self.builder {
            Builder::Batches => 0,
            // A copy of the vectors, and links of three words each behind pointers.
            #[cfg(feature = "hnsw_rs")]
            Builder::HnswRs => points.vectors.cols() as u64 * 4 + 4 * links + 512,
        };
        let stored = Vectors::bytes_of(points).saturating_add(self.storage.bytes_of(points));
        stored.saturating_add(rows.saturating_mul(links + above + head + 24 + foreign))
    }

    /// Whether vectors of this dimension get heads.
    fn has_head(&self, dim: usize) -> bool {
        self.head > 0 && dim >= 4 * self.head
    }

    fn build_here(&self, points: &Points<'_>, build: &Build<'_>) -> Result<HnswIndex, BuildError> {
        let mut vectors = Vectors::new(points)?;
        let mut rows: Vec<u32> = (0..vectors.len() as u32).collect();
        if rows.is_empty() {
            return Ok(HnswIndex {
                vectors,
                head: None,
                bytes: None,
                rows: Slab::default(),
                places: Slab::default(),
                layers: Vec::new(),
                entry: 0,
                ef: self.ef,
            });
        }
        build.seed.child("hnsw order").rng().shuffle(&mut rows);
        freeze::permute_rows(vectors.rows_mut(), &rows);
        let places = order_places(&mut vectors);
        let mut head = match self.has_head(vectors.dim()) {
            true => Some(Head::new(&vectors, self.head, build)?),
            false => None,
        };
        let stored = Stored { vectors: &vectors, head: head.as_ref() };
        let mut graph = self.graph(&stored, build)?;
        // The product of a short vector is no query's largest: a link to it would take the place of a better one.
        if vectors.metric() != Metric::InnerProduct {
            freeze::connect(&mut graph, &stored, self.ef_construction);
        }
        let (Graph { layers, entry }, order) = freeze::renumber(graph);
        freeze::permute_rows(vectors.rows_mut(), &order);
        head.iter_mut().for_each(|head| freeze::permute_rows(head.rows_mut(), &order));
        let rows = order.iter().map(|&node| rows[node as usize]).collect();
        let mut bytes = None;
        if self.storage != Storage::F32 {
            // Bytes are read first: heads have nothing left to save.
            head = None;
            bytes = Some(Bytes::new(&vectors)?);
        }
        if self.storage == Storage::Int8 {
            vectors = vectors.without_rows();
        }
        Ok(HnswIndex { vectors, head, bytes, rows, places, layers, entry, ef: self.ef })
    }
}

impl Hnsw {
    fn graph(&self, stored: &Stored<'_>, build: &Build<'_>) -> Result<Graph, BuildError> {
        match self.builder {
            Builder::Batches => grow::grow(self, stored, build),
            #[cfg(feature = "hnsw_rs")]
            Builder::HnswRs => racing::grow(self, stored.vectors, build),
        }
    }
}

/// Puts the places with the largest variance first, where distances are left early; their order, or nothing.
pub(crate) fn order_places(vectors: &mut Vectors) -> Slab<u32> {
    let width = vectors.rows().cols();
    if vectors.metric() != Metric::SquaredL2 || width < WORTH_ORDERING {
        return Slab::default();
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
    places.into()
}

#[inline]
pub(crate) fn reorder(places: &[u32], from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(places).for_each(|(to, &place)| *to = from[place as usize]);
}

/// A graph that is served: it cannot change any more.
#[derive(Clone, Debug, PartialEq)]
pub struct HnswIndex {
    /// By node; names are by row.
    vectors: Vectors,
    /// Of long vectors, by node.
    head: Option<Head>,
    /// By node, where searches read bytes.
    bytes: Option<Bytes>,
    /// Which row a node was.
    rows: Slab<u32>,
    /// Which of a query's numbers stands at each place; in their own order where empty.
    places: Slab<u32>,
    layers: Vec<layer::Layer>,
    /// On the highest layer.
    entry: u32,
    ef: usize,
}

impl HnswIndex {
    /// Leaves the (about) `ef` nearest nodes in `walk.found` (algorithm 5).
    fn walk(&self, cost: &impl Cost, ef: usize, walk: &mut Walk) {
        let Some((ground, above)) = self.layers.split_first() else { return };
        let descend =
            |walk: &mut Walk, node, layer: &layer::Layer| layer.down(walk.descend(layer, cost, node));
        let entry = above.iter().rev().fold(self.entry, |node, layer| descend(walk, node, layer));
        walk.search(ground, cost, &[entry], ef);
    }

    fn storage(&self) -> Storage {
        match self.bytes {
            None => Storage::F32,
            Some(_) if self.vectors.len() < self.rows.len() => Storage::Int8,
            Some(_) => Storage::Int8Reranked,
        }
    }

    /// Leaves all nodes that are kept in `walk.found`.
    fn scan(&self, cost: &impl Cost, ask: &Ask<'_>, walk: &mut Walk) {
        walk.found.clear();
        let nodes = (0..self.rows.len() as u32).filter(|&node| self.keeps(ask, node));
        walk.found.extend(nodes.map(|node| Found::new(cost.of(node, f32::INFINITY), node)));
        walk.distances += walk.found.len() as u64;
    }

    fn keeps(&self, ask: &Ask<'_>, node: u32) -> bool {
        ask.filter.is_none() || ask.keeps(self.vectors.id(self.rows[node as usize]))
    }

    /// Compares the nearest found by whole vectors, and leaves only them.
    fn compare_again(whole: &impl Cost, ask: &Ask<'_>, k: usize, walk: &mut Walk) {
        let most = reranked(ask, k);
        if walk.found.len() > most {
            walk.found.select_nth_unstable_by(most, |a, b| a.cost.total_cmp(&b.cost));
            walk.found.truncate(most);
        }
        walk.found.iter().for_each(|found| whole.prefetch(found.node()));
        walk.found
            .iter_mut()
            .for_each(|found| *found = Found::new(whole.of(found.node(), f32::INFINITY), found.node()));
        walk.distances += walk.found.len() as u64;
    }

    /// Leaves at least `k` nodes that are kept in `walk.found`, or all that there are.
    fn find(&self, cost: &impl Cost, ask: &Ask<'_>, k: usize, walk: &mut Walk) {
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
        self.rows.len()
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric()
    }

    fn bytes(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(layer::Layer::bytes).sum();
        let head = self.head.as_ref().map_or(0, Head::bytes);
        let bytes = self.bytes.as_ref().map_or(0, Bytes::bytes);
        self.vectors.bytes() + head + bytes + layers + (self.rows.len() + self.places.len()) as u64 * 4
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, scores: given, centred, head: own, bytes: byte_query, walk, .. } =
            scratch;
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
        walk.distances = 0;
        let whole = Stored { vectors: &self.vectors, head: None }.whole(prepared);
        match (&self.bytes, &self.head) {
            (Some(bytes), _) => {
                bytes.write_query(prepared, byte_query);
                self.find(&Rounded { bytes, query: byte_query }, ask, k, walk);
                if self.storage() == Storage::Int8Reranked {
                    Self::compare_again(&whole, ask, k, walk);
                }
            }
            (None, Some(head)) => {
                let slack = head.write_query(prepared, centred, own);
                self.find(&Headed { whole, head, query: own, slack }, ask, k, walk);
            }
            (None, None) => self.find(&whole, ask, k, walk),
        }
        let is_distance = self.metric() == Metric::SquaredL2;
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
