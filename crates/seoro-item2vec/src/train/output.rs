//! What a word's context is to foretell: the word itself, by one of three outputs.

use super::huffman::Huffman;
use super::noise::Noise;
use super::shared::Shared;

/// How a word is foretold.
#[derive(Debug)]
pub(super) enum Output {
    /// The word against words drawn from noise.
    Negative {
        /// Noise: as likely as a word's count to a power.
        noise: Noise,
        /// How many are drawn.
        samples: usize,
    },
    /// The turns on the word's path.
    Hierarchical(Huffman),
    /// The word against all.
    Softmax,
}

/// Rows of the output matrix, each once, and what is to be foretold of each: 1 or 0.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) rows: Vec<u32>,
    pub(super) labels: Vec<f32>,
}

impl Targets {
    fn push(&mut self, row: u32, label: f32) {
        self.rows.push(row);
        self.labels.push(label);
    }
}

impl Output {
    /// Writes the targets of a word but negatives, and asks for their rows.
    #[inline]
    pub(super) fn targets(&self, word: u32, output: &Shared, out: &mut Targets) {
        out.rows.clear();
        out.labels.clear();
        match self {
            Self::Hierarchical(huffman) => {
                let (nodes, sides) = huffman.path(word);
                let turns = nodes.iter().zip(sides);
                turns.for_each(|(&node, &is_second)| out.push(node, if is_second { 0.0 } else { 1.0 }));
            }
            // A group has negatives of its own.
            Self::Softmax | Self::Negative { .. } => out.push(word, 1.0),
        }
        out.rows.iter().for_each(|&row| output.prefetch(row));
    }
}
