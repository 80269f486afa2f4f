//! What can go wrong in the lab, each in one line that names the place.

use std::path::PathBuf;

/// Why a command ended without doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// A file of the lab's own (a paper, a search log, a result) that is not what it should be.
    #[error("{path}:{line}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// A file that could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A name that stands for nothing.
    #[error("no {kind} is called {name:?}; expected one of: {known}")]
    Unknown {
        /// What was named: a paper, a row, a data set, a benchmark.
        kind: &'static str,
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Results must not be published from a tree that differs from its commit.
    #[error(
        "the working tree differs from its commit; commit first, so that the results name the code behind them"
    )]
    DirtyTree,
    /// Benchmarks that could not be measured, while others were.
    #[error("not measured: {0}")]
    Cases(String),
    /// A command on data sets that failed.
    #[error(transparent)]
    Datasets(#[from] crate::command::datasets::DatasetsError),
    /// A data set that is not what its manifest says.
    #[error(transparent)]
    Dataset(#[from] seoro_core::dataset::DatasetError),
    /// A manifest that means nothing.
    #[error(transparent)]
    Manifest(#[from] seoro_core::dataset::ManifestError),
    /// Data that cannot be split as a paper asks.
    #[error("{dataset}: {source}")]
    Split {
        /// The data set.
        dataset: String,
        /// Why.
        source: seoro_core::split::SplitError,
    },
    /// A fit that failed.
    #[error("{row} on {dataset}: {source}")]
    Fit {
        /// The row.
        row: String,
        /// The data set.
        dataset: String,
        /// Why.
        source: seoro_models::FitError,
    },
    /// An evaluation that failed.
    #[error("{row} on {dataset}: {source}")]
    Eval {
        /// The row.
        row: String,
        /// The data set.
        dataset: String,
        /// Why.
        source: seoro_eval::EvalError,
    },
    /// An index that could not be built.
    #[error("{index} on {vectors}: {source}")]
    Build {
        /// The recipe.
        index: String,
        /// The vectors.
        vectors: String,
        /// Why.
        source: seoro_ann::BuildError,
    },
    /// A search that an index refused.
    #[error("queries of {vectors}: {source}")]
    Search {
        /// The vectors.
        vectors: String,
        /// Why.
        source: seoro_ann::SearchError,
    },
    /// A peer of a benchmark that could not run.
    #[error("peer {peer}: {what}")]
    Peer {
        /// The peer's script.
        peer: String,
        /// What happened.
        what: String,
    },
    /// A process of its own for one fit that failed.
    #[error("{row}, seed {seed}, in a process of its own: {what}")]
    Worker {
        /// The row.
        row: String,
        /// The seed.
        seed: u64,
        /// What it said.
        what: String,
    },
    /// A request that contradicts itself or the data.
    #[error("{0}")]
    Usage(String),
}

impl LabError {
    /// Turns a system error into one that names its file.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
