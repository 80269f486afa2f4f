//! RBM: a restricted Boltzmann machine of ratings, in which a row has a softmax unit for each rating it has.
//!
//! Salakhutdinov, Mnih and Hinton 2007, "Restricted Boltzmann machines for collaborative filtering" (ICML). A row is a user's
//! ratings (U-RBM, as in the paper) or an item's (I-RBM); `L` is the number of different ratings.
//!
//! ```text
//! p(v_i = l | h) ∝ exp(b_il + Σ_j h_j W_il,j)            p(h_j = 1 | v) = σ(c_j + Σ_i W_i v(i),j)      (equations 1 and 2)
//! ΔW_il,j = ε (⟨v_il h_j⟩_data − ⟨v_il h_j⟩_T − λ W_il,j)                                              (equation 6)
//! ```
//!
//! `⟨ ⟩` are means over a batch's rows; `⟨ ⟩_T` comes after `T` steps of Gibbs sampling from the data (contrastive divergence),
//! of which the last hidden units are probabilities. A rating is the mean of `p(v | p̂)`, `p̂` being the hidden units'
//! probabilities given the row's ratings (equations 8 and 9).
//!
//! Differences from the paper: visible biases start at the logarithm of how often a column has each rating, with the share of
//! that rating among all counted once more; biases do not decay. There are no conditional, factored or Gaussian variants.
//!
//! ```
//! use seoro_core::{Histories, ItemId, Log, Score, Seed, UserId, Vocab};
//! use seoro_models::{Rbm, Recommender, Run, Training};
//! use std::sync::Arc;
//!
//! // Users and items of two kinds: 5 for items of the own kind, 1 for the others. User 0 has not rated items 2 and 3.
//! let pairs = || (0..8u32).flat_map(|user| (0..10u32).map(move |item| (user, item))).filter(|p| p.0 > 0 || p.1 / 2 != 1);
//! let (users, items) = (pairs().map(|pair| UserId(pair.0)).collect(), pairs().map(|pair| ItemId(pair.1)).collect());
//! let ratings = pairs().map(|(user, item)| if user % 2 == item % 2 { 5.0 } else { 1.0 }).collect();
//! let (user_vocab, item_vocab) = (Arc::new(Vocab::numbered(8)), Arc::new(Vocab::numbered(10)));
//! let log = Log::new(users, items, Some(ratings), None, user_vocab, item_vocab)?;
//! let histories = Histories::new(&log);
//! let recipe = Rbm { hidden: 4, epochs: 200, batch_size: 8, ..Rbm::default() };
//! let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
//!
//! let asked = histories.query(UserId(0));
//! let mut ratings = [0.0; 2];
//! let rate = model.rate().expect("it predicts ratings");
//! rate.rate(&[(asked, ItemId(2)), (asked, ItemId(3))], &mut ratings)?;
//! assert!(ratings[0] > 4.0 && ratings[1] < 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fit;
mod learning;
mod machine;
mod model;
#[cfg(test)]
mod tests;

pub use model::RbmModel;

use crate::{FitError, Recommender, Run, Side, Training};
use serde::{Deserialize, Serialize};

/// A restricted Boltzmann machine of ratings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rbm {
    /// Whose rows: `users` is U-RBM, `items` I-RBM.
    pub rows: Side,
    /// Hidden units.
    pub hidden: usize,
    /// `T`.
    pub gibbs_steps: usize,
    /// ε in the first epoch.
    pub learning_rate: f64,
    /// What each epoch multiplies it with.
    pub learning_rate_decay: f64,
    /// The share of the last change that is made again.
    pub momentum: f64,
    /// λ.
    pub regularization: f64,
    /// Rows a batch.
    pub batch_size: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// The standard deviation of the first weights.
    pub init_std: f64,
    /// The lowest and the highest rating; left out, those in training.
    pub scale: Option<[f64; 2]>,
    /// The rating where the user or the item has none in training; left out, the mean of all.
    pub unseen: Option<f64>,
}

/// U-RBM about as the authors of AutoRec ran it: hidden units, learning rate and its decay, epochs, momentum at the end, λ by a
/// batch's rows. They raise momentum from .6 to .9 and the steps of Gibbs sampling from 1 to 3 on the way.
impl Default for Rbm {
    fn default() -> Self {
        Self {
            rows: Side::Users,
            hidden: 500,
            gibbs_steps: 1,
            learning_rate: 0.1,
            learning_rate_decay: 0.99,
            momentum: 0.9,
            regularization: 0.0002,
            batch_size: 500,
            epochs: 200,
            init_std: 0.01,
            scale: None,
            unseen: None,
        }
    }
}

impl Recommender for Rbm {
    type Fitted = RbmModel;
    const NAME: &'static str = "rbm";
    const REVISION: u32 = 1;
    const LEARNS_RATINGS: bool = true;

    fn checked() -> Self {
        Self { hidden: 8, batch_size: 16, gibbs_steps: 1, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<RbmModel, FitError> {
        fit::fit(self, train, run)
    }
}
