//! Nearest-neighbour search as the lab measures it: vectors and queries, exact neighbours, recall, the choice of
//! parameters, and what speed costs in recall.

mod choose;
mod data;
pub mod grids;
mod items;
mod recipe;
pub mod trade;
mod truth;
mod words;
mod world;

pub use choose::{Choice, Probe, Side, choose};
pub use data::{Collection, Half, Set, Space};
pub use items::{ItemLike, item_like};
pub use recipe::{Effort, Recipe};
pub(crate) use truth::first_rows;
pub use truth::{Truth, nearest_within, recall};

use crate::workplace;
use std::path::PathBuf;

/// How many neighbours are asked for.
pub const K: usize = 10;

/// Where vectors, exact neighbours and peers' indexes are kept.
pub fn cache() -> PathBuf {
    workplace::target().join("experiments/ann")
}
