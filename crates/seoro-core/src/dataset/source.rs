//! A manifest's files in a data folder: found, opened, and held to their checksums.

use super::{Checksum, ChecksumKind, DatasetError, Digester, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Where a file of a data set lies: as itself, or compressed.
///
/// # Errors
/// [`DatasetError::Missing`].
pub(super) fn locate(folder: &Path, name: &str) -> Result<PathBuf, DatasetError> {
    let candidates = ["", ".zst", ".gz"].map(|ending| folder.join(format!("{name}{ending}")));
    let found = candidates.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| DatasetError::Missing { path: folder.join(name) })
}

/// Opens a file, unpacked on the fly where its name says that it is compressed.
///
/// # Errors
/// [`DatasetError::Io`].
pub fn open(path: &Path) -> Result<Box<dyn Read>, DatasetError> {
    let io = |source| DatasetError::Io { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    match path.extension().and_then(|ending| ending.to_str()) {
        #[cfg(feature = "compress")]
        Some("zst") => Ok(Box::new(zstd::Decoder::new(file).map_err(io)?)),
        #[cfg(feature = "compress")]
        Some("gz") => Ok(Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file)))),
        _ => Ok(Box::new(file)),
    }
}

/// Holds a file's unpacked content to the manifest.
///
/// # Errors
/// [`DatasetError::Cut`] where the content ends early, [`DatasetError::Checksum`] where it is another.
pub(super) fn verify(file: &File, path: &Path) -> Result<(), DatasetError> {
    let mut content = open(path)?;
    let mut tally = Tally::default();
    let io = |source| DatasetError::Io { path: path.to_owned(), source };
    std::io::copy(&mut content, &mut tally).map_err(io)?;
    let (bytes, line) = (tally.bytes, tally.newlines + 1);
    let sha256 = tally.digest.finish();
    let mut wanted = file.checksums.iter();
    let same = wanted.try_fold(false, |same, expected| {
        Ok::<_, DatasetError>(same || checksum(path, expected.kind(), bytes, &sha256)? == *expected)
    })?;
    match (file.bytes, file.checksums.first()) {
        (_, Some(_)) if same => Ok(()),
        (Some(expected), _) if bytes < expected => {
            Err(DatasetError::Cut { path: path.to_owned(), line, bytes, expected })
        }
        (_, Some(expected)) => {
            Err(DatasetError::Checksum { path: path.to_owned(), found: sha256, expected: expected.clone() })
        }
        _ => Ok(()),
    }
}

/// The checksum of one kind; SHA-256 is known already.
fn checksum(
    path: &Path,
    kind: ChecksumKind,
    bytes: u64,
    sha256: &Checksum,
) -> Result<Checksum, DatasetError> {
    if kind == sha256.kind() {
        return Ok(sha256.clone());
    }
    Checksum::of(kind, bytes, &mut *open(path)?)
        .map_err(|source| DatasetError::Io { path: path.to_owned(), source })
}

/// What is learned of a content in one pass.
struct Tally {
    digest: Digester,
    bytes: u64,
    newlines: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { digest: Digester::new(ChecksumKind::Sha256, 0), bytes: 0, newlines: 0 }
    }
}

impl Write for Tally {
    fn write(&mut self, content: &[u8]) -> std::io::Result<usize> {
        self.digest.update(content);
        self.bytes += content.len() as u64;
        self.newlines += memchr::memchr_iter(b'\n', content).count() as u64;
        Ok(content.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
