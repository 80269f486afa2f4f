//! Interactions from the text forms that the manifests name; all files of a data set share one pair of vocabularies.

use super::DatasetError;
use super::lines::Lines;
use super::source::open;
use crate::{ItemId, Log, UserId, Vocab};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// How interactions are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// One interaction a line.
    Delimited(Delimited),
    /// A user and any number of items a line, between blanks.
    Rows,
    /// The items of one session a line, between blanks, oldest first.
    Sessions,
}

/// Interactions in columns; the default is `user item` between tabs, without a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Delimited {
    /// What stands between two columns.
    pub delimiter: String,
    /// Whether the first line names the columns.
    pub header: bool,
    /// The column of users (or sessions).
    pub user: Place,
    /// The column of items.
    pub item: Place,
    /// The column of values: ratings, counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Place>,
    /// The column of Unix times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Place>,
    /// What the times count.
    pub time_unit: TimeUnit,
}

impl Default for Delimited {
    fn default() -> Self {
        Self {
            delimiter: "\t".to_owned(),
            header: false,
            user: Place::Index(0),
            item: Place::Index(1),
            value: None,
            time: None,
            time_unit: TimeUnit::Seconds,
        }
    }
}

/// A column: by its number, from 0, or by its name in the header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// Its number.
    Index(usize),
    /// Its name.
    Name(String),
}

/// What times count since 1970; fractions are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
}

/// How bytes are characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO-8859-1: each byte is the character of that number.
    #[serde(rename = "latin-1")]
    Latin1,
}

/// The columns of one file.
#[derive(Default)]
pub(super) struct Columns {
    users: Vec<UserId>,
    items: Vec<ItemId>,
    values: Option<Vec<f32>>,
    times: Option<Vec<i64>>,
}

/// The vocabularies of a data set while its files are read.
pub(super) struct LogReader {
    users: Ids,
    items: Ids,
}

/// One vocabulary being built: of names, or of rows of which only the number is known in the end.
enum Ids {
    Named(Vocab),
    Numbered(u32),
}

impl Ids {
    fn row(&mut self, id: &str) -> Option<u32> {
        match self {
            Ids::Named(vocab) => Some(id).filter(|id| !id.is_empty()).and_then(|id| vocab.intern(id).ok()),
            Ids::Numbered(rows) => {
                let digits = id.bytes().all(|byte| byte.is_ascii_digit());
                let row = id.parse::<u32>().ok().filter(|&row| digits && row < u32::MAX)?;
                *rows = (*rows).max(row + 1);
                Some(row)
            }
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Ids::Named(_) => "an id",
            Ids::Numbered(_) => "a row number below 2^32 - 1",
        }
    }

    fn finish(self) -> Arc<Vocab> {
        Arc::new(match self {
            Ids::Named(vocab) => vocab,
            Ids::Numbered(rows) => Vocab::numbered(rows),
        })
    }
}

/// Where the columns of a file stand.
struct Places {
    user: usize,
    item: usize,
    value: Option<usize>,
    time: Option<usize>,
}

impl LogReader {
    /// A reader of files whose ids are rows already, or names.
    pub(super) fn new(numbered: bool) -> Self {
        let ids = || if numbered { Ids::Numbered(0) } else { Ids::Named(Vocab::new()) };
        Self { users: ids(), items: ids() }
    }

    /// Reads a file.
    pub(super) fn read(&mut self, path: &Path, format: &Format) -> Result<Columns, DatasetError> {
        let mut content = open(path)?;
        let mut lines = Lines::new(path, &mut content);
        let columns = match format {
            Format::Delimited(format) => self.delimited(&mut lines, format)?,
            Format::Rows => self.rows(&mut lines)?,
            Format::Sessions => self.sessions(&mut lines)?,
        };
        if columns.users.is_empty() {
            return Err(lines.malformed("at least one interaction"));
        }
        Ok(columns)
    }

    fn delimited(&mut self, lines: &mut Lines<'_>, format: &Delimited) -> Result<Columns, DatasetError> {
        let places = Places::find(format, lines)?;
        let mut columns = Columns {
            values: places.value.map(|_| Vec::new()),
            times: places.time.map(|_| Vec::new()),
            ..Columns::default()
        };
        let mut width = None;
        let mut ends: Vec<(usize, usize)> = Vec::new();
        while let Some(line) = lines.next_text()? {
            ends.clear();
            let base = line.as_ptr() as usize;
            ends.extend(line.split(format.delimiter.as_str()).map(|field| {
                let start = field.as_ptr() as usize - base;
                (start, start + field.len())
            }));
            if ends.len() != *width.get_or_insert(ends.len().max(places.last() + 1)) {
                let column = ends.last().map_or(1, |&(_, end)| end + 1);
                return Err(lines.malformed_at(column, "as many fields as columns"));
            }
            let field = |place: usize| &line[ends[place].0..ends[place].1];
            let (user, item) = (self.users.row(field(places.user)), self.items.row(field(places.item)));
            let value = places.value.map(|place| (place, number(field(place))));
            let time = places.time.map(|place| (place, milliseconds(field(place), format.time_unit)));
            let bad = |place: usize, expected| Err(lines.malformed_at(ends[place].0 + 1, expected));
            match user {
                Some(user) => columns.users.push(UserId(user)),
                None => return bad(places.user, self.users.expected()),
            }
            match item {
                Some(item) => columns.items.push(ItemId(item)),
                None => return bad(places.item, self.items.expected()),
            }
            match (value, &mut columns.values) {
                (Some((_, Some(value))), Some(values)) => values.push(value),
                (Some((place, None)), _) => return bad(place, "a finite number"),
                _ => {}
            }
            match (time, &mut columns.times) {
                (Some((_, Some(time))), Some(times)) => times.push(time),
                (Some((place, None)), _) => return bad(place, "a Unix time"),
                _ => {}
            }
        }
        Ok(columns)
    }

    fn rows(&mut self, lines: &mut Lines<'_>) -> Result<Columns, DatasetError> {
        let mut columns = Columns::default();
        while let Some(line) = lines.next_text()? {
            let mut fields = line.split_ascii_whitespace();
            let Some(user) = fields.next().and_then(|user| self.users.row(user)) else {
                return Err(lines.malformed(self.users.expected()));
            };
            for item in fields {
                let column = item.as_ptr() as usize - line.as_ptr() as usize + 1;
                match self.items.row(item) {
                    Some(item) => columns.items.push(ItemId(item)),
                    None => return Err(lines.malformed_at(column, self.items.expected())),
                }
                columns.users.push(UserId(user));
            }
        }
        Ok(columns)
    }

    fn sessions(&mut self, lines: &mut Lines<'_>) -> Result<Columns, DatasetError> {
        let mut columns = Columns::default();
        while let Some(line) = lines.next_text()? {
            let session = match &mut self.users {
                Ids::Named(vocab) => vocab.intern(&vocab.len().to_string())?,
                Ids::Numbered(rows) => {
                    *rows += 1;
                    *rows - 1
                }
            };
            for item in line.split_ascii_whitespace() {
                match self.items.row(item) {
                    Some(item) => columns.items.push(ItemId(item)),
                    None => return Err(lines.malformed(self.items.expected())),
                }
                columns.users.push(UserId(session));
            }
        }
        Ok(columns)
    }

    /// The logs of all files, with the vocabularies of all files.
    pub(super) fn finish(self, parts: Vec<Columns>) -> Result<Vec<Log>, DatasetError> {
        let (users, items) = (self.users.finish(), self.items.finish());
        let log = |part: Columns| {
            let (users, items) = (Arc::clone(&users), Arc::clone(&items));
            Ok(Log::new(part.users, part.items, part.values, part.times, users, items)?)
        };
        parts.into_iter().map(log).collect()
    }
}

impl Places {
    /// Finds the columns, by name in the first line where there is a header.
    fn find(format: &Delimited, lines: &mut Lines<'_>) -> Result<Self, DatasetError> {
        let names: Vec<String> = if format.header {
            let header = lines.next_text()?.unwrap_or_default();
            header.split(format.delimiter.as_str()).map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        let find = |place: &Place| match place {
            Place::Index(index) => Ok(*index),
            Place::Name(name) => {
                let place = names.iter().position(|known| known == name);
                place.ok_or_else(|| lines.malformed("a first line with the manifest's columns"))
            }
        };
        Ok(Self {
            user: find(&format.user)?,
            item: find(&format.item)?,
            value: format.value.as_ref().map(find).transpose()?,
            time: format.time.as_ref().map(find).transpose()?,
        })
    }

    /// The last column that is read.
    fn last(&self) -> usize {
        [self.user, self.item, self.value.unwrap_or(0), self.time.unwrap_or(0)].into_iter().max().unwrap_or(0)
    }
}

fn number(field: &str) -> Option<f32> {
    field.parse().ok().filter(|number: &f32| number.is_finite())
}

/// A time in milliseconds; whole numbers exactly, fractions to the nearest.
fn milliseconds(field: &str, unit: TimeUnit) -> Option<i64> {
    let scale = match unit {
        TimeUnit::Seconds => 1000,
        TimeUnit::Milliseconds => 1,
    };
    if let Ok(whole) = field.parse::<i64>() {
        return whole.checked_mul(scale);
    }
    let time = field.parse::<f64>().ok()? * scale as f64;
    (time.abs() < 9e15).then(|| time.round() as i64)
}
