//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod consistency;
mod evaluate;
#[cfg(feature = "figures")]
mod figure;
mod lists;
mod metric;
mod protocol;
mod refusals;
mod significance;
mod table;
mod threads;
#[cfg(feature = "figures")]
mod tsne;
