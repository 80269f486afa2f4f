//! The checkerboard: interactions whose answer is known.

use seoro_core::{Histories, ItemId, Log, UserId, Vocab};
use std::sync::Arc;

const USERS: u32 = 60;
const ITEMS: u32 = 24;

/// Users and items of two colours, by parity. The items of a colour stand in a circle; a user took all of the own colour
/// one after another, from the one after the held-out item to the one before it, so that what is held out comes next as
/// well. One more user and one more item have no interaction.
pub(super) struct Board {
    pub(super) log: Log,
    pub(super) histories: Histories,
}

impl Board {
    pub(super) fn new() -> Self {
        let steps = 1..ITEMS / 2;
        let events = (0..USERS).flat_map(|user| steps.clone().map(move |step| (user, step)));
        let item = |user, step| (held_out(user) + 2 * step) % ITEMS;
        let (users, items) =
            events.clone().map(|(user, step)| (UserId(user), ItemId(item(user, step)))).unzip();
        let times = events.map(|(_, step)| i64::from(step)).collect();
        let vocab = |rows: u32| Arc::new(Vocab::numbered(rows + 1));
        let log = Log::new(users, items, None, Some(times), vocab(USERS), vocab(ITEMS));
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
