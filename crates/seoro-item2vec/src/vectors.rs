//! Named vectors.

use seoro_core::{Matrix, ShapeError, Vocab, VocabError, kernel};
use std::io::{BufRead, Write};

/// Vectors by name: row `r` of the matrix belongs to name `r` of the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    names: Vocab,
    vectors: Matrix,
}

/// Why vectors cannot be read or compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorsError {
    /// The text could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A line that is not what the format asks for.
    #[error("line {line}: {found:?}; expected {expected}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// More or fewer vectors than names.
    #[error("{names} names for {vectors} vectors; expected one each")]
    Count {
        /// Names given.
        names: usize,
        /// Vectors given.
        vectors: usize,
    },
    /// A name that stands for no vector.
    #[error("no vector is called {name:?}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Too many names.
    #[error(transparent)]
    Vocab(#[from] VocabError),
    /// Numbers that make no matrix.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl Vectors {
    /// These vectors under these names.
    ///
    /// # Errors
    /// [`VectorsError::Count`].
    pub fn new(names: Vocab, vectors: Matrix) -> Result<Self, VectorsError> {
        if names.len() != vectors.rows() {
            return Err(VectorsError::Count { names: names.len(), vectors: vectors.rows() });
        }
        Ok(Self { names, vectors })
    }

    /// Reads word2vec's text format: a line `count dimension`, then a line `name number …` for each vector.
    ///
    /// # Errors
    /// A line that says something else, a name that stands twice, fewer or more lines than promised.
    pub fn read_text(text: impl BufRead) -> Result<Self, VectorsError> {
        let mut lines = text.lines();
        let header = lines.next().transpose()?.unwrap_or_default();
        let (count, dim) = parse_header(&header)?;
        let (mut names, mut numbers) = (Vocab::new(), Vec::new());
        for (n, line) in lines.enumerate() {
            let line = line?;
            let row = parse_line(&line, n + 2, dim, &mut numbers)?;
            if names.intern(row)? as usize != n {
                return Err(wrong(n + 2, row, "a name that did not stand before"));
            }
        }
        if names.len() != count {
            return Err(VectorsError::Count { names: count, vectors: names.len() });
        }
        Self::new(names, Matrix::from_vec(count, dim, numbers)?)
    }

    /// Writes word2vec's text format; numbers are written so that reading gives the same bits.
    ///
    /// # Errors
    /// [`VectorsError::Io`].
    pub fn write_text(&self, mut out: impl Write) -> Result<(), VectorsError> {
        writeln!(out, "{} {}", self.vectors.rows(), self.vectors.cols())?;
        for row in 0..self.vectors.rows() {
            write!(out, "{}", self.names.name(row as u32).unwrap_or_default())?;
            for number in self.vectors.row(row) {
                write!(out, " {number}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// The names, in row order.
    pub fn names(&self) -> &Vocab {
        &self.names
    }

    /// The vectors `[N, D]`.
    pub fn matrix(&self) -> &Matrix {
        &self.vectors
    }

    /// The vector called `name`.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.names.get(name).map(|row| self.vectors.row(row as usize))
    }

    /// The `k` names whose vectors have the largest cosine with that of `name`, itself left out, best first.
    ///
    /// # Errors
    /// [`VectorsError::Unknown`].
    pub fn most_similar(&self, name: &str, k: usize) -> Result<Vec<(String, f32)>, VectorsError> {
        let unknown = || VectorsError::Unknown { name: name.to_owned() };
        let row = self.names.get(name).ok_or_else(unknown)?;
        let query = self.vectors.row(row as usize);
        let length = |vector: &[f32]| kernel::dot(vector, vector).sqrt().max(f32::MIN_POSITIVE);
        let cosine = |other: u32| {
            let vector = self.vectors.row(other as usize);
            kernel::dot(query, vector) / (length(query) * length(vector))
        };
        let others = (0..self.vectors.rows() as u32).filter(|&other| other != row);
        let mut scored: Vec<(u32, f32)> = others.map(|other| (other, cosine(other))).collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scored.truncate(k);
        let named = |(other, score)| (self.names.name(other).unwrap_or_default().into_owned(), score);
        Ok(scored.into_iter().map(named).collect())
    }
}

fn wrong(line: usize, found: &str, expected: &'static str) -> VectorsError {
    VectorsError::Line { line, found: found.to_owned(), expected }
}

fn parse_header(header: &str) -> Result<(usize, usize), VectorsError> {
    let mut parts = header.split_ascii_whitespace().map(str::parse);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(count)), Some(Ok(dim)), None) => Ok((count, dim)),
        _ => Err(wrong(1, header, "the number of vectors and their dimension")),
    }
}

fn parse_line<'a>(
    line: &'a str,
    n: usize,
    dim: usize,
    numbers: &mut Vec<f32>,
) -> Result<&'a str, VectorsError> {
    let mut parts = line.split_ascii_whitespace();
    let name = parts.next().ok_or_else(|| wrong(n, line, "a name and its numbers"))?;
    let before = numbers.len();
    for part in parts {
        let number = part.parse::<f32>().ok().filter(|number| number.is_finite());
        numbers.push(number.ok_or_else(|| wrong(n, part, "a finite number"))?);
    }
    if numbers.len() - before != dim {
        return Err(wrong(n, line, "as many numbers as the header promises"));
    }
    Ok(name)
}
