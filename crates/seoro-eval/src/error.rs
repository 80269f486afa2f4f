//! Why an evaluation has no result.

use crate::Metric;
use seoro_core::{ItemId, ScoreError, UserId};

/// Why an evaluation has no result. Cases are counted from 0, in the order given.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A case without a target: no metric is defined for it.
    #[error("case {case} has no target; expected at least one")]
    NoTarget {
        /// The case.
        case: usize,
    },
    /// A target given twice.
    #[error("case {case} names target {item} twice; expected distinct targets")]
    RepeatedTarget {
        /// The case.
        case: usize,
        /// The target.
        item: ItemId,
    },
    /// A target that the protocol hides: it could never be found.
    #[error("case {case}: target {item} is hidden; expected targets that can be found")]
    HiddenTarget {
        /// The case.
        case: usize,
        /// The target.
        item: ItemId,
    },
    /// A candidate given twice.
    #[error("case {case} names candidate {item} twice; expected distinct candidates")]
    RepeatedCandidate {
        /// The case.
        case: usize,
        /// The candidate.
        item: ItemId,
    },
    /// A target or candidate that the model does not have.
    #[error("case {case}: item {item}; expected an item below {n_items}")]
    Item {
        /// The case.
        case: usize,
        /// The item.
        item: ItemId,
        /// How many the model has.
        n_items: usize,
    },
    /// AUC compares targets with other items, and there are none.
    #[error("case {case}: nothing is ranked but targets; auc expects at least one other item")]
    NoCompetitor {
        /// The case.
        case: usize,
    },
    /// A metric at the cut-off 0.
    #[error("metric {metric}; expected a cut-off of at least 1")]
    Cutoff {
        /// The metric.
        metric: Metric,
    },
    /// A user without enough items to draw negatives from.
    #[error("user {user}: {free} items without interaction; expected at least {wanted} to draw")]
    TooFewItems {
        /// The user.
        user: UserId,
        /// How many there are.
        free: usize,
        /// How many were asked for.
        wanted: usize,
    },
    /// Two lists that belong side by side and differ in length.
    #[error("{len} {what}; expected {expected}")]
    Length {
        /// What the list holds.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The length of the list beside it.
        expected: usize,
    },
    /// The threads asked for could not be started.
    #[error("no pool of {threads} threads")]
    Threads {
        /// Threads asked for.
        threads: usize,
    },
    /// The evaluation was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The model could not answer; the query it names is the case.
    #[error(transparent)]
    Score(#[from] ScoreError),
}

impl EvalError {
    /// The error of a model that was asked several cases together, with the case instead of the place among those.
    pub(crate) fn of_case(error: ScoreError, case: impl Fn(usize) -> usize) -> Self {
        EvalError::Score(match error {
            ScoreError::NotANumber { query, item } => ScoreError::NotANumber { query: case(query), item },
            ScoreError::Missing { query, what } => ScoreError::Missing { query: case(query), what },
            other => other,
        })
    }
}
