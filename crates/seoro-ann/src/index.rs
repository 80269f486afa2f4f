//! The seam: what is asked of an index, and what it answers.

use crate::{Metric, SearchError};
use rayon::prelude::*;
use seoro_core::Matrix;
use std::collections::HashSet;

/// Vectors that can be searched for those nearest to a query.
///
/// ```
/// use seoro_ann::{Ask, Build, Flat, Index, Metric, Points};
/// use seoro_core::{Matrix, Seed};
///
/// let vectors = Matrix::from_vec(3, 1, vec![0.0, 2.0, 5.0])?;
/// let index = Flat::default().build(&Points::new(&vectors, Metric::SquaredL2), &Build::new(Seed::new(1)))?;
/// let (mut scratch, mut nearest) = (index.scratch(), Vec::new());
/// let work = index.search(&[4.0], &Ask::new(2), &mut scratch, &mut nearest)?;
/// assert_eq!(nearest.iter().map(|neighbor| neighbor.id).collect::<Vec<_>>(), [2, 1]);
/// assert_eq!(work.distances, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Index: Send + Sync {
    /// The number of vectors.
    fn len(&self) -> usize;

    /// Whether there is no vector.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vectors' dimension.
    fn dim(&self) -> usize;

    /// What near means.
    fn metric(&self) -> Metric;

    /// The memory it holds.
    fn bytes(&self) -> u64;

    /// Working memory for searches, which grows at the first ones and is then kept.
    fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Writes the nearest vectors that are found to `out`, nearest first, equally near ones by their rows.
    ///
    /// # Errors
    /// A query of another dimension, or not finite.
    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError>;

    /// [`Index::search`] for each row of `queries` `[Q, D]`, on all cores. A batch is compared by products of matrices, whose
    /// last bits hang on the number of cores: so may those of scores by codes, and which of vectors that are equally near
    /// but for these are found.
    ///
    /// # Errors
    /// As [`Index::search`], for the first query that is refused.
    fn search_batch(&self, queries: &Matrix, ask: &Ask<'_>) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        search_each(self, queries, ask)
    }
}

/// A search for each query, on all cores.
pub(crate) fn search_each<I: Index + ?Sized>(
    index: &I,
    queries: &Matrix,
    ask: &Ask<'_>,
) -> Result<Vec<Vec<Neighbor>>, SearchError> {
    (0..queries.rows())
        .into_par_iter()
        .map_init(
            || index.scratch(),
            |scratch, query| {
                let mut out = Vec::with_capacity(ask.k.min(index.len()));
                index.search(queries.row(query), ask, scratch, &mut out)?;
                Ok(out)
            },
        )
        // The first error of all, not the first that comes.
        .collect::<Vec<Result<Vec<Neighbor>, SearchError>>>()
        .into_iter()
        .collect()
}

/// The size of blocks of at most `most` queries, as many for each thread, that differ little: no thread is left waiting.
pub(crate) fn even_blocks(queries: usize, most: usize) -> usize {
    let blocks = queries.div_ceil(most).max(1).next_multiple_of(rayon::current_num_threads());
    queries.div_ceil(blocks).max(LEAST_BLOCK).min(most)
}

/// Fewer queries together would read all vectors too often.
const LEAST_BLOCK: usize = 16;

/// The answers to queries that are searched a block at a time, the blocks on all cores; `block` is told its first.
pub(crate) fn search_blocks(
    queries: usize,
    size: usize,
    block: impl Fn(usize) -> Result<Vec<Vec<Neighbor>>, SearchError> + Send + Sync,
) -> Result<Vec<Vec<Neighbor>>, SearchError> {
    let firsts: Vec<usize> = (0..queries).step_by(size).collect();
    let blocks: Vec<Result<Vec<Vec<Neighbor>>, SearchError>> = firsts.into_par_iter().map(block).collect();
    let blocks: Result<Vec<Vec<Vec<Neighbor>>>, SearchError> = blocks.into_iter().collect();
    blocks.map(|blocks| blocks.into_iter().flatten().collect())
}

impl<I: Index + ?Sized> Index for Box<I> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn metric(&self) -> Metric {
        (**self).metric()
    }

    fn bytes(&self) -> u64 {
        (**self).bytes()
    }

    fn scratch(&self) -> Scratch {
        (**self).scratch()
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        (**self).search(query, ask, scratch, out)
    }

    fn search_batch(&self, queries: &Matrix, ask: &Ask<'_>) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        (**self).search_batch(queries, ask)
    }
}

/// A vector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Its id: its row, where no ids were given.
    pub id: u64,
    /// Its dot product, cosine or squared distance, by the index's metric.
    pub score: f32,
}

/// What a search is asked for.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// How many neighbours.
    pub k: usize,
    /// How hard to look: `ef` of a graph, `nprobe` of an inverted file, the leaves' vectors a forest compares, the best by
    /// codes without lists that are compared again; an index's own default where absent, and of no meaning to an exact
    /// index.
    pub effort: Option<usize>,
    /// How many of the best by compressed vectors or heads are compared again by exact ones, where the index keeps these;
    /// 3 times `k` by bytes and all that was found by heads, where absent. It goes before `effort` where both mean this.
    pub rerank: Option<usize>,
    /// Which vectors may be answered.
    pub filter: Option<&'a dyn Filter>,
}

impl<'a> Ask<'a> {
    /// The `k` nearest of all vectors, by the index's own default effort.
    pub fn new(k: usize) -> Self {
        Self { k, effort: None, rerank: None, filter: None }
    }

    /// The same, looking so hard.
    pub fn effort(mut self, effort: usize) -> Self {
        self.effort = Some(effort);
        self
    }

    /// The same, comparing so many again.
    pub fn rerank(mut self, rerank: usize) -> Self {
        self.rerank = Some(rerank);
        self
    }

    /// The same, among the vectors that `filter` keeps.
    pub fn filter(mut self, filter: &'a dyn Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Whether the vector called `id` may be answered.
    pub(crate) fn keeps(&self, id: u64) -> bool {
        self.filter.is_none_or(|filter| filter.keeps(id))
    }
}

/// Which vectors may be answered; any closure over ids is one.
pub trait Filter: Sync {
    /// Whether the vector called `id` may be answered.
    fn keeps(&self, id: u64) -> bool;
}

impl<F: Fn(u64) -> bool + Sync> Filter for F {
    fn keeps(&self, id: u64) -> bool {
        self(id)
    }
}

/// A filter that keeps the ids put into it: a bit for each id below 2³², a set of those above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    large: HashSet<u64>,
}

/// Ids from here on get no bit: one of them would need more than half a gigabyte.
const LARGE: u64 = 1 << 32;

impl FromIterator<u64> for Bitmap {
    fn from_iter<I: IntoIterator<Item = u64>>(ids: I) -> Self {
        let mut bitmap = Self::default();
        ids.into_iter().for_each(|id| bitmap.insert(id));
        bitmap
    }
}

impl Bitmap {
    /// Keeps `id` from now on; memory grows with the largest id below 2³², by one bit each.
    pub fn insert(&mut self, id: u64) {
        if id >= LARGE {
            self.large.insert(id);
            return;
        }
        let word = (id / 64) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (id % 64);
    }
}

impl Filter for Bitmap {
    fn keeps(&self, id: u64) -> bool {
        if id >= LARGE {
            return self.large.contains(&id);
        }
        self.words.get((id / 64) as usize).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }
}

/// What a search cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// Vectors compared with the query, compressed ones included.
    pub distances: u64,
}

/// Working memory that one search after another uses; any index can use any scratch.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The query as the index compares it.
    pub(crate) query: Vec<f32>,
    /// The query off the vectors' mean, and its head.
    pub(crate) centred: Vec<f32>,
    pub(crate) head: Vec<f32>,
    /// The query as it is compared with short vectors.
    pub(crate) short: crate::storage::ShortQuery,
    /// Scores of a block of rows.
    pub(crate) scores: Vec<f32>,
    /// Rows that a filter refuses.
    pub(crate) refused: Vec<seoro_core::ItemId>,
    /// The best rows so far.
    pub(crate) best: Vec<seoro_core::Scored>,
    /// What forests use.
    pub(crate) forest: crate::forest::Working,
    /// Of walks over a graph.
    pub(crate) walk: crate::hnsw::Walk,
    /// Of searches in lists.
    pub(crate) probing: crate::ivf::Probing,
}
