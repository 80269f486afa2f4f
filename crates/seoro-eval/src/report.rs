//! What an evaluation found: every value, and what sums them up.

use crate::Metric;

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
        let values = self.values(metric).filter(|values| !values.is_empty())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}
