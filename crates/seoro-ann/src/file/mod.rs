//! Indexes in files: saved, loaded, and mapped.
//!
//! # The format
//! One container for every kind of index; all numbers little-endian, floats as IEEE 754.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | the magic bytes `seorix\r\n` |
//! | 8..16 | the format's version (`u32`), the number of sections S (`u32`) |
//! | 16..24 | XXH3-64 of the header without these eight bytes |
//! | 24..32 | the file's length |
//! | 32..40 | the kind (`u16`), the metric (`u16`), the recipe's length R (`u32`) |
//! | 40..64 | the dimension, the number of rows, zero (`u64` each) |
//! | 64.. | S entries: name (16 bytes, filled with zeros), bytes of an element, start, length, XXH3-64 (`u64` each) |
//! | then | R bytes of recipe: what else the kind needs, in postcard's encoding |
//! | then | the sections in the table's order, each at the next multiple of 64; the file ends with the last |
//!
//! So a section's place follows from the lengths before it: sections cannot overlap, and none reaches beyond the file.
//!
//! # Adding a kind
//! Its arrays are [`Slab`](crate::slab::Slab)s of numbers. Add it to [`Kind`] and its list of all (at the end), implement
//! [`Filed`] in a module `file` beside it, name its type in [`files!`] and [`AnyIndex`], and its builder in the test
//! `tests/it/files.rs`, which mutates its files. `Filed` is three things:
//! - `recipe`: the few numbers that are no array. They may be anything when read: check them.
//! - `sections`: the arrays, in order. Vectors put theirs by `Vectors::put_sections`; lists of arrays (trees, layers,
//!   cells) go into one section each by `put_parts`, after a small one with their lengths.
//! - `from_sections`: takes them in the same order, each with the length that header and sections before make it have, and
//!   then holds against them whatever a search relies on: every number that is used as an index is below what it indexes,
//!   what is walked ends, codes are below the number of centres. A checksum proves nothing of this: a forger makes a new one.
//!   Numbers that are only compared (floats) may be anything, as searches treat NaN as "farthest", but are refused by
//!   `check::finite` where the file is to be verified as a whole, unless they are made of others, as means are: those may
//!   have overflowed. Allocate nothing whose size is not bounded by a section's.
//!
//! A storage other than `f32` is another section with another element size: a reader finds which of them comes next by
//! `Source::elements`. A change of what sections or a recipe mean needs a new [`header::VERSION`].

mod any;
pub(crate) mod check;
mod error;
mod header;
mod read;
mod write;

pub use any::{AnyIndex, open};
pub use error::{FileError, Kind};
pub(crate) use read::Source;
pub(crate) use write::Sections;

use crate::{FlatIndex, ForestIndex, HnswIndex, Index, IvfIndex, IvfPqIndex, PqIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// How much of a file is looked at before it is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verify {
    /// All of it: each section's checksum, that numbers are finite, and everything below. The whole file is read once.
    #[default]
    Everything,
    /// The header with its checksum, and whatever searches rely on to stay inside the arrays and to end: links, trees,
    /// rows, ids. Vectors are not read, so that a large file is served at once, and memory pages come in as they are
    /// searched. A search of a damaged file then still does not panic, but may answer wrongly.
    Structure,
}

/// What an index does to be saved and read again.
pub(crate) trait Filed: Index + Sized {
    /// What its files say they hold.
    const KIND: Kind;
    /// What is no array.
    type Recipe: Serialize + DeserializeOwned;

    fn recipe(&self) -> Self::Recipe;

    /// The number of rows, deleted ones included.
    fn rows(&self) -> usize {
        self.len()
    }

    /// Its arrays, in the order in which `from_sections` takes them.
    fn sections<'a>(&'a self, out: &mut Sections<'a>);

    /// The index of these sections, in which nothing is believed.
    fn from_sections(recipe: Self::Recipe, source: &mut Source) -> Result<Self, FileError>;
}

fn save<I: Filed>(index: &I, path: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::Io { path: path.to_owned(), source: std::io::Error::other(error) };
    let header = header::Header {
        kind: I::KIND,
        metric: index.metric(),
        dim: index.dim() as u64,
        len: index.rows() as u64,
        recipe: postcard::to_allocvec(&index.recipe()).map_err(failed)?,
        sections: Vec::new(),
    };
    let mut sections = Sections::default();
    index.sections(&mut sections);
    write::write(path, header, &sections)
}

fn read<I: Filed>(mut source: Source) -> Result<I, FileError> {
    source.expect(I::KIND)?;
    let index = I::from_sections(source.recipe()?, &mut source)?;
    source.finish()?;
    Ok(index)
}

/// Gives index types their methods for files.
macro_rules! files {
    ($($index:ty),+) => {$(
        impl $index {
            /// Saves it: under a temporary name beside `path`, which is renamed once all is on the disk. What is mapped
            /// from an older file of that name stays as it was.
            ///
            /// # Errors
            /// [`FileError::Io`].
            pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
                save(self, path.as_ref())
            }

            /// Reads an index that was saved; all of it is in memory then.
            ///
            /// # Errors
            /// Any [`FileError`]: whatever the file's bytes are, this neither panics nor allocates more than the file holds.
            pub fn load(path: impl AsRef<Path>) -> Result<Self, FileError> {
                read(Source::open(path.as_ref(), false, Verify::Everything)?)
            }

            /// Maps an index that was saved: its arrays are the file's pages, which the system reads when they are needed,
            /// shares between processes, and drops when memory is short. **Nobody may write to the file while it is
            /// mapped** (replacing it by a new one is fine, and what `save` does): numbers would change under a search.
            ///
            /// # Errors
            /// Any [`FileError`]: whatever the file's bytes are, this neither panics nor allocates more than the file holds.
            pub fn map(path: impl AsRef<Path>) -> Result<Self, FileError> {
                Self::map_with(path, Verify::Everything)
            }

            #[doc = concat!("[`", stringify!($index), "::map`], looking at as much of the file as `verify` says.")]
            ///
            /// # Errors
            /// As [`map`](Self::map).
            pub fn map_with(path: impl AsRef<Path>, verify: Verify) -> Result<Self, FileError> {
                read(Source::open(path.as_ref(), true, verify)?)
            }
        }
    )+};
}

files!(FlatIndex, ForestIndex, HnswIndex, IvfIndex, PqIndex, IvfPqIndex);
