//! Beginnings of sessions to be continued.

use super::DatasetError;
use super::lines::Lines;
use crate::{ItemId, Vocab};

/// Beginnings of sessions, each with the item that came next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    starts: Vec<usize>,
    items: Vec<ItemId>,
    targets: Vec<ItemId>,
}

impl Prefixes {
    /// The number of beginnings.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The items of beginning `row`, oldest first.
    ///
    /// # Panics
    /// Where `row` is not below [`Prefixes::len`].
    pub fn items(&self, row: usize) -> &[ItemId] {
        &self.items[self.starts[row]..self.starts[row + 1]]
    }

    /// The item that came after each beginning.
    pub fn targets(&self) -> &[ItemId] {
        &self.targets
    }

    /// Reads `item item …`, a tab, the next item; columns after it are not read. Items that are new join `vocab`.
    pub(super) fn read(lines: &mut Lines<'_>, vocab: &mut Vocab) -> Result<Self, DatasetError> {
        let mut prefixes = Self { starts: vec![0], ..Self::default() };
        while let Some(line) = lines.next_text()? {
            let mut columns = line.split('\t');
            let (items, target) = (columns.next().unwrap_or(""), columns.next().unwrap_or(""));
            if items.is_empty() || target.is_empty() || target.contains(' ') {
                return Err(lines.malformed("items, a tab, and the item that came next"));
            }
            for item in items.split(' ') {
                prefixes.items.push(ItemId(vocab.intern(item)?));
            }
            prefixes.targets.push(ItemId(vocab.intern(target)?));
            prefixes.starts.push(prefixes.items.len());
        }
        Ok(prefixes)
    }
}
