//! What searches rely on, held against what a file says: whoever wrote it.

use super::error::FileError;
use super::read::Source;
use seoro_core::kernel;

/// A set of numbers below a limit, one bit each.
pub(crate) struct Marks {
    words: Vec<u64>,
    count: usize,
}

impl Marks {
    pub(crate) fn new(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)], count }
    }

    /// The limit.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn is_marked(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 == 1
    }

    /// Marks a number below the limit; whether it was not marked before.
    pub(crate) fn mark(&mut self, number: usize) -> bool {
        let (word, bit) = (&mut self.words[number / 64], 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// That each number is below `limit`, and none stands twice.
pub(crate) fn each_once(
    source: &Source,
    section: &'static str,
    numbers: &[u32],
    limit: usize,
) -> Result<Marks, FileError> {
    let mut marks = Marks::new(limit);
    let wrong = |&number: &u32| (number as usize) >= limit || !marks.mark(number as usize);
    match numbers.iter().position(wrong) {
        Some(place) => Err(source.damaged(section, place, "a number in range that did not stand before")),
        None => Ok(marks),
    }
}

/// That each number is below `limit`.
pub(crate) fn below(
    source: &Source,
    section: &'static str,
    numbers: &[u32],
    limit: usize,
) -> Result<(), FileError> {
    match numbers.iter().position(|&number| number as usize >= limit) {
        Some(place) => Err(source.damaged(section, place, "a number in range")),
        None => Ok(()),
    }
}

/// That each number is finite, where numbers are looked at.
pub(crate) fn finite(source: &Source, section: &'static str, numbers: &[f32]) -> Result<(), FileError> {
    numbers_are(source, section, numbers, |number| number.is_finite(), "a finite number")
}

/// [`finite`] for the upper halves of numbers.
pub(crate) fn finite_halves(source: &Source, section: &'static str, halves: &[u16]) -> Result<(), FileError> {
    numbers_are(source, section, halves, |&half| kernel::widen(half).is_finite(), "a finite number")
}

/// That none is NaN, where numbers are looked at.
pub(crate) fn not_nan(source: &Source, section: &'static str, numbers: &[f32]) -> Result<(), FileError> {
    numbers_are(source, section, numbers, |number| !number.is_nan(), "a number")
}

fn numbers_are<T>(
    source: &Source,
    section: &'static str,
    numbers: &[T],
    is_good: impl Fn(&T) -> bool,
    expected: &'static str,
) -> Result<(), FileError> {
    // Not even read otherwise: they may be many, and not in memory yet.
    let place = match source.verifies_numbers() {
        true => numbers.iter().position(|number| !is_good(number)),
        false => None,
    };
    match place {
        Some(place) => Err(source.damaged(section, place, expected)),
        None => Ok(()),
    }
}
