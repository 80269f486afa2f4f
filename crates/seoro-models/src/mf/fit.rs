//! From a recipe to a fitted model.

use super::factors::Factors;
use super::model::MatrixFactorization;
use super::objective::Learn;
use super::sgd::{self, Strata};
use super::step::Step;
use crate::epochs::{Plain, by_epochs};
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::trained_users;
use crate::{FitError, Recommender, Run, Training};
use seoro_core::Csr;
use seoro_core::sample::Negatives;

/// What the three recipes come down to.
pub(super) struct Plan {
    pub(super) learn: Learn,
    pub(super) factors: usize,
    pub(super) epochs: usize,
    pub(super) learning_rate: f64,
    pub(super) decay: f64,
    pub(super) regularization: f64,
    pub(super) init_std: f64,
    pub(super) fold_in: usize,
    pub(super) biases: bool,
    /// The power of an item's number of users that it is drawn by.
    pub(super) popularity: f64,
}

impl Plan {
    /// Fits `recipe`, which this is the plan of.
    pub(super) fn fit<R: Recommender<Fitted = MatrixFactorization>>(
        &self,
        recipe: &R,
        train: &Training<'_>,
        run: &mut Run<'_>,
    ) -> Result<MatrixFactorization, FitError> {
        self.check::<R>()?;
        run.check()?;
        let events = train.events;
        if events.is_empty() {
            return Err(FitError::Empty { model: R::NAME });
        }
        if self.valued() && events.values().is_none() {
            return Err(FitError::Missing { model: R::NAME, column: "value" });
        }
        let pool = run.pool()?;
        let threads = pool.current_num_threads();
        run.reserve(R::NAME, self.bytes(train, run.validate.is_some(), threads))?;
        let strata = Strata::new(events, threads, run.seed.child("strata"));
        let positives = train.histories.matrix();
        let negatives = self.negatives(R::NAME, &positives)?;
        let learn = |model: &mut MatrixFactorization, epoch: usize, run: &Run<'_>| {
            model.step = self.step(epoch);
            let seed = run.seed.child("epoch").index(epoch as u64);
            let MatrixFactorization { factors, step, .. } = model;
            let loss = pool.install(|| match &self.learn {
                Learn::Pairs(learn) => {
                    sgd::epoch(learn, &negatives, factors, &strata, *step, seed, run.cancel)
                }
                Learn::Triples(learn) => {
                    sgd::epoch(learn, &negatives, factors, &strata, *step, seed, run.cancel)
                }
            })?;
            if !factors.is_finite() {
                return Err(FitError::Diverged { model: R::NAME, epoch, batch: None });
            }
            Ok(loss)
        };
        let mut learner = Plain { fitted: self.start(train, run), learn };
        by_epochs(recipe, self.epochs, &mut learner, train, run)
    }

    /// How items that a user has no event with are drawn.
    fn negatives<'a>(&self, model: &'static str, positives: &'a Csr) -> Result<Negatives<'a>, FitError> {
        let drawn = if self.popularity == 0.0 {
            Negatives::uniform(positives)
        } else {
            Negatives::popularity(positives, self.popularity)
        };
        drawn.map_err(|_| FitError::Numeric { model, what: "no item can be drawn" })
    }

    fn valued(&self) -> bool {
        matches!(self.learn, Learn::Pairs(pairs) if pairs.valued)
    }

    /// The model before the first epoch.
    fn start(&self, train: &Training<'_>, run: &Run<'_>) -> MatrixFactorization {
        let events = train.events;
        let (n_users, n_items) = (events.n_users(), events.n_items());
        let mut factors =
            Factors::random(n_users, n_items, self.factors, self.init_std, run.seed.child("init"));
        let mut range = None;
        if let Some(values) = events.values().filter(|_| self.valued()) {
            factors.forget_unrated(events);
            let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
            factors.global = if self.biases { mean as f32 } else { 0.0 };
            range = Some(values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| {
                (low.min(value), high.max(value))
            }));
        }
        MatrixFactorization {
            factors,
            trained: trained_users(events),
            learn: self.learn,
            step: self.step(1),
            passes: self.fold_in,
            range,
        }
    }

    fn step(&self, epoch: usize) -> Step {
        let rate = self.learning_rate * self.decay.powi(epoch as i32 - 1);
        Step {
            rate: rate as f32,
            keep: (1.0 - rate * self.regularization) as f32,
            biases: self.biases,
            global: self.biases && !self.valued(),
        }
    }

    /// The parameters (those of the best epoch too, where the run validates), the events twice, the set of positives with
    /// its lookup, and the samples of a round of all threads, in buffers up to twice as long.
    fn bytes(&self, train: &Training<'_>, validates: bool, threads: usize) -> u64 {
        let rows = (train.events.n_users() + train.events.n_items()) as u64;
        let events = train.events.len() as u64;
        let copies = if validates { 2 } else { 1 };
        let parameters = rows.saturating_mul((self.factors as u64 + 1) * 4 * copies);
        let round = events.min((sgd::ROUND as u64).saturating_mul(threads as u64));
        let samples = round.saturating_mul(24 * self.samples_per_event());
        parameters.saturating_add(rows * 64 + events * 48).saturating_add(samples)
    }

    fn samples_per_event(&self) -> u64 {
        match self.learn {
            Learn::Pairs(pairs) => 1 + pairs.negatives.ceil() as u64,
            Learn::Triples(triples) => triples.negatives as u64,
        }
    }

    fn check<R: Recommender>(&self) -> Result<(), FitError> {
        let negatives = match self.learn {
            Learn::Pairs(pairs) => pairs.negatives,
            Learn::Triples(triples) => triples.negatives as f64,
        };
        let checks = [
            ("factors", self.factors as f64, (1..=MAX_FACTORS).contains(&self.factors), FACTORS_EXPECTED),
            ("epochs", self.epochs as f64, self.epochs >= 1, "at least 1"),
            ("learning_rate", self.learning_rate, above(self.learning_rate, 0.0), "a number above 0"),
            ("decay", self.decay, above(self.decay, 0.0) && self.decay <= 1.0, "above 0 and at most 1"),
            (
                "regularization",
                self.regularization,
                self.regularization >= 0.0 && self.learning_rate * self.regularization < 1.0,
                "at least 0 and below 1 / learning_rate",
            ),
            ("negatives", negatives, (0.0..=1e6).contains(&negatives), "between 0 and a million"),
            (
                "init_std",
                self.init_std,
                self.init_std >= 0.0 && self.init_std.is_finite(),
                "a number of at least 0",
            ),
        ];
        match checks.into_iter().find(|&(_, _, fine, _)| !fine) {
            Some((parameter, value, _, expected)) => {
                Err(FitError::Parameter { model: R::NAME, parameter, value, expected })
            }
            None => Ok(()),
        }
    }
}

fn above(value: f64, bound: f64) -> bool {
    value > bound && value.is_finite()
}
