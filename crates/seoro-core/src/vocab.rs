//! Raw ids to dense rows and back.

use hashbrown::HashTable;
use std::borrow::Cow;
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

#[derive(Clone, Default)]
struct Text {
    bytes: String,
    ends: Vec<usize>,
    rows: HashTable<u32>,
    hasher: hashbrown::DefaultHashBuilder,
}

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
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    fn get(&self, id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.rows.find(hash, |&row| self.name(row as usize) == id).copied()
    }

    fn intern(&mut self, id: &str) -> Result<u32, VocabError> {
        if let Some(row) = self.get(id) {
            return Ok(row);
        }
        let row =
            u32::try_from(self.ends.len()).ok().filter(|&row| row < u32::MAX).ok_or(VocabError::Full)?;
        self.bytes.push_str(id);
        self.ends.push(self.bytes.len());
        let hash = self.hasher.hash_one(id);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let rehash = |&row: &u32| {
            let row = row as usize;
            let start = if row == 0 { 0 } else { ends[row - 1] };
            hasher.hash_one(&bytes[start..ends[row]])
        };
        self.rows.insert_unique(hash, row, rehash);
        Ok(row)
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
