//! EASE, PureSVD, co-occurrence SVD and iALS against NumPy in `f64` (fixtures/linear.py).

use seoro_core::{Histories, ItemId, Items, Log, Query, Score, Seed, UserId, Vocab};
use seoro_models::cooccurrence_svd::Association;
use seoro_models::mf::MfBpr;
use seoro_models::{
    Checkpoint, CooccurrenceSvd, Ease, Epoch, FitError, Ials, PureSvd, Recommender, Run, Training,
};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(Deserialize)]
struct Fixture {
    users: Vec<u32>,
    items: Vec<u32>,
    counts: Vec<f32>,
    n_users: u32,
    n_items: u32,
    ease: EaseCase,
    pure_svd: SvdCase,
    cooccurrence: CooccurrenceCase,
}

#[derive(Deserialize)]
struct CooccurrenceCase {
    factors: usize,
    shift: f32,
    normalised: Vec<Vec<f64>>,
    ppmi: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct EaseCase {
    lambda: f32,
    weights: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct SvdCase {
    factors: usize,
    singular_values: Vec<f64>,
    scores: Vec<Vec<f64>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/linear.json")).unwrap()
}

fn log(fixture: &Fixture) -> Log {
    let users = fixture.users.iter().copied().map(UserId).collect();
    let items = fixture.items.iter().copied().map(ItemId).collect();
    let vocab = |rows| Arc::new(Vocab::numbered(rows));
    let counts = Some(fixture.counts.clone());
    Log::new(users, items, counts, None, vocab(fixture.n_users), vocab(fixture.n_items)).unwrap()
}

fn fit<R: Recommender>(recipe: &R, log: &Log) -> R::Fitted {
    let histories = Histories::new(log);
    recipe.fit(&Training::new(log, &histories), &mut Run::new(Seed::new(5))).unwrap()
}

/// Every user's scores of every item are the expected ones.
fn assert_scores(model: &dyn Score, log: &Log, expected: &[Vec<f64>], tolerance: f64) {
    let histories = Histories::new(log);
    for (user, expected) in expected.iter().enumerate() {
        let mut scores = vec![0.0; log.n_items()];
        model.score(&[histories.query(UserId(user as u32))], Items::All, &mut scores).unwrap();
        assert_close(&scores, expected, tolerance);
    }
}

fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((f64::from(*actual) - expected).abs() < tolerance, "{actual} is not {expected}");
    }
}

#[test]
fn ease_weights_are_those_of_numpy() {
    let fixture = fixture();
    let log = log(&fixture);
    let model = fit(&Ease { lambda: fixture.ease.lambda }, &log);
    for (row, expected) in fixture.ease.weights.iter().enumerate() {
        assert_close(model.weights().row(row), expected, 1e-6);
    }
    let mut scores = vec![0.0; log.n_items()];
    let history = [ItemId(4), ItemId(1), ItemId(4)];
    model.score(&[Query::new(&history)], Items::All, &mut scores).unwrap();
    let weights = &fixture.ease.weights;
    let expected: Vec<f64> = weights[1].iter().zip(&weights[4]).map(|(a, b)| a + b).collect();
    assert_close(&scores, &expected, 1e-6);
}

#[test]
fn ease_says_its_memory_before_allocating() {
    let log = log(&fixture());
    let histories = Histories::new(&log);
    let mut run = Run::new(Seed::new(0));
    run.memory = Some(100);
    let refused = Ease::default().fit(&Training::new(&log, &histories), &mut run);
    assert!(matches!(refused, Err(FitError::Memory { needed, .. }) if needed > 4 * 81));
}

#[test]
fn pure_svd_is_the_truncated_decomposition() {
    let fixture = fixture();
    let log = log(&fixture);
    let case = &fixture.pure_svd;
    let model = fit(&PureSvd { factors: case.factors, ..PureSvd::default() }, &log);
    assert_close(model.singular_values(), &case.singular_values, 1e-5);
    assert_scores(&model, &log, &case.scores, 1e-5);
}

#[test]
fn cooccurrence_svd_is_that_of_numpy() {
    let fixture = fixture();
    let log = log(&fixture);
    let case = &fixture.cooccurrence;
    for (association, expected) in
        [(Association::Normalised, &case.normalised), (Association::Ppmi { shift: case.shift }, &case.ppmi)]
    {
        let recipe = CooccurrenceSvd { factors: case.factors, association, ..CooccurrenceSvd::default() };
        assert_scores(&fit(&recipe, &log), &log, expected, 1e-4);
    }
    let histories = Histories::new(&log);
    let refused =
        CooccurrenceSvd { association: Association::Ppmi { shift: 0.0 }, ..CooccurrenceSvd::default() };
    let refused = refused.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(5)));
    assert!(matches!(refused, Err(FitError::Parameter { parameter: "shift", .. })));
}

/// With fewer dimensions than the matrix has, power iterations still find the leading subspace.
#[test]
fn pure_svd_converges_from_a_narrow_subspace() {
    let fixture = fixture();
    let log = log(&fixture);
    let case = &fixture.pure_svd;
    let recipe = PureSvd { factors: case.factors, power_iterations: 60, oversampling: 1 };
    assert_close(fit(&recipe, &log).singular_values(), &case.singular_values, 1e-4);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let log = log(&fixture());
    let histories = Histories::new(&log);
    let train = Training::new(&log, &histories);
    let run = || Run::new(Seed::new(0));
    for lambda in [0.0, -1.0, f32::NAN] {
        let refused = Ease { lambda }.fit(&train, &mut run());
        assert!(matches!(refused, Err(FitError::Parameter { parameter: "lambda", .. })));
    }
    let refused = PureSvd { factors: 0, ..PureSvd::default() }.fit(&train, &mut run());
    assert!(matches!(refused, Err(FitError::Parameter { parameter: "factors", .. })));
    let refused = Ials { regularization: 0.0, ..Ials::default() }.fit(&train, &mut run());
    assert!(matches!(refused, Err(FitError::Parameter { parameter: "regularization", .. })));
}

/// What a fit says it needs, on so many threads.
fn needed<R: Recommender>(recipe: &R, log: &Log, threads: usize) -> u64 {
    let histories = Histories::new(log);
    let mut run = Run::new(Seed::new(0));
    (run.threads, run.memory) = (threads, Some(1));
    match recipe.fit(&Training::new(log, &histories), &mut run) {
        Err(FitError::Memory { needed, limit: 1, .. }) => needed,
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn any_number_of_factors_is_refused_or_counted() {
    let log = log(&fixture());
    let histories = Histories::new(&log);
    let train = Training::new(&log, &histories);
    for factors in [(1 << 16) + 1, usize::MAX] {
        let run = || Run::new(Seed::new(0));
        let svd = PureSvd { factors, ..PureSvd::default() }.fit(&train, &mut run()).err();
        let ials = Ials { factors, ..Ials::default() }.fit(&train, &mut run()).err();
        let mf = MfBpr { factors, ..MfBpr::default() }.fit(&train, &mut run()).err();
        for refused in [svd, ials, mf] {
            assert!(matches!(refused, Some(FitError::Parameter { parameter: "factors", .. })), "{refused:?}");
        }
    }
    let (factors, rows) = (1 << 16, (log.n_users() + log.n_items()) as u64);
    assert!(needed(&Ials { factors, ..Ials::default() }, &log, 1) > rows << 18);
    assert!(needed(&MfBpr { factors, ..MfBpr::default() }, &log, 1) > rows << 18);
    let all = usize::MAX;
    assert!(needed(&PureSvd { oversampling: all, ..PureSvd::default() }, &log, 1) > 12 * rows);
}

/// Each thread has its own samples, and its own panel and system.
#[test]
fn threads_need_memory() {
    let log = log(&fixture());
    let often: Vec<usize> = (0..1 << 15).map(|place| place % log.len()).collect();
    let (mf, log) = (MfBpr::default(), log.select(&often));
    assert!(needed(&mf, &log, 2) >= needed(&mf, &log, 1) + (1 << 14) * 12);
    let ials = Ials::default();
    assert!(needed(&ials, &log, 2) >= needed(&ials, &log, 1) + 8 * 64 * 64);
}

/// Exact solves of a convex problem in each half can only lower the objective.
#[test]
fn ials_lowers_its_objective_every_epoch() {
    let log = log(&fixture());
    let histories = Histories::new(&log);
    let mut losses = Vec::new();
    let mut observe = |epoch: Epoch<'_>| losses.extend(epoch.loss);
    let mut run = Run::new(Seed::new(3));
    run.observe = Some(&mut observe);
    let recipe = Ials { factors: 4, epochs: 8, ..Ials::default() };
    recipe.fit(&Training::new(&log, &histories), &mut run).unwrap();
    assert_eq!(losses.len(), 8);
    assert!(losses.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)), "{losses:?}");
    assert!(losses[7] < losses[0]);
}

#[test]
fn cancelled_fits_end() {
    let log = log(&fixture());
    let histories = Histories::new(&log);
    let train = Training::new(&log, &histories);
    let cancel = AtomicBool::new(true);
    let run = || Run::new(Seed::new(0)).cancelled_by(&cancel);
    assert!(matches!(Ease::default().fit(&train, &mut run()), Err(FitError::Cancelled)));
    assert!(matches!(PureSvd::default().fit(&train, &mut run()), Err(FitError::Cancelled)));
    assert!(matches!(Ials::default().fit(&train, &mut run()), Err(FitError::Cancelled)));
}

#[test]
fn a_resumed_ials_equals_an_uninterrupted_one() {
    let log = log(&fixture());
    let histories = Histories::new(&log);
    let train = Training::new(&log, &histories);
    let recipe = Ials { factors: 3, epochs: 5, ..Ials::default() };
    let whole = recipe.fit(&train, &mut Run::new(Seed::new(9))).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let checkpoint = Some(Checkpoint { path: path.clone(), every: 1 });
    let cancel = AtomicBool::new(false);
    let (mut before, start, pause) = (0.0, Instant::now(), Duration::from_millis(100));
    let mut kill = |epoch: Epoch<'_>| {
        let paused = pause.as_secs_f64() * (epoch.epoch - 1) as f64;
        assert!(
            epoch.seconds + paused <= start.elapsed().as_secs_f64(),
            "the observer's time does not count"
        );
        std::thread::sleep(pause);
        before = epoch.seconds;
        cancel.store(epoch.epoch == 3, Ordering::Relaxed);
    };
    let mut run = Run::new(Seed::new(9)).cancelled_by(&cancel);
    run.checkpoint = checkpoint.clone();
    run.observe = Some(&mut kill);
    assert!(matches!(recipe.fit(&train, &mut run), Err(FitError::Cancelled)));

    let mut epochs = Vec::new();
    let mut watch = |epoch: Epoch<'_>| {
        assert!(epoch.seconds > before, "the time before the resume counts");
        epochs.push(epoch.epoch);
    };
    let mut run = Run::new(Seed::new(9));
    run.checkpoint = checkpoint;
    run.observe = Some(&mut watch);
    assert_eq!(recipe.fit(&train, &mut run).unwrap(), whole);
    assert_eq!(epochs, [4, 5]);
    assert!(!path.exists());
}
