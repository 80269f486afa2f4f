use super::*;
use crate::data::{self, Folders};
use std::collections::HashSet;

fn data(name: &str) -> Data {
    data::open(name, &Folders::new(None)).expect("the world").expect("is always at hand")
}

fn usage(split: &str) -> DatasetUse {
    toml::from_str(&format!("{split}\nseeds = 2")).expect("a use")
}

fn of_ratings(more: &str) -> Protocol {
    let text = format!("ranking = \"ratings\"\nmetrics = [\"rmse\"]\nselect = \"rmse\"\n{more}");
    toml::from_str(&text).expect("a protocol")
}

fn pairs(log: &Log) -> HashSet<(UserId, ItemId)> {
    log.events().map(|event| (event.user, event.item)).collect()
}

#[test]
fn seeds_have_splits_of_their_own_or_all_the_first_ones() {
    let (data, usage) = (data("world-ratings"), usage("split = { share = 0.2 }"));
    let train = |more: &str, seed: u64| {
        Task::new(&data, &usage, &of_ratings(more), Side::Test, seed).expect("a task").train
    };
    assert!(train("", 1) != train("", 2));
    assert!(train("same_split = true", 2) == train("", 1));
    let (redrawn, same) = (of_ratings(""), of_ratings("same_split = true"));
    assert!(redrawn.is_redrawn(&usage) && !same.is_redrawn(&usage));
}

#[test]
fn validation_data_are_part_of_training_data() {
    let data = data("world-ratings");
    for split in ["{ share = 0.2 }", "{ share-of-user = 0.2 }", "{ latest-share = 0.2 }"] {
        let (usage, protocol) = (usage(&format!("split = {split}")), of_ratings("unseen = 3.0"));
        let task = |side| Task::new(&data, &usage, &protocol, side, 1).expect("a task");
        let (test, validation) = (task(Side::Test), task(Side::Validation));
        assert_eq!(test.train.len() + test.len(), data.train.len(), "{split}");
        assert_eq!(validation.train.len() + validation.len(), test.train.len(), "{split}");
        assert!(!validation.is_empty() && pairs(&validation.train).is_subset(&pairs(&test.train)), "{split}");
    }
}

#[test]
fn what_is_forgotten_is_learned_from_and_not_asked_with() {
    let data = data("world-ratings");
    let task = |more: &str| {
        let usage = usage(&format!("split = {{ share = 0.2 }}\n{more}"));
        Task::new(&data, &usage, &of_ratings(""), Side::Test, 1).expect("a task")
    };
    let (whole, part) = (task(""), task("forgotten = 0.75"));
    assert!(whole.train == part.train);
    let (mut kept, mut all) = (0, 0);
    for user in (0..data.train.n_users() as u32).map(UserId) {
        let (remembered, known) = (part.query(user).history, whole.query(user).history);
        assert!(remembered.iter().all(|item| known.contains(item)));
        (kept, all) = (kept + remembered.len(), all + known.len());
    }
    assert!((0.2..0.3).contains(&(kept as f64 / all as f64)), "{kept} of {all}");
}

#[test]
fn where_a_moment_parts_what_is_hidden_nobody_has_a_later_signal() {
    let (data, usage) = (data("world"), usage("split = { latest-share = 0.2 }"));
    let protocol =
        "ranking = \"full\"\nhide = \"training\"\nties = \"mean\"\nmetrics = [\"auc\"]\nselect = \"auc\"";
    let protocol: Protocol = toml::from_str(protocol).expect("a protocol");
    for side in [Side::Test, Side::Validation] {
        let task = Task::new(&data, &usage, &protocol, side, 1).expect("a task");
        let times = |log: &Log| log.times().expect("has times").to_vec();
        let last_known = times(&task.train).into_iter().max().expect("an event");
        let hidden = times(&data.train).into_iter().filter(|&time| time > last_known).min();
        let signals = task.signals.expect("the world has signals");
        let shown = &signals.impressions.expect("has impressions").times;
        assert!(!shown.is_empty() && shown.iter().max() < hidden.as_ref(), "{side:?}");
    }
}

#[test]
fn some_users_are_the_same_for_all_and_have_enough_items() {
    let text = "ranking = \"full\"\nhide = \"training\"\nties = \"mean\"\nmetrics = [\"ndcg@10\"]\nselect = \"ndcg@10\"";
    let protocol: Protocol = toml::from_str(text).expect("a protocol");
    let (data, usage) = (data("world"), usage("split = { share-of-user = 0.2 }"));
    let task = Task::new(&data, &usage, &protocol, Side::Test, 1).expect("a task");
    let some = |users, items| task.some_users(users, items, Seed::new(1));
    let found = some(6, 10..=40);
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|(_, items)| (10..=40).contains(&items.len())));
    assert_eq!(found, some(6, 10..=40));
    assert_eq!(found[..3], some(3, 10..=40));
    assert!(some(6, 1_000..=2_000).is_empty());
}
