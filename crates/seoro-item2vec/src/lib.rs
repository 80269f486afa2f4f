#![doc = include_str!("../README.md")]

/// Raised whenever the same recipe and seed may learn other vectors than before, or a checkpoint looks otherwise.
pub const REVISION: u32 = 5;

mod corpus;
mod embedding;
mod error;
mod quality;
mod recipe;
mod run;
mod sequences;
mod train;
mod vectors;
mod words;

pub use corpus::{Corpus, TextFile};
pub use embedding::{Embedding, Take};
pub use error::{CorpusError, FitError};
pub use quality::{Agreement, Answers};
pub use recipe::{Architecture, Item2Vec, Output, Pairs, Subsampling, Word2Vec};
pub use run::{Checkpoint, Progress, Run};
pub use vectors::{Vectors, VectorsError};
