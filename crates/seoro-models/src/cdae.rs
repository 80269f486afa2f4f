//! CDAE: a denoising autoencoder of users' interactions, with a node of each user beside what goes in.
//!
//! Wu, DuBois, Zheng and Ester 2016, "Collaborative denoising auto-encoders for top-N recommender systems" (WSDM).
//!
//! ```text
//! z_u = h(Wᵀ ỹ_u + V_u + b)                                               (equation 8)
//! ŷ_ui = f(W′_i · z_u + b′_i)                                             (equation 9)
//! L = 1/U Σ_u Σ_{i ∈ O_u ∪ S_u} ℓ(y_ui, ŷ_ui) + λ/2 (‖W‖² + ‖W′‖² + ‖V‖² + ‖b‖² + ‖b′‖²)
//! ```
//!
//! `ỹ` is `y` with a share `q` of its ones dropped and the others multiplied by `1 / (1 − q)`; `O_u` are the user's items, `S_u`
//! some others drawn anew each epoch. A user is asked about with all items and no corruption.
//!
//! The paper's variants: M1 (`linear`, `linear`, `squared`), M2 (`linear`, `sigmoid`, `logistic`), M3 (`sigmoid`, `linear`,
//! `squared`), M4 (`sigmoid`, `sigmoid`, `logistic`).
//!
//! Differences from the paper: rows and biases decay in those steps that read them, as in the authors' code, which takes a step
//! a user: with more users a batch, λ is another; the squared loss
//! has no factor ½, which is another λ; AdaGrad's β is added to the root of the sum of squares. A user without training events
//! has the mean of all nodes.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::cdae::Cdae;
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
//! let model = Cdae { hidden: 4, ..Cdae::default() }.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let candidates = [ItemId(6), ItemId(7)];
//! let mut scores = [0.0; 2];
//! model.score(&[histories.query(UserId(0))], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::autoencoder::{AutoencoderModel, Corruption, Layers, Learn, Plan, REVISION, RowLoss};
use crate::ops::Activation;
use crate::train::{Adagrad, Descent, Init, Optimizer};
use crate::{FitError, Recommender, Run, Side, Training};
use serde::{Deserialize, Serialize};

/// CDAE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cdae {
    /// `K`.
    pub hidden: usize,
    /// `q`, dropped.
    pub corruption: f64,
    /// `h`.
    pub hidden_activation: Activation,
    /// `f`.
    pub output_activation: Activation,
    /// ℓ.
    pub loss: RowLoss,
    /// Whether `W = W′`.
    pub tied: bool,
    /// Whether there is `V`; the paper's DAE is without.
    pub user_nodes: bool,
    /// Items drawn for each event.
    pub negatives: usize,
    /// λ.
    pub regularization: f64,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Users a batch.
    pub batch_size: usize,
    /// Passes over the users.
    pub epochs: usize,
}

/// M4 as the paper has it: AdaGrad with β = 1, 5 negatives, K = 50; λ and the number of epochs are ours.
impl Default for Cdae {
    fn default() -> Self {
        Self {
            hidden: 50,
            corruption: 0.2,
            hidden_activation: Activation::Sigmoid,
            output_activation: Activation::Sigmoid,
            loss: RowLoss::Logistic,
            tied: false,
            user_nodes: true,
            negatives: 5,
            regularization: 0.01,
            optimizer: Optimizer::Adagrad(Adagrad { epsilon: 1.0, initial: 0.0 }),
            learning_rate: 0.1,
            batch_size: 1,
            epochs: 50,
        }
    }
}

impl Recommender for Cdae {
    type Fitted = AutoencoderModel;
    const NAME: &'static str = "cdae";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { hidden: 8, batch_size: 4, epochs: 40, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<AutoencoderModel, FitError> {
        // The authors' code: uniform, within 4 √(6 / (I + K)).
        let limit = 4.0 * (6.0 / (train.events.n_items() + self.hidden).max(1) as f64).sqrt();
        let plan = Plan {
            side: Side::Users,
            learn: Learn::Interactions { negatives: self.negatives },
            layers: Layers {
                hidden: self.hidden,
                hidden_activation: self.hidden_activation,
                output_activation: self.output_activation,
                binary: false,
                tied: self.tied,
                nodes: self.user_nodes,
                decays_biases: true,
            },
            loss: self.loss,
            corruption: Corruption::Dropout(self.corruption),
            regularization: self.regularization,
            init: (Init::Uniform(limit), Init::Zeros),
            descent: Descent {
                optimizer: self.optimizer,
                learning_rate: self.learning_rate,
                batch_size: self.batch_size,
                epochs: self.epochs,
                ..Descent::default()
            },
        };
        plan.fit(self, train, run)
    }
}
