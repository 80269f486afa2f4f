//! What one thread does with sentences.
//!
//! # Gradients
//! A pair of an input vector `u` and an output vector `v` with label `y` (1 for a word that was there, 0 for one that was
//! drawn) has the loss `−y ln σ(u·v) − (1 − y) ln σ(−u·v)`, so that
//!
//! ```text
//! −∂loss/∂u = (y − σ(u·v)) v        −∂loss/∂v = (y − σ(u·v)) u
//! ```
//!
//! Negative sampling (Mikolov et al. 2013b, equation 4) takes the word and its negatives, hierarchical softmax (2013b,
//! equation 3) the inner nodes on the word's path, with `y = 1` where the word lies on a node's first side. Under the full
//! softmax, `y − σ(u·v)` becomes `y_w − exp(u·v_w) / Σ_v exp(u·v)`, for every word `w`.
//!
//! # Differences from the papers
//! The words of one window are learned from together: they meet the same negatives (Ji et al. 2016, "Parallelizing
//! Word2Vec in shared and distributed memory"), and all products come from the values before the window, so that products
//! of small matrices take the place of many dot products. Under negative sampling a few neighbouring words, or items of a
//! set, share them too (see `group`). How often a word is met as a negative stays the same in the mean.
//! Input vectors of a window are copies, whose changes are added when the window has passed, or the set a block of them.
//!
//! The input of CBOW is the mean of a window, as the paper has it; its step goes to each word of the window whole, as in
//! word2vec's code, where the derivative of a mean would give each its share.

mod group;
mod softmax;

pub(super) use group::GROUP;
pub(super) use softmax::WORDS;

use super::output::{Output, Targets};
use super::shared::Shared;
use super::{Architecture, Contexts, Plan};
use crate::sequences::Batch;
use group::Group;
use seoro_core::Rng;
use seoro_core::kernel::{self, Weighted};
use std::sync::{Mutex, PoisonError};

/// One in so many steps adds to the loss that is told.
const LOSS_EVERY: u64 = 64;

/// Items of a set whose input vectors are learned at once.
pub(super) const BLOCK: usize = 16;

/// The loss of some steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    sum: f64,
    pairs: u64,
}

impl Loss {
    /// Adds that of a worker, and makes it nothing there.
    pub(super) fn take(&mut self, worker: &Mutex<Worker<'_>>) {
        let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
        let Self { sum, pairs } = std::mem::take(&mut worker.loss);
        self.sum += sum;
        self.pairs += pairs;
    }

    /// Of one step, where there were any.
    pub(super) fn mean(self) -> Option<f64> {
        (self.pairs > 0).then(|| self.sum / self.pairs as f64)
    }
}

/// A thread's working memory.
pub(super) struct Worker<'a> {
    plan: &'a Plan,
    input: &'a Shared,
    output: &'a Shared,
    objective: &'a Output,
    /// The chance that a word stays in a sentence, of 2³²: `[V]`; empty where all stay.
    keep: &'a [u64],
    pub(super) batch: Batch,
    sentence: Vec<u32>,
    /// Input vectors at hand, and what they were when they came: `[S, W]`.
    rows: Vec<f32>,
    before: Vec<f32>,
    /// Means of windows.
    hidden: Vec<f32>,
    contexts: Vec<u32>,
    targets: [Targets; 2],
    group: Group,
    /// Output vectors, `[T, W]`.
    outs: Vec<f32>,
    /// The steps of input vectors.
    in_steps: Vec<f32>,
    /// By input and target: products, then pulls.
    pulls: Vec<f32>,
    /// 0, 1, 2, …
    counting: Vec<u32>,
    steps: u64,
    loss: Loss,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        [input, output]: [&'a Shared; 2],
        objective: &'a Output,
        keep: &'a [u64],
    ) -> Self {
        let slots = match plan.contexts {
            Contexts::Window { size, .. } => 2 * size + GROUP,
            Contexts::Set => BLOCK,
        };
        let width = input.width();
        Self {
            plan,
            input,
            output,
            objective,
            keep,
            batch: Batch::default(),
            sentence: Vec::new(),
            rows: vec![0.0; slots * width],
            before: vec![0.0; slots * width],
            hidden: vec![0.0; GROUP * width],
            contexts: Vec::with_capacity(slots),
            targets: Default::default(),
            group: Group::default(),
            outs: Vec::new(),
            in_steps: vec![0.0; slots * width],
            pulls: Vec::new(),
            counting: (0..slots as u32).collect(),
            steps: 0,
            loss: Loss::default(),
        }
    }

    /// Learns from the sentences of the batch.
    pub(super) fn learn(&mut self, rate: f32, rng: &mut Rng) {
        let batch = std::mem::take(&mut self.batch);
        for sentence in batch.sentences() {
            self.subsample(sentence, rng);
            match self.plan.contexts {
                Contexts::Window { size, shrink, shuffle } => {
                    if shuffle {
                        rng.shuffle(&mut self.sentence);
                    }
                    match self.objective {
                        Output::Negative { .. } => self.learn_groups(size, shrink, rate, rng),
                        _ => self.learn_windows(size, shrink, rate, rng),
                    }
                }
                Contexts::Set => self.learn_set(rate, rng),
            }
        }
        self.batch = batch;
    }

    /// Puts the words of a sentence that stay into `self.sentence`.
    fn subsample(&mut self, sentence: &[u32], rng: &mut Rng) {
        self.sentence.clear();
        if self.keep.is_empty() {
            self.sentence.extend_from_slice(sentence);
        } else {
            let stays = |&&word: &&u32| rng.next_u64() >> 32 < self.keep[word as usize];
            self.sentence.extend(sentence.iter().filter(stays));
        }
    }

    /// Learns each word from those up to `size` places away.
    fn learn_windows(&mut self, size: usize, shrink: bool, rate: f32, rng: &mut Rng) {
        let words = std::mem::take(&mut self.sentence);
        if words.len() > 1 {
            let slots = 2 * size + 1;
            (0..words.len().min(size)).for_each(|place| self.enter(place % slots, words[place]));
            self.objective.targets(words[0], self.output, &mut self.targets[0]);
            for place in 0..words.len() {
                if let Some(&next) = words.get(place + 1) {
                    self.objective.targets(next, self.output, &mut self.targets[1]);
                }
                if let Some(&last) = words.get(place + size) {
                    self.enter((place + size) % slots, last);
                }
                if let Some(&next) = words.get(place + size + 1) {
                    self.input.prefetch(next);
                }
                let reach = if shrink { 1 + rng.below(size as u32) as usize } else { size };
                let (from, to) = (place.saturating_sub(reach), words.len().min(place + reach + 1));
                self.contexts.clear();
                let others = (from..place).chain(place + 1..to);
                self.contexts.extend(others.map(|place| (place % slots) as u32));
                self.learn_word(rate);
                self.targets.swap(0, 1);
                if place >= size {
                    self.leave((place - size) % slots, words[place - size]);
                }
            }
            let left = words.len().saturating_sub(size)..words.len();
            left.for_each(|place| self.leave(place % slots, words[place]));
        }
        self.sentence = words;
    }

    /// Brings an input vector.
    fn enter(&mut self, slot: usize, word: u32) {
        let span = slot * self.input.width()..(slot + 1) * self.input.width();
        self.input.read(word, &mut self.rows[span.clone()]);
        self.before[span.clone()].copy_from_slice(&self.rows[span]);
    }

    /// Adds what an input vector has changed by.
    fn leave(&mut self, slot: usize, word: u32) {
        let span = slot * self.input.width()..(slot + 1) * self.input.width();
        self.input.add_change(word, &self.rows[span.clone()], &self.before[span]);
    }

    /// Learns the targets at hand from the contexts at hand.
    fn learn_word(&mut self, rate: f32) {
        let (width, contexts) = (self.input.width(), std::mem::take(&mut self.contexts));
        let mut rows = std::mem::take(&mut self.rows);
        match self.plan.architecture {
            Architecture::SkipGram => {
                self.step(&rows, &contexts, rate);
                for (step, &slot) in self.in_steps.chunks_exact(width).zip(&contexts) {
                    kernel::axpy(1.0, step, &mut rows[slot as usize * width..][..width]);
                }
            }
            Architecture::Cbow => {
                let mut hidden = std::mem::take(&mut self.hidden);
                let share = [1.0 / contexts.len() as f32];
                let mean = Weighted { from: &rows, rows: &contexts, weights: &share, steps: [0, 0] };
                kernel::set_products(width, mean, &mut hidden, &[0]);
                self.step(&hidden, &[0], rate);
                let step = Weighted { from: &self.in_steps, rows: &[0], weights: &[1.0], steps: [0, 0] };
                kernel::add_products(width, step, &mut rows, &contexts);
                self.hidden = hidden;
            }
        }
        (self.rows, self.contexts) = (rows, contexts);
    }

    /// Makes [`Worker::counting`] at least so long.
    fn count_to(&mut self, count: usize) {
        let known = self.counting.len() as u32;
        self.counting.extend(known..(count as u32).max(known));
    }

    /// Steps of all output vectors that are targets, and of inputs `ids` of `inputs`, which are left in `in_steps`.
    fn step(&mut self, inputs: &[f32], ids: &[u32], rate: f32) {
        self.steps += 1;
        self.in_steps[..ids.len() * self.input.width()].fill(0.0);
        if matches!(self.objective, Output::Softmax) {
            return self.softmax(inputs, ids, rate);
        }
        let width = self.input.width();
        self.count_to(self.targets[0].rows.len());
        let Targets { rows, labels } = &self.targets[0];
        let count = rows.len();
        if count == 0 {
            // The only word there is needs no turns.
            return;
        }
        grow(&mut self.outs, count * width);
        grow(&mut self.pulls, ids.len() * count);
        let outs = &mut self.outs[..count * width];
        let pulls = &mut self.pulls[..ids.len() * count];
        for (&row, out) in rows.iter().zip(outs.chunks_exact_mut(width)) {
            self.output.read(row, out);
        }
        kernel::products(width, inputs, ids, outs, &self.counting[..count], pulls);
        if self.steps.is_multiple_of(LOSS_EVERY) {
            self.loss.pairs += ids.len() as u64;
            for pulls in pulls.chunks_exact(count) {
                self.loss.sum += pulls.iter().zip(labels).map(|(&s, &y)| loss(s, y)).sum::<f64>();
            }
        }
        kernel::sigmoid_all(pulls);
        for pulls in pulls.chunks_exact_mut(count) {
            pulls.iter_mut().zip(labels).for_each(|(pull, label)| *pull = rate * (label - *pull));
        }
        let (numbers, own) = (&self.counting[..count], &self.counting[..ids.len()]);
        let steps = Weighted { from: outs, rows: numbers, weights: pulls, steps: [count, 1] };
        kernel::add_products(width, steps, &mut self.in_steps, own);
        let steps = Weighted { from: inputs, rows: ids, weights: pulls, steps: [1, count] };
        kernel::add_products(width, steps, outs, numbers);
        rows.iter().zip(outs.chunks_exact(width)).for_each(|(&row, out)| self.output.write(row, out));
    }
}

fn loss(product: f32, label: f32) -> f64 {
    f64::from(-kernel::log_sigmoid(if label > 0.5 { product } else { -product }))
}

fn grow(numbers: &mut Vec<f32>, len: usize) {
    if numbers.len() < len {
        numbers.resize(len, 0.0);
    }
}

#[cfg(test)]
mod tests;
