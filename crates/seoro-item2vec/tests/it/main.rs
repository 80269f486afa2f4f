//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod learning;
mod threads;
mod vectors;
