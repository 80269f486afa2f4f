//! Models of the graph: resumed, killed, refused, and what repeats and gaps in the data do to them.

use crate::resume::{fit, resumes, survives_a_kill};
use seoro_core::{Embed, ItemId, Items, Log, Query, Score, UserId, Vocab};
use seoro_models::gcn::Gcn;
use seoro_models::graph::GraphModel;
use seoro_models::lightgcn::{LayerWeights, LightGcn};
use seoro_models::ngcf::{Adjacency, Ngcf};
use seoro_models::train::Sampling;
use seoro_models::{Checkpoint, FitError, Recommender};
use std::sync::Arc;

const USERS: u32 = 30;
const ITEMS: u32 = 20;

/// Each user has a part of the items of their colour.
fn pairs() -> Vec<(u32, u32)> {
    let pairs = (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item)));
    pairs.filter(|(user, item)| user % 2 == item % 2 && (user + 3 * item) % 5 != 0).collect()
}

fn log_of(pairs: &[(u32, u32)]) -> Log {
    let (users, items) = pairs.iter().map(|&(user, item)| (UserId(user), ItemId(item))).unzip();
    let vocab = |rows: u32| Arc::new(Vocab::numbered(rows));
    Log::new(users, items, None, None, vocab(USERS), vocab(ITEMS)).unwrap()
}

fn lightgcn() -> LightGcn {
    LightGcn { factors: 8, epochs: 6, batch_size: 32, learning_rate: 0.01, ..LightGcn::default() }
}

fn gcn() -> Gcn {
    Gcn { factors: 8, epochs: 6, batch_size: 32, learning_rate: 0.01, dropout: 0.1, ..Gcn::default() }
}

fn ngcf() -> Ngcf {
    Ngcf {
        factors: 8,
        layers: vec![6, 4],
        epochs: 6,
        batch_size: 32,
        learning_rate: 0.01,
        node_dropout: 0.1,
        ..Ngcf::default()
    }
}

fn all_scores(model: &GraphModel, query: &Query<'_>) -> Vec<f32> {
    let mut scores = vec![0.0; ITEMS as usize];
    model.score(std::slice::from_ref(query), Items::All, &mut scores).unwrap();
    scores
}

/// How many users have their own colour's items first, on the whole.
fn right(model: &GraphModel) -> usize {
    let is_right = |user: &u32| {
        let scores = all_scores(model, &Query::new(&[]).user(UserId(*user)));
        let sum = |colour: u32| {
            let own = scores.iter().zip(0..ITEMS).filter(|(_, item)| item % 2 == colour);
            own.map(|(score, _)| score).sum::<f32>()
        };
        sum(user % 2) > sum(1 - user % 2)
    };
    (0..USERS).filter(is_right).count()
}

#[test]
fn each_reading_learns_the_checkerboard() {
    let log = log_of(&pairs());
    let all = USERS as usize;
    for layer_weights in [LayerWeights::Uniform, LayerWeights::Shrinking, LayerWeights::Last] {
        for sampling in [Sampling::Users, Sampling::Interactions] {
            let recipe = LightGcn { layer_weights, sampling, epochs: 20, ..lightgcn() };
            assert_eq!(right(&fit(&recipe, &log, |_| {}).unwrap()), all, "{recipe:?}");
        }
    }
    for adjacency in [Adjacency::Left, Adjacency::Symmetric, Adjacency::Added] {
        let recipe = Ngcf { adjacency, epochs: 30, ..ngcf() };
        assert_eq!(right(&fit(&recipe, &log, |_| {}).unwrap()), all, "{recipe:?}");
    }
    assert_eq!(right(&fit(&Gcn { epochs: 30, ..gcn() }, &log, |_| {}).unwrap()), all);
}

#[test]
fn a_cancelled_and_resumed_fit_equals_an_uninterrupted_one() {
    resumes(&lightgcn(), &log_of(&pairs()));
    resumes(&gcn(), &log_of(&pairs()));
    resumes(&ngcf(), &log_of(&pairs()));
}

/// What the process that is killed does; nothing, where it is not asked to.
#[test]
fn a_fit_to_be_killed() {
    if let Some(path) = std::env::var_os("SEORO_TEST_GRAPH_FIT_TO_BE_KILLED") {
        let checkpoint = Checkpoint { path: path.into(), every: 1 };
        fit(&long(), &log_of(&pairs()), |run| run.checkpoint = Some(checkpoint)).unwrap();
    }
}

fn long() -> Ngcf {
    Ngcf { epochs: 200, ..ngcf() }
}

#[test]
fn a_fit_killed_in_mid_epoch_goes_on_to_the_same_bytes() {
    let child = ("graphs::a_fit_to_be_killed", "SEORO_TEST_GRAPH_FIT_TO_BE_KILLED");
    survives_a_kill(child, &long(), &log_of(&pairs()));
}

#[test]
fn repeats_in_the_log_count_once() {
    let (once, mut twice) = (pairs(), pairs());
    twice.extend(pairs().into_iter().step_by(3));
    for sampling in [Sampling::Users, Sampling::Interactions] {
        let recipe = LightGcn { sampling, ..lightgcn() };
        let [a, b] = [&once, &twice].map(|pairs| fit(&recipe, &log_of(pairs), |_| {}).unwrap());
        assert!(a == b);
    }
}

/// A user without an event, a user with every item, and an item that only that user has.
#[test]
fn gaps_in_the_data_are_fine() {
    let mut pairs: Vec<(u32, u32)> =
        pairs().into_iter().filter(|&(user, item)| user > 1 && item < 19).collect();
    pairs.extend((0..ITEMS).map(|item| (1, item)));
    let log = log_of(&pairs);
    let check = |model: GraphModel| {
        for user in [0, 1, 2, 99] {
            let scores = all_scores(&model, &Query::new(&[]).user(UserId(user)));
            assert!(scores.iter().all(|score| score.is_finite()));
        }
        let stranger = all_scores(&model, &Query::new(&[ItemId(3)]));
        assert_eq!(all_scores(&model, &Query::new(&[]).user(UserId(0))), stranger);
        assert_eq!(model.items().rows(), ITEMS as usize);
    };
    check(fit(&lightgcn(), &log, |_| {}).unwrap());
    check(fit(&gcn(), &log, |_| {}).unwrap());
    check(fit(&ngcf(), &log, |_| {}).unwrap());
    // Nothing can be compared where everybody has everything: nothing is learned, and nothing breaks.
    let every = (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item)));
    let model = fit(&lightgcn(), &log_of(&every.collect::<Vec<_>>()), |_| {}).unwrap();
    assert!(all_scores(&model, &Query::new(&[]).user(UserId(0))).iter().all(|score| score.is_finite()));
}

#[test]
fn bad_hyper_parameters_and_too_little_memory_are_typed_errors() {
    fn parameter<R: Recommender>(recipe: R) -> &'static str {
        match fit(&recipe, &log_of(&pairs()), |_| {}) {
            Err(FitError::Parameter { parameter, .. }) => parameter,
            other => panic!("{:?}", other.map(|_| ())),
        }
    }
    assert_eq!(parameter(LightGcn { factors: 0, ..lightgcn() }), "factors");
    assert_eq!(parameter(LightGcn { factors: usize::MAX, ..lightgcn() }), "factors");
    assert_eq!(parameter(LightGcn { layers: 9, ..lightgcn() }), "layers");
    assert_eq!(parameter(Ngcf { factors: usize::MAX, ..ngcf() }), "factors");
    assert_eq!(parameter(LightGcn { regularization: -1.0, ..lightgcn() }), "regularization");
    assert_eq!(parameter(LightGcn { init_std: f64::NAN, ..lightgcn() }), "init_std");
    assert_eq!(parameter(LightGcn { batch_size: 0, ..lightgcn() }), "batch_size");
    assert_eq!(parameter(Gcn { dropout: 1.0, ..gcn() }), "dropout");
    assert_eq!(parameter(Gcn { layers: usize::MAX, ..gcn() }), "layers");
    assert_eq!(parameter(Ngcf { layers: vec![8, 0], ..ngcf() }), "layers");
    assert_eq!(parameter(Ngcf { layers: vec![8; 9], ..ngcf() }), "layers");
    assert_eq!(parameter(Ngcf { message_dropout: -0.1, ..ngcf() }), "message_dropout");
    assert_eq!(parameter(Ngcf { node_dropout: f64::NAN, ..ngcf() }), "node_dropout");
    let empty = log_of(&[]);
    assert!(matches!(fit(&lightgcn(), &empty, |_| {}), Err(FitError::Empty { .. })));
    let small = fit(&lightgcn(), &log_of(&pairs()), |run| run.memory = Some(1_000));
    assert!(matches!(small, Err(FitError::Memory { needed, limit: 1_000, .. }) if needed > 10_000));
}

/// Epoch by epoch, the losses of other devices are the processor's.
#[cfg(any(feature = "gpu", feature = "ndarray"))]
#[test]
fn devices_agree() {
    use seoro_models::{DeviceName, Epoch};
    fn losses<R: Recommender>(recipe: &R, device: DeviceName) -> Vec<f64> {
        let mut losses = Vec::new();
        let mut observe = |epoch: Epoch<'_>| losses.push(epoch.loss.unwrap());
        fit(recipe, &log_of(&pairs()), |run| {
            run.device = device;
            run.observe = Some(&mut observe);
        })
        .unwrap();
        losses
    }
    fn agree<R: Recommender>(recipe: &R) {
        let expected = losses(recipe, DeviceName::Cpu);
        for (device, is_built) in [
            (DeviceName::SoftwareGpu, cfg!(feature = "gpu")),
            (DeviceName::Ndarray, cfg!(feature = "ndarray")),
        ] {
            if is_built {
                for (found, expected) in losses(recipe, device).iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-3, "{} {device}: {found}, {expected}", R::NAME);
                }
            }
        }
    }
    agree(&LightGcn { epochs: 3, ..lightgcn() });
    agree(&Gcn { epochs: 3, ..gcn() });
    agree(&Ngcf { epochs: 3, ..ngcf() });
}
