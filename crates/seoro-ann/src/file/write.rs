//! Writing an index's file.

use super::error::FileError;
use super::header::{Entry, Header, aligned, name};
use bytemuck::Pod;
use seoro_core::replace_file;
use std::borrow::Cow;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Write};
use std::path::Path;
use twox_hash::XxHash3_64;

/// A section: its name, and the parts of which it is made.
struct Section<'a> {
    name: &'static str,
    element: usize,
    parts: Vec<Cow<'a, [u8]>>,
}

/// The sections of an index, in the order in which they are read again.
#[derive(Default)]
pub(crate) struct Sections<'a>(Vec<Section<'a>>);

impl<'a> Sections<'a> {
    /// A section of these numbers; names have at most 16 bytes.
    pub(crate) fn put<T: Pod>(&mut self, name: &'static str, numbers: &'a [T]) {
        self.put_parts(name, [numbers]);
    }

    /// A section of numbers that were made for it.
    pub(crate) fn put_owned<T: Pod>(&mut self, name: &'static str, numbers: &[T]) {
        let bytes = bytemuck::cast_slice(numbers).to_vec();
        self.0.push(Section { name, element: size_of::<T>(), parts: vec![Cow::Owned(bytes)] });
    }

    /// A section of these numbers one after another.
    pub(crate) fn put_parts<T: Pod>(&mut self, name: &'static str, parts: impl IntoIterator<Item = &'a [T]>) {
        let parts = parts.into_iter().map(|part| Cow::Borrowed(bytemuck::cast_slice(part))).collect();
        self.0.push(Section { name, element: size_of::<T>(), parts });
    }

    /// The table, for a file whose header without it has `bytes` bytes.
    fn table(&self, bytes: usize) -> Vec<Entry> {
        let mut end = (bytes + super::header::ENTRY * self.0.len()) as u64;
        let entry = |section: &Section<'_>| {
            let mut hash = XxHash3_64::new();
            section.parts.iter().for_each(|part| hash.write(part));
            let bytes = section.parts.iter().map(|part| part.len() as u64).sum();
            // What is in memory has a length far from overflowing.
            let start = aligned(end).unwrap_or(end);
            end = start + bytes;
            let (name, element) = (name(section.name), section.element as u64);
            Entry { name, element, start, bytes, sum: hash.finish() }
        };
        self.0.iter().map(entry).collect()
    }
}

/// Writes a file: under a temporary name beside `path`, which it takes once all of it is on the disk.
pub(super) fn write(path: &Path, mut header: Header, sections: &Sections<'_>) -> Result<(), FileError> {
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    if cfg!(target_endian = "big") {
        return Err(FileError::BigEndian);
    }
    header.sections = sections.table(super::header::FIXED + header.recipe.len());
    replace_file(path, |file| write_part(file, &header, sections)).map_err(failed)
}

fn write_part(file: &mut File, header: &Header, sections: &Sections<'_>) -> io::Result<()> {
    let bytes = header.bytes();
    file.write_all(&bytes)?;
    let mut end = bytes.len() as u64;
    for (section, entry) in sections.0.iter().zip(&header.sections) {
        file.write_all(&[0; 64][..(entry.start - end) as usize])?;
        section.parts.iter().try_for_each(|part| file.write_all(part))?;
        end = entry.start + entry.bytes;
    }
    Ok(())
}
