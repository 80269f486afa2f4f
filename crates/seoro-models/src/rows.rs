//! Scoring query by query: which of a query's items are wanted, where their scores go, and what its history says.

use crate::FitError;
use seoro_core::{Csr, Histories, ItemId, Items, Log, Query, ScoreError, UserId};
use std::ops::Range;

/// The items whose scores one query wants.
#[derive(Clone, Debug)]
pub(crate) enum Wanted<'a> {
    /// A block of rows.
    Block(Range<usize>),
    /// Candidates.
    List(&'a [ItemId]),
}

impl Wanted<'_> {
    /// Copies the scores wanted out of `all`, `[I]`.
    pub(crate) fn copy(&self, all: &[f32], out: &mut [f32]) {
        match self {
            Wanted::Block(range) => out.copy_from_slice(&all[range.clone()]),
            Wanted::List(list) => {
                out.iter_mut().zip(*list).for_each(|(out, item)| *out = all[item.index()]);
            }
        }
    }
}

/// Calls `score` for each query with what it wants and its part of `out`; the caller has called [`Items::check`].
pub(crate) fn each_row(
    queries: usize,
    n_items: usize,
    items: &Items<'_>,
    out: &mut [f32],
    mut score: impl FnMut(usize, Wanted<'_>, &mut [f32]) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    let mut rest = out;
    for query in 0..queries {
        let (wanted, len) = match items {
            Items::All => (Wanted::Block(0..n_items), n_items),
            Items::Range(range) => (Wanted::Block(range.start as usize..range.end as usize), range.len()),
            Items::Lists(lists) => (Wanted::List(lists[query]), lists[query].len()),
        };
        let (row, tail) = rest.split_at_mut(len);
        rest = tail;
        if len > 0 {
            score(query, wanted, row)?;
        }
    }
    Ok(())
}

/// Puts the items of the query's history into `out`, rising and each once.
///
/// # Errors
/// [`ScoreError::Item`] for an item that the model does not have.
pub(crate) fn history_set(
    query: &Query<'_>,
    n_items: usize,
    out: &mut Vec<ItemId>,
) -> Result<(), ScoreError> {
    out.clear();
    out.extend_from_slice(query.history);
    out.sort_unstable();
    out.dedup();
    match out.last() {
        Some(&item) if item.index() >= n_items => Err(ScoreError::Item { item, n_items }),
        _ => Ok(()),
    }
}

/// Refuses a history with an item that the model does not have.
///
/// # Errors
/// [`ScoreError::Item`].
pub(crate) fn check_histories(queries: &[Query<'_>], n_items: usize) -> Result<(), ScoreError> {
    let mut items = queries.iter().flat_map(|query| query.history);
    match items.find(|item| item.index() >= n_items) {
        Some(&item) => Err(ScoreError::Item { item, n_items }),
        None => Ok(()),
    }
}

/// Puts the items of the query's history into `out` by rising item, each once, with the latest value where `values` are
/// asked for, else 1.
///
/// # Errors
/// [`ScoreError::Item`] for an item that the model does not have, [`ScoreError::Missing`] without values beside the history.
pub(crate) fn profile(
    place: usize,
    query: &Query<'_>,
    values: bool,
    n_items: usize,
    out: &mut Vec<(u32, f32)>,
) -> Result<(), ScoreError> {
    out.clear();
    let given = query.values.filter(|given| given.len() == query.history.len());
    match given {
        Some(given) if values => out.extend(query.history.iter().zip(given).map(|(item, &x)| (item.0, x))),
        None if values && !query.history.is_empty() => {
            return Err(ScoreError::Missing { query: place, what: "a value for each item of its history" });
        }
        _ => out.extend(query.history.iter().map(|item| (item.0, 1.0))),
    }
    latest(out);
    match out.last() {
        Some(&(item, _)) if item as usize >= n_items => Err(ScoreError::Item { item: ItemId(item), n_items }),
        _ => Ok(()),
    }
}

/// Sorts by item and keeps the last entry of each.
fn latest(entries: &mut Vec<(u32, f32)>) {
    entries.reverse();
    entries.sort_by_key(|&(item, _)| item);
    entries.dedup_by_key(|&mut (item, _)| item);
}

/// Which users have an event.
pub(crate) fn trained_users(events: &Log) -> Vec<bool> {
    let mut trained = vec![false; events.n_users()];
    events.users().iter().for_each(|user| trained[user.index()] = true);
    trained
}

/// The user-item matrix `[U, I]`: the latest value of each pair where `values` are asked for, else ones.
///
/// # Errors
/// [`FitError::Missing`] where the log has no values.
pub(crate) fn value_matrix(
    model: &'static str,
    histories: &Histories,
    values: bool,
) -> Result<Csr, FitError> {
    if !values {
        return Ok(histories.matrix());
    }
    let user = |user: usize| {
        let user = UserId(user as u32);
        let given = histories.values(user).ok_or(FitError::Missing { model, column: "values" })?;
        let mut row: Vec<(u32, f32)> =
            histories.items(user).iter().zip(given).map(|(item, &value)| (item.0, value)).collect();
        latest(&mut row);
        Ok(row)
    };
    let rows = (0..histories.n_users()).map(user).collect::<Result<Vec<_>, FitError>>()?;
    Ok(crate::similarity::compressed(rows, histories.n_items()))
}
