//! fvecs, ivecs and bvecs: each vector is its dimension (four little-endian bytes) and its numbers.

use super::VectorsError;
use crate::Matrix;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// The most dimensions a vector may have: a file that claims more is damaged.
const MOST_DIMS: usize = 1 << 20;

/// A number of these formats.
pub trait Number: Copy + Default + sealed::Bytes {}

impl Number for f32 {}
impl Number for i32 {}
impl Number for u8 {}

mod sealed {
    /// Numbers and their bytes, which nobody else implements.
    pub trait Bytes: Sized {
        const SIZE: usize;
        const WHAT: &'static str;
        fn read(bytes: &[u8], out: &mut Vec<Self>);
        fn write(self, out: &mut Vec<u8>);
        fn to_float(self) -> f64;
        fn of_float(number: f32) -> Option<Self>;
    }

    impl Bytes for f32 {
        const SIZE: usize = 4;
        const WHAT: &'static str = "a float of 32 bits";
        fn read(bytes: &[u8], out: &mut Vec<f32>) {
            out.extend(bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
        }
        fn write(self, out: &mut Vec<u8>) {
            out.extend(self.to_le_bytes());
        }
        fn to_float(self) -> f64 {
            f64::from(self)
        }
        fn of_float(number: f32) -> Option<f32> {
            Some(number)
        }
    }

    impl Bytes for i32 {
        const SIZE: usize = 4;
        const WHAT: &'static str = "a whole number of 32 bits";
        fn read(bytes: &[u8], out: &mut Vec<i32>) {
            out.extend(bytes.as_chunks::<4>().0.iter().map(|&bytes| i32::from_le_bytes(bytes)));
        }
        fn write(self, out: &mut Vec<u8>) {
            out.extend(self.to_le_bytes());
        }
        fn to_float(self) -> f64 {
            f64::from(self)
        }
        fn of_float(number: f32) -> Option<i32> {
            // Casts saturate, so whatever is no such number comes back as another.
            let whole = number as i32;
            (f64::from(whole) == f64::from(number)).then_some(whole)
        }
    }

    impl Bytes for u8 {
        const SIZE: usize = 1;
        const WHAT: &'static str = "a whole number from 0 to 255";
        fn read(bytes: &[u8], out: &mut Vec<u8>) {
            out.extend_from_slice(bytes);
        }
        fn write(self, out: &mut Vec<u8>) {
            out.push(self);
        }
        fn to_float(self) -> f64 {
            f64::from(self)
        }
        fn of_float(number: f32) -> Option<u8> {
            let whole = number as u8;
            (f32::from(whole) == number).then_some(whole)
        }
    }
}

/// Vectors of one dimension, one after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vecs<T> {
    dim: usize,
    numbers: Vec<T>,
}

impl<T: Number> Vecs<T> {
    /// These numbers as vectors of `dim` each; nothing where they make no whole vectors.
    pub fn new(dim: usize, numbers: Vec<T>) -> Option<Self> {
        let is_whole = if dim == 0 { numbers.is_empty() } else { numbers.len().is_multiple_of(dim) };
        is_whole.then_some(Self { dim, numbers })
    }

    /// The number of vectors.
    pub fn rows(&self) -> usize {
        self.numbers.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Their dimension.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Vector `row`.
    pub fn row(&self, row: usize) -> &[T] {
        &self.numbers[row * self.dim..(row + 1) * self.dim]
    }

    /// All numbers, vector after vector.
    pub fn as_slice(&self) -> &[T] {
        &self.numbers
    }

    /// The buffer.
    pub fn into_vec(self) -> Vec<T> {
        self.numbers
    }

    /// The same as floats; `path` is for the error.
    pub(super) fn into_floats(self, path: &Path) -> Result<Matrix, VectorsError> {
        let (rows, dim) = (self.rows(), self.dim);
        let float = |(place, number): (usize, T)| {
            let (exact, float) = (number.to_float(), number.to_float() as f32);
            if f64::from(float) == exact || exact.is_nan() {
                return Ok(float);
            }
            let (path, row, place) = (path.to_owned(), place / dim, place % dim);
            Err(VectorsError::Number {
                path,
                row,
                place,
                number: exact,
                expected: "a number that is a float of 32 bits",
            })
        };
        let numbers: Result<Vec<f32>, VectorsError> =
            self.numbers.into_iter().enumerate().map(float).collect();
        let mut matrix = Matrix::zeros(rows, dim);
        matrix.as_mut_slice().copy_from_slice(&numbers?);
        Ok(matrix)
    }

    /// The numbers of a matrix; `path` is for the error.
    pub(super) fn from_floats(path: &Path, vectors: &Matrix) -> Result<Self, VectorsError> {
        let dim = vectors.cols();
        let number = |(place, &number): (usize, &f32)| {
            T::of_float(number).ok_or_else(|| {
                let (path, row, place) = (path.to_owned(), place / dim, place % dim);
                VectorsError::Number { path, row, place, number: f64::from(number), expected: T::WHAT }
            })
        };
        if vectors.rows() > 0 && !(1..=MOST_DIMS).contains(&dim) {
            return Err(no_vector(path, dim));
        }
        let numbers = vectors.as_slice().iter().enumerate().map(number).collect::<Result<_, _>>()?;
        Ok(Self { dim, numbers })
    }
}

fn no_vector(path: &Path, dim: usize) -> VectorsError {
    let found = format!("vectors of {dim} numbers");
    VectorsError::Unsupported { path: path.to_owned(), found, expected: "vectors of 1 to 2^20 numbers" }
}

/// Reads vectors; an empty file has none, of dimension 0. `path` is for errors.
///
/// ```
/// let bytes = [2, 0, 0, 0, 7, 255, 2, 0, 0, 0, 1, 2];
/// let vectors = seoro_core::vectors::read_vecs::<u8>("two.bvecs".as_ref(), &mut &bytes[..])?;
/// assert_eq!((vectors.rows(), vectors.row(0)), (2, &[7, 255][..]));
/// # Ok::<(), seoro_core::vectors::VectorsError>(())
/// ```
///
/// # Errors
/// Vectors of several dimensions, none, or more than 2²⁰; a file that ends inside one.
pub fn read_vecs<T: Number>(path: &Path, content: &mut dyn Read) -> Result<Vecs<T>, VectorsError> {
    let (mut numbers, mut vector): (Vec<T>, Vec<u8>) = (Vec::new(), Vec::new());
    let (mut dim, mut row, mut at) = (0, 0, 0);
    let mut header = [0; 4];
    loop {
        let damaged = |at, expected| VectorsError::Damaged { path: path.to_owned(), row, at, expected };
        match fill(path, content, &mut header)? {
            0 => return Ok(Vecs { dim, numbers }),
            4 => at += 4,
            got => return Err(damaged(at + got as u64, "the rest of a vector's dimension")),
        }
        let own = u32::from_le_bytes(header) as usize;
        if own == 0 || own > MOST_DIMS {
            return Err(damaged(at, "a vector of 1 to 2^20 numbers"));
        }
        if row > 0 && own != dim {
            return Err(damaged(at, "a vector of as many numbers as the first"));
        }
        dim = own;
        vector.resize(dim * T::SIZE, 0);
        let got = fill(path, content, &mut vector)?;
        at += got as u64;
        if got < vector.len() {
            return Err(damaged(at, "the rest of the vector's numbers"));
        }
        T::read(&vector, &mut numbers);
        row += 1;
    }
}

/// Fills a buffer as far as the content goes; how far that is.
pub(super) fn fill(path: &Path, content: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, VectorsError> {
    let mut got = 0;
    while got < buffer.len() {
        match content.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(VectorsError::Io { path: path.to_owned(), source }),
        }
    }
    Ok(got)
}

/// Writes vectors; `path` is for errors.
///
/// # Errors
/// [`VectorsError::Io`]; vectors of more than 2²⁰ numbers.
pub fn write_vecs<T: Number>(
    out: &mut dyn Write,
    vectors: &Vecs<T>,
    path: &Path,
) -> Result<(), VectorsError> {
    if vectors.rows() > 0 && vectors.dim > MOST_DIMS {
        return Err(no_vector(path, vectors.dim));
    }
    let mut bytes = Vec::new();
    for row in 0..vectors.rows() {
        bytes.clear();
        bytes.extend((vectors.dim as u32).to_le_bytes());
        vectors.row(row).iter().for_each(|number| number.write(&mut bytes));
        out.write_all(&bytes).map_err(|source| VectorsError::Io { path: path.to_owned(), source })?;
    }
    Ok(())
}
