//! AE and DAE: an autoencoder with one hidden layer over rows of ratings or of interactions, and one that learns to undo
//! corruption.
//!
//! Vincent, Larochelle, Bengio and Manzagol 2008, "Extracting and composing robust features with denoising autoencoders"
//! (ICML). A row `x` is a user's or an item's; the cells that are not known are 0 on the way in.
//!
//! ```text
//! x̃ ~ q(x̃ | x)      h = f(Vᵀ x̃ + μ)      y = g(W h + b)
//! L = 1/R (Σ_rows Σ_cells ℓ(x, y) + λ/2 (‖V‖² + ‖W‖²))        of ratings
//! L = 1/R Σ_rows Σ_cells ℓ(x, y) + λ/2 (‖V‖² + ‖W‖²)          of interactions
//! ```
//!
//! Of interactions, rows of `V` and `W` decay in those steps that read them, whatever share of the batch reads them: λ and the
//! number of rows a batch are chosen together.
//!
//! Of ratings the cells learned from are the known ones, `ℓ` is the squared error; of interactions they are a user's items and
//! so many others drawn for each (targets 1 and 0), as in [`cdae`](crate::cdae), whose model this is without nodes of users.
//! An autoencoder (AE) is one without corruption.
//!
//! Differences from the paper: what is learned from is not all of a row, as most cells are not known to be anything; weights
//! of the two layers are not tied unless `tied` is set. Beside the paper's corruption (`mask`) there is one that makes up for
//! what it drops (`dropout`), and normal noise (`gaussian`).
//!
//! ```
//! use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
//! use seoro_models::autoencoder::Dae;
//! use seoro_models::{Recommender, Run, Training};
//! use std::sync::Arc;
//!
//! // Even users have the even items, odd users the odd ones.
//! let pairs = || (0..8).flat_map(|user| (0..10).map(move |item| (user, item))).filter(|(u, i)| u % 2 == i % 2);
//! let (users, items) = (pairs().map(|pair| UserId(pair.0)).collect(), pairs().map(|pair| ItemId(pair.1)).collect());
//! let (user_vocab, item_vocab) = (Arc::new(Vocab::numbered(8)), Arc::new(Vocab::numbered(10)));
//! let log = Log::new(users, items, None, None, user_vocab, item_vocab)?;
//! let histories = Histories::new(&log);
//! let recipe = Dae { hidden: 4, epochs: 60, batch_size: 4, ..Dae::default() };
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! // Whoever has items 0 and 4 would like 6 more than 7: nobody need have been met before.
//! let (history, candidates) = ([ItemId(0), ItemId(4)], [ItemId(6), ItemId(7)]);
//! let mut scores = [0.0; 2];
//! model.score(&[Query::new(&history)], Items::Lists(&[&candidates]), &mut scores)?;
//! assert!(scores[0] > scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod feed;
mod fit;
mod model;
mod network;
#[cfg(test)]
mod tests;

pub use model::AutoencoderModel;

pub(crate) use fit::{Learn, Plan};

use crate::mf::Feedback;
use crate::ops::Activation;
use crate::train::{Adam, Descent, Init, Optimizer};
use crate::{FitError, Recommender, Run, Side, Training};
use serde::{Deserialize, Serialize};

/// Raised whenever one of the models of this network may give other numbers than before.
pub(crate) const REVISION: u32 = 2;

/// What is done to a row on its way in, while learning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Corruption {
    /// Nothing.
    #[default]
    None,
    /// This share of the known cells becomes unknown.
    Mask(f64),
    /// This share of the known cells becomes unknown; the others are multiplied by `1 / (1 − share)`.
    Dropout(f64),
    /// A normal number with this standard deviation is added to each known cell.
    Gaussian(f64),
}

/// How far what comes out is from what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RowLoss {
    /// `(x − y)²`.
    Squared,
    /// `−x ln y − (1 − x) ln(1 − y)`, whose `y` goes through a sigmoid whatever the output's activation.
    Logistic,
}

/// The layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers {
    pub(crate) hidden: usize,
    pub(crate) hidden_activation: Activation,
    pub(crate) output_activation: Activation,
    /// Whether the hidden layer puts out bits.
    pub(crate) binary: bool,
    /// Whether the decoder is the encoder.
    pub(crate) tied: bool,
    /// Whether each row has a node of its own.
    pub(crate) nodes: bool,
    /// Whether biases decay as weights do.
    pub(crate) decays_biases: bool,
}

/// An autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ae {
    /// What is learned from.
    pub feedback: Feedback,
    /// The lowest and the highest rating; left out, those in training.
    pub scale: Option<[f64; 2]>,
    /// Whose rows.
    pub rows: Side,
    /// `K`.
    pub hidden: usize,
    /// `f`.
    pub hidden_activation: Activation,
    /// Whether `V = W`.
    pub tied: bool,
    /// Cells drawn for each interaction; of ratings none are.
    pub negatives: usize,
    /// λ: of ratings beside a sum over all rows, of interactions beside a mean.
    pub regularization: f64,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Rows a batch.
    pub batch_size: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// The standard deviation of the first weights; biases start at 0.
    pub init_std: f64,
}

/// Ours: no paper prints them.
impl Default for Ae {
    fn default() -> Self {
        Self {
            feedback: Feedback::default(),
            scale: None,
            rows: Side::default(),
            hidden: 50,
            hidden_activation: Activation::Sigmoid,
            tied: false,
            negatives: 5,
            regularization: 0.001,
            optimizer: Optimizer::Adam(Adam::default()),
            learning_rate: 0.001,
            batch_size: 16,
            epochs: 50,
            init_std: 0.05,
        }
    }
}

/// A denoising autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dae {
    /// What is done to a row on its way in, while learning.
    pub corruption: Corruption,
    /// What is learned from.
    pub feedback: Feedback,
    /// The lowest and the highest rating; left out, those in training.
    pub scale: Option<[f64; 2]>,
    /// Whose rows.
    pub rows: Side,
    /// `K`.
    pub hidden: usize,
    /// `f`.
    pub hidden_activation: Activation,
    /// Whether `V = W`.
    pub tied: bool,
    /// Cells drawn for each interaction; of ratings none are.
    pub negatives: usize,
    /// λ: of ratings beside a sum over all rows, of interactions beside a mean.
    pub regularization: f64,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Rows a batch.
    pub batch_size: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// The standard deviation of the first weights; biases start at 0.
    pub init_std: f64,
}

/// As [`Ae`]'s, with half of the cells masked.
impl Default for Dae {
    fn default() -> Self {
        Ae::default().corrupted(Corruption::Mask(0.5))
    }
}

impl Ae {
    /// The denoising autoencoder that is this one but for its corruption.
    pub fn corrupted(self, corruption: Corruption) -> Dae {
        let Ae {
            feedback,
            scale,
            rows,
            hidden,
            hidden_activation,
            tied,
            negatives,
            regularization,
            optimizer,
            learning_rate,
            batch_size,
            epochs,
            init_std,
        } = self;
        Dae {
            corruption,
            feedback,
            scale,
            rows,
            hidden,
            hidden_activation,
            tied,
            negatives,
            regularization,
            optimizer,
            learning_rate,
            batch_size,
            epochs,
            init_std,
        }
    }
}

impl Dae {
    fn plan(&self) -> Plan {
        let (learn, output_activation, loss) = match self.feedback {
            Feedback::Ratings => {
                (Learn::Ratings { scale: self.scale, unseen: None }, Activation::Linear, RowLoss::Squared)
            }
            Feedback::Implicit => {
                (Learn::Interactions { negatives: self.negatives }, Activation::Sigmoid, RowLoss::Logistic)
            }
        };
        Plan {
            side: self.rows,
            learn,
            layers: Layers {
                hidden: self.hidden,
                hidden_activation: self.hidden_activation,
                output_activation,
                binary: false,
                tied: self.tied,
                nodes: false,
                decays_biases: false,
            },
            loss,
            corruption: self.corruption,
            regularization: self.regularization,
            init: (Init::Normal(self.init_std), Init::Zeros),
            descent: Descent {
                optimizer: self.optimizer,
                learning_rate: self.learning_rate,
                batch_size: self.batch_size,
                epochs: self.epochs,
                ..Descent::default()
            },
        }
    }
}

impl Recommender for Ae {
    type Fitted = AutoencoderModel;
    const NAME: &'static str = "ae";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { hidden: 8, learning_rate: 0.01, batch_size: 4, epochs: 60, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<AutoencoderModel, FitError> {
        self.clone().corrupted(Corruption::None).plan().fit(self, train, run)
    }
}

impl Recommender for Dae {
    type Fitted = AutoencoderModel;
    const NAME: &'static str = "dae";
    const REVISION: u32 = REVISION;
    const ON_DEVICE: bool = true;

    fn checked() -> Self {
        Self { hidden: 8, learning_rate: 0.01, batch_size: 4, epochs: 60, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<AutoencoderModel, FitError> {
        self.plan().fit(self, train, run)
    }
}
