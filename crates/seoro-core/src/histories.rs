//! Each user's interactions, in order.

use crate::{Csr, ItemId, Log, Query, UserId};

/// Each user's interactions as a ragged row: by time where the log has times (ties keep the log's order), else in the
/// log's order.
///
/// Repeats stay: a history is a sequence. [`Histories::matrix`] gives the set.
#[derive(Clone, Debug, PartialEq)]
pub struct Histories {
    starts: Vec<usize>,
    items: Vec<ItemId>,
    values: Option<Vec<f32>>,
    times: Option<Vec<i64>>,
    n_items: usize,
}

impl Histories {
    /// The histories of a log: one row for every user of its vocabulary, empty ones included.
    pub fn new(log: &Log) -> Self {
        let (starts, order) = rows_by_user(log);
        Self {
            starts,
            items: order.iter().map(|&row| log.items()[row]).collect(),
            values: log.values().map(|values| order.iter().map(|&row| values[row]).collect()),
            times: log.times().map(|times| order.iter().map(|&row| times[row]).collect()),
            n_items: log.n_items(),
        }
    }

    /// The number of users, those with an empty history included.
    pub fn n_users(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of items that histories may name.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// The number of events in all histories.
    pub fn n_events(&self) -> usize {
        self.items.len()
    }

    /// Whether the order within a history is the order of time.
    pub fn is_ordered(&self) -> bool {
        self.times.is_some()
    }

    /// The items of `user`; empty for a user that is not here.
    pub fn items(&self, user: UserId) -> &[ItemId] {
        &self.items[self.span(user)]
    }

    /// The values beside [`Histories::items`], where the log had values.
    pub fn values(&self, user: UserId) -> Option<&[f32]> {
        self.values.as_ref().map(|values| &values[self.span(user)])
    }

    /// The times beside [`Histories::items`] in Unix milliseconds, where the log had times.
    pub fn times(&self, user: UserId) -> Option<&[i64]> {
        self.times.as_ref().map(|times| &times[self.span(user)])
    }

    /// The query that asks what `user` may like next: the user with the whole history.
    pub fn query(&self, user: UserId) -> Query<'_> {
        let mut query = Query::new(self.items(user)).user(user);
        query.values = self.values(user);
        query.times = self.times(user);
        query
    }

    /// The user-item matrix `[U, I]`: 1 where there was an interaction, repeats counted once.
    pub fn matrix(&self) -> Csr {
        let rows = (0..self.n_users()).map(|user| {
            let mut row: Vec<(u32, f32)> =
                self.items(UserId(user as u32)).iter().map(|item| (item.0, 1.0)).collect();
            row.sort_unstable_by_key(|&(item, _)| item);
            row.dedup_by_key(|&mut (item, _)| item);
            row
        });
        Csr::from_sorted_rows(rows, self.n_items)
    }

    fn span(&self, user: UserId) -> std::ops::Range<usize> {
        if user.index() >= self.n_users() {
            return 0..0;
        }
        self.starts[user.index()]..self.starts[user.index() + 1]
    }
}

/// The rows of `log`, user after user, each user's by time (ties and logs without times keep the log's order), with
/// where each user's rows start and the end.
pub(crate) fn rows_by_user(log: &Log) -> (Vec<usize>, Vec<usize>) {
    let mut starts = vec![0usize; log.n_users() + 1];
    for user in log.users() {
        starts[user.index() + 1] += 1;
    }
    for row in 0..log.n_users() {
        starts[row + 1] += starts[row];
    }
    let mut next = starts.clone();
    let mut order = vec![0usize; log.len()];
    for (row, user) in log.users().iter().enumerate() {
        order[next[user.index()]] = row;
        next[user.index()] += 1;
    }
    if let Some(times) = log.times() {
        for row in starts.windows(2) {
            order[row[0]..row[1]].sort_by_key(|&event| times[event]);
        }
    }
    (starts, order)
}
