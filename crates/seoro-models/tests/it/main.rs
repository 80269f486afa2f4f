//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]
mod conformance;
#[cfg(feature = "networks")]
mod graphs;
mod item2vec;
mod linear;
mod mf;
mod neighbours;
#[cfg(feature = "networks")]
mod networks;
mod persist;
mod ratings;
mod resume;
mod threads;
