//! Negative sampling for a few words of a sentence, or items of a set, at once.
//!
//! The words of a group meet the same negatives, and all steps come from the values before the group: an output vector
//! that is drawn is read and written once for all of them. Their windows overlap, so that an input vector has one product
//! with a negative for all windows it stands in, and a step that is as many times as long.

use super::{BLOCK, LOSS_EVERY, Output, Worker, grow, loss};
use crate::Architecture;
use seoro_core::Rng;
use seoro_core::kernel::{self, Weighted};
use std::ops::Range;

/// The most words of a group. Twice as many were 7 % faster for CBOW, whose loss after an epoch was higher by 2 %.
pub(in crate::train) const GROUP: usize = 8;

/// The most that a group adds to a vector: pairs times the rate, in vectors of the other side, which all stand where they
/// were before the group. At 3.2, sets of films that most users took diverged; at 2 they did not. What one word adds by
/// itself, with a wide window or a high rate, has no bound.
const MOST_PULL: f32 = 2.0;

/// How many words make a group, when each is foretold from up to `inputs` vectors and meets so many negatives.
pub(super) fn words_together(inputs: usize, samples: usize, rate: f32) -> usize {
    let pairs = inputs.max(samples + 1) as f32;
    ((MOST_PULL / (rate * pairs)) as usize).clamp(1, GROUP)
}

/// What the words of a group are foretold from, and what they meet.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The slots of all that may be contexts here, in the sentence's order, and in how many windows each stands.
    inputs: Vec<u32>,
    times: Vec<f32>,
    /// How many slots there are: what a group and its furthest contexts need, or a block of a set.
    slots: usize,
    /// The slots of each word's contexts, one word after the other, and where each word's end.
    contexts: Vec<u32>,
    ends: Vec<usize>,
    /// The words of the group in whose windows each input stands, one input after the other, and where each input's end.
    hearers: Vec<u32>,
    hearer_ends: Vec<usize>,
    /// Rows drawn, each once, and how often each was.
    negatives: Vec<u32>,
    weights: Vec<f32>,
    /// The same of the next group, which is asked for ahead.
    next: Vec<u32>,
    next_weights: Vec<f32>,
}

impl Group {
    /// Sets the windows of the words at `places` of a sentence of `len` words, each of which reaches as far as is drawn, at
    /// most `size` places.
    fn open(&mut self, places: Range<usize>, len: usize, size: usize, mut reach: impl FnMut() -> usize) {
        let slots = 2 * size + GROUP;
        self.slots = slots;
        let furthest = places.start.saturating_sub(size)..len.min(places.end + size);
        let first_slot = furthest.start % slots;
        // No more places are in reach than there are slots.
        let slot = |place: usize| wrapped(first_slot + place - furthest.start, slots) as u32;
        self.contexts.clear();
        self.ends.clear();
        self.inputs.clear();
        self.times.clear();
        self.times.resize(furthest.len(), 0.0);
        let (mut first, mut last) = (furthest.end, furthest.start);
        for place in places {
            let reach = reach();
            let (from, to) = (place.saturating_sub(reach), len.min(place + reach + 1));
            for other in (from..place).chain(place + 1..to) {
                self.contexts.push(slot(other));
                self.times[other - furthest.start] += 1.0;
            }
            self.ends.push(self.contexts.len());
            (first, last) = (first.min(from), last.max(to));
        }
        self.times.truncate(last - furthest.start);
        self.times.drain(..first - furthest.start);
        self.inputs.extend((first..last).map(slot));
    }

    /// Sets the windows of the words at `places` of a set to those at `block` but themselves, which stand in slots from 0 on.
    fn open_block(&mut self, places: Range<usize>, block: Range<usize>) {
        let inputs = 0..block.len() as u32;
        self.slots = block.len();
        self.contexts.clear();
        self.ends.clear();
        self.inputs.clear();
        self.inputs.extend(inputs.clone());
        self.times.clear();
        self.times.resize(block.len(), places.len() as f32);
        for place in places {
            let own = place.checked_sub(block.start).filter(|&slot| slot < block.len());
            self.contexts.extend(inputs.clone().filter(|&slot| own != Some(slot as usize)));
            self.ends.push(self.contexts.len());
            if let Some(slot) = own {
                self.times[slot] -= 1.0;
            }
        }
    }

    /// Makes the negatives at hand those that were drawn ahead.
    fn take_drawn(&mut self) {
        std::mem::swap(&mut self.negatives, &mut self.next);
        std::mem::swap(&mut self.weights, &mut self.next_weights);
    }

    /// Lists, for each input, the words in whose windows it stands.
    fn list_hearers(&mut self) {
        let slots = self.slots;
        self.hearer_ends.clear();
        let mut count = 0;
        for &times in &self.times {
            self.hearer_ends.push(count);
            count += times as usize;
        }
        self.hearers.resize(count, 0);
        let first = self.inputs.first().map_or(0, |&slot| slot as usize);
        for word in 0..self.ends.len() {
            for context in self.window(word) {
                let input = wrapped(self.contexts[context] as usize + slots - first, slots);
                let end = &mut self.hearer_ends[input];
                self.hearers[*end] = word as u32;
                *end += 1;
            }
        }
    }

    /// The inputs' slots, and the words in whose windows each stands.
    fn heard(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let starts = std::iter::once(0).chain(self.hearer_ends.iter().copied());
        let words = starts.zip(&self.hearer_ends).map(|(start, &end)| &self.hearers[start..end]);
        self.inputs.iter().copied().zip(words)
    }

    /// The slots of a word's contexts.
    fn window(&self, word: usize) -> Range<usize> {
        word.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[word]
    }
}

/// A place on a ring of so many, once beyond its end at most.
#[inline]
fn wrapped(place: usize, ring: usize) -> usize {
    if place < ring { place } else { place - ring }
}

impl Worker<'_> {
    /// Learns each word from those up to `size` places away.
    pub(super) fn learn_groups(&mut self, size: usize, shrink: bool, rate: f32, rng: &mut Rng) {
        let Output::Negative { samples, .. } = *self.objective else { return };
        let inputs = match self.plan.architecture {
            Architecture::SkipGram => 2 * size,
            Architecture::Cbow => 1,
        };
        let count = words_together(inputs, samples, rate);
        let words = std::mem::take(&mut self.sentence);
        let (len, slots) = (words.len(), 2 * size + GROUP);
        let part = |places: Range<usize>| &words[places.start.min(len)..places.end.min(len)];
        if len > 1 {
            (0..len.min(size)).for_each(|place| self.enter(place % slots, words[place]));
            self.draw(rng);
            for start in (0..len).step_by(count) {
                let end = len.min(start + count);
                self.group.take_drawn();
                self.group.open(start..end, len, size, || {
                    if shrink { 1 + rng.below(size as u32) as usize } else { size }
                });
                if end < len {
                    self.draw(rng);
                }
                part(end..end + count).iter().for_each(|&word| self.output.prefetch(word));
                part(end + size..end + size + count).iter().for_each(|&word| self.input.prefetch(word));
                for (place, &word) in (start + size..).zip(part(start + size..end + size)) {
                    self.enter(place % slots, word);
                }
                self.learn_group(part(start..end), rate);
                let gone = start.saturating_sub(size)..end.saturating_sub(size);
                gone.for_each(|place| self.leave(place % slots, words[place]));
            }
            (len.saturating_sub(size)..len).for_each(|place| self.leave(place % slots, words[place]));
        }
        self.sentence = words;
    }

    /// Learns each item of a set from all others, whose input vectors come a block at a time. The set is put in another order
    /// first, so that it is not always the same items that share negatives.
    pub(super) fn learn_set(&mut self, rate: f32, rng: &mut Rng) {
        // No recipe has sets but with negative sampling.
        let Output::Negative { samples, .. } = *self.objective else { return };
        let count = words_together(BLOCK, samples, rate);
        let mut items = std::mem::take(&mut self.sentence);
        let len = items.len();
        if len > 1 {
            rng.shuffle(&mut items);
            self.draw(rng);
            for start in (0..len).step_by(BLOCK) {
                let block = start..len.min(start + BLOCK);
                block.clone().for_each(|place| self.enter(place - start, items[place]));
                for first in (0..len).step_by(count) {
                    let end = len.min(first + count);
                    self.group.take_drawn();
                    self.group.open_block(first..end, block.clone());
                    if end < len || block.end < len {
                        self.draw(rng);
                    }
                    items[end..len.min(end + count)].iter().for_each(|&item| self.output.prefetch(item));
                    self.learn_group(&items[first..end], rate);
                }
                block.for_each(|place| self.leave(place - start, items[place]));
            }
        }
        self.sentence = items;
    }

    /// Draws the negatives of the next group.
    fn draw(&mut self, rng: &mut Rng) {
        let Output::Negative { noise, samples } = self.objective else { return };
        let Group { next, next_weights, .. } = &mut self.group;
        next.clear();
        next_weights.clear();
        for _ in 0..*samples {
            let drawn = noise.draw(rng);
            match next.iter().position(|&row| row == drawn) {
                None => {
                    self.output.prefetch(drawn);
                    next.push(drawn);
                    next_weights.push(1.0);
                }
                Some(place) => next_weights[place] += 1.0,
            }
        }
    }

    /// Learns the words of the group at hand, whose contexts have come.
    fn learn_group(&mut self, words: &[u32], rate: f32) {
        let (width, count) = (self.input.width(), words.len());
        let (mut rows, mut group) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.group));
        match self.plan.architecture {
            Architecture::SkipGram => {
                let Group { inputs: ids, times, contexts, ends, .. } = &group;
                self.step_group(words, &group, &Inputs { rows: &rows, ids, times, contexts, ends }, rate);
                for &slot in ids {
                    let span = slot as usize * width..(slot as usize + 1) * width;
                    kernel::axpy(1.0, &self.in_steps[span.clone()], &mut rows[span]);
                }
            }
            Architecture::Cbow => {
                let mut hidden = std::mem::take(&mut self.hidden);
                group.list_hearers();
                for word in 0..count {
                    let window = &group.contexts[group.window(word)];
                    let share = [1.0 / window.len() as f32];
                    let mean = Weighted { from: &rows, rows: window, weights: &share, steps: [0, 0] };
                    kernel::set_products(width, mean, &mut hidden, &[word as u32]);
                }
                let ids: [u32; GROUP] = std::array::from_fn(|word| word as u32);
                let ends: [usize; GROUP] = std::array::from_fn(|word| word + 1);
                let (ids, ends) = (&ids[..count], &ends[..count]);
                let inputs =
                    Inputs { rows: &hidden, ids, times: &[1.0; GROUP][..count], contexts: ids, ends };
                self.step_group(words, &group, &inputs, rate);
                for (slot, words) in group.heard() {
                    let steps = Weighted {
                        from: &self.in_steps,
                        rows: words,
                        weights: &[1.0; GROUP][..words.len()],
                        steps: [0, 1],
                    };
                    kernel::add_products(width, steps, &mut rows, &[slot]);
                }
                self.hidden = hidden;
            }
        }
        (self.rows, self.group) = (rows, group);
    }

    /// Steps of the output vectors of words and negatives, and of the inputs, which are left in `in_steps` by their ids.
    fn step_group(&mut self, words: &[u32], group: &Group, inputs: &Inputs<'_>, rate: f32) {
        let width = self.input.width();
        let (count, drawn) = (words.len(), group.negatives.len());
        self.count_to(count + drawn);
        self.steps += 1;
        grow(&mut self.outs, (count + drawn) * width);
        grow(&mut self.pulls, inputs.contexts.len() + inputs.ids.len() * drawn);
        let (own, pulls) = self.pulls.split_at_mut(inputs.contexts.len());
        let pulls = &mut pulls[..inputs.ids.len() * drawn];
        let (word_outs, outs) = self.outs.split_at_mut(count * width);
        let outs = &mut outs[..drawn * width];
        let numbers = &self.counting[..count.max(drawn)];
        for (&row, out) in words.iter().zip(word_outs.chunks_exact_mut(width)) {
            self.output.read(row, out);
        }
        for (&row, out) in group.negatives.iter().zip(outs.chunks_exact_mut(width)) {
            self.output.read(row, out);
        }
        kernel::products(width, inputs.rows, inputs.ids, outs, &numbers[..drawn], pulls);
        for (word, window) in inputs.windows() {
            let (ids, own) = (&inputs.contexts[window.clone()], &mut own[window]);
            kernel::products(width, inputs.rows, ids, word_outs, &numbers[word..=word], own);
        }
        if self.steps.is_multiple_of(LOSS_EVERY) {
            self.loss.pairs += own.len() as u64;
            self.loss.sum += own.iter().map(|&product| loss(product, 1.0)).sum::<f64>();
            for (place, negative) in group.negatives.iter().enumerate() {
                for (input, times) in inputs.times(*negative, words).enumerate() {
                    let weight = f64::from(times * group.weights[place]);
                    self.loss.sum += weight * loss(pulls[input * drawn + place], 0.0);
                }
            }
        }
        kernel::sigmoid_all(own);
        kernel::sigmoid_all(pulls);
        own.iter_mut().for_each(|pull| *pull = rate * (1.0 - *pull));
        inputs.pull_away(pulls, words, group, rate);
        let away = Weighted { from: outs, rows: &numbers[..drawn], weights: pulls, steps: [drawn, 1] };
        kernel::set_products(width, away, &mut self.in_steps, inputs.ids);
        for (word, window) in inputs.windows() {
            let (ids, own) = (&inputs.contexts[window.clone()], &own[window]);
            let near = Weighted { from: word_outs, rows: &numbers[word..=word], weights: own, steps: [1, 0] };
            kernel::add_products(width, near, &mut self.in_steps, ids);
        }
        let away = Weighted { from: inputs.rows, rows: inputs.ids, weights: pulls, steps: [1, drawn] };
        kernel::add_products(width, away, outs, &numbers[..drawn]);
        for (&row, out) in group.negatives.iter().zip(outs.chunks_exact(width)) {
            self.output.write(row, out);
        }
        for (word, window) in inputs.windows() {
            let (ids, own) = (&inputs.contexts[window.clone()], &own[window]);
            let out = &mut word_outs[word * width..(word + 1) * width];
            // A word may stand here twice, or be another's negative: its vector is read again.
            if words[..word].contains(&words[word]) || group.negatives.contains(&words[word]) {
                self.output.read(words[word], out);
            }
            let near = Weighted { from: inputs.rows, rows: ids, weights: own, steps: [0, 1] };
            kernel::add_products(width, near, out, &[0]);
            self.output.write(words[word], out);
        }
    }
}

/// What words are foretold from.
struct Inputs<'a> {
    rows: &'a [f32],
    /// The rows that are used, and in how many windows each stands.
    ids: &'a [u32],
    times: &'a [f32],
    /// The ids of each word's contexts, one word after the other, and where each word's end.
    contexts: &'a [u32],
    ends: &'a [usize],
}

impl Inputs<'_> {
    /// Each word with where its contexts are.
    fn windows(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(|(start, &end)| start..end).enumerate()
    }

    /// Turns the chances `[I, N]` of negatives into pulls; a word that was drawn is no negative of its own contexts, as in
    /// word2vec.
    fn pull_away(&self, pulls: &mut [f32], words: &[u32], group: &Group, rate: f32) {
        let drawn = group.negatives.len();
        for (place, (negative, weight)) in group.negatives.iter().zip(&group.weights).enumerate() {
            for (input, times) in self.times(*negative, words).enumerate() {
                pulls[input * drawn + place] *= -rate * weight * times;
            }
        }
    }

    /// In how many windows each input meets a negative: in those of other words.
    fn times(&self, negative: u32, words: &[u32]) -> impl Iterator<Item = f32> {
        let is_word = words.contains(&negative);
        self.ids.iter().zip(self.times).map(move |(&id, times)| {
            times - if is_word { self.stands_beside(id, negative, words) } else { 0.0 }
        })
    }

    /// In how many windows of `word` an input stands.
    fn stands_beside(&self, id: u32, word: u32, words: &[u32]) -> f32 {
        let windows = self.windows().filter(|&(place, _)| words[place] == word);
        windows.filter(|(_, window)| self.contexts[window.clone()].contains(&id)).count() as f32
    }
}

#[cfg(test)]
mod tests;
