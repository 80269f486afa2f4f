//! NumPy's files of one array: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::VectorsError;
use super::vecs::fill;
use crate::Matrix;
use std::io::{Read, Write};
use std::path::Path;

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// The longest header: those of plain arrays have about 100 bytes.
const MOST_HEADER: usize = 1 << 16;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// What an array's numbers are.
#[derive(Clone, Copy)]
enum Float {
    F16,
    F32,
    F64,
}

impl Float {
    fn size(self) -> usize {
        match self {
            Float::F16 => 2,
            Float::F32 => 4,
            Float::F64 => 8,
        }
    }

    /// Appends the numbers of these bytes.
    fn read(self, bytes: &[u8], out: &mut Vec<f32>) {
        match self {
            Float::F16 => {
                out.extend(bytes.as_chunks::<2>().0.iter().map(|&bytes| half(u16::from_le_bytes(bytes))))
            }
            Float::F32 => out.extend(bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes))),
            Float::F64 => {
                out.extend(bytes.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32));
            }
        }
    }
}

/// A number of 16 bits: a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// Reads an array of two axes, `[N, D]`: floats of 32 bits as they are, of 16 bits exactly, of 64 bits rounded to the
/// nearest. `path` is for errors.
///
/// # Errors
/// Other numbers, other than two axes, Fortran's order, a file that is shorter or longer than its header says.
pub fn read_npy(path: &Path, content: &mut dyn Read) -> Result<Matrix, VectorsError> {
    let (header, mut at) = read_header(path, content)?;
    let (float, rows, dim) = shape(path, &header)?;
    let damaged = |row, at, expected| VectorsError::Damaged { path: path.to_owned(), row, at, expected };
    let too_large = || damaged(0, 10, "a shape whose numbers can be counted");
    let count = rows.checked_mul(dim).ok_or_else(too_large)?;
    let mut left = count.checked_mul(float.size()).ok_or_else(too_large)?;
    if dim == 0 && rows > 0 {
        let found = format!("{rows} vectors of no numbers");
        return Err(VectorsError::Unsupported {
            path: path.to_owned(),
            found,
            expected: "vectors of 1 number or more",
        });
    }
    // Grown as the numbers come, so that a damaged header cannot ask for memory.
    let (mut numbers, mut chunk) = (Vec::new(), vec![0; CHUNK.min(left)]);
    while left > 0 {
        let wanted = CHUNK.min(left);
        let got = fill(path, content, &mut chunk[..wanted])?;
        float.read(&chunk[..got], &mut numbers);
        at += got as u64;
        if got < wanted {
            return Err(damaged((numbers.len() / dim) as u64, at, "as many vectors as the header says"));
        }
        left -= got;
    }
    if fill(path, content, &mut [0])? > 0 {
        return Err(damaged(rows as u64, at, "the end of the file"));
    }
    let mut matrix = Matrix::zeros(0, dim);
    matrix.reset(rows, dim);
    matrix.as_mut_slice().copy_from_slice(&numbers);
    Ok(matrix)
}

/// The header's text, and where it ends.
fn read_header(path: &Path, content: &mut dyn Read) -> Result<(String, u64), VectorsError> {
    let damaged = |at: usize, expected| VectorsError::Damaged {
        path: path.to_owned(),
        row: 0,
        at: at as u64,
        expected,
    };
    let mut start = [0; 12];
    let mut at = fill(path, content, &mut start[..10])?;
    if at < 10 || start[..6] != MAGIC {
        return Err(damaged(0, "an array that NumPy saved"));
    }
    let length = match start[6] {
        1 => usize::from(u16::from_le_bytes([start[8], start[9]])),
        2 | 3 => {
            at += fill(path, content, &mut start[10..])?;
            u32::from_le_bytes([start[8], start[9], start[10], start[11]]) as usize
        }
        _ => return Err(damaged(6, "version 1, 2 or 3 of the format")),
    };
    if length > MOST_HEADER {
        return Err(damaged(8, "a header of at most 2^16 bytes"));
    }
    let mut text = vec![0; length];
    let got = fill(path, content, &mut text)?;
    if got < length {
        return Err(damaged(at + got, "the rest of the header"));
    }
    let text = String::from_utf8(text).map_err(|_| damaged(at, "a header in UTF-8"))?;
    Ok((text, (at + length) as u64))
}

/// What stands behind a key of the header's dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(key)?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// The numbers' type, the rows and the dimension that a header says.
fn shape(path: &Path, header: &str) -> Result<(Float, usize, usize), VectorsError> {
    let unsupported =
        |found: String, expected| VectorsError::Unsupported { path: path.to_owned(), found, expected };
    let damaged = |expected| VectorsError::Damaged { path: path.to_owned(), row: 0, at: 10, expected };
    let descr = value(header, "'descr'").ok_or_else(|| damaged("a header with 'descr'"))?;
    let name = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map(|(name, _)| name);
    let float = match name {
        Some("<f2") => Float::F16,
        Some("<f4") => Float::F32,
        Some("<f8") => Float::F64,
        _ => {
            let found = format!("numbers of type {:?}", name.unwrap_or("record"));
            return Err(unsupported(found, "<f4, <f8 or <f2: floats, little-endian"));
        }
    };
    let order = value(header, "'fortran_order'").ok_or_else(|| damaged("a header with 'fortran_order'"))?;
    let axes = value(header, "'shape'").ok_or_else(|| damaged("a header with 'shape'"))?;
    let axes = axes.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (axes, _) = axes.ok_or_else(|| damaged("a shape in parentheses"))?;
    let lengths = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let lengths: Result<Vec<usize>, _> = lengths.map(str::parse).collect();
    match lengths.map_err(|_| damaged("a shape of whole numbers"))?[..] {
        [rows, dim] if order.starts_with("False") || rows <= 1 || dim <= 1 => Ok((float, rows, dim)),
        [_, _] => Err(unsupported("Fortran's order".to_owned(), "C order: save numpy.ascontiguousarray(a)")),
        _ => Err(unsupported(format!("an array of shape ({axes})"), "two axes: vectors and numbers")),
    }
}

/// Writes an array `[N, D]` of floats of 32 bits; `path` is for errors.
///
/// # Errors
/// [`VectorsError::Io`]; vectors without numbers.
pub fn write_npy(out: &mut dyn Write, vectors: &Matrix, path: &Path) -> Result<(), VectorsError> {
    let (rows, dim) = (vectors.rows(), vectors.cols());
    if rows > 0 && dim == 0 {
        let found = format!("{rows} vectors of no numbers");
        return Err(VectorsError::Unsupported {
            path: path.to_owned(),
            found,
            expected: "vectors of 1 number or more",
        });
    }
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    // Numbers start at a multiple of 64; the header ends with a line end.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.push_str(&" ".repeat(length - header.len() - 1));
    header.push('\n');
    let failed = |source| VectorsError::Io { path: path.to_owned(), source };
    let start = [&MAGIC[..], &[1, 0], &(length as u16).to_le_bytes(), header.as_bytes()].concat();
    out.write_all(&start).map_err(failed)?;
    let mut bytes = Vec::with_capacity(CHUNK);
    for numbers in vectors.as_slice().chunks(CHUNK / 4) {
        bytes.clear();
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        out.write_all(&bytes).map_err(failed)?;
    }
    Ok(())
}
