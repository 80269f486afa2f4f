//! Scoring query by query: which of a query's items are wanted, where their scores go, and what its history says.

use crate::FitError;
use seoro_core::{Csr, Histories, ItemId, Items, Log, Query, ScoreError, UserId};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Whose rows a model of rows learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Side {
    /// Each user's, over all items.
    #[default]
    Users,
    /// Each item's, over all users.
    Items,
}

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

/// Rates each pair by what `asker` makes of its query, which neighbours with the same query share.
///
/// # Errors
/// [`ScoreError::Output`], [`ScoreError::Item`], and those of `asker`.
pub(crate) fn each_pair<A>(
    pairs: &[(Query<'_>, ItemId)],
    n_items: usize,
    out: &mut [f32],
    mut asker: impl FnMut(usize, &Query<'_>) -> Result<A, ScoreError>,
    mut rate: impl FnMut(&A, ItemId) -> f32,
) -> Result<(), ScoreError> {
    if out.len() != pairs.len() {
        return Err(ScoreError::Output { len: out.len(), expected: pairs.len() });
    }
    let mut rest = out;
    let mut first = 0;
    for group in pairs.chunk_by(|a, b| is_same(&a.0, &b.0)) {
        let (own, tail) = rest.split_at_mut(group.len());
        rest = tail;
        let query = &group[0].0;
        check_histories(std::slice::from_ref(query), n_items)?;
        if let Some(&(_, item)) = group.iter().find(|(_, item)| item.index() >= n_items) {
            return Err(ScoreError::Item { item, n_items });
        }
        let asker = asker(first, query)?;
        own.iter_mut().zip(group).for_each(|(out, (_, item))| *out = rate(&asker, *item));
        first += group.len();
    }
    Ok(())
}

/// Whether two queries are the same one, by where their histories lie.
fn is_same(a: &Query<'_>, b: &Query<'_>) -> bool {
    let values = |query: &Query<'_>| query.values.map(<[f32]>::as_ptr);
    let history = |query: &Query<'_>| (query.history.as_ptr(), query.history.len());
    a.user == b.user && history(a) == history(b) && values(a) == values(b)
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
/// [`ScoreError::Item`] for an item that the model does not have, [`ScoreError::Missing`] without finite values beside the history.
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
        Some(given) if values => {
            if given.iter().any(|value| !value.is_finite()) {
                let what = "finite value for each item of its history";
                return Err(ScoreError::Missing { query: place, what });
            }
            out.extend(query.history.iter().zip(given).map(|(item, &x)| (item.0, x)));
        }
        None if values && !query.history.is_empty() => {
            return Err(ScoreError::Missing { query: place, what: "value for each item of its history" });
        }
        _ => out.extend(query.history.iter().map(|item| (item.0, 1.0))),
    }
    latest(out);
    match out.last() {
        Some(&(item, _)) if item as usize >= n_items => Err(ScoreError::Item { item: ItemId(item), n_items }),
        _ => Ok(()),
    }
}

/// The query as it is asked of a model of ratings, to which a history without its ratings says nothing.
pub(crate) fn rated_part<'a>(query: &Query<'a>) -> Query<'a> {
    let mut query = *query;
    if query.values.is_none() {
        query.history = &[];
    }
    query
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

/// Which users and which items have an event.
pub(crate) fn seen(events: &Log) -> [Vec<bool>; 2] {
    let mut items = vec![false; events.n_items()];
    events.items().iter().for_each(|item| items[item.index()] = true);
    [trained_users(events), items]
}

/// The ends of the scale of these ratings: those declared, or the lowest and the highest.
///
/// # Errors
/// [`FitError::Parameter`] for a scale that is none, [`FitError::Rating`] for a rating beyond it.
pub(crate) fn scale_of(
    model: &'static str,
    declared: Option<[f64; 2]>,
    ratings: impl Iterator<Item = f32>,
) -> Result<(f32, f32), FitError> {
    let found = ratings.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let Some([low, high]) = declared else { return Ok(found) };
    if !(low.is_finite() && high.is_finite() && low <= high) {
        let (value, expected) =
            (if low.is_finite() { high } else { low }, "two numbers, the lower one first");
        return Err(FitError::Parameter { model, parameter: "scale", value, expected });
    }
    let (low, high) = (low as f32, high as f32);
    match [found.0, found.1].into_iter().find(|rating| rating.is_finite() && !(low..=high).contains(rating)) {
        Some(rating) => Err(FitError::Rating { model, rating, low, high }),
        None => Ok((low, high)),
    }
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
        let given = histories.values(user).ok_or(FitError::Missing { model, column: "value" })?;
        let mut row: Vec<(u32, f32)> =
            histories.items(user).iter().zip(given).map(|(item, &value)| (item.0, value)).collect();
        latest(&mut row);
        Ok(row)
    };
    let rows = (0..histories.n_users()).map(user).collect::<Result<Vec<_>, FitError>>()?;
    Ok(crate::similarity::compressed(rows, histories.n_items()))
}
