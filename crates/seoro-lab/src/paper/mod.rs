//! A paper as data: its protocol, its rows, and the numbers it prints with where each was read.

mod all;
mod ann;
mod check;
mod search;
mod vectors;

pub use all::{Papers, read_all};
pub use ann::{AnnKind, AnnPaper, AnnPrinted, AnnRow, Reference, SpaceUse};
pub use search::Search;
pub use vectors::{Claim, VectorKind, VectorPaper, VectorRow, VectorUse};

use crate::LabError;
use seoro_eval::{Metric, Ties};
use seoro_models::registry::Model;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
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
    pub printed: Vec<Printed>,
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Protocols {
    as_published: Protocol,
    honest: Protocol,
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

/// How a fitted model is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Among which items a target is ranked.
    pub ranking: Ranking,
    /// Which items are not ranked at all.
    pub hide: HideRule,
    /// Where a target stands among items of the same score.
    pub ties: Ties,
    /// What is reported.
    pub metrics: Vec<Metric>,
    /// Which of them selects hyper-parameters, on validation data.
    pub select: Metric,
}

/// Among which items a target is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ranking {
    /// Every item.
    Full,
    /// The target and the negatives of [`DatasetUse::negatives`].
    Candidates,
}

/// Which items are not ranked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HideRule {
    /// None.
    Nothing,
    /// Those the user had in training.
    Training,
}

/// How a paper uses a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetUse {
    /// Where the test interactions come from.
    pub split: SplitRule,
    /// The negatives a candidate ranking uses.
    pub negatives: Negatives,
    /// How many seeds a row with randomness is run with.
    pub seeds: NonZeroUsize,
    /// What a reader must know about this use.
    pub note: Option<String>,
}

/// Where the test interactions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitRule {
    /// The data set's own files.
    Given,
    /// Each user's latest interaction.
    LeaveOneOut,
}

/// The negatives of a candidate ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Negatives {
    /// Drawn uniformly among the items a user never had, so many for each.
    Drawn(usize),
    /// The data set's own lists.
    Given(Given),
}

/// The word `given`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// As the data set has them.
    Given,
}

/// A model in a paper's tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// System and variant, lower-case and hyphenated.
    pub name: String,
    /// How the paper writes it.
    pub label: String,
    /// The model behind it, as registered; `oracle` is the embedded world's truth.
    pub model: String,
    /// Whether the numbers hang on no random draw: one seed suffices, and they must agree both ways.
    #[serde(default)]
    pub deterministic: bool,
    /// The data sets it is run on; all of the paper's where absent.
    pub datasets: Option<Vec<String>>,
    /// The parts of the report it is in; both where absent.
    pub parts: Option<Vec<Part>>,
    /// By data set, about how many minutes a seed takes on two cores, where that is so long that the row is run only
    /// with `--full`, or where it is named.
    #[serde(default)]
    pub minutes: BTreeMap<String, f64>,
    /// The most seeds it is run with; as many as the data set asks for where absent.
    pub seeds: Option<NonZeroUsize>,
    /// Every how many epochs a snapshot is kept, for the best-on-test figure; 0 for none.
    #[serde(default)]
    pub snapshots: usize,
    /// Hyper-parameters by data set (`default` for all others); `NAME.honest` for the honest part alone.
    #[serde(default, rename = "recipe")]
    recipes: BTreeMap<String, Spanned<toml::Table>>,
    /// What a search tries, by data set; `NAME.honest` for the honest part alone.
    #[serde(default, rename = "search")]
    searches: BTreeMap<String, Spanned<Search>>,
    /// What a reader must know about this row.
    pub note: Option<String>,
}

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
    pub values: BTreeMap<Metric, f64>,
    /// A key of [`Paper::sources`].
    pub source: String,
    /// How sure the figure is.
    pub status: Status,
    /// How far ours may be off.
    pub tolerance: f64,
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
        for protocol in [&paper.protocols.as_published, &paper.protocols.honest] {
            if !protocol.metrics.contains(&protocol.select) {
                let what = format!(
                    "select = {:?}; expected one of the protocol's metrics",
                    protocol.select.to_string()
                );
                return Err(at(text.find("select").unwrap_or(0), what));
            }
        }
        paper.check_rows(text).map_err(|(what, place)| at(place, what))?;
        paper.check_printed().map_err(|(what, needle)| at(text.find(&needle).unwrap_or(0), what))?;
        Ok(paper)
    }

    /// The protocol of a part.
    pub fn protocol(&self, part: Part) -> &Protocol {
        match part {
            Part::AsPublished => &self.protocols.as_published,
            Part::Honest => &self.protocols.honest,
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
        self.printed.iter().filter(move |printed| {
            part == Part::AsPublished && printed.row == row && printed.dataset == dataset
        })
    }
}

impl Row {
    /// The recipe of this row on `dataset`, in `part`.
    ///
    /// # Errors
    /// [`LabError::Usage`] where the file has none; parse errors were met by [`Paper::parse`].
    pub fn recipe(&self, dataset: &str, part: Part) -> Result<Model, LabError> {
        let table = self.recipe_table(dataset, part);
        self.parse_recipe(&table).map_err(|what| LabError::Usage(format!("row {}: {what}", self.name)))
    }

    /// The hyper-parameters of this row on `dataset`, in `part`, as written.
    pub fn recipe_table(&self, dataset: &str, part: Part) -> toml::Table {
        let found = keys(dataset, part).iter().find_map(|key| self.recipes.get(key));
        let found = found.or_else(|| self.recipes.get("default"));
        found.map(|recipe| recipe.get_ref().clone()).unwrap_or_default()
    }

    /// Whether [`Row::recipe_table`] is of this part of this data set, and not of the published part or the default.
    pub fn has_own_recipe(&self, dataset: &str, part: Part) -> bool {
        keys(dataset, part).first().is_some_and(|key| self.recipes.contains_key(key))
    }

    /// Whether the file sets anything of its model.
    pub fn has_hyper_parameters(&self) -> bool {
        !self.recipes.is_empty()
    }

    /// What a search for this row tries on `dataset`, in `part`.
    pub fn search(&self, dataset: &str, part: Part) -> Option<&Search> {
        keys(dataset, part).iter().find_map(|key| self.searches.get(key)).map(Spanned::get_ref)
    }

    /// The recipe of these hyper-parameters.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn parse_recipe(&self, table: &toml::Table) -> Result<Model, String> {
        Model::parse(&self.model, table.clone()).map_err(|error| error.to_string())
    }

    /// Whether it is run on `dataset`.
    pub fn is_on(&self, dataset: &str) -> bool {
        self.datasets.as_ref().is_none_or(|datasets| datasets.iter().any(|name| name == dataset))
    }

    /// Whether it is in `part` of the report.
    pub fn is_in(&self, part: Part) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.contains(&part))
    }

    /// How many seeds it is run with: `asked`, or in full as many as the file asks for; one where nothing hangs on it.
    pub fn seeds_on(&self, usage: &DatasetUse, asked: Option<NonZeroUsize>) -> usize {
        let most = self.seeds.map_or(usage.seeds, |most| most.min(usage.seeds));
        if self.deterministic || self.is_oracle() { 1 } else { asked.unwrap_or(most).get() }
    }

    /// Whether this row is the embedded world's truth.
    pub fn is_oracle(&self) -> bool {
        self.model == "oracle"
    }
}

/// Under which keys a row's entries for a part of a data set stand, the most particular one first.
fn keys(dataset: &str, part: Part) -> Vec<String> {
    let honest = (part == Part::Honest).then(|| format!("{dataset}.honest"));
    honest.into_iter().chain([dataset.to_owned()]).collect()
}
