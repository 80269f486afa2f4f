#![doc = include_str!("../README.md")]

mod epochs;
pub mod mf;
pub mod persist;
pub mod popularity;
pub mod recommender;
pub mod registry;
mod rows;
pub mod run;

pub use popularity::Popularity;
pub use recommender::{FitError, Recommender, Training};
pub use run::{Checkpoint, DeviceName, Epoch, Run, Validate};
