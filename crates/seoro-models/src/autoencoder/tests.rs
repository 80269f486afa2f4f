//! The network held to PyTorch's: outputs, first loss, gradients, ten steps; and what its fitted model says.

use super::feed::{Listed, Naming, RowBatch, Rows, Targets, batch_of};
use super::model::{AutoencoderModel, Scale};
use super::network::{Purpose, RowNetwork};
use super::{Corruption, Layers, RowLoss};
use crate::ops::Activation;
use crate::ops::numbers::host_numbers;
use crate::train::{Adagrad, Adam, Feed, Init, Network, Optimizer, Parameters, Rprop, Step};
use crate::{DeviceName, Side, device};
use seoro_core::sample::Negatives;
use seoro_core::{Csr, ItemId, Items, Matrix, Query, Score, ScoreError, Seed, UserId};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

const ROWS: usize = 6;
const COLUMNS: usize = 9;
const HIDDEN: usize = 4;

/// Columns and values of a row.
type Row = (Vec<u32>, Vec<f32>);

fn listed(rows: &[Row]) -> Listed {
    let mut listed = Listed::default();
    for (columns, values) in rows {
        columns.iter().zip(values).for_each(|(&column, &value)| listed.push((column, value)));
        listed.end_row();
    }
    listed
}

#[derive(Deserialize)]
struct Batch {
    rows: Vec<u32>,
    input: Vec<Row>,
    output: Vec<Row>,
}

type Named = BTreeMap<String, Vec<Vec<f32>>>;

#[derive(Deserialize)]
struct Case {
    name: String,
    hidden: Activation,
    output: Activation,
    loss: RowLoss,
    binary: bool,
    tied: bool,
    nodes: bool,
    named: bool,
    lambda: f64,
    optimizer: String,
    before: Named,
    outputs: Vec<f32>,
    gradients: Named,
    losses: Vec<f32>,
    batches: Vec<Batch>,
    after: Named,
}

impl Case {
    fn all() -> Vec<Case> {
        serde_json::from_str(include_str!("../../tests/fixtures/autoencoder.json")).expect("the fixture")
    }

    /// The network with the case's first numbers.
    fn network<'a>(&self, mut parameters: Parameters, purpose: &'a Purpose) -> (RowNetwork<'a>, Parameters) {
        let layers = Layers {
            hidden: HIDDEN,
            hidden_activation: self.hidden,
            output_activation: self.output,
            binary: self.binary,
            tied: self.tied,
            nodes: self.nodes,
            decays_biases: self.named,
        };
        let init = (Init::Normal(0.1), Init::Zeros);
        let sizes = (layers, self.loss);
        let network = RowNetwork::new(&mut parameters, sizes, init, self.lambda, self.naming(), purpose);
        parameters.set_named(self.before.iter().map(|(name, rows)| (name.as_str(), matrix(rows))));
        (network, parameters)
    }

    fn naming(&self) -> Naming {
        match (self.named, self.tied) {
            (false, _) => Naming::All,
            (true, false) => Naming::Apart,
            (true, true) => Naming::Together,
        }
    }

    fn batch(&self, step: usize) -> RowBatch {
        let Batch { rows, input, output } = &self.batches[step];
        batch_of(rows, listed(input), listed(output), COLUMNS, self.naming())
    }

    /// The optimiser and its rate.
    fn optimizer(&self) -> (Optimizer, f64) {
        match self.optimizer.as_str() {
            "rprop" => (Optimizer::Rprop(Rprop::default()), 0.01),
            "adagrad" => (Optimizer::Adagrad(Adagrad { epsilon: 1.0, initial: 0.0 }), 0.1),
            _ => (Optimizer::Adam(Adam::default()), 0.01),
        }
    }
}

fn matrix(rows: &[Vec<f32>]) -> Matrix {
    Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).expect("a matrix")
}

fn near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{what}: {found}, {expected}");
    }
}

/// Rows of ratings between 1 and 5 of which each has some, and the last none.
fn ratings() -> Csr {
    let rows = (0..ROWS - 1)
        .map(|row| (0..COLUMNS as u32).filter(move |column| !(row as u32 + column).is_multiple_of(3)));
    let (mut starts, mut columns) = (vec![0], Vec::new());
    rows.for_each(|row| {
        columns.extend(row);
        starts.push(columns.len());
    });
    starts.push(columns.len());
    let values = columns.iter().enumerate().map(|(place, column)| ((place as u32 + column) % 5 + 1) as f32);
    let values = values.collect();
    Csr::new(starts, columns, values, COLUMNS).expect("rows that rise")
}

/// What a network of users' ratings needs.
fn purpose(side: Side) -> Purpose {
    let known = ratings();
    let (mut rows, columns) = (vec![true; ROWS], vec![true; COLUMNS]);
    rows[ROWS - 1] = false;
    let seen = if side == Side::Users { [rows, columns] } else { [columns, rows] };
    let scale = Scale::new((1.0, 5.0), Activation::Linear, 3.0);
    Purpose { side, known, seen, scale: Some(scale), is_blind: false }
}

/// On every device, and on the processor with a gather and optimisers of ours and without: the same numbers.
fn on_each(case: &Case, check: impl Fn(RowNetwork<'_>, Parameters)) {
    let (seed, purpose) = (Seed::new(1), purpose(Side::Users));
    let devices = device::tested();
    let with_kernels = devices.iter().map(|device| Parameters::new(device, seed));
    for parameters in with_kernels.chain([Parameters::portable(&devices[0], seed)]) {
        let (network, parameters) = case.network(parameters, &purpose);
        check(network, parameters);
    }
}

#[test]
fn outputs_and_gradients_are_pytorchs() {
    for case in Case::all() {
        on_each(&case, |network, mut parameters| {
            let batch = case.batch(0);
            let mut step = Step::new(&mut parameters, Seed::new(1));
            near(&case.name, &host_numbers(network.outputs(&batch, &mut step)), &case.outputs);
            let mut step = Step::new(&mut parameters, Seed::new(1));
            let loss = network.loss(&batch, &mut step);
            let leaves = step.leaves();
            let gradients = parameters.whole_gradients(leaves, &loss);
            assert_eq!(gradients.len(), case.gradients.len());
            for (name, gradient) in gradients {
                near(&format!("{} {name}", case.name), &gradient, &case.gradients[&name].concat());
            }
        });
    }
}

#[test]
fn ten_steps_are_pytorchs() {
    for case in Case::all() {
        on_each(&case, |network, mut parameters| {
            for (place, expected) in case.losses.iter().enumerate() {
                let mut step = Step::new(&mut parameters, Seed::new(1));
                let loss = network.loss(&case.batch(place), &mut step);
                let leaves = step.leaves();
                let mut gradients = loss.backward();
                parameters.follow(leaves, &mut gradients, case.optimizer(), None);
                near(&format!("{} loss {place}", case.name), &host_numbers(loss.inner()), &[*expected]);
            }
            parameters.settle();
            for (name, values) in parameters.named() {
                near(&format!("{} {name}", case.name), values.as_slice(), &case.after[name].concat());
            }
        });
    }
}

/// The fitted model of the first case's network, and what the network puts out for each known cell, row by row.
fn fitted(side: Side) -> (AutoencoderModel, Vec<f32>) {
    let (case, purpose) = (&Case::all()[0], purpose(side));
    let device = device::device(DeviceName::Cpu).expect("always there");
    let (network, mut parameters) = case.network(Parameters::new(&device, Seed::new(1)), &purpose);
    let model = network.fitted(&parameters);
    let rows: Vec<Row> = (0..ROWS).map(|row| purpose.known.row(row).unzip()).collect();
    let ids: Vec<u32> = (0..ROWS as u32).collect();
    let batch = batch_of(&ids, listed(&rows), listed(&rows), COLUMNS, Naming::All);
    let mut step = Step::new(&mut parameters, Seed::new(1));
    let outputs = host_numbers(network.outputs(&batch, &mut step));
    (model, outputs)
}

#[test]
fn the_fitted_model_of_users_scores_as_the_network() {
    let (model, outputs) = fitted(Side::Users);
    let mut outputs = outputs.iter();
    let known = ratings();
    for row in 0..ROWS {
        let history: Vec<ItemId> = known.columns(row).iter().map(|&column| ItemId(column)).collect();
        // The same whoever has this history.
        for user in [UserId(row as u32), UserId(999)] {
            let query = Query::new(&history).user(user).values(known.values(row));
            let mut all = [0.0; COLUMNS];
            model.score(&[query], Items::All, &mut all).expect("scores");
            let found: Vec<f32> = history.iter().map(|item| all[item.index()]).collect();
            near("scores", &found, &outputs.clone().take(history.len()).copied().collect::<Vec<_>>());
        }
        outputs.by_ref().take(history.len()).for_each(drop);
    }
}

#[test]
fn the_fitted_model_of_items_scores_as_the_network() {
    let (model, outputs) = fitted(Side::Items);
    let known = ratings();
    let mut outputs = outputs.iter();
    for item in 0..ROWS {
        for (user, _) in known.row(item) {
            let mut score = [0.0];
            let query = Query::new(&[]).user(UserId(user));
            model.score(&[query], Items::Lists(&[&[ItemId(item as u32)]]), &mut score).expect("a score");
            near("scores", &score, &[*outputs.next().expect("one for each known cell")]);
        }
    }
}

#[test]
fn ratings_keep_to_the_scale_and_strangers_get_what_the_recipe_says() {
    let (model, outputs) = fitted(Side::Items);
    let rate = model.rate().expect("of ratings");
    let user = ratings().columns(0)[0];
    let asked = |user: u32, item: u32| {
        let mut out = [0.0];
        rate.rate(&[(Query::new(&[]).user(UserId(user)), ItemId(item))], &mut out).map(|()| out[0])
    };
    assert_eq!(asked(user, 0), Ok(outputs[0].clamp(1.0, 5.0)));
    assert_eq!(asked(user, ROWS as u32 - 1), Ok(3.0), "an item without ratings");
    assert_eq!(asked(999, 0), Ok(3.0), "a user without ratings");
    assert!(asked(user, 999).is_err());
    let (users, _) = fitted(Side::Users);
    let mut out = [0.0];
    users.rate().expect("of ratings").rate(&[(Query::new(&[]), ItemId(0))], &mut out).expect("a rating");
    assert_eq!(out, [3.0], "a user without ratings");
}

#[test]
fn a_bounded_output_is_a_share_of_the_scale() {
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let scale = Scale::new((1.0, 5.0), activation, 3.0);
        near("ratings", &[scale.rating(0.0), scale.rating(99.0), scale.rating(-99.0)], &[3.0, 5.0, 1.0]);
        let flat = Scale::new((2.0, 2.0), activation, 3.0);
        assert_eq!(flat.rating(0.3), 2.0);
    }
}

#[test]
fn what_training_had_nothing_of_says_nothing() {
    let (model, _) = fitted(Side::Users);
    let scores = |history: &[ItemId], values: &[f32]| {
        let mut all = [0.0; COLUMNS];
        model.score(&[Query::new(history).values(values)], Items::All, &mut all).expect("scores");
        all
    };
    let mut forgetful = model.clone();
    forgetful.forget(1);
    let mut all = [0.0; COLUMNS];
    let query = Query::new(&[ItemId(0), ItemId(1)]).values(&[4.0, 1.0]);
    forgetful.score(&[query], Items::All, &mut all).expect("scores");
    assert_eq!(all, scores(&[ItemId(0)], &[4.0]));
    // Beyond the scale is its end.
    assert_eq!(scores(&[ItemId(0)], &[9.0]), scores(&[ItemId(0)], &[5.0]));
    let nan = model.score(&[query.values(&[4.0, f32::NAN])], Items::All, &mut all);
    assert!(matches!(nan, Err(ScoreError::Missing { .. })), "{nan:?}");
    let bare = Query::new(&[ItemId(0)]);
    let rated = model.rate().expect("of ratings").rate(&[(bare, ItemId(0))], &mut all[..1]);
    assert!(matches!(rated, Err(ScoreError::Missing { .. })), "{rated:?}");
}

#[test]
fn small_batches_are_named_as_large_ones() {
    let rows: Vec<Row> = vec![(vec![7, 3], vec![1.0, 2.0]), (vec![3], vec![3.0])];
    let named = |n_cols: usize| batch_of(&[0, 1], listed(&rows), Listed::default(), n_cols, Naming::Apart);
    for n_cols in [8, 100_000] {
        let batch = named(n_cols);
        assert_eq!(batch.columns.expect("named").input, [3, 7]);
        assert_eq!((batch.input.columns(), batch.input.n_cols()), (&[1, 0, 0][..], 2));
    }
}

#[test]
fn the_batch_of_all_rows_is_made_once() {
    let known = ratings();
    let rows = Rows::new(&known, 99, Corruption::None, Targets::Known(0.0, 1.0), Naming::All);
    let batch = |seed| rows.epoch(Seed::new(seed)).next().expect("a batch");
    let (one, other) = (batch(1), batch(2));
    assert!(Arc::ptr_eq(&one.input, &other.input) && Arc::ptr_eq(&one.input, &one.output));
    let noisy = Rows::new(&known, 99, Corruption::Mask(0.5), Targets::Known(0.0, 1.0), Naming::All);
    let batch = |seed| noisy.epoch(Seed::new(seed)).next().expect("a batch");
    assert_ne!(batch(1).input, batch(2).input);
}

#[test]
fn batches_have_every_row_with_a_cell_once() {
    let known = ratings();
    let rows = Rows::new(&known, 2, Corruption::None, Targets::Known(1.0, 0.25), Naming::All);
    let batches: Vec<RowBatch> = rows.epoch(Seed::new(3)).collect();
    let mut ids: Vec<u32> = batches.iter().flat_map(|batch| batch.rows.clone()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
    for batch in batches {
        let values: Vec<f32> =
            batch.rows.iter().flat_map(|&row| known.values(row as usize)).copied().collect();
        let targets: Vec<f32> = values.iter().map(|x| (x - 1.0) * 0.25).collect();
        assert_eq!((batch.input.values(), batch.output.values()), (&values[..], &targets[..]));
    }
}

#[test]
fn corruption_drops_its_share_and_dropout_keeps_the_sum() {
    let ones = Csr::new(vec![0, 4000], (0..4000).collect(), vec![1.0; 4000], 4000).expect("a row");
    let input = |corruption| {
        let rows = Rows::new(&ones, 1, corruption, Targets::Known(0.0, 1.0), Naming::Apart);
        let batch = rows.epoch(Seed::new(3)).next().expect("a batch");
        assert_eq!(batch.output.values(), [1.0; 4000]);
        batch.input.values().to_vec()
    };
    let masked = input(Corruption::Mask(0.75));
    assert!((900..1100).contains(&masked.len()) && masked.iter().all(|&x| x == 1.0), "{}", masked.len());
    let dropped = input(Corruption::Dropout(0.75));
    assert!((900..1100).contains(&dropped.len()) && dropped.iter().all(|&x| x == 4.0), "{}", dropped.len());
    assert!(input(Corruption::Dropout(1.0)).is_empty());
    assert_eq!(input(Corruption::Dropout(0.0)), [1.0; 4000]);
    let noisy = input(Corruption::Gaussian(0.5));
    let variance = noisy.iter().map(|x| (x - 1.0).powi(2)).sum::<f32>() / 4000.0;
    assert!((variance - 0.25).abs() < 0.03, "{variance}");
}

#[test]
fn cells_drawn_are_not_the_users_and_columns_are_named() {
    let known = ratings();
    let negatives = Negatives::uniform(&known).expect("items");
    let rows = Rows::new(&known, 2, Corruption::Dropout(0.5), Targets::Against(negatives, 3), Naming::Apart);
    for batch in rows.epoch(Seed::new(3)) {
        let columns = batch.columns.expect("named").output;
        assert!(columns.is_sorted_by(|a, b| a < b));
        let mut cells = batch.output.columns().iter().zip(batch.output.values());
        for &row in &batch.rows {
            let own = known.columns(row as usize);
            for (&column, &target) in cells.by_ref().take(own.len() * 4) {
                assert_eq!(own.contains(&columns[column as usize]), target == 1.0);
            }
        }
        assert_eq!(cells.next(), None);
    }
}
