//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod evaluate;
mod metric;
mod protocol;
mod refusals;
mod table;
mod threads;
