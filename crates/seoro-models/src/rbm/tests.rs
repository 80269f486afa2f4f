//! One step of contrastive divergence held to NumPy's, twice, as the second has momentum.

use super::learning::{Changes, Rates};
use super::machine::{Machine, State};
use seoro_core::Matrix;
use serde::Deserialize;

#[derive(Deserialize)]
struct Numbers {
    weight: Vec<Vec<f32>>,
    visible: Vec<f32>,
    hidden: Vec<f32>,
}

#[derive(Deserialize)]
struct Chain {
    data: Vec<f32>,
    sampled: Vec<(u32, f32)>,
    model: Vec<f32>,
    loss: f64,
    draws: Vec<f64>,
}

#[derive(Deserialize)]
struct Batch {
    chains: Vec<Chain>,
    after: Numbers,
}

#[derive(Deserialize)]
struct Fixture {
    levels: usize,
    steps: usize,
    rate: f32,
    momentum: f32,
    decay: f32,
    rows: Vec<Vec<(u32, f32)>>,
    before: Numbers,
    batches: Vec<Batch>,
}

fn near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{what}: {found}, {expected}");
    }
}

#[test]
fn steps_of_contrastive_divergence_are_numpys() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../../tests/fixtures/rbm.json")).expect("the fixture");
    let Numbers { weight, visible, hidden } = &fixture.before;
    let mut machine = Machine {
        levels: fixture.levels,
        weight: Matrix::from_vec(weight.len(), hidden.len(), weight.concat()).expect("a matrix"),
        visible_bias: visible.clone(),
        hidden_bias: hidden.clone(),
    };
    let mut changes = Changes::none(&machine);
    let rates = Rates { learning_rate: fixture.rate, momentum: fixture.momentum, decay: fixture.decay };
    for batch in &fixture.batches {
        let mut states: Vec<(State, State)> = Vec::new();
        for (row, expected) in fixture.rows.iter().zip(&batch.chains) {
            let mut draws = expected.draws.iter();
            let units = machine.units(row.iter().copied());
            let draw = || *draws.next().expect("as many as are drawn");
            let (data, model, loss) = machine.chain(units, fixture.steps, draw);
            assert_eq!(draws.next(), None);
            near("data", &data.hidden, &expected.data);
            near("model", &model.hidden, &expected.model);
            assert_eq!(model.units, machine.units(expected.sampled.iter().copied()));
            assert!((loss - expected.loss).abs() < 1e-5, "{loss}, {}", expected.loss);
            states.push((data, model));
        }
        changes.make(&mut machine, &states, rates);
        near("weight", machine.weight.as_slice(), &batch.after.weight.concat());
        near("visible", &machine.visible_bias, &batch.after.visible);
        near("hidden", &machine.hidden_bias, &batch.after.hidden);
    }
}
