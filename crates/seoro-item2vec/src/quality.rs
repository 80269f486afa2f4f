//! How good word vectors are: against people's judgements of pairs, and at questions of analogy.

use crate::Vectors;
use crate::vectors::cosine;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Matrix, kernel};

/// A correlation with judgements.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Agreement {
    /// Spearman's rank correlation of the cosines with the judgements, over the pairs whose words are known; 0 where they
    /// are fewer than two.
    pub spearman: f64,
    /// Pairs whose words are both known.
    pub covered: usize,
    /// All pairs.
    pub pairs: usize,
}

/// Answers to questions of analogy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers {
    /// Questions whose first answer is right.
    pub right: usize,
    /// Questions whose four words are known.
    pub covered: usize,
    /// All questions.
    pub questions: usize,
}

/// Questions that are asked at once.
const BLOCK: usize = 256;

impl Vectors {
    /// How the cosines of pairs of words agree with people's judgements: two words and how similar they are.
    pub fn agreement<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str, f64)>) -> Agreement {
        let (mut cosines, mut judged, mut count) = (Vec::new(), Vec::new(), 0);
        for (a, b, judgement) in pairs {
            count += 1;
            if let (Some(x), Some(y)) = (self.get(a), self.get(b)) {
                cosines.push(cosine(x, y));
                judged.push(judgement);
            }
        }
        Agreement { spearman: spearman(&cosines, &judged), covered: cosines.len(), pairs: count }
    }

    /// How many questions `[a, b, c, d]`, "`a` is to `b` as `c` is to what?", are answered by `d`: see
    /// [`Vectors::analogy`]. Only the first `among` words may be answered, where given: those that are most frequent.
    pub fn answers<'a>(
        &self,
        questions: impl IntoIterator<Item = [&'a str; 4]>,
        among: Option<usize>,
    ) -> Answers {
        let (units, words) = (self.units(), among.unwrap_or(usize::MAX).min(self.matrix().rows()));
        let (mut answers, mut known) = (Answers::default(), Vec::new());
        for question in questions {
            answers.questions += 1;
            let rows = question.map(|word| self.names().get(word).filter(|&row| (row as usize) < words));
            if let [Some(a), Some(b), Some(c), Some(d)] = rows {
                known.push([a, b, c, d]);
            }
        }
        answers.covered = known.len();
        let dim = units.cols();
        let mut scores = vec![0.0; BLOCK * words];
        for block in known.chunks(BLOCK) {
            let mut queries = Matrix::zeros(block.len(), dim);
            for (place, &[a, b, c, _]) in block.iter().enumerate() {
                let query = queries.row_mut(place);
                for (row, sign) in [(a, -1.0), (b, 1.0), (c, 1.0)] {
                    kernel::axpy(sign, units.row(row as usize), query);
                }
            }
            let right = View::new(&units.as_slice()[..words * dim], words, dim).transposed();
            let scores = &mut scores[..block.len() * words];
            gemm(1.0, View::from(&queries), right, 0.0, ViewMut::new(scores, block.len(), words), true);
            for (scores, &[a, b, c, d]) in scores.chunks_exact(words).zip(block) {
                let mut best = None;
                for (row, &score) in (0u32..).zip(scores) {
                    if ![a, b, c].contains(&row) && best.is_none_or(|(_, most)| score > most) {
                        best = Some((row, score));
                    }
                }
                answers.right += usize::from(best.is_some_and(|(row, _)| row == d));
            }
        }
        answers
    }

    /// The vectors at length 1; zeros stay zeros.
    fn units(&self) -> Matrix {
        let mut units = self.matrix().clone();
        for row in 0..units.rows() {
            let row = units.row_mut(row);
            let length = kernel::dot(row, row).sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|number| *number /= length);
        }
        units
    }
}

/// Spearman's rank correlation; equal numbers share the mean of their ranks.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let count = a.len() as f64;
    let mean = (count - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let mean = first as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&place| ranks[place] = mean);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        // scipy.stats.spearmanr([1, 2, 2, 4, 5], [2, 1, 4, 3, 5]).
        assert!(
            (spearman(&[1.0, 2.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 3.0, 5.0]) - 0.6668859288553503).abs()
                < 1e-12
        );
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(spearman(&[], &[]), 0.0);
    }
}
