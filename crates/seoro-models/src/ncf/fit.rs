//! From a recipe to a fitted model.

use super::Pretraining;
use super::model::NcfModel;
use super::network::{NcfNetwork, Sizes, take_over};
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::trained_users;
use crate::train::{Descent, Pairs, Parameters, Trainer};
use crate::{FitError, Recommender, Run, Training, device};
use seoro_core::sample::Negatives;
use seoro_core::{Csr, Seed};

/// The most layers of an MLP.
const MAX_LAYERS: usize = 8;

/// What the three recipes come down to.
pub(super) struct Plan {
    /// The length of GMF's embeddings.
    pub(super) gmf: Option<usize>,
    pub(super) mlp: Option<Sizes>,
    pub(super) descent: Descent,
    pub(super) negatives: usize,
    pub(super) init_std: f64,
    pub(super) pretraining: Option<Pretraining>,
}

impl Plan {
    /// Fits `recipe`, which this is the plan of.
    pub(super) fn fit<R: Recommender<Fitted = NcfModel>>(
        &self,
        recipe: &R,
        train: &Training<'_>,
        run: &mut Run<'_>,
    ) -> Result<NcfModel, FitError> {
        self.check::<R>()?;
        run.check()?;
        if train.events.is_empty() {
            return Err(FitError::Empty { model: R::NAME });
        }
        run.reserve(R::NAME, self.bytes(train, run.validate.is_some()))?;
        let device = device::device(run.device)?;
        let positives = train.histories.matrix();
        let feed = self.feed(R::NAME, train, &positives)?;
        let start = |(gmf, mlp): (Option<usize>, Option<Sizes>), seed: Seed| {
            let mut parameters = Parameters::new(&device, seed.child("init"));
            let items = train.events.n_items();
            let network = NcfNetwork::new(
                &mut parameters,
                (gmf, mlp),
                (trained_users(train.events), items),
                self.init_std,
            );
            (network, parameters)
        };
        let (network, parameters) = start((self.gmf, self.mlp), run.seed);
        let mut trainer = Trainer::new(R::NAME, &self.descent, network, parameters, &feed, run)?;
        let Some(pretraining) = &self.pretraining else {
            return trainer.fit(recipe, train, run);
        };
        let descent = Descent {
            optimizer: pretraining.optimizer,
            learning_rate: pretraining.learning_rate,
            epochs: pretraining.epochs,
            ..self.descent.clone()
        };
        let alone = |sizes: (Option<usize>, Option<Sizes>), name: &str, run: &Run<'_>| {
            let seed = run.seed.child(name);
            let (network, parameters) = start(sizes, seed);
            let mut trainer = Trainer::new(R::NAME, &descent, network, parameters, &feed, run)?;
            trainer.learn_alone(seed, run)?;
            Ok::<_, FitError>(trainer.into_parameters())
        };
        trainer.before_first(Box::new(|parameters, run| {
            let (gmf, mlp) = (alone((self.gmf, None), "gmf", run)?, alone((None, self.mlp), "mlp", run)?);
            take_over(parameters, &gmf, &mlp, pretraining.alpha);
            Ok(())
        }));
        trainer.fit(recipe, train, run)
    }

    fn feed<'a>(
        &self,
        model: &'static str,
        train: &'a Training<'_>,
        positives: &'a Csr,
    ) -> Result<Pairs<'a>, FitError> {
        let negatives = Negatives::uniform(positives)
            .map_err(|_| FitError::Numeric { model, what: "no item can be drawn" })?;
        Pairs::new(train.events, negatives, self.negatives, self.descent.batch_size).ok_or(
            FitError::Parameter {
                model,
                parameter: "negatives",
                value: self.negatives as f64,
                expected: "fewer than 2^32 pairs an epoch",
            },
        )
    }

    fn check<R: Recommender>(&self) -> Result<(), FitError> {
        let model = R::NAME;
        self.descent.check(model)?;
        let wrong = |parameter: &'static str, value: f64, expected: &'static str| FitError::Parameter {
            model,
            parameter,
            value,
            expected,
        };
        let factors = self.gmf.into_iter().chain(self.mlp.map(|sizes| sizes.factors));
        if let Some(factors) = factors.into_iter().find(|factors| !(1..=MAX_FACTORS).contains(factors)) {
            return Err(wrong("factors", factors as f64, FACTORS_EXPECTED));
        }
        if let Some(sizes) = self.mlp {
            if sizes.layers > MAX_LAYERS {
                return Err(wrong("layers", sizes.layers as f64, "at most 8"));
            }
            let embedding = sizes.embedding();
            if !(1..=MAX_FACTORS).contains(&embedding) {
                return Err(wrong("embedding", embedding as f64, FACTORS_EXPECTED));
            }
            let widest = sizes.widths().into_iter().max().unwrap_or(0);
            if widest > 2 * MAX_FACTORS {
                return Err(wrong("layers", sizes.layers as f64, "layers of at most 131072 numbers"));
            }
        }
        if !(self.init_std.is_finite() && self.init_std >= 0.0) {
            return Err(wrong("init_std", self.init_std, "a number, at least 0"));
        }
        if let Some(pretraining) = &self.pretraining {
            let descent = Descent {
                optimizer: pretraining.optimizer,
                learning_rate: pretraining.learning_rate,
                ..self.descent.clone()
            };
            descent.check(model)?;
            if !(0.0..=1.0).contains(&pretraining.alpha) {
                return Err(wrong("alpha", pretraining.alpha, "between 0 and 1"));
            }
        }
        Ok(())
    }

    /// The parameters with their moments, those of snapshots, of the best epoch and of a checkpoint; what a batch becomes on
    /// its way, and the gradients of that; the order of an epoch's pairs, and batches made ahead; the set of positives with its
    /// lookup.
    fn bytes(&self, train: &Training<'_>, validates: bool) -> u64 {
        let rows = (train.events.n_users() + train.events.n_items()) as u64;
        let embeddings = self.gmf.unwrap_or(0) + self.mlp.map_or(0, Sizes::embedding);
        let widths = self.mlp.map_or_else(Vec::new, Sizes::widths);
        let layers: usize = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let numbers = rows.saturating_mul(embeddings as u64).saturating_add(layers as u64);
        let copies = 2 * (self.descent.optimizer.moments() as u64 + 1) + 1 + u64::from(validates);
        let pretraining = if self.pretraining.is_some() { 4 } else { 0 };
        let events = train.events.len() as u64;
        let pairs = events.saturating_mul((self.negatives as u64).saturating_add(1));
        let activations = (widths.iter().sum::<usize>() + 2 * embeddings) as u64;
        let batch = (self.descent.batch_size as u64).saturating_mul(16 * activations);
        let ahead = (self.descent.batch_size as u64).saturating_mul(32).min(pairs);
        numbers
            .saturating_mul(4 * (copies + pretraining))
            .saturating_add(batch)
            .saturating_add(rows * 64 + events * 48)
            .saturating_add(pairs.saturating_mul(4).saturating_add(ahead.saturating_mul(12)))
    }
}
