#![doc = include_str!("../README.md")]

pub mod ann;
pub mod bench;
pub mod cell;
pub mod command;
mod compare;
pub mod course;
pub mod data;
mod error;
pub mod fetch;
pub mod manifests;
pub mod measure;
pub mod paper;
mod picture;
mod progress;
pub mod render;
pub mod rows;
pub mod table;
pub mod task;
mod text;
pub mod vectors;
pub mod workplace;

pub use error::LabError;

/// The workspace's README, so that its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Workspace;
