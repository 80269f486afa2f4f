//! From a recipe to a fitted model.

use super::Rbm;
use super::learning::{Changes, Rates};
use super::machine::{Machine, State};
use super::model::RbmModel;
use crate::epochs::{Learner, by_epochs};
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::{scale_of, seen, value_matrix};
use crate::{FitError, Recommender, Run, Side, Training};
use rayon::prelude::*;
use seoro_core::{Csr, Seed};
use std::sync::atomic::AtomicBool;

/// The most different ratings.
const MOST_LEVELS: usize = 64;

pub(super) fn fit(recipe: &Rbm, train: &Training<'_>, run: &mut Run<'_>) -> Result<RbmModel, FitError> {
    check(recipe)?;
    run.check()?;
    if train.events.is_empty() {
        return Err(FitError::Empty { model: Rbm::NAME });
    }
    let pool = run.pool()?;
    let mut places = value_matrix(Rbm::NAME, train.histories, true)?;
    let ratings = || (0..places.rows()).flat_map(|row| places.values(row)).copied();
    scale_of(Rbm::NAME, recipe.scale, ratings())?;
    let unseen = recipe.unseen.unwrap_or_else(|| mean(ratings()));
    let levels = levels(ratings())?;
    run.reserve(Rbm::NAME, bytes(recipe, train, levels.len(), run.validate.is_some()))?;
    for row in 0..places.rows() {
        let place = |x: f32| levels.partition_point(|&level| level < x) as f32;
        places.values_mut(row).iter_mut().for_each(|x| *x = place(*x));
    }
    if recipe.rows == Side::Items {
        places = places.transpose();
    }
    let machine = Machine::new(&places, levels.len(), recipe.hidden, recipe.init_std, run.seed.child("init"));
    let ids = (0..places.rows() as u32).filter(|&row| !places.columns(row as usize).is_empty()).collect();
    let mut learner = Divergence {
        recipe,
        changes: Changes::none(&machine),
        machine,
        places: &places,
        ids,
        levels,
        seen: seen(train.events),
        unseen: unseen as f32,
        pool: &pool,
    };
    by_epochs(recipe, recipe.epochs, &mut learner, train, run)
}

fn mean(ratings: impl Iterator<Item = f32> + Clone) -> f64 {
    ratings.clone().map(f64::from).sum::<f64>() / ratings.count().max(1) as f64
}

/// The different ratings, rising.
fn levels(ratings: impl Iterator<Item = f32>) -> Result<Vec<f32>, FitError> {
    let mut levels: Vec<f32> = Vec::new();
    for rating in ratings {
        let place = levels.partition_point(|&level| level < rating);
        if levels.get(place) != Some(&rating) {
            levels.insert(place, rating);
        }
        if levels.len() > MOST_LEVELS {
            return Err(FitError::Numeric { model: Rbm::NAME, what: "more than 64 different ratings" });
        }
    }
    Ok(levels)
}

/// Learns by contrastive divergence.
struct Divergence<'a> {
    recipe: &'a Rbm,
    machine: Machine,
    changes: Changes,
    /// Rows of places of ratings among the levels.
    places: &'a Csr,
    /// Rows with a rating.
    ids: Vec<u32>,
    levels: Vec<f32>,
    /// Which users and items have a rating.
    seen: [Vec<bool>; 2],
    unseen: f32,
    pool: &'a rayon::ThreadPool,
}

impl Divergence<'_> {
    /// Returns `−Σ ln p(v | h)` of the batch.
    fn batch(&mut self, rows: &[u32], learning_rate: f64, seed: Seed) -> f64 {
        let (machine, steps, places) = (&self.machine, self.recipe.gibbs_steps, self.places);
        let chain = |&row: &u32| {
            let mut rng = seed.index(u64::from(row)).rng();
            machine.chain(machine.units(places.row(row as usize)), steps, || rng.unit())
        };
        let chains: Vec<(State, State, f64)> = rows.par_iter().map(chain).collect();
        let loss = chains.iter().map(|chain| chain.2).sum();
        let chains: Vec<(State, State)> = chains.into_iter().map(|(data, model, _)| (data, model)).collect();
        let rates = Rates {
            learning_rate: learning_rate as f32,
            momentum: self.recipe.momentum as f32,
            decay: self.recipe.regularization as f32,
        };
        self.changes.make(&mut self.machine, &chains, rates);
        loss
    }

    fn epoch(&mut self, learning_rate: f64, seed: Seed, cancel: &AtomicBool) -> Result<f64, FitError> {
        let mut order = self.ids.clone();
        seed.child("order").rng().shuffle(&mut order);
        let mut loss = 0.0;
        for (place, rows) in order.chunks(self.recipe.batch_size).enumerate() {
            crate::run::check(cancel)?;
            loss += self.batch(rows, learning_rate, seed.child("chains").index(place as u64));
        }
        Ok(loss / self.places.entries().max(1) as f64)
    }
}

impl Learner for Divergence<'_> {
    type Fitted = RbmModel;
    type Memory = (Machine, Changes);

    fn learn(&mut self, epoch: usize, run: &Run<'_>) -> Result<f64, FitError> {
        let seed = run.seed.child("epoch").index(epoch as u64);
        let (pool, cancel) = (self.pool, run.cancel);
        let rate = self.recipe.learning_rate * self.recipe.learning_rate_decay.powi(epoch as i32 - 1);
        let loss = pool.install(|| self.epoch(rate, seed, cancel));
        if !self.machine.is_finite() {
            return Err(FitError::Diverged { model: Rbm::NAME, epoch, batch: None });
        }
        loss
    }

    fn fitted(&self) -> RbmModel {
        let (machine, rows) = (self.machine.clone(), self.recipe.rows);
        RbmModel::new(machine, rows, self.places, self.levels.clone(), self.seen.clone(), self.unseen)
    }

    fn memory(&self) -> (Machine, Changes) {
        (self.machine.clone(), self.changes.clone())
    }

    fn recall(&mut self, (machine, changes): (Machine, Changes)) -> Result<(), FitError> {
        if !changes.fits(&self.machine) || !changes.fits(&machine) {
            return Err(FitError::Numeric {
                model: Rbm::NAME,
                what: "a checkpoint of parameters of other shapes",
            });
        }
        (self.machine, self.changes) = (machine, changes);
        Ok(())
    }
}

fn check(recipe: &Rbm) -> Result<(), FitError> {
    let at_least_0 = |x: f64| x.is_finite() && x >= 0.0;
    let (hidden, steps, unseen) = (recipe.hidden, recipe.gibbs_steps, recipe.unseen.unwrap_or_default());
    let checks = [
        ("hidden", hidden as f64, (1..=MAX_FACTORS).contains(&hidden), FACTORS_EXPECTED),
        ("gibbs_steps", steps as f64, (1..=1000).contains(&steps), "between 1 and 1000"),
        ("batch_size", recipe.batch_size as f64, recipe.batch_size >= 1, "at least 1"),
        ("learning_rate", recipe.learning_rate, at_least_0(recipe.learning_rate), "a number, at least 0"),
        (
            "learning_rate_decay",
            recipe.learning_rate_decay,
            (0.0..=1.0).contains(&recipe.learning_rate_decay),
            "between 0 and 1",
        ),
        ("momentum", recipe.momentum, (0.0..1.0).contains(&recipe.momentum), "at least 0 and below 1"),
        ("regularization", recipe.regularization, at_least_0(recipe.regularization), "a number, at least 0"),
        ("init_std", recipe.init_std, at_least_0(recipe.init_std), "a number, at least 0"),
        ("unseen", unseen, unseen.is_finite(), "a number"),
    ];
    match checks.into_iter().find(|&(_, _, fine, _)| !fine) {
        Some((parameter, value, _, expected)) => {
            Err(FitError::Parameter { model: Rbm::NAME, parameter, value, expected })
        }
        None => Ok(()),
    }
}

/// The parameters and their last changes, those of snapshots, of the best epoch and of a checkpoint; the ratings by row, by
/// column and by unit; the states of a batch.
fn bytes(recipe: &Rbm, train: &Training<'_>, levels: usize, validates: bool) -> u64 {
    let (users, items) = (train.events.n_users() as u64, train.events.n_items() as u64);
    let (rows, columns) = if recipe.rows == Side::Users { (users, items) } else { (items, users) };
    let hidden = recipe.hidden as u64;
    let parameters = (columns * levels as u64).saturating_mul(hidden + 1).saturating_add(hidden);
    let copies = 5 + u64::from(validates);
    let states = rows.min(recipe.batch_size as u64).saturating_mul(hidden).saturating_mul(4 * 4);
    parameters
        .saturating_mul(4 * copies)
        .saturating_add(states)
        .saturating_add(rows.saturating_mul(hidden * 4))
        .saturating_add(train.events.len() as u64 * 64 + (rows + columns) * 64)
        .saturating_add(columns * levels as u64 * 16)
}
