//! One binary for all integration tests.

#![allow(clippy::unwrap_used)] // a test that cannot go on should stop

mod files;
mod flat;
mod forest;
mod hnsw;
mod mutated;
mod oracle;
mod retrieve;
mod threads;
mod tune;
