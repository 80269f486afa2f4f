//! word2vec's binary format: a line `count dimension`, then for each vector its name, a blank and its numbers.

use super::{Vectors, VectorsError, parse_header};
use seoro_core::{Matrix, Vocab};
use std::io::{self, BufRead, Read, Write};

/// The longest name, in bytes.
const LONGEST: usize = 1 << 16;

/// Numbers that are asked for before they have been read.
const AHEAD: usize = 1 << 20;

impl Vectors {
    /// Reads word2vec's binary format: a line `count dimension`, then for each vector its name, a blank and its numbers as
    /// little-endian floats of 32 bits. A line may end after each vector, as word2vec writes it, or not, as gensim does.
    ///
    /// Memory grows with what is read, not with what the header claims.
    ///
    /// # Errors
    /// A header that says something else, a name that is no UTF-8 or stands twice, a number that is not finite, fewer bytes
    /// than promised, or more.
    pub fn read_binary(mut bytes: impl BufRead) -> Result<Self, VectorsError> {
        let mut header = Vec::new();
        bytes.by_ref().take(64).read_until(b'\n', &mut header)?;
        // Without its end the line is longer than any header.
        let is_whole = header.ends_with(b"\n");
        let text = String::from_utf8_lossy(&header);
        let (count, dim) = parse_header(if is_whole { text.trim_end() } else { "" })?;
        let (mut names, mut numbers) = (Vocab::new(), Vec::new());
        numbers.reserve(count.saturating_mul(dim).min(AHEAD));
        let (mut name, mut row) = (Vec::new(), vec![0u8; dim.min(AHEAD) * 4]);
        for place in 0..count {
            let wrong = |expected| VectorsError::Binary { vector: place, expected };
            read_name(&mut bytes, &mut name).map_err(|error| within(error, wrong("a name and a blank")))?;
            let text = std::str::from_utf8(&name).map_err(|_| wrong("a name in UTF-8"))?;
            if names.intern(text)? as usize != place {
                return Err(wrong("a name that did not stand before"));
            }
            let mut left = dim;
            while left > 0 {
                let part = &mut row[..left.min(AHEAD) * 4];
                bytes
                    .read_exact(part)
                    .map_err(|error| within(error, wrong("as many numbers as the header promises")))?;
                numbers.extend(part.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
                left -= left.min(AHEAD);
            }
            if !numbers[place * dim..].iter().all(|number| number.is_finite()) {
                return Err(wrong("finite numbers"));
            }
        }
        let mut rest = Vec::new();
        bytes.take(2).read_to_end(&mut rest)?;
        if !rest.is_empty() && rest != b"\n" {
            return Err(VectorsError::Binary { vector: count, expected: "the end" });
        }
        Self::new(names, Matrix::from_vec(count, dim, numbers)?)
    }

    /// Writes word2vec's binary format, with a line's end after each vector as word2vec does.
    ///
    /// # Errors
    /// A name that the format cannot hold: an empty one, or one with white space.
    pub fn write_binary(&self, mut out: impl Write) -> Result<(), VectorsError> {
        writeln!(out, "{} {}", self.vectors.rows(), self.vectors.cols())?;
        let mut line = Vec::new();
        for row in 0..self.vectors.rows() {
            line.clear();
            line.extend_from_slice(self.writable_name(row)?.as_bytes());
            line.push(b' ');
            line.extend(self.vectors.row(row).iter().flat_map(|number| number.to_le_bytes()));
            line.push(b'\n');
            out.write_all(&line)?;
        }
        Ok(out.flush()?)
    }
}

/// Reads up to a blank, without the line's end before.
fn read_name(bytes: &mut impl BufRead, name: &mut Vec<u8>) -> io::Result<()> {
    name.clear();
    bytes.by_ref().take(LONGEST as u64).read_until(b' ', name)?;
    if name.pop() != Some(b' ') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let begin = name.iter().position(|&byte| byte != b'\n').unwrap_or(name.len());
    name.drain(..begin);
    if name.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// An end that came too early is the format's error, not the system's.
fn within(error: io::Error, wrong: VectorsError) -> VectorsError {
    if error.kind() == io::ErrorKind::UnexpectedEof { wrong } else { VectorsError::Io(error) }
}
