//! How a paper measures, and on which data.

use crate::measure::Measure;
use seoro_eval::Ties;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// How a fitted model is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Among which items a target is ranked.
    pub ranking: Ranking,
    /// Which items are not ranked at all; said by every protocol that ranks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hide: Option<HideRule>,
    /// Where a target stands among items of the same score; said by every protocol that ranks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ties: Option<Ties>,
    /// What is reported.
    pub metrics: Vec<Measure>,
    /// Which of them selects hyper-parameters, on validation data.
    pub select: Measure,
    /// Where the test interactions come from, in place of what the data set's use says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitRule>,
    /// What every model is held to predict for a pair whose user or item has no training rating: it is not
    /// asked. Such pairs are left out where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<f32>,
    /// Whether all seeds have the first seed's split, on whose validation data hyper-parameters are chosen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_split: bool,
}

/// The seed whose split a protocol with one split for all seeds has.
const FIRST_SEED: u64 = 1;

impl Protocol {
    /// Where the test interactions of a data set come from.
    pub fn split(&self, usage: &DatasetUse) -> SplitRule {
        self.split.unwrap_or(usage.split)
    }

    /// Whether each seed has a split of its own.
    pub fn is_redrawn(&self, usage: &DatasetUse) -> bool {
        self.split(usage).is_drawn() && !self.same_split
    }

    /// The seed whose split a model fitted with `seed` is asked under.
    pub fn seed_of_split(&self, usage: &DatasetUse, seed: u64) -> u64 {
        if self.is_redrawn(usage) { seed } else { FIRST_SEED }
    }
}

/// Among which items a target is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ranking {
    /// Every item.
    Full,
    /// The target and the negatives of [`DatasetUse::negatives`].
    Candidates,
    /// None: ratings are predicted.
    Ratings,
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
    /// The data set, where this use has another name.
    #[serde(default)]
    pub of: Option<String>,
    /// With which probability whoever is asked has forgotten a training event: each training event is kept with
    /// probability 1 − this; drawn, the same for all rows.
    #[serde(default)]
    pub forgotten: f64,
    /// Where the test interactions come from.
    pub split: SplitRule,
    /// The negatives a candidate ranking uses.
    #[serde(default)]
    pub negatives: Negatives,
    /// How many seeds a row with randomness is run with.
    pub seeds: NonZeroUsize,
    /// The rows whose loss and metric are drawn by epoch, of the published part's first seed.
    #[serde(default)]
    pub courses: Vec<String>,
    /// The rows of which some users and items are drawn as maps, likewise.
    #[serde(default)]
    pub maps: Vec<String>,
    /// What a reader must know about this use.
    pub note: Option<String>,
}

impl DatasetUse {
    /// The data set that the use called `name` is of.
    pub fn source<'a>(&'a self, name: &'a str) -> &'a str {
        self.of.as_deref().unwrap_or(name)
    }
}

/// Where the test interactions come from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitRule {
    /// The data set's own files.
    Given,
    /// Each user's latest interaction.
    LeaveOneOut,
    /// A random share of all interactions, another with another seed.
    Share(f64),
    /// A random share of each user's interactions, another with another seed.
    ShareOfUser(f64),
    /// The latest share of all interactions.
    LatestShare(f64),
}

impl SplitRule {
    /// Whether another seed gives another split.
    pub fn is_drawn(self) -> bool {
        matches!(self, SplitRule::Share(_) | SplitRule::ShareOfUser(_))
    }
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

/// None.
impl Default for Negatives {
    fn default() -> Self {
        Negatives::Drawn(0)
    }
}

/// The word `given`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// As the data set has them.
    Given,
}
