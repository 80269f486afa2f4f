//! Steps for one user while the items stand still: the same samples and the same step as in the fit, for `p` and `b`
//! alone.

use super::factors::Factors;
use super::loss::Loss;
use super::objective::{Learn, Pairs, Triples, count};
use super::step::Step;
use seoro_core::{ItemId, Seed, kernel};

/// How many draws find an item that is not in the history, before a comparison is left out.
const TRIES: usize = 64;

/// A user to be learned from a history.
pub(super) struct Newcomer<'a> {
    pub(super) factors: &'a Factors,
    pub(super) step: Step,
    /// The history's items with their values.
    pub(super) events: &'a [(ItemId, f32)],
    pub(super) vector: &'a mut [f32],
    pub(super) bias: f32,
}

impl Newcomer<'_> {
    /// Passes `passes` times over the history.
    pub(super) fn learn(&mut self, learn: &Learn, passes: usize, seed: Seed) {
        match learn {
            Learn::Pairs(pairs) => self.learn_pairs(pairs, passes, seed),
            Learn::Triples(triples) => self.learn_triples(triples, passes, seed),
        }
    }

    fn learn_pairs(&mut self, pairs: &Pairs, passes: usize, seed: Seed) {
        let mut rng = seed.rng();
        let n_items = self.factors.items.rows() as u32;
        for _ in 0..passes {
            for &(item, value) in self.events {
                self.pair(pairs.loss, if pairs.valued { value } else { 1.0 }, item.index());
                for _ in 0..count(pairs.negatives, &mut rng) {
                    self.pair(pairs.loss, 0.0, rng.below(n_items) as usize);
                }
            }
        }
    }

    fn learn_triples(&mut self, triples: &Triples, passes: usize, seed: Seed) {
        let mut rng = seed.rng();
        let n_items = self.factors.items.rows() as u32;
        let mut known: Vec<ItemId> = self.events.iter().map(|&(item, _)| item).collect();
        known.sort_unstable();
        for _ in 0..passes {
            for &(item, _) in self.events {
                for _ in 0..triples.negatives {
                    let mut draws = (0..TRIES).map(|_| ItemId(rng.below(n_items)));
                    if let Some(worse) = draws.find(|item| known.binary_search(item).is_err()) {
                        self.triple(item.index(), worse.index());
                    }
                }
            }
        }
    }

    fn pair(&mut self, loss: Loss, target: f32, item: usize) {
        let row = self.factors.items.row(item);
        let known = self.factors.global + self.bias + self.factors.item_bias[item];
        let (pull, _) = loss.at(known + kernel::dot(self.vector, row), target);
        let Step { rate, keep, biases, .. } = self.step;
        for (x, &q) in self.vector.iter_mut().zip(row) {
            *x = keep * *x + rate * pull * q;
        }
        if biases {
            self.bias = keep * self.bias + rate * pull;
        }
    }

    fn triple(&mut self, better: usize, worse: usize) {
        let Factors { items, item_bias, .. } = self.factors;
        let (better_row, worse_row) = (items.row(better), items.row(worse));
        let gap = kernel::dot(self.vector, better_row) - kernel::dot(self.vector, worse_row);
        let (pull, _) = Loss::Logistic.at(item_bias[better] - item_bias[worse] + gap, 1.0);
        let Step { rate, keep, .. } = self.step;
        for ((x, &better), &worse) in self.vector.iter_mut().zip(better_row).zip(worse_row) {
            *x = keep * *x + rate * pull * (better - worse);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mf::factors::Groups;

    #[test]
    fn a_newcomer_moves_as_a_user_does_in_the_fit() {
        let seed = Seed::new(5);
        let step = Step { rate: 0.1, keep: 0.98, biases: true, global: false };
        let before = Factors::random(1, 2, 33, 0.5, seed);
        for is_pair in [true, false] {
            let mut fitted = before.clone();
            let groups = Groups::deal_out(2, 1, seed);
            let (mut users, mut items) = fitted.grouped(&Groups::deal_out(1, 1, seed), &groups);
            let [first, second] = items[0].get_disjoint_mut([0, 1]).expect("two items");
            let mut vector = before.users.row(0).to_vec();
            let mut newcomer =
                Newcomer { factors: &before, step, events: &[], vector: &mut vector, bias: 0.0 };
            if is_pair {
                step.pair(Loss::Squared, 3.0, &mut users[0][0], first, &mut 0.0);
                newcomer.pair(Loss::Squared, 3.0, 0);
            } else {
                step.triple(&mut users[0][0], first, second);
                newcomer.triple(0, 1);
            }
            let bias = newcomer.bias;
            assert_ne!(vector, before.users.row(0));
            for (ours, expected) in vector.iter().zip(fitted.users.row(0)) {
                assert!((ours - expected).abs() < 1e-6);
            }
            assert!((bias - fitted.user_bias[0]).abs() < 1e-6);
        }
    }
}
