//! Why a data set cannot be loaded.

use super::Checksum;
use crate::features::FeaturesError;
use crate::format::ReadError;
use crate::{LogError, ShapeError, VocabError};
use std::path::PathBuf;

/// Why a data set cannot be loaded; each names the file, or the count, and what was expected of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A file that is not there.
    #[error("{}: not found; expected it there, or with .zst or .gz after its name", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A content that ends too early.
    #[error("{}:{line}: the file ends after {bytes} bytes; expected {expected}", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// The line in which it ends, counted from 1.
        line: u64,
        /// Its length, unpacked.
        bytes: u64,
        /// The length the manifest gives.
        expected: u64,
    },
    /// Another content than the manifest's.
    #[error("{}: checksum {found}; expected {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// What its content has.
        found: Checksum,
        /// What the manifest says.
        expected: Checksum,
    },
    /// A line that makes no sense.
    #[error("{}:{line}: {found:?}; expected {expected}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Its beginning.
        found: String,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A binary file that makes no sense.
    #[error("{}: byte {at}: expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, in bytes from its beginning.
        at: u64,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A count other than the manifest's.
    #[error("{manifest}: {found} {count}; expected {expected}")]
    Count {
        /// The manifest.
        manifest: String,
        /// What was counted.
        count: String,
        /// How much of it there is.
        found: u64,
        /// How much the manifest says.
        expected: u64,
    },
    /// A count in the manifest of something its files do not have.
    #[error("{manifest}: nothing is counted as {count:?}; expected one of {}", known.join(", "))]
    UnknownCount {
        /// The manifest.
        manifest: String,
        /// The count.
        count: String,
        /// What is counted.
        known: Vec<String>,
    },
    /// A file whose entry lacks what its role needs.
    #[error("{manifest}: {file} has no {key}; expected one for a file of its role")]
    Entry {
        /// The manifest.
        manifest: String,
        /// The file.
        file: String,
        /// The key.
        key: &'static str,
    },
    /// Interactions that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Columns that do not make a log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Ids that do not make a vocabulary.
    #[error(transparent)]
    Vocab(#[from] VocabError),
    /// Columns that do not make features.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// Numbers that do not make a matrix.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
