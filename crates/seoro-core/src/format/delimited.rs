//! Events in columns, parsed in one pass over a block.

use super::error::Fault;
use super::ids::{Ids, Kind, Kinds};
use super::number::{digits, moment, short_value, value};
use super::reader::{Batch, Columns, LogReader};
use super::scan::{Dialect, after_line, ends_line};
use super::source::Blocks;
use super::{Atomic, Delimited, Encoding, Place, ReadError};
use std::path::Path;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    User,
    Item,
    Value,
    Time,
}

/// Everything a thread needs to parse a block.
struct Parser {
    dialect: Dialect,
    encoding: Encoding,
    /// Column numbers with what they are for, rising.
    steps: Vec<(usize, Role)>,
    /// How many columns each line has.
    width: usize,
    kinds: Kinds,
    /// Milliseconds in a unit of time.
    unit: i64,
}

/// Reads the file into columns.
pub(super) fn read(reader: &mut LogReader, path: &Path, format: &Delimited) -> Result<Columns, ReadError> {
    let dialect = Dialect::new(&format.delimiter, format.quotes, path)?;
    let mut blocks = Blocks::open(path, reader.block_bytes(), format.quotes)?;
    let width = width(&mut blocks, &dialect)?;
    let names = format
        .header
        .then(|| header(&mut blocks, &dialect, format.encoding))
        .transpose()?
        .unwrap_or_default();
    read_rows(reader, blocks, format, &names, width)
}

/// Reads the atomic file of interactions into columns: its header gives each column's type after a colon.
pub(super) fn read_atomic(
    reader: &mut LogReader,
    path: &Path,
    format: &Atomic,
) -> Result<Columns, ReadError> {
    let dialect = Dialect::new("\t", false, path)?;
    let mut blocks = Blocks::open(path, reader.block_bytes(), false)?;
    let width = width(&mut blocks, &dialect)?;
    let typed = header(&mut blocks, &dialect, Encoding::Utf8)?;
    let names: Vec<String> = typed.iter().map(|name| untyped(name).to_owned()).collect();
    let place = |name: &Option<String>| name.as_deref().map(Place::from);
    let format = Delimited {
        header: true,
        user: format.user.as_str().into(),
        item: format.item.as_str().into(),
        value: place(&format.value),
        time: place(&format.time),
        time_unit: format.time_unit,
        ..Delimited::default()
    };
    read_rows(reader, blocks, &format, &names, width)
}

/// A column's name without its type.
pub(super) fn untyped(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(name, _)| name)
}

/// Reads the rows after the header, if there is one, whose `names` are given.
fn read_rows(
    reader: &mut LogReader,
    mut blocks: Blocks,
    format: &Delimited,
    names: &[String],
    width: usize,
) -> Result<Columns, ReadError> {
    let path = blocks.path().to_owned();
    let mut steps = Vec::new();
    for (role, place) in [
        (Role::User, Some(&format.user)),
        (Role::Item, Some(&format.item)),
        (Role::Value, format.value.as_ref()),
        (Role::Time, format.time.as_ref()),
    ] {
        if let Some(place) = place {
            steps.push((index(place, format.header.then_some(names), &path)?, role));
        }
    }
    steps.sort_unstable_by_key(|&(column, _)| column);
    let parser = Parser {
        dialect: Dialect::new(&format.delimiter, format.quotes, &path)?,
        encoding: format.encoding,
        steps,
        width,
        kinds: reader.kinds(),
        unit: format.time_unit.milliseconds(),
    };
    reader.drive(&mut blocks, format.value.is_some(), format.time.is_some(), |block| parser.parse(block))
}

/// How many columns the first line has, and so every line.
fn width(blocks: &mut Blocks, dialect: &Dialect) -> Result<usize, ReadError> {
    let Some((line, number)) = blocks.first_line(true)? else {
        return Err(ReadError::Empty { path: blocks.path().to_owned() });
    };
    dialect.width(&line).map_err(|fault| fault.at_line(blocks.path(), number))
}

/// The names in the first line.
pub(super) fn header(
    blocks: &mut Blocks,
    dialect: &Dialect,
    encoding: Encoding,
) -> Result<Vec<String>, ReadError> {
    let Some((line, number)) = blocks.first_line(false)? else {
        return Err(ReadError::Empty { path: blocks.path().to_owned() });
    };
    let texts = dialect.texts(&line, 0, encoding).map_err(|fault| fault.at_line(blocks.path(), number))?;
    Ok(texts.0)
}

/// The number of the column at `place`.
fn index(place: &Place, header: Option<&[String]>, path: &Path) -> Result<usize, ReadError> {
    match (place, header) {
        (Place::Index(index), None) => Ok(*index),
        (Place::Index(index), Some(names)) if *index < names.len() => Ok(*index),
        (Place::Index(index), Some(names)) => Err(unknown(index.to_string(), names, path)),
        (Place::Name(name), Some(names)) => {
            names.iter().position(|other| other == name).ok_or_else(|| unknown(name.clone(), names, path))
        }
        (Place::Name(name), None) => Err(ReadError::Format {
            path: path.to_owned(),
            key: "column",
            found: format!("{name:?}"),
            expected: "the number of a column, or a file with a header",
        }),
    }
}

pub(super) fn unknown(column: String, names: &[String], path: &Path) -> ReadError {
    ReadError::UnknownColumn { path: path.to_owned(), column, columns: names.to_vec() }
}

impl Parser {
    fn parse(&self, block: &[u8]) -> Result<Batch, Fault> {
        let mut batch = Batch::default();
        let mut at = 0;
        while at < block.len() {
            if ends_line(block, at) {
                at = after_line(block, at);
                continue;
            }
            let next = self.line(block, at, &mut batch)?;
            if batch.users.len() == 1 {
                self.reserve(&mut batch, block.len() / (next - at));
            }
            at = next;
        }
        Ok(batch)
    }

    /// Makes room for about `rows` rows: as many as there are if all lines are as long as the first.
    fn reserve(&self, batch: &mut Batch, rows: usize) {
        let rows = rows + rows / 4;
        batch.users.reserve(rows);
        batch.items.reserve(rows);
        for &(_, role) in &self.steps {
            match role {
                Role::Value => batch.values.reserve(rows),
                Role::Time => batch.times.reserve(rows),
                Role::User | Role::Item => {}
            }
        }
    }

    /// Parses the line at `start` and says where the next one starts.
    #[inline(always)]
    fn line(&self, block: &[u8], start: usize, batch: &mut Batch) -> Result<usize, Fault> {
        let (mut column, mut at, mut end) = (0, start, None);
        for &(wanted, role) in &self.steps {
            while column < wanted {
                let end = match end.take() {
                    Some(end) => end,
                    None => self.dialect.field(block, at, column)?.1,
                };
                column += 1;
                at = self.dialect.after(block, end).ok_or_else(|| Fault::missing(start, column))?;
            }
            end = Some(match role {
                Role::User => self.id(block, at, column, self.kinds.users, &mut batch.users)?,
                Role::Item => self.id(block, at, column, self.kinds.items, &mut batch.items)?,
                Role::Value => self.value(block, at, column, &mut batch.values)?,
                Role::Time => self.time(block, at, column, &mut batch.times)?,
            });
        }
        self.dialect.next_line(block, end.unwrap_or(at), column, self.width)
    }

    #[inline(always)]
    fn id(&self, block: &[u8], at: usize, column: usize, kind: Kind, ids: &mut Ids) -> Result<usize, Fault> {
        if let Some((number, end)) = digits(block, at)
            && (block[at] != b'0' || end == at + 1)
            && kind.takes(number)
            && self.dialect.ends_field(block, end)
        {
            ids.push_number(number);
            return Ok(end);
        }
        let (field, end) = self.dialect.field(block, at, column)?;
        ids.push(&field, kind, self.encoding, at, column)?;
        Ok(end)
    }

    #[inline(always)]
    fn value(&self, block: &[u8], at: usize, column: usize, values: &mut Vec<f32>) -> Result<usize, Fault> {
        if let Some((value, end)) = short_value(block, at)
            && self.dialect.ends_field(block, end)
        {
            values.push(value);
            return Ok(end);
        }
        let (field, end) = self.dialect.field(block, at, column)?;
        values.push(value(&field).ok_or_else(|| Fault::field(at, column, &field, "a finite number"))?);
        Ok(end)
    }

    #[inline(always)]
    fn time(&self, block: &[u8], at: usize, column: usize, times: &mut Vec<i64>) -> Result<usize, Fault> {
        if let Some((units, end)) = digits(block, at)
            && let Ok(units) = i64::try_from(units)
            && let Some(time) = units.checked_mul(self.unit)
            && self.dialect.ends_field(block, end)
        {
            times.push(time);
            return Ok(end);
        }
        let (field, end) = self.dialect.field(block, at, column)?;
        let expected = "a time since 1970, in seconds or milliseconds as the format says";
        times.push(moment(&field, self.unit).ok_or_else(|| Fault::field(at, column, &field, expected))?);
        Ok(end)
    }
}
