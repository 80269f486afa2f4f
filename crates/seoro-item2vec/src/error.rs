//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes that are no text.
    #[error("{}: line {line}: expected UTF-8", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// Bytes without white space between them.
    #[error("{}: a word at byte {at} is longer than {most} bytes; expected text", path.display())]
    Word {
        /// The file.
        path: PathBuf,
        /// Where the word, or what was read of it, begins, in bytes.
        at: u64,
        /// The longest word, in bytes.
        most: usize,
    },
}

/// Why vectors cannot be learned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// A parameter without meaning.
    #[error("{parameter} is {value}; expected {expected}")]
    Parameter {
        /// Which.
        parameter: &'static str,
        /// What it is.
        value: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// The text cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// Nothing to learn from.
    #[error("no word stands there {min_count} times, of {words} in all; expected at least two that do")]
    Empty {
        /// How often a word must stand there.
        min_count: u64,
        /// How many words, repeats counted, there are.
        words: u64,
    },
    /// More distinct words than can be numbered.
    #[error("more than {} distinct words; expected fewer than 2^32", u32::MAX)]
    TooManyWords,
    /// Negatives that cannot be drawn.
    #[error("no negatives can be drawn by counts to the power {alpha}; expected a finite sum above 0")]
    Noise {
        /// The power.
        alpha: f64,
    },
    /// More memory than there may be.
    #[error("training needs {needed} bytes; expected at most {limit}")]
    Memory {
        /// What is needed.
        needed: u64,
        /// What there may be.
        limit: u64,
    },
    /// Numbers beyond all bounds.
    #[error("epoch {epoch}: a vector is not finite; a smaller learning rate may help")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// The state could not be saved or read.
    #[error("{}: {source}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong with the file.
        source: io::Error,
    },
    /// The state of another training.
    #[error("{}: the checkpoint of another training; expected one of this recipe, text, seed and number of threads", path.display())]
    OtherFit {
        /// The file.
        path: PathBuf,
    },
    /// No threads.
    #[error("{threads} threads cannot be started")]
    Threads {
        /// How many were asked for.
        threads: usize,
    },
    /// Ended by the flag.
    #[error("cancelled")]
    Cancelled,
}
