//! Steps of networks, on the sizes of real data.

use super::work::{Answer, Work};
use super::{Agreement, Case, Prepare, Scene};
use crate::LabError;
use crate::bench::cases::{file, open};
use burn::tensor::Tensor;
use seoro_core::sample::Negatives;
use seoro_core::{Histories, Items, Log, Query, Score, ScoreError, Seed};
use seoro_models::autorec::AutoRec;
use seoro_models::cdae::Cdae;
use seoro_models::device::device;
use seoro_models::ncf::NeuMf;
use seoro_models::ops::logistic;
use seoro_models::train::{
    Adam, Descent, Feed, Init, Network, Optimizer, PairBatch, Pairs, Parameters, Step, TableId, Trainer,
};
use seoro_models::{DeviceName, Epoch, FitError, Recommender, Run, Side, Training};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Instant;

const NOTE: &str = "one epoch of 100,000 events with four drawn items each, 8 factors and three layers; ours draws within \
                    the clock what the peer is given; the check is the epoch's mean loss.";

/// The cases of networks; the optimiser is in the name.
pub(super) const CASES: &[Case] = &[
    step("neumf-adam-b256-ml-1m", |scene| neumf(scene, 256, false)),
    step("neumf-adam-b4096-ml-1m", |scene| neumf(scene, 4096, false)),
    step("neumf-lazy-adam-b256-ml-1m", |scene| neumf(scene, 256, true)),
    Case { note: Some(BPR_NOTE), ..step("bpr-adam-b2048-50k-rows", |scene| bpr(scene, false)) },
    Case { note: Some(BPR_NOTE), ..step("bpr-lazy-adam-b2048-50k-rows", |scene| bpr(scene, true)) },
    Case { note: Some(ROWS_NOTE), ..step("autorec-adam-b512-ml-1m", autorec) },
    Case { note: Some(ROWS_NOTE), ..step("cdae-adagrad-b128-ml-1m", cdae) },
];

const ROWS_NOTE: &str = "one epoch over all rows (of items with their ratings; of users with their items); both make \
                         their batches within the clock, of CDAE with what is drawn for them, ours on a thread beside \
                         those named; the check is the epoch's mean loss.";

const BPR_NOTE: &str = "100 steps of MF-BPR on one table of 50,000 rows of 64 numbers, 2,048 random triples each, the same \
                        on both sides; the check is their mean loss.";

const fn step(name: &'static str, prepare: fn(&Scene) -> Result<Work, LabError>) -> Case {
    // Both sides draw their own first numbers, which an epoch of few steps still shows.
    let agreement = Agreement::Within(0.05);
    Case { bench: "models", name, note: Some(NOTE), agreement, prepare: Prepare::By(prepare) }
}

/// What PyTorch calls a device.
pub(super) fn peers_name(device: DeviceName) -> &'static str {
    if device == DeviceName::Gpu { "cuda" } else { "cpu" }
}

/// Events of an epoch: so many that it takes seconds.
const EVENTS: usize = 100_000;

/// Some of a log's events, among all its users and items.
fn some_of(log: &Log) -> Result<Log, LabError> {
    let mut places: Vec<u32> = (0..log.len() as u32).collect();
    Seed::new(1).child("events").rng().shuffle(&mut places);
    places.truncate(EVENTS);
    places.sort_unstable();
    let users = places.iter().map(|&place| log.users()[place as usize]).collect();
    let items = places.iter().map(|&place| log.items()[place as usize]).collect();
    let (user_vocab, item_vocab) = (log.user_vocab().clone(), log.item_vocab().clone());
    Log::new(users, items, None, None, user_vocab, item_vocab)
        .map_err(|error| LabError::Usage(error.to_string()))
}

/// The pairs of an epoch, as the peer gets them: users, items and labels one after another, 32 bits each.
fn pairs(log: &Log, batch: usize) -> Result<std::path::PathBuf, LabError> {
    let positives = Histories::new(log).matrix();
    let negatives = Negatives::uniform(&positives).map_err(|error| LabError::Usage(error.to_string()))?;
    let feed = Pairs::new(log, negatives, 4, batch)
        .ok_or_else(|| LabError::Usage("too many pairs for an epoch".to_owned()))?;
    let batches: Vec<PairBatch> = feed.epoch(Seed::new(1)).collect();
    file(&format!("pairs-{batch}.bin"), |out| {
        let users = batches.iter().flat_map(|batch| &batch.users).map(|user| user.to_le_bytes());
        let items = batches.iter().flat_map(|batch| &batch.items).map(|item| item.to_le_bytes());
        let labels = batches.iter().flat_map(|batch| &batch.labels).map(|label| label.to_le_bytes());
        users.chain(items).chain(labels).for_each(|bytes| out.extend(bytes));
        Ok(())
    })
}

fn neumf(scene: &Scene, batch_size: usize, lazy: bool) -> Result<Work, LabError> {
    let log = some_of(&open(scene, "ncf-ml-1m")?.train)?;
    let told = json!({
        "users": log.n_users(), "items": log.n_items(), "batch": batch_size, "lazy": lazy, "threads": scene.threads,
        "pairs": pairs(&log, batch_size)?, "device": peers_name(scene.device),
    });
    let optimizer = Optimizer::Adam(Adam { lazy, ..Adam::default() });
    let recipe = NeuMf { batch_size, optimizer, epochs: 1, ..NeuMf::default() };
    Ok(Work::told(("neumf_torch", told), epoch_of(recipe, log, scene), scene.threads))
}

/// The seconds and the loss of a recipe's only epoch.
fn epoch_of(
    recipe: impl Recommender,
    log: Log,
    scene: &Scene,
) -> impl FnMut() -> Result<Answer, LabError> + 'static {
    let histories = Histories::new(&log);
    let (threads, device) = (scene.threads, scene.device);
    move || {
        let mut answer = Answer { value: f64::NAN, check: f64::NAN };
        let mut observe = |epoch: Epoch<'_>| {
            answer = Answer { value: epoch.seconds, check: epoch.loss.unwrap_or(f64::NAN) };
        };
        let mut run = Run::new(Seed::new(1));
        (run.threads, run.device) = (threads, device);
        run.observe = Some(&mut observe);
        recipe
            .fit(&Training::new(&log, &histories), &mut run)
            .map_err(|error| LabError::Usage(error.to_string()))?;
        drop(run);
        Ok(answer)
    }
}

/// What the peer of autoencoders is told: the cells of the rows of `side`.
fn rows_told(scene: &Scene, log: &Log, side: Side, kind: &str) -> Result<serde_json::Value, LabError> {
    let (mut rows, mut columns): (Vec<u32>, Vec<u32>) =
        log.events().map(|event| (event.user.0, event.item.0)).unzip();
    let (mut n_rows, mut n_columns) = (log.n_users(), log.n_items());
    if side == Side::Items {
        std::mem::swap(&mut rows, &mut columns);
        std::mem::swap(&mut n_rows, &mut n_columns);
    }
    let path = file(&format!("{kind}-cells.bin"), |out| {
        rows.iter().chain(&columns).for_each(|id| out.extend(id.to_le_bytes()));
        log.events().for_each(|event| out.extend(event.value.to_le_bytes()));
        Ok(())
    })?;
    Ok(json!({
        "rows": n_rows, "columns": n_columns, "cells": path, "kind": kind, "threads": scene.threads,
        "device": peers_name(scene.device),
    }))
}

/// I-AutoRec, 500 hidden units, by Adam.
fn autorec(scene: &Scene) -> Result<Work, LabError> {
    let log = open(scene, "ml-1m")?.train;
    let recipe = AutoRec {
        optimizer: Optimizer::Adam(Adam::default()),
        learning_rate: 0.001,
        batch_size: Some(512),
        epochs: 1,
        ..AutoRec::default()
    };
    let mut told = rows_told(scene, &log, Side::Items, "autorec")?;
    (told["hidden"], told["batch"]) = (json!(recipe.hidden), json!(512));
    // The paper's λ stands beside a sum over all rows.
    told["lambda"] = json!(recipe.regularization / log.n_items() as f64);
    Ok(Work::told(("autoencoder_torch", told), epoch_of(recipe, log, scene), scene.threads))
}

/// CDAE as its paper has it but for the size of batches.
fn cdae(scene: &Scene) -> Result<Work, LabError> {
    let log = open(scene, "ml-1m")?.train;
    let recipe = Cdae { batch_size: 128, epochs: 1, regularization: 0.0, ..Cdae::default() };
    let mut told = rows_told(scene, &log, Side::Users, "cdae")?;
    (told["hidden"], told["batch"], told["lambda"]) = (json!(recipe.hidden), json!(128), json!(0.0));
    (told["corruption"], told["negatives"]) = (json!(recipe.corruption), json!(recipe.negatives));
    Ok(Work::told(("autoencoder_torch", told), epoch_of(recipe, log, scene), scene.threads))
}

/// MF-BPR in the loop of networks: `s(u, i) = x_u · x_i`, all rows in one table.
struct Bpr {
    table: TableId,
}

/// What is left of it: nothing is asked.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Nothing;

impl Score for Nothing {
    fn n_items(&self) -> usize {
        0
    }

    fn score(&self, _: &[Query<'_>], _: Items<'_>, _: &mut [f32]) -> Result<(), ScoreError> {
        Ok(())
    }
}

/// Users, their items and other items.
#[derive(Clone)]
struct Triples([Vec<u32>; 3]);

impl Network for Bpr {
    type Batch = Triples;
    type Fitted = Nothing;

    fn loss(&self, Triples(rows): &Triples, step: &mut Step<'_>) -> Tensor<1> {
        let [users, better, worse] = [0, 1, 2].map(|side| step.rows(self.table, &rows[side]));
        let gaps = (users * (better - worse)).sum_dim(1);
        logistic(gaps, &vec![1.0; rows[0].len()])
    }

    fn fitted(&self, _: &Parameters) -> Nothing {
        Nothing
    }
}

struct Drawn(Vec<Triples>);

impl Feed for Drawn {
    type Batch = Triples;

    fn epoch(&self, _: Seed) -> Box<dyn Iterator<Item = Triples> + Send + '_> {
        Box::new(self.0.iter().cloned())
    }
}

fn bpr(scene: &Scene, lazy: bool) -> Result<Work, LabError> {
    const ROWS: u32 = 50_000;
    const DIM: usize = 64;
    const USERS: u32 = 20_000;
    let mut rng = Seed::new(1).child("triples").rng();
    let mut draw =
        |from: u32, below: u32| (0..2048).map(|_| from + rng.below(below - from)).collect::<Vec<u32>>();
    let triples: Vec<Triples> =
        (0..100).map(|_| Triples([draw(0, USERS), draw(USERS, ROWS), draw(USERS, ROWS)])).collect();
    let path = file("triples.bin", |out| {
        let rows = triples.iter().flat_map(|Triples(sides)| sides.iter().flatten());
        rows.for_each(|row| out.extend(row.to_le_bytes()));
        Ok(())
    })?;
    let told = json!({
        "rows": ROWS, "dim": DIM, "batch": 2048, "lazy": lazy, "threads": scene.threads, "triples": path,
        "device": peers_name(scene.device),
    });
    let optimizer = Optimizer::Adam(Adam { lazy, ..Adam::default() });
    let descent = Descent { optimizer, batch_size: 2048, epochs: 1, ..Descent::default() };
    let feed = Drawn(triples);
    let (threads, name) = (scene.threads, scene.device);
    let ours = move || {
        let failed = |error: FitError| LabError::Usage(error.to_string());
        let mut run = Run::new(Seed::new(1));
        (run.threads, run.device) = (threads, name);
        let device = device(name).map_err(|error| failed(error.into()))?;
        let mut parameters = Parameters::new(&device, run.seed);
        let table = parameters.table("rows", [ROWS as usize, DIM], Init::Normal(0.1));
        let trainer = Trainer::new("bpr", &descent, Bpr { table }, parameters, &feed, &run);
        let mut trainer = trainer.map_err(failed)?;
        let start = Instant::now();
        let losses = trainer.learn_alone(run.seed, &run).map_err(failed)?;
        Ok(Answer { value: start.elapsed().as_secs_f64(), check: losses[0] })
    };
    Ok(Work::told(("bpr_torch", told), ours, threads))
}
