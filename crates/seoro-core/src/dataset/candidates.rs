//! The lists of candidates to rank that stand beside a log, as the NCF paper's authors published them.

use super::DatasetError;
use super::lines::Lines;
use crate::{ItemId, Log};

/// Lists of candidates, one for each event of a part, in the part's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    starts: Vec<usize>,
    items: Vec<ItemId>,
}

impl Candidates {
    /// The number of lists.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The candidates of the part's event `row`, as the file gives them: the event's own item is not among them unless
    /// the file repeats it.
    ///
    /// # Panics
    /// Where `row` is not below [`Candidates::len`].
    pub fn list(&self, row: usize) -> &[ItemId] {
        &self.items[self.starts[row]..self.starts[row + 1]]
    }

    /// The number of items in all lists.
    pub fn total(&self) -> usize {
        self.items.len()
    }

    /// Reads lists in the form of the NCF paper's authors: `(user,item)`, then the candidates, between tabs; line `n`
    /// belongs to event `n` of `log`, whose user and item it repeats.
    pub(super) fn read(lines: &mut Lines<'_>, log: &Log) -> Result<Self, DatasetError> {
        let mut lists = Self { starts: vec![0], items: Vec::new() };
        let vocab = log.item_vocab();
        while let Some(line) = lines.next_text()? {
            let row = lists.len();
            let mut fields = line.split('\t').filter(|field| !field.is_empty());
            let head =
                fields.next().and_then(|head| head.strip_prefix('(')?.strip_suffix(')')?.split_once(','));
            let same = head.is_some_and(|(user, item)| {
                row < log.len()
                    && log.user_vocab().get(user) == Some(log.users()[row].0)
                    && vocab.get(item) == Some(log.items()[row].0)
            });
            if !same {
                return Err(lines.malformed("(user,item) of the event on the same line of the part's log"));
            }
            for field in fields {
                match vocab.get(field) {
                    Some(item) => lists.items.push(ItemId(item)),
                    None => return Err(lines.malformed("candidates among the data set's items")),
                }
            }
            lists.starts.push(lists.items.len());
        }
        if lists.len() < log.len() {
            return Err(lines.malformed("a line for each event of the part's log"));
        }
        Ok(lists)
    }
}
