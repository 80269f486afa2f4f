//! Containers of numbers alone, with names beside them: safetensors and NumPy's .npy.

use super::{Vectors, VectorsError};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use seoro_core::{Matrix, Vocab, replace_file, vectors};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// What the numbers are called in a file of tensors.
const TENSOR: &str = "vectors";

/// What the names are called among its metadata: a JSON list.
const NAMES: &str = "names";

impl Vectors {
    /// Writes a file of tensors (safetensors): `vectors`, `[N, D]` of `f32`, with the names as a JSON list in the metadata
    /// under `names`.
    ///
    /// # Errors
    /// What the format says of it; a writer that fails.
    pub fn write_safetensors(&self, mut out: impl Write) -> Result<(), VectorsError> {
        let names: Vec<_> =
            (0..self.names.len()).map(|row| self.names.name(row as u32).unwrap_or_default()).collect();
        let names = serde_json::to_string(&names).map_err(std::io::Error::other)?;
        let bytes: Vec<u8> = self.vectors.as_slice().iter().flat_map(|number| number.to_le_bytes()).collect();
        let shape = vec![self.vectors.rows(), self.vectors.cols()];
        let tensor = TensorView::new(Dtype::F32, shape, &bytes).map_err(broken)?;
        let metadata = HashMap::from([(NAMES.to_owned(), names)]);
        let file = safetensors::serialize([(TENSOR, tensor)], Some(metadata)).map_err(broken)?;
        out.write_all(&file)?;
        Ok(out.flush()?)
    }

    /// Reads a file of tensors (safetensors) that holds `vectors`, `[N, D]` of `f32`, as [`Vectors::write_safetensors`]
    /// writes it. Without names in the metadata, rows are called by their numbers.
    ///
    /// # Errors
    /// No tensor of that name, other numbers or axes, a file that is damaged, names that are no list, stand twice or are
    /// fewer or more than vectors, numbers that are not finite.
    pub fn read_safetensors(mut content: impl Read) -> Result<Self, VectorsError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(broken)?;
        let tensor = tensors.tensor(TENSOR).map_err(broken)?;
        let (&[rows, dim], Dtype::F32) = (tensor.shape(), tensor.dtype()) else {
            let what =
                format!("{TENSOR} is {:?} of {:?}; expected two axes of F32", tensor.shape(), tensor.dtype());
            return Err(VectorsError::Safetensors { what });
        };
        let numbers: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        let names = header.metadata().as_ref().and_then(|metadata| metadata.get(NAMES));
        let names = match names {
            None => Vocab::numbered(rows as u32),
            Some(names) => {
                let wrong = |error| VectorsError::Safetensors {
                    what: format!("{NAMES}: {error}; expected a JSON list"),
                };
                distinct(serde_json::from_str::<Vec<String>>(names).map_err(wrong)?.into_iter().map(Ok))?
            }
        };
        finite(names, Matrix::from_vec(rows, dim, numbers)?)
    }

    /// Writes the numbers `[N, D]` as a NumPy array of `f32`, and the names beside it, one a line.
    ///
    /// # Errors
    /// Another extension than `.npy`; a name with a line's end; a file that cannot be written.
    pub fn write_npy(&self, numbers: &Path, names: &Path) -> Result<(), VectorsError> {
        let all = || (0..self.names.len()).map(|row| self.names.name(row as u32).unwrap_or_default());
        if let Some(name) = all().find(|name| name.contains(['\n', '\r'])) {
            return Err(VectorsError::Name { name: name.into_owned() });
        }
        check_npy(numbers)?;
        vectors::write(numbers, &self.vectors)?;
        let written = replace_file(names, |file| {
            let mut out = BufWriter::new(file);
            all().try_for_each(|name| writeln!(out, "{name}"))?;
            out.flush()
        });
        written.map_err(|error| of_names(names)(error.into()))
    }

    /// Reads a NumPy array `[N, D]`, and names from a file beside it, one a line.
    ///
    /// # Errors
    /// Another extension than `.npy`; as [`seoro_core::vectors::read`]; names that stand twice, or are fewer or more than vectors, numbers that are not
    /// finite.
    pub fn read_npy(numbers: &Path, names: &Path) -> Result<Self, VectorsError> {
        check_npy(numbers)?;
        let matrix = vectors::read(numbers)?;
        let read = || {
            let lines = BufReader::new(File::open(names)?).lines();
            finite(distinct(lines.map(|line| Ok(line?)))?, matrix)
        };
        read().map_err(of_names(names))
    }
}

/// Refuses a path that is another format's.
fn check_npy(path: &Path) -> Result<(), VectorsError> {
    match path.extension() {
        Some(extension) if extension == "npy" => Ok(()),
        _ => Err(VectorsError::Extension { path: path.to_owned() }),
    }
}

/// What is wrong with a file of names.
fn of_names(path: &Path) -> impl FnOnce(VectorsError) -> VectorsError {
    move |source| VectorsError::Names { path: path.to_owned(), source: Box::new(source) }
}

/// Names that stand once each.
fn distinct(all: impl Iterator<Item = Result<String, VectorsError>>) -> Result<Vocab, VectorsError> {
    let mut names = Vocab::new();
    for (place, name) in all.enumerate() {
        let name = name?;
        if names.intern(&name)? as usize != place {
            return Err(super::wrong(place + 1, &name, "a name that did not stand before"));
        }
    }
    Ok(names)
}

/// These vectors, whose numbers are finite.
fn finite(names: Vocab, vectors: Matrix) -> Result<Vectors, VectorsError> {
    match vectors.as_slice().iter().position(|number| !number.is_finite()) {
        Some(place) => {
            let vector = place / vectors.cols().max(1);
            Err(VectorsError::Binary { vector, expected: "finite numbers" })
        }
        None => Vectors::new(names, vectors),
    }
}

/// What the format says is wrong.
fn broken(error: SafeTensorError) -> VectorsError {
    VectorsError::Safetensors { what: error.to_string() }
}
