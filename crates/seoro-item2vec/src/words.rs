//! The words of a text: counted, ordered, and put in the place of their spelling.

use crate::sequences::{Batch, Sequences};
use crate::{Corpus, CorpusError, FitError};
use rayon::prelude::*;
use seoro_core::Vocab;
use seoro_core::hash::Fnv1a;
use std::sync::atomic::{AtomicBool, Ordering};

/// A sentence longer than this is cut, as gensim cuts it.
const LONGEST: usize = 10_000;

/// Words and how often each stands in a text, the most frequent first, of equally frequent ones the first to appear.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) names: Vocab,
    pub(crate) counts: Vec<u64>,
}

/// Words as they appear.
#[derive(Default)]
struct Counted {
    names: Vocab,
    counts: Vec<u64>,
}

impl Counted {
    fn add(&mut self, word: &str, count: u64) -> Result<(), FitError> {
        let row = self.names.intern(word).map_err(|_| FitError::TooManyWords)? as usize;
        if row == self.counts.len() {
            self.counts.push(0);
        }
        self.counts[row] += count;
        Ok(())
    }

    /// Counts the words of some chunks.
    fn of_chunks(
        corpus: &dyn Corpus,
        chunks: std::ops::Range<usize>,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        let (mut counted, mut text) = (Self::default(), String::new());
        for chunk in chunks {
            if cancel.load(Ordering::Relaxed) {
                return Err(FitError::Cancelled);
            }
            corpus.read(chunk, &mut text)?;
            text.split_ascii_whitespace().try_for_each(|word| counted.add(word, 1))?;
        }
        Ok(counted)
    }

    /// Appends what comes after.
    fn join(mut self, next: Self) -> Result<Self, FitError> {
        for (row, &count) in next.counts.iter().enumerate() {
            self.add(&next.names.name(row as u32).unwrap_or_default(), count)?;
        }
        Ok(self)
    }
}

impl Words {
    /// The words of a text that stand there `min_count` times or more, at most `most` of them; on all threads of the pool.
    pub(crate) fn count(
        corpus: &dyn Corpus,
        min_count: u64,
        most: Option<usize>,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        // Even parts, so that what appears first does so at any number of threads.
        let (chunks, parts) = (corpus.chunks(), rayon::current_num_threads());
        let part = |part: usize| chunks * part / parts..chunks * (part + 1) / parts;
        let counted: Vec<Result<Counted, FitError>> = (0..parts)
            .into_par_iter()
            .map(|number| Counted::of_chunks(corpus, part(number), cancel))
            .collect();
        let join = |all: Counted, next: Result<Counted, FitError>| all.join(next?);
        let counted = counted.into_iter().try_fold(Counted::default(), join)?;
        let mut rows: Vec<u32> = (0..counted.counts.len() as u32).collect();
        let count = |row: u32| counted.counts[row as usize];
        rows.retain(|&row| count(row) >= min_count);
        rows.sort_by_key(|&row| std::cmp::Reverse(count(row)));
        rows.truncate(most.unwrap_or(usize::MAX));
        if rows.len() < 2 {
            return Err(FitError::Empty { min_count, words: counted.counts.iter().sum() });
        }
        let mut names = Vocab::new();
        for &row in &rows {
            let name = counted.names.name(row).unwrap_or_default();
            names.intern(&name).map_err(|_| FitError::TooManyWords)?;
        }
        Ok(Self { names, counts: rows.iter().map(|&row| count(row)).collect() })
    }

    /// Puts the sentences of a chunk into `out`; words that are not known are passed over.
    fn encode(
        &self,
        corpus: &dyn Corpus,
        chunk: usize,
        text: &mut String,
        out: &mut Batch,
    ) -> Result<(), CorpusError> {
        corpus.read(chunk, text)?;
        out.clear();
        for line in text.split('\n') {
            for row in line.split_ascii_whitespace().filter_map(|word| self.names.get(word)) {
                out.push(row);
                if out.open() == LONGEST {
                    out.end();
                }
            }
            out.end();
        }
        Ok(())
    }
}

/// A text in rows: kept, or made anew whenever it is read.
pub(crate) struct Encoded<'a> {
    corpus: &'a dyn Corpus,
    words: &'a Words,
    before: Vec<u64>,
    hash: u64,
    kept: Vec<Batch>,
}

impl<'a> Encoded<'a> {
    /// Reads the text once; keeps it where its rows take at most `room` bytes.
    pub(crate) fn new(
        corpus: &'a dyn Corpus,
        words: &'a Words,
        room: u64,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        let total: u64 = words.counts.iter().sum();
        // A row, and an end where each sentence has one word.
        let keeps = total.saturating_mul(12) <= room;
        let read: Vec<Result<(u64, u64, Batch), FitError>> = (0..corpus.chunks())
            .into_par_iter()
            .map_init(String::new, |text, chunk| {
                if cancel.load(Ordering::Relaxed) {
                    return Err(FitError::Cancelled);
                }
                let mut batch = Batch::default();
                words.encode(corpus, chunk, text, &mut batch)?;
                let (len, hash) = (batch.len() as u64, batch.hash());
                batch.shrink();
                Ok((len, hash, if keeps { batch } else { Batch::default() }))
            })
            .collect();
        let (mut before, mut kept, mut all) = (vec![0], Vec::new(), Fnv1a::new());
        for row in 0..words.names.len() as u32 {
            all.bytes(words.names.name(row).unwrap_or_default().as_bytes());
            all.word(u64::from(row));
        }
        // The first error of the text, whichever thread found one first.
        for chunk in read {
            let (len, hash, batch) = chunk?;
            before.push(before[before.len() - 1] + len);
            all.word(hash);
            kept.push(batch);
        }
        if !keeps {
            kept.clear();
        }
        Ok(Self { corpus, words, before, hash: all.value(), kept })
    }
}

impl Sequences for Encoded<'_> {
    fn before(&self) -> &[u64] {
        &self.before
    }

    fn hash(&self) -> u64 {
        self.hash
    }

    fn read(&self, chunk: usize, out: &mut Batch) -> Result<(), CorpusError> {
        match self.kept.get(chunk) {
            Some(kept) => out.clone_from(kept),
            None => self.words.encode(self.corpus, chunk, &mut String::new(), out)?,
        }
        Ok(())
    }
}
