//! What is learned from: sentences of rows, in chunks.

use crate::CorpusError;
use seoro_core::hash::Fnv1a;

/// The sentences of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    rows: Vec<u32>,
    /// Where each sentence ends.
    ends: Vec<usize>,
}

impl Clone for Batch {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), ends: self.ends.clone() }
    }

    /// Into the room that is there.
    fn clone_from(&mut self, other: &Self) {
        self.rows.clone_from(&other.rows);
        self.ends.clone_from(&other.ends);
    }
}

impl Batch {
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.ends.clear();
    }

    /// Appends a row to the last sentence.
    #[inline]
    pub(crate) fn push(&mut self, row: u32) {
        self.rows.push(row);
    }

    /// How many rows the last sentence has so far.
    pub(crate) fn open(&self) -> usize {
        self.rows.len() - self.ends.last().copied().unwrap_or(0)
    }

    /// Ends the last sentence.
    pub(crate) fn end(&mut self) {
        if self.open() > 0 {
            self.ends.push(self.rows.len());
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Gives back what it has room for and does not need.
    pub(crate) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Tells these sentences from others.
    pub(crate) fn hash(&self) -> u64 {
        let mut hash = Fnv1a::new();
        self.rows.iter().for_each(|&row| hash.word(u64::from(row)));
        self.ends.iter().for_each(|&end| hash.word(end as u64));
        hash.value()
    }

    pub(crate) fn sentences(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.rows[start..end])
    }
}

/// Sentences that can be read in chunks, in any order and again.
pub(crate) trait Sequences: Sync {
    /// How many rows stand before each chunk, and in all: `[C + 1]`.
    fn before(&self) -> &[u64];

    /// Tells these sequences from others.
    fn hash(&self) -> u64;

    /// Puts the sentences of a chunk into `out`.
    ///
    /// # Errors
    /// Those of a corpus that cannot be read.
    fn read(&self, chunk: usize, out: &mut Batch) -> Result<(), CorpusError>;
}
