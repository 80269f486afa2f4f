//! The product quantiser: a vector is cut into parts, and each part is replaced by the nearest of a few words.

use crate::kmeans::{KMeans, Nearest, Rows};
use crate::slab::Slab;
use crate::{Build, BuildError};
use rayon::prelude::*;
use seoro_core::{Matrix, Seed, kernel};
use std::ops::Range;

/// Points looked at for each word; faiss looks at as many.
const SAMPLE: usize = 256;

/// Words for the parts of vectors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantiser {
    pub(super) dim: usize,
    pub(super) parts: usize,
    /// How many words each part has: 16 or 256.
    pub(super) words: usize,
    /// `[words, len of the part]` for part after part: `words × D` numbers.
    pub(super) book: Slab<f32>,
}

impl Quantiser {
    /// The words of `parts` parts of `points` `[N, D]`.
    pub(crate) fn train(
        points: Rows<'_>,
        parts: usize,
        words: usize,
        iterations: usize,
        build: &Build<'_>,
    ) -> Result<Self, BuildError> {
        let dim = points.width();
        let mut quantiser = Self { dim, parts, words, book: Slab::zeros(words * dim) };
        let kmeans = KMeans { centroids: words, iterations, sample: SAMPLE, spherical: false };
        for part in 0..parts {
            let range = quantiser.range(part);
            let seed: Seed = build.seed.child("words").index(part as u64);
            let found = kmeans.fit(points.part(range.start, range.len()), seed, build)?;
            let book = &mut quantiser.book.as_mut_slice()[words * range.start..words * range.end];
            // Where there are fewer points than words, the rest repeat the last and are never the first nearest.
            for (word, out) in book.chunks_exact_mut(range.len().max(1)).enumerate() {
                if found.rows() > 0 {
                    out.copy_from_slice(found.row(word.min(found.rows() - 1)));
                }
            }
        }
        Ok(quantiser)
    }

    /// Moves the words to the means of the points that they are nearest to, for so many turns.
    ///
    /// # Errors
    /// [`BuildError::Cancelled`].
    pub(crate) fn improve(
        &mut self,
        points: Rows<'_>,
        iterations: usize,
        build: &Build<'_>,
    ) -> Result<(), BuildError> {
        let kmeans = KMeans { centroids: self.words, iterations, sample: SAMPLE, spherical: false };
        for part in 0..self.parts {
            let range = self.range(part);
            let mut words = self.matrix(part);
            kmeans.improve(points.part(range.start, range.len()), &mut words, build)?;
            let book = &mut self.book.as_mut_slice()[self.words * range.start..self.words * range.end];
            book.copy_from_slice(words.as_slice());
        }
        Ok(())
    }

    /// The bytes that it and its training hold.
    pub(crate) fn bytes_to_train(points: usize, dim: usize, parts: usize, words: usize) -> u64 {
        let kmeans = KMeans { centroids: words, iterations: 1, sample: SAMPLE, spherical: false };
        kmeans
            .bytes(points, dim.div_ceil(parts.max(1)))
            .saturating_add((words as u64).saturating_mul(dim as u64 * 4))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.book.len() as u64 * 4
    }

    pub(crate) fn parts(&self) -> usize {
        self.parts
    }

    /// The numbers of a part; parts differ by one number where they cannot be equal.
    #[inline]
    fn range(&self, part: usize) -> Range<usize> {
        part * self.dim / self.parts..(part + 1) * self.dim / self.parts
    }

    /// The words of a part.
    pub(super) fn book(&self, part: usize) -> &[f32] {
        let range = self.range(part);
        &self.book[self.words * range.start..self.words * range.end]
    }

    /// The same as a matrix.
    fn matrix(&self, part: usize) -> Matrix {
        Matrix::from_vec(self.words, self.range(part).len(), self.book(part).to_vec())
            .unwrap_or_else(|_| unreachable!("a word of the part's length for each"))
    }

    /// Writes the nearest words of each point, `[N, parts]`.
    pub(crate) fn encode(&self, points: Rows<'_>, codes: &mut [u8]) {
        let mut of = vec![0; points.count()];
        for part in 0..self.parts {
            let range = self.range(part);
            Nearest::new(&self.matrix(part), false).assign(points.part(range.start, range.len()), &mut of);
            let codes = codes.par_chunks_exact_mut(self.parts);
            codes.zip(&of).for_each(|(code, &word)| code[part] = word as u8);
        }
    }

    /// Adds the words of a code to `out` `[D]`.
    #[inline]
    pub(crate) fn add_decoded(&self, code: impl Iterator<Item = u8>, out: &mut [f32]) {
        for (part, word) in code.take(self.parts).enumerate() {
            let range = self.range(part);
            let start = self.words * range.start + usize::from(word) * range.len();
            let word = &self.book[start..start + range.len()];
            out[range].iter_mut().zip(word).for_each(|(out, word)| *out += word);
        }
    }

    /// Writes the products of a query's parts with all words, `[parts, words]`.
    pub(crate) fn products(&self, query: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.parts * self.words, 0.0);
        for (part, out) in out.chunks_exact_mut(self.words).enumerate() {
            let range = self.range(part);
            let (book, query) = (self.book(part), &query[range]);
            match query.len() {
                0 => (),
                // A short product's call would cost more than its sum.
                len @ ..16 => book.chunks_exact(len).zip(out).for_each(|(word, out)| {
                    *out = word.iter().zip(query).map(|(a, b)| a * b).sum();
                }),
                _ => kernel::dot_rows(query, book, out),
            }
        }
    }
}
