//! The seam between a fitted model and everything that uses one.
//!
//! A model answers [`Query`]s with scores; how it came to be, where it lives and what it is made of stay behind
//! [`Score`]. All traits here are object-safe.

use crate::gemm::{View, ViewMut, gemm};
use crate::{ItemId, Matrix, UserId, kernel};
use std::borrow::Cow;
use std::ops::Range;

/// What a model is asked about: a user, a history, or both.
///
/// A query without a user asks for fold-in: the history alone describes who asks.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Query<'a> {
    /// The user, where the model may have learned about it.
    pub user: Option<UserId>,
    /// What the user interacted with, oldest first where order is known.
    pub history: &'a [ItemId],
    /// The values beside the history (ratings, counts).
    pub values: Option<&'a [f32]>,
    /// The Unix times in milliseconds beside the history.
    pub times: Option<&'a [i64]>,
    /// When the question is asked, in Unix milliseconds.
    pub at: Option<i64>,
}

impl<'a> Query<'a> {
    /// A query about whoever has this history.
    pub fn new(history: &'a [ItemId]) -> Self {
        Self { history, ..Self::default() }
    }

    /// The same query about a known user.
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// The same query with values beside the history.
    pub fn values(mut self, values: &'a [f32]) -> Self {
        self.values = Some(values);
        self
    }

    /// The same query with times beside the history.
    pub fn times(mut self, times: &'a [i64]) -> Self {
        self.times = Some(times);
        self
    }

    /// The same query, asked at a given time.
    pub fn at(mut self, at: i64) -> Self {
        self.at = Some(at);
        self
    }
}

/// Which items to score.
#[derive(Clone, Debug)]
pub enum Items<'a> {
    /// Every item, for every query.
    All,
    /// The items of a block of rows, for every query.
    Range(Range<u32>),
    /// A list of candidates for each query.
    Lists(&'a [&'a [ItemId]]),
}

impl Items<'_> {
    /// How many scores `queries` queries make, and so the length of the buffer they go to.
    pub fn scores(&self, queries: usize, n_items: usize) -> usize {
        match self {
            Items::All => queries * n_items,
            Items::Range(range) => queries * range.len(),
            Items::Lists(lists) => lists.iter().map(|list| list.len()).sum(),
        }
    }

    /// Checks that these items exist and that `out` has room for exactly their scores: what every model does first.
    ///
    /// # Errors
    /// [`ScoreError::Output`], [`ScoreError::Lists`] or [`ScoreError::Item`].
    pub fn check(&self, queries: usize, n_items: usize, out: usize) -> Result<(), ScoreError> {
        let highest = match self {
            Items::All => None,
            Items::Range(range) => range.end.checked_sub(1),
            Items::Lists(lists) if lists.len() != queries => {
                return Err(ScoreError::Lists { lists: lists.len(), queries });
            }
            Items::Lists(lists) => lists.iter().flat_map(|list| list.iter()).map(|item| item.0).max(),
        };
        if let Some(item) = highest.filter(|&item| item as usize >= n_items) {
            return Err(ScoreError::Item { item: ItemId(item), n_items });
        }
        let expected = self.scores(queries, n_items);
        if out != expected {
            return Err(ScoreError::Output { len: out, expected });
        }
        Ok(())
    }
}

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ScoreError {
    /// A buffer of the wrong length.
    #[error("a buffer for {len} scores; expected {expected}")]
    Output {
        /// Its length.
        len: usize,
        /// What the queries and items make.
        expected: usize,
    },
    /// Another number of candidate lists than of queries.
    #[error("{lists} lists of candidates; expected one for each of {queries} queries")]
    Lists {
        /// Lists given.
        lists: usize,
        /// Queries given.
        queries: usize,
    },
    /// An item that the model does not have.
    #[error("item {item}; expected an item below {n_items}")]
    Item {
        /// The item.
        item: ItemId,
        /// How many there are.
        n_items: usize,
    },
    /// A score that is NaN.
    #[error("query {query}: the score of item {item} is NaN")]
    NotANumber {
        /// The query's place among those asked together.
        query: usize,
        /// The item.
        item: ItemId,
    },
    /// Something the model needs and the query lacks.
    #[error("query {query} has no {what}, which this model needs")]
    Missing {
        /// The query's place among those asked together.
        query: usize,
        /// What is missing.
        what: &'static str,
    },
}

/// An item and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The item.
    pub item: ItemId,
    /// Its score; larger is better.
    pub score: f32,
}

/// The best items of each query, best first; equal scores stand in the order of item rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopK {
    k: usize,
    lists: Vec<Vec<Scored>>,
}

impl TopK {
    /// An empty answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the answer and makes room for `queries` lists of at most `k`; allocations are kept.
    pub fn reset(&mut self, queries: usize, k: usize) {
        self.k = k;
        self.lists.iter_mut().for_each(Vec::clear);
        self.lists.resize_with(queries, Vec::new);
    }

    /// How many items were asked for.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The number of queries.
    pub fn queries(&self) -> usize {
        self.lists.len()
    }

    /// The list of query `query`, best first: shorter than `k` only where fewer items were left.
    pub fn list(&self, query: usize) -> &[Scored] {
        &self.lists[query]
    }

    /// The list of query `query`, to fill; the filler keeps it sorted and at most `k` long.
    pub fn list_mut(&mut self, query: usize) -> &mut Vec<Scored> {
        &mut self.lists[query]
    }

    /// Offers the scores of the items from `first` on to query `query`, skipping those in `hidden` (which rises).
    ///
    /// # Errors
    /// [`ScoreError::NotANumber`].
    pub fn offer(
        &mut self,
        query: usize,
        first: u32,
        scores: &[f32],
        hidden: &[ItemId],
    ) -> Result<(), ScoreError> {
        let list = &mut self.lists[query];
        kernel::select(list, self.k, first, scores, hidden)
            .map_err(|item| ScoreError::NotANumber { query, item })
    }
}

/// Which items a query must not be answered with.
pub trait Hide: Send + Sync {
    /// Calls `hide` with each hidden item, in any order, repeats allowed.
    fn each(&self, query: &Query<'_>, hide: &mut dyn FnMut(ItemId));
}

/// Hides nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Hide for Nothing {
    fn each(&self, _: &Query<'_>, _: &mut dyn FnMut(ItemId)) {}
}

/// Hides the items of the query's own history.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnHistory;

impl Hide for OwnHistory {
    fn each(&self, query: &Query<'_>, hide: &mut dyn FnMut(ItemId)) {
        query.history.iter().copied().for_each(hide);
    }
}

/// Puts the hidden items of `query` into `out`, rising and each once.
pub fn hidden_items(hide: &dyn Hide, query: &Query<'_>, out: &mut Vec<ItemId>) {
    out.clear();
    hide.each(query, &mut |item| out.push(item));
    out.sort_unstable();
    out.dedup();
}

/// A fitted model.
///
/// Whatever is asked is defined: a user the model never saw, or an empty history, gets finite scores from what remains
/// (the history, else the items' popularity or bias).
pub trait Score: Send + Sync {
    /// The number of items.
    fn n_items(&self) -> usize;

    /// Writes the score of each item for each query, query after query; larger is better.
    ///
    /// `out` is `[Q, I]` for [`Items::All`], `[Q, range]` for [`Items::Range`], the lists one after another for
    /// [`Items::Lists`].
    ///
    /// # Errors
    /// What [`Items::check`] refuses, and [`ScoreError::Missing`].
    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError>;

    /// The `k` best items of each query, without those hidden: by blocks of items, never all of `[Q, I]` at once; by
    /// products of matrices where the model has an [`Embed`]. Runs on the calling thread: spread queries over threads,
    /// some hundreds at a time.
    ///
    /// # Errors
    /// As [`Score::score`], and [`ScoreError::NotANumber`].
    fn top_k(
        &self,
        queries: &[Query<'_>],
        k: usize,
        hide: &dyn Hide,
        out: &mut TopK,
    ) -> Result<(), ScoreError> {
        match self.embed() {
            Some(embed) => top_k_by_vectors(embed, queries, k, hide, out),
            None => top_k_by_blocks(self.n_items(), queries, k, hide, out, |items, scores| {
                self.score(queries, items, scores)
            }),
        }
    }

    /// The model as vectors, where its score is a dot product.
    fn embed(&self) -> Option<&dyn Embed> {
        None
    }

    /// The model as a predictor of ratings, where it is one.
    fn rate(&self) -> Option<&dyn Rate> {
        None
    }
}

/// How many items [`top_k_by_blocks`] asks for at once: 64 KiB of scores a query.
const BLOCK: usize = 16_384;

/// Selects the best items while `score` fills one block of items after another.
///
/// # Errors
/// Those of `score`, and [`ScoreError::NotANumber`].
pub fn top_k_by_blocks(
    n_items: usize,
    queries: &[Query<'_>],
    k: usize,
    hide: &dyn Hide,
    out: &mut TopK,
    mut score: impl FnMut(Items<'_>, &mut [f32]) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    out.reset(queries.len(), k);
    let hidden = all_hidden_items(hide, queries);
    let mut scores = vec![0.0; queries.len() * BLOCK.min(n_items)];
    for first in (0..n_items).step_by(BLOCK) {
        let last = n_items.min(first + BLOCK);
        let scores = &mut scores[..queries.len() * (last - first)];
        score(Items::Range(first as u32..last as u32), scores)?;
        for (query, row) in scores.chunks_exact(last - first).enumerate() {
            out.offer(query, first as u32, row, &hidden[query])?;
        }
    }
    Ok(())
}

/// How many queries and items [`top_k_by_vectors`] multiplies at once: at most 1 MiB of scores, which stay in the
/// second-level cache until they are selected from; more queries mean that item vectors are laid out less often.
const TILE: (usize, usize) = (512, 512);

/// Selects the items whose vectors have the largest dot products with the queries' vectors: blocks of queries times
/// blocks of items.
///
/// # Errors
/// Those of [`Embed::queries`], and [`ScoreError::NotANumber`].
pub fn top_k_by_vectors(
    embed: &dyn Embed,
    queries: &[Query<'_>],
    k: usize,
    hide: &dyn Hide,
    out: &mut TopK,
) -> Result<(), ScoreError> {
    let items = embed.items();
    let (n_items, dim) = (items.rows(), items.cols());
    let mut vectors = Matrix::default();
    embed.queries(queries, &mut vectors)?;
    out.reset(queries.len(), k);
    let hidden = all_hidden_items(hide, queries);
    let mut scores = vec![0.0; queries.len().min(TILE.0) * n_items.min(TILE.1)];
    for first_query in (0..queries.len()).step_by(TILE.0) {
        let block = first_query..queries.len().min(first_query + TILE.0);
        let left = View::new(&vectors.as_slice()[block.start * dim..], block.len(), dim);
        for first in (0..n_items).step_by(TILE.1) {
            let width = TILE.1.min(n_items - first);
            let right = View::new(&items.as_slice()[first * dim..], width, dim).transposed();
            let scores = &mut scores[..block.len() * width];
            gemm(1.0, left, right, 0.0, ViewMut::new(scores, block.len(), width), false);
            for (query, row) in block.clone().zip(scores.chunks_exact(width)) {
                out.offer(query, first as u32, row, &hidden[query])?;
            }
        }
    }
    Ok(())
}

fn all_hidden_items(hide: &dyn Hide, queries: &[Query<'_>]) -> Vec<Vec<ItemId>> {
    let mut hidden = vec![Vec::new(); queries.len()];
    for (query, hidden) in queries.iter().zip(&mut hidden) {
        hidden_items(hide, query, hidden);
    }
    hidden
}

/// A model whose score is the dot product of a query's vector and an item's.
pub trait Embed: Send + Sync {
    /// The item vectors `[I, D]`: borrowed where the model keeps them so, else built on each call.
    fn items(&self) -> Cow<'_, Matrix>;

    /// Writes the vectors of the queries, `[Q, D]`; `out` is given its shape here.
    ///
    /// # Errors
    /// As [`Score::score`].
    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError>;
}

/// A model that predicts ratings on the scale it was trained on.
pub trait Rate: Send + Sync {
    /// Writes the predicted rating of each pair.
    ///
    /// # Errors
    /// As [`Score::score`].
    fn rate(&self, pairs: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError>;
}

/// Something that finds good items for a query without scoring all of them: an index over an [`Embed`].
pub trait Retrieve: Send + Sync {
    /// Puts the `k` best items found into `out`, best first, without those hidden.
    ///
    /// # Errors
    /// As [`Score::score`].
    fn retrieve(
        &self,
        query: &Query<'_>,
        k: usize,
        hide: &dyn Hide,
        out: &mut Vec<Scored>,
    ) -> Result<(), ScoreError>;
}
