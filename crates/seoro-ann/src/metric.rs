//! What near means.

use seoro_core::kernel;
use serde::{Deserialize, Serialize};

/// What near means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Metric {
    /// The largest dot product: maximum inner-product search, as a recommender's scores ask for.
    InnerProduct,
    /// The largest cosine; a vector of zeros has cosine 0 with everything.
    Cosine,
    /// The smallest squared Euclidean distance.
    SquaredL2,
}

impl Metric {
    /// How near two prepared vectors are: larger is nearer.
    #[inline]
    pub(crate) fn nearness(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Metric::SquaredL2 => -kernel::squared_l2(a, b),
            Metric::InnerProduct | Metric::Cosine => kernel::dot(a, b),
        }
    }

    /// Whether vectors left out by products, none with more than `last` of `q·x − ½‖x‖²`, are surely no nearer than
    /// `nearest`, the least nearness of those answered: products of vectors far from the origin lose the difference
    /// between near ones. `longest` is the largest `½‖x‖²`.
    pub(crate) fn is_sure(self, query: &[f32], longest: f32, last: f32, nearest: f32) -> bool {
        if self != Metric::SquaredL2 {
            return true;
        }
        let [longest, last, nearest] = [longest, last, nearest].map(f64::from);
        let square = query.iter().map(|&number| f64::from(number).powi(2)).sum::<f64>();
        // Sums of `D` products in numbers of 24 bits, and the two terms' own rounding.
        let rounding = f64::from(f32::EPSILON) * (query.len() as f64 + 4.0);
        let wrong = rounding * ((2.0 * square * longest).sqrt() + longest);
        0.5 * (square + nearest) >= last + wrong
    }

    /// The score that callers see of a nearness.
    #[inline]
    pub(crate) fn score(self, nearness: f32) -> f32 {
        match self {
            // Not −0 for a vector found at its own place.
            Metric::SquaredL2 => 0.0 - nearness,
            Metric::InnerProduct | Metric::Cosine => nearness,
        }
    }

    /// Whether one score is as near as another, but for the rounding of the last bits.
    pub(crate) fn is_as_near(self, score: f32, other: f32) -> bool {
        let slack = 1e-6 * other.abs();
        match self {
            Metric::SquaredL2 => score <= other + slack,
            Metric::InnerProduct | Metric::Cosine => score >= other - slack,
        }
    }
}
