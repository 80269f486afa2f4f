//! Steps against PyTorch, and whose contexts are whose.

use super::*;
use crate::train::huffman::Huffman;
use seoro_core::{Matrix, Seed};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    rate: f32,
    contexts: Vec<u32>,
    targets: Vec<u32>,
    labels: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    architecture: Architecture,
    kind: String,
    loss: f64,
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    input_after: Vec<Vec<f32>>,
    output_after: Vec<Vec<f32>>,
}

fn shared(rows: &[Vec<f32>]) -> Shared {
    Shared::from_matrix(&Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).unwrap())
}

fn near(ours: &Shared, expected: &[Vec<f32>], what: &str) {
    for (ours, expected) in ours.to_matrix().as_slice().iter().zip(expected.concat()) {
        assert!((ours - expected).abs() < 1e-5, "{what}: {ours}, expected {expected}");
    }
}

fn plan(architecture: Architecture) -> Plan {
    Plan {
        dim: 5,
        contexts: Contexts::Window { size: 2, shrink: false, shuffle: false },
        architecture,
        objective: crate::Output::default(),
        epochs: 1,
        rates: [0.1, 0.0],
    }
}

#[test]
fn steps_equal_those_of_pytorch() {
    let fixture: Fixture = serde_json::from_str(include_str!("../../../tests/fixtures/step.json")).unwrap();
    assert_eq!(fixture.cases.len(), 4);
    for case in &fixture.cases {
        let (input, output) = (shared(&case.input), shared(&case.output));
        let objective = match case.kind.as_str() {
            "softmax" => Output::Softmax,
            // The targets are given, so that it does not matter whose they are.
            _ => Output::Hierarchical(Huffman::new(&[1])),
        };
        let plan = plan(case.architecture);
        let mut worker = Worker::new(&plan, [&input, &output], &objective, &[]);
        worker.steps = LOSS_EVERY - 1;
        worker.targets[0] = Targets { rows: fixture.targets.clone(), labels: fixture.labels.clone() };
        for (slot, &word) in fixture.contexts.iter().enumerate() {
            worker.enter(slot, word);
            worker.contexts.push(slot as u32);
        }
        worker.learn_word(fixture.rate);
        fixture.contexts.iter().enumerate().for_each(|(slot, &word)| worker.leave(slot, word));
        let what = format!("{:?} {}", case.architecture, case.kind);
        near(&input, &case.input_after, &format!("{what}, input"));
        near(&output, &case.output_after, &format!("{what}, output"));
        assert!((worker.loss.sum - case.loss).abs() < 1e-5 * case.loss, "{what}: {}", worker.loss.sum);
    }
}

/// Every word of a window is met by every other within reach, once.
#[test]
fn windows_hold_the_words_in_reach() {
    let (input, output) = (Shared::zeros(12, 5), Shared::zeros(12, 5));
    let objective = Output::Softmax;
    for (contexts, words, expected) in [
        (Contexts::Window { size: 2, shrink: false, shuffle: false }, 7, 2 * (6 + 5)),
        (Contexts::Window { size: 9, shrink: false, shuffle: true }, 7, 7 * 6),
    ] {
        let plan = Plan { contexts, ..plan(Architecture::SkipGram) };
        let mut worker = Worker::new(&plan, [&input, &output], &objective, &[]);
        (0..words).for_each(|word| worker.batch.push(word));
        worker.batch.end();
        worker.learn(0.1, &mut Seed::new(1).rng());
        assert_eq!(worker.loss.pairs, expected, "{contexts:?}");
    }
}
