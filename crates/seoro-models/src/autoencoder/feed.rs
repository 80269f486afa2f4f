//! Batches of rows, corrupted and with what they are learned from.

use super::Corruption;
use crate::ops::Cells;
use crate::train::{Feed, by_all_threads};
use seoro_core::sample::Negatives;
use seoro_core::{Csr, Rng, Seed};
use std::sync::{Arc, OnceLock};

/// A batch of rows.
#[derive(Clone, Debug)]
pub(super) struct RowBatch {
    /// Which rows.
    pub(super) rows: Vec<u32>,
    /// The columns that the cells are of, where those are counted among some alone.
    pub(super) columns: Option<Named>,
    /// What goes in.
    pub(super) input: Arc<Cells>,
    /// What should come out.
    pub(super) output: Arc<Cells>,
}

/// The distinct columns of a batch's cells, rising.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// Of what goes in.
    pub(super) input: Vec<u32>,
    /// Of what comes out.
    pub(super) output: Vec<u32>,
}

/// Among which columns a batch's cells are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// All there are.
    All,
    /// Those with a cell on the way in, and those with one on the way out.
    Apart,
    /// Those with a cell on either way: one weight is read for both.
    Together,
}

/// What should come out of a row.
pub(super) enum Targets<'a> {
    /// Its known cells, each less the first number and by the second.
    Known(f32, f32),
    /// 1 for its known cells, and 0 for so many cells drawn for each of them.
    Against(Negatives<'a>, usize),
}

/// Batches of the rows that have a known cell.
pub(super) struct Rows<'a> {
    known: &'a Csr,
    /// Those with a known cell.
    ids: Vec<u32>,
    batch: usize,
    corruption: Corruption,
    targets: Targets<'a>,
    naming: Naming,
    /// The batch of all rows, where each epoch has the same.
    whole: OnceLock<RowBatch>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        known: &'a Csr,
        batch: usize,
        corruption: Corruption,
        targets: Targets<'a>,
        naming: Naming,
    ) -> Self {
        let ids = (0..known.rows() as u32).filter(|&row| !known.columns(row as usize).is_empty()).collect();
        Self { known, ids, batch: batch.max(1), corruption, targets, naming, whole: OnceLock::new() }
    }

    /// Whether each epoch is the same single batch.
    fn is_fixed(&self) -> bool {
        let is_drawn = !matches!((self.corruption, &self.targets), (Corruption::None, Targets::Known(..)));
        self.batch >= self.ids.len() && !is_drawn
    }

    /// How many rows have a known cell.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    fn batch(&self, rows: &[u32], seed: Seed) -> RowBatch {
        let listed = |add: &dyn Fn(u32, &mut Rng, &mut Listed), stream: &str| {
            let seed = seed.child(stream);
            let mut listed = Listed::default();
            for &row in rows {
                add(row, &mut seed.index(u64::from(row)).rng(), &mut listed);
                listed.end_row();
            }
            listed
        };
        let input = listed(&|row, rng, listed| self.add_input(row, rng, listed), "corruption");
        let output = listed(&|row, rng, listed| self.add_output(row, rng, listed), "negatives");
        batch_of(rows, input, output, self.known.cols(), self.naming)
    }

    fn add_input(&self, row: u32, rng: &mut Rng, listed: &mut Listed) {
        let known = self.known.row(row as usize);
        match self.corruption {
            Corruption::None => known.for_each(|cell| listed.push(cell)),
            Corruption::Mask(share) => {
                known.filter(|_| rng.unit() >= share).for_each(|cell| listed.push(cell));
            }
            Corruption::Dropout(share) => {
                let by = (1.0 / (1.0 - share)) as f32;
                known.filter(|_| rng.unit() >= share).for_each(|(column, x)| listed.push((column, x * by)));
            }
            Corruption::Gaussian(std) => {
                known.for_each(|(column, x)| listed.push((column, x + (std * rng.normal()) as f32)));
            }
        }
    }

    fn add_output(&self, row: u32, rng: &mut Rng, listed: &mut Listed) {
        match &self.targets {
            Targets::Known(less, by) => {
                let known = self.known.row(row as usize);
                known.for_each(|(column, x)| listed.push((column, (x - less) * by)));
            }
            Targets::Against(negatives, each) => {
                let known = self.known.columns(row as usize);
                listed.columns.extend_from_slice(known);
                listed.values.resize(listed.columns.len(), 1.0);
                negatives.draw_many(row, known.len() * each, rng, |item| listed.columns.push(item.0));
                listed.values.resize(listed.columns.len(), 0.0);
            }
        }
    }
}

/// The cells of rows, one row after another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    /// Where each row starts, and the end.
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Default for Listed {
    fn default() -> Self {
        Self { starts: vec![0], columns: Vec::new(), values: Vec::new() }
    }
}

impl Listed {
    /// Adds a cell to the last row.
    pub(super) fn push(&mut self, (column, value): (u32, f32)) {
        self.columns.push(column);
        self.values.push(value);
    }

    pub(super) fn end_row(&mut self) {
        self.starts.push(self.columns.len() as u32);
    }
}

/// The batch of `rows` with these cells, which may name their columns.
pub(super) fn batch_of(
    rows: &[u32],
    mut input: Listed,
    mut output: Listed,
    n_cols: usize,
    naming: Naming,
) -> RowBatch {
    let columns = match naming {
        Naming::All => None,
        Naming::Apart => Some(Named {
            input: renumbered(n_cols, &mut [&mut input]),
            output: renumbered(n_cols, &mut [&mut output]),
        }),
        Naming::Together => {
            let both = renumbered(n_cols, &mut [&mut input, &mut output]);
            Some(Named { input: both.clone(), output: both })
        }
    };
    let cells = |Listed { starts, columns, values }: Listed, named: Option<&Vec<u32>>| {
        Arc::new(Cells::from_flat(named.map_or(n_cols, Vec::len), starts, columns, values))
    };
    let is_same = naming != Naming::Apart && input == output;
    let of_input = cells(input, columns.as_ref().map(|named| &named.input));
    let of_output = match is_same {
        true => Arc::clone(&of_input),
        false => cells(output, columns.as_ref().map(|named| &named.output)),
    };
    RowBatch { rows: rows.to_vec(), columns, input: of_input, output: of_output }
}

/// The distinct columns of all rows, rising, by which the rows name theirs from now on.
fn renumbered(n_cols: usize, listed: &mut [&mut Listed]) -> Vec<u32> {
    let cells: usize = listed.iter().map(|listed| listed.columns.len()).sum();
    // A small batch must not cost as much as the catalogue is long.
    if cells < n_cols / 16 {
        let mut columns: Vec<u32> = listed.iter().flat_map(|listed| &listed.columns).copied().collect();
        columns.sort_unstable();
        columns.dedup();
        rename(listed, |column| columns.partition_point(|own| *own < column) as u32);
        return columns;
    }
    let mut places = vec![0; n_cols];
    listed.iter().flat_map(|listed| &listed.columns).for_each(|&column| places[column as usize] = 1);
    let columns: Vec<u32> = (0..n_cols as u32).filter(|&column| places[column as usize] == 1).collect();
    columns.iter().zip(0..).for_each(|(&column, place)| places[column as usize] = place);
    rename(listed, |column| places[column as usize]);
    columns
}

fn rename(listed: &mut [&mut Listed], name: impl Fn(u32) -> u32) {
    for listed in listed {
        listed.columns.iter_mut().for_each(|column| *column = name(*column));
    }
}

impl Feed for Rows<'_> {
    type Batch = RowBatch;

    fn epoch(&self, seed: Seed) -> Box<dyn Iterator<Item = RowBatch> + Send + '_> {
        if self.is_fixed() {
            let whole = self.whole.get_or_init(|| self.batch(&self.ids, seed));
            return Box::new(std::iter::once(whole.clone()));
        }
        let mut order = self.ids.clone();
        if self.batch < order.len() {
            seed.child("order").rng().shuffle(&mut order);
        }
        let count = order.len().div_ceil(self.batch);
        let batch = move |place: usize| {
            let end = order.len().min((place + 1) * self.batch);
            self.batch(&order[place * self.batch..end], seed)
        };
        Box::new(by_all_threads(count, batch))
    }
}
