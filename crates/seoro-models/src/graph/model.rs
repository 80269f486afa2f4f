//! A fitted model of the graph: final embeddings, whose product is the score.

use crate::rows::check_histories;
use seoro_core::score::score_by_vectors;
use seoro_core::{Embed, Items, Matrix, Query, Score, ScoreError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The final embeddings of users and items; the score is their dot product.
///
/// A user without training events, or a query without a user, is answered as the mean of all trained users: such a user is no
/// node of the graph that was learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphModel {
    /// `[U, F]`.
    users: Matrix,
    /// `[I, F]`.
    items: Matrix,
    /// Users with a training event.
    trained: Vec<bool>,
    /// The mean of trained users.
    stranger: Vec<f32>,
}

impl GraphModel {
    /// The model of the nodes' final embeddings `[U + I, F]`, users first.
    pub(crate) fn new(nodes: Vec<f32>, width: usize, trained: &[bool]) -> Self {
        let n_users = trained.len();
        let mut users = nodes;
        let items = users.split_off(n_users * width);
        let n_items = items.len() / width.max(1);
        let matrix =
            |rows: usize, numbers: Vec<f32>| Matrix::from_vec(rows, width, numbers).unwrap_or_default();
        let users = matrix(n_users, users);
        let mut sums = vec![0.0; width];
        let mut count = 0;
        for user in (0..n_users).filter(|&user| trained[user]) {
            sums.iter_mut().zip(users.row(user)).for_each(|(sum, &x)| *sum += f64::from(x));
            count += 1;
        }
        let stranger = sums.iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect();
        Self { users, items: matrix(n_items, items), trained: trained.to_vec(), stranger }
    }

    /// The users' final embeddings, `[U, F]`.
    pub fn users(&self) -> &Matrix {
        &self.users
    }

    fn asker(&self, query: &Query<'_>) -> &[f32] {
        match query.user.filter(|user| self.trained.get(user.index()) == Some(&true)) {
            Some(user) => self.users.row(user.index()),
            None => &self.stranger,
        }
    }
}

impl Score for GraphModel {
    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items, out)
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }
}

impl Embed for GraphModel {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        check_histories(queries, self.n_items())?;
        out.reset(queries.len(), self.items.cols());
        for (row, query) in queries.iter().enumerate() {
            out.row_mut(row).copy_from_slice(self.asker(query));
        }
        Ok(())
    }
}
