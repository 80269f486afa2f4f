//! Why a fetch ends without its files.

use seoro_core::dataset::Checksum;
use std::path::PathBuf;

/// Why a data set could not be fetched. Whatever the reason, the cache holds whole, checked files only, and beside them
/// at most the beginning of a download, which the next fetch takes up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file that nobody serves in this form.
    #[error("{name}: {file} has no address to fetch it from; {homepage} says where its data comes from")]
    NoAddress {
        /// The data set.
        name: String,
        /// The file.
        file: String,
        /// Where the data set is described.
        homepage: String,
    },
    /// An address that is neither HTTP nor HTTPS.
    #[error("{url}: this kind of address is not supported; fetch it by hand and lay its files in {}", folder.display())]
    Scheme {
        /// The address.
        url: String,
        /// Where the files belong.
        folder: PathBuf,
    },
    /// An archive that cannot be unpacked here.
    #[error("{url}: this kind of archive is not supported (zip, tar.gz and gz are); unpack it by hand into {}", folder.display())]
    Packing {
        /// The address.
        url: String,
        /// Where the files belong.
        folder: PathBuf,
    },
    /// An answer other than the content.
    #[error("{url}: the server answered {status}; expected 200 or 206")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// No answer, or none that can be understood.
    #[error("{url}: {message}")]
    Http {
        /// The address.
        url: String,
        /// What the client said.
        message: String,
    },
    /// A connection that ended early.
    #[error("{url}: the connection ended after {got} of {expected} bytes; fetch again to go on from there")]
    Cut {
        /// The address.
        url: String,
        /// Bytes that are here.
        got: u64,
        /// Bytes that there are.
        expected: u64,
    },
    /// More bytes than the manifest allows.
    #[error("{what}: more than {limit} bytes; expected no more than the manifest says")]
    TooLarge {
        /// The download, or the file in an archive.
        what: String,
        /// The most bytes allowed.
        limit: u64,
    },
    /// Content other than the manifest says.
    #[error("{what}: checksum {found}; expected {expected}{}", if *.verified { "" } else { " (which nobody verified)" })]
    Checksum {
        /// The archive or file.
        what: String,
        /// What the content has.
        found: Checksum,
        /// What the manifest says.
        expected: Checksum,
        /// Whether somebody compared the manifest's checksum with the original.
        verified: bool,
    },
    /// Content other than at the first fetch.
    #[error("{what}: checksum {found}; expected {expected}, recorded at its first use in {}", records.display())]
    Recorded {
        /// The archive or file.
        what: String,
        /// What the content has.
        found: Checksum,
        /// What the first content had.
        expected: Checksum,
        /// The file of records.
        records: PathBuf,
    },
    /// A file that is not in the archive, or is there more than once.
    #[error("{archive}: {found} entries are called {file}; expected one")]
    Member {
        /// The archive.
        archive: String,
        /// The file.
        file: String,
        /// How many entries have its name.
        found: usize,
    },
    /// An entry that no honest archive of data has.
    #[error("{archive}: entry {entry:?} {what}; nothing was unpacked")]
    Unsafe {
        /// The archive.
        archive: String,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An archive that cannot be read.
    #[error("{archive}: {message}; expected a sound archive")]
    Archive {
        /// The archive.
        archive: String,
        /// What the reader said.
        message: String,
    },
    /// A file of records that cannot be read.
    #[error("{}: {message}; expected tables of checksums", path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// Another fetch is writing the same download.
    #[error("{}: another fetch is writing this file", path.display())]
    Busy {
        /// The download.
        path: PathBuf,
    },
    /// The disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Names the file in an error of the disk.
pub(super) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> FetchError + '_ {
    move |source| FetchError::Io { path: path.to_owned(), source }
}
