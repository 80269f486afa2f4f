//! Lines with their numbers, one buffer for all of them.

use super::DatasetError;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The most bytes shown of a line that makes no sense.
const SHOWN: usize = 40;

/// The lines of a file.
pub(super) struct Lines<'a> {
    path: &'a Path,
    content: BufReader<&'a mut dyn Read>,
    line: Vec<u8>,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(path: &'a Path, content: &'a mut dyn Read) -> Self {
        Self { path, content: BufReader::with_capacity(1 << 16, content), line: Vec::new(), number: 0 }
    }

    /// The next line without its end.
    pub(super) fn next_bytes(&mut self) -> Result<Option<&[u8]>, DatasetError> {
        self.line.clear();
        let got = self
            .content
            .read_until(b'\n', &mut self.line)
            .map_err(|source| DatasetError::Io { path: self.path.to_owned(), source })?;
        if got == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The next line as text.
    pub(super) fn next_text(&mut self) -> Result<Option<&str>, DatasetError> {
        match self.next_bytes()? {
            None => return Ok(None),
            Some(line) if std::str::from_utf8(line).is_err() => {}
            Some(_) => {
                let line = std::str::from_utf8(&self.line).unwrap_or_default();
                return Ok(Some(line.trim_end_matches(['\n', '\r'])));
            }
        }
        Err(self.malformed("UTF-8"))
    }

    /// The error that the current line is not what was expected.
    pub(super) fn malformed(&self, expected: &'static str) -> DatasetError {
        let shown = &self.line[..self.line.len().min(SHOWN)];
        DatasetError::Malformed {
            path: self.path.to_owned(),
            line: self.number.max(1),
            found: String::from_utf8_lossy(shown).trim_end().to_owned(),
            expected,
        }
    }
}
