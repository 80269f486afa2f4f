//! What can be wrong with vectors, queries and parameters.

use crate::Kind;

/// Why no index could be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A number that is NaN or infinite.
    #[error("vector {row}, dimension {place}: not finite")]
    NotFinite {
        /// The vector's row.
        row: usize,
        /// Which number.
        place: usize,
    },
    /// More vectors than row numbers.
    #[error("{rows} vectors; expected at most {most}")]
    TooMany {
        /// How many were given.
        rows: usize,
        /// How many there may be.
        most: usize,
    },
    /// Not one id for each vector.
    #[error("{ids} ids for {rows} vectors; expected one for each")]
    Ids {
        /// How many ids were given.
        ids: usize,
        /// How many vectors.
        rows: usize,
    },
    /// An id that stands for two vectors.
    #[error("id {id} stands for two vectors")]
    DuplicateId {
        /// The id.
        id: u64,
    },
    /// A parameter outside its range.
    #[error("{parameter} = {value}; expected {expected}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// More memory than the build may have.
    #[error("the index needs {needed} bytes; the limit is {limit}")]
    Memory {
        /// What it needs.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// The threads asked for could not be started.
    #[error("no pool of {threads} threads")]
    Threads {
        /// How many.
        threads: usize,
    },
    /// The cancel flag was set.
    #[error("cancelled")]
    Cancelled,
}

/// Why a search cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// A query of another dimension than the index.
    #[error("a query of {dim} dimensions; expected {expected}")]
    Dimension {
        /// The query's.
        dim: usize,
        /// The index's.
        expected: usize,
    },
    /// A query with a number that is NaN or infinite.
    #[error("query dimension {place} is not finite")]
    NotFinite {
        /// Which number.
        place: usize,
    },
}

/// Why a vector cannot be added or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// An id that is there already.
    #[error("id {id} is known already")]
    Known {
        /// The id.
        id: u64,
    },
    /// An id that is not there.
    #[error("id {id} is unknown")]
    Unknown {
        /// The id.
        id: u64,
    },
    /// An index that does not change once it is built.
    #[error("an index of the kind {kind:?} does not change once it is built; expected a forest")]
    Frozen {
        /// Its kind.
        kind: Kind,
    },
    /// No row number left.
    #[error("{rows} vectors; no row is left")]
    Full {
        /// How many there are.
        rows: usize,
    },
    /// A vector that the index cannot hold.
    #[error(transparent)]
    Vector(#[from] SearchError),
}

/// Why no effort could be found.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// A share that is none.
    #[error("recall {wanted}; expected more than 0, at most 1")]
    Recall {
        /// What was asked for.
        wanted: f64,
    },
    /// An exact index of other vectors.
    #[error("{rows} vectors; the exact index has {expected}, or another metric or dimension")]
    Different {
        /// How many the index has.
        rows: usize,
        /// How many the exact one has.
        expected: usize,
    },
    /// An exact index whose vectors are rounded.
    #[error("an exact index of rounded vectors; expected one of 32-bit numbers")]
    NotExact,
    /// A recall that no effort reaches.
    #[error("recall {reached} at full effort; expected {wanted}")]
    Unreached {
        /// What was asked for.
        wanted: f64,
        /// What was reached.
        reached: f64,
    },
    /// A query that is refused.
    #[error(transparent)]
    Search(#[from] SearchError),
}
