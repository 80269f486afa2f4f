//! The crate's integration tests, one binary.
#![allow(clippy::unwrap_used)]

mod command;
mod datasets;
mod fetch;
mod paper;
mod search;
mod server;
mod steering;
mod weight;
mod world;
