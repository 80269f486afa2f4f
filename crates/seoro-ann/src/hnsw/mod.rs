//! HNSW: a graph of layers whose links lead to near vectors, walked greedily.
//!
//! Y. Malkov, D. Yashunin: Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs, 2016 (arXiv 1603.09320), algorithms 1 to 5. Where this differs:
//!
//! - Vectors are inserted by their distance from the mean ([`InsertionOrder`]), and in batches, at most a small share of
//!   the vectors already in: those of a batch look for neighbours in the graph before it, on all cores, and are then
//!   linked in order. So the graph is the same at any number of threads; a node misses neighbours of its own batch, which are few.
//! - A node whose list is too long after a batch is selected for once, not once for each new link.
//! - Algorithm 4 is used without `extendCandidates`, which the paper wants for extremely clustered data only.
//! - Nodes that cannot be reached are linked at the end (but under inner products), and the graph is **frozen**: nodes
//!   are numbered breadth first from the entry and their vectors moved along, so that near vectors are near in memory.
//! - Squared distances are summed coordinate by coordinate in the order of their variance, and left as soon as they
//!   exceed the worst one kept.
//! - Long vectors are compared by their heads first, a bound of the distance that is a tenth to read; only those that
//!   may be near enough are read whole. Or a search walks by distances estimated from the heads, and compares what it
//!   found by whole vectors at its end ([`Heads`]).
//! - For inner products the graph is made by inner products themselves (S. Morozov, A. Babenko: Non-metric similarity
//!   graphs for maximum inner product search, NeurIPS 2018), which finds more at the same effort than squared distances
//!   with one more coordinate that makes all vectors equally long.

mod compare;
mod file;
mod freeze;
mod grow;
mod layer;
mod order;
#[cfg(feature = "hnsw_rs")]
mod racing;
mod search;
mod select;
mod walk;

use crate::arrange::{order_places, permute_rows};
use crate::head::Head;
use crate::slab::Slab;
use crate::storage::Storage;
use crate::vectors::Vectors;
use crate::{Build, BuildError, Metric, Points};
use compare::Stored;
use grow::Graph;
use serde::{Deserialize, Serialize};

pub use order::InsertionOrder;
pub use search::HnswIndex;
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

/// What the heads of long vectors are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Heads {
    /// A search compares the whole vectors of all nodes whose heads do not show that they are too far: it finds what it
    /// would find without heads.
    #[default]
    Bound,
    /// A search walks by the distances that heads let it expect, and compares what it found by whole vectors at the end:
    /// all of it, or [`Ask::rerank`](crate::Ask). Much less is read, and it takes a larger `ef` for as many true neighbours:
    /// twice as fast on pixels, of which 64 numbers tell most; to be tried by [`tune`](crate::tune) on others.
    Estimate,
}

/// The recipe of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hnsw {
    /// Who builds it.
    pub builder: Builder,
    /// The order in which vectors are inserted.
    pub order: InsertionOrder,
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
    /// More: fewer vectors are read whole, or better estimates, `4` bytes each a vector; vectors shorter than four times as many are compared
    /// whole, as all are at 0.
    pub head: usize,
    /// What a search does with heads; the graph is built by whole vectors in any case.
    pub heads: Heads,
    /// How vectors are stored for searches; the graph is built by numbers of 32 bits in any case.
    pub storage: Storage,
    /// `ef`, how many near nodes a search keeps where it is not told an effort. More: better answers, slower searches.
    pub ef: usize,
}

impl Default for Hnsw {
    fn default() -> Self {
        Self {
            builder: Builder::Batches,
            order: InsertionOrder::Mean,
            m: 16,
            ef_construction: 200,
            keep_pruned: false,
            head: 64,
            heads: Heads::Bound,
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

impl Hnsw {
    /// The graph over these points; reproducible for a seed at any number of threads, but by [`Builder::HnswRs`].
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<HnswIndex, BuildError> {
        self.check(points)?;
        build.reserve(self.memory(points))?;
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
        self.storage.check(points.vectors.cols())?;
        match points.vectors.rows() {
            rows if rows > MOST => Err(BuildError::TooMany { rows, most: MOST }),
            _ => Ok(()),
        }
    }

    /// About the most bytes that the index and its build will hold; a build refuses to go over
    /// [`Build::memory`](crate::Build) before it allocates.
    pub fn memory(&self, points: &Points<'_>) -> u64 {
        let rows = points.vectors.rows() as u64;
        // Links with their distances; the layers above have about `1 / (M − 1)` of the nodes, and twice their links.
        let links = (self.m as u64).saturating_mul(16);
        let above = links / (self.m as u64).saturating_sub(1).max(1) + 16;
        let head = if self.has_head(points.vectors.cols()) { self.head as u64 * 4 + 64 } else { 0 };
        let foreign = match self.builder {
            Builder::Batches => 0,
            // A copy of the vectors, and links of three words each behind pointers.
            #[cfg(feature = "hnsw_rs")]
            Builder::HnswRs => {
                (points.vectors.cols() as u64 * 4 + 512).saturating_add(links.saturating_mul(4))
            }
        };
        let stored = Vectors::bytes_of(points).saturating_add(self.storage.bytes_of(points));
        let basis = if head > 0 { Head::bytes_to_find(points, self.head) } else { 0 };
        let stored = stored.saturating_add(basis);
        stored.saturating_add(
            rows.saturating_mul(
                links.saturating_add(above).saturating_add(head + 24).saturating_add(foreign),
            ),
        )
    }

    /// Whether vectors of this dimension get heads.
    fn has_head(&self, dim: usize) -> bool {
        self.head > 0 && dim / 4 >= self.head
    }

    fn build_here(&self, points: &Points<'_>, build: &Build<'_>) -> Result<HnswIndex, BuildError> {
        let mut vectors = Vectors::new(points)?;
        let rows = self.order.of(&vectors, build.seed);
        if rows.is_empty() {
            return Ok(HnswIndex {
                vectors,
                head: None,
                heads: self.heads,
                short: None,
                rows: Slab::default(),
                places: Slab::default(),
                layers: Vec::new(),
                entry: 0,
                ef: self.ef,
            });
        }
        permute_rows(vectors.rows_mut(), &rows);
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
        permute_rows(vectors.rows_mut(), &order);
        head.iter_mut().for_each(|head| permute_rows(head.rows_mut(), &order));
        let rows = order.iter().map(|&node| rows[node as usize]).collect();
        let short = self.storage.shorten(&vectors)?;
        if short.is_some() {
            // Short vectors are read first: heads have nothing left to save.
            head = None;
        }
        if !self.storage.is_whole() {
            vectors = vectors.without_rows();
        }
        Ok(HnswIndex { vectors, head, heads: self.heads, short, rows, places, layers, entry, ef: self.ef })
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
