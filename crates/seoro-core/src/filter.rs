//! From raw interactions to the ones a protocol uses; each filter takes a log and gives a new one, in the log's row order.

use crate::{ItemId, Log, UserId, Vocab};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which event stands for a user's repeated events on one item.
///
/// First and last are by time where the log has times, else by row; equal times stand in row order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Keep {
    /// The first.
    First,
    /// The last.
    Last,
    /// The one with the highest value; of several, the first.
    HighestValue,
    /// The last, with the sum of all values (a count where the log has none), held within the range of `f32`.
    SumValue,
}

/// The events with a value of at least `threshold`, as implicit feedback without values.
///
/// In a log without values every value is 1.
pub fn at_least(log: &Log, threshold: f32) -> Log {
    retain(log, |row| log.event(row).value >= threshold).without_values()
}

/// One event for each pair of user and item.
///
/// ```
/// # use seoro_core::{filter::{Keep, dedupe}, ItemId, Log, UserId, Vocab};
/// # use std::sync::Arc;
/// # let (users, items) = (Arc::new(Vocab::numbered(1)), Arc::new(Vocab::numbered(2)));
/// let (tea, rice) = (ItemId(0), ItemId(1));
/// let log = Log::new(vec![UserId(0); 3], vec![tea, rice, tea], Some(vec![5.0, 3.0, 2.0]), None, users, items)?;
/// assert_eq!(dedupe(&log, Keep::HighestValue).values(), Some(&[5.0, 3.0][..]));
/// assert_eq!(dedupe(&log, Keep::SumValue).values(), Some(&[3.0, 7.0][..]));
/// # Ok::<(), seoro_core::LogError>(())
/// ```
pub fn dedupe(log: &Log, keep: Keep) -> Log {
    let moment = |row: usize| log.times().map(|times| times[row]);
    let value = |row: usize| log.event(row).value;
    let mut kept: HashMap<(UserId, ItemId), (usize, f64)> = HashMap::with_capacity(log.len());
    for row in 0..log.len() {
        let pair = (log.users()[row], log.items()[row]);
        kept.entry(pair)
            .and_modify(|(best, sum)| {
                *sum += f64::from(value(row));
                let better = match keep {
                    Keep::First => moment(row) < moment(*best),
                    Keep::Last | Keep::SumValue => moment(row) >= moment(*best),
                    Keep::HighestValue => {
                        value(row) > value(*best) || value(row) == value(*best) && moment(row) < moment(*best)
                    }
                };
                if better {
                    *best = row;
                }
            })
            .or_insert((row, f64::from(value(row))));
    }
    let mut rows: Vec<(usize, f64)> = kept.into_values().collect();
    rows.sort_unstable_by_key(|&(row, _)| row);
    let log = log.select(&rows.iter().map(|&(row, _)| row).collect::<Vec<_>>());
    if keep != Keep::SumValue {
        return log;
    }
    let limit = f64::from(f32::MAX);
    log.with_values(rows.iter().map(|&(_, sum)| sum.clamp(-limit, limit) as f32).collect())
}

/// The events of users with at least `events` of them.
pub fn frequent_users(log: &Log, events: usize) -> Log {
    let mut counts = vec![0usize; log.n_users()];
    log.users().iter().for_each(|user| counts[user.index()] += 1);
    retain(log, |row| counts[log.users()[row].index()] >= events)
}

/// The events on items with at least `events` of them.
pub fn frequent_items(log: &Log, events: usize) -> Log {
    let mut counts = vec![0usize; log.n_items()];
    log.items().iter().for_each(|item| counts[item.index()] += 1);
    retain(log, |row| counts[log.items()[row].index()] >= events)
}

/// The core: the largest part in which each user has at least `users` events and each item at least `items`.
///
/// Events are counted, not distinct partners: [`dedupe`] first where that matters.
pub fn core(log: &Log, users: usize, items: usize) -> Log {
    let mut log = log.clone();
    loop {
        let before = log.len();
        log = frequent_items(&frequent_users(&log, users), items);
        if log.len() == before {
            return log;
        }
    }
}

/// The same events with vocabularies of only the users and items that occur, in the order of their former rows.
///
/// Rows change their meaning: shrink before splitting, never a part of a split.
pub fn shrink(log: &Log) -> Log {
    let (users, user_vocab) = used(log.users().iter().map(|user| user.0), log.user_vocab());
    let (items, item_vocab) = used(log.items().iter().map(|item| item.0), log.item_vocab());
    let users = users.into_iter().map(UserId).collect();
    let items = items.into_iter().map(ItemId).collect();
    let (values, times) = (log.values().map(<[f32]>::to_vec), log.times().map(<[i64]>::to_vec));
    Log::new(users, items, values, times, Arc::new(user_vocab), Arc::new(item_vocab))
        .expect("columns of a log, with ids from the vocabularies made for them")
}

/// The vocabulary of the rows that occur, and those rows in it.
fn used(rows: impl Iterator<Item = u32> + Clone, vocab: &Vocab) -> (Vec<u32>, Vocab) {
    let mut occurs = vec![false; vocab.len()];
    rows.clone().for_each(|row| occurs[row as usize] = true);
    let mut shrunk = Vocab::new();
    let mut renamed = vec![0; vocab.len()];
    for row in (0..vocab.len()).filter(|&row| occurs[row]) {
        let name = vocab.name(row as u32).expect("a row below the vocabulary's length");
        renamed[row] = shrunk.intern(&name).expect("no more names than the vocabulary they come from");
    }
    (rows.map(|row| renamed[row as usize]).collect(), shrunk)
}

fn retain(log: &Log, keep: impl Fn(usize) -> bool) -> Log {
    log.select(&(0..log.len()).filter(|&row| keep(row)).collect::<Vec<_>>())
}
