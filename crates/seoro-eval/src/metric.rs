//! Metrics of a ranking, one value per case, and their names.

use crate::Ranking;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Raised whenever the same scores may give another value than before; part of a result's key.
pub const REVISION: u32 = 1;

/// A metric of where the targets of a case stand; larger is better, between 0 and 1.
///
/// T is the number of targets, a hit is a target with rank ≤ k, r₁ ≤ r₂ ≤ … are the ranks. Written and parsed as the
/// name shown with each, with any k from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Metric {
    /// `hr@10`: 1 where there is a hit, else 0 (Deshpande and Karypis 2004).
    HitRate(usize),
    /// `recall@20`: hits ÷ T. It cannot reach 1 where T > k (He et al. 2020, LightGCN).
    Recall(usize),
    /// `recall-capped@20`: hits ÷ min(k, T) (Liang et al. 2018, Mult-VAE).
    RecallCapped(usize),
    /// `precision@5`: hits ÷ k, also where fewer than k items are ranked.
    Precision(usize),
    /// `ndcg@10`: Σ over hits of 1 ÷ log₂(r + 1), ÷ the same sum of the ranks 1 to min(k, T) (Järvelin and Kekäläinen
    /// 2002, with the discount of Burges et al. 2005 and binary gains).
    Ndcg(usize),
    /// `mrr@20`: 1 ÷ r₁ where the first target is a hit, else 0 (Voorhees 1999).
    Mrr(usize),
    /// `map@10`: Σ over hits of j ÷ rⱼ, ÷ T (Manning, Raghavan and Schütze 2008, section 8.4, cut at k).
    Map(usize),
    /// `map-capped@10`: the same sum ÷ min(k, T), which can always reach 1 (the Million Song challenge: McFee et al. 2012).
    MapCapped(usize),
    /// `auc`: the share of the pairs (target, other item) in which the target stands first; a tie counts 1, ½ or 0 by
    /// [`Ties`](crate::Ties) (Rendle et al. 2009, BPR). It needs the ranks of all targets.
    Auc,
}

impl Metric {
    /// The cut-off k; `None` where the whole ranking counts.
    pub fn cutoff(self) -> Option<usize> {
        match self {
            Metric::HitRate(k)
            | Metric::Recall(k)
            | Metric::RecallCapped(k)
            | Metric::Precision(k)
            | Metric::Ndcg(k)
            | Metric::Mrr(k)
            | Metric::Map(k)
            | Metric::MapCapped(k) => Some(k),
            Metric::Auc => None,
        }
    }

    /// The value of this metric for one ranking; NaN where it is undefined: without targets, with k = 0, AUC without
    /// competitors.
    ///
    /// ```
    /// use seoro_eval::{Metric, Ranking};
    /// let ranking = Ranking { ranks: vec![1.0, 4.0], targets: 2, competitors: 8 };
    /// assert_eq!(Metric::Recall(3).value(&ranking), 0.5);
    /// assert_eq!(Metric::Map(4).value(&ranking), (1.0 / 1.0 + 2.0 / 4.0) / 2.0);
    /// assert_eq!(Metric::Auc.value(&ranking), 14.0 / 16.0);
    /// ```
    pub fn value(self, ranking: &Ranking) -> f64 {
        let targets = ranking.targets as f64;
        let k = self.cutoff().unwrap_or(usize::MAX);
        let capped = k.min(ranking.targets);
        let hits = &ranking.ranks[..ranking.ranks.partition_point(|&rank| rank <= k as f64)];
        let n_hits = hits.len() as f64;
        match self {
            Metric::HitRate(_) if capped > 0 => f64::from(u8::from(!hits.is_empty())),
            Metric::Mrr(_) if capped > 0 => hits.first().map_or(0.0, |first| first.recip()),
            Metric::HitRate(_) | Metric::Mrr(_) => f64::NAN,
            Metric::Recall(_) => n_hits / targets,
            Metric::RecallCapped(_) => n_hits / capped as f64,
            Metric::Precision(_) => n_hits / k as f64,
            Metric::Ndcg(_) => gain(hits.iter().copied()) / gain((1..=capped).map(|rank| rank as f64)),
            Metric::Map(_) => precisions(hits) / targets,
            Metric::MapCapped(_) => precisions(hits) / capped as f64,
            Metric::Auc => 1.0 - before(hits) / (targets * ranking.competitors as f64),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Metric::HitRate(_) => "hr",
            Metric::Recall(_) => "recall",
            Metric::RecallCapped(_) => "recall-capped",
            Metric::Precision(_) => "precision",
            Metric::Ndcg(_) => "ndcg",
            Metric::Mrr(_) => "mrr",
            Metric::Map(_) => "map",
            Metric::MapCapped(_) => "map-capped",
            Metric::Auc => "auc",
        }
    }
}

/// Σ 1 ÷ log₂(r + 1).
fn gain(ranks: impl Iterator<Item = f64>) -> f64 {
    ranks.map(|rank| (rank + 1.0).log2().recip()).sum()
}

/// Σ j ÷ rⱼ: the precision at each hit.
fn precisions(hits: &[f64]) -> f64 {
    (1..).zip(hits).map(|(place, rank)| f64::from(place) / rank).sum()
}

/// Σ rⱼ − j: how often another item stands before a target.
fn before(hits: &[f64]) -> f64 {
    (1..).zip(hits).map(|(place, rank)| rank - f64::from(place)).sum()
}

/// A name that is no metric's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "metric {name:?}; expected auc, or hr, recall, recall-capped, precision, ndcg, mrr, map or map-capped with a cut-off as in hr@10"
)]
pub struct MetricError {
    /// The name.
    pub name: String,
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        let unknown = || MetricError { name: text.to_owned() };
        let Some((name, k)) = text.split_once('@') else {
            return if text == "auc" { Ok(Metric::Auc) } else { Err(unknown()) };
        };
        let k = k.parse().ok().filter(|&k| k > 0).ok_or_else(unknown)?;
        Ok(match name {
            "hr" => Metric::HitRate(k),
            "recall" => Metric::Recall(k),
            "recall-capped" => Metric::RecallCapped(k),
            "precision" => Metric::Precision(k),
            "ndcg" => Metric::Ndcg(k),
            "mrr" => Metric::Mrr(k),
            "map" => Metric::Map(k),
            "map-capped" => Metric::MapCapped(k),
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cutoff() {
            Some(k) => f.pad(&format!("{}@{k}", self.name())),
            None => f.pad(self.name()),
        }
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

impl TryFrom<String> for Metric {
    type Error = MetricError;

    fn try_from(text: String) -> Result<Self, MetricError> {
        text.parse()
    }
}
