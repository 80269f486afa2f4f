//! The neighbourhood models against NumPy, and what they refuse.

use seoro_core::{Histories, ItemId, Items, Log, Query, Score, ScoreError, Seed, UserId, Vocab};
use seoro_models::item_knn::Normalization;
use seoro_models::registry::Model;
use seoro_models::similarity::Similarity;
use seoro_models::{FitError, ItemKnn, Recommender, Rp3Beta, Run, Training, UserKnn};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Fixture {
    n_users: u32,
    n_items: u32,
    log: Events,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Events {
    users: Vec<UserId>,
    items: Vec<ItemId>,
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct Case {
    model: String,
    recipe: serde_json::Value,
    scores: Vec<f32>,
}

fn fixture() -> (Log, Vec<Case>) {
    let fixture: Fixture = serde_json::from_str(include_str!("../fixtures/neighbours.json")).unwrap();
    let Events { users, items, values } = fixture.log;
    let vocab = |rows| Arc::new(Vocab::numbered(rows));
    let log =
        Log::new(users, items, Some(values), None, vocab(fixture.n_users), vocab(fixture.n_items)).unwrap();
    (log, fixture.cases)
}

fn all_scores(model: &dyn Score, queries: &[Query<'_>]) -> Vec<f32> {
    let mut out = vec![f32::NAN; queries.len() * model.n_items()];
    model.score(queries, Items::All, &mut out).unwrap();
    out
}

#[test]
fn scores_are_those_of_numpy() {
    let (log, cases) = fixture();
    let histories = Histories::new(&log);
    let queries: Vec<_> = (0..log.n_users() as u32).map(|user| histories.query(UserId(user))).collect();
    for case in cases {
        let recipe = Model::parse(&case.model, case.recipe.clone()).unwrap();
        let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1))).unwrap();
        let scores = all_scores(model.as_score(), &queries);
        for (place, (ours, theirs)) in scores.iter().zip(&case.scores).enumerate() {
            let near = (ours - theirs).abs() <= 2e-5 * theirs.abs().max(1.0);
            assert!(near, "{} {}, place {place}: {ours}, expected {theirs}", case.model, case.recipe);
        }
    }
}

#[test]
fn a_repeat_counts_once_and_the_latest_value_counts() {
    let (log, _) = fixture();
    let histories = Histories::new(&log);
    let recipe = ItemKnn { values: true, ..ItemKnn::default() };
    let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1))).unwrap();
    let twice = [ItemId(3), ItemId(1), ItemId(3)];
    let once = [ItemId(1), ItemId(3)];
    let queries = [Query::new(&twice).values(&[1.0, 2.0, 5.0]), Query::new(&once).values(&[2.0, 5.0])];
    let scores = all_scores(&model, &queries);
    assert_eq!(scores[..log.n_items()], scores[log.n_items()..]);
}

#[test]
fn values_that_are_missing_are_named() {
    let (log, _) = fixture();
    let bare = log.clone().without_values();
    let (histories, bare_histories) = (Histories::new(&log), Histories::new(&bare));
    let recipe = UserKnn { values: true, ..UserKnn::default() };
    let run = || Run::new(Seed::new(1));
    let refused = recipe.fit(&Training::new(&bare, &bare_histories), &mut run());
    assert!(matches!(refused, Err(FitError::Missing { model: "user-knn", .. })));
    let model = recipe.fit(&Training::new(&log, &histories), &mut run()).unwrap();
    let mut out = vec![0.0; log.n_items()];
    let refused = model.score(&[Query::new(&[ItemId(0)])], Items::All, &mut out);
    assert!(matches!(refused, Err(ScoreError::Missing { query: 0, .. })));
}

#[test]
fn parameters_out_of_range_are_named() {
    let (log, _) = fixture();
    let histories = Histories::new(&log);
    let training = Training::new(&log, &histories);
    let parameter = |refused: Option<FitError>| match refused {
        Some(FitError::Parameter { parameter, .. }) => parameter,
        other => panic!("{other:?}"),
    };
    let item = |recipe: ItemKnn| parameter(recipe.fit(&training, &mut Run::new(Seed::new(1))).err());
    let walk = |recipe: Rp3Beta| parameter(recipe.fit(&training, &mut Run::new(Seed::new(1))).err());
    let base = ItemKnn { normalization: Normalization::Centred, ..ItemKnn::default() };
    assert_eq!(item(ItemKnn { neighbours: 0, ..base.clone() }), "neighbours");
    assert_eq!(item(ItemKnn { shrink: f32::NAN, ..base.clone() }), "shrink");
    assert_eq!(item(ItemKnn { similarity: Similarity::Asymmetric { alpha: 1.5 }, ..base.clone() }), "alpha");
    let tversky = Similarity::Tversky { alpha: 1.0, beta: -0.5 };
    assert_eq!(item(ItemKnn { similarity: tversky, ..base }), "beta");
    assert_eq!(walk(Rp3Beta { neighbours: 0, ..Rp3Beta::default() }), "neighbours");
    assert_eq!(walk(Rp3Beta { beta: -0.1, ..Rp3Beta::default() }), "beta");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let log = seoro_core::world::World::new().implicit();
    let histories = Histories::new(&log);
    let weights = |threads| {
        let mut run = Run::new(Seed::new(1));
        run.threads = threads;
        ItemKnn::default().fit(&Training::new(&log, &histories), &mut run).unwrap()
    };
    assert!(weights(1) == weights(3));
}
