//! The networks held to PyTorch's: scores, first loss, gradients, ten steps of Adam.

use super::network::{NcfNetwork, Sizes};
use crate::device;
use crate::ops::numbers::host_numbers;
use crate::train::{Adam, Network, Optimizer, PairBatch, Parameters, Step};
use crate::{DeviceName, ncf};
use seoro_core::{ItemId, Items, Matrix, Query, Score, Seed, UserId};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Batch {
    users: Vec<u32>,
    items: Vec<u32>,
    labels: Vec<f32>,
}

type Named = BTreeMap<String, Vec<Vec<f32>>>;

#[derive(Deserialize)]
struct Case {
    model: String,
    factors: usize,
    layers: usize,
    embedding: usize,
    rate: f64,
    before: Named,
    scores: Vec<f32>,
    gradients: Named,
    losses: Vec<f64>,
    batches: Vec<Batch>,
    after: Named,
}

impl Case {
    fn all() -> Vec<Case> {
        serde_json::from_str(include_str!("../../tests/fixtures/ncf.json")).expect("the fixture")
    }

    fn sizes(&self) -> (Option<usize>, Option<Sizes>) {
        let sizes = Sizes { factors: self.factors, layers: self.layers, embedding: Some(self.embedding) };
        match self.model.as_str() {
            "gmf" => (Some(self.factors), None),
            "mlp" => (None, Some(sizes)),
            _ => (Some(self.factors), Some(sizes)),
        }
    }

    /// The network with the case's first numbers.
    fn network(&self, mut parameters: Parameters) -> (NcfNetwork, Parameters) {
        let network = NcfNetwork::new(&mut parameters, self.sizes(), (vec![true; 5], 7), 0.1);
        parameters.set_named(self.before.iter().map(|(name, rows)| (name.as_str(), matrix(rows))));
        (network, parameters)
    }

    fn batch(&self, step: usize) -> PairBatch {
        let Batch { users, items, labels } = &self.batches[step];
        let mut batch = PairBatch::default();
        (batch.users, batch.items, batch.labels) = (users.clone(), items.clone(), labels.clone());
        batch
    }
}

fn matrix(rows: &[Vec<f32>]) -> Matrix {
    Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).expect("a matrix")
}

fn near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 3e-5 * (1.0 + expected.abs()), "{what}: {found}, {expected}");
    }
}

/// On every device, and on the processor with kernels and without: the same numbers.
fn on_each(case: &Case, check: impl Fn(NcfNetwork, Parameters)) {
    let seed = Seed::new(1);
    let devices = device::tested();
    let with_kernels = devices.iter().map(|device| Parameters::new(device, seed));
    for parameters in with_kernels.chain([Parameters::portable(&devices[0], seed)]) {
        let (network, parameters) = case.network(parameters);
        check(network, parameters);
    }
}

#[test]
fn scores_and_gradients_are_pytorchs() {
    for case in Case::all() {
        on_each(&case, |network, mut parameters| {
            let batch = case.batch(0);
            let mut step = Step::new(&mut parameters, Seed::new(1));
            near(&case.model, &host_numbers(network.scores(&batch, &mut step)), &case.scores);
            let mut step = Step::new(&mut parameters, Seed::new(1));
            let loss = network.loss(&batch, &mut step);
            let leaves = step.leaves();
            let gradients = parameters.whole_gradients(leaves, &loss);
            assert_eq!(gradients.len(), case.gradients.len());
            for (name, gradient) in gradients {
                near(&format!("{} {name}", case.model), &gradient, &case.gradients[&name].concat());
            }
        });
    }
}

#[test]
fn ten_steps_of_adam_are_pytorchs() {
    let optimizer = Optimizer::Adam(Adam::default());
    for case in Case::all() {
        on_each(&case, |network, mut parameters| {
            for (place, expected) in case.losses.iter().enumerate() {
                let mut step = Step::new(&mut parameters, Seed::new(1));
                let loss = network.loss(&case.batch(place), &mut step);
                let leaves = step.leaves();
                let mut gradients = loss.backward();
                parameters.follow(leaves, &mut gradients, (optimizer, case.rate), None);
                near(
                    &format!("{} loss {place}", case.model),
                    &host_numbers(loss.inner()),
                    &[*expected as f32],
                );
            }
            parameters.settle();
            for (name, values) in parameters.named() {
                near(&format!("{} {name}", case.model), values.as_slice(), &case.after[name].concat());
            }
        });
    }
}

#[test]
fn the_fitted_model_scores_as_the_network() {
    for case in Case::all() {
        let device = device::device(DeviceName::Cpu).expect("always there");
        let (network, parameters) = case.network(Parameters::new(&device, Seed::new(1)));
        let model: ncf::NcfModel = network.fitted(&parameters);
        let batch = case.batch(0);
        for ((&user, &item), &expected) in batch.users.iter().zip(&batch.items).zip(&case.scores) {
            let query = [Query::new(&[]).user(UserId(user))];
            let mut out = [0.0];
            model.score(&query, Items::Lists(&[&[ItemId(item)]]), &mut out).expect("a score");
            near(&case.model, &out, &[expected]);
            let mut all = [0.0; 7];
            model.score(&query, Items::All, &mut all).expect("scores");
            near(&case.model, &[all[item as usize]], &[expected]);
        }
    }
}

#[test]
fn a_batch_of_one_pair_moves_its_own_rows() {
    let optimizer = Optimizer::Adam(Adam { lazy: true, ..Adam::default() });
    for case in Case::all() {
        let mut batch = PairBatch::default();
        (batch.users, batch.items, batch.labels) = (vec![2], vec![5], vec![1.0]);
        let after = |parameters: Parameters| {
            let (network, mut parameters) = case.network(parameters);
            let mut step = Step::new(&mut parameters, Seed::new(1));
            let loss = network.loss(&batch, &mut step);
            let leaves = step.leaves();
            parameters.follow(leaves, &mut loss.backward(), (optimizer, 0.1), None);
            parameters.settle();
            parameters
        };
        let device = device::device(DeviceName::Cpu).expect("always there");
        let (kernels, oracle) = (
            after(Parameters::new(&device, Seed::new(1))),
            after(Parameters::portable(&device, Seed::new(1))),
        );
        for ((name, found), (_, expected)) in kernels.named().zip(oracle.named()) {
            near(&format!("{} {name}", case.model), found.as_slice(), expected.as_slice());
        }
    }
}
