use crate::logs::{any_log, log, timed_log};
use proptest::prelude::*;
use seoro_core::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn every_splitter() -> Vec<Splitter> {
    vec![
        Splitter::LeaveOneOut,
        Splitter::LeaveRandomOut,
        Splitter::PerUser { test: 0.3, pick: Pick::Random },
        Splitter::PerUser { test: 0.3, pick: Pick::Latest },
        Splitter::Global { test: 0.25 },
        Splitter::GlobalTime { test: 0.25 },
        Splitter::Since { time: DAY },
        Splitter::LastDays { days: 1 },
        Splitter::KFold { folds: 3, fold: 1 },
    ]
}

fn needs_times(splitter: &Splitter) -> bool {
    !matches!(
        splitter,
        Splitter::LeaveRandomOut
            | Splitter::PerUser { pick: Pick::Random, .. }
            | Splitter::Global { .. }
            | Splitter::KFold { .. }
    )
}

/// The events of a log as a sorted bag.
fn bag(logs: &[&Log]) -> Vec<(u32, u32, u32, Option<i64>)> {
    let key = |event: Event| (event.user.0, event.item.0, event.value.to_bits(), event.time);
    let mut bag: Vec<_> = logs.iter().flat_map(|log| log.events().map(key)).collect();
    bag.sort_unstable();
    bag
}

/// The rows of user `user` in order of time, by insertion: later rows of equal time come later.
fn rows_in_time(log: &Log, user: u32) -> Vec<usize> {
    let mut rows: Vec<usize> = Vec::new();
    for row in (0..log.len()).filter(|&row| log.event(row).user.0 == user) {
        let place = rows.iter().take_while(|&&other| log.event(other).time <= log.event(row).time).count();
        rows.insert(place, row);
    }
    rows
}

proptest! {
    #[test]
    fn no_event_is_lost_or_doubled(log in timed_log(), seed in any::<u64>()) {
        for splitter in every_splitter() {
            let split = splitter.split(&log, Seed::new(seed)).unwrap();
            prop_assert_eq!(bag(&[&split.train, &split.test, &split.dropped]), bag(&[&log]), "{}", splitter.name());
            let may_drop = matches!(splitter, Splitter::LastDays { .. });
            prop_assert!(may_drop || split.dropped.is_empty());
            prop_assert_eq!(&splitter.split(&log, Seed::new(seed)).unwrap(), &split);
        }
    }

    #[test]
    fn without_times_what_needs_order_is_refused(log in any_log(), seed in any::<u64>()) {
        for splitter in every_splitter() {
            let split = splitter.split(&log, Seed::new(seed));
            if log.times().is_none() && needs_times(&splitter) {
                prop_assert_eq!(split, Err(SplitError::Unordered { split: splitter.name() }));
            } else {
                prop_assert!(split.is_ok());
            }
        }
    }

    #[test]
    fn one_of_each_user_with_two_is_left_out(log in any_log(), seed in any::<u64>()) {
        let split = Splitter::LeaveRandomOut.split(&log, Seed::new(seed)).unwrap();
        for user in (0..log.n_users() as u32).map(UserId) {
            let events = log.users().iter().filter(|&&other| other == user).count();
            let left_out = split.test.users().iter().filter(|&&other| other == user).count();
            prop_assert_eq!(left_out, usize::from(events >= 2));
        }
    }

    #[test]
    fn the_latest_go_to_the_test(log in timed_log()) {
        let one = Splitter::LeaveOneOut.split(&log, Seed::new(1)).unwrap();
        let third = Splitter::PerUser { test: 0.3, pick: Pick::Latest }.split(&log, Seed::new(1)).unwrap();
        let (mut last, mut latest) = (Vec::new(), Vec::new());
        for user in 0..log.n_users() as u32 {
            let rows = rows_in_time(&log, user);
            let n = rows.len();
            last.extend((n >= 2).then(|| rows[n - 1]));
            let share = ((n as f64 * 0.3).round() as usize).min(n.saturating_sub(1));
            latest.extend(&rows[n - share..]);
        }
        last.sort_unstable();
        latest.sort_unstable();
        prop_assert_eq!(one.test, log.select(&last));
        prop_assert_eq!(third.test, log.select(&latest));
    }

    #[test]
    fn shares_have_their_size(log in any_log(), seed in any::<u64>(), test in 0.05f64..0.95) {
        let expected = (log.len() as f64 * test).round() as usize;
        let global = Splitter::Global { test }.split(&log, Seed::new(seed)).unwrap();
        prop_assert_eq!(global.test.len(), expected);
        let random = Splitter::PerUser { test, pick: Pick::Random }.split(&log, Seed::new(seed)).unwrap();
        for user in 0..log.n_users() as u32 {
            let count = |log: &Log| log.users().iter().filter(|other| other.0 == user).count();
            let n = count(&log);
            let expected = ((n as f64 * test).round() as usize).min(n.saturating_sub(1));
            prop_assert_eq!(count(&random.test), expected);
        }
    }

    #[test]
    fn a_global_time_has_everything_after_it(log in timed_log(), test in 0.05f64..0.95) {
        let split = Splitter::GlobalTime { test }.split(&log, Seed::new(1)).unwrap();
        let end = split.train.times().unwrap().iter().max();
        let start = split.test.times().unwrap().iter().min();
        prop_assert!(end.zip(start).is_none_or(|(end, start)| end < start));
        prop_assert!(split.test.len() >= (log.len() as f64 * test).round() as usize);
        let later = split.test.times().unwrap().iter().filter(|&time| Some(time) != start).count();
        prop_assert!(later < (log.len() as f64 * test + 1.0).round() as usize);
    }

    #[test]
    fn folds_partition_the_log(log in any_log(), seed in any::<u64>(), folds in 2u32..7) {
        let tests: Vec<Log> = (0..folds)
            .map(|fold| Splitter::KFold { folds, fold }.split(&log, Seed::new(seed)).unwrap().test)
            .collect();
        prop_assert_eq!(bag(&tests.iter().collect::<Vec<_>>()), bag(&[&log]));
        let sizes = tests.iter().map(Log::len);
        prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
    }

    #[test]
    fn last_days_follow_the_protocol(log in timed_log(), days in 1u32..3) {
        let split = Splitter::LastDays { days }.split(&log, Seed::new(1)).unwrap();
        let end = log.events().filter_map(|event| event.time).max().unwrap_or(0);
        let last = |user| log.events().filter(|event| event.user == user).filter_map(|event| event.time).max();
        let late = |event: &Event| last(event.user).unwrap() >= end - i64::from(days) * DAY;
        let train: Vec<Event> = log.events().filter(|event| !late(event)).collect();
        let known = |event: &Event| train.iter().any(|other| other.item == event.item);
        let test: Vec<Event> = log.events().filter(|event| late(event) && known(event)).collect();
        let long = |event: &Event| test.iter().filter(|other| other.user == event.user).count() >= 2;
        let test: Vec<Event> = test.iter().filter(|event| long(event)).copied().collect();
        prop_assert_eq!(split.train.events().collect::<Vec<_>>(), train);
        prop_assert_eq!(split.test.events().collect::<Vec<_>>(), test);
    }
}

#[test]
fn among_equal_times_the_later_row_is_the_latest() {
    let log = log(&[(0, 1, 1, 5), (0, 2, 1, 5), (1, 3, 1, 9), (0, 4, 1, 4)], false, true);
    let split = Splitter::LeaveOneOut.split(&log, Seed::new(1)).unwrap();
    assert_eq!(split.test.items(), [ItemId(2)]);
    assert_eq!(split.train.items(), [ItemId(1), ItemId(3), ItemId(4)]);
}

#[test]
fn the_seed_decides_random_splits() {
    let rows: Vec<_> = (0..60).map(|n| (n % 6, n % 8, 1, 0)).collect();
    let log = log(&rows, false, false);
    for splitter in every_splitter().iter().filter(|splitter| !needs_times(splitter)) {
        let split = |seed| splitter.split(&log, Seed::new(seed)).unwrap();
        assert_ne!(split(1), split(2), "{}", splitter.name());
    }
}

#[test]
fn parameters_outside_their_range_are_refused() {
    let log = log(&[(0, 1, 1, 5)], false, true);
    let shares = [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY];
    let bad = shares
        .iter()
        .flat_map(|&test| {
            [
                Splitter::Global { test },
                Splitter::GlobalTime { test },
                Splitter::PerUser { test, pick: Pick::Latest },
            ]
        })
        .chain([
            Splitter::KFold { folds: 1, fold: 0 },
            Splitter::KFold { folds: 3, fold: 3 },
            Splitter::LastDays { days: 0 },
        ]);
    for splitter in bad {
        let refused = splitter.split(&log, Seed::new(1));
        assert!(matches!(refused, Err(SplitError::Parameter { .. })), "{splitter:?}");
    }
}

#[test]
fn given_parts_must_share_their_vocabularies() {
    let part = log(&[(0, 1, 1, 5)], false, true);
    let split = Split::given(part.clone(), part.clone()).unwrap();
    assert_eq!((split.train.len(), split.test.len(), split.dropped.len()), (1, 1, 0));
    let other = filter::shrink(&part);
    assert_eq!(Split::given(part, other), Err(SplitError::Vocabularies { column: "user" }));
}

#[test]
fn recipes_are_read_and_unknown_keys_refused() {
    for splitter in every_splitter() {
        let text = serde_json::to_string(&splitter).unwrap();
        assert!(text.contains(splitter.name()), "{text}");
        assert_eq!(serde_json::from_str::<Splitter>(&text).unwrap(), splitter);
    }
    assert!(serde_json::from_str::<Splitter>(r#"{"global": {"test": 0.1, "tset": 0.2}}"#).is_err());
    assert!(serde_json::from_str::<Splitter>(r#""leave-two-out""#).is_err());
}
