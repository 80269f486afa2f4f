//! A paper on learned vectors as data: what learns them, what they are held to, and what the paper says of them.

use super::check::check_search;
use super::{Reference, Search};
use crate::LabError;
use crate::vectors::{Learner, Task};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;
use toml::Spanned;

/// A file of docs/papers whose rows learn vectors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorPaper {
    /// What tells such a file from those of other kinds.
    pub kind: VectorKind,
    /// The short name, as the file's.
    pub name: String,
    /// What the tables show.
    pub title: String,
    /// The papers behind the rows.
    #[serde(rename = "reference")]
    pub references: Vec<Reference>,
    /// What is learned from.
    #[serde(rename = "dataset")]
    pub datasets: BTreeMap<Task, VectorUse>,
    /// What learns.
    #[serde(rename = "row")]
    pub rows: Vec<VectorRow>,
    /// What the papers say.
    #[serde(default, rename = "claim")]
    claims: Vec<Spanned<Claim>>,
}

/// The word `vectors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VectorKind {
    /// Rows learn vectors.
    Vectors,
}

/// How a data set is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorUse {
    /// Whether it takes so long that it is left out where it is neither named nor everything asked for.
    #[serde(default)]
    pub full: bool,
    /// How many seeds a row with randomness is run with.
    pub seeds: NonZeroUsize,
    /// What items may be called, where that is told by people's tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The rows whose vectors are drawn as maps beside each other.
    #[serde(default)]
    pub maps: Vec<String>,
    /// What a reader must know: what is learned from, and what vectors are held to.
    pub note: String,
}

/// What learns vectors, with all that decides it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorRow {
    /// System and variant, lower-case and hyphenated.
    pub name: String,
    /// What tables call it.
    pub label: String,
    /// What learns.
    pub model: String,
    /// Its hyper-parameters by data set, `default` for all others; without a default, only the data sets named are learned
    /// from.
    #[serde(rename = "recipe")]
    recipes: BTreeMap<String, Spanned<toml::Table>>,
    /// What a search tries, by data set.
    #[serde(default, rename = "search")]
    searches: BTreeMap<String, Spanned<Search>>,
    /// How many seeds it is run with, where not as many as the data set says.
    pub seeds: Option<NonZeroUsize>,
    /// What a reader must know about this row.
    pub note: Option<String>,
}

/// That one row is better than another, or not worse.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What is said, in words.
    pub text: String,
    /// Who says it, and where.
    pub source: String,
    /// On which data set it is tried.
    pub dataset: Task,
    /// By which measure.
    pub metric: String,
    /// The row that should be better.
    pub better: String,
    /// Than which.
    pub than: String,
    /// How much worse it may be, of a measure up to 1: a claim with slack says "not worse".
    #[serde(default)]
    pub slack: f64,
}

/// The measure that is no share.
const SPEED: &str = "words-per-second";

/// The key of what holds for all data sets that have no entry of their own.
const DEFAULT: &str = "default";

impl VectorPaper {
    /// Reads and checks the text of a paper's file, which stands in `path`.
    ///
    /// # Errors
    /// [`LabError::File`] with the line of an unknown key, data set, model or setting; of a second row of a name; of a claim
    /// on what the file does not have.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LabError> {
        let at = |offset: usize, what: String| LabError::File {
            path: path.to_owned(),
            line: 1 + text[..offset.min(text.len())].matches('\n').count(),
            what,
        };
        let paper: Self = toml::from_str(text)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let mut names = BTreeSet::new();
        for row in &paper.rows {
            if !names.insert(&row.name) {
                let place = text.rfind(&format!("name = \"{}\"", row.name)).unwrap_or(0);
                return Err(at(place, format!("a second row is called {:?}", row.name)));
            }
            for (key, recipe) in &row.recipes {
                let wrong =
                    |what: String| at(recipe.span().start, format!("row {}, recipe {key}: {what}", row.name));
                if key != DEFAULT && !paper.datasets.keys().any(|task| task.name() == key) {
                    return Err(wrong(format!("no dataset is called {key:?}")));
                }
                Learner::parse(&row.model, recipe.get_ref()).map_err(wrong)?;
            }
            for (key, search) in &row.searches {
                let wrong = |(what, place)| at(place, format!("row {}, search {key}: {what}", row.name));
                let place = search.span().start;
                let Some(task) = paper.datasets.keys().find(|task| task.name() == key) else {
                    return Err(wrong((format!("no dataset is called {key:?}"), place)));
                };
                if task.select().is_none() {
                    return Err(wrong(("there is nothing to choose by".to_owned(), place)));
                }
                if search.get_ref().every > 0 {
                    return Err(wrong((
                        "epochs are values of the grid; expected no `every`".to_owned(),
                        place,
                    )));
                }
                check_search(search, |recipe| Learner::parse(&row.model, recipe).map(|_| ()))
                    .map_err(wrong)?;
            }
        }
        for (task, usage) in &paper.datasets {
            if let Some(name) = usage.maps.iter().find(|&name| !names.contains(name)) {
                let place = text.find(&format!("[dataset.{}]", task.name())).unwrap_or(0);
                return Err(at(place, format!("maps: no row is called {name:?}")));
            }
        }
        for claim in &paper.claims {
            let (place, claim) = (claim.span().start, claim.get_ref());
            let wrong = |what: String| at(place, format!("claim {:?}: {what}", claim.text));
            for name in [&claim.better, &claim.than] {
                if !names.contains(name) {
                    return Err(wrong(format!("no row is called {name:?}")));
                }
            }
            if !(0.0..1.0).contains(&claim.slack) || (claim.slack > 0.0 && claim.metric == SPEED) {
                return Err(wrong(format!(
                    "slack is {}; expected at least 0, and less than 1, and none of a speed",
                    claim.slack
                )));
            }
            if !claim.dataset.metrics().contains(&claim.metric.as_str()) {
                let known = claim.dataset.metrics().join(", ");
                return Err(wrong(format!(
                    "no metric is called {:?}; expected one of {known}",
                    claim.metric
                )));
            }
        }
        Ok(paper)
    }

    /// What the papers say.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().map(Spanned::get_ref)
    }

    /// The row called `name`.
    pub fn row(&self, name: &str) -> Option<&VectorRow> {
        self.rows.iter().find(|row| row.name == name)
    }
}

impl VectorRow {
    /// What learns from a data set; nothing where the row is not of it. Parse errors were met by [`VectorPaper::parse`].
    pub fn learner(&self, task: Task) -> Option<Learner> {
        Learner::parse(&self.model, self.recipe(task)?).ok()
    }

    /// The hyper-parameters on a data set; nothing where the row is not of it.
    pub fn recipe(&self, task: Task) -> Option<&toml::Table> {
        self.recipes.get(task.name()).or_else(|| self.recipes.get(DEFAULT)).map(Spanned::get_ref)
    }

    /// What a search for this row tries on a data set.
    pub fn search(&self, task: Task) -> Option<&Search> {
        self.searches.get(task.name()).map(Spanned::get_ref)
    }

    /// How many seeds it is run with.
    pub fn seeds(&self, usage: &VectorUse) -> usize {
        self.seeds.unwrap_or(usage.seeds).get()
    }
}
