#![doc = include_str!("../README.md")]

mod epochs;
pub mod mf;
pub mod persist;
pub mod recommender;
pub mod run;

pub use recommender::{FitError, Recommender, Training};
pub use run::{Checkpoint, DeviceName, Epoch, Run, Validate};
