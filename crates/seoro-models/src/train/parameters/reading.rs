//! What a batch reads of the parameters.

use super::{Parameters, TableId, WeightId};
use crate::ops::rows::gather;
use burn::tensor::{Device, Tensor};
use seoro_core::{Rng, Seed};

/// What a batch read of a parameter: a leaf of the graph.
pub(crate) struct Leaf {
    pub(super) parameter: usize,
    /// Of a table: the rows.
    pub(super) rows: Option<Vec<u32>>,
    pub(super) tensor: Tensor<2>,
}

/// A batch on its way through a network: gives out parameters, and remembers which.
pub struct Step<'a> {
    parameters: &'a mut Parameters,
    leaves: Vec<Leaf>,
    seed: Seed,
}

impl<'a> Step<'a> {
    /// The step of a batch, whose random streams come from `seed`.
    pub fn new(parameters: &'a mut Parameters, seed: Seed) -> Self {
        Self { parameters, leaves: Vec::new(), seed }
    }

    /// The device of the parameters.
    pub fn device(&self) -> &Device {
        &self.parameters.device
    }

    /// The rows `[B, D]` of a table.
    ///
    /// # Panics
    /// Where a row lies outside the table.
    pub fn rows(&mut self, table: TableId, rows: &[u32]) -> Tensor<2> {
        let parameter = &mut self.parameters.list[table.0];
        parameter.settle(Some(rows));
        let taken = gather(&parameter.values, parameter.shape, rows);
        self.leaf(table.0, Some(rows.to_vec()), taken)
    }

    /// A weight.
    pub fn weight(&mut self, weight: WeightId) -> Tensor<2> {
        if let Some(leaf) = self.leaves.iter().find(|leaf| leaf.parameter == weight.0) {
            return leaf.tensor.clone();
        }
        let values = self.parameters.list[weight.0].values.tensor();
        self.leaf(weight.0, None, values)
    }

    /// The stream of random numbers called `name`, of this batch alone.
    pub fn rng(&self, name: &str) -> Rng {
        self.seed.child(name).rng()
    }

    /// The seed called `name`, of this batch alone.
    pub fn seed(&self, name: &str) -> Seed {
        self.seed.child(name)
    }

    fn leaf(&mut self, parameter: usize, rows: Option<Vec<u32>>, values: Tensor<2>) -> Tensor<2> {
        let tensor = values.autodiff().require_grad();
        self.leaves.push(Leaf { parameter, rows, tensor: tensor.clone() });
        tensor
    }

    pub(crate) fn leaves(self) -> Vec<Leaf> {
        self.leaves
    }
}
