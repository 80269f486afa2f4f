//! What a paper prints: numbers, and in which order its rows stand.

use crate::measure::Measure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers a table prints for one row on one data set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// The table or figure, as `dacrema-54`.
    pub table: String,
    /// The row's name.
    pub row: String,
    /// The data set.
    pub dataset: String,
    /// Metric and value.
    pub values: BTreeMap<Measure, f64>,
    /// A key of [`Paper::sources`](super::Paper::sources).
    pub source: String,
    /// How sure the figure is.
    pub status: Status,
    /// How far ours may be off; absent where the number is of other data.
    pub tolerance: Option<f64>,
}

/// How sure a printed figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Read in the paper or in its authors' repository.
    Read,
    /// Read elsewhere.
    Secondary,
    /// Measured off a figure.
    Digitised,
    /// Never a bar.
    Unverified,
    /// Read in the paper, which measured on data that ours stands in for: never a bar.
    OtherData,
}

impl Status {
    /// What a table says of it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Status::Read => "read",
            Status::Secondary => "read elsewhere",
            Status::Digitised => "digitised",
            Status::Unverified => "unverified",
            Status::OtherData => "other data",
        }
    }
}

/// Numbers a table prints for what is no row of ours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// How the paper writes it.
    pub label: String,
    /// The table or figure.
    pub table: String,
    /// The data set.
    pub dataset: String,
    /// Metric and value.
    pub values: BTreeMap<Measure, f64>,
    /// A key of [`Paper::sources`](super::Paper::sources).
    pub source: String,
    /// How sure the figure is.
    pub status: Status,
}

/// The order in which a table's numbers put its rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The table or figure.
    pub table: String,
    /// The data set.
    pub dataset: String,
    /// By what.
    pub metric: Measure,
    /// The names of rows, best first.
    pub rows: Vec<String>,
    /// A key of [`Paper::sources`](super::Paper::sources).
    pub source: String,
}
