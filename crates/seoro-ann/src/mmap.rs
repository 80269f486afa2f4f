//! Memory maps, large pages, and slices that live as long as what they point into: the crate's only `unsafe`.

#![allow(unsafe_code)] // Mapping a file, and keeping a slice beside the owner of its memory.

use bytemuck::Pod;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// A file in memory, to read.
#[derive(Debug)]
pub(crate) struct Map(memmap2::Mmap);

impl Map {
    /// Maps a whole file. While it is mapped, nobody may change it: this crate writes files anew and renames them, which
    /// leaves the old one to those who have mapped it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the file is not written to while it is mapped, which the callers' documentation asks for. Whoever does
        // so all the same changes numbers that are only ever read, each use of which as an index is checked.
        unsafe { memmap2::Mmap::map(file) }.map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What keeps a slice's memory.
#[derive(Debug)]
enum Owner<T> {
    Vec(Vec<T>),
    Map(Arc<Map>),
    #[allow(dead_code)] // Held: the pages go when it goes.
    Pages(memmap2::MmapMut),
}

/// From how many bytes on an array gets pages of its own: one large page.
const LARGE: usize = 2 << 20;

/// A slice beside its owner: read as a pointer and a length, whoever the owner is.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    start: NonNull<T>,
    len: usize,
    owner: Owner<T>,
}

// SAFETY: the pointer leads into memory that `owner` keeps, so a `Kept` crosses threads as its owner does: a vector of
// numbers, or a map that nobody writes to.
unsafe impl<T: Pod + Send> Send for Kept<T> {}
// SAFETY: as above; through a shared reference it is only read.
unsafe impl<T: Pod + Sync> Sync for Kept<T> {}

impl<T: Pod> Kept<T> {
    pub(crate) fn owned(mut vec: Vec<T>) -> Self {
        let len = vec.len();
        // A vector's pointer is never null, and its memory stays where it is when the vector moves.
        let start = NonNull::new(vec.as_mut_ptr()).unwrap_or(NonNull::dangling());
        Self { start, len, owner: Owner::Vec(vec) }
    }

    /// Zeros. Many of them are put into large pages where the system has these, since a search that jumps from row to row
    /// otherwise waits for the addresses of small ones.
    pub(crate) fn zeros(len: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<T>());
        let pages = if bytes < LARGE { None } else { memmap2::MmapMut::map_anon(bytes).ok() };
        let Some(mut pages) = pages else { return Self::owned(vec![T::zeroed(); len]) };
        // A hint: small pages serve as well.
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        match bytemuck::try_cast_slice_mut::<u8, T>(&mut pages) {
            Ok(numbers) => {
                let (start, len) = (NonNull::from(&mut *numbers).cast(), numbers.len());
                Self { start, len, owner: Owner::Pages(pages) }
            }
            Err(_) => Self::owned(vec![T::zeroed(); len]),
        }
    }

    /// The numbers in these bytes of a map; nothing where they are not inside, not aligned, or no whole numbers.
    pub(crate) fn mapped(map: &Arc<Map>, range: Range<usize>) -> Option<Self> {
        let numbers: &[T] = bytemuck::try_cast_slice(map.bytes().get(range)?).ok()?;
        let (start, len) = (NonNull::from(numbers).cast(), numbers.len());
        Some(Self { start, len, owner: Owner::Map(Arc::clone(map)) })
    }

    #[inline]
    pub(crate) fn get(&self) -> &[T] {
        // SAFETY: `start` and `len` are those of a slice of `owner`, checked when it was taken, and every bit pattern is
        // a `T`. The owner lives as long as `self`; its vector is never changed in length, and changed in place only
        // through `get_mut`, which borrows `self` alone; a map's pages stay where they are until the last `Arc` goes.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The numbers to write, where they are owned.
    pub(crate) fn get_mut(&mut self) -> Option<&mut [T]> {
        match &mut self.owner {
            Owner::Vec(vec) => Some(vec),
            // SAFETY: as in `get`; `self` is borrowed alone, and these pages are written through `start` only.
            Owner::Pages(_) => Some(unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }),
            Owner::Map(_) => None,
        }
    }

    /// The numbers, copied where they are mapped.
    pub(crate) fn into_vec(self) -> Vec<T> {
        match self.owner {
            Owner::Vec(vec) => vec,
            Owner::Map(_) | Owner::Pages(_) => self.get().to_vec(),
        }
    }

    /// The same numbers once more: copied where they are owned, shared where they are mapped.
    pub(crate) fn duplicate(&self) -> Self {
        match &self.owner {
            Owner::Vec(vec) => Self::owned(vec.clone()),
            Owner::Pages(_) => {
                let mut copy = Self::zeros(self.len);
                copy.get_mut().into_iter().for_each(|numbers| numbers.copy_from_slice(self.get()));
                copy
            }
            Owner::Map(map) => Self { start: self.start, len: self.len, owner: Owner::Map(Arc::clone(map)) },
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.owner, Owner::Map(_))
    }
}
