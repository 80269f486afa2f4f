//! The network: one or both of the parts, and the layer that joins them.

use super::model::{Embeddings, Layer, NcfModel, Tower};
use crate::ops::{Activation, dense, logistic};
use crate::train::{Init, Network, PairBatch, Parameters, Step, TableId, WeightId};
use burn::tensor::Tensor;
use seoro_core::Matrix;

/// The sizes of the MLP part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) factors: usize,
    pub(super) layers: usize,
    pub(super) embedding: Option<usize>,
}

impl Sizes {
    /// The length of an embedding.
    pub(super) fn embedding(self) -> usize {
        self.embedding.unwrap_or_else(|| (self.factors << self.layers).div_ceil(2))
    }

    /// The widths of the layers, with the input's before them.
    pub(super) fn widths(self) -> Vec<usize> {
        let layers = (0..self.layers).rev().map(|above| self.factors << above);
        std::iter::once(2 * self.embedding()).chain(layers).collect()
    }
}

/// Tables of the users and the items.
#[derive(Clone, Copy)]
struct Pair {
    users: TableId,
    items: TableId,
}

struct MlpPart {
    tables: Pair,
    /// Weight and bias of each layer.
    layers: Vec<(WeightId, WeightId)>,
}

/// The network: which parameters are what.
pub(super) struct NcfNetwork {
    gmf: Option<Pair>,
    mlp: Option<MlpPart>,
    /// `h`, `[D, 1]`, and `b`.
    head: (WeightId, WeightId),
    /// Users with a training event.
    trained: Vec<bool>,
}

impl NcfNetwork {
    /// A new network of these sizes, its numbers among `parameters`.
    pub(super) fn new(
        parameters: &mut Parameters,
        (gmf, mlp): (Option<usize>, Option<Sizes>),
        (trained, n_items): (Vec<bool>, usize),
        init_std: f64,
    ) -> Self {
        let tables = |parameters: &mut Parameters, part: &str, dim: usize| Pair {
            users: parameters.table(&format!("{part}.users"), [trained.len(), dim], Init::Normal(init_std)),
            items: parameters.table(&format!("{part}.items"), [n_items, dim], Init::Normal(init_std)),
        };
        let widths = mlp.map_or_else(Vec::new, Sizes::widths);
        let joined = gmf.unwrap_or(0) + widths.last().copied().unwrap_or(0);
        let gmf = gmf.map(|dim| tables(parameters, "gmf", dim));
        let mlp = mlp.map(|sizes| MlpPart {
            tables: tables(parameters, "mlp", sizes.embedding()),
            layers: (1..widths.len())
                .map(|layer| {
                    let shape = [widths[layer - 1], widths[layer]];
                    let weight = parameters.weight(&format!("mlp.{layer}.weight"), shape, Init::Glorot);
                    (weight, parameters.weight(&format!("mlp.{layer}.bias"), [1, shape[1]], Init::Zeros))
                })
                .collect(),
        });
        let head = parameters.weight("head.weight", [joined, 1], Init::Lecun);
        let head = (head, parameters.weight("head.bias", [1, 1], Init::Zeros));
        Self { gmf, mlp, head, trained }
    }

    /// The scores of pairs, `[B, 1]`.
    pub(super) fn scores(&self, batch: &PairBatch, step: &mut Step<'_>) -> Tensor<2> {
        let gmf = self.gmf.map(|tables| {
            step.rows(tables.users, &batch.users) * step.rows(tables.items, &batch.items) // [B, F]
        });
        let mlp = self.mlp.as_ref().map(|part| {
            let (users, items) =
                (step.rows(part.tables.users, &batch.users), step.rows(part.tables.items, &batch.items));
            part.layers.iter().fold(Tensor::cat(vec![users, items], 1), |x, layer| {
                dense(x, step.weight(layer.0), step.weight(layer.1), Activation::Relu) // [B, H_l]
            })
        });
        let mut parts: Vec<Tensor<2>> = [gmf, mlp].into_iter().flatten().collect();
        let joined = if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 1) };
        dense(joined, step.weight(self.head.0), step.weight(self.head.1), Activation::Linear)
    }
}

/// Takes over the parts of a GMF and an MLP, whose numbers have the same names in all; their last layers, weighted by α and
/// 1 − α.
pub(super) fn take_over(parameters: &mut Parameters, gmf: &Parameters, mlp: &Parameters, alpha: f64) {
    let is_head = |name: &str| name.starts_with("head.");
    let parts = gmf.named().chain(mlp.named()).filter(|(name, _)| !is_head(name));
    parameters.set_named(parts);
    let share = |from: &Parameters, wanted: &str, share: f64| -> Vec<f32> {
        let (_, values) = from.named().find(|(name, _)| *name == wanted).unwrap_or_default();
        values.as_slice().iter().map(|&x| x * share as f32).collect()
    };
    let of_both = |name: &str| (share(gmf, name, alpha), share(mlp, name, 1.0 - alpha));
    let ((first, second), (a, b)) = (of_both("head.weight"), of_both("head.bias"));
    let column = |numbers: Vec<f32>| Matrix::from_vec(numbers.len(), 1, numbers).unwrap_or_default();
    let bias = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    let weight = [first, second].concat();
    parameters.set_named([("head.weight", column(weight)), ("head.bias", column(bias))]);
}

impl Network for NcfNetwork {
    type Batch = PairBatch;
    type Fitted = NcfModel;

    fn loss(&self, batch: &PairBatch, step: &mut Step<'_>) -> Tensor<1> {
        logistic(self.scores(batch, step), &batch.labels)
    }

    fn fitted(&self, parameters: &Parameters) -> NcfModel {
        let embeddings = |tables: Pair| {
            let (users, items) =
                (parameters.table_matrix(tables.users), parameters.table_matrix(tables.items));
            Embeddings::new(users, items, &self.trained)
        };
        let head = parameters.weight_matrix(self.head.0);
        let bias = parameters.weight_matrix(self.head.1).as_slice()[0];
        let gmf = self.gmf.map(embeddings);
        let (first, second) = head.as_slice().split_at(gmf.as_ref().map_or(0, Embeddings::dim));
        let layer = |&(weight, bias): &(WeightId, WeightId)| Layer {
            weight: parameters.weight_matrix(weight),
            bias: parameters.weight_matrix(bias).as_slice().to_vec(),
        };
        let tower = self.mlp.as_ref().map(|part| Tower {
            embeddings: embeddings(part.tables),
            layers: part.layers.iter().map(layer).collect(),
            head: second.to_vec(),
        });
        NcfModel::new(gmf, first, tower, bias, self.trained.clone())
    }
}
