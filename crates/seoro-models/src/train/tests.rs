//! Optimisers held to PyTorch's, with kernels and without.

use super::{Adagrad, Adam, Descent, Optimizer, Parameters, Rprop, Step};
use crate::device;
use burn::tensor::{Tensor, TensorData};
use seoro_core::{Matrix, Seed};
use serde::Deserialize;

type Rows = Vec<Vec<f32>>;

#[derive(Deserialize)]
struct Fixture {
    table: Rows,
    weight: Rows,
    rate: f64,
    clip: f64,
    steps: Vec<Gradient>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Gradient {
    rows: Vec<u32>,
    of_rows: Rows,
    of_weight: Rows,
}

#[derive(Deserialize)]
struct Case {
    optimizer: String,
    table: Rows,
    weight: Rows,
}

fn matrix(rows: &Rows) -> Matrix {
    Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).expect("a matrix")
}

fn near(what: &str, found: &Matrix, expected: &Rows) {
    for (found, expected) in found.as_slice().iter().zip(expected.concat()) {
        assert!((found - expected).abs() < 2e-6 * (1.0 + expected.abs()), "{what}: {found}, {expected}");
    }
}

/// The optimiser of a name, and whether its gradients are clipped.
fn optimizer(name: &str) -> (Optimizer, bool) {
    match name {
        "sgd" => (Optimizer::Sgd, false),
        "sgd-clipped" => (Optimizer::Sgd, true),
        "adam" => (Optimizer::Adam(Adam::default()), false),
        "adam-lazy" => (Optimizer::Adam(Adam { lazy: true, ..Adam::default() }), false),
        "adagrad" => (Optimizer::Adagrad(Adagrad { initial: 0.1, ..Adagrad::default() }), false),
        "rprop" => (Optimizer::Rprop(Rprop { least: 0.04, most: 0.125, ..Rprop::default() }), false),
        other => panic!("no optimiser {other}"),
    }
}

#[test]
fn an_optimizer_is_a_name_or_a_table() {
    let read = |text: &str| toml::from_str::<Descent>(text).map(|descent| descent.optimizer);
    for (text, expected) in [
        ("optimizer = \"sgd\"", Optimizer::Sgd),
        ("optimizer = \"adam\"", Optimizer::Adam(Adam::default())),
        ("optimizer = { adagrad = { initial = 0.1 } }", optimizer("adagrad").0),
        ("[optimizer.adam]\nlazy = true", optimizer("adam-lazy").0),
    ] {
        assert_eq!(read(text).expect(text), expected, "{text}");
    }
    for (name, _) in ["sgd", "adam-lazy", "adagrad", "rprop"].map(optimizer) {
        let written = Descent { optimizer: name, ..Descent::default() };
        let text = toml::to_string(&written).expect("a recipe");
        assert_eq!(read(&text).expect("what was written"), name, "{text}");
        let bytes = postcard::to_stdvec(&name).expect("bytes");
        assert_eq!(postcard::from_bytes::<Optimizer>(&bytes).expect("what was written"), name);
    }
    for (text, said) in [
        ("optimizer = \"adm\"", "expected one of"),
        ("optimizer.adam.beta = 1.0", "beta"),
        ("optimizer = 1", "name"),
        ("optimizer = { adam = {}, rprop = {} }", "second"),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn optimizers_are_pytorchs() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../../tests/fixtures/optimizers.json")).expect("the fixture");
    assert_eq!(fixture.cases.len(), 6);
    let seed = Seed::new(1);
    let devices = device::tested();
    let starts: Vec<Parameters> = devices
        .iter()
        .map(|device| Parameters::new(device, seed))
        .chain([Parameters::portable(&devices[0], seed)])
        .collect();
    for case in &fixture.cases {
        for start in &starts {
            let mut parameters = start.clone();
            let device = Step::new(&mut parameters, seed).device().clone();
            let table = parameters.table("table", [9, 3], super::Init::Zeros);
            let weight = parameters.weight("weight", [3, 2], super::Init::Zeros);
            parameters.set_named([("table", matrix(&fixture.table)), ("weight", matrix(&fixture.weight))]);
            let (optimizer, is_clipped) = optimizer(&case.optimizer);
            for given in &fixture.steps {
                let mut step = Step::new(&mut parameters, seed);
                // Half of the rows are read by themselves: a table may be read more than once.
                let constant = |rows: &[Vec<f32>]| {
                    let data = TensorData::new(rows.concat(), [rows.len(), rows[0].len()]);
                    Tensor::<2>::from_data(data, &device).autodiff()
                };
                let first = step.rows(table, &given.rows[..2]) * constant(&given.of_rows[..2]);
                let second = step.rows(table, &given.rows[2..]) * constant(&given.of_rows[2..]);
                let third = step.weight(weight) * constant(&given.of_weight);
                // A sum of products has the given gradients.
                let loss = first.sum() + second.sum() + third.sum();
                let leaves = step.leaves();
                let clip = is_clipped.then_some(fixture.clip);
                parameters.follow(leaves, &mut loss.backward(), (optimizer, fixture.rate), clip);
            }
            parameters.settle();
            near(&case.optimizer, &parameters.table_matrix(table), &case.table);
            near(&case.optimizer, &parameters.weight_matrix(weight), &case.weight);
        }
    }
}

/// More than a piece for each core: tables and weights are cut, and nothing is left out.
#[test]
fn steps_of_many_numbers_are_those_of_few() {
    let device = device::device(crate::DeviceName::Cpu).expect("always there");
    let seed = Seed::new(3);
    let (n_rows, dim) = (20_000, 3);
    let mut rng = seed.child("rows").rng();
    let rows: Vec<u32> = (0..9_000).map(|_| rng.below(n_rows as u32)).collect();
    let kinds = ["sgd", "sgd-clipped", "adam", "adam-lazy", "adagrad", "rprop"];
    for (name, few) in kinds.iter().flat_map(|name| [(name, false), (name, true)]) {
        let (optimizer, is_clipped) = optimizer(name);
        let rows = if few { &rows[..500] } else { &rows[..] };
        let run = |mut parameters: Parameters| {
            let table = parameters.table("table", [n_rows, dim], super::Init::Normal(1.0));
            let weight = parameters.weight("weight", [200, 200], super::Init::Normal(1.0));
            // Few rows and many, other rows and other rates: some rows are behind by steps, and by different ones.
            let half = &rows[..rows.len() / 2];
            for (rate, rows) in [(0.1, half), (0.05, &rows[100..200]), (0.02, rows), (0.03, &rows[..50])] {
                let mut step = Step::new(&mut parameters, seed);
                let loss =
                    step.rows(table, rows).powi_scalar(2).sum() + step.weight(weight).powi_scalar(2).sum();
                let leaves = step.leaves();
                let mut gradients = loss.backward();
                let clip = is_clipped.then_some(2.0);
                parameters.follow(leaves, &mut gradients, (optimizer, rate), clip);
            }
            parameters.settle();
            parameters.named().flat_map(|(_, matrix)| matrix.as_slice().to_vec()).collect::<Vec<f32>>()
        };
        let after = |parameters: Parameters, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| run(parameters))
        };
        let found = after(Parameters::new(&device, seed), 2);
        assert_eq!(found, after(Parameters::new(&device, seed), 1), "{name}: threads change nothing");
        for (found, expected) in found.iter().zip(after(Parameters::portable(&device, seed), 1)) {
            assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{name}: {found}, {expected}");
        }
    }
}

/// Rows that no batch reads take their steps later: those that they would have taken at once.
#[test]
fn rows_that_wait_end_where_rows_that_do_not_end() {
    let device = device::device(crate::DeviceName::Cpu).expect("always there");
    let seed = Seed::new(4);
    let n_rows = 60;
    let all: Vec<u32> = (0..n_rows).collect();
    // Few steps on rows of any number; more steps than are remembered, on rows of which most are read in the first ones alone.
    for (dim, steps, late) in [(43, 50, 60), (3, 4200, 1)] {
        let after = |waits: bool| {
            let mut rng = seed.child("rows").rng();
            let mut parameters = Parameters::new(&device, seed);
            let table = parameters.table("table", [n_rows as usize, dim], super::Init::Normal(1.0));
            let other = parameters.weight("weight", [1, 1], super::Init::Normal(1.0));
            for count in 0..steps {
                let most = if count < 30 { n_rows } else { late };
                let rows: Vec<u32> = (0..7).map(|_| rng.below(most)).collect();
                let mut step = Step::new(&mut parameters, seed);
                let mut loss = step.weight(other).powi_scalar(2).sum();
                // Some steps pass the table over.
                if count % 5 != 3 {
                    // Gradients that do not hang on the numbers: differences of rounding do not grow.
                    let by = f64::from(count % 7) - 2.5;
                    loss = loss + step.rows(table, &rows).mul_scalar(by).sum();
                    if !waits {
                        // A gradient of zeros for each row.
                        loss = loss + step.rows(table, &all).mul_scalar(0.0).sum();
                    }
                }
                let leaves = step.leaves();
                let rate = 0.1 / f64::from(1 + count % 3);
                parameters.follow(leaves, &mut loss.backward(), (Optimizer::default(), rate), None);
            }
            parameters.settle();
            let numbers = parameters.table_matrix(table).as_slice().to_vec();
            [parameters.moments(table), vec![numbers]].concat().concat()
        };
        for (found, expected) in after(true).iter().zip(&after(false)) {
            assert!((found - expected).abs() <= 1e-5 * (0.01 + expected.abs()), "{found}, {expected}");
        }
    }
}

#[test]
fn rates_follow_their_schedule() {
    use super::Schedule;
    let rates = |schedule: Schedule| {
        let descent = Descent { learning_rate: 0.8, schedule, epochs: 5, ..Descent::default() };
        (1..=5).map(|epoch| (descent.rate(epoch) * 1e6).round() / 1e6).collect::<Vec<f64>>()
    };
    assert_eq!(rates(Schedule::Constant), [0.8; 5]);
    assert_eq!(rates(Schedule::Exponential { decay: 0.5 }), [0.8, 0.4, 0.2, 0.1, 0.05]);
    assert_eq!(rates(Schedule::Linear { last: 0.0 }), [0.8, 0.6, 0.4, 0.2, 0.0]);
    assert_eq!(rates(Schedule::Warmup { epochs: 2, last: 0.25 }), [0.4, 0.8, 0.6, 0.4, 0.2]);
    assert_eq!(rates(Schedule::Warmup { epochs: 4, last: 1.0 }), [0.2, 0.4, 0.6, 0.8, 0.8]);
    // Longer than the fit, and no warm-up at all.
    assert_eq!(rates(Schedule::Warmup { epochs: 8, last: 0.0 }), [0.1, 0.2, 0.3, 0.4, 0.5]);
    for epochs in [0, 1] {
        assert_eq!(rates(Schedule::Warmup { epochs, last: 0.0 }), rates(Schedule::Linear { last: 0.0 }));
    }
}
