//! The full softmax, a block of words after the other.

use super::{Worker, grow};
use seoro_core::kernel::{self, Weighted};
use std::ops::Range;

/// Words that are learned at once.
pub(in crate::train) const WORDS: usize = 64;

impl Worker<'_> {
    /// As [`Worker::step`], with all words as targets.
    pub(super) fn softmax(&mut self, inputs: &[f32], ids: &[u32], rate: f32) {
        let (width, words, own) = (self.input.width(), self.output.rows(), self.targets[0].rows[0] as usize);
        grow(&mut self.outs, WORDS * width);
        grow(&mut self.pulls, ids.len() * words);
        self.count_to(WORDS.max(ids.len()));
        let blocks = || (0..words).step_by(WORDS).map(|start| start..words.min(start + WORDS));
        for block in blocks() {
            self.read(&block);
            let (outs, numbers) = (&self.outs[..block.len() * width], &self.counting[..block.len()]);
            let products = &mut self.pulls[block.start * ids.len()..block.end * ids.len()];
            kernel::products(width, inputs, ids, outs, numbers, products);
        }
        for input in 0..ids.len() {
            // Block after block, `[I, B]` each.
            let place = |block: &Range<usize>| {
                let start = block.start * ids.len() + input * block.len();
                start..start + block.len()
            };
            let products = blocks().flat_map(|block| &self.pulls[place(&block)]);
            let most = products.fold(f32::MIN, |most, &product| most.max(product));
            let start = own / WORDS * WORDS;
            let own_place = place(&(start..words.min(start + WORDS))).start + own - start;
            let own_product = self.pulls[own_place];
            let mut sum = 0.0;
            for block in blocks() {
                let products = &mut self.pulls[place(&block)];
                products.iter_mut().for_each(|product| *product -= most);
                kernel::exp(products);
                sum += kernel::sum(products);
            }
            self.loss.sum += f64::from(sum.ln() + most - own_product);
            self.loss.pairs += 1;
            for block in blocks() {
                self.pulls[place(&block)].iter_mut().for_each(|share| *share *= -rate / sum);
            }
            self.pulls[own_place] += rate;
        }
        for block in blocks() {
            self.read(&block);
            let outs = &mut self.outs[..block.len() * width];
            let pulls = &self.pulls[block.start * ids.len()..block.end * ids.len()];
            let (numbers, all) = (&self.counting[..block.len()], &self.counting[..ids.len()]);
            let steps = Weighted { from: outs, rows: numbers, weights: pulls, steps: [block.len(), 1] };
            kernel::add_products(width, steps, &mut self.in_steps, all);
            let steps = Weighted { from: inputs, rows: ids, weights: pulls, steps: [1, block.len()] };
            kernel::add_products(width, steps, outs, numbers);
            let rows = block.zip(outs.chunks_exact(width));
            rows.for_each(|(word, out)| self.output.write(word as u32, out));
        }
    }

    /// Copies the output vectors of some words.
    fn read(&mut self, block: &Range<usize>) {
        let outs = self.outs.chunks_exact_mut(self.input.width());
        block.clone().zip(outs).for_each(|(word, out)| self.output.read(word as u32, out));
    }
}
