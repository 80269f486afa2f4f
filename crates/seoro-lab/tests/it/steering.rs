//! Nothing of the test reaches training.

use seoro_core::{Seed, UserId};
use seoro_lab::cell;
use seoro_lab::data::{self, Data, Folders};
use seoro_lab::paper::{self, Part};
use seoro_lab::task::{Side, Task};
use seoro_lab::workplace;
use seoro_models::registry::FittedModel;
use seoro_models::{Epoch, Run};

#[test]
fn a_fit_whose_snapshots_are_scored_on_test_is_the_same_fit() {
    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap().recommenders;
    let paper = papers.into_iter().find(|paper| paper.name == "ncf").unwrap();
    let data = data::open("world", &Folders::new(None)).unwrap().unwrap();
    let task =
        Task::new(&data, &paper.datasets["world"], paper.protocol(Part::AsPublished), Side::Test, 1).unwrap();
    let training = cell::training(&data, &task);
    let recipe = paper.row("mf-bpr").unwrap().recipe("world", Part::AsPublished).unwrap();

    let unwatched = recipe.fit(&training, &mut Run::new(Seed::new(1))).unwrap();

    // The worst a lab could do: score every epoch on test while the fit still runs.
    let mut scores = Vec::new();
    let mut observe = |epoch: Epoch<'_>| {
        let snapshot = (epoch.snapshot)();
        scores.push(
            task.evaluate(snapshot.as_score(), 0).unwrap().mean(paper.protocol(Part::AsPublished).select),
        );
    };
    let mut run = Run::new(Seed::new(1));
    run.observe = Some(&mut observe);
    let watched = recipe.fit(&training, &mut run).unwrap();
    drop(run);

    assert!(scores.len() > 1 && scores.first() != scores.last(), "nothing was watched: {scores:?}");
    assert_eq!(bytes(unwatched.as_ref()), bytes(watched.as_ref()));
}

fn bytes(model: &dyn FittedModel) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn no_signal_of_the_hidden_event_or_later_reaches_a_fit() {
    let whole = data::open("world", &Folders::new(None)).unwrap().unwrap();
    // A user with two events has one in test, and none that validation could ask for.
    let mut short = data::open("world", &Folders::new(None)).unwrap().unwrap();
    let mut of_first: Vec<usize> =
        (0..short.train.len()).filter(|&row| short.train.users()[row] == UserId(0)).collect();
    of_first.sort_by_key(|&row| short.train.times().unwrap()[row]);
    let left_out = of_first.split_off(2);
    let rows: Vec<usize> = (0..short.train.len()).filter(|row| !left_out.contains(row)).collect();
    short.train = short.train.select(&rows);
    for data in [whole, short] {
        for side in [Side::Test, Side::Validation] {
            signals_end_before_what_is_hidden(&data, side);
        }
    }
}

fn signals_end_before_what_is_hidden(data: &Data, side: Side) {
    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap().recommenders;
    let paper = papers.into_iter().find(|paper| paper.name == "ncf").unwrap();
    let task = Task::new(data, &paper.datasets["world"], paper.protocol(Part::Honest), side, 1).unwrap();
    let training = cell::training(data, &task);
    // The hidden events are those of the data that training lacks.
    let last_known = |user: UserId| training.histories.times(user).unwrap().iter().max().copied();
    let mut first_hidden = vec![i64::MAX; data.train.n_users()];
    for event in data.train.events() {
        let (end, time) = (&mut first_hidden[event.user.index()], event.time.unwrap());
        if last_known(event.user).is_some_and(|known| time > known) {
            *end = time.min(*end);
        }
    }
    assert!(first_hidden[0] < i64::MAX);
    let (given, all) = (training.signals.unwrap(), data.signals.as_ref().unwrap());
    let (impressions, searches) = (given.impressions.as_ref().unwrap(), given.searches.as_ref().unwrap());
    let rows = impressions.users.iter().zip(&impressions.times);
    for (user, &time) in rows.chain(searches.users.iter().zip(&searches.times)) {
        assert!(time < first_hidden[user.index()], "{side:?}: user {user} at {time}");
    }
    let every = all.impressions.as_ref().unwrap();
    let earlier = |(user, time): (&UserId, &i64)| *time < first_hidden[user.index()];
    let kept = every.users.iter().zip(&every.times).filter(|&pair| earlier(pair)).count();
    assert_eq!(impressions.users.len(), kept, "{side:?}: what came before stays");
    assert!(kept < every.users.len() && !searches.tokens.is_empty());
    assert_eq!(searches.starts.last(), Some(&searches.tokens.len()));
}
