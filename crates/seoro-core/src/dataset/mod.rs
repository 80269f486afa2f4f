//! Data sets as data: a manifest says where the files come from, what they must be, and what they hold.

mod checksum;
mod manifest;

pub use checksum::{Checksum, ChecksumKind, Digester, NoChecksum};
pub use manifest::{Archive, File, Kind, Manifest, ManifestError, Role};
