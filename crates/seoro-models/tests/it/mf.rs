//! Matrix factorisation through its public recipes.

use crate::resume::fit;
use seoro_core::{Histories, ItemId, Items, Log, Matrix, Query, Score, Seed, UserId, Vocab};
use seoro_models::mf::{Feedback, FunkSvd, MatrixFactorization, MfBpr, MfLogistic};
use seoro_models::{Checkpoint, Epoch, FitError, Recommender, Validate};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const USERS: u32 = 40;
const ITEMS: u32 = 30;

/// Users of three tastes: each has most items of its own third.
fn tastes() -> Log {
    let pairs: Vec<(u32, u32)> = (0..USERS)
        .flat_map(|user| (0..ITEMS).map(move |item| (user, item)))
        .filter(|(user, item)| user % 3 == item % 3 && (user * 7 + item) % 5 != 0)
        .collect();
    log(&pairs, None)
}

fn log(pairs: &[(u32, u32)], values: Option<Vec<f32>>) -> Log {
    let users = pairs.iter().map(|&(user, _)| UserId(user)).collect();
    let items = pairs.iter().map(|&(_, item)| ItemId(item)).collect();
    // Two more users and one more item than have events.
    let (user_vocab, item_vocab) = (Vocab::numbered(USERS + 2), Vocab::numbered(ITEMS + 1));
    Log::new(users, items, values, None, Arc::new(user_vocab), Arc::new(item_vocab)).unwrap()
}

fn logistic() -> MfLogistic {
    MfLogistic { factors: 8, epochs: 30, learning_rate: 0.05, negatives: 3, ..MfLogistic::default() }
}

fn bpr() -> MfBpr {
    MfBpr { factors: 8, epochs: 30, ..MfBpr::default() }
}

fn funk() -> FunkSvd {
    FunkSvd { factors: 8, epochs: 60, learning_rate: 0.05, negatives: 1.5, ..FunkSvd::default() }
}

fn all_scores(model: &dyn Score, query: &Query<'_>) -> Vec<f32> {
    let mut out = vec![0.0; model.n_items()];
    model.score(std::slice::from_ref(query), Items::All, &mut out).unwrap();
    out
}

/// Whether every unseen item of the taste scores above every item of other tastes.
fn knows_the_taste(scores: &[f32], taste: u32) -> bool {
    let (own, other): (Vec<_>, Vec<_>) = (0..ITEMS).partition(|item| item % 3 == taste);
    let lowest = own.iter().map(|&item| scores[item as usize]).fold(f32::INFINITY, f32::min);
    other.iter().all(|&item| scores[item as usize] < lowest)
}

fn learns_tastes<R: Recommender<Fitted = MatrixFactorization>>(recipe: &R) {
    let log = tastes();
    let histories = Histories::new(&log);
    let model = fit(recipe, &log, |_| {}).unwrap();
    for user in 0..USERS {
        let scores = all_scores(&model, &histories.query(UserId(user)));
        assert!(knows_the_taste(&scores, user % 3), "{} user {user}: {scores:?}", R::NAME);
        let newcomer = Query::new(histories.items(UserId(user)));
        let scores = all_scores(&model, &newcomer);
        assert!(knows_the_taste(&scores, user % 3), "{} a newcomer like user {user}: {scores:?}", R::NAME);
    }
}

#[test]
fn known_users_and_newcomers_get_their_taste() {
    learns_tastes(&logistic());
    learns_tastes(&bpr());
    learns_tastes(&MfBpr { popularity: 1.0, ..bpr() });
    learns_tastes(&funk());
    learns_tastes(&FunkSvd { biases: false, ..funk() });
}

#[test]
fn a_user_without_events_is_a_newcomer() {
    let log = tastes();
    let model = fit(&logistic(), &log, |_| {}).unwrap();
    let history = [ItemId(1), ItemId(4), ItemId(7)];
    let silent = Query::new(&history).user(UserId(USERS));
    let beyond = Query::new(&history).user(UserId(1_000_000));
    let nobody = Query::new(&history);
    assert_eq!(all_scores(&model, &silent), all_scores(&model, &nobody));
    assert_eq!(all_scores(&model, &beyond), all_scores(&model, &nobody));
    assert!(all_scores(&model, &Query::new(&[])).iter().all(|score| score.is_finite()));
}

#[test]
fn embedded_products_are_scores() {
    let log = tastes();
    let histories = Histories::new(&log);
    let model = fit(&funk(), &log, |_| {}).unwrap();
    let queries = [histories.query(UserId(4)), Query::new(histories.items(UserId(5)))];
    let (embed, mut vectors) = (model.embed().unwrap(), Matrix::default());
    embed.queries(&queries, &mut vectors).unwrap();
    for (row, query) in queries.iter().enumerate() {
        for (item, &score) in all_scores(&model, query).iter().enumerate() {
            let items = embed.items();
            let product: f32 = items.row(item).iter().zip(vectors.row(row)).map(|(a, b)| a * b).sum();
            assert!((product - score).abs() < 1e-5, "{product}, score {score}");
        }
    }
    // What is compared with each other has neither biases nor constants.
    let (items, comparable) = (embed.items(), embed.comparable());
    assert_eq!(comparable.cols(), items.cols() - 2);
    assert!((0..items.rows()).all(|item| items.row(item)[..comparable.cols()] == *comparable.row(item)));
}

#[test]
fn the_same_seed_and_threads_give_the_same_bytes() {
    let log = tastes();
    for threads in [1, 2, 3] {
        let one = fit(&bpr(), &log, |run| run.threads = threads).unwrap();
        let two = fit(&bpr(), &log, |run| run.threads = threads).unwrap();
        assert!(one == two, "{threads} threads");
    }
    let other = fit(&bpr(), &log, |run| run.seed = Seed::new(4)).unwrap();
    assert!(other != fit(&bpr(), &log, |_| {}).unwrap());
}

#[test]
fn ratings_are_predicted_within_their_range() {
    let pairs: Vec<(u32, u32)> =
        (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item))).collect();
    let rating = |user: u32, item: u32| if user % 2 == item % 2 { 5.0 } else { 1.0 + (item % 3) as f32 };
    let (held, kept): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(user, item)| (user + 3 * item) % 10 == 0);
    let values = kept.iter().map(|&(user, item)| rating(user, item)).collect();
    let log = log(&kept, Some(values));
    let recipe = FunkSvd { feedback: Feedback::Ratings, epochs: 150, fold_in: 150, ..funk() };
    let model = fit(&recipe, &log, |_| {}).unwrap();
    let histories = Histories::new(&log);
    let rate = model.rate().unwrap();
    let error = |newcomer: bool| {
        let pairs: Vec<(Query<'_>, ItemId)> = held
            .iter()
            .map(|&(user, item)| {
                let mut query = histories.query(UserId(user));
                query.user = query.user.filter(|_| !newcomer);
                (query, ItemId(item))
            })
            .collect();
        let mut out = vec![0.0; pairs.len()];
        rate.rate(&pairs, &mut out).unwrap();
        assert!(out.iter().all(|rating| (1.0..=5.0).contains(rating)));
        let errors = held.iter().zip(&out).map(|(&(user, item), &ours)| (rating(user, item) - ours).powi(2));
        (errors.sum::<f32>() / held.len() as f32).sqrt()
    };
    assert!(error(false) < 0.5, "{}", error(false));
    assert!(error(true) < 0.7, "{}", error(true));
    assert!(fit(&funk(), &log, |_| {}).unwrap().rate().is_none());
}

#[test]
fn a_killed_and_resumed_fit_equals_an_uninterrupted_one() {
    let log = tastes();
    let whole = fit(&logistic(), &log, |_| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint { path: folder.path().join("state"), every: 4 };
    let cancel = AtomicBool::new(false);
    let mut kill = |epoch: Epoch<'_>| cancel.store(epoch.epoch == 11, Ordering::Relaxed);
    let killed = fit(&logistic(), &log, |run| {
        run.checkpoint = Some(checkpoint.clone());
        run.observe = Some(&mut kill);
        run.cancel = &cancel;
    });
    assert!(matches!(killed, Err(FitError::Cancelled)));
    assert!(checkpoint.path.exists());
    let other = fit(&logistic(), &log, |run| {
        run.checkpoint = Some(checkpoint.clone());
        run.seed = Seed::new(99);
    });
    assert!(matches!(other, Err(FitError::OtherFit { .. })));
    let mut seen = Vec::new();
    let mut observe = |epoch: Epoch<'_>| seen.push(epoch.epoch);
    let resumed = fit(&logistic(), &log, |run| {
        run.checkpoint = Some(checkpoint.clone());
        run.observe = Some(&mut observe);
    });
    assert!(resumed.unwrap() == whole);
    assert_eq!(seen, (9..=30).collect::<Vec<_>>());
    assert!(!checkpoint.path.exists());
}

#[test]
fn nothing_is_saved_after_the_last_epoch() {
    let folder = tempfile::tempdir().unwrap();
    // Where nothing can be written: a fit that tried would fail.
    let checkpoint = Checkpoint { path: folder.path().join("missing/state"), every: 30 };
    let recipe = MfLogistic { epochs: 30, ..logistic() };
    fit(&recipe, &tastes(), |run| run.checkpoint = Some(checkpoint)).unwrap();
}

#[test]
fn a_checkpoint_of_other_threads_or_of_a_larger_catalogue_is_refused() {
    let (pairs, folder) = ([(0, 0), (1, 1), (2, 2)], tempfile::tempdir().unwrap());
    let vocab = |rows| Arc::new(Vocab::numbered(rows));
    let events = |items| {
        let (users, rows) = pairs.iter().map(|&(user, item)| (UserId(user), ItemId(item))).unzip();
        Log::new(users, rows, None, None, vocab(3), vocab(items)).unwrap()
    };
    let checkpoint = Checkpoint { path: folder.path().join("state"), every: 1 };
    let cancel = AtomicBool::new(false);
    let mut kill = |_: Epoch<'_>| cancel.store(true, Ordering::Relaxed);
    let killed = fit(&logistic(), &events(3), |run| {
        (run.threads, run.checkpoint) = (2, Some(checkpoint.clone()));
        run.observe = Some(&mut kill);
        run.cancel = &cancel;
    });
    assert!(matches!(killed, Err(FitError::Cancelled)));
    for (items, threads) in [(4, 2), (3, 1)] {
        let other = fit(&logistic(), &events(items), |run| {
            (run.threads, run.checkpoint) = (threads, Some(checkpoint.clone()));
        });
        assert!(matches!(other, Err(FitError::OtherFit { .. })), "{items} items, {threads} threads");
    }
}

#[test]
fn validation_keeps_the_best_epoch_and_ends_without_patience() {
    let log = tastes();
    let (mut epochs, mut fifth) = (0, None);
    let mut observe = |epoch: Epoch<'_>| {
        epochs = epoch.epoch;
        assert!(epoch.loss.is_some_and(|loss| loss > 0.0));
        if epoch.epoch == 6 {
            fifth = Some(all_scores((epoch.snapshot)().as_score(), &Query::new(&[]).user(UserId(1))));
        }
    };
    let mut measures = [0.1, 0.2, 0.3, 0.25, 0.3].into_iter();
    let mut measure = |_: &dyn Score| measures.next().unwrap();
    let model = fit(&bpr(), &log, |run| {
        run.observe = Some(&mut observe);
        run.validate = Some(Validate { measure: &mut measure, every: 2, patience: 2 });
    });
    let scores = all_scores(&model.unwrap(), &Query::new(&[]).user(UserId(1)));
    assert_eq!(epochs, 10);
    assert_eq!(Some(scores), fifth);
}

#[test]
fn what_cannot_be_fitted_is_a_typed_error() {
    let log = tastes();
    let wild = FunkSvd { learning_rate: 50.0, regularization: 0.0, ..funk() };
    assert!(matches!(fit(&wild, &log, |_| {}), Err(FitError::Diverged { .. })));
    let nothing = MfLogistic { factors: 0, ..logistic() };
    assert!(matches!(fit(&nothing, &log, |_| {}), Err(FitError::Parameter { parameter: "factors", .. })));
    let not_a_number = MfLogistic { learning_rate: f64::NAN, ..logistic() };
    assert!(matches!(
        fit(&not_a_number, &log, |_| {}),
        Err(FitError::Parameter { parameter: "learning_rate", .. })
    ));
    let ratings = FunkSvd { feedback: Feedback::Ratings, ..funk() };
    assert!(matches!(fit(&ratings, &log, |_| {}), Err(FitError::Missing { column: "value", .. })));
    assert!(matches!(fit(&bpr(), &log.select(&[]), |_| {}), Err(FitError::Empty { .. })));
    assert!(matches!(fit(&bpr(), &log, |run| run.memory = Some(1_000)), Err(FitError::Memory { .. })));
}

#[test]
fn a_user_with_every_item_is_left_out_of_comparisons() {
    let pairs: Vec<(u32, u32)> = (0..=ITEMS).map(|item| (0, item)).chain([(1, 0), (1, 3)]).collect();
    let model = fit(&bpr(), &log(&pairs, None), |_| {}).unwrap();
    assert!(all_scores(&model, &Query::new(&[]).user(UserId(0))).iter().all(|score| score.is_finite()));
}
