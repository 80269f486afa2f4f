//! Learned vectors, and what they are held to.

mod cell;
mod genres;
mod learner;
mod render;
mod words;

pub use cell::{SEARCH_SEED, VectorCell, VectorJob, VectorResult, merge, results, vector_search_key};
pub use learner::{Learner, WordRecipe};
pub use render::{map_name, markdown};

use crate::LabError;
use crate::data::Folders;
use crate::paper::VectorUse;
use genres::Genres;
use seoro_eval::Scatter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use words::Words;

/// A data set, together with what is asked of vectors that were learned from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Task {
    /// Items of the embedded world, held to their genres.
    #[serde(rename = "world")]
    World,
    /// Films of MovieLens, held to their genres.
    #[serde(rename = "ml-1m")]
    Films,
    /// Artists of Last.fm, held to what listeners call them.
    #[serde(rename = "hetrec2011-lastfm-2k")]
    Artists,
    /// Words of movie reviews, held to people's judgements of pairs and to questions of analogy.
    #[serde(rename = "text-aclimdb")]
    Words,
}

/// What vectors are learned from and held to, read.
pub trait Subject {
    /// What tells its content from any other.
    fn fingerprint(&self) -> &str;

    /// Learns, and measures what was learned, by name; how many seconds learning took. `python` has the peers.
    ///
    /// # Errors
    /// A learner that is of another kind of data, a training that fails, a peer that is asked for without a Python, or fails.
    fn measure(
        &self,
        learner: &Learner,
        seed: u64,
        threads: usize,
        python: Option<&Path>,
    ) -> Result<(BTreeMap<String, f64>, f64), LabError>;

    /// A picture of what is learned, under this title; none where nothing would be seen.
    ///
    /// # Errors
    /// As [`Subject::measure`].
    fn map(&self, title: &str, learner: &Learner, threads: usize) -> Result<Option<Scatter>, LabError> {
        let _ = (title, learner, threads);
        Ok(None)
    }
}

impl Task {
    /// What it is called in files and commands: its data set's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::World => crate::data::WORLD,
            Self::Films => "ml-1m",
            Self::Artists => "hetrec2011-lastfm-2k",
            Self::Words => words::TEXT,
        }
    }

    /// The measures, in the order of columns.
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            Self::World | Self::Films | Self::Artists => genres::METRICS,
            Self::Words => words::METRICS,
        }
    }

    /// The measure that hyper-parameters are chosen by; none where they are given.
    pub fn select(self) -> Option<&'static str> {
        match self {
            Self::World | Self::Films | Self::Artists => Some(genres::CHOSEN_ON),
            Self::Words => None,
        }
    }

    /// What the columns are.
    fn legend(self) -> &'static str {
        match self {
            Self::World | Self::Films | Self::Artists => genres::LEGEND,
            Self::Words => words::LEGEND,
        }
    }

    /// What tells its content from any other, without reading it.
    ///
    /// # Errors
    /// A manifest that is missing or wrong.
    pub fn fingerprint(self, usage: &VectorUse) -> Result<String, LabError> {
        match self {
            Self::Words => words::fingerprint(),
            _ => genres::fingerprint(self, &usage.tags),
        }
    }

    /// Reads it; `None` where its files are not at hand.
    ///
    /// # Errors
    /// Files that are not what their manifests say.
    pub fn open(self, folders: &Folders, usage: &VectorUse) -> Result<Option<Box<dyn Subject>>, LabError> {
        Ok(match self {
            Self::Words => Words::open(folders)?.map(|words| Box::new(words) as Box<dyn Subject>),
            _ => Genres::open(self, folders, &usage.tags)?.map(|genres| Box::new(genres) as Box<dyn Subject>),
        })
    }
}

/// That a learner is of another kind of data.
fn of_another_kind(task: &str) -> LabError {
    LabError::Usage(format!("{task}: nothing can be learned from it by such a model"))
}
