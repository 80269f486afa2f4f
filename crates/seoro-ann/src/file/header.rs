//! The header of an index's file.

use super::error::{FileError, Kind};
use crate::Metric;
use std::hash::Hasher;
use std::path::Path;
use twox_hash::XxHash3_64;

/// How every file starts; the line ends tell a file that went through a text conversion.
const MAGIC: [u8; 8] = *b"seorix\r\n";

/// The version of the format that this library writes and reads.
pub(super) const VERSION: u32 = 4;

/// Bytes of the part whose length is always the same.
pub(super) const FIXED: usize = 64;

/// Bytes of a section's entry in the table.
pub(super) const ENTRY: usize = 48;

/// Bytes of a section's name, filled with zeros.
const NAME: usize = 16;

/// Sections start at multiples of this many bytes: a cache line, and more than any number's alignment.
const ALIGN: u64 = 64;

/// Where the header's checksum stands.
const SUM: std::ops::Range<usize> = 16..24;

const METRICS: [Metric; 3] = [Metric::InnerProduct, Metric::Cosine, Metric::SquaredL2];

/// A section's entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: [u8; NAME],
    /// Bytes of an element.
    pub(super) element: u64,
    /// Where it starts in the file.
    pub(super) start: u64,
    /// Its bytes.
    pub(super) bytes: u64,
    pub(super) sum: u64,
}

/// What a file says of its index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) metric: Metric,
    pub(super) dim: u64,
    /// The number of rows.
    pub(super) len: u64,
    pub(super) recipe: Vec<u8>,
    pub(super) sections: Vec<Entry>,
}

/// The name as it stands in the table; longer ones are cut, which the tests of each kind would show.
pub(super) fn name(name: &str) -> [u8; NAME] {
    std::array::from_fn(|place| name.as_bytes().get(place).copied().unwrap_or(0))
}

/// The first place for a section from `end` on.
pub(super) fn aligned(end: u64) -> Option<u64> {
    end.checked_next_multiple_of(ALIGN)
}

/// The numbers of some bytes, one after another.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    /// The next number of N bytes; zeros where the caller's length was wrong.
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((number, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *number
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.next())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.next())
    }
}

/// What must be known before the rest of the header can be read.
pub(super) struct Start {
    /// Bytes of the whole header.
    pub(super) bytes: u64,
    recipe: usize,
    sections: usize,
}

impl Start {
    /// Checks the fixed part of the header of a file of `size` bytes.
    pub(super) fn read(path: &Path, fixed: &[u8; FIXED], size: u64) -> Result<Self, FileError> {
        let mut numbers = Numbers(fixed);
        if numbers.next() != MAGIC {
            return Err(FileError::NotAnIndex { path: path.to_owned() });
        }
        let found = numbers.u32();
        if found != VERSION {
            return Err(FileError::Version { path: path.to_owned(), found, expected: VERSION });
        }
        let (sections, _sum, bytes) = (numbers.u32(), numbers.u64(), numbers.u64());
        if bytes != size {
            return Err(damaged(path, 24, "the file's length"));
        }
        let recipe = u64::from(u32::from_le_bytes([fixed[36], fixed[37], fixed[38], fixed[39]]));
        let bytes = FIXED as u64 + ENTRY as u64 * u64::from(sections) + recipe;
        if bytes > size {
            return Err(damaged(path, 12, "a table and a recipe that fit into the file"));
        }
        // Both are smaller than a file that fits into the address space.
        Ok(Self { bytes, recipe: recipe as usize, sections: sections as usize })
    }
}

fn damaged(path: &Path, place: u64, expected: &'static str) -> FileError {
    FileError::Damaged { path: path.to_owned(), section: "header", place, expected }
}

fn sum(header: &[u8]) -> u64 {
    let mut hash = XxHash3_64::new();
    hash.write(&header[..SUM.start]);
    hash.write(&header[SUM.end..]);
    hash.finish()
}

impl Header {
    /// The header's bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let own = FIXED + ENTRY * self.sections.len() + self.recipe.len();
        let length = self.sections.last().map_or(own as u64, |last| last.start + last.bytes);
        let mut out = Vec::with_capacity(own);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend((self.sections.len() as u32).to_le_bytes());
        out.extend(0u64.to_le_bytes());
        out.extend(length.to_le_bytes());
        let metric = METRICS.iter().position(|&metric| metric == self.metric).unwrap_or_default() as u16 + 1;
        out.extend(self.kind.code().to_le_bytes());
        out.extend(metric.to_le_bytes());
        out.extend((self.recipe.len() as u32).to_le_bytes());
        out.extend(self.dim.to_le_bytes());
        out.extend(self.len.to_le_bytes());
        out.extend(0u64.to_le_bytes());
        for entry in &self.sections {
            out.extend(entry.name);
            let numbers = [entry.element, entry.start, entry.bytes, entry.sum];
            numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
        }
        out.extend(&self.recipe);
        let sum = sum(&out);
        out[SUM].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// The header of a file of `size` bytes: as many bytes as [`Start`] says.
    pub(super) fn read(path: &Path, bytes: &[u8], start: &Start, size: u64) -> Result<Self, FileError> {
        if sum(bytes).to_le_bytes() != bytes[SUM] {
            return Err(FileError::Checksum { path: path.to_owned(), section: "header" });
        }
        let mut numbers = Numbers(&bytes[32..]);
        let [kind, metric] = [numbers.next(), numbers.next()].map(u16::from_le_bytes);
        let kind = Kind::of(kind).ok_or_else(|| damaged(path, 32, "a kind of index that is known"))?;
        let metric = METRICS.get(usize::from(metric).wrapping_sub(1)).copied();
        let metric = metric.ok_or_else(|| damaged(path, 34, "a metric that is known"))?;
        let (_recipe, dim, len, reserved) = (numbers.u32(), numbers.u64(), numbers.u64(), numbers.u64());
        if reserved != 0 {
            return Err(damaged(path, 56, "zeros"));
        }
        let mut sections = Vec::with_capacity(start.sections);
        let mut end = start.bytes;
        for place in 0..start.sections {
            let entry = Entry {
                name: numbers.next(),
                element: numbers.u64(),
                start: numbers.u64(),
                bytes: numbers.u64(),
                sum: numbers.u64(),
            };
            let at = (FIXED + ENTRY * place) as u64;
            if aligned(end) != Some(entry.start) {
                return Err(damaged(path, at, "sections one after another, each at a multiple of 64"));
            }
            end = match entry.start.checked_add(entry.bytes) {
                Some(end) if end <= size => end,
                _ => return Err(damaged(path, at, "a section inside the file")),
            };
            sections.push(entry);
        }
        if end != size {
            return Err(damaged(path, 24, "a file that ends with its last section"));
        }
        let recipe = bytes[bytes.len() - start.recipe..].to_vec();
        Ok(Self { kind, metric, dim, len, recipe, sections })
    }
}
