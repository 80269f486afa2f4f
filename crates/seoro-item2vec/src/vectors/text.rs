//! word2vec's text format: a line `count dimension`, then a line `name number …` for each vector.

use super::{Vectors, VectorsError, parse_header, wrong};
use seoro_core::{Matrix, Vocab};
use std::io::{BufRead, Write};

impl Vectors {
    /// Reads word2vec's text format: a line `count dimension`, then a line `name number …` for each vector.
    ///
    /// # Errors
    /// A line that says something else, a name that stands twice, fewer or more lines than promised.
    pub fn read_text(mut text: impl BufRead) -> Result<Self, VectorsError> {
        let mut line = String::new();
        text.read_line(&mut line)?;
        let (count, dim) = parse_header(line.trim_end())?;
        let (mut names, mut numbers) = (Vocab::new(), Vec::new());
        for place in 0.. {
            line.clear();
            if text.read_line(&mut line)? == 0 {
                break;
            }
            let line = line.trim_end_matches(['\n', '\r', ' ']);
            let name = parse_line(line, place + 2, dim, &mut numbers)?;
            if names.intern(name)? as usize != place {
                return Err(wrong(place + 2, name, "a name that did not stand before"));
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
    /// A name that the format cannot hold: an empty one, or one with white space.
    pub fn write_text(&self, mut out: impl Write) -> Result<(), VectorsError> {
        writeln!(out, "{} {}", self.vectors.rows(), self.vectors.cols())?;
        for row in 0..self.vectors.rows() {
            write!(out, "{}", self.writable_name(row)?)?;
            for number in self.vectors.row(row) {
                write!(out, " {number}")?;
            }
            writeln!(out)?;
        }
        Ok(out.flush()?)
    }
}

/// The name of a line; its numbers are appended.
fn parse_line<'a>(
    line: &'a str,
    n: usize,
    dim: usize,
    numbers: &mut Vec<f32>,
) -> Result<&'a str, VectorsError> {
    let mut parts = line.split(' ');
    let name = parts.next().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| wrong(n, line, "a name and its numbers"))?;
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
