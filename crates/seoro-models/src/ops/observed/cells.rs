//! The known cells of a batch's rows.

use burn::tensor::{Device, Int, Tensor, TensorData};
use std::ops::Range;

/// The known cells of a batch's rows, `[B, N]`, by row and by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    n_cols: usize,
    /// Where each row's cells start, and the end.
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f32>,
    /// Where each column's cells start among those by column, and the end.
    column_starts: Vec<u32>,
    /// Each column's cells: their rows, and their places among those by row.
    rows: Vec<u32>,
    places: Vec<u32>,
}

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
        assert!(columns.iter().all(|&column| (column as usize) < n_cols), "columns below {n_cols}");
        let (column_starts, rows, places) = by_column(n_cols, &starts, &columns);
        Self { n_cols, starts, columns, values, column_starts, rows, places }
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

    /// The places of a row's cells.
    pub(super) fn of_row(&self, row: usize) -> Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// A column's cells among those by column.
    pub(super) fn of_column(&self, column: usize) -> Range<usize> {
        self.column_starts[column] as usize..self.column_starts[column + 1] as usize
    }

    /// The rows of the cells by column.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The places among the cells by row of those by column.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The places of the cells in `[B · N]`.
    pub(super) fn flat(&self, device: &Device) -> Tensor<1, Int> {
        let of_row =
            |row: usize| self.of_row(row).map(move |place| row * self.n_cols + self.columns[place] as usize);
        let places: Vec<i32> = (0..self.n_rows()).flat_map(of_row).map(|place| place as i32).collect();
        let len = places.len();
        Tensor::from_data(TensorData::new(places, [len]), device)
    }

    /// The sum of the cells in each place, 0 elsewhere: `[B, N]`.
    pub(super) fn dense(&self, device: &Device) -> Tensor<2> {
        let mut numbers = vec![0.0; self.n_rows() * self.n_cols];
        for row in 0..self.n_rows() {
            self.of_row(row).for_each(|place| {
                numbers[row * self.n_cols + self.columns[place] as usize] += self.values[place];
            });
        }
        Tensor::from_data(TensorData::new(numbers, [self.n_rows(), self.n_cols]), device)
    }
}

/// Where each column's cells start, and their rows and places.
fn by_column(n_cols: usize, starts: &[u32], columns: &[u32]) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut column_starts = vec![0; n_cols + 1];
    columns.iter().for_each(|&column| column_starts[column as usize + 1] += 1);
    (0..n_cols).for_each(|column| column_starts[column + 1] += column_starts[column]);
    let mut next = column_starts.clone();
    let (mut rows, mut places) = (vec![0; columns.len()], vec![0; columns.len()]);
    for (row, ends) in starts.windows(2).enumerate() {
        for place in ends[0]..ends[1] {
            let at = &mut next[columns[place as usize] as usize];
            (rows[*at as usize], places[*at as usize]) = (row as u32, place);
            *at += 1;
        }
    }
    (column_starts, rows, places)
}
