//! Ids between the threads that read them and the vocabulary that numbers them.

use super::error::{Fault, FaultKind};
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
            (Some(number), Kind::Rows { .. }) if kind.takes(number) => self.keys.push(number),
            (Some(row), Kind::Rows { below }) if row < u64::from(u32::MAX) => {
                return Err(Fault { at, column, kind: FaultKind::Row { row, below } });
            }
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
    /// The rows themselves, each less than `below`.
    Rows { below: u32 },
}

/// What the users and the items of a log are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds {
    pub(super) users: Kind,
    pub(super) items: Kind,
}

impl Kind {
    /// Whether an id of this kind may be `number`.
    #[inline(always)]
    pub(super) fn takes(self, number: u64) -> bool {
        match self {
            Self::Names => true,
            Self::Rows { below } => number < u64::from(below),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Names => "an id",
            Self::Rows { .. } => "a row number, below 2^32 - 1",
        }
    }
}

/// A vocabulary that is growing.
#[derive(Debug)]
pub(super) enum Growing {
    Names(Vocab),
    Rows(Span),
}

/// The rows that were seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// One past the largest.
    end: u32,
    /// How many ids named them.
    ids: u64,
    /// How many rows there are at most, where the caller knows.
    told: Option<u32>,
}

/// Where a vocabulary stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    len: u32,
    ids: u64,
}

/// How many rows a vocabulary of few ids may have.
const FEW_ROWS: u64 = 1 << 20;

/// How many rows there may be for each id that was read.
const ROWS_PER_ID: u64 = 64;

impl Growing {
    pub(super) fn names() -> Self {
        Self::Names(Vocab::new())
    }

    /// Rows of which there are at most `told`, where that is known.
    pub(super) fn numbered(told: Option<u32>) -> Self {
        Self::Rows(Span { end: 0, ids: 0, told })
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Names(_) => Kind::Names,
            Self::Rows(span) => Kind::Rows { below: span.told.unwrap_or(u32::MAX) },
        }
    }

    /// What rows must be less than for so few ids, where one is not: whoever makes room for each row would make too much.
    pub(super) fn excess(&self) -> Option<u32> {
        match self {
            Self::Rows(Span { end, ids, told: None }) => {
                let most = ids.saturating_mul(ROWS_PER_ID).max(FEW_ROWS);
                (u64::from(*end) > most).then_some(most as u32)
            }
            _ => None,
        }
    }

    /// The number of rows so far.
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Names(vocab) => vocab.len() as u32,
            Self::Rows(span) => span.end,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        match self {
            Self::Names(_) => Mark { len: self.len(), ids: 0 },
            Self::Rows(span) => Mark { len: span.end, ids: span.ids },
        }
    }

    /// Forgets what came after `mark`.
    pub(super) fn forget(&mut self, mark: Mark) {
        match self {
            Self::Names(vocab) => vocab.truncate(mark.len as usize),
            Self::Rows(span) => (span.end, span.ids) = (mark.len, mark.ids),
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
        if let Self::Rows(span) = self {
            span.ids += ids.len() as u64;
        }
        for &key in &ids.keys {
            take(match self {
                Self::Rows(span) => {
                    let row = key as u32;
                    span.end = span.end.max(row + 1);
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
            Self::Rows(span) => Vocab::numbered(span.end),
        }
    }
}
