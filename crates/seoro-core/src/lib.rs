#![doc = include_str!("../README.md")]

#[cfg(feature = "manifest")]
pub mod dataset;
pub mod features;
pub mod filter;
#[cfg(feature = "csv")]
pub mod format;
pub mod gemm;
pub mod hash;
pub mod histories;
pub mod id;
pub mod kernel;
pub mod log;
pub mod matrix;
mod replace;
pub mod sample;
pub mod score;
pub mod seed;
pub mod signals;
mod sparse;
pub mod split;
pub mod vectors;
pub mod vocab;
#[cfg(feature = "world")]
pub mod world;

pub use features::{Column, ColumnData, Features};
pub use histories::Histories;
pub use id::{ItemId, UserId};
pub use log::{Event, Log, LogError};
pub use matrix::{Csr, Matrix, ShapeError};
pub use replace::replace_file;
pub use score::{
    Embed, Hide, Items, Nothing, OwnHistory, Query, Rate, Retrieve, Score, ScoreError, Scored, TopK,
    score_by_vectors,
};
pub use seed::{Rng, Seed};
pub use signals::{Impressions, Searches, Signals};
pub use split::{Pick, Split, SplitError, Splitter};
pub use vocab::{Vocab, VocabError};
