//! Data sets as data: a manifest says where the files come from, what they must be, and what they hold.

mod candidates;
mod checksum;
mod error;
mod lines;
mod load;
mod manifest;
mod prefixes;
mod source;
mod vectors;
mod words;

pub use candidates::Candidates;
pub use checksum::{Checksum, ChecksumKind, Digester, NoChecksum};
pub use error::DatasetError;
pub use load::{Dataset, load};
pub use manifest::{Archive, File, Filter, Kind, Manifest, ManifestError, Role};
pub use prefixes::Prefixes;
pub use source::open;
