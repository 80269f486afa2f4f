//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "manifest")]
mod dataset;
mod filter;
#[cfg(feature = "csv")]
mod format;
#[cfg(all(feature = "compress", feature = "json", feature = "parquet"))]
mod format_all;
#[cfg(feature = "csv")]
mod format_tables;
mod logs;
mod products;
mod sample;
mod split;
mod threads;
mod top_k;
mod vectors;
#[cfg(feature = "world")]
mod world;
