//! Each kernel held to its portable version, and gradients to finite differences.

use super::observed::{portable_decode, portable_encode};
use super::rows::{RowSums, touched, whole_gradient};
use super::{Activation, Cells, decode, dense, encode, losses, numbers::host_numbers};
use crate::{DeviceName, device};
use burn::tensor::{Device, Tensor, TensorData};
use seoro_core::Seed;
use std::sync::Arc;

pub(super) fn cpu() -> Device {
    device::device(DeviceName::Cpu).expect("always there")
}

pub(super) fn normal(name: &str, shape: [usize; 2]) -> Vec<f32> {
    let mut rng = Seed::new(5).child(name).rng();
    (0..shape[0] * shape[1]).map(|_| rng.normal() as f32).collect()
}

fn leaf(numbers: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), shape), device).autodiff().require_grad()
}

pub(super) fn near(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{what}: {found}, {expected}"
        );
    }
}

/// A function of some matrices, to one number.
pub(super) type Function<'a> = &'a dyn Fn(&[Tensor<2>]) -> Tensor<1>;

/// The value of `function` and its gradients by each of its inputs.
pub(super) fn value_and_gradients(
    function: Function<'_>,
    inputs: &[(Vec<f32>, [usize; 2])],
    device: &Device,
) -> (f32, Vec<Vec<f32>>) {
    let leaves: Vec<Tensor<2>> =
        inputs.iter().map(|(numbers, shape)| leaf(numbers, *shape, device)).collect();
    let value = function(&leaves);
    let mut gradients = value.backward();
    let gradient = |leaf: Tensor<2>| host_numbers(leaf.grad_remove(&mut gradients).expect("a gradient"));
    let gradients = leaves.into_iter().map(gradient).collect();
    (host_numbers(value.inner())[0], gradients)
}

/// Holds `function` on every device to `oracle` on the processor, and its gradients to finite differences.
pub(super) fn check(
    what: &str,
    function: Function<'_>,
    oracle: Function<'_>,
    inputs: &[(Vec<f32>, [usize; 2])],
) {
    let (expected, oracles) = value_and_gradients(oracle, inputs, &cpu());
    let (mut value, mut gradients) = (0.0, Vec::new());
    for device in device::tested().iter().rev() {
        let (of_device, found) = value_and_gradients(function, inputs, device);
        near(&format!("{what}, {device:?}"), &[of_device], &[expected], 1e-5);
        for (gradient, oracle) in found.iter().zip(&oracles) {
            near(&format!("{what}, {device:?}"), gradient, oracle, 2e-5);
        }
        // The last one is the processor's.
        (value, gradients) = (of_device, found);
    }
    let step = 1e-2;
    for (input, gradient) in gradients.iter().enumerate() {
        for place in 0..gradient.len() {
            let moved = |by: f32| {
                let mut inputs = inputs.to_vec();
                inputs[input].0[place] += by;
                f64::from(value_and_gradients(function, &inputs, &cpu()).0)
            };
            // A ReLU may bend on one side: the slope of the other is the gradient.
            let (up, down) = (moved(step) - f64::from(value), f64::from(value) - moved(-step));
            let slopes = [up, down, (up + down) / 2.0].map(|rise| (rise / f64::from(step)) as f32);
            let gradient = gradient[place];
            let is_near = |slope: &f32| (gradient - slope).abs() <= 5e-3 * (1.0 + slope.abs());
            assert!(slopes.iter().any(is_near), "{what}: {gradient}, finite differences {slopes:?}");
        }
    }
}

#[test]
fn a_dense_layer_is_its_definition() {
    for (rows, inner, cols) in [(1, 1, 1), (5, 7, 3), (9, 16, 8)] {
        for activation in [Activation::Linear, Activation::Relu, Activation::LeakyRelu] {
            let inputs = [
                (normal("input", [rows, inner]), [rows, inner]),
                (normal("weight", [inner, cols]), [inner, cols]),
                (normal("bias", [1, cols]), [1, cols]),
            ];
            let weights = normal("of sum", [rows, cols]);
            // A weighted sum, so that each output has a gradient of its own.
            let sum = |out: Tensor<2>| {
                let weights = TensorData::new(weights.clone(), [rows, cols]);
                let device = out.device().without_autodiff();
                (out * Tensor::from_data(weights, &device).autodiff()).sum()
            };
            let function = |x: &[Tensor<2>]| sum(dense(x[0].clone(), x[1].clone(), x[2].clone(), activation));
            let oracle = |x: &[Tensor<2>]| {
                sum(super::dense::portable(x[0].clone(), x[1].clone(), x[2].clone(), activation))
            };
            check(&format!("{rows} × {inner} × {cols}, {activation:?}"), &function, &oracle, &inputs);
        }
    }
}

#[test]
fn the_logistic_loss_is_its_definition() {
    for rows in [1, 6, 40] {
        let scores: Vec<f32> = normal("scores", [rows, 1]).iter().map(|x| x * 3.0).collect();
        let targets: Vec<f32> = (0..rows).map(|row| f32::from(u8::from(row % 3 == 0))).collect();
        let function = |x: &[Tensor<2>]| super::logistic(x[0].clone(), &targets);
        let oracle = |x: &[Tensor<2>]| {
            let targets = Tensor::from_data(TensorData::new(targets.clone(), [rows, 1]), &cpu());
            losses::portable(x[0].clone(), targets)
        };
        check(&format!("{rows} scores"), &function, &oracle, &[(scores, [rows, 1])]);
    }
}

/// A row without cells, columns without cells and a cell that stands twice, among columns so many that cells are many or few.
fn cells() -> [Arc<Cells>; 2] {
    let rows: [(&[u32], &[f32]); 4] =
        [(&[0, 2, 4], &[1.0, -0.5, 2.0]), (&[], &[]), (&[2, 2], &[0.5, 1.5]), (&[4], &[-1.0])];
    let cells = [6, 60].map(|n_cols| Arc::new(Cells::new(n_cols, rows)));
    assert_eq!(cells.each_ref().map(|cells| cells.is_dense()), [true, false]);
    cells
}

#[test]
fn encoding_known_cells_is_its_definition() {
    for (dim, cells) in [1, 5, 8, 50].into_iter().flat_map(|dim| cells().map(|cells| (dim, cells))) {
        let shape = [cells.n_cols(), dim];
        let function = |of: &[Tensor<2>]| encode(of[0].clone(), &cells).tanh().sum();
        let oracle = |of: &[Tensor<2>]| portable_encode(of[0].clone(), &cells).tanh().sum();
        check("encode", &function, &oracle, &[(normal("weight", shape), shape)]);
    }
}

#[test]
fn decoding_known_cells_is_its_definition() {
    for (dim, cells) in [1, 5, 8, 50].into_iter().flat_map(|dim| cells().map(|cells| (dim, cells))) {
        let inputs = [("hidden", [4, dim]), ("weight", [cells.n_cols(), dim]), ("bias", [cells.n_cols(), 1])]
            .map(|(name, shape)| (normal(name, shape), shape));
        let function =
            |of: &[Tensor<2>]| decode(of[0].clone(), of[1].clone(), of[2].clone(), &cells).tanh().sum();
        let oracle = |of: &[Tensor<2>]| {
            portable_decode(of[0].clone(), of[1].clone(), of[2].clone(), &cells).tanh().sum()
        };
        check("decode", &function, &oracle, &inputs);
    }
}

/// A batch of which each row has `each` cells, too few for whole matrices.
fn spread([n_rows, n_cols]: [usize; 2], each: usize) -> Arc<Cells> {
    let column = |row: usize, cell: usize| ((row + 7 * cell) % n_cols) as u32;
    let columns: Vec<u32> =
        (0..n_rows).flat_map(|row| (0..each).map(move |cell| column(row, cell))).collect();
    let values = normal("values", [n_rows, each]);
    let cells = Cells::new(n_cols, columns.chunks(each).zip(values.chunks(each)));
    assert!(!cells.is_dense());
    Arc::new(cells)
}

#[test]
fn wide_layers_are_summed_as_narrow_ones() {
    // Panels of 64, 32 and 16 numbers, the last of each overlapping, and columns too many for any.
    for (shape, each, dim) in
        [([100, 100], 10, 150), ([80, 1_600], 160, 90), ([80, 3_200], 320, 50), ([80, 6_200], 620, 70)]
    {
        let cells = spread(shape, each);
        let inputs = [("hidden", [shape[0], dim]), ("weight", [shape[1], dim]), ("bias", [shape[1], 1])]
            .map(|(name, shape)| (normal(name, shape), shape));
        let both = |of: &[Tensor<2>], encoded: Tensor<2>, decoded: Tensor<2>| {
            (encoded * of[0].clone()).sum() + decoded.tanh().sum()
        };
        let function = |of: &[Tensor<2>]| {
            let decoded = decode(of[0].clone(), of[1].clone(), of[2].clone(), &cells);
            both(of, encode(of[1].clone(), &cells), decoded)
        };
        let oracle = |of: &[Tensor<2>]| {
            let decoded = portable_decode(of[0].clone(), of[1].clone(), of[2].clone(), &cells);
            both(of, portable_encode(of[1].clone(), &cells), decoded)
        };
        let (expected, oracles) = value_and_gradients(&oracle, &inputs, &cpu());
        let (found, gradients) = value_and_gradients(&function, &inputs, &cpu());
        near("the sum", &[found], &[expected], 1e-3);
        gradients.iter().zip(&oracles).for_each(|(found, expected)| near("gradients", found, expected, 1e-4));
    }
}

#[test]
#[should_panic(expected = "a value for each column")]
fn a_row_has_a_value_for_each_column() {
    let rows: [(&[u32], &[f32]); 2] = [(&[0, 1], &[1.0]), (&[2], &[2.0, 3.0])];
    let _ = Cells::new(3, rows);
}

#[test]
#[should_panic(expected = "columns below 2")]
fn a_column_beyond_the_last_is_refused() {
    let _ = Cells::new(2, [(&[2][..], &[1.0][..])]);
}

#[test]
#[should_panic(expected = "starts of rows")]
fn rows_end_where_the_cells_do() {
    let _ = Cells::from_flat(2, vec![0, 1], vec![0, 1], vec![1.0; 2]);
}

#[test]
fn the_logistic_loss_of_many_scores_is_its_definition() {
    let many = normal("scores", [9_001, 1]);
    for scores in [many.iter().map(|x| 4.0 * x).collect(), vec![0.0; 512]] {
        let rows = scores.len();
        let targets: Vec<f32> = (0..rows).map(|place| f32::from(u8::from(place % 3 == 0))).collect();
        let function = |x: &[Tensor<2>]| super::logistic(x[0].clone(), &targets);
        let oracle = |x: &[Tensor<2>]| {
            let targets = Tensor::from_data(TensorData::new(targets.clone(), [rows, 1]), &cpu());
            losses::portable(x[0].clone(), targets)
        };
        let inputs = [(scores, [rows, 1])];
        let (expected, oracles) = value_and_gradients(&oracle, &inputs, &cpu());
        let (found, gradients) = value_and_gradients(&function, &inputs, &cpu());
        near("loss", &[found], &[expected], 1e-5);
        near("gradient", &gradients[0], &oracles[0], 1e-6);
    }
}

#[test]
fn a_batch_without_a_known_cell_is_fine() {
    let cells = Arc::new(Cells::new(3, [(&[][..], &[][..])]));
    let weight = leaf(&[1.0; 6], [3, 2], &cpu());
    assert_eq!(host_numbers(encode(weight, &cells).inner()), [0.0; 2]);
}

#[test]
fn large_scores_have_finite_losses_and_gradients() {
    for device in device::tested() {
        let loss: Function<'_> = &|x| super::logistic(x[0].clone(), &[1.0, 0.0]);
        let (value, gradients) = value_and_gradients(loss, &[(vec![-1e4, 1e4], [2, 1])], &device);
        near("loss", &[value], &[1e4], 1e-6);
        near("gradient", &gradients[0], &[-0.5, 0.5], 1e-6);
    }
}

#[test]
fn gradients_of_rows_are_summed_alike_on_the_processor_and_on_a_device() {
    let (n_rows, dim) = (11, 3);
    // One row as often as takes several stages, others seldom, some never.
    let rows: Vec<u32> = (0..700).map(|place| if place % 7 == 0 { place / 7 % 9 } else { 4 }).collect();
    let gradients = normal("gradients", [rows.len(), dim]);
    let mut sums = RowSums::new(n_rows);
    sums.add(&rows[..100], &gradients[..100 * dim], dim);
    sums.add(&rows[100..], &gradients[100 * dim..], dim);
    for device in device::tested() {
        let tensor = Tensor::from_data(TensorData::new(gradients.clone(), [rows.len(), dim]), &device);
        let whole = host_numbers(whole_gradient(n_rows, &rows, tensor));
        let touched = host_numbers(touched(n_rows, &rows, &device));
        for row in 0..n_rows {
            let found = &whole[row * dim..(row + 1) * dim];
            match sums.place(row) {
                Some(place) => near(&format!("row {row}"), found, sums.sum(place, dim), 1e-4),
                None => assert_eq!(found, [0.0; 3]),
            }
            assert_eq!(touched[row] == 1.0, sums.place(row).is_some());
        }
    }
    sums.clear();
    assert!((0..n_rows).all(|row| sums.place(row).is_none()) && sums.rows().is_empty());
}
