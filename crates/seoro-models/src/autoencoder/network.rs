//! The network: one hidden layer between the known cells of a row and those that are learned from.

use super::feed::{Naming, RowBatch};
use super::model::{Asker, AutoencoderModel, Encoder, Scale};
use super::{Layers, RowLoss};
use crate::Side;
use crate::ops::{decode, encode, logistic};
use crate::train::{Init, Network, Parameters, Step, TableId, WeightId};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use seoro_core::{Csr, Matrix};

/// The numbers of a column's side, `[N, K]`: all of them read by every batch, or those of the columns it names.
#[derive(Clone, Copy)]
enum Columns {
    All(WeightId),
    Named(TableId),
}

impl Columns {
    fn read(self, step: &mut Step<'_>, named: Option<&Vec<u32>>) -> Tensor<2> {
        match self {
            Columns::Named(table) => step.rows(table, named.map_or(&[], Vec::as_slice)),
            Columns::All(weight) => step.weight(weight),
        }
    }

    fn matrix(self, parameters: &Parameters) -> Matrix {
        match self {
            Columns::All(weight) => parameters.weight_matrix(weight),
            Columns::Named(table) => parameters.table_matrix(table),
        }
    }
}

/// What the network is for: what its fitted model needs beside the parameters.
pub(super) struct Purpose {
    pub(super) side: Side,
    /// The known cells, by row.
    pub(super) known: Csr,
    /// Which users and items have one.
    pub(super) seen: [Vec<bool>; 2],
    /// Of ratings.
    pub(super) scale: Option<Scale>,
    /// Whether corruption lets nothing in: then nothing goes in when somebody asks either.
    pub(super) is_blind: bool,
}

/// The network: which parameters are what.
pub(super) struct RowNetwork<'a> {
    layers: Layers,
    loss: RowLoss,
    encoder: Columns,
    /// None where it is the encoder.
    decoder: Option<Columns>,
    hidden_bias: WeightId,
    output_bias: Columns,
    /// A node of each row, `[R, K]`.
    nodes: Option<TableId>,
    purpose: &'a Purpose,
}

impl<'a> RowNetwork<'a> {
    /// A new network, its numbers among `parameters`, whose weights decay by `lambda`.
    pub(super) fn new(
        parameters: &mut Parameters,
        (layers, loss): (Layers, RowLoss),
        (weights, biases): (Init, Init),
        lambda: f64,
        naming: Naming,
        purpose: &'a Purpose,
    ) -> Self {
        let (n_rows, n_cols, hidden) = (purpose.known.rows(), purpose.known.cols(), layers.hidden);
        let mut columns = |name: &str, width: usize, init: Init, lambda: f64| {
            if naming != Naming::All {
                let table = parameters.table(name, [n_cols, width], init);
                parameters.decay_table(table, lambda);
                Columns::Named(table)
            } else {
                let weight = parameters.weight(name, [n_cols, width], init);
                parameters.decay_weight(weight, lambda);
                Columns::All(weight)
            }
        };
        let encoder = columns("encoder", hidden, weights, lambda);
        let decoder = (!layers.tied).then(|| columns("decoder", hidden, weights, lambda));
        let of_biases = if layers.decays_biases { lambda } else { 0.0 };
        let output_bias = columns("output.bias", 1, biases, of_biases);
        let hidden_bias = parameters.weight("hidden.bias", [1, hidden], biases);
        parameters.decay_weight(hidden_bias, of_biases);
        let nodes = layers.nodes.then(|| {
            let nodes = parameters.table("nodes", [n_rows, hidden], weights);
            parameters.decay_table(nodes, lambda);
            nodes
        });
        Self { layers, loss, encoder, decoder, hidden_bias, output_bias, nodes, purpose }
    }

    /// What comes out at the cells that are learned from, before the last activation: `[C, 1]`.
    pub(super) fn outputs(&self, batch: &RowBatch, step: &mut Step<'_>) -> Tensor<2> {
        let named = batch.columns.as_ref();
        let encoder = self.encoder.read(step, named.map(|named| &named.input)); // [N, K]
        let sums = encode(encoder.clone(), &batch.input) + step.weight(self.hidden_bias); // [B, K]
        let sums = match self.nodes {
            Some(nodes) => sums + step.rows(nodes, &batch.rows),
            None => sums,
        };
        let hidden = self.layers.hidden_activation.of(sums);
        let hidden = if self.layers.binary { thresholded(hidden) } else { hidden };
        let of_output = named.map(|named| &named.output);
        let decoder = self.decoder.map_or(encoder, |decoder| decoder.read(step, of_output));
        let bias = self.output_bias.read(step, of_output); // [N, 1]
        decode(hidden, decoder, bias, &batch.output)
    }

    /// What the hidden layer makes of each row that has a known cell: `[R, K]`.
    fn encoded(&self, encoder: &Encoder) -> Matrix {
        let known = &self.purpose.known;
        let width = self.layers.hidden;
        let mut hidden = Matrix::zeros(known.rows(), width);
        hidden.as_mut_slice().par_chunks_exact_mut(width).enumerate().for_each(|(row, hidden)| {
            let cells = (known.columns(row), known.values(row));
            encoder.encode(cells, encoder.nodes.as_ref().map(|nodes| nodes.row(row)), hidden);
        });
        hidden
    }
}

/// 1 where a number is above ½, else 0, with the gradient of the number itself (straight through).
fn thresholded(hidden: Tensor<2>) -> Tensor<2> {
    let bits = hidden.clone().inner().greater_elem(0.5).float().autodiff();
    let rest = hidden.clone().inner().autodiff();
    // What is subtracted is the number itself, so that only the bit is left.
    hidden - rest + bits
}

impl Network for RowNetwork<'_> {
    type Batch = RowBatch;
    type Fitted = AutoencoderModel;

    /// The mean over rows of the sum over cells.
    fn loss(&self, batch: &RowBatch, step: &mut Step<'_>) -> Tensor<1> {
        let outputs = self.outputs(batch, step);
        let (n_rows, n_cells) = (batch.rows.len() as f64, batch.output.len());
        match self.loss {
            RowLoss::Logistic => logistic(outputs, batch.output.values()) * (n_cells as f64 / n_rows),
            RowLoss::Squared => {
                let device = step.device().clone();
                let targets = TensorData::new(batch.output.values().to_vec(), [n_cells, 1]);
                let targets = Tensor::<2>::from_data(targets, &device).autodiff();
                // Of ratings, whatever they are learned as.
                let unit = self.purpose.scale.map_or(1.0, |scale| f64::from(scale.unit));
                let errors = self.layers.output_activation.of(outputs) - targets;
                errors.square().sum() * (unit * unit / n_rows)
            }
        }
    }

    fn fitted(&self, parameters: &Parameters) -> AutoencoderModel {
        let Purpose { side, seen: [users, items], scale, is_blind, .. } = self.purpose;
        let encoder = Encoder {
            weight: self.encoder.matrix(parameters),
            bias: parameters.weight_matrix(self.hidden_bias).into_vec(),
            nodes: self.nodes.map(|nodes| parameters.table_matrix(nodes)),
            activation: self.layers.hidden_activation,
            binary: self.layers.binary,
            values: scale.is_some(),
            is_blind: *is_blind,
        };
        let decoder = self.decoder.unwrap_or(self.encoder).matrix(parameters);
        let bias = self.output_bias.matrix(parameters).into_vec();
        let biased = with_last(&decoder, |row| bias[row]);
        let (asker, items_side) = match side {
            Side::Users => (Asker::rows(encoder, users), biased),
            Side::Items => (Asker::columns(biased, users), with_last(&self.encoded(&encoder), |_| 1.0)),
        };
        AutoencoderModel::new(asker, items_side, items.clone(), *scale)
    }
}

/// The matrix with one more number in each row.
fn with_last(matrix: &Matrix, last: impl Fn(usize) -> f32) -> Matrix {
    let width = matrix.cols();
    let mut longer = Matrix::zeros(matrix.rows(), width + 1);
    for row in 0..matrix.rows() {
        let numbers = longer.row_mut(row);
        numbers[..width].copy_from_slice(matrix.row(row));
        numbers[width] = last(row);
    }
    longer
}
