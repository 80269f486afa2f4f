//! Item2Vec as a recommender: what is scored, and how a fit runs.

use seoro_core::{Histories, ItemId, Items, Log, Matrix, Query, Score, Seed, UserId, Vocab, kernel};
use seoro_item2vec::{self as vectors, Pairs};
use seoro_models::item2vec::Scoring;
use seoro_models::{Checkpoint, Epoch, FitError, Item2Vec, Recommender, Run, Training, Validate};
use std::sync::Arc;

const USERS: u32 = 60;
const ITEMS: u32 = 20;

/// Users who take items of one of two kinds; nobody takes the last item.
fn two_kinds() -> Log {
    let mut rng = Seed::new(4).rng();
    let (mut users, mut items) = (Vec::new(), Vec::new());
    for user in 0..USERS {
        for item in (0..ITEMS - 1).filter(|item| item % 2 == user % 2) {
            if rng.unit() < 0.7 {
                users.push(UserId(user));
                items.push(ItemId(item));
            }
        }
    }
    let vocab = |rows| Arc::new(Vocab::numbered(rows));
    Log::new(users, items, None, None, vocab(USERS), vocab(ITEMS)).unwrap()
}

fn recipe(scoring: Scoring) -> Item2Vec {
    Item2Vec {
        dim: 6,
        negatives: 4,
        subsampling: 1.0,
        epochs: 12,
        pairs: Pairs::Shuffled { window: 3 },
        scoring,
        reproducible: true,
        ..Item2Vec::default()
    }
}

fn scores(model: &dyn Score, history: &[ItemId]) -> Vec<f32> {
    let mut out = vec![0.0; ITEMS as usize];
    model.score(&[Query::new(history)], Items::All, &mut out).unwrap();
    out
}

/// Scores are those of the vectors that the embedding crate learns by itself.
#[test]
fn scores_are_means_over_the_history() {
    let log = two_kinds();
    let histories = Histories::new(&log);
    let history = [ItemId(3), ItemId(8), ItemId(3)];
    for scoring in [Scoring::Cosine, Scoring::Odds { popularity: 0.5 }] {
        let recipe = recipe(scoring);
        let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(9))).unwrap();
        let alone = vectors::Item2Vec {
            dim: recipe.dim,
            pairs: recipe.pairs,
            negatives: recipe.negatives,
            alpha: recipe.alpha,
            subsampling: None,
            epochs: recipe.epochs,
            learning_rate: recipe.learning_rate,
            last_learning_rate: recipe.last_learning_rate,
        };
        let learned = alone.fit(&histories, &mut vectors::Run::reproducible(Seed::new(9))).unwrap();
        let (centre, context) = (learned.centre(), learned.context().unwrap());
        let dot = |a: &Matrix, x: usize, b: &Matrix, y: usize| kernel::dot(a.row(x), b.row(y));
        let cosine =
            |x, y| dot(centre, x, centre, y) / (dot(centre, x, centre, x) * dot(centre, y, centre, y)).sqrt();
        let comparable = model.embed().unwrap().comparable().into_owned();
        let lengths = dot(&comparable, 3, &comparable, 3) * dot(&comparable, 8, &comparable, 8);
        assert!((dot(&comparable, 3, &comparable, 8) / lengths.sqrt() - cosine(3, 8)).abs() < 1e-5);
        let found = scores(&model, &history);
        for (item, &found) in found[..ITEMS as usize - 1].iter().enumerate() {
            let expected = match scoring {
                Scoring::Odds { popularity } => {
                    let taken = learned.counts()[item] as f32;
                    let products = dot(centre, 3, context, item) + dot(centre, 8, context, item);
                    products / 2.0 + popularity * taken.ln()
                }
                _ => (cosine(3, item) + cosine(8, item)) / 2.0,
            };
            assert!((found - expected).abs() < 1e-4, "{scoring:?}: {found}, expected {expected}");
        }
        if matches!(scoring, Scoring::Odds { .. }) {
            let last = found[ITEMS as usize - 1];
            assert!(found[..ITEMS as usize - 1].iter().all(|&score| score > last), "nobody's item is last");
        }
    }
}

#[test]
fn the_best_epoch_on_validation_data_is_kept_and_patience_ends_a_fit() {
    let log = two_kinds();
    let histories = Histories::new(&log);
    let training = Training::new(&log, &histories);
    let mut seen = Vec::new();
    let mut kept = None;
    let mut epochs = Vec::new();
    let mut observe = |epoch: Epoch<'_>| epochs.push((epoch.epoch, epoch.epochs, epoch.loss.is_some()));
    let mut measure = |model: &dyn Score| {
        let now = scores(model, &[ItemId(0)]);
        seen.push(now.clone());
        // The third measure is the best one.
        let value = [0.1, 0.2, 0.9, 0.3, 0.4, 0.5][seen.len() - 1];
        if seen.len() == 3 {
            kept = Some(now);
        }
        value
    };
    let mut run = Run::new(Seed::new(9));
    run.observe = Some(&mut observe);
    run.validate = Some(Validate { measure: &mut measure, every: 2, patience: 2 });
    let model = recipe(Scoring::Cosine).fit(&training, &mut run).unwrap();
    drop(run);
    assert_eq!(seen.len(), 5);
    assert_eq!(Some(scores(&model, &[ItemId(0)])), kept);
    assert_eq!(epochs.first(), Some(&(1, 12, true)));
    assert_eq!(epochs.last().map(|epoch| epoch.0), Some(10));
}

#[test]
fn what_is_wrong_is_said() {
    let log = two_kinds();
    let histories = Histories::new(&log);
    let training = Training::new(&log, &histories);
    let refused = |recipe: Item2Vec| recipe.fit(&training, &mut Run::new(Seed::new(1))).err();
    for (recipe, named) in [
        (Item2Vec { dim: 0, ..recipe(Scoring::Cosine) }, "dim"),
        (Item2Vec { negatives: 0, ..recipe(Scoring::Cosine) }, "negatives"),
        (Item2Vec { alpha: f64::NAN, ..recipe(Scoring::Cosine) }, "alpha"),
        (Item2Vec { alpha: 1e9, ..recipe(Scoring::Cosine) }, "alpha"),
        (Item2Vec { subsampling: -1.0, ..recipe(Scoring::Cosine) }, "subsampling"),
        (recipe(Scoring::Odds { popularity: f32::INFINITY }), "popularity"),
        (recipe(Scoring::Odds { popularity: -0.5 }), "popularity"),
    ] {
        let found = refused(recipe);
        assert!(
            matches!(&found, Some(FitError::Parameter { parameter, .. }) if *parameter == named),
            "{found:?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    std::fs::write(&path, "nothing").unwrap();
    let mut run = Run::new(Seed::new(1));
    run.checkpoint = Some(Checkpoint { path, every: 1 });
    assert!(matches!(recipe(Scoring::Cosine).fit(&training, &mut run), Err(FitError::Persist(_))));
}
