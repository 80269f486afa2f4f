//! A paper on nearest neighbours as data: indexes, how hard each looks, the vectors they search, and numbers printed.

mod check;

use super::Status;
use crate::LabError;
use crate::ann::trade::Measure;
use crate::ann::{Recipe, Space};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;

/// A file of docs/papers whose rows are indexes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnPaper {
    /// What tells such a file from one of recommenders.
    pub kind: AnnKind,
    /// The short name, as the file's.
    pub name: String,
    /// What the tables show.
    pub title: String,
    /// The papers behind the indexes.
    #[serde(rename = "reference")]
    pub references: Vec<Reference>,
    /// Where printed numbers were read, by key.
    #[serde(default, rename = "source")]
    pub sources: BTreeMap<String, String>,
    /// The vectors searched.
    #[serde(rename = "dataset")]
    pub datasets: BTreeMap<Space, SpaceUse>,
    /// The indexes compared.
    #[serde(rename = "row")]
    pub rows: Vec<AnnRow>,
    /// The numbers printed.
    #[serde(default)]
    printed: Vec<Spanned<AnnPrinted>>,
}

/// The word `nearest-neighbours`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnnKind {
    /// Rows are indexes.
    NearestNeighbours,
}

/// A paper behind the indexes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Who wrote what, where and when.
    pub text: String,
    /// Where it can be read.
    pub address: Option<String>,
}

/// How a set of vectors is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceUse {
    /// Whether it takes so long that it is left out where it is neither named nor everything asked for.
    #[serde(default)]
    pub full: bool,
    /// How many seconds one pass of timed searches takes at most.
    pub pass_seconds: f64,
    /// What a reader must know: how many vectors of how many numbers, and what near means.
    pub note: String,
}

/// An index with all that decides it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnRow {
    /// Kind and variant, lower-case and hyphenated.
    pub name: String,
    /// What tables call it.
    pub label: String,
    /// The recipe by data set, `default` for all others; without a default, only the data sets named are searched.
    #[serde(rename = "index")]
    indexes: BTreeMap<String, Spanned<Recipe>>,
    /// The efforts of searches by data set, `default` for all others; none where an index has no effort.
    #[serde(default)]
    efforts: BTreeMap<String, Spanned<Vec<usize>>>,
    /// What a reader must know about this row.
    pub note: Option<String>,
}

/// A printed number with where it was read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnPrinted {
    /// The table or figure, by a short name.
    pub table: String,
    /// What the paper measured, in words.
    pub label: String,
    /// Which row of ours is the same; absent where none is.
    pub row: Option<String>,
    /// At which effort.
    pub effort: Option<usize>,
    /// On which vectors.
    pub dataset: Space,
    /// What was measured, and its value.
    pub values: BTreeMap<Measure, f64>,
    /// A key of [`AnnPaper::sources`].
    pub source: String,
    /// How sure it is.
    pub status: Status,
    /// How far ours may be off, on either side.
    pub tolerance: f64,
}

impl AnnPaper {
    /// Reads and checks the text of a paper's file, which stands in `path`.
    ///
    /// # Errors
    /// [`LabError::File`] with the line of an unknown key, data set, index or setting; of a second row of a name; of
    /// efforts that an index cannot have; of a printed number for what the file does not have.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LabError> {
        let at = |offset: usize, what: String| LabError::File {
            path: path.to_owned(),
            line: 1 + text[..offset.min(text.len())].matches('\n').count(),
            what,
        };
        let paper: Self = toml::from_str(text)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        paper.check_rows(text).map_err(|(what, place)| at(place, what))?;
        paper.check_printed(text).map_err(|(what, place)| at(place, what))?;
        Ok(paper)
    }

    /// The row called `name`.
    pub fn row(&self, name: &str) -> Option<&AnnRow> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// All numbers printed.
    pub fn all_printed(&self) -> impl Iterator<Item = &AnnPrinted> {
        self.printed.iter().map(Spanned::get_ref)
    }

    /// The numbers printed of what a row does at an effort on some vectors.
    pub fn printed<'a>(
        &'a self,
        row: &'a str,
        effort: Option<usize>,
        space: Space,
    ) -> impl Iterator<Item = &'a AnnPrinted> {
        self.all_printed().filter(move |printed| {
            printed.row.as_deref() == Some(row) && printed.effort == effort && printed.dataset == space
        })
    }
}

impl AnnRow {
    /// The recipe for some vectors; nothing where the row is not of them.
    pub fn recipe(&self, space: Space) -> Option<&Recipe> {
        of(&self.indexes, space)
    }

    /// The efforts of searches in some vectors, in growing order; one of nothing where the index has none.
    pub fn efforts(&self, space: Space) -> Vec<Option<usize>> {
        of(&self.efforts, space)
            .map_or_else(|| vec![None], |efforts| efforts.iter().copied().map(Some).collect())
    }
}

/// What stands under a data set's own name, else under `default`.
fn of<T>(by_dataset: &BTreeMap<String, Spanned<T>>, space: Space) -> Option<&T> {
    by_dataset.get(space.name()).or_else(|| by_dataset.get(DEFAULT)).map(Spanned::get_ref)
}

/// The key of what holds for all data sets that have no entry of their own.
const DEFAULT: &str = "default";
