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
//! Every sum is one row's or one column's, in the order of cells: cores share rows and columns, and threads change nothing. Where
//! a batch of few rows knows many of all cells, products of whole matrices are faster than sums of rows picked one by one: these
//! are made instead, of one batch's cells at most, and are the same for a given number of threads.

mod cells;

pub use cells::Cells;

use super::dense::{matrix, product, view};
use super::numbers::is_host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;
use seoro_core::gemm::View;
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

/// For each row of the batch the sum of the rows of `from` `[N, K]` at its cells, weighted.
fn sums_by_row(cells: &Cells, weights: &[f32], from: FlexTensor) -> FlexTensor {
    let dim = from.shape()[1];
    if cells.is_dense() {
        let all = cells.scattered(weights);
        let all = View::new(&all, cells.n_rows(), cells.n_cols());
        return product(all, view(&from), [cells.n_rows(), cells.n_cols(), dim]);
    }
    let sums = sums(cells.n_rows(), |row| cells.of_row(row), (cells.columns(), weights), from.storage(), dim);
    matrix(sums, [cells.n_rows(), dim])
}

/// For each column the sum of the rows of `from` `[B, K]` at its cells, weighted.
fn sums_by_column(cells: &Cells, weights: &[f32], from: FlexTensor) -> FlexTensor {
    let dim = from.shape()[1];
    let Some(by_column) = cells.by_column() else {
        let all = cells.scattered(weights);
        let all = View::new(&all, cells.n_rows(), cells.n_cols()).transposed();
        return product(all, view(&from), [cells.n_cols(), cells.n_rows(), dim]);
    };
    let ordered: Vec<f32> = by_column.places.par_iter().map(|&place| weights[place as usize]).collect();
    let named = (by_column.rows.as_slice(), ordered.as_slice());
    let sums = sums(cells.n_cols(), |column| by_column.of(column), named, from.storage(), dim);
    matrix(sums, [cells.n_cols(), dim])
}

/// For each column the sum of its cells' numbers.
fn totals(cells: &Cells, numbers: &[f32]) -> FlexTensor {
    let totals = match cells.by_column() {
        Some(by_column) => {
            let places = |column: usize| &by_column.places[by_column.of(column)];
            let total = |column| places(column).iter().map(|&place| numbers[place as usize]).sum();
            (0..cells.n_cols()).into_par_iter().map(total).collect()
        }
        None => {
            let mut totals = vec![0.0; cells.n_cols()];
            cells.columns().iter().zip(numbers).for_each(|(&column, x)| totals[column as usize] += x);
            totals
        }
    };
    matrix(totals, [cells.n_cols(), 1])
}

/// A number for each cell, written row by row on all cores.
fn each_cell(cells: &Cells, write: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let mut numbers = vec![0.0; cells.len()];
    let mut rest = numbers.as_mut_slice();
    let own = |row: usize| rest.split_off_mut(..cells.of_row(row).len()).unwrap_or_default();
    let rows: Vec<&mut [f32]> = (0..cells.n_rows()).map(own).collect();
    rows.into_par_iter().enumerate().for_each(|(row, numbers)| write(row, numbers));
    numbers
}

/// So many numbers of all rows stay in a core's own cache.
const NEAR: usize = 96 << 10;

/// How many numbers of each of `rows` rows are a panel: the most of which all rows stay near; where none does, whole lines from
/// farther away are read fewer times.
fn panel_width(rows: usize) -> usize {
    [64, 32, 16].into_iter().find(|width| rows * width <= NEAR).unwrap_or(64)
}

/// The sums of rows of `from` that are named by each of `count` ranges of indices, weighted: `[count, dim]`.
fn sums(
    count: usize,
    range: impl Fn(usize) -> Range<usize> + Sync,
    (indices, weights): (&[u32], &[f32]),
    from: &[f32],
    dim: usize,
) -> Vec<f32> {
    let mut sums = vec![0.0; count * dim];
    if dim == 0 {
        return sums;
    }
    let n_from = from.len() / dim;
    let add = |row: usize, from: &[f32], sum: &mut [f32]| {
        let own = range(row);
        kernel::weighted_rows(&indices[own.clone()], &weights[own], from, sum);
    };
    let width = panel_width(n_from);
    // Copying a panel pays where each of its rows is read often.
    if dim <= width || indices.len() < 8 * n_from {
        sums.par_chunks_exact_mut(dim).enumerate().for_each(|(row, sum)| add(row, from, sum));
        return sums;
    }
    let mut panel = vec![0.0; n_from * width];
    for start in (0..dim).step_by(width) {
        // The last overlaps the one before, whose sums are the same.
        let columns = start.min(dim - width)..dim.min(start + width);
        let rows = panel.par_chunks_exact_mut(width).with_min_len(256);
        rows.zip(from.par_chunks_exact(dim))
            .for_each(|(own, row)| own.copy_from_slice(&row[columns.clone()]));
        let each = sums.par_chunks_exact_mut(dim).enumerate();
        each.for_each(|(row, sum)| add(row, &panel, &mut sum[columns.clone()]));
    }
    sums
}

impl ObservedKernels for Flex {
    fn encode(weight: FlexTensor, cells: Arc<Cells>) -> FlexTensor {
        sums_by_row(&cells, cells.values(), weight.to_contiguous())
    }

    fn decode(hidden: FlexTensor, weight: FlexTensor, bias: FlexTensor, cells: Arc<Cells>) -> FlexTensor {
        let [hidden, weight, bias] = [hidden, weight, bias].map(|tensor| tensor.to_contiguous());
        let (dim, n_cols) = (hidden.shape()[1], cells.n_cols());
        let bias: &[f32] = bias.storage();
        let columns = |row: usize| &cells.columns()[cells.of_row(row)];
        let add_bias = |products: &mut [f32], columns: &[u32]| {
            products.iter_mut().zip(columns).for_each(|(product, &column)| *product += bias[column as usize]);
        };
        let products = if cells.is_dense() {
            let all = product(view(&hidden), view(&weight).transposed(), [cells.n_rows(), dim, n_cols]);
            let all: &[f32] = all.storage();
            each_cell(&cells, |row, products| {
                let (all, columns) = (&all[row * n_cols..(row + 1) * n_cols], columns(row));
                let own = products.iter_mut().zip(columns);
                own.for_each(|(product, &column)| *product = all[column as usize]);
                add_bias(products, columns);
            })
        } else {
            let (hidden, weight): (&[f32], &[f32]) = (hidden.storage(), weight.storage());
            each_cell(&cells, |row, products| {
                let columns = columns(row);
                kernel::dot_named(&hidden[row * dim..(row + 1) * dim], columns, weight, products);
                add_bias(products, columns);
            })
        };
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
            gradients.register::<Flex>(node.id, sums_by_column(&cells, cells.values(), gradient));
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
        let of_cells: &[f32] = gradient.storage();
        if let Some(node) = of_hidden {
            gradients.register::<Flex>(node.id, sums_by_row(&cells, of_cells, weight));
        }
        if let Some(node) = of_weight {
            gradients.register::<Flex>(node.id, sums_by_column(&cells, of_cells, hidden));
        }
        if let Some(node) = of_bias {
            gradients.register::<Flex>(node.id, totals(&cells, of_cells));
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
