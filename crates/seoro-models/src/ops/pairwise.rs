//! BPR's loss of a batch of triples, with what keeps the embeddings behind it small.
//!
//! With rows `Y` `[R, D]` to score by and `X` `[R, D]` to keep small, of each triple the rows `u`, `i` and `j` of a user, a positive
//! and a negative, and `c_r` how often row `r` stands in a triple:
//!
//! ```text
//! s_b = y_u · (y_i − y_j)         L = 1/B Σ_b ln(1 + e^−s_b) + λ/2B Σ_r c_r ‖x_r‖²
//! g_b = (σ(s_b) − 1) / B          ∂L/∂y_u += g_b (y_i − y_j)      ∂L/∂y_i += g_b y_u      ∂L/∂y_j −= g_b y_u
//!                                 ∂L/∂x_r = λ/B c_r x_r
//! ```
//!
//! Gradients are summed in the order of the triples: threads change nothing.

use super::dense::matrix;
use super::losses::{logistic, logistic_gradient, logistic_sum};
use super::numbers::is_host;
use super::triples::Triples;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;
use seoro_core::kernel;
use std::sync::Arc;

/// The loss `[1]` of triples; `rows` is `[R, D]` where the same rows are scored by and kept small, else `[2 R, D]`: first those to
/// score by, below them those to keep small.
///
/// # Panics
/// Where there are not so many rows, there is no triple, or λ is below 0.
pub fn pairwise(rows: Tensor<2>, triples: &Arc<Triples>, lambda: f64) -> Tensor<1> {
    let (found, expected) = (rows.dims()[0], triples.rows().len());
    assert!(
        found == expected || found == 2 * expected,
        "{found} rows of the triples; expected {expected} or twice as many"
    );
    assert!(!triples.is_empty() && lambda >= 0.0, "{} triples, λ = {lambda}", triples.len());
    if !is_host(&rows.device().without_autodiff()) {
        return portable(rows, triples, lambda);
    }
    let triples = Arc::clone(triples);
    Tensor::from_dispatch(<Dispatch as PairwiseKernels>::pairwise(rows.into_dispatch(), triples, lambda))
}

/// The definition, of tensor operations.
pub(crate) fn portable(rows: Tensor<2>, triples: &Triples, lambda: f64) -> Tensor<1> {
    let (device, batch) = (rows.device().without_autodiff(), triples.len());
    let [users, positives, negatives] = triples.parts().map(|places| {
        let places: Vec<i32> = places.iter().map(|&place| place as i32).collect();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [batch]), &device);
        rows.clone().select(0, places)
    });
    let loss = logistic((users * (positives - negatives)).sum_dim(1), &vec![1.0; batch]);
    if lambda == 0.0 {
        return loss;
    }
    let n_rows = triples.rows().len();
    let kept = rows.clone().narrow(0, rows.dims()[0] - n_rows, n_rows);
    let counts = Tensor::<2>::from_data(TensorData::new(triples.counts().to_vec(), [n_rows, 1]), &device);
    let counts = if kept.is_autodiff() { counts.autodiff() } else { counts };
    loss + (kept.square().sum_dim(1) * counts).sum() * (lambda / (2.0 * batch as f64))
}

/// The fused loss, on the processor.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait PairwiseKernels: Backend {
    /// See [`pairwise`](super::pairwise).
    fn pairwise(rows: FloatTensor<Self>, triples: Arc<Triples>, lambda: f64) -> FloatTensor<Self>;
}

/// Triples that a core takes at once.
const TRIPLES: usize = 512;

/// Rows that a core takes at once.
const ROWS: usize = 64;

/// `s`.
fn margins(numbers: &[f32], dim: usize, triples: &Triples) -> Vec<f32> {
    let row = |place: u32| &numbers[place as usize * dim..(place as usize + 1) * dim];
    let mut margins = vec![0.0; triples.len()];
    margins.par_chunks_mut(TRIPLES).enumerate().for_each(|(block, margins)| {
        for (place, margin) in margins.iter_mut().enumerate() {
            let [user, positive, negative] = triples.places(block * TRIPLES + place).map(row);
            *margin = kernel::dot(user, positive) - kernel::dot(user, negative);
        }
    });
    margins
}

/// `L`, of margins and of the rows to keep small.
fn loss(margins: &[f32], kept: &[f32], dim: usize, triples: &Triples, lambda: f64) -> f64 {
    let ones = [1.0; TRIPLES];
    let logistic = margins.par_chunks(TRIPLES).map(|margins| logistic_sum(margins, &ones[..margins.len()]));
    let sum: f64 = logistic.collect::<Vec<f64>>().iter().sum();
    let mut squares = Vec::new();
    if lambda > 0.0 {
        let pieces = kept.par_chunks(ROWS * dim.max(1)).zip(triples.counts().par_chunks(ROWS));
        pieces
            .map(|(rows, counts)| {
                let rows = rows.chunks_exact(dim).zip(counts);
                rows.map(|(row, &count)| f64::from(count) * f64::from(kernel::dot(row, row))).sum::<f64>()
            })
            .collect_into_vec(&mut squares);
    }
    (sum + lambda / 2.0 * squares.iter().sum::<f64>()) / triples.len() as f64
}

impl PairwiseKernels for Flex {
    fn pairwise(rows: FlexTensor, triples: Arc<Triples>, lambda: f64) -> FlexTensor {
        let rows = rows.to_contiguous();
        let dim = rows.shape()[1];
        value(&margins(rows.storage(), dim, &triples), &rows, &triples, lambda)
    }
}

/// `L` as a tensor.
fn value(margins: &[f32], rows: &FlexTensor, triples: &Triples, lambda: f64) -> FlexTensor {
    let (dim, numbers) = (rows.shape()[1], rows.storage::<f32>());
    let kept = &numbers[numbers.len() - triples.rows().len() * dim..];
    FlexTensor::from_data(TensorData::new(vec![loss(margins, kept, dim, triples, lambda) as f32], [1]))
}

#[derive(Debug)]
struct PairwiseBackward;

/// What the gradient is made of.
#[derive(Clone, Debug)]
struct Kept {
    rows: FlexTensor,
    margins: Vec<f32>,
    triples: Arc<Triples>,
    lambda: f64,
}

impl Backward<Flex, 1> for PairwiseBackward {
    type State = Kept;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [of_rows] = ops.parents;
        let of_loss = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let Some(node) = of_rows else { return };
        let by = of_loss.storage::<f32>()[0];
        let shape = [ops.state.rows.shape()[0], ops.state.rows.shape()[1]];
        gradients.register::<Flex>(node.id, matrix(gradient(&ops.state, by), shape));
    }
}

/// `∂L/∂Y`, and below it `∂L/∂X` where that is another; of a loss that counts `by` times.
fn gradient(kept: &Kept, by: f32) -> Vec<f32> {
    let Kept { rows, margins, triples, lambda } = kept;
    let (dim, numbers, batch) = (rows.shape()[1], rows.storage::<f32>(), triples.len());
    let of_margins = logistic_gradient(margins, &vec![1.0; batch], by / batch as f32);
    let shrink = by * (lambda / (2.0 * batch as f64)) as f32;
    let shrunk = |row: usize| 2.0 * (shrink * triples.counts()[row]);
    let (n_rows, mut gradient) = (triples.rows().len(), vec![0.0; numbers.len()]);
    let (of_scored, of_kept) = gradient.split_at_mut(n_rows * dim);
    let is_one = of_kept.is_empty();
    by_rows(of_scored, dim, |row, sum, weights| {
        let (range, partners) = triples.partners_of(row);
        weights.clear();
        weights.extend(range.map(|place| triples.partner_weight(place, &of_margins)));
        kernel::weighted_rows(partners, weights, numbers, sum);
        if is_one && *lambda > 0.0 {
            let own = &numbers[row * dim..(row + 1) * dim];
            sum.iter_mut().zip(own).for_each(|(sum, &x)| *sum += shrunk(row) * x);
        }
    });
    by_rows(of_kept, dim, |row, out, _| {
        let own = &numbers[(n_rows + row) * dim..(n_rows + row + 1) * dim];
        out.iter_mut().zip(own).for_each(|(out, &x)| *out = shrunk(row) * x);
    });
    gradient
}

/// Has each row written on all cores, with room for weights.
fn by_rows(numbers: &mut [f32], dim: usize, write: impl Fn(usize, &mut [f32], &mut Vec<f32>) + Sync) {
    if dim > 0 {
        numbers.par_chunks_mut(ROWS * dim).enumerate().for_each(|(block, numbers)| {
            let mut weights = Vec::new();
            for (row, numbers) in numbers.chunks_exact_mut(dim).enumerate() {
                write(block * ROWS + row, numbers, &mut weights);
            }
        });
    }
}

impl<C: CheckpointStrategy> PairwiseKernels for Autodiff<Flex, C> {
    fn pairwise(rows: FloatTensor<Self>, triples: Arc<Triples>, lambda: f64) -> FloatTensor<Self> {
        let (rows, node) = rows.into_parts();
        let rows = rows.to_contiguous();
        let margins = margins(rows.storage(), rows.shape()[1], &triples);
        let loss = value(&margins, &rows, &triples, lambda);
        match PairwiseBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(Kept { rows, margins, triples, lambda }, loss),
            OpsKind::UnTracked(prepared) => prepared.finish(loss),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, near, normal, value_and_gradients};
    use super::*;
    use crate::device::tested;

    /// Losses that count less than nothing, and more than once.
    fn held_to_its_definition(triples: &Arc<Triples>, shape: [usize; 2], lambda: f64) {
        let rows = [(normal("rows", shape), shape)];
        let function = |x: &[Tensor<2>]| pairwise(x[0].clone(), triples, lambda) * -3.0;
        let oracle = |x: &[Tensor<2>]| portable(x[0].clone(), triples, lambda) * -3.0;
        check(&format!("pairwise, {shape:?}, {lambda}"), &function, &oracle, &rows);
    }

    #[test]
    fn losses_are_their_definition() {
        // Rows that several triples name, and one that is an item's positive and negative at once.
        let triples = Arc::new(Triples::new(&[[0, 7, 9], [0, 9, 7], [3, 7, 7], [0, 7, 12]]));
        for dim in [1, 5, 64] {
            for lambda in [0.0, 0.3] {
                held_to_its_definition(&triples, [5, dim], lambda);
                held_to_its_definition(&triples, [10, dim], lambda);
            }
        }
    }

    #[test]
    fn losses_of_many_are_their_definition() {
        let triple = |place: u32| [place % 19, 20 + place % 31, 20 + place % 17];
        let triples = Arc::new(Triples::new(&(0..1_500).map(triple).collect::<Vec<_>>()));
        let shape = [2 * triples.rows().len(), 8];
        let rows = [(normal("rows", shape), shape)];
        for device in tested() {
            let function = |x: &[Tensor<2>]| pairwise(x[0].clone(), &triples, 0.1);
            let oracle = |x: &[Tensor<2>]| portable(x[0].clone(), &triples, 0.1);
            let (found, gradients) = value_and_gradients(&function, &rows, &device);
            let (expected, oracles) = value_and_gradients(&oracle, &rows, &device);
            near("the loss", &[found], &[expected], 1e-5);
            near("its gradient", &gradients[0], &oracles[0], 1e-5);
        }
    }

    #[test]
    #[should_panic(expected = "rows of the triples")]
    fn rows_are_those_of_the_triples() {
        let rows = Tensor::zeros([2, 3], &super::super::tests::cpu());
        let _ = pairwise(rows, &Arc::new(Triples::new(&[[0, 1, 2]])), 0.0);
    }
}
