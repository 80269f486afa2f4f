//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod evaluate;
mod lists;
mod metric;
mod protocol;
mod refusals;
mod significance;
mod table;
mod threads;
