//! From a recipe to a fitted model.

use super::feed::{Naming, Rows, Targets};
use super::model::{AutoencoderModel, Scale};
use super::network::{Purpose, RowNetwork};
use super::{Corruption, Layers, RowLoss};
use crate::ops::numbers::is_host;
use crate::recommender::{FACTORS_EXPECTED, MAX_FACTORS};
use crate::rows::{scale_of, seen, value_matrix};
use crate::train::{Descent, Init, Parameters, Trainer};
use crate::{FitError, Recommender, Run, Side, Training, device};
use seoro_core::Csr;
use seoro_core::sample::Negatives;

/// What is learned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Learn {
    /// Known ratings on a scale; pairs whose user or item has none are rated `unseen`, or as the mean of all.
    Ratings { scale: Option<[f64; 2]>, unseen: Option<f64> },
    /// Interactions against so many cells drawn for each.
    Interactions { negatives: usize },
}

/// What the recipes come down to.
pub(crate) struct Plan {
    pub(crate) side: Side,
    pub(crate) learn: Learn,
    pub(crate) layers: Layers,
    pub(crate) loss: RowLoss,
    pub(crate) corruption: Corruption,
    pub(crate) regularization: f64,
    /// Of weights and of biases.
    pub(crate) init: (Init, Init),
    /// A batch of as many rows as there are, or more, is all of them.
    pub(crate) descent: Descent,
}

impl Plan {
    /// Fits `recipe`, which this is the plan of.
    pub(crate) fn fit<R: Recommender<Fitted = AutoencoderModel>>(
        &self,
        recipe: &R,
        train: &Training<'_>,
        run: &mut Run<'_>,
    ) -> Result<AutoencoderModel, FitError> {
        self.check::<R>()?;
        run.check()?;
        if train.events.is_empty() {
            return Err(FitError::Empty { model: R::NAME });
        }
        let device = device::device(run.device)?;
        let is_dense = !is_host(&device);
        self.check_sizes(R::NAME, train, is_dense)?;
        run.reserve(R::NAME, self.bytes(train, run.validate.is_some(), is_dense))?;
        let purpose = self.purpose(R::NAME, train)?;
        let targets = self.targets(R::NAME, &purpose)?;
        let naming = match self.learn {
            // Known ratings have most columns among them.
            Learn::Ratings { .. } => Naming::All,
            Learn::Interactions { .. } if self.layers.tied => Naming::Together,
            Learn::Interactions { .. } => Naming::Apart,
        };
        let feed = Rows::new(&purpose.known, self.descent.batch_size, self.corruption, targets, naming);
        let mut parameters = Parameters::new(&device, run.seed.child("init"));
        let sizes = (self.layers, self.loss);
        let lambda = self.regularization / self.rows_of_decay(feed.len());
        let network = RowNetwork::new(&mut parameters, sizes, self.init, lambda, naming, &purpose);
        Trainer::new(R::NAME, &self.descent, network, parameters, &feed, run)?.fit(recipe, train, run)
    }

    /// A paper's λ on ratings stands beside a sum over all rows, where our loss is the mean of them.
    fn rows_of_decay(&self, rows: usize) -> f64 {
        if matches!(self.learn, Learn::Ratings { .. }) { rows.max(1) as f64 } else { 1.0 }
    }

    fn purpose(&self, model: &'static str, train: &Training<'_>) -> Result<Purpose, FitError> {
        let rates = matches!(self.learn, Learn::Ratings { .. });
        let by_user = value_matrix(model, train.histories, rates)?;
        let scale = match self.learn {
            Learn::Ratings { scale, unseen } => Some(self.scale(model, &by_user, scale, unseen)?),
            Learn::Interactions { .. } => None,
        };
        let known = if self.side == Side::Items { by_user.transpose() } else { by_user };
        let is_blind = matches!(self.corruption, Corruption::Dropout(1.0) | Corruption::Mask(1.0));
        Ok(Purpose { side: self.side, known, seen: seen(train.events), scale, is_blind })
    }

    fn scale(
        &self,
        model: &'static str,
        ratings: &Csr,
        declared: Option<[f64; 2]>,
        unseen: Option<f64>,
    ) -> Result<Scale, FitError> {
        let ratings = || (0..ratings.rows()).flat_map(|row| ratings.values(row)).copied();
        let ends = scale_of(model, declared, ratings())?;
        let mean = || ratings().map(f64::from).sum::<f64>() / ratings().count().max(1) as f64;
        let unseen = unseen.unwrap_or_else(mean) as f32;
        Ok(Scale::new(ends, self.layers.output_activation, unseen))
    }

    fn targets<'a>(&self, model: &'static str, purpose: &'a Purpose) -> Result<Targets<'a>, FitError> {
        match (self.learn, purpose.scale) {
            (Learn::Interactions { negatives }, _) => {
                let drawn = Negatives::uniform(&purpose.known);
                let drawn = drawn.map_err(|_| FitError::Numeric { model, what: "no item can be drawn" })?;
                Ok(Targets::Against(drawn, negatives))
            }
            (_, Some(scale)) => {
                let by = if scale.unit > 0.0 { scale.unit.recip() } else { 0.0 };
                Ok(Targets::Known(scale.zero, by))
            }
            _ => Ok(Targets::Known(0.0, 1.0)),
        }
    }

    fn check<R: Recommender>(&self) -> Result<(), FitError> {
        let model = R::NAME;
        self.descent.check(model)?;
        let wrong = |parameter: &'static str, value: f64, expected: &'static str| {
            Err(FitError::Parameter { model, parameter, value, expected })
        };
        if !(1..=MAX_FACTORS).contains(&self.layers.hidden) {
            return wrong("hidden", self.layers.hidden as f64, FACTORS_EXPECTED);
        }
        if !(self.regularization.is_finite() && self.regularization >= 0.0) {
            return wrong("regularization", self.regularization, "a number, at least 0");
        }
        for (parameter, init) in [("init_std", self.init.0), ("init_std_bias", self.init.1)] {
            let (Init::Normal(size) | Init::Uniform(size)) = init else { continue };
            if !(size.is_finite() && size >= 0.0) {
                return wrong(parameter, size, "a number, at least 0");
            }
        }
        match self.corruption {
            Corruption::Dropout(share) | Corruption::Mask(share) if !(0.0..=1.0).contains(&share) => {
                wrong("corruption", share, "between 0 and 1")
            }
            Corruption::Gaussian(std) if !(std.is_finite() && std >= 0.0) => {
                wrong("corruption", std, "a number, at least 0")
            }
            _ => match self.learn {
                Learn::Interactions { negatives } if negatives > 1 << 16 => {
                    wrong("negatives", negatives as f64, "at most 65536")
                }
                Learn::Ratings { unseen: Some(unseen), .. } if !unseen.is_finite() => {
                    wrong("unseen", unseen, "a number")
                }
                _ => Ok(()),
            },
        }
    }

    /// The most rows of a batch, and about the most of its cells.
    fn batch(&self, train: &Training<'_>) -> (u64, u64) {
        let rows = match self.side {
            Side::Users => train.events.n_users(),
            Side::Items => train.events.n_items(),
        };
        let rows = (rows as u64).max(1);
        let batch = (self.descent.batch_size as u64).min(rows);
        let each = match self.learn {
            Learn::Ratings { .. } => 1,
            Learn::Interactions { negatives } => 1 + negatives as u64,
        };
        let events = train.events.len() as u64;
        // Rows are unlike: a batch may have many times its share, and never more than all.
        let cells = events.saturating_mul(each).saturating_mul(batch).saturating_mul(16) / rows;
        (batch, cells.min(events.saturating_mul(each)))
    }

    /// What a batch is counted by must not overflow: cells by 32 bits, where all of them are computed also those not known.
    fn check_sizes(&self, model: &'static str, train: &Training<'_>, is_dense: bool) -> Result<(), FitError> {
        let (rows, cells) = self.batch(train);
        let columns = match self.side {
            Side::Users => train.events.n_items(),
            Side::Items => train.events.n_users(),
        };
        if cells > u64::from(u32::MAX) {
            let what = "a batch of more than 4294967295 cells; expected a smaller batch_size";
            return Err(FitError::Numeric { model, what });
        }
        if is_dense && rows.saturating_mul(columns as u64) > i32::MAX as u64 {
            let what = "a batch of more than 2147483647 cells, known or not; expected a smaller batch_size";
            return Err(FitError::Numeric { model, what });
        }
        Ok(())
    }

    /// The parameters with their moments and gradients, those of snapshots, of the best epoch and of a checkpoint; the known
    /// cells by row and by column; what a batch becomes on its way, where kernels of ours do not run with all cells.
    fn bytes(&self, train: &Training<'_>, validates: bool, is_dense: bool) -> u64 {
        let (users, items) = (train.events.n_users() as u64, train.events.n_items() as u64);
        let (rows, cols) = if self.side == Side::Users { (users, items) } else { (items, users) };
        let hidden = self.layers.hidden as u64;
        let tables =
            (if self.layers.tied { cols } else { 2 * cols }) + if self.layers.nodes { rows } else { 0 };
        let copies = 2 * (self.descent.optimizer.moments() as u64 + 1) + 2 + u64::from(validates);
        let (batch, cells) = self.batch(train);
        let all_cells = if is_dense { batch.saturating_mul(cols).saturating_mul(4 * 6) } else { 0 };
        tables
            .saturating_mul(hidden + 1)
            .saturating_mul(4 * copies)
            .saturating_add(batch.saturating_mul(hidden).saturating_mul(4 * 6))
            .saturating_add(cells.saturating_mul(110))
            .saturating_add(all_cells)
            .saturating_add(train.events.len() as u64 * 32 + (rows + cols) * 32)
    }
}
