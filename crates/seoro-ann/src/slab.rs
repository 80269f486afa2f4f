//! Flat arrays that are owned, or part of a mapped file.

use crate::mmap::{Kept, Map};
use bytemuck::Pod;
use seoro_core::kernel;
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

/// A flat array of numbers, owned or part of a shared memory map: read as a slice, at the price of one.
pub(crate) struct Slab<T: Pod>(Kept<T>);

impl<T: Pod> Slab<T> {
    /// Zeros to be written; see [`Kept::zeros`].
    pub(crate) fn zeros(len: usize) -> Self {
        Self(Kept::zeros(len))
    }

    /// A copy of these numbers where those of [`Slab::zeros`] would be, to be read here and there.
    pub(crate) fn placed(numbers: &[T]) -> Self {
        let mut slab = Self::zeros(numbers.len());
        slab.as_mut_slice().copy_from_slice(numbers);
        slab
    }

    /// The numbers in these bytes of a map; nothing where they are not inside, not aligned, or no whole numbers.
    pub(crate) fn mapped(map: &Arc<Map>, range: Range<usize>) -> Option<Self> {
        Kept::mapped(map, range).map(Self)
    }

    /// Whether the numbers are a map's.
    pub(crate) fn is_mapped(&self) -> bool {
        self.0.is_mapped()
    }

    /// The numbers, copied where they are mapped.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0.into_vec()
    }

    /// The numbers to write in place; owned from now on.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.is_mapped() {
            drop(self.to_mut());
        }
        self.0.get_mut().unwrap_or_default()
    }

    /// The array to write, as a vector that may grow; owned from now on.
    pub(crate) fn to_mut(&mut self) -> Edit<'_, T> {
        let vec = std::mem::take(self).into_vec();
        Edit { slab: self, vec }
    }
}

/// A slab that is being written; it has its numbers back once this is dropped.
pub(crate) struct Edit<'a, T: Pod> {
    slab: &'a mut Slab<T>,
    vec: Vec<T>,
}

impl<T: Pod> Deref for Edit<'_, T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.vec
    }
}

impl<T: Pod> DerefMut for Edit<'_, T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.vec
    }
}

impl<T: Pod> Drop for Edit<'_, T> {
    fn drop(&mut self) {
        *self.slab = std::mem::take(&mut self.vec).into();
    }
}

impl<T: Pod> Deref for Slab<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        self.0.get()
    }
}

impl<T: Pod> From<Vec<T>> for Slab<T> {
    fn from(vec: Vec<T>) -> Self {
        Self(Kept::owned(vec))
    }
}

impl<T: Pod> FromIterator<T> for Slab<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        Vec::from_iter(numbers).into()
    }
}

impl<T: Pod> Default for Slab<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: Pod> Clone for Slab<T> {
    /// Copied where owned, shared where mapped.
    fn clone(&self) -> Self {
        Self(self.0.duplicate())
    }
}

impl<T: Pod + PartialEq> PartialEq for Slab<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// How many rows ahead are asked for.
const AHEAD: usize = 4;

/// Numbers of a row asked for before it is read; the processor fetches what follows by itself.
const FETCH: usize = 128;

/// Rows of equally many numbers in a slab: `[N, W]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    count: usize,
    width: usize,
    numbers: Slab<f32>,
}

impl Rows {
    /// These numbers as `count` rows of `width`, as the caller has counted.
    pub(crate) fn new(count: usize, width: usize, numbers: Slab<f32>) -> Self {
        debug_assert_eq!(count * width, numbers.len(), "the caller has counted");
        Self { count, width, numbers }
    }

    /// Rows of zeros.
    pub(crate) fn zeros(count: usize, width: usize) -> Self {
        Self { count, width, numbers: Slab::zeros(count * width) }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.count
    }

    /// How many numbers a row has.
    pub(crate) fn cols(&self) -> usize {
        self.width
    }

    #[inline]
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.width..(row + 1) * self.width]
    }

    /// The items, of which each names a row that is asked for some items ahead.
    pub(crate) fn ahead<'a, T: Copy>(
        &'a self,
        items: &'a [T],
        row: impl Fn(T) -> u32 + 'a,
    ) -> impl Iterator<Item = T> + 'a {
        items.iter().enumerate().map(move |(place, &item)| {
            if let Some(&next) = items.get(place + AHEAD) {
                let next = self.row(row(next) as usize);
                kernel::prefetch(&next[..next.len().min(FETCH)]);
            }
            item
        })
    }

    /// All numbers, row after row.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[f32] {
        &self.numbers
    }

    /// All numbers, row after row, to write; owned from now on.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        self.numbers.as_mut_slice()
    }

    /// Puts values at a row that is there, or the next.
    pub(crate) fn put(&mut self, row: usize, values: &[f32]) {
        let width = self.width;
        if row == self.count {
            self.numbers.to_mut().extend_from_slice(&values[..width]);
            self.count += 1;
        } else {
            self.as_mut_slice()[row * width..(row + 1) * width].copy_from_slice(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    /// The bytes 0 to 63 in a file that is mapped.
    fn map() -> Arc<Map> {
        let path = std::env::temp_dir().join(format!("seoro-slab-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.write_all(&std::array::from_fn::<u8, 64, _>(|byte| byte as u8)).unwrap();
        let map = Map::new(&File::open(&path).unwrap()).unwrap();
        std::fs::remove_file(path).unwrap();
        Arc::new(map)
    }

    #[test]
    fn what_is_mapped_reads_as_what_is_owned_and_is_copied_where_written() {
        let map = map();
        let mut slab: Slab<u32> = Slab::mapped(&map, 4..12).unwrap();
        let owned: Slab<u32> = [0x0706_0504u32, 0x0b0a_0908].into_iter().collect();
        assert_eq!((&slab, slab.is_mapped(), owned.is_mapped()), (&owned, true, false));
        let shared = slab.clone();
        slab.to_mut().push(7);
        assert_eq!((&slab[..2], slab[2], slab.is_mapped()), (&owned[..], 7, false));
        let mut other = shared.clone();
        other.as_mut_slice()[0] = 1;
        drop(map);
        assert_eq!((&other[..], &shared), (&[1, 0x0b0a_0908][..], &owned));
        assert_eq!(shared.into_vec(), owned.into_vec());
    }

    #[test]
    fn no_slice_is_outside_unaligned_or_of_half_numbers() {
        let map = map();
        assert!(Slab::<u8>::mapped(&map, 60..65).is_none());
        assert!(Slab::<u32>::mapped(&map, 2..6).is_none());
        assert!(Slab::<u64>::mapped(&map, 8..20).is_none());
        let reversed = std::ops::Range { start: 8, end: 4 };
        assert!(Slab::<f32>::mapped(&map, reversed).is_none());
        assert_eq!(Slab::<u64>::mapped(&map, 64..64).unwrap().len(), 0);
    }
}
