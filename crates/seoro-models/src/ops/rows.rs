//! Rows of a table: a batch reads few of them, and only these get a gradient.
//!
//! `y_b = T[r_b]`, so `∂L/∂T[r] = Σ_{b: r_b = r} ∂L/∂y_b`: the gathered rows `[B, D]` are a leaf of the graph, and their
//! gradients are summed by row afterwards, in the order of the batch. No gradient of the table's size is made on the
//! processor; elsewhere it is gathered, not scattered, so that no two writes meet: the same bytes each time.

use super::numbers::Numbers;
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Device, Int, Tensor, TensorData};
use seoro_core::kernel;

/// The rows `[B, D]` of a table `[R, D]`, as a tensor apart from it.
///
/// # Panics
/// Where a row lies outside the table.
pub(crate) fn gather(table: &Numbers, [n_rows, dim]: [usize; 2], rows: &[u32]) -> Tensor<2> {
    assert!(rows.iter().all(|&row| (row as usize) < n_rows), "rows of a table of {n_rows}");
    match table {
        Numbers::Host(numbers) => {
            let all = numbers.storage::<f32>();
            let mut taken = Vec::with_capacity(rows.len() * dim);
            rows.iter()
                .for_each(|&row| taken.extend_from_slice(&all[row as usize * dim..(row as usize + 1) * dim]));
            Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(taken, [rows.len(), dim])))
        }
        Numbers::Device(tensor) => {
            let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
            tensor.clone().select(0, places(rows, &tensor.device()))
        }
    }
}

fn places(places: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let count = places.len();
    Tensor::from_data(TensorData::new(places, [count]), device)
}

/// No place.
const NONE: u32 = u32::MAX;

/// The gradients of a step, summed by row. Kept from step to step, so that its memory is.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowSums {
    /// By row of the table, its place among those that have a gradient.
    places: Vec<u32>,
    /// The rows that have one, in the order they were met in.
    rows: Vec<u32>,
    /// `[rows, D]`.
    sums: Vec<f32>,
}

impl RowSums {
    pub(crate) fn new(n_rows: usize) -> Self {
        Self { places: vec![NONE; n_rows], rows: Vec::new(), sums: Vec::new() }
    }

    /// How many rows the table has.
    pub(crate) fn n_rows(&self) -> usize {
        self.places.len()
    }

    /// Adds the gradients `[B, D]` of `rows`.
    pub(crate) fn add(&mut self, rows: &[u32], gradients: &[f32], dim: usize) {
        debug_assert_eq!(gradients.len(), rows.len() * dim, "a gradient for each row");
        for (&row, gradient) in rows.iter().zip(gradients.chunks_exact(dim.max(1))) {
            match self.places[row as usize] {
                NONE => {
                    self.places[row as usize] = self.rows.len() as u32;
                    self.rows.push(row);
                    self.sums.extend_from_slice(gradient);
                }
                place => {
                    let start = place as usize * dim;
                    kernel::axpy(1.0, gradient, &mut self.sums[start..start + dim]);
                }
            }
        }
    }

    /// Adds `by` times the rows of `table` to those that have a gradient.
    pub(crate) fn add_values(&mut self, by: f32, table: &[f32], dim: usize) {
        for (&row, sum) in self.rows.iter().zip(self.sums.chunks_exact_mut(dim.max(1))) {
            kernel::axpy(by, &table[row as usize * dim..(row as usize + 1) * dim], sum);
        }
    }

    /// All sums, one after another.
    pub(crate) fn all(&mut self) -> &mut [f32] {
        &mut self.sums
    }

    /// By row of the table, the place of its sum.
    pub(crate) fn place(&self, row: usize) -> Option<usize> {
        match self.places[row] {
            NONE => None,
            place => Some(place as usize),
        }
    }

    /// The sum at a place.
    pub(crate) fn sum(&self, place: usize, dim: usize) -> &[f32] {
        &self.sums[place * dim..(place + 1) * dim]
    }

    /// The rows that have a gradient.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    pub(crate) fn clear(&mut self) {
        self.rows.iter().for_each(|&row| self.places[row as usize] = NONE);
        self.rows.clear();
        self.sums.clear();
    }
}

/// How many gradients one sum adds on a device: rows met more often are summed in stages.
const FAN: usize = 16;

/// The gradient of a whole table `[R, D]` on a device, of `gradients` `[B, D]` for `rows`.
pub(crate) fn whole_gradient(n_rows: usize, rows: &[u32], gradients: Tensor<2>) -> Tensor<2> {
    let device = gradients.device();
    let [_, dim] = gradients.dims();
    let mut of_sum = rows.to_vec();
    // One row of zeros at the end, for what is not there.
    let mut sums = Tensor::cat(vec![gradients, Tensor::zeros([1, dim], &device)], 0);
    loop {
        let stage = Stage::new(&of_sum);
        if stage.rows.len() == of_sum.len() {
            break;
        }
        let parts = stage.rows.len();
        let taken = sums.select(0, places(stage.taken, &device)).reshape([parts, FAN, dim]);
        sums = Tensor::cat(vec![taken.sum_dim(1).reshape([parts, dim]), Tensor::zeros([1, dim], &device)], 0);
        of_sum = stage.rows;
    }
    let mut at = vec![of_sum.len() as i32; n_rows];
    of_sum.iter().enumerate().for_each(|(place, &row)| at[row as usize] = place as i32);
    sums.select(0, places(at, &device))
}

/// By row of a table 1 where it is among `rows`, else 0: `[R, 1]`.
pub(crate) fn touched(n_rows: usize, rows: &[u32], device: &Device) -> Tensor<2> {
    let mut touched = vec![0.0; n_rows];
    rows.iter().for_each(|&row| touched[row as usize] = 1.0);
    Tensor::from_data(TensorData::new(touched, [n_rows, 1]), device)
}

/// One stage of summing: sums of at most [`FAN`] of the gradients that belong to the same row.
struct Stage {
    /// The row of each sum.
    rows: Vec<u32>,
    /// `[sums, FAN]`: the places of what each adds, that of the zeros where there is nothing left.
    taken: Vec<i32>,
}

impl Stage {
    fn new(of_sum: &[u32]) -> Self {
        let mut order: Vec<u32> = (0..of_sum.len() as u32).collect();
        order.sort_by_key(|&place| of_sum[place as usize]);
        let (mut rows, mut taken) = (Vec::new(), Vec::new());
        for of_row in order.chunk_by(|&a, &b| of_sum[a as usize] == of_sum[b as usize]) {
            for part in of_row.chunks(FAN) {
                rows.push(of_sum[part[0] as usize]);
                taken.extend(part.iter().map(|&place| place as i32));
                taken.extend(std::iter::repeat_n(of_sum.len() as i32, FAN - part.len()));
            }
        }
        Self { rows, taken }
    }
}
