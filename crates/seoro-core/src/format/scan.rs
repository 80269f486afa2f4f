//! Lines into fields.

use super::error::Fault;
use super::{Encoding, ReadError};
use memchr::{memchr, memchr2};
use std::borrow::Cow;
use std::path::Path;

/// Where fields end.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    delimiter: Vec<u8>,
    pub(super) quotes: bool,
}

impl Dialect {
    pub(super) fn new(delimiter: &str, quotes: bool, path: &Path) -> Result<Self, ReadError> {
        if delimiter.is_empty() || delimiter.contains(['\n', '\r', '"']) {
            return Err(ReadError::Format {
                path: path.to_owned(),
                key: "delimiter",
                found: format!("{delimiter:?}"),
                expected: "one or more characters other than quotes and line ends",
            });
        }
        Ok(Self { delimiter: delimiter.as_bytes().to_vec(), quotes })
    }

    #[inline(always)]
    pub(super) fn is_delimiter(&self, bytes: &[u8], at: usize) -> bool {
        match self.delimiter[..] {
            [one] => bytes.get(at) == Some(&one),
            _ => bytes[at..].starts_with(&self.delimiter),
        }
    }

    /// Whether the field before `at` ends there.
    #[inline(always)]
    pub(super) fn ends_field(&self, bytes: &[u8], at: usize) -> bool {
        self.is_delimiter(bytes, at) || ends_line(bytes, at)
    }

    /// The start of the field after the one that ends at `end`; `None` where the line ends.
    #[inline(always)]
    pub(super) fn after(&self, bytes: &[u8], end: usize) -> Option<usize> {
        self.is_delimiter(bytes, end).then(|| end + self.delimiter.len())
    }

    /// The field that starts at `at`, and where it ends: at a delimiter or a line end.
    pub(super) fn field<'a>(
        &self,
        bytes: &'a [u8],
        at: usize,
        column: usize,
    ) -> Result<(Cow<'a, [u8]>, usize), Fault> {
        if self.quotes && bytes.get(at) == Some(&b'"') {
            return self.quoted(bytes, at, column);
        }
        let end = self.bare_end(bytes, at);
        let field = &bytes[at..end];
        if self.quotes && memchr(b'"', field).is_some() {
            return Err(Fault::field(at, column, field, "quotes around the whole field, or none"));
        }
        Ok((Cow::Borrowed(field), end))
    }

    /// The end of the unquoted field that starts at `at`.
    fn bare_end(&self, bytes: &[u8], at: usize) -> usize {
        let mut from = at;
        while let Some(found) = memchr2(self.delimiter[0], b'\n', &bytes[from..]) {
            let end = from + found;
            if bytes[end] == b'\n' {
                return if end > at && bytes[end - 1] == b'\r' { end - 1 } else { end };
            }
            if self.is_delimiter(bytes, end) {
                return end;
            }
            from = end + 1;
        }
        if bytes.len() > at && bytes.ends_with(b"\r") { bytes.len() - 1 } else { bytes.len() }
    }

    /// A field in quotes, in which two quotes stand for one.
    fn quoted<'a>(&self, bytes: &'a [u8], at: usize, column: usize) -> Result<(Cow<'a, [u8]>, usize), Fault> {
        let fault = |expected| Err(Fault::field(at, column, &bytes[at..self.bare_end(bytes, at)], expected));
        let mut text = Cow::Borrowed(&bytes[at + 1..at + 1]);
        let mut from = at + 1;
        loop {
            let Some(found) = memchr(b'"', &bytes[from..]) else { return fault("a closing quote") };
            let quote = from + found;
            let part = &bytes[from..quote];
            match &mut text {
                Cow::Borrowed([]) => text = Cow::Borrowed(part),
                text => text.to_mut().extend_from_slice(part),
            }
            if bytes.get(quote + 1) != Some(&b'"') {
                let end = quote + 1;
                return if self.ends_field(bytes, end) {
                    Ok((text, end))
                } else {
                    fault("a delimiter or a line end after the closing quote")
                };
            }
            text.to_mut().push(b'"');
            from = quote + 2;
        }
    }

    /// The start of the line after this one, whose field `column` ends at `end`; the line must have `width` fields.
    #[inline(always)]
    pub(super) fn next_line(
        &self,
        bytes: &[u8],
        mut end: usize,
        mut column: usize,
        width: usize,
    ) -> Result<usize, Fault> {
        while let Some(start) = self.after(bytes, end) {
            column += 1;
            if column == width {
                let rest = &bytes[start..self.bare_end(bytes, start)];
                return Err(Fault::field(start, column, rest, "no more columns than the first line has"));
            }
            end = self.field(bytes, start, column)?.1;
        }
        if column + 1 < width {
            return Err(Fault::missing(end, column + 1));
        }
        Ok(after_line(bytes, end))
    }

    /// Gives each field of the line at `start` to `take`, with its own start and number; says where the line ends.
    fn fields(
        &self,
        bytes: &[u8],
        start: usize,
        mut take: impl FnMut(&[u8], usize, usize) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let (mut at, mut column) = (start, 0);
        loop {
            let (field, end) = self.field(bytes, at, column)?;
            take(&field, at, column)?;
            match self.after(bytes, end) {
                Some(next) => (at, column) = (next, column + 1),
                None => return Ok(end),
            }
        }
    }

    /// How many fields a line has.
    pub(super) fn width(&self, line: &[u8]) -> Result<usize, Fault> {
        let mut width = 0;
        self.fields(line, 0, |_, _, _| {
            width += 1;
            Ok(())
        })?;
        Ok(width)
    }

    /// The fields of the line at `start`, as texts, and where the line ends.
    pub(super) fn texts(
        &self,
        bytes: &[u8],
        start: usize,
        encoding: Encoding,
    ) -> Result<(Vec<String>, usize), Fault> {
        let mut texts = Vec::new();
        let end = self.fields(bytes, start, |field, at, column| {
            texts.push(text(field, encoding, at, column)?.into_owned());
            Ok(())
        })?;
        Ok((texts, end))
    }
}

/// Whether a line ends at `at`: `\n`, `\r\n`, or the end of all.
#[inline(always)]
pub(super) fn ends_line(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None | Some(b'\n') => true,
        Some(b'\r') => matches!(bytes.get(at + 1), None | Some(b'\n')),
        Some(_) => false,
    }
}

/// The start of the line after the one that ends at `end`.
#[inline(always)]
pub(super) fn after_line(bytes: &[u8], end: usize) -> usize {
    match bytes.get(end) {
        Some(b'\r') => (end + 2).min(bytes.len()),
        _ => (end + 1).min(bytes.len()),
    }
}

/// A field's characters.
pub(super) fn text<'a>(
    field: &'a [u8],
    encoding: Encoding,
    at: usize,
    column: usize,
) -> Result<Cow<'a, str>, Fault> {
    match encoding {
        Encoding::Latin1 if !field.is_ascii() => {
            Ok(Cow::Owned(field.iter().map(|&byte| char::from(byte)).collect()))
        }
        _ => match std::str::from_utf8(field) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(Fault::field(at, column, field, "UTF-8 (is it latin-1?)")),
        },
    }
}
