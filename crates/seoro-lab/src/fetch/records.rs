//! Checksums recorded at first use, for content whose checksum nobody has verified.

use super::error::{FetchError, at};
use seoro_core::dataset::{Checksum, ChecksumKind};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "# SHA-256 of fetched content that no verified checksum vouches for, recorded at its first use.\n\
                    # Later fetches and checks hold the content to it; remove a line to accept a new version.\n\n";

/// The file of records beside the cached data sets: a table of checksums for each.
pub(super) struct Records {
    path: PathBuf,
    sets: BTreeMap<String, BTreeMap<String, Checksum>>,
    changed: bool,
}

/// What a manifest says of one content.
pub(super) struct Claim<'a> {
    /// The data set.
    pub(super) set: &'a str,
    /// The file, or the archive.
    pub(super) what: &'a str,
    /// Its checksums: any of them will do.
    pub(super) checksums: &'a [Checksum],
    /// Whether somebody compared them with the original.
    pub(super) verified: bool,
}

impl Records {
    /// The records of a cache, empty where there are none yet.
    pub(super) fn open(cache: &Path) -> Result<Self, FetchError> {
        let path = cache.join("checksums.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(at(&path)(error)),
        };
        match toml::from_str(&text) {
            Ok(sets) => Ok(Self { path, sets, changed: false }),
            Err(error) => Err(FetchError::Records { path, message: error.message().to_owned() }),
        }
    }

    /// Admits the content of `path`: it has one of the checksums claimed, and where nobody verified these, the one
    /// recorded at its first use. Gives the checksum newly recorded, if any.
    pub(super) fn admit(&mut self, path: &Path, claim: &Claim<'_>) -> Result<Option<Checksum>, FetchError> {
        let what = format!("{}/{}", claim.set, claim.what);
        self.hold_to_manifest(path, claim, &what)?;
        if claim.verified && !claim.checksums.is_empty() {
            return Ok(None);
        }
        let found = checksum(path, ChecksumKind::Sha256)?;
        let set = self.sets.entry(claim.set.to_owned()).or_default();
        match set.get(claim.what) {
            Some(expected) if *expected == found => Ok(None),
            Some(expected) => {
                let (expected, records) = (expected.clone(), self.path.clone());
                Err(FetchError::Recorded { what, found, expected, records })
            }
            None => {
                set.insert(claim.what.to_owned(), found.clone());
                self.changed = true;
                Ok(Some(found))
            }
        }
    }

    fn hold_to_manifest(&self, path: &Path, claim: &Claim<'_>, what: &str) -> Result<(), FetchError> {
        let mut first = None;
        for expected in claim.checksums {
            let found = checksum(path, expected.kind())?;
            if found == *expected {
                return Ok(());
            }
            first = first.or(Some((found, expected.clone())));
        }
        let verified = claim.verified;
        first.map_or(Ok(()), |(found, expected)| {
            Err(FetchError::Checksum { what: what.to_owned(), found, expected, verified })
        })
    }

    /// Writes what is new, to a temporary name first.
    pub(super) fn save(&self) -> Result<(), FetchError> {
        if !self.changed {
            return Ok(());
        }
        let text = toml::to_string(&self.sets)
            .map_err(|error| FetchError::Records { path: self.path.clone(), message: error.to_string() })?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(at(folder))?;
        file.write_all(HEAD.as_bytes())
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.as_file().sync_all())
            .map_err(at(&self.path))?;
        file.persist(&self.path).map_err(|error| at(&self.path)(error.error))?;
        Ok(())
    }
}

/// The checksum of a file.
fn checksum(path: &Path, kind: ChecksumKind) -> Result<Checksum, FetchError> {
    let mut file = File::open(path).map_err(at(path))?;
    let bytes = file.metadata().map_err(at(path))?.len();
    Checksum::of(kind, bytes, &mut file).map_err(at(path))
}
