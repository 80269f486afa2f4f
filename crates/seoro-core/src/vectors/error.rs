//! What can be wrong with files of vectors.

use std::io;
use std::path::PathBuf;

/// Why vectors cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorsError {
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes that make no vectors.
    #[error("{}: vector {row}, byte {at}: expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The vector, counted from 0.
        row: u64,
        /// Where, in bytes from the file's beginning.
        at: u64,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A file that makes sense, but not here.
    #[error("{}: {found}; expected {expected}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A number that the other side does not have.
    #[error("{}: vector {row}, dimension {place}: {number}; expected {expected}", path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// The vector, counted from 0.
        row: usize,
        /// Which number of it.
        place: usize,
        /// The number.
        number: f64,
        /// What was expected, in words.
        expected: &'static str,
    },
}
