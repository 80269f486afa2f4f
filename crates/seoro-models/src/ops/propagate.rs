//! Propagation over a graph: rows of polynomials of its matrix, times a dense matrix.
//!
//! For a graph `Â` `[N, N]`, nodes' embeddings `X` `[N, D]`, the selection `S` of some rows, and layer weights `α`:
//!
//! ```text
//! P_m(Â) = Σ_k α_mk Âᵏ          Y_m = S P_m(Â) X          ∂L/∂X = Σ_m P_m(Âᵀ) Sᵀ G_m          G_m = ∂L/∂Y_m
//! ```
//!
//! What a batch needs is a few rows of the last layer, and its gradient stands in a few rows of the first one, so that of `K`
//! hops only `K − 1` are made for all nodes, forwards and backwards:
//!
//! ```text
//! forwards     X_0 = X,  X_k+1 = Â X_k                  Y_m = Σ_k α_mk S X_k,  of X_K nothing but S X_K
//! backwards    H_K = Σ_m α_mK Sᵀ G_m                    H_k = Âᵀ H_k+1 + Σ_m α_mk Sᵀ G_m,  ∂L/∂X = H_0
//! ```
//!
//! One weight, `[0, 1]`, is a single product with the matrix; `[1]` takes rows. Every sum is one row's, in the order of its
//! entries: cores share rows, and threads change nothing.

#![cfg_attr(
    feature = "ndarray",
    allow(deprecated, reason = "burn gives ndarray up in favour of flex; it stays to be asked for")
)]

#[cfg_attr(
    not(any(feature = "gpu", feature = "ndarray", test)),
    allow(dead_code, reason = "a build for the processor alone has kernels for all it has")
)]
mod portable;
mod reach;
#[cfg(test)]
mod tests;

pub(crate) use portable::Layout;
pub use reach::Reach;

use super::dense::matrix;
use crate::graph::{Graph, Weighted};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;
use seoro_core::kernel;
use std::borrow::Cow;
use std::sync::Arc;

/// The rows and polynomials of `reach` for the embeddings `x` `[N, D]` of all nodes: `[M · R, D]`, the `R` rows of one
/// polynomial after those of another.
///
/// # Panics
/// Where `x` has not a row for each node, or `reach` names one that is not there.
pub fn propagate(x: Tensor<2>, graph: &Arc<Graph>, reach: &Arc<Reach>) -> Tensor<2> {
    assert_eq!(x.dims()[0], graph.n_nodes(), "a row for each node");
    reach.check(graph.n_nodes());
    let (graph, reach) = (Arc::clone(graph), Arc::clone(reach));
    Tensor::from_dispatch(<Dispatch as GraphKernels>::spread(x.into_dispatch(), graph, reach, false))
}

/// The map of [`propagate`], and its transpose, on each backend.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"), NdArray: cfg(feature = "ndarray"), Autodiff)]
pub(crate) trait GraphKernels: Backend {
    /// `Y` of `X`, or, transposed, `∂L/∂X` of `∂L/∂Y`.
    fn spread(
        x: FloatTensor<Self>,
        graph: Arc<Graph>,
        reach: Arc<Reach>,
        is_transposed: bool,
    ) -> FloatTensor<Self>;
}

/// Nodes that a core takes at once: some with many neighbours must not keep the others waiting.
const NODES: usize = 64;

/// Writes the product of the graph's matrix and `x` `[N, D]`, each row of which is then seen by `and_then`.
fn multiply(
    graph: Weighted<'_>,
    x: &[f32],
    dim: usize,
    mut product: Vec<f32>,
    and_then: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    by_row(&mut product, dim, |node, sum| {
        let (neighbours, weights) = graph.row(node);
        kernel::weighted_rows(neighbours, weights, x, sum);
        and_then(node, sum);
    });
    product
}

/// Gives each row of a matrix to `write`, on all cores.
fn by_row(numbers: &mut [f32], dim: usize, write: impl Fn(usize, &mut [f32]) + Sync) {
    if dim > 0 {
        numbers.par_chunks_mut(NODES * dim).enumerate().for_each(|(block, numbers)| {
            let rows = numbers.chunks_exact_mut(dim).enumerate();
            rows.for_each(|(row, numbers)| write(block * NODES + row, numbers));
        });
    }
}

/// `Y` of `X`.
pub(crate) fn forwards(graph: &Graph, reach: &Reach, x: &[f32], dim: usize) -> Vec<f32> {
    let (depth, n_nodes, of_graph) = (reach.depth(), graph.n_nodes(), graph.matrix(false));
    let n_rows = reach.n_rows(n_nodes);
    let mut out = vec![0.0; reach.layers().len() * n_rows * dim];
    let (mut layer, spare) = (Cow::Borrowed(x), graph.spare());
    for hop in 0..=depth {
        let is_last = hop == depth && hop > 0;
        for (weights, out) in reach.layers().iter().zip(out.chunks_exact_mut((n_rows * dim).max(1))) {
            let Some(&weight) = weights.get(hop).filter(|&&weight| weight != 0.0) else { continue };
            out.par_chunks_mut(NODES * dim).enumerate().for_each(|(block, out)| {
                let mut sum = vec![0.0; dim];
                for (row, out) in out.chunks_exact_mut(dim).enumerate() {
                    let node = reach.node(block * NODES + row);
                    if is_last {
                        let (neighbours, weights) = of_graph.row(node);
                        kernel::weighted_rows(neighbours, weights, &layer, &mut sum);
                        kernel::axpy(weight, &sum, out);
                    } else {
                        kernel::axpy(weight, &layer[node * dim..(node + 1) * dim], out);
                    }
                }
            });
        }
        // The last layer is made for the rows that are asked for, above.
        if hop + 1 < depth {
            let next = multiply(of_graph, &layer, dim, spare.take(n_nodes * dim), |_, _| {});
            spare.give(std::mem::replace(&mut layer, Cow::Owned(next)));
        }
    }
    spare.give(layer);
    out
}

/// `∂L/∂X` of `∂L/∂Y`.
pub(crate) fn backwards(graph: &Graph, reach: &Reach, gradient: &[f32], dim: usize) -> Vec<f32> {
    let (depth, n_nodes, of_graph) = (reach.depth(), graph.n_nodes(), graph.matrix(true));
    let places = reach.places(n_nodes);
    let size = reach.n_rows(n_nodes) * dim;
    // Adds what a node's own rows are worth in a layer.
    let add = |hop: usize, node: usize, sum: &mut [f32]| {
        let Some(place) = places.of(node) else { return };
        for (weights, gradient) in reach.layers().iter().zip(gradient.chunks_exact(size.max(1))) {
            if let Some(&weight) = weights.get(hop).filter(|&&weight| weight != 0.0) {
                kernel::axpy(weight, &gradient[place * dim..(place + 1) * dim], sum);
            }
        }
    };
    // What comes out is not given back.
    let (spare, len) = (graph.spare(), n_nodes * dim);
    let numbers = |hop: usize| if hop == 0 { vec![0.0; len] } else { spare.take(len) };
    if depth == 0 {
        let mut gradient = numbers(0);
        by_row(&mut gradient, dim, |node, sum| add(0, node, sum));
        return gradient;
    }
    let mut last = vec![0.0; size];
    by_row(&mut last, dim, |place, sum| add(depth, reach.node(place), sum));
    let mut layer = numbers(depth - 1);
    by_row(&mut layer, dim, |node, sum| {
        places.weighted_rows(of_graph.row(node), &last, sum);
        add(depth - 1, node, sum);
    });
    for hop in (0..depth - 1).rev() {
        let next = multiply(of_graph, &layer, dim, numbers(hop), |node, sum| add(hop, node, sum));
        spare.give(Cow::Owned(std::mem::replace(&mut layer, next)));
    }
    layer
}

impl GraphKernels for Flex {
    fn spread(x: FlexTensor, graph: Arc<Graph>, reach: Arc<Reach>, is_transposed: bool) -> FlexTensor {
        let x = x.to_contiguous();
        let (dim, n_nodes) = (x.shape()[1], graph.n_nodes());
        if is_transposed {
            return matrix(backwards(&graph, &reach, x.storage(), dim), [n_nodes, dim]);
        }
        let rows = reach.layers().len() * reach.n_rows(n_nodes);
        matrix(forwards(&graph, &reach, x.storage(), dim), [rows, dim])
    }
}

/// The definition, of tensor operations, where there is no kernel.
macro_rules! without_kernel {
    ($($(#[$only:meta])* $backend:ident),*) => {
        $(
            $(#[$only])*
            impl GraphKernels for burn::backend::$backend {
                fn spread(
                    x: FloatTensor<Self>,
                    graph: Arc<Graph>,
                    reach: Arc<Reach>,
                    is_transposed: bool,
                ) -> FloatTensor<Self> {
                    let x = Tensor::<2>::from_primitive::<Self>(x);
                    let y = match is_transposed {
                        false => portable::portable(x, &graph, &reach),
                        true => portable::transposed(x, &graph, &reach),
                    };
                    y.try_into_primitive::<Self>().expect("a tensor of the backend that it was made on")
                }
            }
        )*
    };
}

without_kernel! {
    #[cfg(feature = "gpu")]
    Cube,
    #[cfg(feature = "ndarray")]
    NdArray
}

#[derive(Debug)]
struct SpreadBackward;

impl<B: GraphKernels> Backward<B, 1> for SpreadBackward {
    type State = (Arc<Graph>, Arc<Reach>, bool);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [of_x] = ops.parents;
        let gradient = gradients.consume::<B>(&ops.node);
        let (graph, reach, is_transposed) = ops.state;
        if let Some(node) = of_x {
            gradients.register::<B>(node.id, B::spread(gradient, graph, reach, !is_transposed));
        }
    }
}

impl<B: GraphKernels, C: CheckpointStrategy> GraphKernels for Autodiff<B, C> {
    fn spread(
        x: FloatTensor<Self>,
        graph: Arc<Graph>,
        reach: Arc<Reach>,
        is_transposed: bool,
    ) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let y = B::spread(x, Arc::clone(&graph), Arc::clone(&reach), is_transposed);
        match SpreadBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((graph, reach, is_transposed), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}
