#![doc = include_str!("../README.md")]

mod build;
mod error;
mod flat;
mod forest;
mod head;
mod hnsw;
mod index;
mod metric;
#[allow(dead_code)] // Maps come with the files.
mod mmap;
#[allow(dead_code)] // As above.
mod slab;
mod storage;
mod tune;
mod vectors;

pub use build::{Build, Points};
pub use error::{BuildError, SearchError, TuneError, UpdateError};
pub use flat::{Flat, FlatIndex};
pub use forest::{Forest, ForestIndex, Split};
pub use hnsw::{Hnsw, HnswIndex};
pub use index::{Ask, Bitmap, Filter, Index, Neighbor, Scratch, Work};
pub use metric::Metric;
pub use storage::Storage;
pub use tune::{Tuned, tune};
