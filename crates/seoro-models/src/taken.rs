//! Users as the mean of the items they took.

use crate::rows::history_set;
use seoro_core::{Histories, ItemId, Matrix, Query, ScoreError, UserId, kernel};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Items by their vectors, and users as the mean of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TakenItems {
    /// What users are the mean of, `[I, D]`.
    taken: Matrix,
    /// What items are scored by, where it is not the same, `[I, D]`; the last numbers of both are 1 and the item's offset.
    scored: Option<Matrix>,
    /// The mean of the training users: that of an empty history.
    mean: Vec<f32>,
}

impl TakenItems {
    /// Items of these vectors; an empty history is the mean of these users.
    pub(crate) fn new(taken: Matrix, scored: Option<Matrix>, histories: &Histories) -> Self {
        let mut items = Self { mean: Vec::new(), taken, scored };
        items.mean = items.mean_user(histories);
        items
    }

    pub(crate) fn n_items(&self) -> usize {
        self.taken.rows()
    }

    /// The vectors that items are scored by.
    pub(crate) fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(self.scored.as_ref().unwrap_or(&self.taken))
    }

    /// The vectors that users are the mean of, without the numbers that only meet offsets.
    pub(crate) fn comparable(&self) -> Cow<'_, Matrix> {
        if self.scored.is_none() {
            return Cow::Borrowed(&self.taken);
        }
        let dim = self.taken.cols() - 1;
        let mut vectors = Matrix::zeros(self.n_items(), dim);
        for item in 0..self.n_items() {
            vectors.row_mut(item).copy_from_slice(&self.taken.row(item)[..dim]);
        }
        Cow::Owned(vectors)
    }

    /// The vectors of queries, `[Q, D]`.
    pub(crate) fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        out.reset(queries.len(), self.taken.cols());
        let mut history = Vec::new();
        for (row, query) in queries.iter().enumerate() {
            history_set(query, self.n_items(), &mut history)?;
            match history.as_slice() {
                [] => out.row_mut(row).copy_from_slice(&self.mean),
                items => self.add_mean(items, out.row_mut(row)),
            }
        }
        Ok(())
    }

    /// The mean vector of users who took something.
    fn mean_user(&self, histories: &Histories) -> Vec<f32> {
        let (mut mean, mut history, mut users) = (vec![0.0; self.taken.cols()], Vec::new(), 0);
        for user in 0..histories.n_users() {
            let query = Query::new(histories.items(UserId(user as u32)));
            // The items of these histories are the model's.
            if history_set(&query, self.n_items(), &mut history).is_ok() && !history.is_empty() {
                self.add_mean(&history, &mut mean);
                users += 1;
            }
        }
        mean.iter_mut().for_each(|number| *number /= users.max(1) as f32);
        mean
    }

    /// Adds the mean vector of items.
    fn add_mean(&self, items: &[ItemId], out: &mut [f32]) {
        let share = 1.0 / items.len() as f32;
        items.iter().for_each(|item| kernel::axpy(share, self.taken.row(item.index()), out));
    }
}

/// The vectors, each of length 1, or of zeros.
pub(crate) fn units(vectors: &Matrix) -> Matrix {
    let mut units = vectors.clone();
    for row in 0..units.rows() {
        let length = kernel::dot(units.row(row), units.row(row)).sqrt();
        if length > 0.0 {
            units.row_mut(row).iter_mut().for_each(|number| *number /= length);
        }
    }
    units
}
