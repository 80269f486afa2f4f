//! How much higher one of two scores is: what pairwise losses are of.
//!
//! With rows `Y` `[R, D]`, and of each triple the rows `u`, `i` and `j` of a user, the item that should score higher and the one
//! that should score lower:
//!
//! ```text
//! s_b = y_u · (y_i − y_j)         ∂L/∂y_u += g_b (y_i − y_j)      ∂L/∂y_i += g_b y_u      ∂L/∂y_j −= g_b y_u
//! ```
//!
//! with `g_b = ∂L/∂s_b`. Gradients are summed in the order of the triples: threads change nothing.

use super::dense::matrix;
use super::numbers::is_host;
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

/// A user, an item that should score higher and one that should score lower, each as a place among the rows of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Triples {
    rows: Vec<u32>,
    users: Vec<u32>,
    better: Vec<u32>,
    worse: Vec<u32>,
}

impl Triples {
    /// The triples of these rows of a table, each a user's, the better item's and the worse one's.
    pub fn new(triples: &[[u32; 3]]) -> Self {
        let mut rows: Vec<u32> = triples.iter().flatten().copied().collect();
        rows.sort_unstable();
        rows.dedup();
        // Every row is there.
        let place = |row: u32| rows.partition_point(|&other| other < row) as u32;
        let [users, better, worse] =
            [0, 1, 2].map(|part| triples.iter().map(|triple| place(triple[part])).collect());
        Self { rows, users, better, worse }
    }

    /// The rows that triples are of, rising strictly.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// How many triples there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// How often each row stands in a triple.
    pub fn counts(&self) -> Vec<f32> {
        let mut counts = vec![0.0; self.rows.len()];
        self.parts().into_iter().flatten().for_each(|&place| counts[place as usize] += 1.0);
        counts
    }

    /// The rows of each triple.
    pub fn triples(&self) -> impl Iterator<Item = [u32; 3]> {
        let row = |place: u32| self.rows[place as usize];
        (0..self.len()).map(move |triple| self.parts().map(|part| row(part[triple])))
    }

    fn parts(&self) -> [&[u32]; 3] {
        [&self.users, &self.better, &self.worse]
    }
}

/// The margins `[B, 1]` of triples of `rows` `[R, D]`.
///
/// # Panics
/// Where there is not one for each row of the triples.
pub fn margins(rows: Tensor<2>, triples: &Arc<Triples>) -> Tensor<2> {
    assert_eq!(rows.dims()[0], triples.rows.len(), "a row for each that triples are of");
    if !is_host(&rows.device().without_autodiff()) {
        return portable(rows, triples);
    }
    Tensor::from_dispatch(<Dispatch as MarginKernels>::margins(rows.into_dispatch(), Arc::clone(triples)))
}

/// The definition, of tensor operations.
pub(crate) fn portable(rows: Tensor<2>, triples: &Triples) -> Tensor<2> {
    let device = rows.device().without_autodiff();
    let [users, better, worse] = triples.parts().map(|places| {
        let places: Vec<i32> = places.iter().map(|&place| place as i32).collect();
        let len = places.len();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [len]), &device);
        rows.clone().select(0, places)
    });
    (users * (better - worse)).sum_dim(1)
}

/// Margins, on the processor.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait MarginKernels: Backend {
    /// See [`margins`](super::margins).
    fn margins(rows: FloatTensor<Self>, triples: Arc<Triples>) -> FloatTensor<Self>;
}

/// Triples that a core takes at once.
const TRIPLES: usize = 512;

impl MarginKernels for Flex {
    fn margins(rows: FlexTensor, triples: Arc<Triples>) -> FlexTensor {
        let rows = rows.to_contiguous();
        let (dim, numbers) = (rows.shape()[1], rows.storage::<f32>());
        let row = |place: u32| &numbers[place as usize * dim..(place as usize + 1) * dim];
        let mut out = vec![0.0; triples.len()];
        out.par_chunks_mut(TRIPLES).enumerate().for_each(|(block, out)| {
            for (place, out) in out.iter_mut().enumerate() {
                let [user, better, worse] = triples.parts().map(|part| row(part[block * TRIPLES + place]));
                *out = kernel::dot(user, better) - kernel::dot(user, worse);
            }
        });
        let len = out.len();
        matrix(out, [len, 1])
    }
}

#[derive(Debug)]
struct MarginsBackward;

impl Backward<Flex, 1> for MarginsBackward {
    type State = (FlexTensor, Arc<Triples>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [of_rows] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (rows, triples) = ops.state;
        let Some(node) = of_rows else { return };
        let (dim, numbers) = (rows.shape()[1], rows.storage::<f32>());
        let span = |place: u32| place as usize * dim..(place as usize + 1) * dim;
        let mut sums = vec![0.0; numbers.len()];
        for (place, &gradient) in gradient.storage::<f32>().iter().enumerate() {
            let [user, better, worse] = triples.parts().map(|part| span(part[place]));
            let of_user = &mut sums[user.clone()];
            kernel::axpy(gradient, &numbers[better.clone()], of_user);
            kernel::axpy(-gradient, &numbers[worse.clone()], of_user);
            kernel::axpy(gradient, &numbers[user.clone()], &mut sums[better]);
            kernel::axpy(-gradient, &numbers[user], &mut sums[worse]);
        }
        gradients.register::<Flex>(node.id, matrix(sums, [triples.rows.len(), dim]));
    }
}

impl<C: CheckpointStrategy> MarginKernels for Autodiff<Flex, C> {
    fn margins(rows: FloatTensor<Self>, triples: Arc<Triples>) -> FloatTensor<Self> {
        let (rows, node) = rows.into_parts();
        let rows = rows.to_contiguous();
        let out = Flex::margins(rows.clone(), Arc::clone(&triples));
        match MarginsBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((rows, triples), out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, near, normal, value_and_gradients};
    use super::*;
    use crate::device::tested;

    #[test]
    fn margins_are_their_definition() {
        // Rows that several triples name, and one that is better and worse than itself.
        let triples = Arc::new(Triples::new(&[[0, 7, 9], [0, 9, 7], [3, 7, 7], [0, 7, 12]]));
        assert_eq!((triples.rows(), triples.len()), (&[0, 3, 7, 9, 12][..], 4));
        assert_eq!(triples.counts(), [3.0, 1.0, 5.0, 2.0, 1.0]);
        for dim in [1, 5, 64] {
            let rows = [(normal("rows", [5, dim]), [5, dim])];
            let function = |x: &[Tensor<2>]| margins(x[0].clone(), &triples).tanh().sum();
            let oracle = |x: &[Tensor<2>]| portable(x[0].clone(), &triples).tanh().sum();
            check("margins", &function, &oracle, &rows);
        }
    }

    #[test]
    fn margins_of_many_are_their_definition() {
        let triple = |place: u32| [place % 19, 20 + place % 31, 20 + place % 17];
        let triples = Arc::new(Triples::new(&(0..1_500).map(triple).collect::<Vec<_>>()));
        let shape = [triples.rows().len(), 8];
        let rows = [(normal("rows", shape), shape)];
        for device in tested() {
            let function = |x: &[Tensor<2>]| margins(x[0].clone(), &triples).tanh().sum();
            let oracle = |x: &[Tensor<2>]| portable(x[0].clone(), &triples).tanh().sum();
            let (found, gradients) = value_and_gradients(&function, &rows, &device);
            let (expected, oracles) = value_and_gradients(&oracle, &rows, &device);
            near("sum", &[found], &[expected], 1e-4);
            near("gradient", &gradients[0], &oracles[0], 1e-4);
        }
    }

    #[test]
    #[should_panic(expected = "a row for each")]
    fn rows_are_those_of_the_triples() {
        let rows = Tensor::zeros([2, 3], &super::super::tests::cpu());
        let _ = margins(rows, &Arc::new(Triples::new(&[[0, 1, 2]])));
    }
}
