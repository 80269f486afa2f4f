//! Which items an answer leaves out.

use super::Query;
use crate::ItemId;

/// Which items a query must not be answered with.
pub trait Hide: Send + Sync {
    /// Calls `hide` with each hidden item, in any order, repeats allowed.
    fn each(&self, query: &Query<'_>, hide: &mut dyn FnMut(ItemId));
}

/// Hides nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Hide for Nothing {
    fn each(&self, _: &Query<'_>, _: &mut dyn FnMut(ItemId)) {}
}

/// Hides the items of the query's own history.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnHistory;

impl Hide for OwnHistory {
    fn each(&self, query: &Query<'_>, hide: &mut dyn FnMut(ItemId)) {
        query.history.iter().copied().for_each(hide);
    }
}

/// Puts the hidden items of `query` into `out`, rising and each once.
pub fn hidden_items(hide: &dyn Hide, query: &Query<'_>, out: &mut Vec<ItemId>) {
    out.clear();
    hide.each(query, &mut |item| out.push(item));
    out.sort_unstable();
    out.dedup();
}

/// The hidden items of each query, rising and each once.
pub(super) fn all_hidden_items(hide: &dyn Hide, queries: &[Query<'_>]) -> Vec<Vec<ItemId>> {
    let mut hidden = vec![Vec::new(); queries.len()];
    for (query, hidden) in queries.iter().zip(&mut hidden) {
        hidden_items(hide, query, hidden);
    }
    hidden
}
