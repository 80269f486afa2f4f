//! NGCF: embeddings that carry messages of neighbours, and of what two neighbours have in common, from layer to layer.
//!
//! Wang, He, Wang, Feng and Chua 2019, "Neural graph collaborative filtering" (SIGIR), by the authors' code.
//!
//! ```text
//! M^(k) = Â E^(k)                                          (`added`: (Â E^(k) + E^(k)) in the first term, Â E^(k) in the second)
//! E^(k+1) = drop(f(M^(k) W1 + b1) + f((E^(k) ∘ M^(k)) W2 + b2))         f(x) = max(x, 0.2 x)
//! e = [e^(0); e^(1)/‖e^(1)‖; …; e^(K)/‖e^(K)‖]
//! s(u, i) = e_u · e_i
//! L = 1/B Σ ln(1 + e^−(s(u, i) − s(u, j))) + λ/2B Σ (‖e_u‖² + ‖e_i‖² + ‖e_j‖²)
//! ```
//!
//! What the authors' code does and the paper does not, all of which is done here:
//! - `Â` is `D⁻¹ (A + I)` (`left`), where equation 8 has `D^−½ A D^−½`; both terms see it, self-connections included, where
//!   equation 7 has `Â + I` in the first term and `Â` alone in the second (`added` is that; `symmetric` is
//!   `D^−½ (A + I) D^−½`);
//! - the activation bends each of the two terms before they are added (equation 7: their sum);
//! - layers have biases, which start by Xavier's rule as weights do;
//! - each layer's output is divided by its norm on its way into the final embedding, and goes on to the next layer as it is;
//! - λ weighs the final embeddings of a batch, as often as it names them and after dropout, divided by the size of the batch
//!   (equation 11: all parameters);
//! - dropout of nodes drops entries of `Â`, a direction apart from the other, anew in each step, the same for all layers (the
//!   paper: nodes with all their messages); dropout of messages drops numbers of each layer's output.
//!
//! Different from both: a batch may name a user more than once (the code draws the users of a batch without repetition where
//! there are enough); the last batch of an epoch is what is left (the code fills it); Adam's ε is added to the corrected root
//! (see [`Adam`](crate::train::Adam)); messages are dropped to 16 bits of their share.
//!
//! A user without training events is answered as the mean of all trained users.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::ngcf::Ngcf;
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
//! let recipe = Ngcf { factors: 8, layers: vec![8], epochs: 40, batch_size: 16, learning_rate: 0.02, ..Ngcf::default() };
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let candidates = [ItemId(6), ItemId(7)];
//! let mut scores = [0.0; 2];
//! model.score(&[histories.query(UserId(0))], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod network;

use crate::graph::{GraphModel, Normalization, Plan, REVISION, Shape, check_share, check_sizes};
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::train::{Descent, Optimizer, Sampling, Schedule};
use crate::{FitError, Recommender, Run, Training};
use serde::{Deserialize, Serialize};

/// `Â`, and who sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Adjacency {
    /// `D⁻¹ (A + I)` in both terms: the authors' code.
    #[default]
    Left,
    /// `D^−½ (A + I) D^−½` in both terms.
    Symmetric,
    /// `D^−½ A D^−½` in both terms, and `I` added to it in the first: equation 7.
    Added,
}

/// NGCF.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ngcf {
    /// The length of the first embeddings.
    pub factors: usize,
    /// The width of each layer.
    pub layers: Vec<usize>,
    /// `Â`.
    pub adjacency: Adjacency,
    /// The share of each layer's numbers that are dropped while learning.
    pub message_dropout: f64,
    /// The share of the entries of `Â` that are.
    pub node_dropout: f64,
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

/// As the authors ran it on Gowalla.
impl Default for Ngcf {
    fn default() -> Self {
        Self {
            factors: 64,
            layers: vec![64; 3],
            adjacency: Adjacency::Left,
            message_dropout: 0.1,
            node_dropout: 0.0,
            regularization: 1e-5,
            sampling: Sampling::Users,
            optimizer: Optimizer::default(),
            learning_rate: 1e-4,
            schedule: Schedule::Constant,
            batch_size: 1024,
            epochs: 400,
        }
    }
}

impl Recommender for Ngcf {
    type Fitted = GraphModel;
    const NAME: &'static str = "ngcf";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self {
            factors: 8,
            layers: vec![8; 2],
            epochs: 30,
            batch_size: 64,
            learning_rate: 0.02,
            ..Self::default()
        }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<GraphModel, FitError> {
        let model = Self::NAME;
        check_sizes(model, self.factors, self.layers.len())?;
        check_share(model, "message_dropout", self.message_dropout)?;
        check_share(model, "node_dropout", self.node_dropout)?;
        if let Some(&width) = self.layers.iter().find(|width| !(1..=MAX_FACTORS).contains(*width)) {
            let (value, expected) = (width as f64, FACTORS_EXPECTED);
            return Err(FitError::Parameter { model, parameter: "layers", value, expected });
        }
        let widths = self.widths();
        let of_layers: usize = widths.iter().sum();
        let plan = Plan {
            factors: self.factors,
            regularization: self.regularization,
            sampling: self.sampling,
            normalization: match self.adjacency {
                Adjacency::Left => Normalization::Left,
                _ => Normalization::Symmetric,
            },
            self_connections: self.adjacency != Adjacency::Added,
            descent: Descent {
                optimizer: self.optimizer,
                learning_rate: self.learning_rate,
                schedule: self.schedule,
                batch_size: self.batch_size,
                epochs: self.epochs,
                ..Descent::default()
            },
            // Of each layer messages, products, both terms, their sum and what is dropped of it, and their gradients.
            shape: Shape {
                weights: widths.windows(2).map(|pair| 2 * (pair[0] + 1) * pair[1]).sum(),
                passing: 12 * of_layers,
                last: of_layers,
            },
        };
        plan.fit(self, |parameters, nodes| self.network(parameters, nodes), train, run)
    }
}

impl Ngcf {
    /// The widths of the layers, with that of the first embeddings before them.
    fn widths(&self) -> Vec<usize> {
        std::iter::once(self.factors).chain(self.layers.iter().copied()).collect()
    }
}
