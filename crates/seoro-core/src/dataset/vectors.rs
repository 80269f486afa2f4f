//! Points in binary files: idx (MNIST's format) and fvecs/ivecs (the TEXMEX corpus's).

use super::DatasetError;
use crate::Matrix;
use crate::vectors::{VectorsError, read_vecs};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The most dimensions a point may have: a header that claims more is damaged.
const MOST_DIMS: usize = 1 << 20;

/// A binary file under way, which knows where it is.
struct Bytes<'a> {
    path: &'a Path,
    content: &'a mut dyn Read,
    at: u64,
}

impl Bytes<'_> {
    fn damaged(&self, expected: &'static str) -> DatasetError {
        DatasetError::Damaged { path: self.path.to_owned(), at: self.at, expected }
    }

    /// Fills `buffer`; gives false where the file ends before its first byte.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, DatasetError> {
        let mut got = 0;
        while got < buffer.len() {
            match self.content.read(&mut buffer[got..]) {
                Ok(0) if got == 0 => return Ok(false),
                Ok(0) => {
                    self.at += got as u64;
                    return Err(self.damaged("the rest of a number or point"));
                }
                Ok(more) => got += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(DatasetError::Io { path: self.path.to_owned(), source }),
            }
        }
        self.at += got as u64;
        Ok(true)
    }

    fn must_fill(&mut self, buffer: &mut [u8], expected: &'static str) -> Result<(), DatasetError> {
        if self.fill(buffer)? { Ok(()) } else { Err(self.damaged(expected)) }
    }

    fn big_endian(&mut self, expected: &'static str) -> Result<u32, DatasetError> {
        let mut bytes = [0; 4];
        self.must_fill(&mut bytes, expected)?;
        Ok(u32::from_be_bytes(bytes))
    }
}

/// Reads an idx file of unsigned bytes: its length, its points' dimension (1 for labels), and the bytes.
///
/// The header is two zeros, the type (8: unsigned byte), the number of axes, and each axis' length, big-endian.
fn idx(path: &Path, content: &mut dyn Read, labels: bool) -> Result<(usize, usize, Vec<u8>), DatasetError> {
    let mut bytes = Bytes { path, content, at: 0 };
    let magic = bytes.big_endian("an idx header")?;
    let axes = magic & 0xff;
    if magic >> 8 != 8 || axes == 0 || (axes == 1) != labels {
        return Err(bytes.damaged(if labels { "an idx file of labels" } else { "an idx file of points" }));
    }
    let rows = bytes.big_endian("the number of points")? as usize;
    let mut dim = 1usize;
    for _ in 1..axes {
        dim = dim.saturating_mul(bytes.big_endian("the length of an axis")? as usize);
    }
    if dim == 0 || dim > MOST_DIMS {
        return Err(bytes.damaged("points of 1 to 2^20 numbers"));
    }
    // Grown as the points come, so that a damaged header cannot ask for memory.
    let mut data = Vec::new();
    let mut point = vec![0; dim];
    for _ in 0..rows {
        bytes.must_fill(&mut point, "as many points as the header says")?;
        data.extend_from_slice(&point);
    }
    if bytes.fill(&mut [0])? {
        return Err(bytes.damaged("the end of the file"));
    }
    Ok((rows, dim, data))
}

/// The points of an idx file of unsigned bytes, `[N, D]`.
pub(super) fn read_idx(path: &Path, content: &mut dyn Read) -> Result<Matrix, DatasetError> {
    let (rows, dim, data) = idx(path, content, false)?;
    let data = data.into_iter().map(f32::from).collect();
    Ok(Matrix::from_vec(rows, dim, data)?)
}

/// The labels of an idx file, `[N]`.
pub(super) fn read_idx_labels(path: &Path, content: &mut dyn Read) -> Result<Vec<u8>, DatasetError> {
    idx(path, content, true).map(|(_, _, labels)| labels)
}

/// What a data set says of it.
fn of_dataset(error: VectorsError, path: &Path) -> DatasetError {
    let path = path.to_owned();
    match error {
        VectorsError::Damaged { at, expected, .. } => DatasetError::Damaged { path, at, expected },
        VectorsError::Io { source, .. } => DatasetError::Io { path, source },
        other => DatasetError::Io { path, source: std::io::Error::other(other) },
    }
}

/// The points of an fvecs file, `[N, D]`.
pub(super) fn read_fvecs(path: &Path, content: &mut dyn Read) -> Result<Matrix, DatasetError> {
    let points = read_vecs::<f32>(path, content).map_err(|error| of_dataset(error, path))?;
    Ok(Matrix::from_vec(points.rows(), points.dim(), points.into_vec())?)
}

/// The rows of an ivecs file, such as the neighbours of queries.
pub(super) fn read_ivecs(path: &Path, content: &mut dyn Read) -> Result<Vec<Vec<u32>>, DatasetError> {
    let points = read_vecs::<i32>(path, content).map_err(|error| of_dataset(error, path))?;
    let row = |row| points.row(row).iter().map(|&number| number.cast_unsigned()).collect();
    Ok((0..points.rows()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idx3(rows: u32, points: &[u8]) -> Vec<u8> {
        [&[0, 0, 8, 3], &rows.to_be_bytes()[..], &1u32.to_be_bytes(), &2u32.to_be_bytes(), points].concat()
    }

    #[test]
    fn known_points() {
        let path = Path::new("points");
        let read = read_idx(path, &mut &idx3(2, &[1, 2, 3, 255])[..]).unwrap();
        assert_eq!((read.rows(), read.row(0), read.row(1)), (2, &[1.0, 2.0][..], &[3.0, 255.0][..]));
        let labels = [&[0, 0, 8, 1], &3u32.to_be_bytes()[..], &[7, 8, 9]].concat();
        assert_eq!(read_idx_labels(path, &mut &labels[..]).unwrap(), [7, 8, 9]);
        let point = |x: f32| [&2u32.to_le_bytes()[..], &x.to_le_bytes(), &(-x).to_le_bytes()].concat();
        let read = read_fvecs(path, &mut &[point(1.5), point(2.5)].concat()[..]).unwrap();
        assert_eq!(read.as_slice(), [1.5, -1.5, 2.5, -2.5]);
        assert_eq!((read.rows(), read.cols()), (2, 2));
    }

    #[test]
    fn damage_is_found_at_its_byte() {
        let path = Path::new("points");
        let at = |content: &[u8], labels: bool| match idx(path, &mut &content[..], labels) {
            Err(DatasetError::Damaged { at, .. }) => at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at(&[], false), 0);
        assert_eq!(at(b"text", false), 4);
        assert_eq!(at(&idx3(3, &[1, 2, 3, 4]), false), 20);
        assert_eq!(at(&idx3(1, &[1, 2, 3]), false), 19);
        assert_eq!(at(&idx3(u32::MAX, &[]), false), 16);
        assert_eq!(at(&idx3(1, &[1, 2]), true), 4);
        let cut = [&2u32.to_le_bytes()[..], &[1, 2, 3]].concat();
        assert!(matches!(read_fvecs(path, &mut &cut[..]), Err(DatasetError::Damaged { at: 7, .. })));
    }
}
