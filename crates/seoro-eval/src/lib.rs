#![doc = include_str!("../README.md")]

mod catalogue;
mod chunks;
pub mod error;
mod evaluate;
pub mod exposure;
pub mod metric;
pub mod protocol;
pub mod rank;
pub mod rating;
pub mod report;
pub mod significance;

pub use error::EvalError;
pub use evaluate::evaluate;
pub use exposure::Exposure;
pub use metric::{Metric, MetricError};
pub use protocol::{Case, Options, sampled_candidates};
pub use rank::{Ranking, Ties};
pub use rating::{Rated, RatingErrors};
pub use report::Evaluation;
