//! Labels without meaning: what a model learns from them is popularity.

use crate::{ItemId, Log, Seed};
use hashbrown::HashMap;
use std::sync::Arc;

/// How many exchanges are tried for each event.
const TRIES: usize = 10;

/// The log with its items exchanged between random events, so that nothing but popularity is left to learn.
///
/// Each item keeps how often it occurs, each user how many events, with their times and values; no exchange makes a pair
/// of user and item that is there already. This is the degree-preserving randomisation of a bipartite graph by edge
/// switching (Maslov and Sneppen 2002).
pub fn shuffled(log: &Log, seed: Seed) -> Log {
    let mut rng = seed.child("shuffled").rng();
    let users = log.users();
    let mut items = log.items().to_vec();
    let mut pairs: HashMap<(u32, u32), u32> = HashMap::with_capacity(log.len());
    let pair = |row: usize, item: ItemId| (users[row].0, item.0);
    for (row, &item) in items.iter().enumerate() {
        *pairs.entry(pair(row, item)).or_default() += 1;
    }
    let rows = u32::try_from(log.len()).unwrap_or(u32::MAX);
    for _ in 0..TRIES * log.len() {
        let (a, b) = (rng.below(rows) as usize, rng.below(rows) as usize);
        let (new_a, new_b) = (pair(a, items[b]), pair(b, items[a]));
        if pairs.contains_key(&new_a) || pairs.contains_key(&new_b) {
            continue;
        }
        for old in [pair(a, items[a]), pair(b, items[b])] {
            if let Some(count) = pairs.get_mut(&old) {
                *count -= 1;
                if *count == 0 {
                    pairs.remove(&old);
                }
            }
        }
        items.swap(a, b);
        for new in [new_a, new_b] {
            *pairs.entry(new).or_default() += 1;
        }
    }
    let (values, times) = (log.values().map(<[f32]>::to_vec), log.times().map(<[i64]>::to_vec));
    let (user_vocab, item_vocab) = (Arc::clone(log.user_vocab()), Arc::clone(log.item_vocab()));
    Log::new(users.to_vec(), items, values, times, user_vocab, item_vocab)
        .expect("the columns of a log, with its items in another order")
}
