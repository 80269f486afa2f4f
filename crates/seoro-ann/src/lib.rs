#![doc = include_str!("../README.md")]

mod arrange;
mod build;
mod error;
mod file;
mod flat;
mod forest;
mod head;
mod hnsw;
mod index;
mod ivf;
mod kmeans;
mod metric;
mod mmap;
mod pq;
mod reservoir;
mod retrieve;
mod slab;
mod storage;
mod tune;
mod vectors;

pub use build::{Build, Points};
pub use error::{BuildError, SearchError, TuneError, UpdateError};
pub use file::{AnyIndex, FileError, Kind, Verify, open};
pub use flat::{Flat, FlatIndex};
pub use forest::{Forest, ForestIndex, Split};
pub use hnsw::{Builder, Heads, Hnsw, HnswIndex, InsertionOrder};
pub use index::{Ask, Bitmap, Filter, Index, Neighbor, Scratch, Work};
pub use ivf::{Ivf, IvfIndex};
pub use metric::Metric;
pub use pq::{IvfPq, IvfPqIndex, Pq, PqIndex, Tables};
pub use retrieve::{Retriever, RetrieverError};
pub use storage::Storage;
pub use tune::{Tuned, tune};
