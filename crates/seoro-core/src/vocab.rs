//! Raw ids to dense rows and back.

use hashbrown::HashTable;
use std::borrow::Cow;
use std::fmt::Write;
use std::hash::BuildHasher;

/// Raw ids in order of first appearance: row `r` is the `r`-th distinct id seen.
///
/// A vocabulary is either *interned* (ids are texts, kept as written) or *numbered* (the data itself speaks in rows,
/// as the files of the NCF and LightGCN papers do; then the name of row 7 is `"7"`).
///
/// ```
/// let mut items = seoro_core::Vocab::new();
/// assert_eq!(items.intern("tt0133093").unwrap(), 0);
/// assert_eq!(items.intern("tt0082971").unwrap(), 1);
/// assert_eq!(items.intern("tt0133093").unwrap(), 0);
/// assert_eq!(items.get("tt0082971"), Some(1));
/// assert_eq!(items.name(0).as_deref(), Some("tt0133093"));
/// ```
#[derive(Clone, Default)]
pub struct Vocab {
    names: Names,
}

#[derive(Clone)]
enum Names {
    Numbered(u32),
    Text(Text),
}

/// Interned ids: their names row after row, and two indexes, one for ids that are numbers and one for all others.
#[derive(Clone, Default)]
struct Text {
    bytes: String,
    ends: Vec<usize>,
    numbers: Numbers,
    rows: HashTable<u32>,
    hasher: hashbrown::DefaultHashBuilder,
}

/// The rows of ids that are numbers: small ones by address, the others by hash.
#[derive(Clone, Default)]
struct Numbers {
    /// The row of each number below its length, or [`NONE`].
    near: Vec<u32>,
    /// Numbers past `near`, with their rows.
    far: HashTable<(u64, u32)>,
    hasher: hashbrown::DefaultHashBuilder,
}

/// No row.
const NONE: u32 = u32::MAX;

/// `near` may be this much longer than there are ids, so that it costs no more than hashing would.
const SPARSE: usize = 8;

/// The shortest `near`.
const NEAR: usize = 1 << 12;

impl Default for Names {
    fn default() -> Self {
        Names::Text(Text::default())
    }
}

/// Why an id cannot be given a row.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VocabError {
    /// More distinct ids than rows can number.
    #[error("more than {} distinct ids; expected fewer than 2^32", u32::MAX)]
    Full,
    /// A numbered vocabulary takes row numbers only.
    #[error("id {id:?} is not a row; expected a whole number below {rows}")]
    NotARow {
        /// The id as written.
        id: String,
        /// How many rows there are.
        rows: u32,
    },
}

impl Vocab {
    /// An empty vocabulary that interns ids as they come.
    pub fn new() -> Self {
        Self::default()
    }

    /// The vocabulary of data that speaks in rows: `rows` of them, named by their numbers.
    pub fn numbered(rows: u32) -> Self {
        Self { names: Names::Numbered(rows) }
    }

    /// The number of distinct ids.
    pub fn len(&self) -> usize {
        match &self.names {
            Names::Numbered(rows) => *rows as usize,
            Names::Text(text) => text.ends.len(),
        }
    }

    /// Whether no id is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row of `id`, given one now if it is new.
    ///
    /// # Errors
    /// [`VocabError::Full`] past 2^32 − 1 distinct ids; [`VocabError::NotARow`] in a numbered vocabulary.
    pub fn intern(&mut self, id: &str) -> Result<u32, VocabError> {
        match &mut self.names {
            Names::Numbered(rows) => {
                row_number(id, *rows).ok_or_else(|| VocabError::NotARow { id: id.to_owned(), rows: *rows })
            }
            Names::Text(text) => text.intern(id),
        }
    }

    /// The row of the id that is written as this number; as [`Vocab::intern`], and as fast as an array where ids are
    /// small.
    #[inline]
    #[cfg(feature = "csv")]
    pub(crate) fn intern_number(&mut self, number: u64) -> Result<u32, VocabError> {
        match &mut self.names {
            Names::Text(text) => text.intern_number(number),
            Names::Numbered(_) => self.intern(&number.to_string()),
        }
    }

    /// Forgets the rows from `len` on; a numbered vocabulary stays as it is.
    #[cfg(feature = "csv")]
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Names::Text(text) = &mut self.names {
            text.truncate(len);
        }
    }

    /// The row of `id`, if it is known.
    pub fn get(&self, id: &str) -> Option<u32> {
        match &self.names {
            Names::Numbered(rows) => row_number(id, *rows),
            Names::Text(text) => text.get(id),
        }
    }

    /// The raw id of `row`.
    pub fn name(&self, row: u32) -> Option<Cow<'_, str>> {
        match &self.names {
            Names::Numbered(rows) => (row < *rows).then(|| Cow::Owned(row.to_string())),
            Names::Text(text) => {
                ((row as usize) < text.ends.len()).then(|| Cow::Borrowed(text.name(row as usize)))
            }
        }
    }
}

fn row_number(id: &str, rows: u32) -> Option<u32> {
    id.parse::<u32>().ok().filter(|&row| row < rows && !(id.len() > 1 && id.starts_with(['0', '+'])))
}

impl Text {
    fn name(&self, row: usize) -> &str {
        name(&self.bytes, &self.ends, row)
    }

    fn get(&self, id: &str) -> Option<u32> {
        if let Some(number) = canonical(id.as_bytes()) {
            return self.numbers.get(number);
        }
        let hash = self.hasher.hash_one(id);
        self.rows.find(hash, |&row| self.name(row as usize) == id).copied()
    }

    fn intern(&mut self, id: &str) -> Result<u32, VocabError> {
        if let Some(number) = canonical(id.as_bytes()) {
            return self.intern_number(number);
        }
        if let Some(row) = self.get(id) {
            return Ok(row);
        }
        let row = self.push_name(format_args!("{id}"))?;
        let hash = self.hasher.hash_one(id);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let rehash = |&row: &u32| hasher.hash_one(name(bytes, ends, row as usize));
        self.rows.insert_unique(hash, row, rehash);
        Ok(row)
    }

    #[inline]
    fn intern_number(&mut self, number: u64) -> Result<u32, VocabError> {
        match self.numbers.get(number) {
            Some(row) => Ok(row),
            None => {
                let row = self.push_name(format_args!("{number}"))?;
                self.numbers.insert(number, row, self.ends.len());
                Ok(row)
            }
        }
    }

    /// A new row of this name.
    fn push_name(&mut self, name: std::fmt::Arguments<'_>) -> Result<u32, VocabError> {
        let row = u32::try_from(self.ends.len()).ok().filter(|&row| row < NONE).ok_or(VocabError::Full)?;
        self.bytes.write_fmt(name).expect("a String takes all that is written");
        self.ends.push(self.bytes.len());
        Ok(row)
    }

    #[cfg(feature = "csv")]
    fn truncate(&mut self, len: usize) {
        for row in len..self.ends.len() {
            let id = name(&self.bytes, &self.ends, row);
            match canonical(id.as_bytes()) {
                Some(number) => self.numbers.remove(number),
                None => {
                    let found =
                        self.rows.find_entry(self.hasher.hash_one(id), |&other| other as usize == row);
                    if let Ok(entry) = found {
                        entry.remove();
                    }
                }
            }
        }
        self.ends.truncate(len);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

/// The name of row `row`.
fn name<'a>(bytes: &'a str, ends: &[usize], row: usize) -> &'a str {
    let start = if row == 0 { 0 } else { ends[row - 1] };
    &bytes[start..ends[row]]
}

/// The number that is written just so: digits without a leading zero, below 10^18.
pub(crate) fn canonical(id: &[u8]) -> Option<u64> {
    let sound =
        matches!(id, [b'0'] | [b'1'..=b'9', ..]) && id.len() <= 18 && id.iter().all(u8::is_ascii_digit);
    sound.then(|| id.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

impl Numbers {
    #[inline]
    fn get(&self, number: u64) -> Option<u32> {
        match usize::try_from(number).ok().and_then(|number| self.near.get(number)) {
            Some(&row) => (row != NONE).then_some(row),
            None if self.far.is_empty() => None,
            None => self
                .far
                .find(self.hasher.hash_one(number), |&(other, _)| other == number)
                .map(|&(_, row)| row),
        }
    }

    /// Gives a new number its row; there are `ids` ids in all.
    fn insert(&mut self, number: u64, row: u32, ids: usize) {
        let limit = (SPARSE * ids).max(NEAR).max(self.near.len());
        if number < limit as u64 {
            let place = number as usize;
            if place >= self.near.len() {
                self.extend((place + 1).next_power_of_two().max(NEAR));
            }
            self.near[place] = row;
        } else {
            let hasher = &self.hasher;
            self.far
                .insert_unique(hasher.hash_one(number), (number, row), |&(other, _)| hasher.hash_one(other));
        }
    }

    /// Makes `near` longer, and moves the numbers that now belong there.
    fn extend(&mut self, len: usize) {
        self.near.resize(len, NONE);
        let near = &mut self.near;
        self.far.retain(|&mut (number, row)| {
            let moves = number < len as u64;
            if moves {
                near[number as usize] = row;
            }
            !moves
        });
    }

    #[cfg(feature = "csv")]
    fn remove(&mut self, number: u64) {
        if let Some(row) = usize::try_from(number).ok().and_then(|number| self.near.get_mut(number)) {
            *row = NONE;
        } else if let Ok(entry) =
            self.far.find_entry(self.hasher.hash_one(number), |&(other, _)| other == number)
        {
            entry.remove();
        }
    }
}

impl PartialEq for Vocab {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && match (&self.names, &other.names) {
                (Names::Numbered(_), Names::Numbered(_)) => true,
                (Names::Text(a), Names::Text(b)) => a.bytes == b.bytes && a.ends == b.ends,
                _ => false,
            }
    }
}

impl std::fmt::Debug for Vocab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if matches!(self.names, Names::Numbered(_)) { "numbered" } else { "interned" };
        write!(f, "Vocab({} {kind} ids)", self.len())
    }
}
