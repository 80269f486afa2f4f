//! Dense and sparse matrices of `f32`.

use serde::{Deserialize, Serialize};

/// A dense matrix `[rows, cols]`, row after row in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawMatrix")]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

/// Why numbers do not make a matrix.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// A buffer that does not hold `rows × cols` numbers.
    #[error("{len} numbers; expected {rows} × {cols}")]
    Len {
        /// The buffer's length.
        len: usize,
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
    },
    /// Row starts that do not begin at 0, decrease, or end elsewhere than at the number of entries.
    #[error("row {row} starts at {start}; expected starts that rise from 0 to the {entries} entries")]
    Starts {
        /// The row.
        row: usize,
        /// Where it starts.
        start: usize,
        /// The number of entries.
        entries: usize,
    },
    /// A column outside the matrix, or not greater than the one before it in its row.
    #[error("row {row}: column {column}; expected columns that rise strictly and stay below {cols}")]
    Column {
        /// The row.
        row: usize,
        /// The column.
        column: u32,
        /// The number of columns.
        cols: usize,
    },
}

/// A matrix as it is read, before it is checked; written, it has the same fields in the same order.
#[derive(Deserialize)]
struct RawMatrix {
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

impl TryFrom<RawMatrix> for Matrix {
    type Error = ShapeError;
    fn try_from(raw: RawMatrix) -> Result<Self, ShapeError> {
        Matrix::from_vec(raw.rows, raw.cols, raw.data)
    }
}

impl Matrix {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// The matrix over `data`, row after row.
    ///
    /// # Errors
    /// [`ShapeError::Len`] where `data` does not hold `rows × cols` numbers.
    pub fn from_vec(rows: usize, cols: usize, data: Vec<f32>) -> Result<Self, ShapeError> {
        if rows.checked_mul(cols) != Some(data.len()) {
            return Err(ShapeError::Len { len: data.len(), rows, cols });
        }
        Ok(Self { rows, cols, data })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `row`.
    #[inline]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.cols..(row + 1) * self.cols]
    }

    /// Row `row`, to write.
    #[inline]
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.cols..(row + 1) * self.cols]
    }

    /// All numbers, row after row.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, row after row, to write.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The buffer.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// Makes this an all-zero matrix of the given shape, keeping the allocation where it suffices.
    pub fn reset(&mut self, rows: usize, cols: usize) {
        self.data.clear();
        self.data.resize(rows * cols, 0.0);
        (self.rows, self.cols) = (rows, cols);
    }
}

/// A sparse matrix in compressed rows: columns rise strictly within a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawCsr")]
pub struct Csr {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    cols: usize,
}

/// A sparse matrix as it is read, before it is checked; written, it has the same fields in the same order.
#[derive(Deserialize)]
struct RawCsr {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    cols: usize,
}

impl TryFrom<RawCsr> for Csr {
    type Error = ShapeError;
    fn try_from(raw: RawCsr) -> Result<Self, ShapeError> {
        Csr::new(raw.starts, raw.columns, raw.values, raw.cols)
    }
}

impl Csr {
    /// The matrix of these compressed rows.
    ///
    /// # Errors
    /// Starts that do not rise from 0 to the number of entries, columns that do not rise strictly within a row or lie
    /// outside, a different number of columns and values.
    pub fn new(
        starts: Vec<usize>,
        columns: Vec<u32>,
        values: Vec<f32>,
        cols: usize,
    ) -> Result<Self, ShapeError> {
        let entries = columns.len();
        if values.len() != entries {
            return Err(ShapeError::Len { len: values.len(), rows: 1, cols: entries });
        }
        let sound = |row: usize, start: usize| match row {
            0 => start == 0,
            _ => start >= starts[row - 1] && start <= entries,
        };
        let bad = starts.iter().enumerate().find(|&(row, &start)| !sound(row, start));
        if let Some((row, &start)) = bad {
            return Err(ShapeError::Starts { row, start, entries });
        }
        if starts.last() != Some(&entries) {
            let start = starts.last().copied().unwrap_or(0);
            return Err(ShapeError::Starts { row: starts.len().saturating_sub(1), start, entries });
        }
        for row in 0..starts.len() - 1 {
            let columns = &columns[starts[row]..starts[row + 1]];
            let rising = columns.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| pair[1]);
            let outside = columns.iter().copied().find(|&column| column as usize >= cols);
            if let Some(column) = rising.or(outside) {
                return Err(ShapeError::Column { row, column, cols });
            }
        }
        Ok(Self { starts, columns, values, cols })
    }

    /// The matrix of rows whose columns rise strictly and stay below `cols`, as the caller ensures.
    pub(crate) fn from_sorted_rows<R>(rows: impl Iterator<Item = R>, cols: usize) -> Self
    where
        R: IntoIterator<Item = (u32, f32)>,
    {
        let mut starts = vec![0];
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for row in rows {
            for (column, value) in row {
                columns.push(column);
                values.push(value);
            }
            starts.push(columns.len());
        }
        Self { starts, columns, values, cols }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The number of entries.
    pub fn entries(&self) -> usize {
        self.columns.len()
    }

    /// Where each row starts among the entries, and the end: `[rows + 1]`.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The columns of row `row`, rising.
    #[inline]
    pub fn columns(&self, row: usize) -> &[u32] {
        &self.columns[self.starts[row]..self.starts[row + 1]]
    }

    /// The values of row `row`, beside [`Csr::columns`].
    #[inline]
    pub fn values(&self, row: usize) -> &[f32] {
        &self.values[self.starts[row]..self.starts[row + 1]]
    }

    /// The values of row `row`, to write.
    pub fn values_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[self.starts[row]..self.starts[row + 1]]
    }

    /// The columns of row `row`, and its values to write.
    pub fn row_mut(&mut self, row: usize) -> (&[u32], &mut [f32]) {
        let span = self.starts[row]..self.starts[row + 1];
        (&self.columns[span.clone()], &mut self.values[span])
    }

    /// The entries of row `row`.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        self.columns(row).iter().copied().zip(self.values(row).iter().copied())
    }

    /// Whether there is an entry at `(row, column)`: a binary search.
    pub fn contains(&self, row: usize, column: u32) -> bool {
        self.columns(row).binary_search(&column).is_ok()
    }

    /// The transpose; entries of a row come out in row order, so columns rise.
    pub fn transpose(&self) -> Self {
        let mut starts = vec![0usize; self.cols + 1];
        for &column in &self.columns {
            starts[column as usize + 1] += 1;
        }
        for column in 0..self.cols {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut columns = vec![0u32; self.entries()];
        let mut values = vec![0f32; self.entries()];
        for row in 0..self.rows() {
            for (column, value) in self.row(row) {
                let slot = &mut next[column as usize];
                columns[*slot] = row as u32;
                values[*slot] = value;
                *slot += 1;
            }
        }
        Self { starts, columns, values, cols: self.rows() }
    }
}
