//! The numbers that are learned.

mod parameter;
mod reading;

pub(crate) use reading::Leaf;
pub use reading::Step;

use super::descent::Optimizer;
use crate::ops::arrears::Arrears;
use crate::ops::numbers::{Numbers, flex, is_host};
use crate::ops::rows::RowSums;
use crate::ops::step::{self, DeviceGradient, OnDevice, Rule};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Device, Gradients, Tensor};
use parameter::Parameter;
use seoro_core::{Matrix, Rng, Seed};
use serde::{Deserialize, Serialize};

/// What numbers are before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Init {
    /// Zeros.
    Zeros,
    /// Normal, with this standard deviation.
    Normal(f64),
    /// Uniform between −limit and limit.
    Uniform(f64),
    /// Uniform with the variance `2 / (D + H)` of a weight `[D, H]` (Glorot and Bengio 2010).
    Glorot,
    /// Uniform with the variance `1 / D` of a weight `[D, H]` (LeCun et al. 1998).
    Lecun,
}

impl Init {
    /// A matrix of these numbers, drawn from `seed`.
    pub(crate) fn matrix(self, shape: [usize; 2], seed: Seed) -> Matrix {
        // As many numbers as the shape has.
        Matrix::from_vec(shape[0], shape[1], self.draw(shape, &mut seed.rng())).unwrap_or_default()
    }

    fn draw(self, [rows, cols]: [usize; 2], rng: &mut Rng) -> Vec<f32> {
        let limit = match self {
            Init::Zeros | Init::Normal(_) => 0.0,
            Init::Uniform(limit) => limit,
            Init::Glorot => (6.0 / (rows + cols) as f64).sqrt(),
            Init::Lecun => (3.0 / rows as f64).sqrt(),
        };
        let number = |_| match self {
            Init::Zeros => 0.0,
            Init::Normal(std) => (std * rng.normal()) as f32,
            _ => (limit * (2.0 * rng.unit() - 1.0)) as f32,
        };
        (0..rows * cols).map(number).collect()
    }
}

/// A table of rows, of which a batch reads some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(usize);

/// A weight, of which a batch reads all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightId(usize);

/// The numbers that are learned, on one device, by name.
#[derive(Clone, Debug)]
pub struct Parameters {
    device: Device,
    /// Whether kernels of ours run there.
    has_kernels: bool,
    seed: Seed,
    list: Vec<Parameter>,
    /// Steps taken.
    count: u64,
}

/// A parameter in a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Saved {
    name: String,
    shape: [usize; 2],
    values: Vec<f32>,
    moments: Vec<Vec<f32>>,
}

/// Parameters in a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    list: Vec<Saved>,
    count: u64,
}

impl Parameters {
    /// No parameter yet; those to come are drawn from streams of `seed` that are named after them.
    pub fn new(device: &Device, seed: Seed) -> Self {
        Self { device: device.clone(), has_kernels: is_host(device), seed, list: Vec::new(), count: 0 }
    }

    /// The same without a kernel of ours: the oracle.
    #[cfg(test)]
    pub(crate) fn portable(device: &Device, seed: Seed) -> Self {
        Self { has_kernels: false, ..Self::new(device, seed) }
    }

    fn numbers(&self, numbers: Vec<f32>, shape: [usize; 2]) -> Numbers {
        Numbers::new(numbers, shape, &self.device, self.has_kernels)
    }

    /// A new table `[rows, dim]`.
    ///
    /// # Panics
    /// Where there is a parameter of this name.
    pub fn table(&mut self, name: &str, shape: [usize; 2], init: Init) -> TableId {
        TableId(self.add(name, shape, init, RowSums::new(shape[0])))
    }

    /// A new weight `[rows, cols]`.
    ///
    /// # Panics
    /// Where there is a parameter of this name.
    pub fn weight(&mut self, name: &str, shape: [usize; 2], init: Init) -> WeightId {
        WeightId(self.add(name, shape, init, RowSums::default()))
    }

    /// Adds a parameter, whose name is its own: it names the stream that its numbers are drawn from.
    fn add(&mut self, name: &str, shape: [usize; 2], init: Init, sums: RowSums) -> usize {
        assert!(self.list.iter().all(|own| own.name != name), "a second parameter is called {name:?}");
        let numbers = init.draw(shape, &mut self.seed.child(name).rng());
        let values = self.numbers(numbers, shape);
        let arrears = Arrears::new(sums.n_rows());
        let name = name.to_owned();
        self.list.push(Parameter { name, shape, values, moments: Vec::new(), decay: 0.0, sums, arrears });
        self.list.len() - 1
    }

    /// Adds `λ/2 ‖W‖²` to what is minimised, for a weight `W`: `λ W` to its gradient, and nothing to the loss that is reported.
    pub fn decay_weight(&mut self, weight: WeightId, lambda: f64) {
        self.list[weight.0].decay = lambda as f32;
    }

    /// The same for the rows of a table, each in those steps that read it.
    pub fn decay_table(&mut self, table: TableId, lambda: f64) {
        self.list[table.0].decay = lambda as f32;
    }

    /// A copy of a table as it is now.
    pub fn table_matrix(&self, table: TableId) -> Matrix {
        self.list[table.0].matrix()
    }

    /// A copy of a weight as it is now.
    pub fn weight_matrix(&self, weight: WeightId) -> Matrix {
        self.list[weight.0].matrix()
    }

    /// All of them, by name, as they are now.
    pub fn named(&self) -> impl Iterator<Item = (&str, Matrix)> {
        self.list.iter().map(|parameter| (parameter.name.as_str(), parameter.matrix()))
    }

    /// Replaces the numbers of those that are named.
    ///
    /// # Panics
    /// Where there is no such name, or a shape differs.
    pub fn set_named<'a>(&mut self, values: impl IntoIterator<Item = (&'a str, Matrix)>) {
        for (name, values) in values {
            let place = self.list.iter().position(|parameter| parameter.name == name);
            let place = place.expect("a parameter of this name");
            let shape = [values.rows(), values.cols()];
            assert_eq!(shape, self.list[place].shape, "numbers of the shape of {name}");
            self.list[place].values = self.numbers(values.as_slice().to_vec(), shape);
        }
    }

    /// Has all rows take the steps that they are behind by: before anything but a step reads the numbers.
    pub(crate) fn settle(&mut self) {
        self.list.iter_mut().for_each(|parameter| parameter.settle(None));
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.list.iter().all(|parameter| parameter.values.to_vec().iter().all(|number| number.is_finite()))
    }

    pub(crate) fn is_on_host(&self) -> bool {
        self.has_kernels
    }

    pub(crate) fn memory(&self) -> Memory {
        assert!(self.list.iter().all(|parameter| parameter.arrears.is_empty()), "settled");
        let saved = |parameter: &Parameter| Saved {
            name: parameter.name.clone(),
            shape: parameter.shape,
            values: parameter.values.to_vec(),
            moments: parameter.moments.iter().map(Numbers::to_vec).collect(),
        };
        Memory { list: self.list.iter().map(saved).collect(), count: self.count }
    }

    /// Takes back what [`Parameters::memory`] gave; whether it is of these parameters.
    pub(crate) fn recall(&mut self, memory: Memory) -> bool {
        let fits = |(own, saved): (&Parameter, &Saved)| {
            let numbers = own.shape[0] * own.shape[1];
            let is_whole = |values: &Vec<f32>| values.len() == numbers;
            (&own.name, own.shape) == (&saved.name, saved.shape)
                && is_whole(&saved.values)
                && saved.moments.iter().all(is_whole)
        };
        if self.list.len() != memory.list.len() || !self.list.iter().zip(&memory.list).all(fits) {
            return false;
        }
        for (own, saved) in self.list.iter_mut().zip(memory.list) {
            let of = |values: Vec<f32>| Numbers::new(values, own.shape, &self.device, self.has_kernels);
            let moments = saved.moments.into_iter().map(of).collect();
            own.values = Numbers::new(saved.values, own.shape, &self.device, self.has_kernels);
            own.moments = moments;
        }
        self.count = memory.count;
        true
    }

    /// Moves all that `leaves` have a gradient of.
    pub(crate) fn follow(
        &mut self,
        leaves: Vec<Leaf>,
        gradients: &mut Gradients,
        (optimizer, rate): (Optimizer, f64),
        clip: Option<f64>,
    ) {
        self.count += 1;
        self.ready(optimizer);
        let found = leaves.into_iter().filter_map(|leaf| {
            let gradient = leaf.tensor.grad_remove(gradients)?;
            Some((leaf.parameter, leaf.rows, gradient))
        });
        let found: Vec<Found> = found.collect();
        if self.is_on_host() {
            self.follow_on_host(found, Rule::new(optimizer, rate, self.count), clip);
        } else {
            self.follow_on_device(found, (optimizer, rate, self.count), clip);
        }
    }

    /// Gives each parameter the moments of the optimiser.
    fn ready(&mut self, optimizer: Optimizer) {
        for parameter in self.list.iter_mut().filter(|own| own.moments.len() != optimizer.moments()) {
            let numbers = parameter.shape[0] * parameter.shape[1];
            let start = vec![optimizer.initial(); numbers];
            let moment = || Numbers::new(start.clone(), parameter.shape, &self.device, self.has_kernels);
            parameter.moments = (0..optimizer.moments()).map(|_| moment()).collect();
        }
    }

    fn follow_on_host(&mut self, found: Vec<Found>, rule: Rule, clip: Option<f64>) {
        let mut whole: Vec<Option<FlexTensor>> = vec![None; self.list.len()];
        for (place, rows, gradient) in found {
            let Some(gradient) = flex(gradient) else { continue };
            match rows {
                Some(rows) => {
                    let own = &mut self.list[place];
                    own.sums.add(&rows, gradient.storage(), own.shape[1]);
                }
                None => whole[place] = Some(gradient),
            }
        }
        self.list.iter_mut().zip(&mut whole).for_each(|(own, dense)| own.add_decay(dense.as_mut()));
        if let Some(most) = clip {
            let squares = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
            let dense = whole.iter().flatten().map(|gradient| squares(gradient.storage()));
            let dense: f64 = dense.sum();
            let rows: f64 = self.list.iter_mut().map(|parameter| squares(parameter.sums.all())).sum();
            let by = (most / (dense + rows).sqrt()).min(1.0) as f32;
            let scale = |numbers: &mut [f32]| numbers.iter_mut().for_each(|x| *x *= by);
            whole.iter_mut().flatten().for_each(|gradient| scale(gradient.storage_mut()));
            self.list.iter_mut().for_each(|parameter| scale(parameter.sums.all()));
        }
        let due = self.list.iter_mut().zip(&whole).filter_map(|(own, dense)| own.due(rule, dense.as_ref()));
        let due = due.collect();
        step::on_host(rule, due);
        self.list.iter_mut().for_each(|parameter| parameter.sums.clear());
    }

    fn follow_on_device(&mut self, found: Vec<Found>, at: (Optimizer, f64, u64), clip: Option<f64>) {
        let mut by_parameter: Vec<Option<DeviceGradient>> = (0..self.list.len()).map(|_| None).collect();
        for (place, rows, gradient) in found {
            let n_rows = self.list[place].shape[0];
            by_parameter[place] = Some(match (rows, by_parameter[place].take()) {
                (None, _) => DeviceGradient::Dense(gradient),
                (Some(more), Some(DeviceGradient::Rows { mut rows, gradients, .. })) => {
                    rows.extend(more);
                    DeviceGradient::Rows {
                        n_rows,
                        rows,
                        gradients: Tensor::cat(vec![gradients, gradient], 0),
                    }
                }
                (Some(rows), _) => DeviceGradient::Rows { n_rows, rows, gradients: gradient },
            });
        }
        let decayed = |(found, own): (Option<DeviceGradient>, &Parameter)| {
            found.map(|found| found.whole(at.0, (own.decay, &own.values)))
        };
        let mut whole: Vec<_> = by_parameter.into_iter().zip(&self.list).map(decayed).collect();
        if let Some(most) = clip {
            let squares = whole.iter().flatten().map(|(gradient, _)| gradient.clone().square().sum());
            let norm = squares.reduce(|a, b| a + b).map(Tensor::sqrt);
            if let Some(norm) = norm {
                let by = (norm.recip() * most).clamp_max(1.0).reshape([1, 1]);
                whole
                    .iter_mut()
                    .flatten()
                    .for_each(|(gradient, _)| *gradient = gradient.clone() * by.clone());
            }
        }
        for (own, found) in self.list.iter_mut().zip(whole) {
            if let Some((gradient, touched)) = found {
                let parameter = OnDevice { values: &mut own.values, moments: &mut own.moments };
                step::portable(at, parameter, gradient, touched);
            }
        }
    }
}

#[cfg(test)]
impl Parameters {
    /// The moments of a table.
    pub(crate) fn moments(&self, table: TableId) -> Vec<Vec<f32>> {
        self.list[table.0].moments.iter().map(Numbers::to_vec).collect()
    }

    /// The gradient of each parameter that has one, by name, of its whole shape.
    pub(crate) fn whole_gradients(&self, leaves: Vec<Leaf>, loss: &Tensor<1>) -> Vec<(String, Vec<f32>)> {
        let mut gradients = loss.backward();
        let mut found: Vec<(String, Vec<f32>)> = Vec::new();
        for leaf in leaves {
            let parameter = &self.list[leaf.parameter];
            let [rows, cols] = parameter.shape;
            let Some(gradient) = leaf.tensor.grad_remove(&mut gradients) else { continue };
            let gradient = crate::ops::numbers::host_numbers(gradient);
            let places = leaf.rows.unwrap_or_else(|| (0..rows as u32).collect());
            let mut whole = vec![0.0; rows * cols];
            for (&row, gradient) in places.iter().zip(gradient.chunks_exact(cols)) {
                let start = row as usize * cols;
                whole[start..start + cols].iter_mut().zip(gradient).for_each(|(x, g)| *x += g);
            }
            found.push((parameter.name.clone(), whole));
        }
        found
    }
}

/// A parameter's place, the rows read of it, and the gradient of what was read.
type Found = (usize, Option<Vec<u32>>, Tensor<2>);
