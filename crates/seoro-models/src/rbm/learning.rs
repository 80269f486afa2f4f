//! Contrastive divergence: what a batch's chains change.

use super::machine::{Machine, State};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How large a step is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    pub(super) learning_rate: f32,
    pub(super) momentum: f32,
    pub(super) decay: f32,
}

/// The last change of each parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Changes {
    weight: Vec<f32>,
    visible_bias: Vec<f32>,
    hidden_bias: Vec<f32>,
}

impl Changes {
    pub(super) fn none(machine: &Machine) -> Self {
        Self {
            weight: vec![0.0; machine.weight.as_slice().len()],
            visible_bias: vec![0.0; machine.visible_bias.len()],
            hidden_bias: vec![0.0; machine.n_hidden()],
        }
    }

    /// Whether these are of `machine`.
    pub(super) fn fits(&self, machine: &Machine) -> bool {
        let found = (self.weight.len(), self.visible_bias.len(), self.hidden_bias.len());
        found == (machine.weight.as_slice().len(), machine.visible_bias.len(), machine.n_hidden())
    }

    /// Changes the machine by a batch's chains: the state of the data and that after sampling, of each row.
    pub(super) fn make(&mut self, machine: &mut Machine, chains: &[(State, State)], rates: Rates) {
        let width = machine.n_hidden();
        let by_unit = ByUnit::new(chains, machine.visible_bias.len());
        let hidden: Vec<f32> = chains
            .iter()
            .flat_map(|(data, model)| [&data.hidden, &model.hidden])
            .flatten()
            .copied()
            .collect();
        let share = 1.0 / chains.len().max(1) as f32;
        let weights = machine.weight.as_mut_slice().par_chunks_exact_mut(width);
        let changes = self.weight.par_chunks_exact_mut(width);
        let biases = machine.visible_bias.par_iter_mut().zip(self.visible_bias.par_iter_mut());
        weights.zip(changes).zip(biases).enumerate().for_each_init(
            || vec![0.0; width],
            |difference, (unit, ((weight, change), (bias, bias_change)))| {
                let (states, signs) = by_unit.of(unit);
                seoro_core::kernel::weighted_rows(states, signs, &hidden, difference);
                step(weight, change, difference, share, rates);
                let no_decay = Rates { decay: 0.0, ..rates };
                let sum: f32 = signs.iter().sum();
                step(std::slice::from_mut(bias), std::slice::from_mut(bias_change), &[sum], share, no_decay);
            },
        );
        let mut difference = vec![0.0; width];
        for (data, model) in chains {
            let pairs = data.hidden.iter().zip(&model.hidden);
            difference.iter_mut().zip(pairs).for_each(|(sum, (data, model))| *sum += data - model);
        }
        let no_decay = Rates { decay: 0.0, ..rates };
        step(&mut machine.hidden_bias, &mut self.hidden_bias, &difference, share, no_decay);
    }
}

/// `Δ ← m Δ + ε (share · difference − λ x)`, `x ← x + Δ`.
fn step(x: &mut [f32], change: &mut [f32], difference: &[f32], share: f32, rates: Rates) {
    for ((x, change), difference) in x.iter_mut().zip(change).zip(difference) {
        *change = rates.momentum * *change + rates.learning_rate * (share * difference - rates.decay * *x);
        *x += *change;
    }
}

/// In which states of a batch each visible unit is on: those of the data count 1, those after sampling −1. State `2 r` is row
/// `r`'s data, `2 r + 1` what came of it.
struct ByUnit {
    starts: Vec<u32>,
    states: Vec<u32>,
    signs: Vec<f32>,
}

impl ByUnit {
    fn new(chains: &[(State, State)], n_units: usize) -> Self {
        let states = || chains.iter().flat_map(|(data, model)| [data, model]).enumerate();
        let mut starts = vec![0; n_units + 1];
        states().flat_map(|(_, state)| &state.units).for_each(|&unit| starts[unit as usize + 1] += 1);
        (0..n_units).for_each(|unit| starts[unit + 1] += starts[unit]);
        let mut next = starts.clone();
        let count = starts[n_units] as usize;
        let (mut of_unit, mut signs) = (vec![0; count], vec![0.0; count]);
        for (number, state) in states() {
            for &unit in &state.units {
                let at = &mut next[unit as usize];
                of_unit[*at as usize] = number as u32;
                signs[*at as usize] = if number % 2 == 0 { 1.0 } else { -1.0 };
                *at += 1;
            }
        }
        Self { starts, states: of_unit, signs }
    }

    fn of(&self, unit: usize) -> (&[u32], &[f32]) {
        let own = self.starts[unit] as usize..self.starts[unit + 1] as usize;
        (&self.states[own.clone()], &self.signs[own])
    }
}
