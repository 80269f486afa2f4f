//! What a model is asked: about whom, and which items.

use super::ScoreError;
use crate::{ItemId, UserId};
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
