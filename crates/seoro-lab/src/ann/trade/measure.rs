//! What is measured of an index.

use serde::{Deserialize, Serialize};

/// What is measured of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Measure {
    /// The share of the true ten nearest among the ten answered.
    #[serde(rename = "recall@10")]
    Recall,
    /// The share of queries whose nearest is the first answered.
    #[serde(rename = "1-recall@1")]
    NearestFirst,
    /// The share of queries whose nearest is among the first ten.
    #[serde(rename = "1-recall@10")]
    NearestOfTen,
    /// The share of queries whose nearest is among the first hundred.
    #[serde(rename = "1-recall@100")]
    NearestOfHundred,
    /// Queries answered in a second, one after another.
    #[serde(rename = "queries/s")]
    PerSecond,
    /// The median of single queries, in milliseconds.
    #[serde(rename = "p50 ms")]
    Median,
    /// What one query of a hundred exceeds, in milliseconds.
    #[serde(rename = "p99 ms")]
    Slow,
    /// Vectors compared with a query, compressed ones included, on average.
    #[serde(rename = "distances")]
    Distances,
    /// What the index holds, in millions of bytes.
    #[serde(rename = "memory MB")]
    Memory,
    /// The part of it that is whole vectors beside their codes, by which the best found are compared again.
    #[serde(rename = "vectors MB")]
    Vectors,
}

impl Measure {
    /// The shares of queries whose nearest is found, each with among how many.
    pub const NEAREST: [(Self, usize); 3] =
        [(Self::NearestFirst, 1), (Self::NearestOfTen, 10), (Self::NearestOfHundred, 100)];

    /// Whether it is a share of what there was to find, which hangs on no machine.
    pub fn is_recall(self) -> bool {
        self == Self::Recall || Self::NEAREST.iter().any(|&(nearest, _)| nearest == self)
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}
