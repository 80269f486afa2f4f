//! The machine: its units, and Gibbs sampling.

use seoro_core::{Csr, Matrix, Seed, kernel};
use serde::{Deserialize, Serialize};

/// The parameters of a machine whose `N` columns have `L` visible units each, one for each rating: unit `i L + l`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) levels: usize,
    /// `W`, `[N · L, H]`.
    pub(super) weight: Matrix,
    /// `b`, `[N · L]`.
    pub(super) visible_bias: Vec<f32>,
    /// `c`, `[H]`.
    pub(super) hidden_bias: Vec<f32>,
}

/// The visible units that are on, one a rating, and the hidden units' probabilities.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) units: Vec<u32>,
    pub(super) hidden: Vec<f32>,
}

impl Machine {
    /// A machine of rows whose cells are the places of ratings among the levels.
    pub(super) fn new(places: &Csr, levels: usize, hidden: usize, init_std: f64, seed: Seed) -> Self {
        let units = places.cols() * levels;
        let mut weight = Matrix::zeros(units, hidden);
        let mut rng = seed.child("weight").rng();
        weight.as_mut_slice().iter_mut().for_each(|x| *x = (init_std * rng.normal()) as f32);
        let visible_bias = base_rates(places, levels);
        Self { levels, weight, visible_bias, hidden_bias: vec![0.0; hidden] }
    }

    /// How many hidden units there are.
    pub(super) fn n_hidden(&self) -> usize {
        self.hidden_bias.len()
    }

    /// The visible units of a row of places.
    pub(super) fn units(&self, cells: impl Iterator<Item = (u32, f32)>) -> Vec<u32> {
        cells.map(|(column, place)| column * self.levels as u32 + place as u32).collect()
    }

    /// `p(h = 1 | v)`.
    pub(super) fn up(&self, units: &[u32], out: &mut [f32]) {
        let ones = vec![1.0; units.len()];
        kernel::weighted_rows(units, &ones, self.weight.as_slice(), out);
        kernel::axpy(1.0, &self.hidden_bias, out);
        kernel::sigmoid_all(out);
    }

    /// `p(v_i | h)`, of all levels.
    pub(super) fn down(&self, hidden: &[f32], column: usize, out: &mut [f32]) {
        let units = column * self.levels..(column + 1) * self.levels;
        let width = self.n_hidden();
        let rows = &self.weight.as_slice()[units.start * width..units.end * width];
        kernel::dot_rows(hidden, rows, out);
        kernel::axpy(1.0, &self.visible_bias[units], out);
        let largest = out.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        out.iter_mut().for_each(|x| *x -= largest);
        kernel::exp(out);
        let sum: f32 = out.iter().sum();
        out.iter_mut().for_each(|x| *x /= sum);
    }

    /// The state given by the data, that after `steps` of Gibbs sampling from it, and `−Σ ln p(v | h)` of the data given the
    /// first hidden sample. `draw` gives numbers in `[0, 1)`: one for each hidden unit, then one for each rating, again and
    /// again.
    pub(super) fn chain(
        &self,
        units: Vec<u32>,
        steps: usize,
        mut draw: impl FnMut() -> f64,
    ) -> (State, State, f64) {
        let mut hidden = vec![0.0; self.n_hidden()];
        self.up(&units, &mut hidden);
        let start = State { units: units.clone(), hidden: hidden.clone() };
        let mut shares = vec![0.0; self.levels];
        let (mut now, mut loss) = (State { units, hidden }, 0.0);
        for step in 0..steps {
            now.hidden.iter_mut().for_each(|p| *p = f32::from(draw() < f64::from(*p)));
            for (unit, &own) in now.units.iter_mut().zip(&start.units) {
                let column = *unit as usize / self.levels;
                self.down(&now.hidden, column, &mut shares);
                if step == 0 {
                    loss -= f64::from(shares[own as usize % self.levels].max(f32::MIN_POSITIVE).ln());
                }
                *unit = (column * self.levels + drawn(&shares, draw())) as u32;
            }
            self.up(&now.units, &mut now.hidden);
        }
        (start, now, loss)
    }

    /// Whether all numbers are finite.
    pub(super) fn is_finite(&self) -> bool {
        let all = [self.weight.as_slice(), &self.visible_bias, &self.hidden_bias];
        all.iter().all(|numbers| numbers.iter().all(|x| x.is_finite()))
    }
}

/// The place at which the sum of the shares passes `at`.
fn drawn(shares: &[f32], at: f64) -> usize {
    let mut sum = 0.0;
    let passes = |&share: &f32| {
        sum += f64::from(share);
        at < sum
    };
    // The sum may stay below 1 by a rounding.
    shares.iter().position(passes).unwrap_or(shares.len() - 1)
}

/// `ln` of how often each column has each level, with the share of the level among all counted once more.
fn base_rates(places: &Csr, levels: usize) -> Vec<f32> {
    let mut counts = vec![0.0f64; places.cols() * levels];
    let cells = (0..places.rows()).flat_map(|row| places.row(row));
    cells.for_each(|(column, place)| counts[column as usize * levels + place as usize] += 1.0);
    let mut shares = vec![0.0; levels];
    counts.chunks_exact(levels).for_each(|own| shares.iter_mut().zip(own).for_each(|(sum, x)| *sum += x));
    shares.iter_mut().for_each(|share| *share /= (places.entries() as f64).max(1.0));
    let of_column = |own: &[f64]| {
        let n: f64 = own.iter().sum();
        let rates = own.iter().zip(&shares).map(|(count, share)| (count + share) / (n + 1.0));
        rates.map(|rate| rate.ln() as f32).collect::<Vec<f32>>()
    };
    counts.chunks_exact(levels).flat_map(of_column).collect()
}
