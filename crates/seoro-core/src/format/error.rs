//! What can be wrong with a file.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be read. Lines and columns count from 1; a column is a field of its line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A compressed file that is cut or damaged.
    #[error("{}: compressed data is cut or damaged after {bytes} unpacked bytes ({source})", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How many bytes could be unpacked.
        bytes: u64,
        /// The decoder's reason.
        source: io::Error,
    },
    /// A compressed file, in a build without the feature that unpacks it.
    #[error("{}: unpacking needs the feature \"compress\"", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
    },
    /// A file without a row of data.
    #[error("{}:1: no rows; expected at least one", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A column that the file does not have.
    #[error("{}:1: no column {column:?}; there are {}", path.display(), listed(columns))]
    UnknownColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// A format that contradicts itself.
    #[error("format of {}: {key}: {found}; expected {expected}", path.display())]
    Format {
        /// The file that was to be read.
        path: PathBuf,
        /// The format's key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A line with too few fields: the file may be cut.
    #[error("{}:{line}:{column}: the line ends; expected a column here", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The missing column.
        column: usize,
    },
    /// A field that is not what its column holds.
    #[error("{}:{line}:{column}: {found:?}; expected {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line (in Parquet: the row).
        line: u64,
        /// The column.
        column: usize,
        /// The field as written.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A row number that is larger than the rows there are, or than so few ids make likely: a model has room for every
    /// row.
    #[error("{}:{line}:{column}: row {row}; expected a row below {below}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line (in Parquet: the row of the table).
        line: u64,
        /// The column.
        column: usize,
        /// The row number.
        row: u64,
        /// What it must be less than.
        below: u32,
    },
    /// A line without end, or longer than any row of data should be.
    #[error("{}:{line}: longer than {limit} bytes; expected a line end (or a closing quote) before", path.display())]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// More distinct ids than rows can number.
    #[error("{}: more than {} distinct ids", path.display(), u32::MAX)]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A JSON object without a key that the format names.
    #[cfg(feature = "json")]
    #[error("{}:{line}: no key {key:?}; expected one in every object", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The key.
        key: String,
    },
    /// A Parquet column of a type that cannot be what it is asked to be.
    #[cfg(feature = "parquet")]
    #[error("{}: column {column:?} holds {found}; expected {expected}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it holds.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A file that is no Parquet file, or a damaged one.
    #[cfg(feature = "parquet")]
    #[error("{}: not a sound Parquet file: {reason}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        reason: String,
    },
    /// Features that do not make a table.
    #[error("{}: {source}", path.display())]
    Features {
        /// The file.
        path: PathBuf,
        /// Why.
        source: crate::features::FeaturesError,
    },
    /// The parts given to a reader do not make logs: they came from another reader.
    #[error("columns of another reader: {0}")]
    Parts(#[from] crate::LogError),
}

/// The names, quoted, with commas between them.
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

/// What is wrong with one place of a block of lines, before the block's own place in the file is known.
#[derive(Debug)]
pub(super) struct Fault {
    /// The byte in the block whose line is wrong.
    pub(super) at: usize,
    /// The field, from 0.
    pub(super) column: usize,
    pub(super) kind: FaultKind,
}

#[derive(Debug)]
pub(super) enum FaultKind {
    Missing,
    Field {
        found: String,
        expected: &'static str,
    },
    Row {
        row: u64,
        below: u32,
    },
    #[cfg(feature = "json")]
    Key {
        key: String,
    },
}

impl Fault {
    pub(super) fn missing(at: usize, column: usize) -> Self {
        Self { at, column, kind: FaultKind::Missing }
    }

    /// The first bytes of a bad field are shown, whatever they are.
    pub(super) fn field(at: usize, column: usize, found: &[u8], expected: &'static str) -> Self {
        let shown = &found[..found.len().min(SHOWN_BYTES)];
        let mut found_text = String::from_utf8_lossy(shown).into_owned();
        if shown.len() < found.len() {
            found_text.push('…');
        }
        Self { at, column, kind: FaultKind::Field { found: found_text, expected } }
    }

    /// The error, for a fault on line `line` of the file.
    pub(super) fn at_line(self, path: &Path, line: u64) -> ReadError {
        let (path, column) = (path.to_owned(), self.column + 1);
        match self.kind {
            FaultKind::Missing => ReadError::Missing { path, line, column },
            FaultKind::Row { row, below } => ReadError::Row { path, line, column, row, below },
            #[cfg(feature = "json")]
            FaultKind::Key { key } => ReadError::MissingKey { path, line, key },
            FaultKind::Field { found, expected } => ReadError::Field { path, line, column, found, expected },
        }
    }
}

/// How much of a bad field an error shows.
const SHOWN_BYTES: usize = 60;
