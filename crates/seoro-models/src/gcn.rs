//! GCN: a graph convolutional network over users and items, as a recommender.
//!
//! Kipf and Welling 2017, "Semi-supervised classification with graph convolutional networks" (ICLR), with embeddings that are
//! learned where they have features of nodes, and the loss of the recommenders that it is a baseline of (Wang et al. 2019).
//!
//! ```text
//! H^(k+1) = f(D^−½ (A + I) D^−½ H^(k) W^(k))     (equation 2; A joins users and items)
//! s(u, i) = h_u · h_i                            of the last layer
//! L = 1/B Σ ln(1 + e^−(s(u, i) − s(u, j))) + λ/2B Σ (‖h_u‖² + ‖h_i‖² + ‖h_j‖²)
//! ```
//!
//! Differences from the paper: the task, and so the output: the last layer has no activation (there it goes into a softmax),
//! because the factors of a score need both signs, and a product ends the network; `H^(0)` is learned and starts, as weights
//! do, by Glorot's rule, users and items each by themselves; dropout is of what comes out of a layer and off by default. From
//! NGCF's authors' code for the same baseline: that scores with all layers side by side, by a leaky ReLU and biases; here the
//! last layer scores alone.
//!
//! A user without training events is answered as the mean of all trained users.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::gcn::Gcn;
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
//! let recipe = Gcn { factors: 8, epochs: 40, batch_size: 16, learning_rate: 0.02, ..Gcn::default() };
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let candidates = [ItemId(6), ItemId(7)];
//! let mut scores = [0.0; 2];
//! model.score(&[histories.query(UserId(0))], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::graph::{GraphModel, Nodes, Normalization, Plan, REVISION, Shape, check_share, check_sizes};
use crate::ops::numbers::{host_numbers, on_host};
use crate::ops::{Activation, Reach, Triples, dense, dropout, pairwise, propagate};
use crate::train::{Descent, Init, Network, Optimizer, Parameters, Sampling, Schedule, Step, WeightId};
use crate::{FitError, Recommender, Run, Training};
use burn::tensor::Tensor;
use seoro_core::Seed;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// GCN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gcn {
    /// The length of an embedding, and the width of every layer.
    pub factors: usize,
    /// How many layers there are.
    pub layers: usize,
    /// `f`, of all layers but the last.
    pub activation: Activation,
    /// What an edge weighs.
    pub normalization: Normalization,
    /// The share of each layer's numbers that are dropped while learning.
    pub dropout: f64,
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
}

/// Two layers as in the paper; the rest is ours, as no paper prints it.
impl Default for Gcn {
    fn default() -> Self {
        Self {
            factors: 64,
            layers: 2,
            activation: Activation::Relu,
            normalization: Normalization::Symmetric,
            dropout: 0.0,
            regularization: 1e-4,
            sampling: Sampling::Users,
            optimizer: Optimizer::default(),
            learning_rate: 0.001,
            schedule: Schedule::Constant,
            batch_size: 2048,
            epochs: 400,
        }
    }
}

impl Recommender for Gcn {
    type Fitted = GraphModel;
    const NAME: &'static str = "gcn";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { factors: 8, epochs: 30, batch_size: 64, learning_rate: 0.02, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<GraphModel, FitError> {
        check_sizes(Self::NAME, self.factors, self.layers)?;
        check_share(Self::NAME, "dropout", self.dropout)?;
        let plan = Plan {
            factors: self.factors,
            regularization: self.regularization,
            sampling: self.sampling,
            normalization: self.normalization,
            self_connections: true,
            descent: Descent {
                optimizer: self.optimizer,
                learning_rate: self.learning_rate,
                schedule: self.schedule,
                batch_size: self.batch_size,
                epochs: self.epochs,
                ..Descent::default()
            },
            // Of each layer what comes near, what comes out and what is dropped of it, and their gradients.
            shape: Shape {
                weights: self.layers * self.factors * self.factors,
                passing: 6 * self.factors * (self.layers + 1),
                last: self.factors,
            },
        };
        plan.fit(self, |parameters, nodes| self.network(parameters, nodes), train, run)
    }
}

impl Gcn {
    /// A new network, its numbers among `parameters`.
    pub(crate) fn network(&self, parameters: &mut Parameters, nodes: Nodes) -> GcnNetwork {
        let embeddings = nodes.embeddings(parameters, self.factors, Init::Glorot);
        let shape = [self.factors; 2];
        let weight = |layer: usize| parameters.weight(&format!("{}.weight", layer + 1), shape, Init::Glorot);
        let weights = (0..self.layers).map(weight).collect();
        let (activation, share, lambda) = (self.activation, self.dropout, self.regularization);
        GcnNetwork { nodes, embeddings, weights, activation, share, lambda }
    }
}

/// The network: which parameters are what.
pub(crate) struct GcnNetwork {
    nodes: Nodes,
    embeddings: WeightId,
    /// `[D, D]` each.
    weights: Vec<WeightId>,
    activation: Activation,
    share: f64,
    lambda: f64,
}

impl GcnNetwork {
    /// The last layer of the nodes of `rows`, or of all, `[R, D]`; with a seed, numbers are dropped.
    fn outputs(&self, numbers: &Numbers, rows: Option<&[u32]>, drops: Option<Seed>) -> Tensor<2> {
        let reach = |is_last: bool, layers: Vec<f32>| match rows {
            Some(rows) if is_last => Arc::new(Reach::rows(rows.to_vec(), vec![layers])),
            _ => Arc::new(Reach::all(vec![layers])),
        };
        let depth = numbers.weights.len();
        let mut hidden = numbers.embeddings.clone();
        if depth == 0 {
            return propagate(hidden, &self.nodes.graph, &reach(true, vec![1.0]));
        }
        for (layer, weight) in numbers.weights.iter().enumerate() {
            let is_last = layer + 1 == depth;
            let near = propagate(hidden, &self.nodes.graph, &reach(is_last, vec![0.0, 1.0])); // [R, D]
            let activation = if is_last { Activation::Linear } else { self.activation };
            let zeros = Tensor::zeros([1, weight.dims()[1]], &near.device().without_autodiff());
            let zeros = if near.is_autodiff() { zeros.autodiff() } else { zeros };
            hidden = dense(near, weight.clone(), zeros, activation);
            if let Some(seed) = drops {
                hidden = dropout(hidden, self.share, seed.index(layer as u64));
            }
        }
        hidden
    }
}

/// The network's numbers, where it is computed.
struct Numbers {
    embeddings: Tensor<2>,
    weights: Vec<Tensor<2>>,
}

impl Network for GcnNetwork {
    type Batch = Arc<Triples>;
    type Fitted = GraphModel;

    fn loss(&self, batch: &Arc<Triples>, step: &mut Step<'_>) -> Tensor<1> {
        let embeddings = step.weight(self.embeddings);
        let weights = self.weights.iter().map(|&weight| step.weight(weight)).collect();
        let seed = step.seed("dropout");
        let last = self.outputs(&Numbers { embeddings, weights }, Some(batch.rows()), Some(seed));
        pairwise(last, batch, self.lambda)
    }

    fn fitted(&self, parameters: &Parameters) -> GraphModel {
        let tensor = |weight: WeightId| on_host(parameters.weight_matrix(weight));
        let weights = self.weights.iter().map(|&weight| tensor(weight)).collect();
        let numbers = Numbers { embeddings: tensor(self.embeddings), weights };
        let last = self.outputs(&numbers, None, None);
        let width = last.dims()[1];
        GraphModel::new(host_numbers(last), width, &self.nodes.trained)
    }
}
