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

/// Rows of the output matrix, each once, and what is to be foretold of each: 1 or 0, with a weight.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) rows: Vec<u32>,
    pub(super) labels: Vec<f32>,
    /// How often each was drawn.
    pub(super) weights: Vec<f32>,
}

impl Targets {
    fn push(&mut self, row: u32, label: f32) {
        self.rows.push(row);
        self.labels.push(label);
        self.weights.push(1.0);
    }
}

impl Output {
    /// Writes the targets of a word, whose rows are asked for.
    #[inline]
    pub(super) fn targets(&self, word: u32, output: &Shared, rng: &mut Rng, out: &mut Targets) {
        out.rows.clear();
        out.labels.clear();
        out.weights.clear();
        match self {
            Self::Negative { noise, samples } => {
                out.push(word, 1.0);
                for _ in 0..*samples {
                    let drawn = noise.draw(rng);
                    match out.rows.iter().position(|&row| row == drawn) {
                        None => out.push(drawn, 0.0),
                        // As word2vec does: the word itself is no negative, and nothing is drawn in its place.
                        Some(0) => {}
                        Some(place) => out.weights[place] += 1.0,
                    }
                }
            }
            Self::Hierarchical(huffman) => {
                let (nodes, sides) = huffman.path(word);
                let turns = nodes.iter().zip(sides);
                turns.for_each(|(&node, &is_second)| out.push(node, if is_second { 0.0 } else { 1.0 }));
            }
            Self::Softmax => out.push(word, 1.0),
        }
        out.rows.iter().for_each(|&row| output.prefetch(row));
    }
}
