//! One binary for all integration tests.

#![allow(clippy::unwrap_used)] // a test that cannot go on should stop

mod files;
mod flat;
mod forest;
mod hnsw;
mod ivf;
mod memory;
mod mutated;
mod oracle;
mod pq;
mod retrieve;
mod storage;
mod threads;
mod tune;
