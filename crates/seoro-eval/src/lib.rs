#![doc = include_str!("../README.md")]

mod chunks;
pub mod error;
mod evaluate;
pub mod metric;
pub mod protocol;
pub mod rank;
pub mod report;

pub use error::EvalError;
pub use evaluate::evaluate;
pub use metric::{Metric, MetricError};
pub use protocol::{Case, Options, sampled_candidates};
pub use rank::{Ranking, Ties};
pub use report::Evaluation;
