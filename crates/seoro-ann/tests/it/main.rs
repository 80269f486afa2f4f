//! One binary for all integration tests.

#![allow(clippy::unwrap_used)] // a test that cannot go on should stop

mod flat;
mod forest;
mod hnsw;
mod ivf;
mod oracle;
mod pq;
mod threads;
mod tune;
