//! Rows of which only some cells are known: what goes in and what comes out is computed for those alone.
//!
//! A batch of rows has the known cells `c`, each with a row `r`, a column `j` and a value `x`.
//!
//! ```text
//! encode    H_r = Σ_{c of r} x_c V_{j(c)}               ∂L/∂V_j = Σ_{c of j} x_c ∂L/∂H_{r(c)}
//! decode    y_c = H_{r(c)} · W_{j(c)} + b_{j(c)}        ∂L/∂H_r = Σ_{c of r} g_c W_{j(c)}
//!                                                       ∂L/∂W_j = Σ_{c of j} g_c H_{r(c)}
//!                                                       ∂L/∂b_j = Σ_{c of j} g_c             g_c = ∂L/∂y_c
//! ```
//!
//! Every sum is one row's or one column's, in the order of cells: cores share rows and columns, and threads change nothing.

mod cells;

pub use cells::Cells;

use super::numbers::is_host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use seoro_core::kernel;
use std::ops::Range;
use std::sync::Arc;

/// Sums of the rows of `weight` `[N, K]`, weighted by the cells' values: `[B, K]`.
///
/// # Panics
/// Where `weight` has not a row for each column.
pub fn encode(weight: Tensor<2>, cells: &Arc<Cells>) -> Tensor<2> {
    assert_eq!(weight.dims()[0], cells.n_cols(), "a row of the weight for each column");
    if !is_host(&weight.device().without_autodiff()) {
        return portable_encode(weight, cells);
    }
    let sums = <Dispatch as ObservedKernels>::encode(weight.into_dispatch(), Arc::clone(cells));
    Tensor::from_dispatch(sums)
}

/// The products of rows of `hidden` `[B, K]` and of `weight` `[N, K]` at the cells, plus their columns' `bias` `[N, 1]`, in the
/// order of the cells: `[C, 1]`.
///
/// # Panics
/// Where the shapes do not fit.
pub fn decode(hidden: Tensor<2>, weight: Tensor<2>, bias: Tensor<2>, cells: &Arc<Cells>) -> Tensor<2> {
    let (n_rows, n_cols, [_, dim]) = (cells.n_rows(), cells.n_cols(), hidden.dims());
    let found = (hidden.dims(), weight.dims(), bias.dims());
    assert_eq!(found, ([n_rows, dim], [n_cols, dim], [n_cols, 1]), "H [B, K], W [N, K] and b [N, 1]");
    if !is_host(&hidden.device().without_autodiff()) {
        return portable_decode(hidden, weight, bias, cells);
    }
    let [hidden, weight, bias] = [hidden, weight, bias].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as ObservedKernels>::decode(hidden, weight, bias, Arc::clone(cells)))
}

/// The definition, of tensor operations on all cells.
pub(crate) fn portable_encode(weight: Tensor<2>, cells: &Cells) -> Tensor<2> {
    let dense = cells.dense(&weight.device().without_autodiff());
    let dense = if weight.is_autodiff() { dense.autodiff() } else { dense };
    dense.matmul(weight)
}

/// As [`portable_encode`].
pub(crate) fn portable_decode(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<2>,
    cells: &Cells,
) -> Tensor<2> {
    let places = cells.flat(&hidden.device().without_autodiff());
    let all = hidden.matmul(weight.transpose()) + bias.transpose();
    all.reshape([cells.n_rows() * cells.n_cols(), 1]).select(0, places)
}

/// Sums and products at known cells, on the processor.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait ObservedKernels: Backend {
    /// See [`encode`](super::encode).
    fn encode(weight: FloatTensor<Self>, cells: Arc<Cells>) -> FloatTensor<Self>;

    /// See [`decode`](super::decode).
    fn decode(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        cells: Arc<Cells>,
    ) -> FloatTensor<Self>;
}

fn matrix(numbers: Vec<f32>, shape: [usize; 2]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

/// For each row of the batch the sum of the rows of `from` `[N, K]` at its cells, weighted.
fn sums_by_row(cells: &Cells, weights: &[f32], from: &[f32], dim: usize) -> FlexTensor {
    let sums = sums(cells.n_rows(), |row| cells.of_row(row), (cells.columns(), weights), from, dim);
    matrix(sums, [cells.n_rows(), dim])
}

/// For each column the sum of the rows of `from` `[B, K]` at its cells, weighted.
fn sums_by_column(cells: &Cells, weights: &[f32], from: &[f32], dim: usize) -> FlexTensor {
    let by_column: Vec<f32> = cells.places().par_iter().map(|&place| weights[place as usize]).collect();
    let of_column = |column: usize| cells.of_column(column);
    let sums = sums(cells.n_cols(), of_column, (cells.rows(), &by_column), from, dim);
    matrix(sums, [cells.n_cols(), dim])
}

/// So many numbers of each row are a panel, of which some thousands of rows stay in a core's cache.
const PANEL: usize = 64;

/// The sums of rows of `from` that are named by each of `count` ranges of indices, weighted: `[count, dim]`.
fn sums(
    count: usize,
    range: impl Fn(usize) -> Range<usize> + Sync,
    (indices, weights): (&[u32], &[f32]),
    from: &[f32],
    dim: usize,
) -> Vec<f32> {
    let mut sums = vec![0.0; count * dim];
    let n_from = from.len() / dim.max(1);
    let add = |row: usize, from: &[f32], sum: &mut [f32]| {
        let own = range(row);
        kernel::weighted_rows(&indices[own.clone()], &weights[own], from, sum);
    };
    // Copying a panel pays where each of its rows is read often.
    if dim <= PANEL || indices.len() < 8 * n_from {
        sums.par_chunks_exact_mut(dim).enumerate().for_each(|(row, sum)| add(row, from, sum));
        return sums;
    }
    let mut panel = vec![0.0; n_from * PANEL];
    for start in (0..dim).step_by(PANEL) {
        let columns = start..dim.min(start + PANEL);
        let panel = &mut panel[..n_from * columns.len()];
        let rows = panel.par_chunks_exact_mut(columns.len()).with_min_len(256);
        rows.zip(from.par_chunks_exact(dim))
            .for_each(|(own, row)| own.copy_from_slice(&row[columns.clone()]));
        let each = sums.par_chunks_exact_mut(dim).enumerate();
        each.for_each(|(row, sum)| add(row, panel, &mut sum[columns.clone()]));
    }
    sums
}

impl ObservedKernels for Flex {
    fn encode(weight: FlexTensor, cells: Arc<Cells>) -> FlexTensor {
        let weight = weight.to_contiguous();
        sums_by_row(&cells, cells.values(), weight.storage(), weight.shape()[1])
    }

    fn decode(hidden: FlexTensor, weight: FlexTensor, bias: FlexTensor, cells: Arc<Cells>) -> FlexTensor {
        let [hidden, weight, bias] = [hidden, weight, bias].map(|tensor| tensor.to_contiguous());
        let dim = hidden.shape()[1];
        let (hidden, weight, bias) =
            (hidden.storage::<f32>(), weight.storage::<f32>(), bias.storage::<f32>());
        let of_row = |row: usize| {
            let own = &hidden[row * dim..(row + 1) * dim];
            cells.columns()[cells.of_row(row)].iter().map(move |&column| {
                let column = column as usize;
                kernel::dot(own, &weight[column * dim..(column + 1) * dim]) + bias[column]
            })
        };
        let products: Vec<f32> = (0..cells.n_rows()).into_par_iter().flat_map_iter(of_row).collect();
        let len = products.len();
        matrix(products, [len, 1])
    }
}

#[derive(Debug)]
struct EncodeBackward;

impl Backward<Flex, 1> for EncodeBackward {
    type State = Arc<Cells>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [of_weight] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let cells = ops.state;
        if let Some(node) = of_weight {
            let sums = sums_by_column(&cells, cells.values(), gradient.storage(), gradient.shape()[1]);
            gradients.register::<Flex>(node.id, sums);
        }
    }
}

#[derive(Debug)]
struct DecodeBackward;

impl Backward<Flex, 3> for DecodeBackward {
    type State = (FlexTensor, FlexTensor, Arc<Cells>);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [of_hidden, of_weight, of_bias] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (hidden, weight, cells) = ops.state;
        let dim = hidden.shape()[1];
        let of_cells: &[f32] = gradient.storage();
        if let Some(node) = of_hidden {
            gradients.register::<Flex>(node.id, sums_by_row(&cells, of_cells, weight.storage(), dim));
        }
        if let Some(node) = of_weight {
            gradients.register::<Flex>(node.id, sums_by_column(&cells, of_cells, hidden.storage(), dim));
        }
        if let Some(node) = of_bias {
            let places = |column: usize| &cells.places()[cells.of_column(column)];
            let sum = |column| places(column).iter().map(|&place| of_cells[place as usize]).sum();
            let sums: Vec<f32> = (0..cells.n_cols()).into_par_iter().map(sum).collect();
            gradients.register::<Flex>(node.id, matrix(sums, [cells.n_cols(), 1]));
        }
    }
}

impl<C: CheckpointStrategy> ObservedKernels for Autodiff<Flex, C> {
    fn encode(weight: FloatTensor<Self>, cells: Arc<Cells>) -> FloatTensor<Self> {
        let (weight, node) = weight.into_parts();
        let sums = Flex::encode(weight, Arc::clone(&cells));
        match EncodeBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(cells, sums),
            OpsKind::UnTracked(prepared) => prepared.finish(sums),
        }
    }

    fn decode(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        cells: Arc<Cells>,
    ) -> FloatTensor<Self> {
        let [(hidden, of_hidden), (weight, of_weight), (bias, of_bias)] =
            [hidden, weight, bias].map(|tensor| tensor.into_parts());
        let [hidden, weight] = [hidden, weight].map(|tensor| tensor.to_contiguous());
        let products = Flex::decode(hidden.clone(), weight.clone(), bias, Arc::clone(&cells));
        match DecodeBackward.prepare::<C>([of_hidden, of_weight, of_bias]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((hidden, weight, cells), products),
            OpsKind::UnTracked(prepared) => prepared.finish(products),
        }
    }
}
