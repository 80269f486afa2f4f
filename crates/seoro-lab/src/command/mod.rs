//! The lab's commands: arguments in, one clear line out where something is wrong.

pub mod bench;
pub mod datasets;
pub mod experiments;
mod neighbours;
mod pictures;
mod scene;
pub mod search;
mod vectors;
mod workers;
