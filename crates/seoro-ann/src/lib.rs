#![doc = include_str!("../README.md")]

mod flat;

pub use flat::{Flat, Metric, Neighbor, SearchError};
