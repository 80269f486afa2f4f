//! What an evaluation found: every value, and what sums them up.

use crate::Metric;
use crate::significance::{self, SignificanceError};
use seoro_core::Seed;

/// The values of each metric, one per case in the order of the cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    cases: usize,
    columns: Vec<(Metric, Vec<f64>)>,
}

impl Evaluation {
    pub(crate) fn new(cases: usize, columns: Vec<(Metric, Vec<f64>)>) -> Self {
        Self { cases, columns }
    }

    /// The number of cases.
    pub fn cases(&self) -> usize {
        self.cases
    }

    /// The metrics, in the order asked for.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.columns.iter().map(|(metric, _)| *metric)
    }

    /// The value for each case; `None` for a metric that was not asked for.
    pub fn values(&self, metric: Metric) -> Option<&[f64]> {
        let column = self.columns.iter().find(|(other, _)| *other == metric);
        column.map(|(_, values)| values.as_slice())
    }

    /// The mean over cases; `None` for a metric that was not asked for, and without cases.
    pub fn mean(&self, metric: Metric) -> Option<f64> {
        self.values(metric).filter(|values| !values.is_empty()).map(significance::mean)
    }

    /// The standard deviation over cases (n − 1); `None` for a metric that was not asked for, and below two cases.
    pub fn std(&self, metric: Metric) -> Option<f64> {
        self.values(metric).filter(|values| values.len() > 1).map(significance::std)
    }

    /// The interval of the mean over cases, by [`significance::bootstrap`].
    ///
    /// # Errors
    /// As there, and [`SignificanceError::Unknown`] for a metric that was not asked for.
    pub fn interval(
        &self,
        metric: Metric,
        level: f64,
        resamples: usize,
        seed: Seed,
    ) -> Result<(f64, f64), SignificanceError> {
        let values = self.values(metric).ok_or(SignificanceError::Unknown { metric })?;
        significance::bootstrap(values, level, resamples, seed)
    }
}
