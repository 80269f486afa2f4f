//! Why a file is no index.

use std::io;
use std::path::PathBuf;

/// What an index's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A [`FlatIndex`](crate::FlatIndex).
    Flat,
    /// A [`ForestIndex`](crate::ForestIndex).
    Forest,
    /// An [`HnswIndex`](crate::HnswIndex).
    Hnsw,
    /// An [`IvfIndex`](crate::IvfIndex).
    Ivf,
    /// A [`PqIndex`](crate::PqIndex).
    Pq,
    /// An [`IvfPqIndex`](crate::IvfPqIndex).
    IvfPq,
}

impl Kind {
    /// All kinds; a kind's number in files is its place here, counted from 1, so new ones go to the end.
    const ALL: [Kind; 6] = [Kind::Flat, Kind::Forest, Kind::Hnsw, Kind::Ivf, Kind::Pq, Kind::IvfPq];

    pub(super) fn code(self) -> u16 {
        Self::ALL.iter().position(|&kind| kind == self).map_or(0, |place| place as u16 + 1)
    }

    pub(super) fn of(code: u16) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// Why a file is not the index it should be, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file could not be read, mapped or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not start as an index does.
    #[error("{}: not a seoro index; expected a file that starts with \"seorix\"", path.display())]
    NotAnIndex {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version of the format.
    #[error("{}: format version {found}; expected {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version this library reads.
        expected: u32,
    },
    /// The file holds another kind of index than was asked for.
    #[error("{}: holds {found:?}; expected {expected:?}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: Kind,
        /// What was asked for.
        expected: Kind,
    },
    /// Bytes that are not those that were written.
    #[error("{}: section {section}: another checksum than was written; expected an undamaged file", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Which section, or `header`.
        section: &'static str,
    },
    /// Numbers that make no index, whatever their checksum says.
    #[error("{}: section {section}, element {place}: expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which section, or `header`.
        section: &'static str,
        /// Which of its elements, counted from 0; of the header, which byte.
        place: u64,
        /// What was expected there, in words.
        expected: &'static str,
    },
    /// This machine's numbers start with their highest byte; those of files start with the lowest.
    #[error("index files need a little-endian machine")]
    BigEndian,
}
