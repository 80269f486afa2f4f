//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod ann_paper;
mod bad_input;
mod command;
mod datasets;
#[cfg(feature = "ndarray")]
mod devices;
mod fetch;
mod lab;
mod paper;
mod peers;
mod search;
mod server;
mod steering;
mod threads;
mod vector_papers;
mod weight;
mod world;
