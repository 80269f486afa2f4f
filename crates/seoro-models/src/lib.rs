#![doc = include_str!("../README.md")]

pub mod ease;
mod epochs;
mod factors;
mod inverse;
mod linalg;
pub mod mf;
pub mod persist;
pub mod popularity;
pub mod pure_svd;
pub mod recommender;
pub mod registry;
mod rows;
pub mod run;

pub use ease::Ease;
pub use popularity::Popularity;
pub use pure_svd::PureSvd;
pub use recommender::{FitError, Recommender, Training};
pub use run::{Checkpoint, DeviceName, Epoch, Run, Validate};
