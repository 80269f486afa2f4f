//! The seam between a fitted model and everything that uses one.
//!
//! A model answers [`Query`]s with scores; how it came to be, where it lives and what it is made of stay behind
//! [`Score`]. All traits here are object-safe.

mod error;
mod hide;
mod query;
mod top_k;
mod vectors;

pub use error::ScoreError;
pub use hide::{Hide, Nothing, OwnHistory, hidden_items};
pub use query::{Items, Query};
pub use top_k::{Scored, TopK, top_k_by_blocks};
pub use vectors::{score_by_vectors, top_k_by_vectors};

use crate::{ItemId, Matrix};
use std::borrow::Cow;

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

/// A model whose score is the dot product of a query's vector and an item's.
pub trait Embed: Send + Sync {
    /// The item vectors `[I, D]`: borrowed where the model keeps them so, else built on each call.
    fn items(&self) -> Cow<'_, Matrix>;

    /// The item vectors to compare with each other, as by cosine: [`Embed::items`] without what only ranks them, such as biases.
    fn comparable(&self) -> Cow<'_, Matrix> {
        self.items()
    }

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
