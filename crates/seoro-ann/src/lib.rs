#![doc = include_str!("../README.md")]

mod build;
mod error;
mod file;
mod flat;
mod forest;
mod hnsw;
mod index;
mod metric;
mod mmap;
mod retrieve;
mod slab;
mod tune;
mod vectors;

pub use build::{Build, Points};
pub use error::{BuildError, SearchError, TuneError, UpdateError};
pub use file::{AnyIndex, FileError, Kind, Verify, open};
pub use flat::{Flat, FlatIndex};
pub use forest::{Forest, ForestIndex, Split};
pub use hnsw::{Hnsw, HnswIndex};
pub use index::{Ask, Bitmap, Filter, Index, Neighbor, Scratch, Work};
pub use metric::Metric;
pub use retrieve::{Retriever, RetrieverError};
pub use tune::{Tuned, tune};
