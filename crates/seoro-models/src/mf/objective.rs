//! What a training event becomes: samples, and the step on each.

use super::factors::{Groups, Row};
use super::loss::Loss;
use super::step::Step;
use seoro_core::Rng;
use seoro_core::sample::Negatives;
use serde::{Deserialize, Serialize};

/// A training event as the engine shuffles it.
#[derive(Clone, Copy)]
pub(super) struct Positive {
    pub(super) user: u32,
    pub(super) item: u32,
    pub(super) value: f32,
}

/// Turns events into samples, and samples into steps.
pub(super) trait Objective: Sync {
    /// A sample whose rows are named by their places in their groups.
    type Sample: Send;

    /// Puts the samples of `event`, whose user has place `user`, into the bucket of their items' group.
    fn draw(
        &self,
        negatives: &Negatives<'_>,
        event: Positive,
        user: u32,
        items: &Groups,
        rng: &mut Rng,
        out: &mut [Vec<Self::Sample>],
    );

    /// One step; returns the sample's loss before it.
    fn learn(
        &self,
        sample: &Self::Sample,
        users: &mut [Row<'_>],
        items: &mut [Row<'_>],
        step: Step,
        global: &mut f32,
    ) -> f32;
}

/// What is learned from events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Learn {
    Pairs(Pairs),
    Triples(Triples),
}

/// Each event is a pair with a target, joined by pairs with unobserved items whose target is 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pairs {
    pub(super) loss: Loss,
    /// The mean number of pairs with target 0 for each event.
    pub(super) negatives: f64,
    /// Whether the target of an event is its value, else 1.
    pub(super) valued: bool,
}

/// A user, an item and the score it should have.
pub(super) struct Pair {
    user: u32,
    item: u32,
    target: f32,
}

impl Objective for Pairs {
    type Sample = Pair;

    #[inline]
    fn draw(
        &self,
        _: &Negatives<'_>,
        event: Positive,
        user: u32,
        items: &Groups,
        rng: &mut Rng,
        out: &mut [Vec<Pair>],
    ) {
        let mut push = |item: u32, target: f32| {
            out[items.group(item)].push(Pair { user, item: items.slot(item), target });
        };
        push(event.item, if self.valued { event.value } else { 1.0 });
        for _ in 0..count(self.negatives, rng) {
            push(rng.below(items.rows() as u32), 0.0);
        }
    }

    #[inline]
    fn learn(
        &self,
        sample: &Pair,
        users: &mut [Row<'_>],
        items: &mut [Row<'_>],
        step: Step,
        global: &mut f32,
    ) -> f32 {
        let (user, item) = (&mut users[sample.user as usize], &mut items[sample.item as usize]);
        step.pair(self.loss, sample.target, user, item, global)
    }
}

/// A whole number with mean `mean`.
#[inline]
pub(super) fn count(mean: f64, rng: &mut Rng) -> usize {
    let fraction = mean.fract();
    mean as usize + usize::from(fraction > 0.0 && rng.unit() < fraction)
}

/// Each event is compared with items the user has no event with.
///
/// Both items of a triple must be in one group; as items are dealt anew for every epoch, every item is compared with
/// every other one in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Triples {
    /// Comparisons for each event.
    pub(super) negatives: usize,
}

/// A user, the item that should score higher and the one that should score lower.
pub(super) struct Triple {
    user: u32,
    better: u32,
    worse: u32,
}

/// How many draws a group of items is worth before a comparison is left out: all of the group may be the user's.
const TRIES: usize = 64;

impl Objective for Triples {
    type Sample = Triple;

    #[inline]
    fn draw(
        &self,
        negatives: &Negatives<'_>,
        event: Positive,
        user: u32,
        items: &Groups,
        rng: &mut Rng,
        out: &mut [Vec<Triple>],
    ) {
        let group = items.group(event.item);
        for _ in 0..self.negatives {
            let mut draws = (0..TRIES * items.len()).map_while(|_| negatives.draw(event.user, rng));
            if let Some(worse) = draws.find(|worse| items.group(worse.0) == group) {
                let (better, worse) = (items.slot(event.item), items.slot(worse.0));
                out[group].push(Triple { user, better, worse });
            }
        }
    }

    #[inline]
    fn learn(
        &self,
        sample: &Triple,
        users: &mut [Row<'_>],
        items: &mut [Row<'_>],
        step: Step,
        _: &mut f32,
    ) -> f32 {
        match items.get_disjoint_mut([sample.better as usize, sample.worse as usize]) {
            Ok([better, worse]) => step.triple(&mut users[sample.user as usize], better, worse),
            Err(_) => 0.0,
        }
    }
}
