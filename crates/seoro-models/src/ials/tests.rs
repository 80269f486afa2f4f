//! Sweeps from a given start against NumPy in `f64` (tests/fixtures/linear.py).

use super::{Ials, IalsModel, Weighting};
use seoro_core::{Histories, ItemId, Items, Log, Matrix, Query, Score, ScoreError, Seed, UserId, Vocab};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(Deserialize)]
struct Fixture {
    users: Vec<u32>,
    items: Vec<u32>,
    counts: Vec<f32>,
    n_users: u32,
    n_items: u32,
    ials: Cases,
}

#[derive(Deserialize)]
struct Cases {
    init: Vec<Vec<f32>>,
    one: Case,
    confidence: Case,
}

#[derive(Deserialize)]
struct Case {
    scores: Vec<Vec<f64>>,
    objective: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/linear.json")).unwrap()
}

fn histories(fixture: &Fixture) -> Histories {
    let users = fixture.users.iter().copied().map(UserId).collect();
    let items = fixture.items.iter().copied().map(ItemId).collect();
    let vocab = |rows| Arc::new(Vocab::numbered(rows));
    let counts = Some(fixture.counts.clone());
    let log = Log::new(users, items, counts, None, vocab(fixture.n_users), vocab(fixture.n_items)).unwrap();
    Histories::new(&log)
}

fn confidence() -> Ials {
    Ials {
        factors: 3,
        epochs: 2,
        unobserved: 1.0,
        regularization: 0.2,
        exponent: 0.0,
        weighting: Weighting::Confidence { alpha: 4.0 },
        ..Ials::default()
    }
}

/// `recipe.epochs` epochs from the fixture's users, and the objective after the last.
fn swept(recipe: &Ials, fixture: &Fixture, histories: &Histories) -> (IalsModel, f64) {
    let by_user = recipe.observed(histories);
    let by_item = by_user.transpose();
    let mut model = IalsModel::start(recipe, &by_user, Seed::new(0));
    let init = fixture.ials.init.concat();
    model.users = Matrix::from_vec(by_user.rows(), recipe.factors, init).unwrap();
    let mut loss = 0.0;
    for _ in 0..recipe.epochs {
        loss = recipe.epoch(&mut model, &by_user, &by_item, &AtomicBool::new(false)).unwrap();
    }
    (model, loss * by_user.entries() as f64)
}

fn assert_case(recipe: &Ials, expected: impl Fn(&Fixture) -> &Case) {
    let fixture = fixture();
    let histories = histories(&fixture);
    let (model, objective) = swept(recipe, &fixture, &histories);
    let case = expected(&fixture);
    assert!((objective / case.objective - 1.0).abs() < 1e-5, "{objective} is not {}", case.objective);
    for (user, expected) in case.scores.iter().enumerate() {
        let known = histories.query(UserId(user as u32));
        let mut folded_in = known;
        folded_in.user = None;
        for query in [known, folded_in] {
            let mut scores = vec![0.0; histories.n_items()];
            model.score(&[query], Items::All, &mut scores).unwrap();
            for (score, expected) in scores.iter().zip(expected) {
                assert!(
                    (f64::from(*score) - expected).abs() < 2e-5,
                    "user {user}: {score} is not {expected}"
                );
            }
        }
    }
}

/// Rows with fewer and with more observations than factors both occur, so both forms of the solve are held.
#[test]
fn one_epoch_of_rendle_is_that_of_numpy() {
    let recipe = Ials {
        factors: 3,
        epochs: 1,
        unobserved: 0.3,
        regularization: 0.05,
        exponent: 1.0,
        ..Ials::default()
    };
    assert_case(&recipe, |fixture| &fixture.ials.one);
}

#[test]
fn two_epochs_of_hu_are_those_of_numpy() {
    assert_case(&confidence(), |fixture| &fixture.ials.confidence);
}

#[test]
fn a_changed_history_is_folded_in() {
    let fixture = fixture();
    let histories = histories(&fixture);
    let (model, _) = swept(&confidence(), &fixture, &histories);
    let score = |query: Query<'_>| {
        let mut scores = vec![0.0; histories.n_items()];
        model.score(&[query], Items::All, &mut scores).unwrap();
        scores
    };
    let known = UserId(0);
    let changed = [ItemId(8)];
    assert_eq!(score(Query::new(&changed).user(known)), score(Query::new(&changed)));
    assert_eq!(score(Query::new(&[]).user(known)), score(histories.query(known)));
    assert_ne!(score(Query::new(&changed).user(known)), score(histories.query(known)));
    let nobody = score(Query::new(&[]).user(UserId(99)));
    assert!(nobody.iter().all(|score| score.is_finite()) && nobody.iter().any(|&score| score != 0.0));
}

#[test]
fn a_history_with_too_few_values_is_refused_where_values_count() {
    let fixture = fixture();
    let histories = histories(&fixture);
    let history = [ItemId(8), ItemId(1)];
    let query = Query::new(&history).values(&[2.0]);
    let mut scores = vec![0.0; histories.n_items()];
    let (counts, _) = swept(&confidence(), &fixture, &histories);
    let refused = counts.score(&[query], Items::All, &mut scores);
    assert!(matches!(refused, Err(ScoreError::Missing { query: 0, .. })), "{refused:?}");
    let (ones, _) = swept(&Ials { weighting: Weighting::One, ..confidence() }, &fixture, &histories);
    ones.score(&[query], Items::All, &mut scores).unwrap();
    let mut expected = vec![0.0; histories.n_items()];
    ones.score(&[Query::new(&history)], Items::All, &mut expected).unwrap();
    assert_eq!(scores, expected);
}
