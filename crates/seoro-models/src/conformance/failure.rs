//! Which rule broke, and where.

use crate::FitError;
use crate::persist::{PersistError, WeightsError};
use seoro_core::{ItemId, ScoreError};

/// A rule that every recommender keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// A model whose scores depend on who asks puts the held-out item of the user's colour above the other colour.
    Checkerboard,
    /// A model whose scores do not depend on who asks gives every user the same.
    Impersonal,
    /// Scores are finite, also for users the model never saw, and for empty histories.
    Finite,
    /// Queries asked together get what each would get alone.
    Batch,
    /// A block of items gets the scores it has among all.
    Range,
    /// Candidates get the scores they have among all items.
    Candidates,
    /// The best items are those with the largest scores, without the hidden ones.
    TopK,
    /// A buffer of the wrong length, and an item beyond the last, asked for or in a history, are errors.
    Refusals,
    /// The same seed and threads give the same bytes.
    SameBytes,
    /// A fit that is cancelled ends as cancelled.
    Cancel,
    /// A fit that needs more memory than allowed is refused, and fits in what it asked for.
    Memory,
    /// A model that was saved and loaded gives the same scores, as one file or as a folder's weights.
    Saved,
}

/// How a recommender is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A rule is broken.
    #[error("the rule {rule:?} is broken: query {query}, item {item:?}")]
    Broken {
        /// The rule.
        rule: Rule,
        /// The place of the query among those asked; 0 where there is none.
        query: usize,
        /// The item, where there is one.
        item: Option<ItemId>,
    },
    /// The model could not be fitted.
    #[error("the fit failed: {0}")]
    Fit(#[source] FitError),
    /// A question was not answered.
    #[error("a query failed: {0}")]
    Score(#[source] ScoreError),
    /// The model could not be saved or loaded.
    #[error("saving and loading failed: {0}")]
    Persist(#[source] PersistError),
    /// The model could not be turned into tensors, or back.
    #[error("taking the model apart failed: {0}")]
    Weights(#[source] WeightsError),
    /// The model could not be turned into bytes.
    #[error("the model cannot be serialised")]
    Serialize,
}

impl Failure {
    pub(super) fn broken(rule: Rule, query: usize, item: Option<ItemId>) -> Self {
        Failure::Broken { rule, query, item }
    }

    /// A rule broken at a place among rows of `n_items` scores.
    pub(super) fn at(rule: Rule, place: usize, n_items: usize) -> Self {
        Failure::broken(rule, place / n_items, Some(ItemId((place % n_items) as u32)))
    }
}
