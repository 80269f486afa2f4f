//! Why a model cannot answer.

use crate::ItemId;

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
