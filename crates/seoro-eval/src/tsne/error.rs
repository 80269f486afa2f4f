//! Why there is no map.

/// Why there is no map. Points are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TsneError {
    /// Too few points.
    #[error("{points} points; expected at least 4")]
    TooFew {
        /// How many there are.
        points: usize,
    },
    /// Vectors without numbers.
    #[error("vectors of 0 numbers; expected at least 1")]
    NoColumns,
    /// A number that is infinite or NaN.
    #[error("row {row}, column {column} is {value}; expected a finite number")]
    NotFinite {
        /// The vector.
        row: usize,
        /// The number's place in it.
        column: usize,
        /// The number.
        value: f32,
    },
    /// A vector of zeros, which has no direction, where near means a high cosine.
    #[error("row {row} is zero; expected vectors with a direction")]
    Zero {
        /// The vector.
        row: usize,
    },
    /// A perplexity below 1, or too large for so few points.
    #[error(
        "perplexity {perplexity} for {points} points; expected at least 1, and three times it below the points"
    )]
    Perplexity {
        /// The perplexity.
        perplexity: f64,
        /// How many points there are.
        points: usize,
    },
    /// A field of the recipe outside its range.
    #[error("{field} is {value}; expected {expected}")]
    Recipe {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// Its range, in words.
        expected: &'static str,
    },
    /// Lists of neighbours that do not belong to the points.
    #[error("{lists} lists of neighbours; expected one for each of {points} points")]
    Lists {
        /// How many lists there are.
        lists: usize,
        /// How many points.
        points: usize,
    },
    /// A list that is too short for the perplexity.
    #[error("point {row} has {len} neighbours; expected at least the perplexity, {perplexity}")]
    FewNeighbours {
        /// The point.
        row: usize,
        /// Its neighbours.
        len: usize,
        /// The perplexity.
        perplexity: f64,
    },
    /// A neighbour that does not exist, is the point itself, or was named before.
    #[error("point {row} names neighbour {neighbour}; expected others, each once, below {points}")]
    Neighbour {
        /// The point.
        row: usize,
        /// The neighbour.
        neighbour: u32,
        /// How many points there are.
        points: usize,
    },
    /// A distance that is negative, infinite or NaN.
    #[error("point {row} is {distance} from neighbour {neighbour}; expected a finite number of at least 0")]
    Distance {
        /// The point.
        row: usize,
        /// The neighbour.
        neighbour: u32,
        /// The distance.
        distance: f32,
    },
    /// Points that flew apart: the learning rate is too high.
    #[error("positions are not finite after {iterations} iterations; expected a lower learning rate")]
    Diverged {
        /// The iterations done.
        iterations: usize,
    },
    /// More memory than there may be.
    #[error("needs {needed} bytes; the limit is {limit}")]
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes there may be.
        limit: u64,
    },
    /// The threads asked for could not be started.
    #[error("no pool of {threads} threads")]
    Threads {
        /// Threads asked for.
        threads: usize,
    },
    /// The cancel flag was set.
    #[error("cancelled")]
    Cancelled,
}
