//! A step of an optimiser: one pass over what it changes.
//!
//! On the processor all parameters are cut into pieces, which all cores share; a number and its moments are read and written
//! once. The portable version is the same formula in tensor operations, some ten passes.
//!
//! Rows without a gradient stay as they are under SGD, Adagrad and RProp. Under Adam they do not: their moments fade and go on
//! moving them; this is made up for before they are read next (`arrears`). Lazy Adam leaves them alone (as PyTorch's
//! `SparseAdam` does), which is another optimiser: a row that is seldom met keeps its old moments instead of faded ones, and
//! moves less.

use super::numbers::Numbers;
use super::rows::{self, RowSums, whole_gradient};
use crate::train::{Optimizer, Rprop};
use burn::tensor::Tensor;
use rayon::prelude::*;
use seoro_core::kernel::{self, AdagradStep, AdamStep};

/// What a step does to each number.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    Sgd { rate: f32 },
    Adam { step: AdamStep, is_lazy: bool },
    Adagrad(AdagradStep),
    Rprop { rprop: Rprop, first: f32 },
}

impl Rule {
    /// The rule of step `count`, counted from 1.
    pub(crate) fn new(optimizer: Optimizer, rate: f64, count: u64) -> Self {
        match optimizer {
            Optimizer::Sgd => Rule::Sgd { rate: rate as f32 },
            Optimizer::Adam(adam) => Rule::Adam {
                step: AdamStep::new(rate, (adam.beta1, adam.beta2), adam.epsilon, count),
                is_lazy: adam.lazy,
            },
            Optimizer::Adagrad(adagrad) => {
                Rule::Adagrad(AdagradStep { learning_rate: rate as f32, epsilon: adagrad.epsilon as f32 })
            }
            Optimizer::Rprop(rprop) => Rule::Rprop { rprop, first: rate as f32 },
        }
    }

    /// Whether something is kept of a row without a gradient that changes at once.
    pub(crate) fn changes_at_rest(self) -> bool {
        matches!(self, Rule::Rprop { .. })
    }

    fn step(self, gradient: &[f32], part: Part<'_>) {
        match self {
            Rule::Sgd { rate } => kernel::axpy(-rate, gradient, part.x),
            Rule::Adam { step, .. } => kernel::adam(step, gradient, part.x, part.first, part.second),
            Rule::Adagrad(step) => kernel::adagrad(step, gradient, part.x, part.first),
            Rule::Rprop { rprop, first } => step_by_sign(rprop, first, gradient, part),
        }
    }

    /// What becomes of numbers without a gradient, where it does at once.
    fn rest(self, part: Part<'_>) {
        if let Rule::Rprop { rprop, first } = self {
            // The last gradient is now 0.
            part.first.fill(0.0);
            part.second.iter_mut().for_each(|d| *d = begun(rprop, first, *d));
        }
    }
}

/// RProp's step `d` of a number, which is `first` before there is one.
fn begun(rprop: Rprop, first: f32, d: f32) -> f32 {
    if d == 0.0 { first.clamp(rprop.least as f32, rprop.most as f32) } else { d }
}

/// RProp: the moments are the last gradient and the steps.
fn step_by_sign(rprop: Rprop, first: f32, gradient: &[f32], part: Part<'_>) {
    let (least, most) = (rprop.least as f32, rprop.most as f32);
    for (((&g, x), last), d) in gradient.iter().zip(part.x).zip(part.first).zip(part.second) {
        let turn = g * *last;
        let by = if turn > 0.0 {
            rprop.grow as f32
        } else if turn < 0.0 {
            rprop.shrink as f32
        } else {
            1.0
        };
        *d = (begun(rprop, first, *d) * by).clamp(least, most);
        *last = if turn < 0.0 { 0.0 } else { g };
        let sign = f32::from(u8::from(*last > 0.0)) - f32::from(u8::from(*last < 0.0));
        *x -= *d * sign;
    }
}

/// Some numbers of a parameter and their moments, of which an optimiser has none, one or two: the others are empty.
pub(crate) struct Part<'a> {
    pub(crate) x: &'a mut [f32],
    pub(crate) first: &'a mut [f32],
    pub(crate) second: &'a mut [f32],
}

impl<'a> Part<'a> {
    /// Row `row`.
    pub(crate) fn row(&mut self, row: usize, dim: usize) -> Part<'_> {
        let (start, end) = (row * dim, (row + 1) * dim);
        let of = |slice: &'_ [f32]| if slice.is_empty() { 0..0 } else { start..end };
        let (first, second) = (of(self.first), of(self.second));
        Part { x: &mut self.x[start..end], first: &mut self.first[first], second: &mut self.second[second] }
    }

    /// Asks for its numbers before they are needed.
    pub(crate) fn prefetch(&self) {
        [&self.x, &self.first, &self.second].into_iter().for_each(|numbers| kernel::prefetch(numbers));
    }

    /// Takes off the first `count` numbers.
    fn take(&mut self, count: usize) -> Part<'a> {
        let head = |slice: &mut &'a mut [f32]| {
            let whole = std::mem::take(slice);
            let (head, tail) = whole.split_at_mut(count.min(whole.len()));
            *slice = tail;
            head
        };
        Part { x: head(&mut self.x), first: head(&mut self.first), second: head(&mut self.second) }
    }
}

/// The gradient of a parameter, on the processor.
#[derive(Clone, Copy)]
pub(crate) enum HostGradient<'a> {
    /// Of each number.
    Dense(&'a [f32]),
    /// Of some rows, and the others do not step now.
    Rows(&'a RowSums),
    /// Of some rows; the others step too.
    AllRows(&'a RowSums),
}

/// A parameter whose step is due.
pub(crate) struct Due<'a> {
    pub(crate) part: Part<'a>,
    /// Numbers a row.
    pub(crate) dim: usize,
    pub(crate) gradient: HostGradient<'a>,
}

/// How many numbers a core takes at once.
pub(crate) const PIECE: usize = 1 << 14;

/// Rows that are on their way from memory while one is worked on.
pub(crate) const AHEAD: usize = 3;

/// Some rows of a parameter, for one core.
struct Piece<'a> {
    part: Part<'a>,
    dim: usize,
    work: Work<'a>,
}

enum Work<'a> {
    /// All of its numbers.
    Dense(&'a [f32]),
    /// All of its rows, of which some have a gradient; the first row's number.
    Table(&'a RowSums, usize),
    /// Those of its rows that have a gradient, so few that one core takes them as they come.
    Few(&'a RowSums),
    /// These rows of its own, by the places of their sums; the first row's number.
    Touched(&'a RowSums, Vec<u32>, usize),
}

/// Takes all steps that are due.
pub(crate) fn on_host(rule: Rule, due: Vec<Due<'_>>) {
    let mut pieces: Vec<Piece<'_>> = due.into_iter().flat_map(cut).collect();
    let numbers: usize = pieces.iter().map(Piece::cost).sum();
    if numbers > 2 * PIECE {
        pieces.par_iter_mut().for_each(|piece| piece.step(rule));
    } else {
        pieces.iter_mut().for_each(|piece| piece.step(rule));
    }
}

fn cut(due: Due<'_>) -> Vec<Piece<'_>> {
    let Due { part, dim, gradient } = due;
    let height = (PIECE / dim.max(1)).max(1);
    match gradient {
        HostGradient::Dense(gradient) => {
            let pieces = gradient.chunks(height * dim.max(1));
            let mut part = part;
            pieces.map(|g| Piece { part: part.take(g.len()), dim, work: Work::Dense(g) }).collect()
        }
        HostGradient::AllRows(sums) => {
            let mut part = part;
            let rows = part.x.len() / dim.max(1);
            let starts = (0..rows).step_by(height);
            let piece = |first: usize| {
                let part = part.take(height.min(rows - first) * dim);
                Piece { part, dim, work: Work::Table(sums, first) }
            };
            starts.map(piece).collect()
        }
        HostGradient::Rows(sums) if sums.rows().len() * dim <= PIECE => {
            vec![Piece { part, dim, work: Work::Few(sums) }]
        }
        HostGradient::Rows(sums) => touched(part, dim, sums, height),
    }
}

/// Pieces of the rows that have a gradient.
fn touched<'a>(part: Part<'a>, dim: usize, sums: &'a RowSums, height: usize) -> Vec<Piece<'a>> {
    let mut order: Vec<u32> = (0..sums.rows().len() as u32).collect();
    let row = |place: &u32| sums.rows()[*place as usize] as usize;
    order.sort_unstable_by_key(row);
    let pieces = apart(part, dim, &order, row, height).into_iter();
    pieces
        .map(|(part, first, places)| Piece { part, dim, work: Work::Touched(sums, places.to_vec(), first) })
        .collect()
}

/// Cuts a table into pieces that do not overlap, each from the first to the last row of `height` items, which stand in the
/// order of their rows; with each its first row and its items.
pub(crate) fn apart<'a, 'b, T>(
    mut part: Part<'a>,
    dim: usize,
    items: &'b [T],
    row: impl Fn(&T) -> usize,
    height: usize,
) -> Vec<(Part<'a>, usize, &'b [T])> {
    let mut taken = 0;
    let piece = |items: &'b [T]| {
        let (first, last) = (row(&items[0]), row(&items[items.len() - 1]));
        part.take((first - taken) * dim);
        taken = last + 1;
        (part.take((last + 1 - first) * dim), first, items)
    };
    items.chunks(height).map(piece).collect()
}

impl Piece<'_> {
    /// How many numbers it steps.
    fn cost(&self) -> usize {
        match &self.work {
            Work::Touched(_, places, _) => places.len() * self.dim,
            Work::Few(sums) => sums.rows().len() * self.dim,
            _ => self.part.x.len(),
        }
    }

    fn step(&mut self, rule: Rule) {
        let dim = self.dim;
        let mut part = self.part.take(usize::MAX);
        match &self.work {
            Work::Dense(gradient) => rule.step(gradient, part),
            Work::Few(sums) => {
                for (place, &row) in sums.rows().iter().enumerate() {
                    if let Some(&next) = sums.rows().get(place + AHEAD) {
                        part.row(next as usize, dim).prefetch();
                    }
                    rule.step(sums.sum(place, dim), part.row(row as usize, dim));
                }
            }
            Work::Table(sums, first) => {
                let mut resting = 0;
                for row in *first..first + part.x.len() / dim.max(1) {
                    let Some(place) = sums.place(row) else {
                        resting += 1;
                        continue;
                    };
                    // Rows without a gradient go together.
                    rule.rest(part.take(resting * dim));
                    rule.step(sums.sum(place, dim), part.take(dim));
                    resting = 0;
                }
                rule.rest(part);
            }
            Work::Touched(sums, places, first) => {
                for &place in places {
                    let row = sums.rows()[place as usize] as usize;
                    rule.step(sums.sum(place as usize, dim), part.row(row - first, dim));
                }
            }
        }
    }
}

/// A parameter and its moments on a device.
pub(crate) struct OnDevice<'a> {
    pub(crate) values: &'a mut Numbers,
    pub(crate) moments: &'a mut [Numbers],
}

/// The gradient of a parameter, on a device.
pub(crate) enum DeviceGradient {
    Dense(Tensor<2>),
    Rows { n_rows: usize, rows: Vec<u32>, gradients: Tensor<2> },
}

impl DeviceGradient {
    /// The whole gradient, with that of a decay by λ; of a table also which rows have one, where `optimizer` asks.
    pub(crate) fn whole(
        self,
        optimizer: Optimizer,
        (lambda, values): (f32, &Numbers),
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let decays = lambda != 0.0;
        match self {
            DeviceGradient::Dense(gradient) if decays => (gradient + values.tensor() * lambda, None),
            DeviceGradient::Dense(gradient) => (gradient, None),
            DeviceGradient::Rows { n_rows, rows, gradients } => {
                let is_lazy = matches!(optimizer, Optimizer::Adam(adam) if adam.lazy);
                let touched = (is_lazy || decays).then(|| rows::touched(n_rows, &rows, &gradients.device()));
                let whole = whole_gradient(n_rows, &rows, gradients);
                match touched {
                    Some(touched) if decays => {
                        (whole + values.tensor() * touched.clone() * lambda, is_lazy.then_some(touched))
                    }
                    touched => (whole, touched),
                }
            }
        }
    }
}

/// The definition of a step, of tensor operations.
pub(crate) fn portable(
    (optimizer, rate, count): (Optimizer, f64, u64),
    parameter: OnDevice<'_>,
    gradient: Tensor<2>,
    touched: Option<Tensor<2>>,
) {
    let x = parameter.values.tensor();
    let moment = |place: usize| parameter.moments[place].tensor();
    let (x, moments) = match optimizer {
        Optimizer::Sgd => (x - gradient * rate, vec![]),
        Optimizer::Adagrad(adagrad) => {
            let sum = moment(0) + gradient.clone().square();
            (x - gradient * rate / (sum.clone().sqrt() + adagrad.epsilon), vec![sum])
        }
        Optimizer::Rprop(rprop) => {
            let unset = moment(1).equal_elem(0.0).float();
            let turn = gradient.clone() * moment(0);
            let (grows, shrinks) = (turn.clone().greater_elem(0.0).float(), turn.lower_elem(0.0).float());
            let by = grows * (rprop.grow - 1.0) + shrinks.clone() * (rprop.shrink - 1.0) + 1.0;
            let d = ((moment(1) + unset * rate) * by).clamp(rprop.least, rprop.most);
            let last = gradient * (-shrinks + 1.0);
            (x - d.clone() * last.clone().sign(), vec![last, d])
        }
        Optimizer::Adam(adam) => {
            let power = |beta: f64| 1.0 - beta.powi(i32::try_from(count).unwrap_or(i32::MAX));
            let m = moment(0) * adam.beta1 + gradient.clone() * (1.0 - adam.beta1);
            let v = moment(1) * adam.beta2 + gradient.square() * (1.0 - adam.beta2);
            let root = v.clone().sqrt() / power(adam.beta2).sqrt() + adam.epsilon;
            let by = m.clone() * (rate / power(adam.beta1)) / root;
            match touched {
                None => (x - by, vec![m, v]),
                Some(touched) => {
                    let kept = |new: Tensor<2>, old: Tensor<2>| old.clone() + (new - old) * touched.clone();
                    (x - by * touched.clone(), vec![kept(m, moment(0)), kept(v, moment(1))])
                }
            }
        }
    };
    *parameter.values = Numbers::Device(x);
    parameter.moments.iter_mut().zip(moments).for_each(|(place, new)| *place = Numbers::Device(new));
}
