//! Exact search: every vector is compared, so every answer is right.

use rayon::prelude::*;
use seoro_core::{Matrix, kernel};

/// What near means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metric {
    /// The largest dot product: maximum inner-product search, as a recommender's scores ask for.
    InnerProduct,
    /// The largest cosine; a vector of zeros has cosine 0 with everything.
    Cosine,
    /// The smallest squared Euclidean distance.
    SquaredL2,
}

/// A vector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Its row in the matrix the index was made of.
    pub row: u32,
    /// Its dot product, cosine or squared distance, by the index's metric.
    pub score: f32,
}

/// Why a search cannot be done.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
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

/// The exact index over the rows of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Flat {
    vectors: Matrix,
    metric: Metric,
    inverse_norms: Vec<f32>,
}

impl Flat {
    /// An index over `vectors` `[N, D]`.
    pub fn new(vectors: Matrix, metric: Metric) -> Self {
        let norm = |row: &[f32]| kernel::dot(row, row).sqrt();
        let inverse = |norm: f32| if norm > 0.0 { 1.0 / norm } else { 0.0 };
        let inverse_norms = match metric {
            Metric::Cosine => (0..vectors.rows()).map(|row| inverse(norm(vectors.row(row)))).collect(),
            Metric::InnerProduct | Metric::SquaredL2 => Vec::new(),
        };
        Self { vectors, metric, inverse_norms }
    }

    /// The number of vectors.
    pub fn len(&self) -> usize {
        self.vectors.rows()
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vectors' dimension.
    pub fn dim(&self) -> usize {
        self.vectors.cols()
    }

    /// The `k` nearest vectors, nearest first; equally near ones in the order of their rows.
    ///
    /// # Errors
    /// A query of another dimension, or not finite.
    pub fn search(&self, query: &[f32], k: usize) -> Result<Vec<Neighbor>, SearchError> {
        if query.len() != self.dim() {
            return Err(SearchError::Dimension { dim: query.len(), expected: self.dim() });
        }
        if let Some(place) = query.iter().position(|number| !number.is_finite()) {
            return Err(SearchError::NotFinite { place });
        }
        let length = kernel::dot(query, query).sqrt();
        let mut found: Vec<Neighbor> = (0..self.len())
            .map(|row| Neighbor { row: row as u32, score: self.score(query, length, row) })
            .collect();
        // Nearer first: larger dots and cosines, smaller distances.
        let order = |a: &Neighbor, b: &Neighbor| match self.metric {
            Metric::SquaredL2 => a.score.total_cmp(&b.score).then(a.row.cmp(&b.row)),
            Metric::InnerProduct | Metric::Cosine => b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)),
        };
        if k < found.len() {
            found.select_nth_unstable_by(k, order);
            found.truncate(k);
        }
        found.sort_unstable_by(order);
        Ok(found)
    }

    /// [`Flat::search`] for each row of `queries` `[Q, D]`, on all cores.
    ///
    /// # Errors
    /// As [`Flat::search`].
    pub fn search_batch(&self, queries: &Matrix, k: usize) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        (0..queries.rows()).into_par_iter().map(|query| self.search(queries.row(query), k)).collect()
    }

    fn score(&self, query: &[f32], length: f32, row: usize) -> f32 {
        let vector = self.vectors.row(row);
        match self.metric {
            Metric::InnerProduct => kernel::dot(query, vector),
            Metric::Cosine if length > 0.0 => kernel::dot(query, vector) * self.inverse_norms[row] / length,
            Metric::Cosine => 0.0,
            Metric::SquaredL2 => kernel::squared_l2(query, vector),
        }
    }
}
