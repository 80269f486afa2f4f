//! What speed costs in recall: indexes at growing efforts, one thread, single queries.

mod cell;
mod curve;
mod measure;
mod pace;
mod render;
mod results;

pub use cell::{Point, TradeCell, TradeJob};
pub use curve::{curve, curve_name};
pub use measure::Measure;
pub use pace::{Pace, percentile};
pub use render::markdown;
pub use results::{TradeRow, merge, results};
