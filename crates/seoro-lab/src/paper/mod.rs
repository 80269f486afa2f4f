//! A paper as data: its protocol, its rows, and the numbers it prints with where each was read.

mod all;
mod ann;
mod check;
mod printed;
mod protocol;
mod row;
mod search;
mod vectors;

pub use all::{Papers, read_all};
pub use ann::{AnnKind, AnnPaper, AnnPrinted, AnnRow, Reference, SpaceUse};
pub use printed::{Elsewhere, Order, Printed, Status};
pub use protocol::{DatasetUse, Given, HideRule, Negatives, Protocol, Ranking, SplitRule};
pub use row::Row;
pub use search::Search;
pub use vectors::{Claim, VectorKind, VectorPaper, VectorRow, VectorUse};

use crate::LabError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A file of docs/papers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// The paper's short name, as its file's.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Who wrote it, where and when.
    pub reference: String,
    /// Where it can be read.
    pub address: String,
    /// Where printed numbers were read, by key.
    #[serde(default, rename = "source")]
    pub sources: BTreeMap<String, String>,
    /// The two ways to report.
    #[serde(rename = "protocol")]
    protocols: Protocols,
    /// The data sets, each with how it is split.
    #[serde(rename = "dataset")]
    pub datasets: BTreeMap<String, DatasetUse>,
    /// The models compared.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// The numbers printed.
    #[serde(default)]
    printed: Vec<Spanned<Printed>>,
    /// The numbers printed for what is no row.
    #[serde(default)]
    elsewhere: Vec<Spanned<Elsewhere>>,
    /// The orders printed.
    #[serde(default, rename = "order")]
    orders: Vec<Spanned<Order>>,
    /// Whether tables tell how far each row may be behind the best.
    #[serde(default)]
    pub intervals: bool,
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Protocols {
    as_published: Spanned<Protocol>,
    honest: Spanned<Protocol>,
}

/// As the paper did it, flaws included, or as it should be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The paper's protocol, so that numbers can be compared.
    AsPublished,
    /// Selection on validation data, full ranking.
    Honest,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::AsPublished => "as-published",
            Part::Honest => "honest",
        })
    }
}

impl Paper {
    /// Reads and checks a paper's file.
    ///
    /// # Errors
    /// [`LabError::File`] with the line of an unknown key, an unknown model, a bad hyper-parameter, a printed number
    /// for a row, data set or source that the file does not have.
    pub fn read(path: &Path) -> Result<Self, LabError> {
        let text = std::fs::read_to_string(path).map_err(LabError::io(path))?;
        Self::parse(&text, path)
    }

    /// As [`Paper::read`], of a text that stands in `path`.
    ///
    /// # Errors
    /// As [`Paper::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, LabError> {
        let at = |offset: usize, what: String| LabError::File {
            path: path.to_owned(),
            line: 1 + text[..offset.min(text.len())].matches('\n').count(),
            what,
        };
        let mut paper: Paper = toml::from_str(text)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        paper.path = path.to_owned();
        for row in paper.rows.iter().filter(|row| !row.is_oracle()) {
            for (key, recipe) in &row.recipes {
                row.parse_recipe(recipe.get_ref()).map_err(|what| {
                    at(recipe.span().start, format!("row {}, recipe {key}: {what}", row.name))
                })?;
            }
        }
        paper.check_protocols(text).map_err(|(what, place)| at(place, what))?;
        paper.check_uses().map_err(|(what, needle)| at(text.find(&needle).unwrap_or(0), what))?;
        paper.check_rows(text).map_err(|(what, place)| at(place, what))?;
        paper.check_printed(text).map_err(|(what, place)| at(place, what))?;
        paper.check_elsewhere().map_err(|(what, place)| at(place, what))?;
        paper.check_orders().map_err(|(what, place)| at(place, what))?;
        Ok(paper)
    }

    /// The protocol of a part.
    pub fn protocol(&self, part: Part) -> &Protocol {
        match part {
            Part::AsPublished => self.protocols.as_published.get_ref(),
            Part::Honest => self.protocols.honest.get_ref(),
        }
    }

    /// The row called `name`.
    ///
    /// # Errors
    /// [`LabError::Unknown`].
    pub fn row(&self, name: &str) -> Result<&Row, LabError> {
        self.rows.iter().find(|row| row.name == name).ok_or_else(|| LabError::Unknown {
            kind: "row",
            name: name.to_owned(),
            known: self.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The numbers printed for a row on a data set: by the paper's protocol, so none in the honest part.
    pub fn printed<'a>(
        &'a self,
        row: &'a str,
        dataset: &'a str,
        part: Part,
    ) -> impl Iterator<Item = &'a Printed> {
        self.printed.iter().map(Spanned::get_ref).filter(move |printed| {
            part == Part::AsPublished && printed.row == row && printed.dataset == dataset
        })
    }

    /// The numbers printed on a data set for what is no row: by the paper's protocol.
    pub fn printed_elsewhere<'a>(
        &'a self,
        dataset: &'a str,
        part: Part,
    ) -> impl Iterator<Item = &'a Elsewhere> {
        let elsewhere = self.elsewhere.iter().map(Spanned::get_ref);
        elsewhere.filter(move |printed| part == Part::AsPublished && printed.dataset == dataset)
    }

    /// The orders printed on a data set: by the paper's protocol.
    pub fn orders<'a>(&'a self, dataset: &'a str, part: Part) -> impl Iterator<Item = &'a Order> {
        let orders = self.orders.iter().map(Spanned::get_ref);
        orders.filter(move |order| part == Part::AsPublished && order.dataset == dataset)
    }
}

/// A paper of two rows on the world, with these lines besides.
#[cfg(test)]
pub(crate) fn small(more: &str) -> Paper {
    let text = include_str!("../../tests/fixtures/small-paper.toml");
    Paper::parse(&format!("{text}\n{more}"), Path::new("small.toml")).expect("a paper")
}
