//! iALS: Rendle, Krichene, Zhang and Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks",
//! RecSys 2022; the model and its alternating solves are those of Hu, Koren and Volinsky, "Collaborative Filtering for
//! Implicit Feedback Datasets", ICDM 2008.
//!
//! Score of item i for user u: `ŷ_ui = ⟨x_u, y_i⟩`. With S the observed pairs, the factors minimise
//! `Σ_S (ŷ − 1)² + α₀ Σ_{u,i} ŷ² + Σ_u λ_u‖x_u‖² + Σ_i λ_i‖y_i‖²`, where `λ_u = λ (|S_u| + α₀|I|)^ν` and
//! `λ_i = λ (|S_i| + α₀|U|)^ν`. With [`Weighting::Confidence`] the first two sums are
//! those of Hu et al.: `Σ_{u,i} c_ui (p_ui − ŷ_ui)²`, `c_ui = α₀ + α r_ui`.
//!
//! Differences from the paper, none of which changes what is minimised:
//! - Each epoch solves the items first and the users second, so that a known user's vector is the one that fold-in gives
//!   to the same history. Only the users' initial vectors matter for that reason.
//! - Solves are exact. Before each half epoch the fixed side is rotated so that its gram matrix is diagonal, and a row
//!   with fewer interactions than factors is solved in the space of its interactions: see `solve`.

mod model;
mod solve;
#[cfg(test)]
mod tests;

pub use model::IalsModel;

use crate::epochs::{Plain, by_epochs};
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::{FitError, Recommender, Run, Training};
use rayon::prelude::*;
use seoro_core::{Csr, Histories, Matrix, Query, UserId};
use serde::{Deserialize, Serialize};
use solve::{Solver, diagonalise};
use std::sync::atomic::AtomicBool;

/// The recipe of iALS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ials {
    /// d, the length of a vector.
    pub factors: usize,
    /// How often both sides are solved.
    pub epochs: usize,
    /// α₀, the weight of every pair, observed or not; 1 in Hu et al.
    pub unobserved: f32,
    /// λ, the L2 penalty; must be positive.
    pub regularization: f32,
    /// ν, how the penalty grows with a row's weight: 0 for none (Hu et al.), 1 for proportional.
    pub exponent: f32,
    /// σ: vectors start from N(0, σ²/d), so that they are about σ long.
    pub init_std: f32,
    /// What an observed pair weighs.
    pub weighting: Weighting,
}

/// What an observed pair weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Weighting {
    /// 1, whatever its value (Rendle et al. 2022).
    #[default]
    One,
    /// `c = α₀ + alpha · r` (Hu et al. 2008), where r is the sum of the pair's values, or the number of its events;
    /// pairs with r ≤ 0 are not observed.
    Confidence {
        /// α: how much a value adds; must be positive.
        alpha: f32,
    },
}

impl Default for Ials {
    fn default() -> Self {
        Self {
            factors: 64,
            epochs: 16,
            unobserved: 0.1,
            regularization: 0.003,
            exponent: 1.0,
            init_std: 0.1,
            weighting: Weighting::One,
        }
    }
}

impl Recommender for Ials {
    type Fitted = IalsModel;
    const NAME: &'static str = "ials";
    const REVISION: u32 = 2;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<IalsModel, FitError> {
        self.validate()?;
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model: Self::NAME });
        }
        let (pool, cancel) = (run.pool()?, run.cancel);
        run.reserve(Self::NAME, self.bytes(histories, run.validate.is_some(), pool.current_num_threads()))?;
        let by_user = self.observed(histories);
        let by_item = by_user.transpose();
        let start = IalsModel::start(self, &by_user, run.seed);
        let learn = |model: &mut IalsModel, _: usize, _: &Run<'_>| {
            pool.install(|| self.epoch(model, &by_user, &by_item, cancel))
        };
        by_epochs(self, self.epochs, &mut Plain { fitted: start, learn }, train, run)
    }
}

impl Ials {
    fn validate(&self) -> Result<(), FitError> {
        let positive = "a positive number";
        let alpha = match self.weighting {
            Weighting::One => 1.0,
            Weighting::Confidence { alpha } => alpha,
        };
        let checks = [
            ("factors", self.factors as f64, (1..=MAX_FACTORS).contains(&self.factors), FACTORS_EXPECTED),
            ("unobserved", f64::from(self.unobserved), self.unobserved >= 0.0, "zero or a positive number"),
            ("regularization", f64::from(self.regularization), self.regularization > 0.0, positive),
            ("exponent", f64::from(self.exponent), self.exponent >= 0.0, "zero or a positive number"),
            ("init_std", f64::from(self.init_std), self.init_std > 0.0, positive),
            ("alpha", f64::from(alpha), alpha > 0.0, positive),
        ];
        match checks.into_iter().find(|&(_, value, sound, _)| !(sound && value.is_finite())) {
            Some((parameter, value, _, expected)) => {
                Err(FitError::Parameter { model: Self::NAME, parameter, value, expected })
            }
            None => Ok(()),
        }
    }

    /// What a fit allocates: both sides' vectors (those of the best epoch too, where the run validates), the interactions
    /// by user and by item, the eigenvectors of a gram matrix in `f64`, and each thread's panel and system.
    fn bytes(&self, histories: &Histories, validates: bool, threads: usize) -> u64 {
        let (dim, copies) = (self.factors as u64, if validates { 2 } else { 1 });
        let rows = (histories.n_users() + histories.n_items()) as u64;
        let vectors = rows.saturating_mul(4 * dim * copies + 24);
        let panel = (longest_row(histories) as u64).saturating_mul(4 * (dim + 1));
        let solvers = panel.saturating_add(8 * dim * (dim + 1)).saturating_mul(threads as u64);
        let interactions = 32 * histories.n_events() as u64;
        vectors.saturating_add(solvers).saturating_add(40 * dim * dim).saturating_add(interactions)
    }

    /// The observed pairs `[U, I]`, each with what it weighs beyond α₀.
    fn observed(&self, histories: &Histories) -> Csr {
        let rows = (0..histories.n_users()).map(|user| histories.query(UserId(user as u32)));
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for query in rows {
            for (item, weight) in self.weights(&query) {
                columns.push(item);
                values.push(weight);
            }
            starts.push(columns.len());
        }
        Csr::new(starts, columns, values, histories.n_items()).expect("rows of rising items below n_items")
    }

    /// The observed items of a history, rising, each with what it weighs beyond α₀; values are those of
    /// [`Weighting::Confidence`] alone.
    fn weights(&self, query: &Query<'_>) -> Vec<(u32, f32)> {
        let value = |place: usize| query.values.and_then(|values| values.get(place)).copied().unwrap_or(1.0);
        let mut row: Vec<(u32, f32)> =
            query.history.iter().enumerate().map(|(place, item)| (item.0, value(place))).collect();
        row.sort_by_key(|&(item, _)| item);
        match self.weighting {
            Weighting::One => {
                row.dedup_by_key(|&mut (item, _)| item);
                row.iter_mut().for_each(|(_, weight)| *weight = 1.0);
            }
            Weighting::Confidence { alpha } => {
                row.dedup_by(|next, kept| {
                    let same = next.0 == kept.0;
                    kept.1 += if same { next.1 } else { 0.0 };
                    same
                });
                row.retain(|&(_, value)| value > 0.0);
                row.iter_mut().for_each(|(_, weight)| *weight *= alpha);
            }
        }
        row
    }

    /// Solves the items, then the users; returns the objective divided by the number of observed pairs.
    fn epoch(
        &self,
        model: &mut IalsModel,
        by_user: &Csr,
        by_item: &Csr,
        cancel: &AtomicBool,
    ) -> Result<f64, FitError> {
        let numeric = |what| FitError::Numeric { model: Self::NAME, what };
        let diverged = || numeric("the gram matrix is not finite; raise regularization");
        let spectrum = diagonalise(&mut model.users).ok_or_else(diverged)?;
        self.solve(&model.users, &spectrum, by_item, &mut model.items, cancel)?;
        model.spectrum = diagonalise(&mut model.items).ok_or_else(diverged)?;
        let losses = self.solve(&model.items, &model.spectrum, by_user, &mut model.users, cancel)?;
        model.remember_mean();
        let penalties = (0..by_item.rows()).map(|item| {
            let square: f64 = model.items.row(item).iter().map(|&y| f64::from(y).powi(2)).sum();
            f64::from(self.ridge(by_item.columns(item).len(), by_item.cols())) * square
        });
        Ok((losses + penalties.sum::<f64>()) / by_user.entries() as f64)
    }

    /// Solves every row of `observed` against the `fixed` side; returns the objective without the fixed side's penalty.
    fn solve(
        &self,
        fixed: &Matrix,
        spectrum: &[f32],
        observed: &Csr,
        rows: &mut Matrix,
        cancel: &AtomicBool,
    ) -> Result<f64, FitError> {
        let dim = self.factors;
        let longest = (0..observed.rows()).map(|row| observed.columns(row).len()).max().unwrap_or(0);
        let new = || Solver::new(self, fixed, spectrum, longest);
        let losses: Result<Vec<f64>, FitError> = rows
            .as_mut_slice()
            .par_chunks_mut(dim)
            .enumerate()
            .map_init(new, |solver, (row, out)| {
                crate::run::check(cancel)?;
                solver.row(observed.columns(row), observed.values(row), out)
            })
            .collect();
        losses.map(|losses| losses.iter().sum())
    }

    /// The penalty of a row with `observed` of `others` possible pairs: `λ (|S_u| + α₀|I|)^ν`.
    fn ridge(&self, observed: usize, others: usize) -> f32 {
        self.regularization * (observed as f32 + self.unobserved * others as f32).powf(self.exponent)
    }

    /// What a row's equations have on the right for an observed pair of weight `weight` beyond α₀.
    fn target(&self, weight: f32) -> f32 {
        match self.weighting {
            Weighting::One => weight,
            Weighting::Confidence { .. } => self.unobserved + weight,
        }
    }
}

/// The most events of a user or of an item.
fn longest_row(histories: &Histories) -> usize {
    let mut takers = vec![0_usize; histories.n_items()];
    let mut longest = 0;
    for user in 0..histories.n_users() as u32 {
        let items = histories.items(UserId(user));
        longest = longest.max(items.len());
        items.iter().for_each(|item| takers[item.index()] += 1);
    }
    takers.into_iter().fold(longest, usize::max)
}
