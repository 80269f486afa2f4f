//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod threads;
mod vectors;
