//! A fitted machine: expected ratings.

use super::machine::Machine;
use crate::Side;
use crate::rows::{Wanted, check_histories, each_pair, each_row, profile, rated_part};
use rayon::prelude::*;
use seoro_core::{Csr, ItemId, Items, Matrix, Query, Rate, Score, ScoreError, UserId};
use serde::{Deserialize, Serialize};

/// A fitted machine; the score is the expected rating.
///
/// Where rows are users, the history of whoever asks is the row: of it those items count that have a training event, and a rating
/// that training had none of as the nearest one that it had (to be ranked for, a history without its ratings counts as empty;
/// to be rated for, it is refused). Where they are items, a user without training events is answered
/// with each item's mean rating, drawn a little to that of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RbmModel {
    machine: Machine,
    /// Where rows are items: the hidden units of each, `[I, H]`.
    hidden: Option<Matrix>,
    /// Where rows are items: the mean rating of each.
    means: Vec<f32>,
    /// The different ratings, rising.
    levels: Vec<f32>,
    /// Users with a training event.
    trained: Vec<bool>,
    /// Items with a training event.
    seen: Vec<bool>,
    unseen: f32,
}

/// Whoever asks, as the model knows them.
enum Asker {
    /// The hidden units of the history.
    Hidden(Vec<f32>),
    /// A column.
    Column(usize),
    Stranger,
}

impl RbmModel {
    pub(super) fn new(
        machine: Machine,
        rows: Side,
        places: &Csr,
        levels: Vec<f32>,
        [trained, seen]: [Vec<bool>; 2],
        unseen: f32,
    ) -> Self {
        let (hidden, means) = match rows {
            Side::Users => (None, Vec::new()),
            Side::Items => (Some(all_hidden(&machine, places)), means_of(places, &levels)),
        };
        Self { machine, hidden, means, levels, trained, seen, unseen }
    }

    fn asker(&self, place: usize, query: &Query<'_>) -> Result<Asker, ScoreError> {
        if self.hidden.is_some() {
            let known = query.user.map(UserId::index).filter(|&user| self.trained.get(user) == Some(&true));
            return Ok(known.map_or(Asker::Stranger, Asker::Column));
        }
        let mut cells = Vec::new();
        profile(place, query, true, self.n_items(), &mut cells)?;
        cells.retain(|&(item, _)| self.seen[item as usize]);
        let places = cells.into_iter().map(|(item, rating)| (item, self.nearest(rating) as f32));
        let units = self.machine.units(places);
        let mut hidden = vec![0.0; self.machine.n_hidden()];
        self.machine.up(&units, &mut hidden);
        Ok(Asker::Hidden(hidden))
    }

    /// The place of the level nearest to a rating.
    fn nearest(&self, rating: f32) -> usize {
        let above = self.levels.partition_point(|&level| level < rating).min(self.levels.len() - 1);
        let below = above.saturating_sub(1);
        let distance = |place: usize| (self.levels[place] - rating).abs();
        if distance(below) < distance(above) { below } else { above }
    }

    fn expected(&self, asker: &Asker, item: usize, shares: &mut [f32]) -> f32 {
        match (asker, &self.hidden) {
            (Asker::Hidden(hidden), _) => self.machine.down(hidden, item, shares),
            (Asker::Column(column), Some(hidden)) => self.machine.down(hidden.row(item), *column, shares),
            _ => return self.means[item],
        }
        shares.iter().zip(&self.levels).map(|(share, level)| share * level).sum()
    }
}

/// What the hidden units of each row are.
fn all_hidden(machine: &Machine, places: &Csr) -> Matrix {
    let width = machine.n_hidden();
    let mut hidden = Matrix::zeros(places.rows(), width);
    let rows = hidden.as_mut_slice().par_chunks_exact_mut(width);
    rows.enumerate().for_each(|(row, hidden)| machine.up(&machine.units(places.row(row)), hidden));
    hidden
}

/// The mean rating of each row, with that of all counted once more.
fn means_of(places: &Csr, levels: &[f32]) -> Vec<f32> {
    let ratings = |row: usize| places.values(row).iter().map(|&place| f64::from(levels[place as usize]));
    let sums: Vec<f64> = (0..places.rows()).map(|row| ratings(row).sum()).collect();
    let all = sums.iter().sum::<f64>() / places.entries().max(1) as f64;
    let mean = |(row, sum): (usize, &f64)| ((sum + all) / (places.columns(row).len() + 1) as f64) as f32;
    sums.iter().enumerate().map(mean).collect()
}

impl Score for RbmModel {
    fn n_items(&self) -> usize {
        self.seen.len()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        check_histories(queries, self.n_items())?;
        let mut shares = vec![0.0; self.levels.len()];
        each_row(queries.len(), self.n_items(), &items, out, |query, wanted, out| {
            let asker = self.asker(query, &rated_part(&queries[query]))?;
            match wanted {
                Wanted::Block(range) => out
                    .iter_mut()
                    .zip(range)
                    .for_each(|(out, item)| *out = self.expected(&asker, item, &mut shares)),
                Wanted::List(list) => out
                    .iter_mut()
                    .zip(list)
                    .for_each(|(out, item)| *out = self.expected(&asker, item.index(), &mut shares)),
            }
            Ok(())
        })
    }

    fn rate(&self) -> Option<&dyn Rate> {
        Some(self)
    }
}

/// A mean of ratings never leaves their range; where the user or the item has none in training, the rating is the recipe's
/// `unseen`.
impl Rate for RbmModel {
    fn rate(&self, pairs: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError> {
        let mut shares = vec![0.0; self.levels.len()];
        let asker = |place, query: &Query<'_>| {
            let is_known = match self.hidden {
                Some(_) => query.user.is_some_and(|user| self.trained.get(user.index()) == Some(&true)),
                None => !query.history.is_empty(),
            };
            if is_known { self.asker(place, query).map(Some) } else { Ok(None) }
        };
        each_pair(pairs, self.n_items(), out, asker, |asker, item| match asker {
            Some(asker) if self.seen[item.index()] => self.expected(asker, item.index(), &mut shares),
            _ => self.unseen,
        })
    }
}
