//! Fitted models and training states as files that tell damage from data.
//!
//! A model is one file, or a folder that other programs can read ([`save_folder`]).
//!
//! A file is, in little-endian order: the magic bytes, the version of the format of what it holds (`u16`), what that is (`u8`), the length of
//! the model's name (`u8`), the name, the model's revision (`u32`), the [postcard](https://postcard.jamesmunns.com) bytes
//! of the value, and a checksum of everything before it (`u64`). It is written to a temporary name and renamed.

mod apart;
mod checksum;
pub(crate) mod folder;
mod reading;
#[cfg(test)]
mod tests;
mod together;

pub use folder::{Manifest, ModelFolder, Provenance, WeightsError, load_folder, save_folder};

use checksum::Summing;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"seoro\r\n\0";
/// Bytes of the checksum at the end.
const TRAILER: u64 = 8;

/// Why a file is not the model it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersistError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not start as a model does.
    #[error(
        "{path}: not a seoro model; expected a file that starts with \"seoro\", or a folder with a manifest.toml"
    )]
    NotAModel {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version of the format.
    #[error("{path}: format version {found}; expected {expected}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The version this library reads.
        expected: u16,
    },
    /// The bytes are not those that were written.
    #[error("{path}: damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file holds something else than was asked for.
    #[error("{path}: holds {found}; expected {expected}")]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: Kind,
        /// What was asked for.
        expected: Kind,
    },
    /// The file is of another model.
    #[error("{path}: of the model {found}; expected {expected}")]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// Its model.
        found: String,
        /// The model asked for.
        expected: String,
    },
    /// The file is of a model that this library does not have.
    #[error("{path}: of the model {model}, which is not registered")]
    UnknownModel {
        /// The file.
        path: PathBuf,
        /// Its model.
        model: String,
    },
    /// The model holds something that the format has no form for.
    #[error("{path}: {what}; expected what a folder can hold")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// The weights are not those of the model.
    #[error("{path}: {what}; expected the weights of its model")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        what: String,
    },
    /// The file is of another revision of the model.
    #[error("{path}: revision {found} of {model}; expected {expected}")]
    Revision {
        /// The file.
        path: PathBuf,
        /// The model.
        model: String,
        /// The file's revision.
        found: u32,
        /// The revision of this library's model.
        expected: u32,
    },
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A fitted model.
    Model,
    /// The state of a fit that is not at its end.
    State,
}

impl Kind {
    /// The version of the format.
    fn version(self) -> u16 {
        match self {
            Kind::Model => 1,
            // 2: with the seconds spent; 3: of one device.
            Kind::State => 3,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Model => "a fitted model",
            Kind::State => "the state of a fit",
        })
    }
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// What it holds.
    pub kind: Kind,
    /// The model's name.
    pub model: String,
    /// The model's revision.
    pub revision: u32,
}

/// Writes a fitted model.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("mine.model");
/// seoro_models::persist::save(&path, "mine", 1, &vec![1.0_f32, 2.0])?;
/// let back: Vec<f32> = seoro_models::persist::load(&path, "mine", 1)?;
/// assert_eq!(back, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`PersistError::Io`].
pub fn save<T: Serialize>(path: &Path, model: &str, revision: u32, value: &T) -> Result<(), PersistError> {
    write(path, &Header { kind: Kind::Model, model: model.to_owned(), revision }, value)
}

/// Reads a fitted model.
///
/// # Errors
/// A file that is not this revision of this model, or that is damaged: see [`PersistError`].
pub fn load<T: DeserializeOwned>(path: &Path, model: &str, revision: u32) -> Result<T, PersistError> {
    read(path, &Header { kind: Kind::Model, model: model.to_owned(), revision })
}

/// Writes the state of a fit, for it to go on from.
///
/// # Errors
/// [`PersistError::Io`].
pub fn save_state<T: Serialize>(
    path: &Path,
    model: &str,
    revision: u32,
    state: &T,
) -> Result<(), PersistError> {
    write(path, &Header { kind: Kind::State, model: model.to_owned(), revision }, state)
}

/// Reads the state of a fit.
///
/// # Errors
/// As [`load`].
pub fn load_state<T: DeserializeOwned>(path: &Path, model: &str, revision: u32) -> Result<T, PersistError> {
    read(path, &Header { kind: Kind::State, model: model.to_owned(), revision })
}

/// Removes a file, if it is there.
///
/// # Errors
/// [`PersistError::Io`].
pub fn remove(path: &Path) -> Result<(), PersistError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(PersistError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// What the file at `path` says of itself; the rest of it is not looked at.
///
/// # Errors
/// [`PersistError::Io`], [`PersistError::NotAModel`], [`PersistError::Version`], [`PersistError::Damaged`].
pub fn header(path: &Path) -> Result<Header, PersistError> {
    let file = File::open(path).map_err(io_error(path))?;
    read_header(path, &mut BufReader::new(file))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> PersistError {
    move |source| PersistError::Io { path: path.to_owned(), source }
}

fn write<T: Serialize>(path: &Path, header: &Header, value: &T) -> Result<(), PersistError> {
    seoro_core::replace_file(path, |file| write_part(file, header, value)).map_err(io_error(path))
}

fn write_part<T: Serialize>(file: &mut File, header: &Header, value: &T) -> io::Result<()> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a model's name has at most 255 bytes");
    let length = u8::try_from(header.model.len()).map_err(too_long)?;
    let mut out = BufWriter::new(Summing::new(file));
    out.write_all(&MAGIC)?;
    out.write_all(&header.kind.version().to_le_bytes())?;
    out.write_all(&[header.kind as u8, length])?;
    out.write_all(header.model.as_bytes())?;
    out.write_all(&header.revision.to_le_bytes())?;
    postcard::to_io(value, &mut out).map_err(io::Error::other)?;
    let (file, sum) = out.into_inner().map_err(io::IntoInnerError::into_error)?.finish();
    file.write_all(&sum.to_le_bytes())
}

fn read<T: DeserializeOwned>(path: &Path, expected: &Header) -> Result<T, PersistError> {
    let file = File::open(path).map_err(io_error(path))?;
    let length = file.metadata().map_err(io_error(path))?.len();
    let mut file = BufReader::with_capacity(1 << 16, file);
    let found = read_header(path, &mut file)?;
    check_header(path, found, expected)?;
    let start = file.stream_position().map_err(io_error(path))?;
    let damaged = |what| PersistError::Damaged { path: path.to_owned(), what };
    let size = length.checked_sub(start + TRAILER).ok_or_else(|| damaged("it ends too early"))?;
    check_sum(path, &mut file, start + size)?;

    file.seek(io::SeekFrom::Start(start)).map_err(io_error(path))?;
    let mut room = reading::room(size);
    let mut bytes = postcard::Deserializer::from_flavor(reading::Bytes::new(file, size, &mut room));
    let value = T::deserialize(&mut bytes).and_then(|value| Ok((value, bytes.finalize()?)));
    match value.map_err(|_| damaged("its bytes are not of this model"))? {
        (value, 0) => Ok(value),
        _ => Err(damaged("bytes are left over")),
    }
}

fn check_header(path: &Path, found: Header, expected: &Header) -> Result<(), PersistError> {
    let path = path.to_owned();
    if found.kind != expected.kind {
        return Err(PersistError::OtherKind { path, found: found.kind, expected: expected.kind });
    }
    if found.model != expected.model {
        return Err(PersistError::OtherModel { path, found: found.model, expected: expected.model.clone() });
    }
    if found.revision != expected.revision {
        let (model, found, expected) = (found.model, found.revision, expected.revision);
        return Err(PersistError::Revision { path, model, found, expected });
    }
    Ok(())
}

/// Compares the checksum of the first `end` bytes with the one that follows them.
fn check_sum(path: &Path, file: &mut BufReader<File>, end: u64) -> Result<(), PersistError> {
    file.rewind().map_err(io_error(path))?;
    let mut summing = Summing::new(io::sink());
    io::copy(&mut file.take(end), &mut summing).map_err(io_error(path))?;
    let mut stored = [0; TRAILER as usize];
    file.read_exact(&mut stored).map_err(io_error(path))?;
    if summing.finish().1 == u64::from_le_bytes(stored) {
        return Ok(());
    }
    Err(PersistError::Damaged { path: path.to_owned(), what: "its checksum is another" })
}

fn read_header(path: &Path, file: &mut impl Read) -> Result<Header, PersistError> {
    let mut bytes = |len: usize| {
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes).map(|()| bytes)
    };
    let owned = || path.to_owned();
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => PersistError::Damaged { path: owned(), what: "it ends too early" },
        _ => io_error(path)(error),
    };
    match bytes(MAGIC.len()) {
        Ok(magic) if magic == MAGIC => {}
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(io_error(path)(error)),
        _ => return Err(PersistError::NotAModel { path: owned() }),
    }
    let fixed = bytes(4).map_err(cut)?;
    let found = u16::from_le_bytes([fixed[0], fixed[1]]);
    let kind = [Kind::Model, Kind::State].into_iter().find(|&kind| kind as u8 == fixed[2]);
    let expected = kind.unwrap_or(Kind::Model).version();
    if found != expected {
        return Err(PersistError::Version { path: owned(), found, expected });
    }
    let kind = kind.ok_or_else(|| PersistError::Damaged { path: owned(), what: "it holds no known kind" })?;
    let name = bytes(usize::from(fixed[3])).map_err(cut)?;
    let model = String::from_utf8(name)
        .map_err(|_| PersistError::Damaged { path: owned(), what: "the model's name is not text" })?;
    let revision = bytes(4).map_err(cut)?;
    let revision = u32::from_le_bytes([revision[0], revision[1], revision[2], revision[3]]);
    Ok(Header { kind, model, revision })
}
