//! Retrieval for a model: an index over its item vectors, asked with its query vectors.

use crate::{Ask, Index, Metric, Scratch, SearchError};
use seoro_core::score::hidden_items;
use seoro_core::{Embed, Hide, ItemId, Matrix, Query, Retrieve, ScoreError, Scored};
use std::sync::{Mutex, PoisonError};

/// Why an index does not serve a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetrieverError {
    /// An index that does not look for the largest dot products.
    #[error("an index by {found:?}; a model's scores need {:?}", Metric::InnerProduct)]
    Metric {
        /// The index's metric.
        found: Metric,
    },
    /// An index of vectors of another dimension than the model's.
    #[error("an index of {dim} dimensions; the model's items have {expected}")]
    Dimension {
        /// The index's.
        dim: usize,
        /// The model's.
        expected: usize,
    },
    /// An index of more vectors than the model has items.
    #[error("an index of {rows} vectors; the model has {expected} items")]
    Items {
        /// The index's.
        rows: usize,
        /// The model's.
        expected: usize,
    },
}

/// A model's best items by an index of its item vectors, which compares a part of them only.
///
/// ```
/// use seoro_ann::{Build, Hnsw, Metric, Points, Retriever};
/// use seoro_core::{Embed, ItemId, Matrix, OwnHistory, Query, Retrieve, ScoreError, Seed};
/// use std::borrow::Cow;
///
/// /// A query's vector is the mean of those of its history.
/// struct Mean(Matrix);
///
/// impl Embed for Mean {
///     fn items(&self) -> Cow<'_, Matrix> {
///         Cow::Borrowed(&self.0)
///     }
///     fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
///         out.reset(queries.len(), self.0.cols());
///         for (row, query) in queries.iter().enumerate() {
///             for item in query.history {
///                 let share = 1.0 / query.history.len() as f32;
///                 seoro_core::kernel::axpy(share, self.0.row(item.index()), out.row_mut(row));
///             }
///         }
///         Ok(())
///     }
/// }
///
/// let model = Mean(Matrix::from_vec(4, 2, vec![1.0, 0.0, 0.9, 0.1, 0.5, 0.5, 0.0, 1.0])?);
/// let points = Points::new(&model.0, Metric::InnerProduct);
/// let index = Hnsw::default().build(&points, &Build::new(Seed::new(1)))?;
/// let retriever = Retriever::new(&model, index)?;
///
/// let mut best = Vec::new();
/// retriever.retrieve(&Query::new(&[ItemId(0)]), 2, &OwnHistory, &mut best)?;
/// assert_eq!(best.iter().map(|scored| scored.item).collect::<Vec<_>>(), [ItemId(1), ItemId(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Retriever<'a, I> {
    embed: &'a dyn Embed,
    index: I,
    n_items: usize,
    effort: Option<usize>,
    rerank: Option<usize>,
    /// Those of searches that are over.
    scratches: Mutex<Vec<Scratch>>,
}

impl<'a, I: Index> Retriever<'a, I> {
    /// A model, and an index of its items' vectors by the inner product, named by their rows (as an index is that was
    /// given no ids) or by some of them.
    ///
    /// # Errors
    /// See [`RetrieverError`].
    pub fn new(embed: &'a dyn Embed, index: I) -> Result<Self, RetrieverError> {
        let items = embed.items();
        if index.metric() != Metric::InnerProduct {
            return Err(RetrieverError::Metric { found: index.metric() });
        }
        if index.dim() != items.cols() {
            return Err(RetrieverError::Dimension { dim: index.dim(), expected: items.cols() });
        }
        if index.len() > items.rows() {
            return Err(RetrieverError::Items { rows: index.len(), expected: items.rows() });
        }
        let n_items = items.rows();
        Ok(Self { embed, index, n_items, effort: None, rerank: None, scratches: Mutex::default() })
    }

    /// The same, looking so hard; see [`Ask::effort`].
    pub fn effort(mut self, effort: usize) -> Self {
        self.effort = Some(effort);
        self
    }

    /// The same, comparing so many again; see [`Ask::rerank`].
    pub fn rerank(mut self, rerank: usize) -> Self {
        self.rerank = Some(rerank);
        self
    }

    /// The index.
    pub fn index(&self) -> &I {
        &self.index
    }

    fn search(&self, query: &[f32], ask: &Ask<'_>, out: &mut Vec<Scored>) -> Result<(), ScoreError> {
        let held = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = held.unwrap_or_else(|| self.index.scratch());
        let mut found = Vec::new();
        let searched = self.index.search(query, ask, &mut scratch, &mut found);
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        searched.map_err(|error| match error {
            SearchError::Dimension { dim, expected } => ScoreError::Output { len: dim, expected },
            // Its score with whatever item is none.
            SearchError::NotFinite { .. } => ScoreError::NotANumber { query: 0, item: ItemId(0) },
        })?;
        for near in found {
            let item = u32::try_from(near.id).unwrap_or(u32::MAX);
            if item as usize >= self.n_items {
                return Err(ScoreError::Item { item: ItemId(item), n_items: self.n_items });
            }
            out.push(Scored { item: ItemId(item), score: near.score });
        }
        Ok(())
    }
}

impl<I: Index> Retrieve for Retriever<'_, I> {
    fn retrieve(
        &self,
        query: &Query<'_>,
        k: usize,
        hide: &dyn Hide,
        out: &mut Vec<Scored>,
    ) -> Result<(), ScoreError> {
        out.clear();
        let (mut vectors, mut hidden) = (Matrix::default(), Vec::new());
        self.embed.queries(std::slice::from_ref(query), &mut vectors)?;
        hidden_items(hide, query, &mut hidden);
        let is_shown = |id: u64| hidden.binary_search_by(|item| u64::from(item.0).cmp(&id)).is_err();
        let mut ask = Ask::new(k);
        (ask.effort, ask.rerank) = (self.effort, self.rerank);
        if !hidden.is_empty() {
            ask = ask.filter(&is_shown);
        }
        self.search(vectors.row(0), &ask, out)
    }
}
