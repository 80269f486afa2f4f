#![doc = include_str!("../README.md")]

mod build;
mod error;
mod flat;
mod forest;
mod hnsw;
mod index;
mod ivf;
mod kmeans;
mod metric;
mod pq;
mod reservoir;
mod tune;
mod vectors;

pub use build::{Build, Points};
pub use error::{BuildError, SearchError, TuneError, UpdateError};
pub use flat::{Flat, FlatIndex};
pub use forest::{Forest, ForestIndex, Split};
pub use hnsw::{Hnsw, HnswIndex};
pub use index::{Ask, Bitmap, Filter, Index, Neighbor, Scratch, Work};
pub use ivf::{Ivf, IvfIndex};
pub use metric::Metric;
pub use pq::{IvfPq, IvfPqIndex, Pq, PqIndex, Tables};
pub use tune::{Tuned, tune};
