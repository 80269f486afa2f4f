#![doc = include_str!("../README.md")]

mod catalogue;
mod chunks;
pub mod consistency;
pub mod error;
mod evaluate;
pub mod exposure;
#[cfg(feature = "figures")]
pub mod figure;
pub mod metric;
mod near;
pub mod protocol;
pub mod rank;
pub mod rating;
pub mod report;
pub mod significance;
#[cfg(feature = "figures")]
pub mod tsne;

pub use consistency::{genre_consistency, silhouette};
pub use error::EvalError;
pub use evaluate::evaluate;
pub use exposure::Exposure;
#[cfg(feature = "figures")]
pub use figure::Scatter;
pub use metric::{Metric, MetricError};
pub use protocol::{Case, Options, sampled_candidates};
pub use rank::{Ranking, Ties};
pub use rating::{Rated, RatingErrors};
pub use report::Evaluation;
#[cfg(feature = "figures")]
pub use tsne::Tsne;
