//! What a training event becomes: samples, and the step on each.

use super::factors::{Groups, Row};
use super::loss::Loss;
use super::step::Step;
use seoro_core::{Csr, Event, Log, Rng};
use serde::{Deserialize, Serialize};

/// Where samples come from.
pub(super) struct Source<'a> {
    /// The training events.
    pub(super) events: &'a Log,
    /// The items each user has an event with, `[U, I]`.
    pub(super) positives: &'a Csr,
}

/// Turns events into samples, and samples into steps.
pub(super) trait Objective: Sync {
    /// A sample whose rows are named by their places in their groups.
    type Sample: Send + Sync;

    /// Puts the samples of `event`, whose user has place `user`, into the bucket of their items' group.
    fn draw(
        &self,
        source: &Source<'_>,
        event: Event,
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
        _: &Source<'_>,
        event: Event,
        user: u32,
        items: &Groups,
        rng: &mut Rng,
        out: &mut [Vec<Pair>],
    ) {
        let mut push = |item: u32, target: f32| {
            out[items.group(item)].push(Pair { user, item: items.slot(item), target });
        };
        push(event.item.0, if self.valued { event.value } else { 1.0 });
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
    /// How the other item is drawn.
    pub(super) sampling: Sampling,
}

/// How an unobserved item is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sampling {
    /// Every item is equally likely.
    #[default]
    Uniform,
    /// An item is as likely as it has events.
    Popularity,
}

/// A user, the item that should score higher and the one that should score lower.
pub(super) struct Triple {
    user: u32,
    better: u32,
    worse: u32,
}

/// How often a draw is repeated before a comparison is left out: the user may have every item.
pub(super) const TRIES: usize = 64;

impl Triples {
    /// An item of `group` that `user` has no event with, if one is found.
    #[inline]
    fn unobserved(
        &self,
        source: &Source<'_>,
        user: usize,
        group: usize,
        items: &Groups,
        rng: &mut Rng,
    ) -> Option<u32> {
        let members = items.members(group);
        (0..TRIES * items.len()).find_map(|_| {
            let item = match self.sampling {
                Sampling::Uniform => members[rng.below(members.len() as u32) as usize],
                Sampling::Popularity => {
                    source.events.items()[rng.below(source.events.len() as u32) as usize].0
                }
            };
            (items.group(item) == group && !source.positives.contains(user, item)).then_some(item)
        })
    }
}

impl Objective for Triples {
    type Sample = Triple;

    #[inline]
    fn draw(
        &self,
        source: &Source<'_>,
        event: Event,
        user: u32,
        items: &Groups,
        rng: &mut Rng,
        out: &mut [Vec<Triple>],
    ) {
        let group = items.group(event.item.0);
        for _ in 0..self.negatives {
            if let Some(worse) = self.unobserved(source, event.user.index(), group, items, rng) {
                let (better, worse) = (items.slot(event.item.0), items.slot(worse));
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
