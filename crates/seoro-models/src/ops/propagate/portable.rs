//! The definition, of tensor operations: what runs on every device without a kernel, and the oracle of the tests.
//!
//! Entries are gathered, never scattered, so that no two writes meet: each node's are summed some at a time, and the sums
//! again, until there is one for each node. Few are laid out at once, whatever the graph has.

use super::Reach;
use crate::graph::{Graph, Weighted};
use burn::tensor::{Device, Int, Tensor, TensorData};
use std::sync::Arc;

/// How many numbers one sum adds.
const FAN: usize = 16;
/// Sums that are laid out at once.
const SUMS: usize = 1 << 14;

/// A sparse matrix on a device, as stages of sums.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    device: Device,
    stages: Vec<Stage>,
    /// By node the place of its sum, that of the zeros where it has no neighbour: `[N]`.
    at: Tensor<1, Int>,
}

/// Sums of at most [`FAN`] rows each.
#[derive(Clone, Debug)]
struct Stage {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
struct Block {
    count: usize,
    /// The rows that are added, those beyond the last being zeros: `[count · FAN]`.
    taken: Tensor<1, Int>,
    /// What they are multiplied by, in the first stage: `[count · FAN, 1]`.
    weights: Option<Tensor<2>>,
}

impl Layout {
    fn new(matrix: Weighted<'_>, device: &Device) -> Self {
        let n_nodes = matrix.n_nodes();
        let mut counts: Vec<usize> = (0..n_nodes).map(|node| matrix.row(node).0.len()).collect();
        let (mut stages, mut n_rows) = (Vec::new(), n_nodes);
        while stages.is_empty() || counts.iter().any(|&count| count > 1) {
            let of_entries = stages.is_empty();
            let (mut taken, mut weights, mut next) = (Vec::new(), Vec::new(), 0);
            for (node, count) in counts.iter_mut().enumerate() {
                let (neighbours, own) = if of_entries { matrix.row(node) } else { (&[][..], &[][..]) };
                for first in (0..*count).step_by(FAN) {
                    let part = first..(first + FAN).min(*count);
                    let missing = FAN - part.len();
                    match of_entries {
                        true => taken.extend(neighbours[part.clone()].iter().map(|&row| row as i32)),
                        false => taken.extend(part.clone().map(|place| (next + place) as i32)),
                    }
                    taken.extend(std::iter::repeat_n(n_rows as i32, missing));
                    weights.extend_from_slice(own.get(part).unwrap_or_default());
                    weights.extend(std::iter::repeat_n(0.0, if of_entries { missing } else { 0 }));
                }
                next += *count;
                *count = count.div_ceil(FAN);
            }
            n_rows = taken.len() / FAN;
            stages.push(Stage::new(&taken, &weights, device));
        }
        let mut next = 0;
        let at = counts.iter().map(|&count| {
            let place = if count == 0 { n_rows } else { next };
            next += count;
            place as i32
        });
        let at = Tensor::from_data(TensorData::new(at.collect::<Vec<i32>>(), [n_nodes]), device);
        Self { device: device.clone(), stages, at }
    }

    /// The product of the matrix and `x` `[N, D]`.
    fn times(&self, x: Tensor<2>) -> Tensor<2> {
        let last = |sums: Tensor<2>, stage: &Stage| stage.sums(with_zeros(sums));
        with_zeros(self.stages.iter().fold(x, last)).select(0, self.at.clone())
    }
}

impl Stage {
    fn new(taken: &[i32], weights: &[f32], device: &Device) -> Self {
        let block = |(place, taken): (usize, &[i32])| {
            let own = weights.chunks(SUMS * FAN).nth(place);
            let column = |own: &[f32]| TensorData::new(own.to_vec(), [own.len(), 1]);
            Block {
                count: taken.len() / FAN,
                taken: Tensor::from_data(TensorData::new(taken.to_vec(), [taken.len()]), device),
                weights: own.map(|own| Tensor::from_data(column(own), device)),
            }
        };
        Self { blocks: taken.chunks(SUMS * FAN).enumerate().map(block).collect() }
    }

    /// `[sums, D]` of rows of which the last is zeros.
    fn sums(&self, rows: Tensor<2>) -> Tensor<2> {
        let [_, dim] = rows.dims();
        let sums = self.blocks.iter().map(|block| {
            let taken = rows.clone().select(0, block.taken.clone());
            let taken = match &block.weights {
                Some(weights) => taken * alike(weights.clone(), &rows),
                None => taken,
            };
            taken.reshape([block.count, FAN, dim]).sum_dim(1).reshape([block.count, dim])
        });
        let sums: Vec<Tensor<2>> = sums.collect();
        match sums.is_empty() {
            true => rows.clone().slice([rows.dims()[0] - 1..rows.dims()[0], 0..dim]),
            false => Tensor::cat(sums, 0),
        }
    }
}

/// `constant` as what `of` can be computed with.
fn alike(constant: Tensor<2>, of: &Tensor<2>) -> Tensor<2> {
    if of.is_autodiff() { constant.autodiff() } else { constant }
}

/// The rows and one of zeros.
fn with_zeros(rows: Tensor<2>) -> Tensor<2> {
    let device = rows.device().without_autodiff();
    let zeros = alike(Tensor::zeros([1, rows.dims()[1]], &device), &rows);
    Tensor::cat(vec![rows, zeros], 0)
}

/// The graph's matrix and its transpose on a device: kept by the graph for the first device that asks.
fn layouts(graph: &Graph, device: &Device) -> Arc<[Layout; 2]> {
    let new = || {
        let matrix = Layout::new(graph.matrix(false), device);
        let transpose =
            if graph.is_symmetric() { matrix.clone() } else { Layout::new(graph.matrix(true), device) };
        Arc::new([matrix, transpose])
    };
    let kept = graph.layouts.get_or_init(new);
    if kept[0].device == *device { Arc::clone(kept) } else { new() }
}

/// Indices on a device.
fn places(places: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let count = places.len();
    Tensor::from_data(TensorData::new(places, [count]), device)
}

/// `Y` of `X`.
pub(crate) fn portable(x: Tensor<2>, graph: &Graph, reach: &Reach) -> Tensor<2> {
    let device = x.device().without_autodiff();
    let of_graph = layouts(graph, &device);
    let n_rows = reach.n_rows(graph.n_nodes());
    let rows = places((0..n_rows).map(|row| reach.node(row) as i32).collect(), &device);
    let [_, dim] = x.dims();
    let zeros = || alike(Tensor::zeros([n_rows, dim], &device), &x);
    let mut out: Vec<Tensor<2>> = reach.layers().iter().map(|_| zeros()).collect();
    let mut layer = x.clone();
    for hop in 0..=reach.depth() {
        if hop > 0 {
            layer = of_graph[0].times(layer);
        }
        for (weights, out) in reach.layers().iter().zip(&mut out) {
            if let Some(&weight) = weights.get(hop).filter(|&&weight| weight != 0.0) {
                *out = out.clone() + layer.clone().select(0, rows.clone()) * weight;
            }
        }
    }
    Tensor::cat(out, 0)
}

/// `∂L/∂X` of `∂L/∂Y`.
pub(crate) fn transposed(gradient: Tensor<2>, graph: &Graph, reach: &Reach) -> Tensor<2> {
    let device = gradient.device().without_autodiff();
    let (n_nodes, of_graph) = (graph.n_nodes(), layouts(graph, &device));
    let (n_rows, [_, dim]) = (reach.n_rows(n_nodes), gradient.dims());
    let of_nodes = reach.places(n_nodes);
    let at = (0..n_nodes).map(|node| of_nodes.of(node).unwrap_or(n_rows) as i32);
    let at = places(at.collect(), &device);
    let own = |place: usize| {
        let block = gradient.clone().slice([place * n_rows..(place + 1) * n_rows, 0..dim]);
        with_zeros(block).select(0, at.clone())
    };
    let own: Vec<Tensor<2>> = (0..reach.layers().len()).map(own).collect();
    let mut sum: Tensor<2> = Tensor::zeros([n_nodes, dim], &device);
    for hop in (0..=reach.depth()).rev() {
        if hop < reach.depth() {
            sum = of_graph[1].times(sum);
        }
        for (weights, own) in reach.layers().iter().zip(&own) {
            if let Some(&weight) = weights.get(hop).filter(|&&weight| weight != 0.0) {
                sum = sum + own.clone() * weight;
            }
        }
    }
    sum
}
