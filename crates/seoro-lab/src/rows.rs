//! Lists of results in files: JSON for programs, one row a line for diffs.

use crate::{LabError, workplace};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads a list; an empty one where there is no file.
///
/// # Errors
/// A file that cannot be read or does not hold such rows, with its line.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, LabError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(LabError::io(path))?,
    };
    serde_json::from_str(&text).map_err(|error| LabError::File {
        path: path.to_owned(),
        line: error.line(),
        what: error.to_string(),
    })
}

/// Writes a list whole.
///
/// # Errors
/// [`LabError::Io`].
pub fn write<T: Serialize>(path: &Path, rows: &[T]) -> Result<(), LabError> {
    let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|error| LabError::Usage(error.to_string()))?;
    workplace::write_whole(path, format!("[\n{}\n]\n", lines.join(",\n")).as_bytes())
}
