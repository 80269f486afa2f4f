//! Neural collaborative filtering: GMF, MLP and NeuMF.
//!
//! He, Liao, Zhang, Nie, Hu and Chua 2017, "Neural collaborative filtering" (WWW). The score is a logit, which the paper puts
//! through a sigmoid; that changes no order.
//!
//! ```text
//! GMF     s(u, i) = h · (p_u ∘ q_i) + b
//! MLP     s(u, i) = h · a_L(… a_1([p_u; q_i])) + b         a_l(x) = max(x W_l + b_l, 0)
//! NeuMF   s(u, i) = h · [p_u ∘ q_i; a_L(… a_1([p′_u; q′_i]))] + b
//! ```
//!
//! The loss is the logistic one (equation 7) of every event and of items drawn for it anew each epoch, uniformly among those
//! its user has no event with; the optimiser is Adam over mini-batches.
//!
//! Differences from the paper, which are those of the authors' code: embeddings start normal with a standard deviation of
//! .01, as in the paper, but layers by Glorot's rule, the last one by LeCun's, and biases at 0; the embeddings of the MLP
//! part have as many numbers as its first layer puts out (32 for 8 factors and three layers, where the paper writes
//! 32 → 16 → 8 for embeddings of 16: `embedding = 16`). Different from both: Adam's ε is added to the corrected root (see
//! [`Adam`](crate::train::Adam)).
//!
//! A user without training events, or a query without a user, is answered as the mean of all trained users: the model has no
//! way from a history to an embedding.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::ncf::NeuMf;
//! use seoro_models::{Recommender, Run, Training};
//! use std::sync::Arc;
//!
//! // Even users have the even items, odd users the odd ones; user 0 has not met item 6.
//! let pairs = || (0..8).flat_map(|user| (0..10).map(move |item| (user, item))).filter(|(u, i)| u % 2 == i % 2);
//! let pairs = || pairs().filter(|&pair| pair != (0, 6));
//! let (users, items) = (pairs().map(|pair| UserId(pair.0)).collect(), pairs().map(|pair| ItemId(pair.1)).collect());
//! let (user_vocab, item_vocab) = (Arc::new(Vocab::numbered(8)), Arc::new(Vocab::numbered(10)));
//! let log = Log::new(users, items, None, None, user_vocab, item_vocab)?;
//!
//! let recipe = NeuMf { factors: 4, epochs: 60, learning_rate: 0.02, ..NeuMf::default() };
//! let histories = Histories::new(&log);
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let mut scores = [0.0; 2];
//! let candidates = [ItemId(6), ItemId(7)];
//! model.score(&[histories.query(UserId(0))], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fit;
mod model;
mod network;
#[cfg(test)]
mod tests;

pub use model::NcfModel;

use crate::train::{Descent, Optimizer};
use crate::{FitError, Recommender, Run, Training};
use fit::Plan;
use network::Sizes;
use serde::{Deserialize, Serialize};

/// Raised whenever any of the three may give other numbers than before.
const REVISION: u32 = 2;

/// Generalized matrix factorisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gmf {
    /// The length of `p` and `q`.
    pub factors: usize,
    /// Passes over the events.
    pub epochs: usize,
    /// Pairs a batch.
    pub batch_size: usize,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Items drawn for each event.
    pub negatives: usize,
    /// The standard deviation of the first embeddings.
    pub init_std: f64,
}

/// As the authors ran it.
impl Default for Gmf {
    fn default() -> Self {
        Self {
            factors: 8,
            epochs: 20,
            batch_size: 256,
            optimizer: Optimizer::default(),
            learning_rate: 0.001,
            negatives: 4,
            init_std: 0.01,
        }
    }
}

/// A multi-layer perceptron over two embeddings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mlp {
    /// The width of the last layer; each layer before is twice as wide as the next.
    pub factors: usize,
    /// Layers; 0 puts the embeddings straight to the output.
    pub layers: usize,
    /// The length of `p` and `q`; left out, as many as the first layer puts out, or half of `factors` without a layer.
    pub embedding: Option<usize>,
    /// Passes over the events.
    pub epochs: usize,
    /// Pairs a batch.
    pub batch_size: usize,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Items drawn for each event.
    pub negatives: usize,
    /// The standard deviation of the first embeddings.
    pub init_std: f64,
}

/// As the authors ran it.
impl Default for Mlp {
    fn default() -> Self {
        let Gmf { factors, epochs, batch_size, optimizer, learning_rate, negatives, init_std } =
            Gmf::default();
        Self {
            factors,
            layers: 3,
            embedding: None,
            epochs,
            batch_size,
            optimizer,
            learning_rate,
            negatives,
            init_std,
        }
    }
}

/// GMF and MLP side by side, with embeddings of their own, joined in the last layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeuMf {
    /// The length of GMF's embeddings, and the width of MLP's last layer.
    pub factors: usize,
    /// Layers of the MLP part.
    pub layers: usize,
    /// The length of the MLP part's embeddings; left out, as in [`Mlp`].
    pub embedding: Option<usize>,
    /// Passes over the events.
    pub epochs: usize,
    /// Pairs a batch.
    pub batch_size: usize,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Items drawn for each event.
    pub negatives: usize,
    /// The standard deviation of the first embeddings.
    pub init_std: f64,
    /// Starts from a GMF and an MLP that were trained by themselves; the authors go on with plain SGD then.
    pub pretraining: Option<Pretraining>,
}

/// As the authors ran it, without pre-training.
impl Default for NeuMf {
    fn default() -> Self {
        let Mlp {
            factors,
            layers,
            embedding,
            epochs,
            batch_size,
            optimizer,
            learning_rate,
            negatives,
            init_std,
        } = Mlp::default();
        Self {
            factors,
            layers,
            embedding,
            epochs,
            batch_size,
            optimizer,
            learning_rate,
            negatives,
            init_std,
            pretraining: None,
        }
    }
}

/// How the parts of [`NeuMf`] are trained by themselves (section 3.4.1): with its sizes, batches and negatives.
///
/// It belongs to the first epoch: a fit killed within it begins it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pretraining {
    /// Passes over the events, for each part.
    pub epochs: usize,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// α: the joint last layer is `[α h_GMF; (1 − α) h_MLP]`.
    pub alpha: f64,
}

/// The paper's α, and the rest as the authors ran it.
impl Default for Pretraining {
    fn default() -> Self {
        Self { epochs: 20, optimizer: Optimizer::default(), learning_rate: 0.001, alpha: 0.5 }
    }
}

/// The plan of a recipe, from the hyper-parameters that all recipes have.
macro_rules! plan {
    ($recipe:expr, $gmf:expr, $mlp:expr) => {
        Plan {
            gmf: $gmf,
            mlp: $mlp,
            descent: Descent {
                optimizer: $recipe.optimizer,
                learning_rate: $recipe.learning_rate,
                batch_size: $recipe.batch_size,
                epochs: $recipe.epochs,
                ..Descent::default()
            },
            negatives: $recipe.negatives,
            init_std: $recipe.init_std,
            pretraining: None,
        }
    };
}

impl Recommender for Gmf {
    type Fitted = NcfModel;
    const NAME: &'static str = "gmf";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { factors: 2, epochs: 10, batch_size: 64, learning_rate: 0.02, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<NcfModel, FitError> {
        plan!(self, Some(self.factors), None).fit(self, train, run)
    }
}

impl Recommender for Mlp {
    type Fitted = NcfModel;
    const NAME: &'static str = "mlp";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { factors: 2, epochs: 5, batch_size: 64, learning_rate: 0.02, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<NcfModel, FitError> {
        let sizes = Sizes { factors: self.factors, layers: self.layers, embedding: self.embedding };
        plan!(self, None, Some(sizes)).fit(self, train, run)
    }
}

impl Recommender for NeuMf {
    type Fitted = NcfModel;
    const NAME: &'static str = "neumf";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { factors: 2, epochs: 5, batch_size: 64, learning_rate: 0.02, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<NcfModel, FitError> {
        let sizes = Sizes { factors: self.factors, layers: self.layers, embedding: self.embedding };
        let plan =
            Plan { pretraining: self.pretraining.clone(), ..plan!(self, Some(self.factors), Some(sizes)) };
        plan.fit(self, train, run)
    }
}
