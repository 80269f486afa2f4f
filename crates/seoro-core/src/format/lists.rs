//! Files with any number of items a line.

use super::error::Fault;
use super::ids::{Ids, Kind, Kinds};
use super::reader::{Columns, LogReader, in_order};
use super::scan::{Dialect, after_line, ends_line};
use super::source::Blocks;
use super::{Encoding, ReadError, Rows, Sessions};
use crate::{ItemId, UserId};
use std::path::Path;

/// What a thread made of a block of lists.
#[derive(Debug, Default)]
struct Lists {
    users: Ids,
    items: Ids,
    /// How many items each line has.
    counts: Vec<usize>,
}

/// What parsing a line needs.
struct Parser {
    dialect: Dialect,
    kinds: Kinds,
    encoding: Encoding,
}

/// A field: where it starts in the block, its number in the line, and its bytes.
struct Field<'a> {
    at: usize,
    column: usize,
    bytes: &'a [u8],
}

impl Parser {
    fn new(reader: &LogReader, delimiter: &str, encoding: Encoding, path: &Path) -> Result<Self, ReadError> {
        Ok(Self { dialect: Dialect::new(delimiter, false, path)?, kinds: reader.kinds(), encoding })
    }

    fn push(&self, ids: &mut Ids, kind: Kind, field: &Field<'_>) -> Result<(), Fault> {
        ids.push(field.bytes, kind, self.encoding, field.at, field.column)
    }

    /// Gives every field of a block that is not empty to `take`.
    fn lists(
        &self,
        block: &[u8],
        mut take: impl FnMut(&mut Lists, Field<'_>) -> Result<(), Fault>,
    ) -> Result<Lists, Fault> {
        let mut lists = Lists::default();
        let mut at = 0;
        while at < block.len() {
            if ends_line(block, at) {
                at = after_line(block, at);
                continue;
            }
            let (before, mut column) = (lists.items.len(), 0);
            let mut start = Some(at);
            while let Some(from) = start {
                let field_end = self.dialect.field(block, from, column)?.1;
                let bytes = &block[from..field_end];
                if !bytes.is_empty() {
                    take(&mut lists, Field { at: from, column, bytes })?;
                    column += 1;
                }
                start = self.dialect.after(block, field_end);
                at = field_end;
            }
            lists.counts.push(lists.items.len() - before);
            at = after_line(block, at);
        }
        Ok(lists)
    }
}

/// `user item item …`; a user without items is a user all the same.
pub(super) fn read_rows(reader: &mut LogReader, path: &Path, format: &Rows) -> Result<Columns, ReadError> {
    let parser = Parser::new(reader, &format.delimiter, format.encoding, path)?;
    let parse = |block: &[u8]| {
        let take = |lists: &mut Lists, field: Field<'_>| match field.column {
            0 => parser.push(&mut lists.users, parser.kinds.users, &field),
            _ => parser.push(&mut lists.items, parser.kinds.items, &field),
        };
        parser.lists(block, take)
    };
    read_events(reader, path, parse, |reader, lists| {
        let mut users = Vec::with_capacity(lists.counts.len());
        reader.user_rows(&lists.users, path, |row| users.push(row))?;
        Ok(users)
    })
}

/// `item item …`
pub(super) fn read_sessions(
    reader: &mut LogReader,
    path: &Path,
    format: &Sessions,
) -> Result<Columns, ReadError> {
    let parser = Parser::new(reader, &format.delimiter, format.encoding, path)?;
    let parse = |block: &[u8]| {
        let take =
            |lists: &mut Lists, field: Field<'_>| parser.push(&mut lists.items, parser.kinds.items, &field);
        parser.lists(block, take)
    };
    read_events(reader, path, parse, |reader, lists| {
        let mut sessions = Ids::default();
        let first = u64::from(reader.n_users());
        (0..lists.counts.len() as u64).for_each(|session| sessions.push_number(first + session));
        let mut users = Vec::with_capacity(sessions.len());
        reader.user_rows(&sessions, path, |row| users.push(row))?;
        Ok(users)
    })
}

/// Reads lists whose every item is an event of the line's user, whom `users` knows.
fn read_events(
    reader: &mut LogReader,
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<Lists, Fault> + Sync,
    users: impl Fn(&mut LogReader, &Lists) -> Result<Vec<u32>, ReadError> + Sync + Send,
) -> Result<Columns, ReadError> {
    let mut columns = Columns::default();
    let mut blocks = Blocks::open(path, reader.block_bytes(), false)?;
    in_order(&mut blocks, parse, |lists, read| {
        columns.reserve(lists.items.len(), read);
        let line_users = users(reader, &lists)?;
        for (&user, &count) in line_users.iter().zip(&lists.counts) {
            columns.users.extend(std::iter::repeat_n(UserId(user), count));
        }
        reader.item_rows(&lists.items, path, |row| columns.items.push(ItemId(row)))
    })?;
    columns.finished(path)
}
