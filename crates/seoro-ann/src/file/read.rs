//! Reading an index's file.

use super::Verify;
use super::error::{FileError, Kind};
use super::header::{Entry, FIXED, Header, Start, name};
use crate::Metric;
use crate::mmap::Map;
use crate::slab::Slab;
use bytemuck::Pod;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// Where sections come from.
enum Bytes {
    File(File),
    Map(Arc<Map>),
}

/// A file whose header is sound and whose sections are read one after another.
pub(crate) struct Source {
    path: PathBuf,
    header: Header,
    bytes: Bytes,
    verify: Verify,
    /// The section to be read next.
    next: usize,
}

impl Source {
    /// Opens a file: its sections are read, or mapped.
    pub(super) fn open(path: &Path, is_mapped: bool, verify: Verify) -> Result<Self, FileError> {
        let failed = |source| FileError::Io { path: path.to_owned(), source };
        if cfg!(target_endian = "big") {
            return Err(FileError::BigEndian);
        }
        let mut file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut fixed = [0; FIXED];
        match file.read_exact(&mut fixed) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(FileError::NotAnIndex { path: path.to_owned() });
            }
            read => read.map_err(failed)?,
        }
        let start = Start::read(path, &fixed, size)?;
        let mut bytes = vec![0; start.bytes as usize];
        bytes[..FIXED].copy_from_slice(&fixed);
        file.read_exact(&mut bytes[FIXED..]).map_err(failed)?;
        let header = Header::read(path, &bytes, &start, size)?;
        let bytes = match is_mapped {
            true => Bytes::Map(Arc::new(Map::new(&file).map_err(failed)?)),
            false => Bytes::File(file),
        };
        Ok(Self { path: path.to_owned(), header, bytes, verify, next: 0 })
    }

    pub(super) fn kind(&self) -> Kind {
        self.header.kind
    }

    /// That the file holds this kind.
    pub(super) fn expect(&self, expected: Kind) -> Result<(), FileError> {
        if self.kind() == expected {
            return Ok(());
        }
        Err(FileError::Kind { path: self.path.clone(), found: self.kind(), expected })
    }

    pub(crate) fn metric(&self) -> Metric {
        self.header.metric
    }

    /// The vectors' dimension: small enough that sums and products with it are checked once, here.
    pub(crate) fn dim(&self) -> Result<usize, FileError> {
        let dim = u32::try_from(self.header.dim).ok().filter(|&dim| dim <= 1 << 30);
        dim.map(|dim| dim as usize).ok_or_else(|| self.damaged("header", 40, "at most 2^30 dimensions"))
    }

    /// The number of rows, at most `most`.
    pub(crate) fn rows(&self, most: usize) -> Result<usize, FileError> {
        let rows = usize::try_from(self.header.len).ok().filter(|&rows| rows <= most);
        rows.ok_or_else(|| self.damaged("header", 48, "no more vectors than this kind of index may have"))
    }

    /// Whether numbers that only answers depend on are looked at.
    pub(crate) fn verifies_numbers(&self) -> bool {
        self.verify == Verify::Everything
    }

    /// The small facts beside the sections.
    pub(super) fn recipe<R: DeserializeOwned>(&self) -> Result<R, FileError> {
        match postcard::take_from_bytes(&self.header.recipe) {
            Ok((recipe, [])) => Ok(recipe),
            _ => Err(self.damaged("recipe", 0, "the recipe of this kind of index")),
        }
    }

    /// Says what is wrong with a section.
    pub(crate) fn damaged(&self, section: &'static str, place: usize, expected: &'static str) -> FileError {
        FileError::Damaged { path: self.path.clone(), section, place: place as u64, expected }
    }

    /// How many elements the next section has, if it is called so.
    pub(crate) fn elements<T: Pod>(&self, section: &'static str) -> Option<usize> {
        let entry = self.header.sections.get(self.next)?;
        let is_it = entry.name == name(section) && entry.element == size_of::<T>() as u64;
        if is_it { usize::try_from(entry.bytes / size_of::<T>() as u64).ok() } else { None }
    }

    /// The next section, which has `len` elements.
    pub(crate) fn take<T: Pod>(&mut self, section: &'static str, len: usize) -> Result<Slab<T>, FileError> {
        Ok(self.take_parts(section, &[len])?.pop().unwrap_or_default())
    }

    /// The next section, which is made of parts of so many elements.
    pub(crate) fn take_parts<T: Pod>(
        &mut self,
        section: &'static str,
        lens: &[usize],
    ) -> Result<Vec<Slab<T>>, FileError> {
        let entry = self.header.sections.get(self.next).cloned();
        let element = size_of::<T>();
        let is_it = |entry: &Entry| entry.name == name(section) && entry.element == element as u64;
        let Some(entry) = entry.filter(is_it) else {
            return Err(self.damaged(section, 0, "this section next, with elements of the right size"));
        };
        let all = lens.iter().try_fold(0usize, |all, &len| all.checked_add(len));
        let bytes = all.and_then(|all| all.checked_mul(element)).map(|bytes| bytes as u64);
        if bytes != Some(entry.bytes) {
            return Err(self.damaged(
                section,
                0,
                "as many elements as the header and the sections before say",
            ));
        }
        self.next += 1;
        let taken = match &mut self.bytes {
            Bytes::Map(map) => mapped(map, &entry, lens, self.verify),
            Bytes::File(file) => read(file, &entry, lens)
                .map_err(|source| FileError::Io { path: self.path.clone(), source })?,
        };
        let is_whole = |sum: u64| self.verify != Verify::Everything || sum == entry.sum;
        match taken {
            Some((parts, sum)) if is_whole(sum) => Ok(parts),
            Some(_) => Err(FileError::Checksum { path: self.path.clone(), section }),
            None => Err(self.damaged(section, 0, "a section inside the file")),
        }
    }

    /// That no section is left.
    pub(super) fn finish(&self) -> Result<(), FileError> {
        if self.next == self.header.sections.len() {
            return Ok(());
        }
        Err(self.damaged("header", FIXED, "no more sections than this kind of index has"))
    }
}

/// The parts of a section of a map, and its checksum where that is asked for.
fn mapped<T: Pod>(
    map: &Arc<Map>,
    entry: &Entry,
    lens: &[usize],
    verify: Verify,
) -> Option<(Vec<Slab<T>>, u64)> {
    let start = usize::try_from(entry.start).ok()?;
    let end = start.checked_add(usize::try_from(entry.bytes).ok()?)?;
    let sum = match verify {
        Verify::Everything => XxHash3_64::oneshot(map.bytes().get(start..end)?),
        Verify::Structure => 0,
    };
    let mut next = start;
    let mut part = |&len: &usize| {
        let from = next;
        next += len * size_of::<T>();
        Slab::mapped(map, from..next)
    };
    Some((lens.iter().map(&mut part).collect::<Option<_>>()?, sum))
}

/// The parts of a section of a file, and its checksum. Lengths are inside the file, so no more is allocated than that.
fn read<T: Pod>(file: &mut File, entry: &Entry, lens: &[usize]) -> io::Result<Option<(Vec<Slab<T>>, u64)>> {
    file.seek(SeekFrom::Start(entry.start))?;
    let mut hash = XxHash3_64::new();
    let mut parts = Vec::with_capacity(lens.len());
    for &len in lens {
        let mut part = vec![T::zeroed(); len];
        let bytes = bytemuck::cast_slice_mut(&mut part);
        file.read_exact(bytes)?;
        hash.write(bytes);
        parts.push(part.into());
    }
    Ok(Some((parts, hash.finish())))
}
