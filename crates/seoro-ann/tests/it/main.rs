//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod flat;
mod threads;
