//! What a word's context is to foretell: the word itself, by one of three outputs.

use super::huffman::Huffman;
use super::shared::Shared;
use seoro_core::Rng;
use seoro_core::sample::Alias;

/// How a word is foretold.
#[derive(Debug)]
pub(super) enum Output {
    /// The word against words drawn from noise.
    Negative {
        /// Noise: as likely as a word's count to a power.
        noise: Alias,
        /// How many are drawn.
        samples: usize,
    },
    /// The turns on the word's path.
    Hierarchical(Huffman),
    /// The word against all.
    Softmax,
}

/// Rows of the output matrix, and what is to be foretold of each: 1 or 0.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) rows: Vec<u32>,
    pub(super) labels: Vec<f32>,
}

impl Output {
    /// Writes the targets of a word, whose rows are asked for.
    #[inline]
    pub(super) fn targets(&self, word: u32, output: &Shared, rng: &mut Rng, out: &mut Targets) {
        let Targets { rows, labels } = out;
        rows.clear();
        labels.clear();
        match self {
            Self::Negative { noise, samples } => {
                rows.push(word);
                labels.push(1.0);
                // As word2vec does: the word itself is no negative, and nothing is drawn in its place.
                rows.extend((0..*samples).map(|_| noise.draw(rng)).filter(|&drawn| drawn != word));
                labels.resize(rows.len(), 0.0);
            }
            Self::Hierarchical(huffman) => {
                let (nodes, sides) = huffman.path(word);
                rows.extend_from_slice(nodes);
                labels.extend(sides.iter().map(|&is_second| if is_second { 0.0 } else { 1.0 }));
            }
            Self::Softmax => {
                rows.push(word);
                labels.push(1.0);
            }
        }
        rows.iter().for_each(|&row| output.prefetch(row));
    }
}
