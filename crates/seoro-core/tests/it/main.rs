//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod filter;
mod logs;
mod split;
mod threads;
