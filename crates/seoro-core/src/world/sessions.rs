//! What users do: sessions of choices, each with a watch and a rating.

use super::draw::{exponential, logistic, weighted};
use super::law::{Law, Moment, sigmoid};
use crate::{ItemId, Rng, Seed};
use rayon::prelude::*;

const DAY_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;
/// The shortest pause between two sessions, in days.
const PAUSE: f64 = 1.0 / 24.0;
/// The mean time from the end of a watch to the next choice, in seconds.
const BROWSING: f64 = 40.0;

/// One interaction of a user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Act {
    pub(super) item: ItemId,
    /// Milliseconds since the start, strictly rising within a user.
    pub(super) time: i64,
    /// The user's how many-th session.
    pub(super) session: u32,
    /// 1 to 5.
    pub(super) stars: u8,
    /// Whole seconds.
    pub(super) watched: u32,
}

pub(super) fn day_of(time: i64) -> f64 {
    time as f64 / DAY_MS
}

/// Each user's acts, in order of time.
pub(super) fn acts(law: &Law, seed: Seed) -> Vec<Vec<Act>> {
    let seed = seed.child("events");
    (0..law.parameters.users).into_par_iter().map(|user| life(law, user, seed.index(user as u64))).collect()
}

/// The acts of one user: how many, and in which sessions, is settled before anything is chosen, so that no act's place
/// tells what it is.
fn life(law: &Law, user: usize, seed: Seed) -> Vec<Act> {
    let mut rng = seed.rng();
    let lengths = session_lengths(law, law.people.events[user], &mut rng);
    let (first, last) = law.people.active[user];
    let mut starts: Vec<f64> = lengths.iter().map(|_| first + (last - first) * rng.unit()).collect();
    starts.sort_unstable_by(f64::total_cmp);

    let mut acts: Vec<Act> = Vec::with_capacity(law.people.events[user]);
    let mut past = Vec::with_capacity(acts.capacity());
    let mut p = vec![0.0; law.parameters.items];
    let mut free = f64::NEG_INFINITY;
    for (session, (length, start)) in lengths.into_iter().zip(starts).enumerate() {
        let mut day = start.max(free);
        let mut previous = None;
        for _ in 0..length {
            let time = (day * DAY_MS) as i64;
            law.choice(user, Moment { day: day_of(time), previous, past: &past }, &mut p);
            let item = ItemId(weighted(&mut rng, &p) as u32);
            let (stars, watched) = reaction(law, user, item.index(), &mut rng);
            acts.push(Act { item, time, session: session as u32, stars, watched });
            past.push(item);
            previous = Some(item);
            let seconds = f64::from(watched) + 1.0 + BROWSING * exponential(&mut rng);
            day += seconds * 1000.0 / DAY_MS;
        }
        free = day + PAUSE;
    }
    acts
}

/// Sessions of 2 + geometric events, until there are `events` in all; a single event left over joins the last session.
fn session_lengths(law: &Law, events: usize, rng: &mut Rng) -> Vec<usize> {
    let go_on = law.parameters.session_extra / (1.0 + law.parameters.session_extra);
    let (mut lengths, mut left) = (Vec::new(), events);
    while left >= 2 {
        let mut length = 2;
        while length < left && rng.unit() < go_on {
            length += 1;
        }
        lengths.push(length);
        left -= length;
    }
    if let Some(last) = lengths.last_mut() {
        *last += left;
    }
    lengths
}

/// Stars and watched seconds, independent given how much the user likes the item.
fn reaction(law: &Law, user: usize, item: usize, rng: &mut Rng) -> (u8, u32) {
    let p = &law.parameters;
    let m = law.liking(user, item);
    let stars = (m + p.rating_noise * logistic(rng)).round().clamp(1.0, 5.0) as u8;
    let completed = sigmoid(p.watch_quality * (m - p.rating_mean) + p.watch_noise * rng.normal());
    let watched = (law.catalogue.length[item] * completed).round().max(1.0) as u32;
    (stars, watched)
}
