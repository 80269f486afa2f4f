//! What users did beside the interactions a model is trained on.

use crate::{ItemId, UserId, Vocab};
use std::sync::Arc;

/// The side signals of a log; each is there or not, and a model that needs a missing one says so.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Signals {
    /// What was shown, and what came of it.
    pub impressions: Option<Impressions>,
    /// What was searched for.
    pub searches: Option<Searches>,
}

impl Signals {
    /// What users did strictly before a time, in Unix milliseconds, that `end` gives for each; of users without one,
    /// everything.
    ///
    /// An impression that led to a hidden interaction has its time, and is left out with it; a search that came before it
    /// stays.
    pub fn before(&self, end: impl Fn(UserId) -> Option<i64>) -> Self {
        let is_known = |user: UserId, time: i64| end(user).is_none_or(|end| time < end);
        Self {
            impressions: self.impressions.as_ref().map(|impressions| impressions.filtered(is_known)),
            searches: self.searches.as_ref().map(|searches| searches.filtered(is_known)),
        }
    }
}

/// The rows of which `is_kept` holds.
fn kept(users: &[UserId], times: &[i64], is_kept: impl Fn(UserId, i64) -> bool) -> Vec<usize> {
    (0..users.len()).filter(|&row| is_kept(users[row], times[row])).collect()
}

fn column<T: Copy>(column: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| column[row]).collect()
}

/// Items that were shown to users: columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Impressions {
    /// To whom.
    pub users: Vec<UserId>,
    /// What.
    pub items: Vec<ItemId>,
    /// When, in Unix milliseconds.
    pub times: Vec<i64>,
    /// Whether the user clicked.
    pub clicked: Vec<bool>,
    /// How long the user watched, in seconds; 0 without a click.
    pub watched: Vec<f32>,
}

impl Impressions {
    fn filtered(&self, is_kept: impl Fn(UserId, i64) -> bool) -> Self {
        let rows = kept(&self.users, &self.times, is_kept);
        Self {
            users: column(&self.users, &rows),
            items: column(&self.items, &rows),
            times: column(&self.times, &rows),
            clicked: column(&self.clicked, &rows),
            watched: column(&self.watched, &rows),
        }
    }
}

/// Searches: each is one bag of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Searches {
    /// Who searched.
    pub users: Vec<UserId>,
    /// When, in Unix milliseconds.
    pub times: Vec<i64>,
    /// `[searches + 1]`: where each search's tokens start, and the end.
    pub starts: Vec<usize>,
    /// The tokens, search after search.
    pub tokens: Vec<u32>,
    /// The tokens' texts.
    pub vocab: Arc<Vocab>,
}

impl Searches {
    fn filtered(&self, is_kept: impl Fn(UserId, i64) -> bool) -> Self {
        let rows = kept(&self.users, &self.times, is_kept);
        let (mut starts, mut tokens) = (vec![0], Vec::new());
        for &row in &rows {
            tokens.extend_from_slice(&self.tokens[self.starts[row]..self.starts[row + 1]]);
            starts.push(tokens.len());
        }
        let (users, times) = (column(&self.users, &rows), column(&self.times, &rows));
        Self { users, times, starts, tokens, vocab: Arc::clone(&self.vocab) }
    }
}
