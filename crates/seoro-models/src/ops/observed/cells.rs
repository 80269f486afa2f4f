//! The known cells of a batch's rows.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;
use std::ops::Range;

/// The known cells of a batch's rows, `[B, N]`, by row and, where they are few, by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    n_cols: usize,
    /// Where each row's cells start, and the end.
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f32>,
    /// None where so many of all cells are known that products of whole matrices are faster.
    by_column: Option<ByColumn>,
}

/// Cells in the order of their columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ByColumn {
    /// Where each column's cells start, and the end.
    starts: Vec<u32>,
    /// The rows of the cells.
    pub(super) rows: Vec<u32>,
    /// Their places among those by row.
    pub(super) places: Vec<u32>,
}

/// One of so many cells is known where products of whole matrices are as fast.
const DENSE: usize = 8;
/// The most cells, known or not, that are written out.
const MOST: usize = 1 << 22;

impl Cells {
    /// The cells of rows, each given as its columns and their values; a column may stand in a row more than once.
    ///
    /// # Panics
    /// Where a column is not below `n_cols`, or a row has not one value for each column.
    pub fn new<'a>(n_cols: usize, rows: impl IntoIterator<Item = (&'a [u32], &'a [f32])>) -> Self {
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for (of_row, of_values) in rows {
            assert_eq!(of_row.len(), of_values.len(), "a value for each column");
            columns.extend_from_slice(of_row);
            values.extend_from_slice(of_values);
            starts.push(columns.len() as u32);
        }
        Self::from_flat(n_cols, starts, columns, values)
    }

    /// The cells that stand row by row in `columns` and `values`; each row's start at one of `starts`, the last of which is
    /// their number.
    ///
    /// # Panics
    /// Where a column is not below `n_cols`, there is not one value for each column, or `starts` do not rise from 0 to their
    /// number.
    pub fn from_flat(n_cols: usize, starts: Vec<u32>, columns: Vec<u32>, values: Vec<f32>) -> Self {
        assert_eq!(columns.len(), values.len(), "a value for each column");
        let ends = (starts.first(), starts.last().map(|&end| end as usize));
        assert!(ends == (Some(&0), Some(columns.len())) && starts.is_sorted(), "starts of rows");
        assert!(columns.iter().all(|&column| (column as usize) < n_cols), "columns below {n_cols}");
        let places = (starts.len() - 1) * n_cols;
        let is_dense = places <= MOST && columns.len() * DENSE >= places;
        let by_column = (!is_dense).then(|| ByColumn::new(n_cols, &starts, &columns));
        Self { n_cols, starts, columns, values, by_column }
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many columns a row has, known or not.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// How many cells are known.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The column of each cell.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// The value of each cell.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Whether so many of all cells are known that products of whole matrices are faster.
    pub fn is_dense(&self) -> bool {
        self.by_column.is_none()
    }

    /// The places of a row's cells.
    pub(super) fn of_row(&self, row: usize) -> Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// The cells by column, unless whole matrices are faster.
    pub(super) fn by_column(&self) -> Option<&ByColumn> {
        self.by_column.as_ref()
    }

    /// The places of the cells in `[B · N]`.
    pub(super) fn flat(&self, device: &Device) -> Tensor<1, Int> {
        let of_row =
            |row: usize| self.of_row(row).map(move |place| row * self.n_cols + self.columns[place] as usize);
        let places: Vec<i32> = (0..self.n_rows()).flat_map(of_row).map(|place| place as i32).collect();
        let len = places.len();
        Tensor::from_data(TensorData::new(places, [len]), device)
    }

    /// The sum of the cells' `numbers` in each place, 0 elsewhere: `[B · N]`.
    pub(super) fn scattered(&self, numbers: &[f32]) -> Vec<f32> {
        let mut all = vec![0.0; self.n_rows() * self.n_cols];
        all.par_chunks_exact_mut(self.n_cols.max(1)).enumerate().for_each(|(row, all)| {
            self.of_row(row).for_each(|place| all[self.columns[place] as usize] += numbers[place]);
        });
        all
    }

    /// The cells' values in their places, 0 elsewhere: `[B, N]`.
    pub(super) fn dense(&self, device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.scattered(&self.values), [self.n_rows(), self.n_cols]), device)
    }
}

impl ByColumn {
    fn new(n_cols: usize, of_rows: &[u32], columns: &[u32]) -> Self {
        let mut starts = vec![0; n_cols + 1];
        columns.iter().for_each(|&column| starts[column as usize + 1] += 1);
        (0..n_cols).for_each(|column| starts[column + 1] += starts[column]);
        let mut next = starts.clone();
        let (mut rows, mut places) = (vec![0; columns.len()], vec![0; columns.len()]);
        for (row, ends) in of_rows.windows(2).enumerate() {
            for place in ends[0]..ends[1] {
                let at = &mut next[columns[place as usize] as usize];
                (rows[*at as usize], places[*at as usize]) = (row as u32, place);
                *at += 1;
            }
        }
        Self { starts, rows, places }
    }

    /// A column's cells.
    pub(super) fn of(&self, column: usize) -> Range<usize> {
        self.starts[column] as usize..self.starts[column + 1] as usize
    }
}
