//! Named vectors, and the files they come in.

mod binary;
mod tensors;
mod text;

use seoro_core::{Matrix, ShapeError, Vocab, VocabError, kernel};
use std::borrow::Cow;
use std::path::PathBuf;

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
    /// Bytes that are not what the format asks for.
    #[error("vector {vector}: expected {expected}")]
    Binary {
        /// The vector, counted from 0.
        vector: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// A file of tensors that is damaged, or holds something else.
    #[error("safetensors: {what}")]
    Safetensors {
        /// What is wrong.
        what: String,
    },
    /// A file of numbers that could not be read or written.
    #[error(transparent)]
    File(#[from] seoro_core::vectors::VectorsError),
    /// A file whose name says that it holds something else.
    #[error("{}: expected a file called *.npy", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// A file of names that could not be read, or does not fit its numbers.
    #[error("{}: {source}", path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<VectorsError>,
    },
    /// A name that the format cannot hold.
    #[error("the name {name:?}; expected one without white space")]
    Name {
        /// The name.
        name: String,
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
    /// Output vectors of words, where there are none.
    #[error("there are no output vectors of words under hierarchical softmax; expected centre")]
    NoContext,
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

    /// The name of a row, for a format that ends names by white space.
    fn writable_name(&self, row: usize) -> Result<Cow<'_, str>, VectorsError> {
        let name = self.names.name(row as u32).unwrap_or_default();
        if name.is_empty() || name.contains(|letter: char| letter.is_ascii_whitespace()) {
            return Err(VectorsError::Name { name: name.into_owned() });
        }
        Ok(name)
    }

    /// The `k` names whose vectors have the largest cosine with that of `name`, itself left out, best first.
    ///
    /// # Errors
    /// [`VectorsError::Unknown`].
    pub fn similar(&self, name: &str, k: usize) -> Result<Vec<(String, f32)>, VectorsError> {
        let row = self.row(name)?;
        Ok(self.nearest(self.vectors.row(row as usize), &[row], k))
    }

    /// What is to `other` as `to` is to `from`: the `k` names whose vectors have the largest cosine with
    /// `to − from + other`, all of length 1, these three left out, best first (3CosAdd: Mikolov et al. 2013a).
    ///
    /// ```
    /// use seoro_item2vec::Vectors;
    ///
    /// let text = "5 2\nman 1 0\nking 1 1\nwoman 0 0.1\nqueen 0 1\nchild 1 -1\n";
    /// let vectors = Vectors::read_text(text.as_bytes())?;
    /// assert_eq!(vectors.analogy("man", "king", "woman", 1)?[0].0, "queen");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`VectorsError::Unknown`].
    pub fn analogy(
        &self,
        from: &str,
        to: &str,
        other: &str,
        k: usize,
    ) -> Result<Vec<(String, f32)>, VectorsError> {
        let rows = [self.row(from)?, self.row(to)?, self.row(other)?];
        let mut query = vec![0.0; self.vectors.cols()];
        for (row, sign) in rows.into_iter().zip([-1.0, 1.0, 1.0]) {
            kernel::axpy(sign / self.length(row), self.vectors.row(row as usize), &mut query);
        }
        Ok(self.nearest(&query, &rows, k))
    }

    /// The name whose vector has the smallest cosine with the mean of all, each of length 1; the first of equal ones.
    ///
    /// # Errors
    /// [`VectorsError::Unknown`], also where no name is given.
    pub fn doesnt_match<'a>(&self, names: &[&'a str]) -> Result<&'a str, VectorsError> {
        let rows = names.iter().map(|name| self.row(name)).collect::<Result<Vec<u32>, _>>()?;
        let mut mean = vec![0.0; self.vectors.cols()];
        for row in rows {
            kernel::axpy(1.0 / self.length(row), self.vectors.row(row as usize), &mut mean);
        }
        let cosine = |name: &&str| {
            let row = self.names.get(name).unwrap_or_default();
            kernel::dot(self.vectors.row(row as usize), &mean) / self.length(row)
        };
        let last = names.iter().copied().min_by(|a, b| cosine(a).total_cmp(&cosine(b)));
        last.ok_or(VectorsError::Unknown { name: String::new() })
    }

    fn row(&self, name: &str) -> Result<u32, VectorsError> {
        self.names.get(name).ok_or_else(|| VectorsError::Unknown { name: name.to_owned() })
    }

    /// The length of a vector; a little above 0 where it is 0.
    fn length(&self, row: u32) -> f32 {
        length(self.vectors.row(row as usize))
    }

    /// The `k` names whose vectors have the largest cosine with `query`, those of `hidden` rows left out, best first.
    fn nearest(&self, query: &[f32], hidden: &[u32], k: usize) -> Vec<(String, f32)> {
        let mut scores = vec![0.0; self.vectors.rows()];
        kernel::dot_rows(query, self.vectors.as_slice(), &mut scores);
        let own = length(query);
        let others = (0..scores.len() as u32).filter(|row| !hidden.contains(row));
        let mut scored: Vec<(u32, f32)> =
            others.map(|row| (row, over(scores[row as usize], own, self.length(row)) as f32)).collect();
        let better = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if k < scored.len() {
            scored.select_nth_unstable_by(k, better);
            scored.truncate(k);
        }
        scored.sort_unstable_by(better);
        let named = |(row, score)| (self.names.name(row).unwrap_or_default().into_owned(), score);
        scored.into_iter().map(named).collect()
    }
}

fn length(vector: &[f32]) -> f32 {
    kernel::dot(vector, vector).sqrt().max(f32::MIN_POSITIVE)
}

/// The cosine of two vectors; 0 where one is 0.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    over(kernel::dot(a, b), length(a), length(b))
}

/// A product over two lengths, in 64 bits, where no product of lengths is too small or too large.
fn over(product: f32, a: f32, b: f32) -> f64 {
    f64::from(product) / (f64::from(a) * f64::from(b))
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
