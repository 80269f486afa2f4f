//! RP3β: Paudel, Christoffel, Newell and Bernstein, "Updatable, Accurate, Diverse, and Scalable Recommendations for
//! Interactive Applications", TiiS 2017 (with the P³α of Cooper et al., WWW 2014).
//!
//! Score of item i for a user with the items H: `Σ_{j ∈ H} w_ji`, with
//! `w_ji = Σ_u (x_uj / d_j)^α (x_ui / d_u)^α / d_i^β`: a random walk of three steps whose popular ends are discounted.
//!
//! Differences from the paper: the first step's division by the user's own degree is left out, as it does not change a
//! user's order; the walk is exact, not sampled; of each item j only the `neighbours` largest weights are kept, as in the
//! framework of Ferrari Dacrema et al., which then keeps as many of each item i as well.

use crate::item_knn::ItemKnnModel;
use crate::rows::value_matrix;
use crate::{FitError, Recommender, Run, Training, similarity};
use seoro_core::Csr;
use serde::{Deserialize, Serialize};

/// The recipe of RP3β.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rp3Beta {
    /// α: the power of a step's probability.
    pub alpha: f32,
    /// β: how much popular items are discounted.
    pub beta: f32,
    /// How many items each item of a history votes for.
    pub neighbours: usize,
    /// Whether the weights that an item j keeps are divided by their sum, `Σ_i w_ji = 1`, so that every item of a history
    /// has one vote (`normalize_similarity` in the framework of Ferrari Dacrema et al., 2019).
    pub normalize_similarity: bool,
}

/// Plain probabilities, and about the β that the paper finds for MovieLens.
impl Default for Rp3Beta {
    fn default() -> Self {
        Self { alpha: 1.0, beta: 0.6, neighbours: 100, normalize_similarity: false }
    }
}

impl Recommender for Rp3Beta {
    type Fitted = ItemKnnModel;
    const NAME: &'static str = "rp3-beta";
    const REVISION: u32 = 1;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<ItemKnnModel, FitError> {
        let model = Self::NAME;
        self.check()?;
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model });
        }
        let (items, pool) = (histories.n_items(), run.pool()?);
        let threads = pool.current_num_threads();
        run.reserve(model, similarity::bytes(items, self.neighbours, histories.n_events(), threads))?;
        let mut to_items = value_matrix(model, histories, false)?;
        let mut to_users = to_items.transpose();
        let degrees: Vec<f32> = (0..items).map(|item| to_users.columns(item).len() as f32).collect();
        self.probabilities(&mut to_items);
        self.probabilities(&mut to_users);
        let discounts: Vec<f32> = degrees.iter().map(|degree| degree.max(1.0).powf(-self.beta)).collect();
        let cancel = run.cancel;
        let mut weights = pool.install(|| {
            similarity::top_products(&to_users, &to_items, self.neighbours, cancel, |_, end, walks| {
                walks * discounts[end]
            })
        })?;
        if self.normalize_similarity {
            similarity::divide_by_sums(&mut weights);
        }
        Ok(ItemKnnModel::new(weights, None, degrees, false))
    }
}

impl Rp3Beta {
    fn check(&self) -> Result<(), FitError> {
        let numbers = [("alpha", self.alpha), ("beta", self.beta), ("neighbours", self.neighbours as f32)];
        for (parameter, value) in numbers {
            let (model, least) = (Self::NAME, if parameter == "neighbours" { 1.0 } else { 0.0 });
            if !(value.is_finite() && value >= least) {
                let (value, expected) = (f64::from(value), "numbers of at least 0, and one neighbour");
                return Err(FitError::Parameter { model, parameter, value, expected });
            }
        }
        Ok(())
    }

    /// Turns each row of ones into the probabilities of a step, to the power of α.
    fn probabilities(&self, rows: &mut Csr) {
        for row in 0..rows.rows() {
            let degree = rows.columns(row).len() as f32;
            rows.values_mut(row).fill(degree.recip().powf(self.alpha));
        }
    }
}
