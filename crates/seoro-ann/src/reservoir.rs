//! The best of many scores, kept unordered: what comes in is compared with a threshold, and the worse half is thrown out
//! whenever twice as many as wanted are there. Cheaper than an ordered list where many are wanted.

use seoro_core::kernel;
use std::cmp::Ordering;

/// Something scored, by its place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Candidate {
    /// How near it is: larger is nearer.
    pub(crate) score: f32,
    pub(crate) place: u32,
}

impl Candidate {
    /// Best first, equal ones by their places.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.place.cmp(&other.place))
    }
}

/// The fewest places, so that few do not mean that it is cleared at every other candidate.
const LEAST: usize = 24;

/// The `wanted` best so far, and some that are not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reservoir {
    wanted: usize,
    /// What a candidate must reach: of equals, which are kept their places tell.
    needed: f32,
    kept: Vec<Candidate>,
}

impl Reservoir {
    /// Begins anew.
    pub(crate) fn begin(&mut self, wanted: usize) {
        self.wanted = wanted;
        // Below everything, an infinity included, until there are enough.
        self.needed = f32::NAN;
        self.kept.clear();
    }

    /// The score that a candidate must reach; NaN while any is taken.
    #[inline]
    pub(crate) fn needed(&self) -> f32 {
        self.needed
    }

    fn room(&self) -> usize {
        self.wanted.saturating_mul(2).max(self.wanted.saturating_add(LEAST))
    }

    /// Takes a candidate if it is among the best so far; one that is not a number is as far as can be.
    #[inline]
    pub(crate) fn offer(&mut self, score: f32, place: u32) {
        let is_too_far = score < self.needed;
        if is_too_far {
            return;
        }
        let score = if score.is_nan() { f32::NEG_INFINITY } else { score };
        self.kept.push(Candidate { score, place });
        if self.kept.len() >= self.room() || (self.needed.is_nan() && self.kept.len() >= self.wanted) {
            self.settle();
        }
    }

    /// Offers the scores of the places from `first` on.
    #[inline]
    pub(crate) fn offer_block(&mut self, scores: &[f32], first: u32) {
        let mut next = 0;
        while self.needed.is_nan() && next < scores.len() {
            self.offer(scores[next], first + next as u32);
            next += 1;
        }
        loop {
            next += kernel::first_above(&scores[next..], self.needed.next_down());
            if next >= scores.len() {
                return;
            }
            self.offer(scores[next], first + next as u32);
            next += 1;
        }
    }

    /// Throws out all but the best.
    fn settle(&mut self) {
        if self.kept.len() > self.wanted {
            if self.wanted > 0 {
                self.kept.select_nth_unstable_by(self.wanted - 1, Candidate::order);
            }
            self.kept.truncate(self.wanted);
        }
        if self.kept.len() == self.wanted {
            let worst = self.kept.iter().map(|candidate| candidate.score).reduce(f32::min);
            self.needed = worst.unwrap_or(f32::INFINITY);
        }
    }

    /// The best, in no order, to be scored anew; the reservoir must begin anew after this.
    pub(crate) fn kept(&mut self) -> &mut [Candidate] {
        self.settle();
        &mut self.kept
    }

    /// The best, best first; the reservoir must begin anew after this.
    pub(crate) fn sorted(&mut self) -> &[Candidate] {
        self.settle();
        self.kept.sort_unstable_by(Candidate::order);
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::Seed;

    #[test]
    fn it_keeps_what_sorting_keeps() {
        let mut rng = Seed::new(3).rng();
        let mut reservoir = Reservoir::default();
        for len in [0usize, 1, 5, 100, 1000] {
            let scores: Vec<f32> = (0..len).map(|_| rng.unit() as f32).collect();
            let mut all: Vec<Candidate> =
                scores.iter().zip(0..).map(|(&score, place)| Candidate { score, place }).collect();
            all.sort_by(Candidate::order);
            for wanted in [0, 1, 3, 40, 2000] {
                for block in [1, 7, 333] {
                    reservoir.begin(wanted);
                    for (part, scores) in scores.chunks(block).enumerate() {
                        reservoir.offer_block(scores, (part * block) as u32);
                    }
                    assert_eq!(reservoir.sorted(), &all[..wanted.min(len)], "{wanted} of {len}");
                }
            }
        }
    }

    #[test]
    fn infinities_and_nan_are_taken_where_nothing_else_is() {
        let mut reservoir = Reservoir::default();
        reservoir.begin(3);
        reservoir.offer_block(&[f32::NAN, f32::NEG_INFINITY, 1.0, f32::NAN, 2.0], 0);
        let places: Vec<u32> = reservoir.sorted().iter().map(|candidate| candidate.place).collect();
        assert_eq!(places, [4, 2, 0]);
    }
}
