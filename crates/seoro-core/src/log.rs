//! Interactions as columns.

use crate::{ItemId, UserId, Vocab};
use std::sync::Arc;

/// Interactions as columns, with the vocabularies that give rows their raw ids.
///
/// Parts of a log (the sides of a split, a filtered log) share its vocabularies, so a row means the same user or item
/// in all of them. A log without times has no order: splits and labels that need one refuse it.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    users: Vec<UserId>,
    items: Vec<ItemId>,
    values: Option<Vec<f32>>,
    times: Option<Vec<i64>>,
    user_vocab: Arc<Vocab>,
    item_vocab: Arc<Vocab>,
}

/// One interaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Who.
    pub user: UserId,
    /// What.
    pub item: ItemId,
    /// A rating, a count or a weight; 1 where the log has no values.
    pub value: f32,
    /// Unix time in milliseconds, where the log has times.
    pub time: Option<i64>,
}

/// Why columns do not make a log.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum LogError {
    /// Columns of different lengths.
    #[error("column {column} has {len} rows; expected {expected}, as in the user column")]
    Ragged {
        /// The column's name.
        column: &'static str,
        /// Its length.
        len: usize,
        /// The user column's length.
        expected: usize,
    },
    /// An id outside its vocabulary.
    #[error("row {row}: {column} {id} is outside its vocabulary; expected less than {rows}")]
    UnknownId {
        /// `user` or `item`.
        column: &'static str,
        /// The event's row in the log.
        row: usize,
        /// The id.
        id: u32,
        /// The vocabulary's size.
        rows: usize,
    },
    /// A value that is NaN or infinite.
    #[error("row {row}: value {value}; expected a finite number")]
    NotFinite {
        /// The event's row in the log.
        row: usize,
        /// The value.
        value: f32,
    },
}

impl Log {
    /// A log of these columns; `times` are Unix times in milliseconds.
    ///
    /// # Errors
    /// Columns of different lengths, ids outside their vocabulary, values that are not finite.
    pub fn new(
        users: Vec<UserId>,
        items: Vec<ItemId>,
        values: Option<Vec<f32>>,
        times: Option<Vec<i64>>,
        user_vocab: Arc<Vocab>,
        item_vocab: Arc<Vocab>,
    ) -> Result<Self, LogError> {
        let expected = users.len();
        let lengths = [
            ("item", items.len()),
            ("value", values.as_ref().map_or(expected, Vec::len)),
            ("time", times.as_ref().map_or(expected, Vec::len)),
        ];
        if let Some(&(column, len)) = lengths.iter().find(|(_, len)| *len != expected) {
            return Err(LogError::Ragged { column, len, expected });
        }
        check_ids("user", users.iter().map(|u| u.0), user_vocab.len())?;
        check_ids("item", items.iter().map(|i| i.0), item_vocab.len())?;
        let bad = values.iter().flatten().enumerate().find(|(_, value)| !value.is_finite());
        if let Some((row, &value)) = bad {
            return Err(LogError::NotFinite { row, value });
        }
        Ok(Self { users, items, values, times, user_vocab, item_vocab })
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The number of user rows, those without an event included.
    pub fn n_users(&self) -> usize {
        self.user_vocab.len()
    }

    /// The number of item rows, those without an event included.
    pub fn n_items(&self) -> usize {
        self.item_vocab.len()
    }

    /// The user of each event.
    pub fn users(&self) -> &[UserId] {
        &self.users
    }

    /// The item of each event.
    pub fn items(&self) -> &[ItemId] {
        &self.items
    }

    /// The value of each event (a rating, a count), where there are any.
    pub fn values(&self) -> Option<&[f32]> {
        self.values.as_deref()
    }

    /// The Unix time of each event in milliseconds, where the data has an order.
    pub fn times(&self) -> Option<&[i64]> {
        self.times.as_deref()
    }

    /// The raw ids of the users.
    pub fn user_vocab(&self) -> &Arc<Vocab> {
        &self.user_vocab
    }

    /// The raw ids of the items.
    pub fn item_vocab(&self) -> &Arc<Vocab> {
        &self.item_vocab
    }

    /// The event in row `row`.
    ///
    /// # Panics
    /// Where `row` is not below [`Log::len`], as indexing a slice does.
    pub fn event(&self, row: usize) -> Event {
        Event {
            user: self.users[row],
            item: self.items[row],
            value: self.values.as_ref().map_or(1.0, |values| values[row]),
            time: self.times.as_ref().map(|times| times[row]),
        }
    }

    /// The events in row order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event> + '_ {
        (0..self.len()).map(|row| self.event(row))
    }

    /// The log of the given rows, in the order given; the vocabularies are shared, not shrunk.
    ///
    /// # Panics
    /// Where a row is not below [`Log::len`], as indexing a slice does.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            users: rows.iter().map(|&row| self.users[row]).collect(),
            items: rows.iter().map(|&row| self.items[row]).collect(),
            values: self.values.as_ref().map(|values| rows.iter().map(|&row| values[row]).collect()),
            times: self.times.as_ref().map(|times| rows.iter().map(|&row| times[row]).collect()),
            user_vocab: Arc::clone(&self.user_vocab),
            item_vocab: Arc::clone(&self.item_vocab),
        }
    }

    /// The same events with other values, all finite and one for each event, as the caller ensures.
    pub(crate) fn with_values(mut self, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), self.len(), "one value for each event");
        self.values = Some(values);
        self
    }

    /// The same events without the value column: implicit feedback.
    pub fn without_values(mut self) -> Self {
        self.values = None;
        self
    }
}

fn check_ids(column: &'static str, ids: impl Iterator<Item = u32>, rows: usize) -> Result<(), LogError> {
    match ids.enumerate().find(|&(_, id)| id as usize >= rows) {
        Some((row, id)) => Err(LogError::UnknownId { column, row, id, rows }),
        None => Ok(()),
    }
}
