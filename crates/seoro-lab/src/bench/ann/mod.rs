//! Nearest-neighbour search against the libraries people use, at equal recall.

mod cases;
mod kept;
mod ours;
mod theirs;

use super::work::{Answer, Measure, Opponent, Work};
use super::{Scene, pool};
use crate::LabError;
use crate::ann::grids::Rival;
use crate::ann::{Half, K, Recipe, Space, Truth, nearest_within, recall};
pub(super) use cases::CASES;
pub(super) use kept::Kept;
use ours::Ours;
use seoro_core::Matrix;
use theirs::Theirs;

/// Ours against libraries on the same vectors.
#[derive(Clone, Copy)]
pub(super) struct Contest {
    /// The vectors.
    space: Space,
    /// Our build settings.
    ours: &'static [Recipe],
    /// The libraries, with as many.
    rivals: &'static [Rival],
    /// What is measured.
    goal: Goal,
}

/// What is measured.
#[derive(Clone, Copy)]
enum Goal {
    /// Answering the second half of the queries on one thread, by the setting and effort that reach a recall fastest on
    /// the first half.
    Search {
        /// The recall wanted.
        recall: f64,
        /// Whether queries come one at a time, each in a call of its own.
        singly: bool,
    },
    /// Answering [`SAMPLE`] queries by the first settings, which have no effort.
    Batch {
        /// On so many threads; on those of the run where absent.
        threads: Option<usize>,
    },
    /// Building by the first settings; the check is the recall at an effort.
    Build {
        /// The effort.
        effort: usize,
        /// How many pairs.
        pairs: usize,
    },
    /// How many of a hundred nearest vectors are missed among the first `among` found at an effort, on average over
    /// [`SEEDS`]: of ours, and the library's settings.
    Missed {
        /// The effort.
        effort: usize,
        /// How many are asked for.
        among: usize,
    },
    /// The memory of an index by the first settings, in MB; the check is the recall at an effort.
    Memory {
        /// The effort.
        effort: usize,
    },
}

/// How many queries of the first half parameters are chosen on: a recall of them is sure to about .002, where words differ
/// much to .005.
const CHOSEN_ON: usize = 2500;

/// Codes hang on where k-means begins: what they find is averaged over these.
const SEEDS: [u64; 3] = [1, 2, 3];

/// How many queries check a build, and how many an exact batch has.
const SAMPLE: usize = 1000;

/// What is missed where this share is found; at least one query, so that there is a ratio.
fn missed_answer(found: f64, queries: usize) -> Answer {
    let least = 1.0 / queries.max(1) as f64;
    Answer { value: 100.0 * (1.0 - found).max(least), check: found }
}

/// How many pairs a median of searches is of.
const PAIRS: usize = 7;

impl Goal {
    /// How many queries of the second half are asked.
    fn queries(self) -> usize {
        if matches!(self, Self::Search { .. } | Self::Missed { .. }) { usize::MAX } else { SAMPLE }
    }

    /// How many neighbours are asked for.
    fn k(self) -> usize {
        if let Self::Missed { among, .. } = self { among } else { K }
    }

    /// The share of what was to be found among answers.
    fn found(self, truth: &Truth, base: &Matrix, queries: &Matrix, found: &[Vec<u64>]) -> f64 {
        match self {
            Self::Missed { among, .. } => nearest_within(truth, base, queries, found, among),
            _ => recall(truth, base, queries, found),
        }
    }

    /// The threads that are measured.
    fn threads(self, scene: &Scene) -> usize {
        match self {
            Self::Search { .. } | Self::Missed { .. } | Self::Memory { .. } => 1,
            Self::Batch { threads } => threads.unwrap_or(scene.threads),
            Self::Build { .. } => scene.threads,
        }
    }
}

impl Contest {
    /// Makes both sides ready; ours has its parameters chosen.
    ///
    /// # Errors
    /// Vectors that are missing; a build or search that fails; a recall that none of our settings reaches.
    pub(super) fn prepare(&self, scene: &Scene) -> Result<Work, LabError> {
        let threads = self.goal.threads(scene);
        let mut ours = Ours::new(self, scene, pool(threads)?)?;
        let choice = match self.goal {
            Goal::Search { recall, .. } => Some(ours.choose(recall)?),
            _ => None,
        };
        let setting = ours.setting(choice);
        let ours = match self.goal {
            Goal::Search { .. } | Goal::Batch { .. } => Measure::Seconds(ours.searching(choice)?),
            Goal::Build { effort, .. } => Measure::Seconds(ours.building(effort)?),
            Goal::Missed { effort, .. } => Measure::Number(ours.missed(effort)?),
            Goal::Memory { effort } => Measure::Number(ours.memory(effort)?),
        };
        let opponent = |rival: &'static Rival| {
            let (told, theirs) = Theirs::new(self, rival, scene)?;
            Ok(Opponent { script: rival.script, index: Some(rival.index), told, talk: Box::new(theirs) })
        };
        let (pairs, is_warmed) = match self.goal {
            Goal::Search { .. } | Goal::Batch { .. } => (PAIRS, true),
            Goal::Build { pairs, .. } => (pairs, false),
            Goal::Missed { .. } | Goal::Memory { .. } => (1, false),
        };
        Ok(Work {
            opponents: self.rivals.iter().map(opponent).collect::<Result<_, LabError>>()?,
            unit: match self.goal {
                Goal::Memory { .. } => "MB",
                Goal::Missed { .. } => "of 100",
                _ => "s",
            },
            ours,
            pairs,
            is_warmed,
            setting,
            threads,
        })
    }
}

/// The half on which figures are reported.
const REPORTED: Half = Half::Second;
