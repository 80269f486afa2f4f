use crate::logs::{any_log, log};
use proptest::prelude::*;
use seoro_core::filter::{Keep, at_least, core, dedupe, frequent_items, frequent_users, shrink};
use seoro_core::*;

/// Whether `a` comes before `b` in order of time, then of rows.
fn before(log: &Log, a: usize, b: usize) -> bool {
    let (time_a, time_b) = (log.event(a).time, log.event(b).time);
    time_a < time_b || time_a == time_b && a < b
}

/// One event a pair, found by comparing all rows with all rows.
fn naive_dedupe(log: &Log, keep: Keep) -> Vec<Event> {
    let same = |row: usize| {
        let pair = |row: usize| (log.event(row).user, log.event(row).item);
        (0..log.len()).filter(move |&other| pair(other) == pair(row))
    };
    let value = |row: usize| log.event(row).value;
    let stands = |row: usize| {
        same(row).filter(|&other| other != row).all(|other| match keep {
            Keep::First => before(log, row, other),
            Keep::HighestValue => {
                value(row) > value(other) || value(row) == value(other) && before(log, row, other)
            }
            _ => before(log, other, row),
        })
    };
    (0..log.len())
        .filter(|&row| stands(row))
        .map(|row| match keep {
            Keep::SumValue => Event { value: same(row).map(value).sum(), ..log.event(row) },
            _ => log.event(row),
        })
        .collect()
}

/// Removes one offending event at a time until there is none.
fn naive_core(mut events: Vec<Event>, users: usize, items: usize) -> Vec<Event> {
    loop {
        let rare = |event: &Event| {
            events.iter().filter(|other| other.user == event.user).count() < users
                || events.iter().filter(|other| other.item == event.item).count() < items
        };
        match events.iter().position(rare) {
            Some(row) => events.remove(row),
            None => return events,
        };
    }
}

proptest! {
    #[test]
    fn dedupe_is_the_naive_one(log in any_log()) {
        for keep in [Keep::First, Keep::Last, Keep::HighestValue, Keep::SumValue] {
            let events: Vec<Event> = dedupe(&log, keep).events().collect();
            prop_assert_eq!(events, naive_dedupe(&log, keep), "{:?}", keep);
        }
    }

    #[test]
    fn the_core_is_the_naive_one(log in any_log(), users in 0usize..6, items in 0usize..6) {
        let events: Vec<Event> = core(&log, users, items).events().collect();
        prop_assert_eq!(events, naive_core(log.events().collect(), users, items));
    }

    #[test]
    fn frequent_is_a_single_pass(log in any_log(), n in 0usize..12) {
        let frequent = |key: fn(&Event) -> u32| -> Vec<Event> {
            let count = |event: &Event| log.events().filter(|other| key(other) == key(event)).count();
            log.events().filter(|event| count(event) >= n).collect()
        };
        prop_assert_eq!(frequent_users(&log, n).events().collect::<Vec<_>>(), frequent(|event| event.user.0));
        prop_assert_eq!(frequent_items(&log, n).events().collect::<Vec<_>>(), frequent(|event| event.item.0));
    }

    #[test]
    fn a_threshold_keeps_pairs_and_times(log in any_log(), threshold in -3f32..7.0) {
        let kept = at_least(&log, threshold);
        let expected = log.events().filter(|event| event.value >= threshold);
        let expected: Vec<Event> = expected.map(|event| Event { value: 1.0, ..event }).collect();
        prop_assert!(kept.values().is_none());
        prop_assert_eq!(kept.events().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn shrinking_renames_rows_alone(log in any_log()) {
        let shrunk = shrink(&log);
        let named = |log: &Log| -> Vec<_> {
            let name = |event: Event| {
                let user = log.user_vocab().name(event.user.0).unwrap().into_owned();
                (user, log.item_vocab().name(event.item.0).unwrap().into_owned(), event.value, event.time)
            };
            log.events().map(name).collect()
        };
        prop_assert_eq!(named(&shrunk), named(&log));
        let used = |ids: Vec<u32>| ids.into_iter().collect::<std::collections::BTreeSet<u32>>().len();
        prop_assert_eq!(shrunk.n_users(), used(log.users().iter().map(|user| user.0).collect()));
        prop_assert_eq!(shrunk.n_items(), used(log.items().iter().map(|item| item.0).collect()));
        prop_assert_eq!(shrink(&shrunk), shrunk);
    }
}

#[test]
fn a_sum_stays_finite() {
    let rows = log(&[(0, 0, 1, 0), (0, 0, 1, 1)], false, true);
    let (users, items) = (rows.users().to_vec(), rows.items().to_vec());
    let huge = Some(vec![f32::MAX; 2]);
    let log =
        Log::new(users, items, huge, None, rows.user_vocab().clone(), rows.item_vocab().clone()).unwrap();
    assert_eq!(dedupe(&log, Keep::SumValue).values(), Some(&[f32::MAX][..]));
}
