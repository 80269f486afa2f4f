//! AutoRec: an autoencoder of rows of ratings, of which most cells are unknown.
//!
//! Sedhain, Menon, Sanner and Xie 2015, "AutoRec: autoencoders meet collaborative filtering" (WWW). A row `r` is an item's
//! ratings (I-AutoRec) or a user's (U-AutoRec); unknown cells are 0 on the way in and play no part on the way out.
//!
//! ```text
//! h(r) = f(W g(V r + μ) + b)                                              (equation 2)
//! L = Σ_rows Σ_known (r_c − h(r)_c)² + λ/2 (‖W‖² + ‖V‖²)                  (equation 3)
//! ```
//!
//! The gradient is that of this divided by the number of rows, as the mean over a batch's rows stands for the sum; RProp, which
//! the paper uses on the whole objective, sees only signs.
//!
//! Differences from the paper: where `f` is bounded (a sigmoid), its range stands for that of the ratings, which the paper must
//! do in some way and does not say, and errors count as those of ratings; predictions are kept within the scale, as in the
//! authors' code within the range of training ratings. That code also puts out the hidden layer as bits (`binary`), which the
//! paper does not mention.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Log, Score, Seed, UserId, Vocab};
//! use seoro_models::autorec::AutoRec;
//! use seoro_models::{Recommender, Run, Training};
//! use std::sync::Arc;
//!
//! // Users and items of two kinds: 5 for items of the own kind, 1 for the others. User 0 has not rated items 2 and 3.
//! let pairs = || (0..8u32).flat_map(|user| (0..10u32).map(move |item| (user, item))).filter(|p| p.0 > 0 || p.1 / 2 != 1);
//! let (users, items) = (pairs().map(|pair| UserId(pair.0)).collect(), pairs().map(|pair| ItemId(pair.1)).collect());
//! let ratings = pairs().map(|(user, item)| if user % 2 == item % 2 { 5.0 } else { 1.0 }).collect();
//! let (user_vocab, item_vocab) = (Arc::new(Vocab::numbered(8)), Arc::new(Vocab::numbered(10)));
//! let log = Log::new(users, items, Some(ratings), None, user_vocab, item_vocab)?;
//! let histories = Histories::new(&log);
//! let recipe = AutoRec { hidden: 4, epochs: 100, regularization: 0.01, ..AutoRec::default() };
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let asked = histories.query(UserId(0));
//! let mut ratings = [0.0; 2];
//! let rate = model.rate().expect("it predicts ratings");
//! rate.rate(&[(asked, ItemId(2)), (asked, ItemId(3))], &mut ratings)?;
//! assert!(ratings[0] > 4.0 && ratings[1] < 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::autoencoder::{AutoencoderModel, Corruption, Layers, Learn, Plan, REVISION, RowLoss};
use crate::ops::Activation;
use crate::train::{Descent, Init, Optimizer, Rprop};
use crate::{FitError, Recommender, Run, Side, Training};
use serde::{Deserialize, Serialize};

/// AutoRec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoRec {
    /// Whose rows: `items` is I-AutoRec, `users` U-AutoRec.
    pub rows: Side,
    /// `k`.
    pub hidden: usize,
    /// `g`.
    pub hidden_activation: Activation,
    /// `f`.
    pub output_activation: Activation,
    /// Whether the hidden layer puts out 1 where `g` is above ½, else 0, with the gradient of `g`.
    pub binary: bool,
    /// λ.
    pub regularization: f64,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate; of RProp the first step.
    pub learning_rate: f64,
    /// Rows a batch; left out, all of them, which RProp needs: signs of gradients of a few rows are mostly noise.
    pub batch_size: Option<usize>,
    /// Passes over the rows.
    pub epochs: usize,
    /// The standard deviation of the first weights.
    pub init_std: f64,
    /// The standard deviation of the first biases.
    pub init_std_bias: f64,
    /// The lowest and the highest rating; left out, those in training.
    pub scale: Option<[f64; 2]>,
    /// The rating where the user or the item has none in training (the paper: 3); left out, the mean of all.
    pub unseen: Option<f64>,
}

/// I-AutoRec as the paper has it, with the first weights, λ and number of steps of its authors' code, which takes them by L-BFGS
/// where the paper says RProp; how large a step of RProp is at first and at most is ours.
impl Default for AutoRec {
    fn default() -> Self {
        Self {
            rows: Side::Items,
            hidden: 500,
            hidden_activation: Activation::Sigmoid,
            output_activation: Activation::Linear,
            binary: false,
            regularization: 400.0,
            optimizer: Optimizer::Rprop(Rprop { most: 1.0, ..Rprop::default() }),
            learning_rate: 0.01,
            batch_size: None,
            epochs: 500,
            init_std: 0.01,
            init_std_bias: 0.001,
            scale: None,
            unseen: None,
        }
    }
}

impl Recommender for AutoRec {
    type Fitted = AutoencoderModel;
    const NAME: &'static str = "autorec";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;
    const LEARNS_RATINGS: bool = true;

    fn checked() -> Self {
        Self { hidden: 8, epochs: 60, regularization: 0.01, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<AutoencoderModel, FitError> {
        let plan = Plan {
            side: self.rows,
            learn: Learn::Ratings { scale: self.scale, unseen: self.unseen },
            layers: Layers {
                hidden: self.hidden,
                hidden_activation: self.hidden_activation,
                output_activation: self.output_activation,
                binary: self.binary,
                tied: false,
                nodes: false,
                decays_biases: false,
            },
            loss: RowLoss::Squared,
            corruption: Corruption::None,
            regularization: self.regularization,
            init: (Init::Normal(self.init_std), Init::Normal(self.init_std_bias)),
            descent: Descent {
                optimizer: self.optimizer,
                learning_rate: self.learning_rate,
                batch_size: self.batch_size.unwrap_or(MOST_ROWS),
                epochs: self.epochs,
                ..Descent::default()
            },
        };
        plan.fit(self, train, run)
    }
}

/// As many rows as a batch may have.
const MOST_ROWS: usize = 1 << 24;
