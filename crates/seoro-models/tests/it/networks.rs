//! The loop: held to a twin in plain burn, resumed, stopped, refused.

use crate::resume::{fit, resumes, survives_a_kill};
use burn::tensor::{Device, Int, Tensor, TensorData};
use seoro_core::{Histories, ItemId, Items, Log, Query, Score, ScoreError, Seed, UserId, Vocab};
use seoro_models::ncf::{Gmf, Mlp, NeuMf, Pretraining};
use seoro_models::ops::logistic;
use seoro_models::train::{
    Descent, Feed, Init, Network, Optimizer, PairBatch, Pairs, Parameters, Rprop, Step, TableId, Trainer,
    Whole,
};
use seoro_models::{Checkpoint, Epoch, FitError, Recommender, Run, Training, Validate};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const USERS: u32 = 30;
const ITEMS: u32 = 20;

/// Each user has a part of the items of their colour.
fn log() -> Log {
    let pairs = (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item)));
    let taken = pairs.filter(|(user, item)| user % 2 == item % 2 && (user + 3 * item) % 5 != 0);
    let (users, items) = taken.map(|(user, item)| (UserId(user), ItemId(item))).unzip();
    let vocab = |rows: u32| Arc::new(Vocab::numbered(rows));
    Log::new(users, items, None, None, vocab(USERS), vocab(ITEMS)).unwrap()
}

fn small() -> NeuMf {
    NeuMf { factors: 4, epochs: 6, batch_size: 32, learning_rate: 0.01, ..NeuMf::default() }
}

/// Matrix factorisation from outside: `s(u, i) = p_u · q_i`.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Mf {
    descent: Descent,
}

struct MfNetwork {
    users: TableId,
    items: TableId,
}

#[derive(Clone, Serialize, Deserialize)]
struct MfModel {
    losses: Vec<f64>,
    items: Vec<f32>,
}

impl Score for MfModel {
    fn n_items(&self) -> usize {
        ITEMS as usize
    }

    fn score(&self, _: &[Query<'_>], _: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        out.fill(0.0);
        Ok(())
    }
}

impl Network for MfNetwork {
    type Batch = PairBatch;
    type Fitted = MfModel;

    fn loss(&self, batch: &PairBatch, step: &mut Step<'_>) -> Tensor<1> {
        let product = step.rows(self.users, &batch.users) * step.rows(self.items, &batch.items);
        logistic(product.sum_dim(1), &batch.labels)
    }

    fn fitted(&self, parameters: &Parameters) -> MfModel {
        MfModel { losses: Vec::new(), items: parameters.table_matrix(self.items).as_slice().to_vec() }
    }
}

impl Mf {
    fn network(device: &Device) -> (MfNetwork, Parameters) {
        let mut parameters = Parameters::new(device, Seed::new(8));
        let users = parameters.table("users", [USERS as usize, 5], Init::Normal(0.3));
        let items = parameters.table("items", [ITEMS as usize, 5], Init::Normal(0.3));
        (MfNetwork { users, items }, parameters)
    }
}

impl Recommender for Mf {
    type Fitted = MfModel;
    const NAME: &'static str = "mf-from-outside";
    const REVISION: u32 = 1;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<MfModel, FitError> {
        let (network, parameters) = Mf::network(&seoro_models::device::device(run.device)?);
        let positives = train.histories.matrix();
        let negatives = seoro_core::sample::Negatives::uniform(&positives).unwrap();
        let feed = Pairs::new(train.events, negatives, 2, self.descent.batch_size).unwrap();
        Trainer::new(Self::NAME, &self.descent, network, parameters, &feed, run)?.fit(self, train, run)
    }
}

/// The same in plain burn: whole tables as leaves, dense gradients, `x ← x − η g`.
#[test]
fn matrix_factorisation_is_that_of_plain_burn() {
    let log = log();
    let rate = 0.5;
    let descent = Descent {
        optimizer: Optimizer::Sgd,
        learning_rate: rate,
        batch_size: 16,
        epochs: 3,
        ..Descent::default()
    };
    let mut losses = Vec::new();
    let mut observe = |epoch: Epoch<'_>| losses.push(epoch.loss.unwrap());
    let model = fit(&Mf { descent }, &log, |run| run.observe = Some(&mut observe)).unwrap();

    let device = Device::flex();
    let (network, parameters) = Mf::network(&device);
    let tensor = |table: TableId| {
        let matrix = parameters.table_matrix(table);
        let data = TensorData::new(matrix.as_slice().to_vec(), [matrix.rows(), matrix.cols()]);
        Tensor::<2>::from_data(data, &device)
    };
    let (mut users, mut items) = (tensor(network.users), tensor(network.items));
    let histories = Histories::new(&log);
    let positives = histories.matrix();
    let negatives = seoro_core::sample::Negatives::uniform(&positives).unwrap();
    let feed = Pairs::new(&log, negatives, 2, 16).unwrap();
    for (epoch, &loss) in losses.iter().enumerate() {
        let seed = Seed::new(3).child("epoch").index(epoch as u64 + 1).child("batches");
        let (mut sum, mut count) = (0.0, 0);
        for batch in feed.epoch(seed) {
            let ids = |ids: &[u32]| {
                let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
                let count = ids.len();
                Tensor::<1, Int>::from_data(TensorData::new(ids, [count]), &device)
            };
            let (p, q) = (users.clone().autodiff().require_grad(), items.clone().autodiff().require_grad());
            let scores =
                (p.clone().select(0, ids(&batch.users)) * q.clone().select(0, ids(&batch.items))).sum_dim(1);
            let data = TensorData::new(batch.labels.clone(), [batch.labels.len(), 1]);
            let labels = Tensor::<2>::from_data(data, &device).autodiff();
            let loss = (scores.clone().exp().log1p() - scores * labels).mean();
            let mut gradients = loss.backward();
            users = users - p.grad_remove(&mut gradients).unwrap() * rate;
            items = items - q.grad_remove(&mut gradients).unwrap() * rate;
            sum += f64::from(loss.inner().into_scalar::<f32>());
            count += 1;
        }
        assert!((sum / f64::from(count) - loss).abs() < 1e-5, "{} and {loss}", sum / f64::from(count));
    }
    let expected: Vec<f32> = items.into_data().iter::<f32>().collect();
    for (ours, expected) in model.items.iter().zip(&expected) {
        assert!((ours - expected).abs() < 1e-5, "{ours}, {expected}");
    }
    assert!(losses[2] < losses[0]);
}

/// Users and items of two colours are told apart by two factors: the loss of a whole epoch can come near 0.
#[test]
fn a_whole_objective_is_descended_by_rprop() {
    let log = log();
    let positives = Histories::new(&log).matrix();
    let negatives = seoro_core::sample::Negatives::uniform(&positives).unwrap();
    let all = Pairs::new(&log, negatives, 2, 1 << 20).unwrap().epoch(Seed::new(1)).next().unwrap();
    let optimizer = Optimizer::Rprop(Rprop::default());
    let descent = Descent { optimizer, learning_rate: 0.01, epochs: 40, ..Descent::default() };
    let run = Run::new(Seed::new(3));
    let (network, parameters) = Mf::network(&Device::flex());
    let feed = Whole(all);
    let mut trainer = Trainer::new(Mf::NAME, &descent, network, parameters, &feed, &run).unwrap();
    let losses = trainer.learn_alone(run.seed, &run).unwrap();
    assert_eq!(losses.len(), 40);
    assert!(losses[0] > 0.5 && losses[39] < 0.02, "{losses:?}");
}

#[test]
fn each_model_learns_the_checkerboard_better_than_chance() {
    let log = log();
    let histories = Histories::new(&log);
    let recipes: [Box<dyn Fn() -> Box<dyn Score>>; 3] = [
        Box::new(|| {
            Box::new(
                fit(&Gmf { learning_rate: 0.02, batch_size: 32, ..Gmf::default() }, &log, |_| {}).unwrap(),
            )
        }),
        Box::new(|| {
            Box::new(
                fit(&Mlp { learning_rate: 0.01, batch_size: 32, ..Mlp::default() }, &log, |_| {}).unwrap(),
            )
        }),
        Box::new(|| Box::new(fit(&small(), &log, |_| {}).unwrap())),
    ];
    for recipe in recipes {
        let model = recipe();
        let queries: Vec<_> = (0..USERS).map(|user| histories.query(UserId(user))).collect();
        let mut scores = vec![0.0; queries.len() * ITEMS as usize];
        model.score(&queries, Items::All, &mut scores).unwrap();
        let right = scores.chunks_exact(ITEMS as usize).zip(0..).map(|(row, user)| {
            let mean = |colour: u32| {
                let own = row.iter().zip(0..ITEMS).filter(|(_, item)| item % 2 == colour);
                own.map(|(score, _)| score).sum::<f32>()
            };
            usize::from(mean(user % 2) > mean(1 - user % 2))
        });
        assert_eq!(right.sum::<usize>(), USERS as usize);
    }
}

#[test]
fn a_cancelled_and_resumed_fit_equals_an_uninterrupted_one() {
    let log = log();
    let pretrained = NeuMf {
        pretraining: Some(Pretraining { epochs: 2, ..Pretraining::default() }),
        optimizer: Optimizer::Sgd,
        ..small()
    };
    for recipe in [small(), pretrained] {
        resumes(&recipe, &log);
    }
}

/// What the process that is killed does; nothing, where it is not asked to.
#[test]
fn a_fit_to_be_killed() {
    if let Some(path) = std::env::var_os("SEORO_TEST_FIT_TO_BE_KILLED") {
        fit(&long(), &log(), |run| run.checkpoint = Some(Checkpoint { path: path.into(), every: 1 }))
            .unwrap();
    }
}

fn long() -> NeuMf {
    NeuMf { epochs: 300, ..small() }
}

#[test]
fn a_fit_killed_in_mid_epoch_goes_on_to_the_same_bytes() {
    survives_a_kill(("networks::a_fit_to_be_killed", "SEORO_TEST_FIT_TO_BE_KILLED"), &long(), &log());
}

#[test]
fn a_damaged_checkpoint_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let checkpoint = || Some(Checkpoint { path: path.clone(), every: 1 });
    let cancel = AtomicBool::new(false);
    let mut kill = |_: Epoch<'_>| cancel.store(true, Ordering::Relaxed);
    let killed = fit(&small(), &log(), |run| {
        run.checkpoint = checkpoint();
        run.observe = Some(&mut kill);
        run.cancel = &cancel;
    });
    assert!(matches!(killed, Err(FitError::Cancelled)));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(fit(&small(), &log(), |run| run.checkpoint = checkpoint()), Err(FitError::Persist(_))));
}

#[test]
fn validation_keeps_the_best_epoch() {
    let log = log();
    let mut second = None;
    let mut observe = |epoch: Epoch<'_>| {
        if epoch.epoch == 2 {
            let model = (epoch.snapshot)();
            let mut scores = vec![0.0; ITEMS as usize];
            model.as_score().score(&[Query::new(&[]).user(UserId(1))], Items::All, &mut scores).unwrap();
            second = Some(scores);
        }
    };
    let mut measures = [0.1, 0.4, 0.3, 0.2].into_iter();
    let mut measure = |_: &dyn Score| measures.next().unwrap();
    let model = fit(&small(), &log, |run| {
        run.observe = Some(&mut observe);
        run.validate = Some(Validate { measure: &mut measure, every: 1, patience: 2 });
    });
    let mut scores = vec![0.0; ITEMS as usize];
    model.unwrap().score(&[Query::new(&[]).user(UserId(1))], Items::All, &mut scores).unwrap();
    assert_eq!(Some(scores), second);
}

#[test]
fn a_loss_that_is_not_finite_names_its_epoch_and_batch() {
    let wild = Gmf {
        optimizer: Optimizer::Sgd,
        learning_rate: 1e38,
        init_std: 1.0,
        batch_size: 16,
        ..Gmf::default()
    };
    match fit(&wild, &log(), |_| {}) {
        Err(FitError::Diverged { model: "gmf", epoch: 1, batch: Some(batch) }) => {
            assert!(batch > 1, "{batch}")
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[cfg(not(feature = "gpu"))]
#[test]
fn a_device_that_this_build_does_not_have_is_a_typed_error() {
    use seoro_models::device::DeviceError;
    let name = seoro_models::DeviceName::Gpu;
    let refused = fit(&small(), &log(), |run| run.device = name);
    assert!(matches!(refused, Err(FitError::Device(DeviceError::NotBuilt { .. }))));
}

#[test]
fn bad_hyper_parameters_are_typed_errors() {
    let parameter = |recipe: NeuMf| match fit(&recipe, &log(), |_| {}) {
        Err(FitError::Parameter { parameter, .. }) => parameter,
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert_eq!(parameter(NeuMf { factors: 0, ..small() }), "factors");
    assert_eq!(parameter(NeuMf { layers: 99, ..small() }), "layers");
    assert_eq!(parameter(NeuMf { embedding: Some(0), ..small() }), "embedding");
    assert_eq!(parameter(NeuMf { learning_rate: f64::NAN, ..small() }), "learning_rate");
    assert_eq!(parameter(NeuMf { batch_size: 0, ..small() }), "batch_size");
    let empty = log().select(&[]);
    assert!(matches!(fit(&small(), &empty, |_| {}), Err(FitError::Empty { .. })));
}

/// Epoch by epoch, the losses of other devices are the processor's.
#[cfg(any(feature = "gpu", feature = "ndarray"))]
#[test]
fn devices_agree_on_the_embedded_world() {
    use seoro_models::DeviceName;
    let events = seoro_core::world::World::new().implicit();
    // A software driver takes minutes for all.
    let events = events.select(&(0..events.len()).step_by(3).collect::<Vec<_>>());
    let recipe = NeuMf { epochs: 2, batch_size: 2048, ..NeuMf::default() };
    let losses = |device: DeviceName| {
        let mut losses = Vec::new();
        let mut observe = |epoch: Epoch<'_>| losses.push(epoch.loss.unwrap());
        fit(&recipe, &events, |run| {
            run.device = device;
            run.observe = Some(&mut observe);
        })
        .unwrap();
        losses
    };
    let expected = losses(DeviceName::Cpu);
    for device in [DeviceName::SoftwareGpu, DeviceName::Ndarray] {
        let is_built = match device {
            DeviceName::SoftwareGpu => cfg!(feature = "gpu"),
            _ => cfg!(feature = "ndarray"),
        };
        if is_built {
            for (found, expected) in losses(device).iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-3, "{device}: {found}, {expected}");
            }
        }
    }
}
