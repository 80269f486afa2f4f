//! LightGCN: embeddings smoothed over the graph of users and items, and nothing else.
//!
//! He, Deng, Wang, Li, Zhang and Wang 2020, "LightGCN: simplifying and powering graph convolution network for recommendation"
//! (SIGIR).
//!
//! ```text
//! E^(k+1) = D^−½ A D^−½ E^(k)                    (equation 3; A joins users and items, no node with itself)
//! e = Σ_k α_k e^(k)                              (equation 4, k from 0 to K)
//! s(u, i) = e_u · e_i                            (equation 5)
//! L = 1/B Σ ln(1 + e^−(s(u, i) − s(u, j))) + λ/2B Σ (‖e⁰_u‖² + ‖e⁰_i‖² + ‖e⁰_j‖²)
//! ```
//!
//! No layer has a weight, an activation or a self-connection; what is learned is `E^(0)`. The loss is BPR's, over triples of a
//! user, an item of theirs and another; λ weighs the embeddings that propagation starts from, once for each time that a batch
//! names them, over twice the batch. Without a layer this is matrix factorisation with the same loss.
//!
//! Differences from the paper, which are those of the authors' code in PyTorch: embeddings start normal with a standard
//! deviation of .1 (the paper: Xavier; the code in TensorFlow: .01); a batch has 2048 triples (the paper: 1024); the loss is
//! a mean over the batch, and λ stands beside a mean of half the squares (equation 15 has a sum, and λ beside the squares of
//! all embeddings); an epoch draws as many triples as there are interactions, each of a user uniformly, one of the user's
//! items uniformly and a negative. Different from both: users without an item are not drawn at all, where the code draws and
//! passes them over.
//!
//! A user or an item without a training event has no edge, and keeps its share `α_0` of what it started from; the fitted model
//! answers such a user as the mean of all trained users.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::lightgcn::LightGcn;
//! use seoro_models::{Recommender, Run, Training};
//! use std::sync::Arc;
//!
//! // Even users have the even items, odd users the odd ones; user 0 has not met item 6.
//! let pairs = || (0..8).flat_map(|user| (0..10).map(move |item| (user, item))).filter(|(u, i)| u % 2 == i % 2);
//! let pairs = || pairs().filter(|&pair| pair != (0, 6));
//! let (users, items) = (pairs().map(|pair| UserId(pair.0)).collect(), pairs().map(|pair| ItemId(pair.1)).collect());
//! let (user_vocab, item_vocab) = (Arc::new(Vocab::numbered(8)), Arc::new(Vocab::numbered(10)));
//! let log = Log::new(users, items, None, None, user_vocab, item_vocab)?;
//! let histories = Histories::new(&log);
//! let recipe = LightGcn { factors: 8, epochs: 40, batch_size: 16, learning_rate: 0.02, ..LightGcn::default() };
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let candidates = [ItemId(6), ItemId(7)];
//! let mut scores = [0.0; 2];
//! model.score(&[histories.query(UserId(0))], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::graph::{GraphModel, Nodes, Normalization, Plan, REVISION, Shape, check_sizes};
use crate::ops::propagate::forwards;
use crate::ops::{Reach, Triples, pairwise, propagate};
use crate::train::{Descent, Init, Network, Optimizer, Parameters, Sampling, Schedule, Step, WeightId};
use crate::{FitError, Recommender, Run, Training};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a layer weighs in the final embedding: `α_k`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LayerWeights {
    /// `1 / (K + 1)`.
    #[default]
    Uniform,
    /// `1 / (k + 1)`.
    Shrinking,
    /// 1 for the last layer, 0 for all others.
    Last,
}

impl LayerWeights {
    /// `α_0` to `α_K`.
    fn of(self, layers: usize) -> Vec<f32> {
        let weight = |layer: usize| match self {
            LayerWeights::Uniform => 1.0 / (layers + 1) as f32,
            LayerWeights::Shrinking => 1.0 / (layer + 1) as f32,
            LayerWeights::Last => f32::from(u8::from(layer == layers)),
        };
        (0..=layers).map(weight).collect()
    }
}

/// LightGCN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LightGcn {
    /// The length of an embedding.
    pub factors: usize,
    /// `K`.
    pub layers: usize,
    /// `α`.
    pub layer_weights: LayerWeights,
    /// λ.
    pub regularization: f64,
    /// How triples are drawn.
    pub sampling: Sampling,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// What becomes of that.
    pub schedule: Schedule,
    /// Triples a batch.
    pub batch_size: usize,
    /// Passes over as many triples as there are interactions.
    pub epochs: usize,
    /// The standard deviation of the first embeddings.
    pub init_std: f64,
}

/// As the authors ran it in PyTorch.
impl Default for LightGcn {
    fn default() -> Self {
        Self {
            factors: 64,
            layers: 3,
            layer_weights: LayerWeights::Uniform,
            regularization: 1e-4,
            sampling: Sampling::Users,
            optimizer: Optimizer::default(),
            learning_rate: 0.001,
            schedule: Schedule::Constant,
            batch_size: 2048,
            epochs: 1000,
            init_std: 0.1,
        }
    }
}

impl Recommender for LightGcn {
    type Fitted = GraphModel;
    const NAME: &'static str = "lightgcn";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { factors: 8, epochs: 30, batch_size: 64, learning_rate: 0.02, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<GraphModel, FitError> {
        check_sizes(Self::NAME, self.factors, self.layers)?;
        if !(self.init_std.is_finite() && self.init_std >= 0.0) {
            let (model, parameter, expected) = (Self::NAME, "init_std", "a number, at least 0");
            return Err(FitError::Parameter { model, parameter, value: self.init_std, expected });
        }
        let plan = Plan {
            factors: self.factors,
            regularization: self.regularization,
            sampling: self.sampling,
            normalization: Normalization::Symmetric,
            self_connections: false,
            descent: Descent {
                optimizer: self.optimizer,
                learning_rate: self.learning_rate,
                schedule: self.schedule,
                batch_size: self.batch_size,
                epochs: self.epochs,
                ..Descent::default()
            },
            // Two layers at a time.
            shape: Shape { weights: 0, passing: 3 * self.factors, last: self.factors },
        };
        plan.fit(self, |parameters, nodes| self.network(parameters, nodes), train, run)
    }
}

impl LightGcn {
    /// A new network, its numbers among `parameters`.
    pub(crate) fn network(&self, parameters: &mut Parameters, nodes: Nodes) -> LightGcnNetwork {
        let embeddings = nodes.embeddings(parameters, self.factors, Init::Normal(self.init_std));
        let layers = self.layer_weights.of(self.layers);
        LightGcnNetwork { nodes, embeddings, layers, lambda: self.regularization }
    }
}

/// The network: which parameters are what.
pub(crate) struct LightGcnNetwork {
    nodes: Nodes,
    /// `E^(0)`.
    embeddings: WeightId,
    layers: Vec<f32>,
    lambda: f64,
}

impl Network for LightGcnNetwork {
    type Batch = Arc<Triples>;
    type Fitted = GraphModel;

    /// One propagation gives the batch's rows of `Σ α_k E^(k)` and, below them, of `E^(0)`.
    fn loss(&self, batch: &Arc<Triples>, step: &mut Step<'_>) -> Tensor<1> {
        let mut layers = vec![self.layers.clone()];
        if self.lambda > 0.0 {
            layers.push(vec![1.0]);
        }
        let reach = Arc::new(Reach::rows(batch.rows().to_vec(), layers));
        let both = propagate(step.weight(self.embeddings), &self.nodes.graph, &reach); // [2 R, D], or [R, D]
        pairwise(both, batch, self.lambda)
    }

    fn fitted(&self, parameters: &Parameters) -> GraphModel {
        let first = parameters.weight_matrix(self.embeddings);
        let (numbers, width) = (first.as_slice(), first.cols());
        let last = forwards(&self.nodes.graph, &Reach::all(vec![self.layers.clone()]), numbers, width);
        GraphModel::new(last, width, &self.nodes.trained)
    }
}
