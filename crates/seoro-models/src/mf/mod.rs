//! Matrix factorisation by stochastic gradient descent: three recipes over one engine.
//!
//! `s(u, i) = μ + b_u + c_i + p_u · q_i`, with L2 regularisation of whatever a sample touches.
//!
//! - [`MfLogistic`]: Rendle, Krichene, Zhang and Anderson 2020, "Neural collaborative filtering vs. matrix factorization
//!   revisited" (RecSys). Differences: a sample's rows all move from their values before the step (there the item sees
//!   the moved user); the bias is beside the `factors`, not one of them.
//! - [`MfBpr`]: Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009, "BPR: Bayesian personalized ranking from implicit
//!   feedback" (UAI), `s(u, i) = c_i + p_u · q_i`, loss `−ln σ(s(u, i) − s(u, j))`. Differences: an epoch visits every
//!   event once in random order instead of drawing events with replacement; one regularisation for all rows.
//! - [`FunkSvd`]: Funk 2006, and Koren, Bell and Volinsky 2009, "Matrix factorization techniques for recommender systems"
//!   (IEEE Computer), loss `½(r − s)²`. Differences: all factors learn at once (Funk: one after the other); on implicit
//!   feedback unobserved items join as zeros, as in Ferrari Dacrema et al. 2021 ("A troubling analysis of
//!   reproducibility and progress in recommender systems research", TOIS), for the user of the event instead of a
//!   uniformly drawn user.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::mf::MfBpr;
//! use seoro_models::{Recommender, Run, Training};
//! use std::sync::Arc;
//!
//! // Even users have the even items, odd users the odd ones.
//! let pairs = || (0..8).flat_map(|user| (0..10).map(move |item| (user, item))).filter(|(u, i)| u % 2 == i % 2);
//! let (users, items) = (pairs().map(|pair| UserId(pair.0)).collect(), pairs().map(|pair| ItemId(pair.1)).collect());
//! let (user_vocab, item_vocab) = (Arc::new(Vocab::numbered(8)), Arc::new(Vocab::numbered(10)));
//! let log = Log::new(users, items, None, None, user_vocab, item_vocab)?;
//!
//! let recipe = MfBpr { factors: 8, ..MfBpr::default() };
//! let histories = Histories::new(&log);
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! // Somebody new, who has only this history.
//! let mut scores = [0.0; 2];
//! let candidates = [ItemId(6), ItemId(7)];
//! model.score(&[Query::new(&[ItemId(0), ItemId(2)])], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The steps and their gradients are in `step`, the losses in `loss`, the parallel course of an epoch, which gives the
//! same bytes for the same seed and number of threads, in `sgd`.

mod factors;
mod fit;
mod fold_in;
mod loss;
mod model;
mod objective;
mod sgd;
mod step;

pub use model::MatrixFactorization;

use crate::{FitError, Recommender, Run, Training};
use fit::Plan;
use loss::Loss;
use objective::{Learn, Pairs, Triples};
use serde::{Deserialize, Serialize};

/// The plan of a recipe, from the hyper-parameters that all recipes have.
macro_rules! plan {
    ($recipe:expr, $learn:expr) => {
        Plan {
            learn: $learn,
            factors: $recipe.factors,
            epochs: $recipe.epochs,
            learning_rate: $recipe.learning_rate,
            decay: $recipe.decay,
            regularization: $recipe.regularization,
            init_std: $recipe.init_std,
            fold_in: $recipe.fold_in,
            biases: true,
            popularity: 0.0,
        }
    };
}

/// Logistic matrix factorisation: every event against sampled negatives, drawn anew each epoch from all items (an event's
/// own items included).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MfLogistic {
    /// The length of `p` and `q`.
    pub factors: usize,
    /// Passes over the events.
    pub epochs: usize,
    /// The step size.
    pub learning_rate: f64,
    /// What an epoch multiplies the step size with.
    pub decay: f64,
    /// The L2 coefficient.
    pub regularization: f64,
    /// Negatives for each event.
    pub negatives: usize,
    /// The standard deviation of the first factors.
    pub init_std: f64,
    /// Passes over the history of a user who had no training events.
    pub fold_in: usize,
}

/// As the authors ran it on MovieLens-1M.
impl Default for MfLogistic {
    fn default() -> Self {
        Self {
            factors: 192,
            epochs: 256,
            learning_rate: 0.002,
            decay: 1.0,
            regularization: 0.005,
            negatives: 8,
            init_std: 0.1,
            fold_in: 64,
        }
    }
}

impl Recommender for MfLogistic {
    type Fitted = MatrixFactorization;
    const NAME: &'static str = "mf-logistic";
    const REVISION: u32 = 1;

    fn checked() -> Self {
        Self { factors: 8, epochs: 60, learning_rate: 0.05, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<MatrixFactorization, FitError> {
        let pairs = Pairs { loss: Loss::Logistic, negatives: self.negatives as f64, valued: false };
        plan!(self, Learn::Pairs(pairs)).fit(self, train, run)
    }
}

/// Bayesian personalised ranking: every event's item against items the user has no event with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MfBpr {
    /// The length of `p` and `q`.
    pub factors: usize,
    /// Passes over the events.
    pub epochs: usize,
    /// The step size.
    pub learning_rate: f64,
    /// What an epoch multiplies the step size with.
    pub decay: f64,
    /// The L2 coefficient.
    pub regularization: f64,
    /// Comparisons for each event.
    pub negatives: usize,
    /// The other item is drawn as its number of users to this power: 0 is uniform, 1 is by popularity.
    pub popularity: f64,
    /// The standard deviation of the first factors.
    pub init_std: f64,
    /// Passes over the history of a user who had no training events.
    pub fold_in: usize,
}

/// One uniform comparison an event, as in the paper, which prints no other hyper-parameter.
impl Default for MfBpr {
    fn default() -> Self {
        Self {
            factors: 64,
            epochs: 120,
            learning_rate: 0.02,
            decay: 1.0,
            regularization: 0.005,
            negatives: 1,
            popularity: 0.0,
            init_std: 0.1,
            fold_in: 120,
        }
    }
}

impl Recommender for MfBpr {
    type Fitted = MatrixFactorization;
    const NAME: &'static str = "mf-bpr";
    const REVISION: u32 = 1;

    fn checked() -> Self {
        Self { factors: 8, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<MatrixFactorization, FitError> {
        let plan = Plan {
            popularity: self.popularity,
            ..plan!(self, Learn::Triples(Triples { negatives: self.negatives }))
        };
        plan.fit(self, train, run)
    }
}

/// What a model that can learn from either learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feedback {
    /// Events are ones, sampled items are zeros.
    #[default]
    Implicit,
    /// Events are ratings, and nothing else is looked at; the model can [rate](seoro_core::Rate).
    Ratings,
}

/// Squared-error matrix factorisation, of ratings or of ones and sampled zeros. Of ratings μ stays the mean one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FunkSvd {
    /// What it learns from.
    pub feedback: Feedback,
    /// The length of `p` and `q`.
    pub factors: usize,
    /// Passes over the events.
    pub epochs: usize,
    /// The step size.
    pub learning_rate: f64,
    /// What an epoch multiplies the step size with.
    pub decay: f64,
    /// The L2 coefficient.
    pub regularization: f64,
    /// Zeros for each event, on average; not used on ratings.
    pub negatives: f64,
    /// Whether there are `μ`, `b` and `c`.
    pub biases: bool,
    /// The standard deviation of the first factors.
    pub init_std: f64,
    /// Passes over the history of a user who had no training events.
    pub fold_in: usize,
}

/// As many zeros as ones, the most that Ferrari Dacrema et al. try.
impl Default for FunkSvd {
    fn default() -> Self {
        Self {
            feedback: Feedback::Implicit,
            factors: 64,
            epochs: 50,
            learning_rate: 0.02,
            decay: 1.0,
            regularization: 0.01,
            negatives: 1.0,
            biases: true,
            init_std: 0.1,
            fold_in: 50,
        }
    }
}

impl Recommender for FunkSvd {
    type Fitted = MatrixFactorization;
    const NAME: &'static str = "funk-svd";
    const REVISION: u32 = 1;

    fn checked() -> Self {
        Self { factors: 8, epochs: 60, learning_rate: 0.05, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<MatrixFactorization, FitError> {
        let (negatives, valued) = match self.feedback {
            Feedback::Implicit => (self.negatives, false),
            Feedback::Ratings => (0.0, true),
        };
        let plan = Plan {
            biases: self.biases,
            ..plan!(self, Learn::Pairs(Pairs { loss: Loss::Squared, negatives, valued }))
        };
        plan.fit(self, train, run)
    }
}
