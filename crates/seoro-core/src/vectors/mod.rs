//! Vectors in the field's binary files, read and written.
//!
//! | ends in | what | numbers |
//! |---|---|---|
//! | `.fvecs`, `.ivecs`, `.bvecs` | the TEXMEX corpus's: each vector is its dimension and its numbers | `f32`, `i32`, `u8` |
//! | `.npy` | NumPy's, of two axes in C order | `f32` and `f64`, `f16` (read only) |
//!
//! [`read`] and [`write()`] go by the name's end and know `f32` only; [`read_vecs`] and [`write_vecs`] keep whole numbers
//! whole. Memory grows with what a file holds, not with what it claims.
//!
//! ```
//! use seoro_core::{Matrix, vectors};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("items.npy");
//! let items = Matrix::from_vec(2, 3, vec![0.5, 1.0, -2.0, 3.0, 0.0, 1e-9])?;
//! vectors::write(&path, &items)?;
//! assert_eq!(vectors::read(&path)?, items);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod npy;
mod vecs;

pub use error::VectorsError;
pub use npy::{read_npy, write_npy};
pub use vecs::{Number, Vecs, read_vecs, write_vecs};

use crate::{Matrix, replace_file};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

/// What a name's end says.
#[derive(Clone, Copy)]
enum Format {
    Fvecs,
    Ivecs,
    Bvecs,
    Npy,
}

impl Format {
    fn of(path: &Path) -> Result<Self, VectorsError> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("fvecs") => Ok(Self::Fvecs),
            Some("ivecs") => Ok(Self::Ivecs),
            Some("bvecs") => Ok(Self::Bvecs),
            Some("npy") => Ok(Self::Npy),
            other => Err(VectorsError::Unsupported {
                path: path.to_owned(),
                found: format!("a name that ends in {:?}", other.unwrap_or_default()),
                expected: ".fvecs, .ivecs, .bvecs or .npy",
            }),
        }
    }
}

/// Reads the vectors `[N, D]` of a file, in the format that the end of its name says.
///
/// # Errors
/// A name or content that is not supported, a file that is damaged, a whole number that no `f32` is.
pub fn read(path: impl AsRef<Path>) -> Result<Matrix, VectorsError> {
    let path = path.as_ref();
    let format = Format::of(path)?;
    let failed = |source| VectorsError::Io { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    match format {
        Format::Fvecs => read_vecs::<f32>(path, &mut file)?.into_floats(path),
        Format::Ivecs => read_vecs::<i32>(path, &mut file)?.into_floats(path),
        Format::Bvecs => read_vecs::<u8>(path, &mut file)?.into_floats(path),
        Format::Npy => read_npy(path, &mut file),
    }
}

/// Writes vectors `[N, D]` to a file, in the format that the end of its name says; under a temporary name first, so that
/// the file is whole or not there.
///
/// # Errors
/// A name that is not supported, a number that the format does not have, vectors without dimensions in a format that has
/// none.
pub fn write(path: impl AsRef<Path>, vectors: &Matrix) -> Result<(), VectorsError> {
    let path = path.as_ref();
    match Format::of(path)? {
        Format::Fvecs => save(path, |out| write_vecs(out, &Vecs::<f32>::from_floats(path, vectors)?, path)),
        Format::Ivecs => save(path, |out| write_vecs(out, &Vecs::<i32>::from_floats(path, vectors)?, path)),
        Format::Bvecs => save(path, |out| write_vecs(out, &Vecs::<u8>::from_floats(path, vectors)?, path)),
        Format::Npy => save(path, |out| write_npy(out, vectors, path)),
    }
}

/// Writes a file whole or not at all, whatever kind of error ends it.
fn save(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), VectorsError>,
) -> Result<(), VectorsError> {
    let mut wrong = None;
    let replaced = replace_file(path, |file| {
        let mut out = BufWriter::new(file);
        match write(&mut out) {
            Ok(()) => out.flush(),
            Err(error) => {
                wrong = Some(error);
                Err(std::io::ErrorKind::InvalidData.into())
            }
        }
    });
    match wrong {
        Some(error) => Err(error),
        None => replaced.map_err(|source| VectorsError::Io { path: path.to_owned(), source }),
    }
}
