//! Ids between the threads that read them and the vocabulary that numbers them.

use super::error::Fault;
use super::scan::text;
use super::{Encoding, ReadError};
use crate::vocab::{Vocab, VocabError, canonical};
use std::path::Path;

/// Marks a key that is not a number but the end of a text.
const TEXT: u64 = 1 << 63;

/// A block's ids in order: numbers as they are, all else as text.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// A number, or [`TEXT`] and where the text ends that starts at the end of the one before.
    keys: Vec<u64>,
    text: String,
}

impl Ids {
    /// The id `number`, written without a leading zero.
    #[inline(always)]
    pub(super) fn push_number(&mut self, number: u64) {
        self.keys.push(number);
    }

    /// Any id, as it is written.
    pub(super) fn push(
        &mut self,
        field: &[u8],
        kind: Kind,
        encoding: Encoding,
        at: usize,
        column: usize,
    ) -> Result<(), Fault> {
        match (canonical(field), kind) {
            (Some(number), Kind::Rows) if number < u64::from(u32::MAX) => self.keys.push(number),
            (Some(number), Kind::Names) => self.keys.push(number),
            (None, Kind::Names) if !field.is_empty() => self.push_text(&text(field, encoding, at, column)?),
            _ => return Err(Fault::field(at, column, field, kind.expected())),
        }
        Ok(())
    }

    /// An id that is not a number.
    fn push_text(&mut self, id: &str) {
        self.text.push_str(id);
        self.keys.push(TEXT | self.text.len() as u64);
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn reserve(&mut self, ids: usize) {
        self.keys.reserve(ids);
    }
}

/// What ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names, which get rows as they appear.
    Names,
    /// The rows themselves.
    Rows,
}

impl Kind {
    /// Whether an id of this kind may be `number`.
    #[inline(always)]
    pub(super) fn takes(self, number: u64) -> bool {
        self == Self::Names || number < u64::from(u32::MAX)
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Names => "an id",
            Self::Rows => "a row number, below 2^32 - 1",
        }
    }
}

/// A vocabulary that is growing.
#[derive(Debug)]
pub(super) enum Growing {
    Names(Vocab),
    /// One past the largest row seen.
    Rows(u32),
}

impl Growing {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Names => Self::Names(Vocab::new()),
            Kind::Rows => Self::Rows(0),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Names(_) => Kind::Names,
            Self::Rows(_) => Kind::Rows,
        }
    }

    /// The number of rows so far.
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Names(vocab) => vocab.len() as u32,
            Self::Rows(rows) => *rows,
        }
    }

    /// Forgets the rows from `len` on.
    pub(super) fn truncate(&mut self, len: u32) {
        match self {
            Self::Names(vocab) => vocab.truncate(len as usize),
            Self::Rows(rows) => *rows = len,
        }
    }

    /// The rows of `ids`, in order.
    pub(super) fn rows(
        &mut self,
        ids: &Ids,
        path: &Path,
        mut take: impl FnMut(u32),
    ) -> Result<(), ReadError> {
        let full = |_: VocabError| ReadError::Full { path: path.to_owned() };
        let mut start = 0;
        for &key in &ids.keys {
            take(match self {
                Self::Rows(rows) => {
                    let row = key as u32;
                    *rows = (*rows).max(row + 1);
                    row
                }
                Self::Names(vocab) if key & TEXT == 0 => vocab.intern_number(key).map_err(full)?,
                Self::Names(vocab) => {
                    let end = (key & !TEXT) as usize;
                    let id = &ids.text[start..end];
                    start = end;
                    vocab.intern(id).map_err(full)?
                }
            });
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Vocab {
        match self {
            Self::Names(vocab) => vocab,
            Self::Rows(rows) => Vocab::numbered(rows),
        }
    }
}
