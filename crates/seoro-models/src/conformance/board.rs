//! The checkerboard: interactions whose answer is known.

use seoro_core::{Histories, ItemId, Log, UserId, Vocab};
use std::sync::Arc;

const USERS: u32 = 60;
const ITEMS: u32 = 24;

/// Users and items of two colours, by parity. The items of a colour stand in a circle; a user took all of the own colour
/// one after another, from the one after the held-out item to the one before it, so that what is held out comes next as
/// well. One more user and one more item have no interaction. Where there are ratings, users gave those items 5, and 1 to as
/// many of the other colour.
pub(super) struct Board {
    pub(super) log: Log,
    pub(super) histories: Histories,
}

impl Board {
    pub(super) fn new(is_rated: bool) -> Self {
        let colours = if is_rated { 0..2 } else { 0..1 };
        let steps = (1..ITEMS / 2).flat_map(|step| colours.clone().map(move |other| (step, other)));
        let events = (0..USERS).flat_map(|user| steps.clone().map(move |(step, other)| (user, step, other)));
        let item = |user, step, other| (held_out(user) + 2 * step + other) % ITEMS;
        let ids = events.clone().map(|(user, step, other)| (UserId(user), ItemId(item(user, step, other))));
        let (users, items) = ids.unzip();
        let ratings = events.clone().map(|(.., other)| if other == 0 { 5.0 } else { 1.0 }).collect();
        let times = events.map(|(_, step, _)| i64::from(step)).collect();
        let vocab = |rows: u32| Arc::new(Vocab::numbered(rows + 1));
        let ratings = is_rated.then_some(ratings);
        let log = Log::new(users, items, ratings, Some(times), vocab(USERS), vocab(ITEMS));
        let log = log.expect("columns of one length, with ids below the vocabularies' sizes");
        let histories = Histories::new(&log);
        Self { log, histories }
    }

    pub(super) fn users(&self) -> impl Iterator<Item = UserId> + use<> {
        (0..USERS).map(UserId)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = ItemId> + use<> {
        (0..ITEMS).map(ItemId)
    }

    /// What `user` should be offered first.
    pub(super) fn held_out(&self, user: UserId) -> ItemId {
        ItemId(held_out(user.0))
    }

    pub(super) fn other_colour(&self, user: UserId, item: ItemId) -> bool {
        (user.0 + item.0) % 2 == 1
    }
}

fn held_out(user: u32) -> u32 {
    user / 2 * 2 % ITEMS + user % 2
}
