//! What a paper measures: where targets stand in a ranking, or how far predicted ratings are off.

use seoro_eval::{Evaluation, Metric, MetricError};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A measure, written as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Measure {
    /// Of rankings.
    Ranking(Metric),
    /// `rmse`: the root of the mean squared error of ratings.
    Rmse,
    /// `mae`: the mean absolute error of ratings.
    Mae,
}

/// Something that knows which of two values is the better one.
pub trait Preference {
    /// The better one is the greater.
    fn compare(&self, a: f64, b: f64) -> Ordering;
}

impl Preference for Measure {
    fn compare(&self, a: f64, b: f64) -> Ordering {
        let (a, b) = if self.is_of_ratings() { (-a, -b) } else { (a, b) };
        compare(a, b)
    }
}

/// By name; larger is better.
impl Preference for String {
    fn compare(&self, a: f64, b: f64) -> Ordering {
        compare(a, b)
    }
}

/// By size; what is no number is less than all numbers.
fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

impl Measure {
    /// Whether it is of ratings, where smaller is better.
    pub fn is_of_ratings(self) -> bool {
        !matches!(self, Measure::Ranking(_))
    }

    /// The mean over questions of what [`Measured`] holds of each.
    pub fn mean(self, values: &[f64]) -> f64 {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        if self == Measure::Rmse { mean.sqrt() } else { mean }
    }

    /// How much better `a` is than `b`.
    pub fn gain(self, a: f64, b: f64) -> f64 {
        if self.is_of_ratings() { b - a } else { a - b }
    }
}

impl FromStr for Measure {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        match text {
            "rmse" => Ok(Measure::Rmse),
            "mae" => Ok(Measure::Mae),
            _ => text.parse().map(Measure::Ranking),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Ranking(metric) => metric.fmt(f),
            Measure::Rmse => f.pad("rmse"),
            Measure::Mae => f.pad("mae"),
        }
    }
}

impl From<Measure> for String {
    fn from(measure: Measure) -> Self {
        measure.to_string()
    }
}

impl TryFrom<String> for Measure {
    type Error = MetricError;

    fn try_from(text: String) -> Result<Self, MetricError> {
        text.parse()
    }
}

/// What a model's answers to a task are worth, question by question: a ranking's metrics, a rating's squared error for the
/// RMSE and its absolute error for the MAE.
pub struct Measured {
    values: BTreeMap<Measure, Vec<f64>>,
    /// How many neighbouring questions are each user's, where they may be many.
    of_users: Option<Vec<usize>>,
}

impl Measured {
    pub(crate) fn of_rankings(evaluation: &Evaluation, metrics: &[Metric]) -> Self {
        let values = |metric: &Metric| evaluation.values(*metric).unwrap_or_default().to_vec();
        let values = metrics.iter().map(|metric| (Measure::Ranking(*metric), values(metric))).collect();
        Self { values, of_users: None }
    }

    /// Of errors in the order of users, of whom each has so many.
    pub(crate) fn of_ratings(errors: &[f64], of_users: &[usize], measures: &[Measure]) -> Self {
        let of = |measure: Measure| {
            let each = |error: &f64| if measure == Measure::Rmse { error * error } else { error.abs() };
            errors.iter().map(each).collect()
        };
        let values = measures.iter().map(|&measure| (measure, of(measure))).collect();
        Self { values, of_users: Some(of_users.to_vec()) }
    }

    /// The mean over questions.
    pub fn mean(&self, measure: Measure) -> Option<f64> {
        self.values.get(&measure).map(|values| measure.mean(values))
    }

    /// One value a user, for paired tests: the ratings of one user are no independent questions.
    pub fn by_user(&self, measure: Measure) -> Vec<f64> {
        let Some(values) = self.values.get(&measure) else { return Vec::new() };
        let Some(of_users) = &self.of_users else { return values.clone() };
        let mut rest = values.as_slice();
        let mut next = |&count: &usize| {
            let (own, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            own.iter().sum::<f64>() / own.len() as f64
        };
        of_users.iter().map(&mut next).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["rmse", "mae", "ndcg@10", "auc"] {
            assert_eq!(name.parse::<Measure>().map(|measure| measure.to_string()), Ok(name.to_owned()));
        }
        assert!("rmse@10".parse::<Measure>().is_err());
    }

    #[test]
    fn smaller_errors_are_better() {
        let hits: Measure = "hr@10".parse().expect("a metric");
        assert_eq!(Measure::Rmse.compare(0.8, 0.9), Ordering::Greater);
        assert_eq!(hits.compare(0.8, 0.9), Ordering::Less);
        assert!(Measure::Mae.gain(0.8, 0.9) > 0.0 && hits.gain(0.8, 0.9) < 0.0);
        assert_eq!(Measure::Rmse.mean(&[1.0, 49.0]), 5.0);
    }

    #[test]
    fn no_number_is_the_worst() {
        for measure in [Measure::Rmse, Measure::Ranking("hr@10".parse().expect("a metric"))] {
            for nan in [f64::NAN, -f64::NAN] {
                assert_eq!(measure.compare(nan, 0.5), Ordering::Less, "{measure}");
                assert_eq!(measure.compare(0.5, nan), Ordering::Greater, "{measure}");
            }
        }
    }

    #[test]
    fn ratings_are_paired_by_user_and_averaged_by_rating() {
        let measured = Measured::of_ratings(&[1.0, -3.0, 2.0], &[2, 1], &[Measure::Rmse, Measure::Mae]);
        assert_eq!(measured.by_user(Measure::Rmse), [5.0, 4.0]);
        assert_eq!(measured.by_user(Measure::Mae), [2.0, 2.0]);
        assert_eq!(measured.mean(Measure::Mae), Some(2.0));
    }
}
