//! Propagation over a graph, and steps of LightGCN, on the sizes of real data.

use super::cases::{file, open};
use super::networks::{Nothing, peers_name};
use super::work::{Answer, Work};
use super::{Agreement, Case, Prepare, Scene, pool};
use crate::LabError;
use burn::tensor::{Tensor, TensorData};
use seoro_core::sample::Negatives;
use seoro_core::{Histories, Seed};
use seoro_models::device::device;
use seoro_models::graph::{Graph, Normalization};
use seoro_models::ops::{Reach, Triples, pairwise, propagate};
use seoro_models::train::{
    Descent, Feed, Init, Network, Optimizer, Pairwise, Parameters, Sampling, Step, Trainer, WeightId,
};
use seoro_models::{DeviceName, FitError, Run};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// The cases of graphs; the optimiser is in the name.
pub(super) const CASES: &[Case] = &[
    case("propagation-forward-d64-gowalla", PROPAGATION_NOTE, 1e-4, |scene| propagation(scene, false)),
    case("propagation-d64-gowalla", PROPAGATION_NOTE, 1e-4, |scene| propagation(scene, true)),
    // Both sides draw their own first numbers, which few steps still show.
    case("lightgcn-adam-b2048-gowalla", STEPS_NOTE, 0.02, |scene| steps(scene, 2048)),
    case("lightgcn-adam-b8192-gowalla", STEPS_NOTE, 0.02, |scene| steps(scene, 8192)),
    case("bpr-triples-gowalla", TRIPLES_NOTE, 0.01, triples),
];

const PROPAGATION_NOTE: &str = "all nodes' mean of three layers and the embeddings they start from, forwards, or \
                                forwards and backwards; the peer's matrix is in CSR; the check is what comes out, \
                                squared and summed, with the gradient where there is one.";

const STEPS_NOTE: &str = "ten steps of LightGCN with three layers, on triples drawn before, the same on both sides; the \
                          peer's matrix is in CSR, its Adam fused; the check is the steps' mean loss.";

const TRIPLES_NOTE: &str = "the triples of an epoch of LightGCN in batches of 8192, with the rows that each batch names, \
                            and of ours the triples by row; the peer draws all of them at once with NumPy, on one \
                            thread; the check is the mean of the user, twice the positive and four times the negative.";

const fn case(
    name: &'static str,
    note: &'static str,
    within: f64,
    prepare: fn(&Scene) -> Result<Work, LabError>,
) -> Case {
    let agreement = Agreement::Within(within);
    Case { bench: "models", name, note: Some(note), agreement, prepare: Prepare::By(prepare) }
}

const DIM: usize = 64;
const LAYERS: usize = 3;
const LAMBDA: f64 = 1e-4;
const STEPS: usize = 10;

/// What the peer is told of a graph: users, items and edges, 32 bits each.
fn told(scene: &Scene, train: &Histories, kind: &str) -> Result<serde_json::Value, LabError> {
    let matrix = train.matrix();
    let edges = file("gowalla-edges.bin", |out| {
        for user in 0..matrix.rows() {
            let of_user = matrix.columns(user).iter();
            of_user.for_each(|item| out.extend([user as u32, *item].iter().flat_map(|id| id.to_le_bytes())));
        }
        Ok(())
    })?;
    Ok(json!({
        "kind": kind, "users": matrix.rows(), "items": matrix.cols(), "edges": edges, "dim": DIM, "layers": LAYERS,
        "threads": scene.threads, "device": peers_name(scene.device),
    }))
}

fn graph(train: &Histories) -> Result<Arc<Graph>, LabError> {
    let graph = Graph::new(&train.matrix(), Normalization::Symmetric, false);
    graph.map(Arc::new).map_err(|error| LabError::Usage(error.to_string()))
}

fn failed(error: impl Into<FitError>) -> LabError {
    LabError::Usage(error.into().to_string())
}

fn propagation(scene: &Scene, is_learning: bool) -> Result<Work, LabError> {
    let train = Histories::new(&open(scene, "lightgcn-gowalla")?.train);
    let graph = graph(&train)?;
    let shape = [graph.n_nodes(), DIM];
    let mut rng = Seed::new(1).child("numbers").rng();
    let mut draw = || (0..shape[0] * DIM).map(|_| rng.normal() as f32).collect::<Vec<f32>>();
    let (x, weights) = (draw(), draw());
    let numbers = file("propagation.bin", |out| {
        x.iter().chain(&weights).for_each(|number| out.extend(number.to_le_bytes()));
        Ok(())
    })?;
    let mut told = told(scene, &train, "propagation")?;
    (told["numbers"], told["backward"]) = (json!(numbers), json!(is_learning));
    let device = device(scene.device).map_err(failed)?;
    let tensor = |numbers: Vec<f32>| Tensor::<2>::from_data(TensorData::new(numbers, shape), &device);
    let (x, weights) = (tensor(x), tensor(weights));
    let reach = Arc::new(Reach::all(vec![vec![1.0 / (LAYERS + 1) as f32; LAYERS + 1]]));
    let pool = pool(scene.threads)?;
    let squared = |tensor: Tensor<2>| f64::from(tensor.square().sum().into_scalar::<f32>());
    let ours = move || {
        Ok(pool.install(|| {
            let start = Instant::now();
            if !is_learning {
                let y = propagate(x.clone(), &graph, &reach);
                let value = start.elapsed().as_secs_f64();
                return Answer { value, check: squared(y) };
            }
            let leaf = x.clone().autodiff().require_grad();
            let y = propagate(leaf.clone(), &graph, &reach);
            let mut gradients = (y.clone() * weights.clone().autodiff()).sum().backward();
            let gradient = leaf.grad_remove(&mut gradients);
            let value = start.elapsed().as_secs_f64();
            Answer { value, check: squared(y.inner()) + gradient.map_or(f64::NAN, squared) }
        }))
    };
    Ok(Work::told(("graph_torch", told), ours, scene.threads))
}

/// LightGCN as [`seoro_models::lightgcn`] has it, on triples that are given.
struct LightGcn {
    graph: Arc<Graph>,
    embeddings: WeightId,
}

impl Network for LightGcn {
    type Batch = Arc<Triples>;
    type Fitted = Nothing;

    fn loss(&self, batch: &Arc<Triples>, step: &mut Step<'_>) -> Tensor<1> {
        let uniform = vec![1.0 / (LAYERS + 1) as f32; LAYERS + 1];
        let reach = Arc::new(Reach::rows(batch.rows().to_vec(), vec![uniform, vec![1.0]]));
        let both = propagate(step.weight(self.embeddings), &self.graph, &reach); // [2 R, D]
        pairwise(both, batch, LAMBDA)
    }

    fn fitted(&self, _: &Parameters) -> Nothing {
        Nothing
    }
}

/// Batches that were drawn before.
struct Drawn(Vec<Vec<[u32; 3]>>);

impl Feed for Drawn {
    type Batch = Arc<Triples>;

    fn epoch(&self, _: Seed) -> Box<dyn Iterator<Item = Arc<Triples>> + Send + '_> {
        Box::new(self.0.iter().map(|batch| Arc::new(Triples::new(batch))))
    }
}

fn steps(scene: &Scene, batch: usize) -> Result<Work, LabError> {
    let train = Histories::new(&open(scene, "lightgcn-gowalla")?.train);
    let positives = train.matrix();
    let usage = |what: &str| LabError::Usage(what.to_owned());
    let negatives = Negatives::uniform(&positives).map_err(|error| usage(&error.to_string()))?;
    let feed = Pairwise::new(&positives, negatives, Sampling::Users, batch);
    let feed = feed.ok_or_else(|| usage("too many triples for an epoch"))?;
    let batches: Vec<Vec<[u32; 3]>> =
        feed.epoch(Seed::new(1)).take(STEPS).map(|batch| batch.triples().collect()).collect();
    let triples = file(&format!("gowalla-triples-{batch}.bin"), |out| {
        let rows = batches.iter().flatten().flatten();
        rows.for_each(|row| out.extend(row.to_le_bytes()));
        Ok(())
    })?;
    let mut told = told(scene, &train, "lightgcn")?;
    (told["batch"], told["triples"], told["lambda"]) = (json!(batch), json!(triples), json!(LAMBDA));
    let descent =
        Descent { optimizer: Optimizer::default(), batch_size: batch, epochs: 1, ..Descent::default() };
    let (graph, feed) = (graph(&train)?, Drawn(batches));
    let (threads, name): (usize, DeviceName) = (scene.threads, scene.device);
    let ours = move || {
        let mut run = Run::new(Seed::new(1));
        (run.threads, run.device) = (threads, name);
        let device = device(name).map_err(failed)?;
        let mut parameters = Parameters::new(&device, run.seed);
        let embeddings = parameters.weight("embeddings", [graph.n_nodes(), DIM], Init::Normal(0.1));
        let network = LightGcn { graph: Arc::clone(&graph), embeddings };
        let mut trainer =
            Trainer::new("lightgcn", &descent, network, parameters, &feed, &run).map_err(failed)?;
        let start = Instant::now();
        let losses = trainer.learn_alone(run.seed, &run).map_err(failed)?;
        Ok(Answer { value: start.elapsed().as_secs_f64(), check: losses[0] })
    };
    Ok(Work::told(("graph_torch", told), ours, threads))
}

fn triples(scene: &Scene) -> Result<Work, LabError> {
    const BATCH: usize = 8192;
    let train = Histories::new(&open(scene, "lightgcn-gowalla")?.train);
    let mut told = told(scene, &train, "triples")?;
    told["batch"] = json!(BATCH);
    let (positives, pool) = (train.matrix(), pool(scene.threads)?);
    let usage = |what: &str| LabError::Usage(what.to_owned());
    let mut seed = 0;
    let ours = move || {
        let negatives = Negatives::uniform(&positives).map_err(|error| usage(&error.to_string()))?;
        let feed = Pairwise::new(&positives, negatives, Sampling::Users, BATCH);
        let feed = feed.ok_or_else(|| usage("too many triples for an epoch"))?;
        seed += 1;
        let start = Instant::now();
        let batches: Vec<Arc<Triples>> = pool.install(|| feed.epoch(Seed::new(seed)).collect());
        let value = start.elapsed().as_secs_f64();
        let triples = || batches.iter().flat_map(|batch| batch.triples());
        let weighed = |[user, positive, negative]: [u32; 3]| {
            f64::from(user) + 2.0 * f64::from(positive) + 4.0 * f64::from(negative)
        };
        let mean = triples().map(weighed).sum::<f64>() / triples().count() as f64;
        Ok(Answer { value, check: mean })
    };
    Ok(Work::told(("graph_torch", told), ours, scene.threads))
}
