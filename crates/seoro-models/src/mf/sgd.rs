//! Parallel stochastic gradient descent without a race, by strata (Gemulla et al. 2011, "Large-scale matrix
//! factorization with distributed stochastic gradient descent", KDD): users and items are dealt into as many groups as
//! there are threads; thread `t` owns the users of group `t` and works through the items of group `t`, `t + 1`, …, so
//! that no two threads ever hold the same row. The same seed and number of threads give the same bytes.
//!
//! Differences from the paper: an epoch goes in rounds of [`ROUND`] events a thread, so that samples need bounded memory
//! and items of all groups keep pace; μ, which every sample moves, is each thread's own during a stratum and the mean of
//! all threads' after it. The sum of what the threads moved it by would overshoot: a thread's samples of a stratum are
//! many steps, which alone bring μ most of the way to where they want it. So μ depends on the number of threads.
//!
//! There is no racing version (Hogwild: Recht et al. 2011) beside it: rows that threads share without a data race are
//! atomics, whose loops do not become vector instructions (2.5 times the time a step at 192 factors), while strata take
//! no more processor time than one thread does.

use super::factors::{Factors, Groups, Row};
use super::objective::{Objective, Positive};
use super::step::Step;
use crate::FitError;
use rayon::prelude::*;
use seoro_core::sample::Negatives;
use seoro_core::{Log, Rng, Seed};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many events a thread draws samples for at once.
pub(super) const ROUND: usize = 1 << 14;

/// What stays the same from epoch to epoch.
pub(super) struct Strata {
    users: Groups,
    /// The events of each user group.
    events: Vec<Vec<Positive>>,
}

impl Strata {
    pub(super) fn new(events: &Log, threads: usize, seed: Seed) -> Self {
        let users = Groups::deal_out(events.n_users(), threads, seed.child("users"));
        let mut by_group = vec![Vec::new(); threads];
        for event in events.events() {
            let (user, item) = (event.user.0, event.item.0);
            by_group[users.group(user)].push(Positive { user, item, value: event.value });
        }
        Self { users, events: by_group }
    }

    fn threads(&self) -> usize {
        self.users.len()
    }
}

/// A thread's share of an epoch.
struct Worker<'a, S> {
    users: Vec<Row<'a>>,
    /// The events still to learn from.
    events: Vec<Positive>,
    rng: Rng,
    /// The samples of this round, by item group.
    samples: Vec<Vec<S>>,
    loss: f64,
    learned: u64,
    global: f32,
}

/// One pass over all events in random order; returns the mean loss of the samples.
pub(super) fn epoch<O: Objective>(
    objective: &O,
    negatives: &Negatives<'_>,
    factors: &mut Factors,
    strata: &Strata,
    step: Step,
    seed: Seed,
    cancel: &AtomicBool,
) -> Result<f64, FitError> {
    let threads = strata.threads();
    let groups = Groups::deal_out(factors.items.rows(), threads, seed.child("items"));
    let mut global = factors.global;
    let (users, items) = factors.grouped(&strata.users, &groups);
    let mut items: Vec<(usize, Vec<Row<'_>>)> = items.into_iter().enumerate().collect();
    let mut workers: Vec<Worker<'_, O::Sample>> = users
        .into_par_iter()
        .enumerate()
        .map(|(thread, users)| {
            let mut rng = seed.child("thread").index(thread as u64).rng();
            let mut events = strata.events[thread].clone();
            rng.shuffle(&mut events);
            let samples = (0..threads).map(|_| Vec::new()).collect();
            Worker { users, events, rng, samples, loss: 0.0, learned: 0, global }
        })
        .collect();
    while workers.iter().any(|worker| !worker.events.is_empty()) {
        if cancel.load(Ordering::Relaxed) {
            return Err(FitError::Cancelled);
        }
        workers.par_iter_mut().for_each(|worker| worker.draw(objective, negatives, &strata.users, &groups));
        for _ in 0..threads {
            workers
                .par_iter_mut()
                .zip(&mut items)
                .for_each(|(worker, (group, items))| worker.learn(objective, *group, items, step, global));
            global = workers.iter().map(|worker| worker.global).sum::<f32>() / threads as f32;
            items.rotate_left(1);
        }
    }
    let loss: f64 = workers.iter().map(|worker| worker.loss).sum();
    let learned: u64 = workers.iter().map(|worker| worker.learned).sum();
    drop((workers, items));
    factors.global = global;
    Ok(loss / learned.max(1) as f64)
}

impl<S> Worker<'_, S> {
    /// Draws the samples of the next round.
    fn draw<O: Objective<Sample = S>>(
        &mut self,
        objective: &O,
        negatives: &Negatives<'_>,
        users: &Groups,
        items: &Groups,
    ) {
        self.samples.iter_mut().for_each(Vec::clear);
        let start = self.events.len().saturating_sub(ROUND);
        // A user's events of a round stand together, so that the user's row is read once.
        self.events[start..].sort_unstable_by_key(|event| event.user);
        for event in self.events.drain(start..) {
            let slot = users.slot(event.user);
            objective.draw(negatives, event, slot, items, &mut self.rng, &mut self.samples);
        }
    }

    /// Learns from the samples whose items are in `group`.
    fn learn<O: Objective<Sample = S>>(
        &mut self,
        objective: &O,
        group: usize,
        items: &mut [Row<'_>],
        step: Step,
        global: f32,
    ) {
        self.global = global;
        let mut loss = 0.0;
        for sample in &self.samples[group] {
            loss += f64::from(objective.learn(sample, &mut self.users, items, step, &mut self.global));
        }
        self.loss += loss;
        self.learned += self.samples[group].len() as u64;
    }
}
