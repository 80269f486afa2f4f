//! What is known of users and items beside their interactions.

use crate::Vocab;
use std::sync::Arc;

/// Named columns, one row for each user (or each item).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    rows: usize,
    columns: Vec<Column>,
}

/// One column of [`Features`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What the column holds, as the data names it: `genre`, `age`.
    pub name: String,
    /// Its values.
    pub data: ColumnData,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ColumnData {
    /// One category a row; `None` is missing.
    Categorical {
        /// `[rows]`: the code of each row's category.
        codes: Vec<Option<u32>>,
        /// The categories' names.
        labels: Arc<Vocab>,
    },
    /// One number a row; NaN is missing.
    Numeric(Vec<f32>),
    /// Any number of labels a row (genres, tags).
    Labels {
        /// `[rows + 1]`: where each row's codes start, and the end.
        starts: Vec<usize>,
        /// The codes, row after row.
        codes: Vec<u32>,
        /// The labels' names.
        labels: Arc<Vocab>,
    },
}

/// Why a column does not fit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeaturesError {
    /// A column of the wrong length.
    #[error("column {column:?} has {len} rows; expected {rows}")]
    Len {
        /// The column.
        column: String,
        /// Its rows.
        len: usize,
        /// The table's rows.
        rows: usize,
    },
    /// A code outside its labels, or starts that do not rise to the number of codes.
    #[error("column {column:?}, row {row}: a code or start out of bounds")]
    Bounds {
        /// The column.
        column: String,
        /// The row.
        row: usize,
    },
    /// Two columns of one name.
    #[error("column {column:?} stands twice; expected each name once")]
    Twice {
        /// The column.
        column: String,
    },
}

impl Features {
    /// A table of `rows` rows without columns.
    pub fn new(rows: usize) -> Self {
        Self { rows, columns: Vec::new() }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order they were added.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&ColumnData> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.data)
    }

    /// Adds a column.
    ///
    /// # Errors
    /// A column of another length, a code outside its labels, a name that is taken.
    pub fn push(&mut self, name: &str, data: ColumnData) -> Result<(), FeaturesError> {
        let column = name.to_owned();
        if self.column(name).is_some() {
            return Err(FeaturesError::Twice { column });
        }
        let len = data.rows();
        if len != self.rows {
            return Err(FeaturesError::Len { column, len, rows: self.rows });
        }
        if let Some(row) = data.first_unsound_row() {
            return Err(FeaturesError::Bounds { column, row });
        }
        self.columns.push(Column { name: column, data });
        Ok(())
    }
}

impl ColumnData {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Categorical { codes, .. } => codes.len(),
            Self::Numeric(values) => values.len(),
            Self::Labels { starts, .. } => starts.len().saturating_sub(1),
        }
    }

    /// The codes of row `row`: none or one of a categorical column, any number of labels, none of a numeric one.
    pub fn codes(&self, row: usize) -> &[u32] {
        match self {
            Self::Categorical { codes, .. } => codes[row].as_slice(),
            Self::Numeric(_) => &[],
            Self::Labels { starts, codes, .. } => &codes[starts[row]..starts[row + 1]],
        }
    }

    fn first_unsound_row(&self) -> Option<usize> {
        match self {
            Self::Numeric(_) => None,
            Self::Categorical { codes, labels } => {
                codes.iter().position(|code| code.is_some_and(|code| code as usize >= labels.len()))
            }
            Self::Labels { starts, codes, labels } => {
                if starts.first() != Some(&0) {
                    return Some(0);
                }
                (0..self.rows()).find(|&row| {
                    let (start, end) = (starts[row], starts[row + 1]);
                    let last = row + 1 == self.rows() && end != codes.len();
                    start > end
                        || end > codes.len()
                        || last
                        || codes[start..end].iter().any(|&code| code as usize >= labels.len())
                })
            }
        }
    }
}
