//! From scores to the ranks of the targets, under declared ties.

use seoro_core::{ItemId, Scored};
use serde::{Deserialize, Serialize};

/// Where a target stands among other items with the same score.
///
/// Evaluations differ by whole tables over this: a model that gives every item the same score reaches HR@k = 1 under
/// optimistic ties. Targets tied among themselves stand one after another under each of the three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Before all of them.
    Optimistic,
    /// Halfway between the other two, which may be a fractional rank such as 2.5.
    Mean,
    /// After all of them: no model profits from saying nothing.
    #[default]
    Pessimistic,
}

impl Ties {
    /// How many items that are no targets stand before a target, where `above` have a higher score and `tied` the same.
    fn ahead(self, above: usize, tied: usize) -> f64 {
        match self {
            Ties::Optimistic => above as f64,
            Ties::Mean => above as f64 + tied as f64 / 2.0,
            Ties::Pessimistic => (above + tied) as f64,
        }
    }
}

/// Where the targets of one case stand among all that was ranked: what every [`Metric`](crate::Metric) is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// The ranks of the targets, rising, from 1 on. May lack those beyond every cut-off of interest.
    pub ranks: Vec<f64>,
    /// The number of targets.
    pub targets: usize,
    /// The number of other items ranked: neither targets nor hidden.
    pub competitors: usize,
}

impl Ranking {
    /// Ranks targets by their scores among the scores of the other items. A NaN among those is no item.
    ///
    /// Rank of the j-th best target = j + the other items before it ([`Ties`]).
    pub(crate) fn of_scores(targets: &mut [f32], others: &[f32], competitors: usize, ties: Ties) -> Self {
        targets.sort_unstable_by(|a, b| b.total_cmp(a));
        let mut ranks = Vec::with_capacity(targets.len());
        for group in targets.chunk_by(|a, b| a == b) {
            let ahead =
                ties.ahead(count(others, |other| other > group[0]), count(others, |other| other == group[0]));
            for _ in group {
                ranks.push((ranks.len() + 1) as f64 + ahead);
            }
        }
        Self { ranks, targets: targets.len(), competitors }
    }

    /// The ranks up to `depth`, from the `depth + 1` best items of all; `targets` rise.
    ///
    /// `None` where the list does not tell: items with the score of the last one listed may follow, and they decide
    /// whether a target stands within the depth.
    pub(crate) fn of_list(
        list: &[Scored],
        targets: &[ItemId],
        depth: usize,
        competitors: usize,
        ties: Ties,
    ) -> Option<Self> {
        let mut ranks: Vec<f64> = Vec::new();
        let (mut above, mut listed) = (0, 0);
        for group in list.chunk_by(|a, b| a.score == b.score) {
            if listed >= depth || ranks.len() == targets.len() {
                break;
            }
            let found = group.iter().filter(|scored| targets.binary_search(&scored.item).is_ok()).count();
            let tied = group.len() - found;
            listed += group.len();
            if listed == list.len() && list.len() > depth {
                // More of this group may follow, so the first target in it stands here or later.
                let first = (ranks.len() + 1) as f64 + ties.ahead(above, tied);
                if ties == Ties::Pessimistic && first > depth as f64 {
                    break;
                }
                return None;
            }
            for _ in 0..found {
                ranks.push((ranks.len() + 1) as f64 + ties.ahead(above, tied));
            }
            above += tied;
        }
        Some(Self { ranks, targets: targets.len(), competitors })
    }
}

/// Counts by 32-bit lanes, which vectorises; there are fewer than 2^32 items.
fn count(scores: &[f32], is_counted: impl Fn(f32) -> bool) -> usize {
    scores.iter().map(|&score| u32::from(is_counted(score))).sum::<u32>() as usize
}
