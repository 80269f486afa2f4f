//! Singular vectors of what is taken together: the baseline of Barkan and Koenigstein, "Item2Vec: Neural Item Embedding for
//! Collaborative Filtering", MLSP 2016 (section 4); with [`Association::Ppmi`] that of Levy, Goldberg and Dagan, "Improving
//! Distributional Similarity with Lessons Learned from Word Embeddings", TACL 2015.
//!
//! With `c_ij` users who took both of two items, and row sums `r_i`, the matrix A holds `c_ij / √(r_i r_j)`, and A ≈ U S Vᵀ.
//! An item is a row of `U √S`. Score of item i for a user who took H: the mean over H of the cosines of h and i.
//!
//! Differences from the papers: they compare items and recommend to nobody; the user as a mean is ours. The vectors come from
//! a randomised range finder (see `svd`); A is symmetric, so that right singular vectors take the place of left ones.

use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::run::check;
use crate::similarity::compressed;
use crate::svd::RangeFinder;
use crate::taken::{TakenItems, units};
use crate::{FitError, Recommender, Run, Training};
use rayon::prelude::*;
use seoro_core::{Csr, Embed, Items, Matrix, Query, Score, ScoreError, score_by_vectors};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The recipe of co-occurrence SVD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CooccurrenceSvd {
    /// How many singular vectors; at most as many as there are items are kept.
    pub factors: usize,
    /// What the matrix holds.
    pub association: Association,
    /// q: how often the random subspace is multiplied by the matrix once more.
    pub power_iterations: usize,
    /// p: how many dimensions the random subspace has beyond the factors.
    pub oversampling: usize,
}

/// What the matrix holds of two items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Association {
    /// `c_ij / √(r_i r_j)`.
    #[default]
    Normalised,
    /// Positive pointwise mutual information: `max(0, ln(c_ij R / (r_i r_j)) − ln shift)`, with R the sum of all.
    Ppmi {
        /// The number of negatives that skip-gram would draw; 1 shifts nothing.
        shift: f32,
    },
}

impl Default for CooccurrenceSvd {
    fn default() -> Self {
        Self { factors: 100, association: Association::Normalised, power_iterations: 7, oversampling: 20 }
    }
}

/// A fitted co-occurrence SVD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CooccurrenceSvdModel {
    taken: TakenItems,
}

impl Recommender for CooccurrenceSvd {
    type Fitted = CooccurrenceSvdModel;
    const NAME: &'static str = "cooccurrence-svd";
    const REVISION: u32 = 1;

    /// As many factors as the checkerboard has colours.
    fn checked() -> Self {
        Self { factors: 2, ..Self::default() }
    }

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<CooccurrenceSvdModel, FitError> {
        let model = Self::NAME;
        self.check()?;
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model });
        }
        let by_user = histories.matrix();
        let width = histories.n_items().min(self.factors.saturating_add(self.oversampling));
        // Each user's items meet each other, in a row of the matrix and in the matrix that is made of the rows; both grow by doubling.
        let pairs: u64 = (0..by_user.rows()).map(|user| (by_user.columns(user).len() as u64).pow(2)).sum();
        let most = pairs.min((histories.n_items() as u64).pow(2));
        let range = RangeFinder { width, power_iterations: self.power_iterations, seed: run.seed };
        let dense = range.bytes(histories.n_items(), histories.n_items());
        run.reserve(model, dense.saturating_add(32 * most).saturating_add(32 * histories.n_events() as u64))?;
        let (pool, cancel) = (run.pool()?, run.cancel);
        let factors = self.factors.min(histories.n_items());
        let svd = pool.install(|| {
            let together = self.associated(&by_user, || check(cancel))?;
            range.svd(model, &together, &together, factors, cancel)
        })?;
        let mut items = svd.right;
        for row in 0..items.rows() {
            let numbers = items.row_mut(row).iter_mut().zip(&svd.values);
            numbers.for_each(|(number, value)| *number *= value.sqrt());
        }
        Ok(CooccurrenceSvdModel { taken: TakenItems::new(units(&items), None, histories) })
    }
}

impl CooccurrenceSvd {
    fn check(&self) -> Result<(), FitError> {
        let model = Self::NAME;
        if !(1..=MAX_FACTORS).contains(&self.factors) {
            let (parameter, expected, value) = ("factors", FACTORS_EXPECTED, self.factors as f64);
            return Err(FitError::Parameter { model, parameter, value, expected });
        }
        match self.association {
            Association::Ppmi { shift } if !(shift.is_finite() && shift > 0.0) => {
                let (parameter, value, expected) = ("shift", f64::from(shift), "a positive number");
                Err(FitError::Parameter { model, parameter, value, expected })
            }
            _ => Ok(()),
        }
    }

    /// The symmetric matrix of how two items go together, by the users' items `[U, I]`.
    fn associated(
        &self,
        by_user: &Csr,
        go_on: impl Fn() -> Result<(), FitError> + Sync,
    ) -> Result<Csr, FitError> {
        let by_item = by_user.transpose();
        let items = by_item.rows();
        let row = |counts: &mut Vec<f32>, item: usize| {
            if item.is_multiple_of(1024) {
                go_on()?;
            }
            counts.resize(items, 0.0);
            for &user in by_item.columns(item) {
                by_user.columns(user as usize).iter().for_each(|&other| counts[other as usize] += 1.0);
            }
            let met = |(other, count): (usize, &mut f32)| {
                let count = std::mem::take(count);
                (count > 0.0 && other != item).then_some((other as u32, count))
            };
            Ok(counts.iter_mut().enumerate().filter_map(met).collect::<Vec<(u32, f32)>>())
        };
        let rows: Result<Vec<_>, FitError> = (0..items).into_par_iter().map_init(Vec::new, row).collect();
        let mut rows = rows?;
        let sums: Vec<f32> = rows.iter().map(|row| row.iter().map(|&(_, count)| count).sum()).collect();
        let total: f64 = sums.iter().map(|&sum| f64::from(sum)).sum();
        rows.par_iter_mut().enumerate().for_each(|(item, row)| {
            row.iter_mut().for_each(|(other, count)| {
                let expected = f64::from(sums[item]) * f64::from(sums[*other as usize]);
                *count = match self.association {
                    Association::Normalised => (f64::from(*count) / expected.sqrt()) as f32,
                    Association::Ppmi { shift } => {
                        ((f64::from(*count) * total / expected).ln() - f64::from(shift).ln()).max(0.0) as f32
                    }
                };
            });
            row.retain(|&(_, association)| association > 0.0);
        });
        Ok(compressed(rows, items))
    }
}

impl Score for CooccurrenceSvdModel {
    fn n_items(&self) -> usize {
        self.taken.n_items()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items, out)
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }
}

impl Embed for CooccurrenceSvdModel {
    fn items(&self) -> Cow<'_, Matrix> {
        self.taken.items()
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        self.taken.queries(queries, out)
    }
}
