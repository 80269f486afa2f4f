//! Popularity: everyone is offered what most people took (TopPop), the baseline that any other model has to beat.
//!
//! Score of item i: the number of its training interactions, repeats counted.

use crate::{FitError, Recommender, Run, Training};
use seoro_core::{Items, Query, Score, ScoreError};
use serde::{Deserialize, Serialize};

/// The recipe of popularity: there is nothing to choose.
///
/// ```
/// use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
/// use seoro_models::{Popularity, Recommender, Run, Training};
/// use std::sync::Arc;
///
/// let (users, items) = ([0, 1, 1].map(UserId), [1, 1, 0].map(ItemId));
/// let vocab = || Arc::new(Vocab::numbered(2));
/// let log = Log::new(users.to_vec(), items.to_vec(), None, None, vocab(), vocab())?;
/// let histories = Histories::new(&log);
/// let model = Popularity {}.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1)))?;
///
/// let mut scores = [0.0; 2];
/// model.score(&[Query::new(&[])], Items::All, &mut scores)?;
/// assert_eq!(scores, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Popularity {}

/// The number of training interactions of each item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopularityModel {
    counts: Vec<f32>,
}

impl Recommender for Popularity {
    type Fitted = PopularityModel;
    const NAME: &'static str = "popularity";
    const REVISION: u32 = 1;
    const PERSONAL: bool = false;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<PopularityModel, FitError> {
        run.check()?;
        if train.events.is_empty() {
            return Err(FitError::Empty { model: Self::NAME });
        }
        let mut counts = vec![0_u32; train.events.n_items()];
        for item in train.events.items() {
            counts[item.index()] += 1;
        }
        Ok(PopularityModel { counts: counts.into_iter().map(|count| count as f32).collect() })
    }
}

impl Score for PopularityModel {
    fn n_items(&self) -> usize {
        self.counts.len()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        crate::rows::check_histories(queries, self.n_items())?;
        crate::rows::each_row(queries.len(), self.n_items(), &items, out, |_, wanted, out| {
            wanted.copy(&self.counts, out);
            Ok(())
        })
    }
}
