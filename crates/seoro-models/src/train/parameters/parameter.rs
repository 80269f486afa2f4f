//! One of the numbers' matrices, with what its optimiser keeps of it.

use crate::ops::arrears::Arrears;
use crate::ops::numbers::Numbers;
use crate::ops::rows::RowSums;
use crate::ops::step::{Due, HostGradient, PIECE, Part, Rule};
use burn::backend::flex::FlexTensor;
use rayon::prelude::*;
use seoro_core::{Matrix, kernel};

/// A table or a weight.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) shape: [usize; 2],
    pub(super) values: Numbers,
    pub(super) moments: Vec<Numbers>,
    /// λ of its decay.
    pub(super) decay: f32,
    /// Of a table on the processor.
    pub(super) sums: RowSums,
    /// Of a table on the processor, too.
    pub(super) arrears: Arrears,
}

impl Parameter {
    pub(super) fn matrix(&self) -> Matrix {
        assert!(self.arrears.is_empty(), "settled");
        let [rows, cols] = self.shape;
        // As many numbers as the shape has.
        Matrix::from_vec(rows, cols, self.values.to_vec()).unwrap_or_default()
    }

    /// Has `rows`, or all, take the steps that they are behind by.
    pub(super) fn settle(&mut self, rows: Option<&[u32]>) {
        if self.arrears.is_empty() {
            return;
        }
        let (part, dim) = (part(&mut self.values, &mut self.moments), self.shape[1]);
        match rows {
            Some(rows) => self.arrears.settle(part, dim, rows.iter().copied()),
            None => self.arrears.settle_all(part, dim),
        }
    }

    /// Adds the gradient of the decay where there is one: to all numbers or to those of the rows read.
    pub(super) fn add_decay(&mut self, dense: Option<&mut FlexTensor>) {
        if self.decay == 0.0 {
            return;
        }
        let values = host_slice(&mut self.values);
        match dense {
            Some(gradient) => {
                let pieces = gradient.storage_mut().par_chunks_mut(PIECE).zip(values.par_chunks(PIECE));
                pieces.for_each(|(gradient, values)| kernel::axpy(self.decay, values, gradient));
            }
            None => self.sums.add_values(self.decay, values, self.shape[1]),
        }
    }

    /// Notes a step that rows without a gradient take later.
    fn owe(&mut self, rule: Rule) {
        if let Rule::Adam { step, is_lazy: false } = rule {
            if self.arrears.is_full() {
                self.settle(None);
            }
            self.arrears.owe(step, self.sums.rows());
        }
    }

    /// The step that is due, where there is a gradient.
    pub(super) fn due<'a>(&'a mut self, rule: Rule, dense: Option<&'a FlexTensor>) -> Option<Due<'a>> {
        let gradient = match dense {
            Some(gradient) => HostGradient::Dense(gradient.storage()),
            None if self.sums.rows().is_empty() => return None,
            None if rule.changes_at_rest() => HostGradient::AllRows(&self.sums),
            None => {
                self.owe(rule);
                HostGradient::Rows(&self.sums)
            }
        };
        let part = part(&mut self.values, &mut self.moments);
        Some(Due { part, dim: self.shape[1], gradient })
    }
}

/// All numbers of a parameter, with its moments.
fn part<'a>(values: &'a mut Numbers, moments: &'a mut [Numbers]) -> Part<'a> {
    let mut moments = moments.iter_mut().map(host_slice);
    Part {
        x: host_slice(values),
        first: moments.next().unwrap_or_default(),
        second: moments.next().unwrap_or_default(),
    }
}

/// Numbers on the processor, to change in place.
fn host_slice(numbers: &mut Numbers) -> &mut [f32] {
    match numbers {
        Numbers::Host(numbers) => numbers.storage_mut(),
        Numbers::Device(_) => &mut [],
    }
}
