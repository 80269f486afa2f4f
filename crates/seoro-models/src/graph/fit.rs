//! From a recipe to a fitted model.

use super::{Graph, GraphModel, Normalization};
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::trained_users;
use crate::train::{Descent, Init, Network, Pairwise, Parameters, Sampling, Trainer, WeightId};
use crate::{FitError, Recommender, Run, Training, device};
use seoro_core::sample::Negatives;
use seoro_core::{Csr, Seed};
use std::sync::Arc;

/// The most layers of a network of the graph.
const MAX_LAYERS: usize = 8;

/// What the recipes have in common.
pub(crate) struct Plan {
    pub(crate) factors: usize,
    pub(crate) regularization: f64,
    pub(crate) sampling: Sampling,
    pub(crate) normalization: Normalization,
    pub(crate) self_connections: bool,
    pub(crate) descent: Descent,
    pub(crate) shape: Shape,
}

/// How many numbers a network makes.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Of weights, beside embeddings.
    pub(crate) weights: usize,
    /// Of each node in a step, on the way there and back.
    pub(crate) passing: usize,
    /// Of each node's final embedding.
    pub(crate) last: usize,
}

/// What a network is made for.
pub(crate) struct Nodes {
    pub(crate) graph: Arc<Graph>,
    /// Users with a training event.
    pub(crate) trained: Vec<bool>,
    /// What embeddings are drawn from.
    pub(crate) seed: Seed,
}

impl Nodes {
    /// A weight `[U + I, D]` of all nodes' embeddings, those of users and those of items each as `init` would draw them alone.
    pub(crate) fn embeddings(&self, parameters: &mut Parameters, factors: usize, init: Init) -> WeightId {
        let (n_users, n_items) = (self.graph.n_users(), self.graph.n_items());
        let weight = parameters.weight("embeddings", [n_users + n_items, factors], Init::Zeros);
        let users = init.matrix([n_users, factors], self.seed.child("users"));
        let items = init.matrix([n_items, factors], self.seed.child("items"));
        let mut all = users.into_vec();
        all.extend_from_slice(items.as_slice());
        // As many numbers as both have.
        let all = seoro_core::Matrix::from_vec(n_users + n_items, factors, all).unwrap_or_default();
        parameters.set_named([("embeddings", all)]);
        weight
    }
}

impl Plan {
    /// Fits `recipe`, which this is the plan of, with the network that `network` makes.
    pub(crate) fn fit<R, N>(
        &self,
        recipe: &R,
        network: impl FnOnce(&mut Parameters, Nodes) -> N,
        train: &Training<'_>,
        run: &mut Run<'_>,
    ) -> Result<GraphModel, FitError>
    where
        R: Recommender<Fitted = GraphModel>,
        N: Network<Batch = Arc<crate::ops::Triples>, Fitted = GraphModel>,
    {
        self.check(R::NAME)?;
        run.check()?;
        if train.events.is_empty() {
            return Err(FitError::Empty { model: R::NAME });
        }
        run.reserve(R::NAME, self.bytes(train, run.validate.is_some()))?;
        let device = device::device(run.device)?;
        let positives = train.histories.matrix();
        let new = || Graph::new(&positives, self.normalization, self.self_connections);
        let graph = run.pool()?.install(new);
        let graph = graph.map_err(|_| FitError::Numeric {
            model: R::NAME,
            what: "a graph of 2147483647 or more nodes or entries; expected fewer",
        })?;
        let feed = self.feed(R::NAME, &positives)?;
        let seed = run.seed.child("init");
        let mut parameters = Parameters::new(&device, seed);
        let nodes = Nodes { graph: Arc::new(graph), trained: trained_users(train.events), seed };
        let network = network(&mut parameters, nodes);
        Trainer::new(R::NAME, &self.descent, network, parameters, &feed, run)?.fit(recipe, train, run)
    }

    fn feed<'a>(&self, model: &'static str, positives: &'a Csr) -> Result<Pairwise<'a>, FitError> {
        let negatives = Negatives::uniform(positives)
            .map_err(|_| FitError::Numeric { model, what: "no item can be drawn" })?;
        Pairwise::new(positives, negatives, self.sampling, self.descent.batch_size)
            .ok_or(FitError::Numeric { model, what: "2^32 interactions or more; expected fewer" })
    }

    fn check(&self, model: &'static str) -> Result<(), FitError> {
        self.descent.check(model)?;
        let value = self.regularization;
        if value.is_finite() && value >= 0.0 {
            return Ok(());
        }
        let (parameter, expected) = ("regularization", "a number, at least 0");
        Err(FitError::Parameter { model, parameter, value, expected })
    }

    /// The parameters with their moments and gradients, those of a checkpoint; what a step makes of each node; final embeddings,
    /// those of the best epoch and of a snapshot; the edges in both directions, as they are and with some dropped, the positives
    /// with their lookup; batches made ahead.
    fn bytes(&self, train: &Training<'_>, validates: bool) -> u64 {
        let nodes = (train.events.n_users() + train.events.n_items()) as u64;
        let Shape { weights, passing, last, .. } = self.shape;
        let numbers = nodes.saturating_mul(self.factors as u64).saturating_add(weights as u64);
        let copies = 2 * (self.descent.optimizer.moments() as u64 + 1) + 3;
        let finals = last as u64 * (3 + u64::from(validates));
        let events = train.events.len() as u64;
        let batch = (self.descent.batch_size as u64).min(events);
        let of_batch = batch.saturating_mul((last as u64).saturating_mul(4 * 12).saturating_add(32 * 24));
        numbers
            .saturating_mul(4 * copies)
            .saturating_add(nodes.saturating_mul(4).saturating_mul(passing as u64 + finals))
            .saturating_add(nodes * 96 + events * 160)
            .saturating_add(of_batch)
    }
}

/// Refuses sizes that cannot be computed with; called before they are.
///
/// # Errors
/// [`FitError::Parameter`].
pub(crate) fn check_sizes(model: &'static str, factors: usize, layers: usize) -> Result<(), FitError> {
    let (parameter, value, expected) = if !(1..=MAX_FACTORS).contains(&factors) {
        ("factors", factors as f64, FACTORS_EXPECTED)
    } else if layers > MAX_LAYERS {
        ("layers", layers as f64, "at most 8")
    } else {
        return Ok(());
    };
    Err(FitError::Parameter { model, parameter, value, expected })
}

/// Refuses a share to drop that leaves nothing.
///
/// # Errors
/// [`FitError::Parameter`].
pub(crate) fn check_share(model: &'static str, parameter: &'static str, share: f64) -> Result<(), FitError> {
    match (0.0..1.0).contains(&share) {
        true => Ok(()),
        false => {
            Err(FitError::Parameter { model, parameter, value: share, expected: "at least 0 and below 1" })
        }
    }
}
