//! How a file is written: plain data, as a manifest states it.

use serde::{Deserialize, Serialize};

/// How a file of interactions is written.
///
/// ```
/// use seoro_core::format::{Delimited, Format, Place};
/// let movielens = Format::Delimited(Delimited {
///     delimiter: "::".into(),
///     value: Some(Place::Index(2)),
///     time: Some(Place::Index(3)),
///     ..Delimited::default()
/// });
/// let text = r#"{"kind": "delimited", "delimiter": "::", "value": 2, "time": 3}"#;
/// assert_eq!(serde_json::from_str::<Format>(text)?, movielens);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// One event a line, in columns.
    Delimited(Delimited),
    /// A user's items a line, after the user: `user item item …`, as in the files of LightGCN.
    Rows(Rows),
    /// One session a line, its items in order.
    Sessions(Sessions),
    /// RecBole's atomic file of interactions (`.inter`): tab-separated, with a header of `name:type`.
    Atomic(Atomic),
    /// One JSON object a line.
    #[cfg(feature = "json")]
    JsonLines(Keyed),
    /// A Parquet file.
    #[cfg(feature = "parquet")]
    Parquet(Keyed),
}

/// A column: by its name in the header, or by its number, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// Its number, from 0.
    Index(usize),
    /// Its name in the header.
    Name(String),
}

impl From<usize> for Place {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for Place {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// What a number in a time column counts; fractions are read to the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Seconds since 1970.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds since 1970.
    #[serde(rename = "ms")]
    Milliseconds,
}

impl TimeUnit {
    /// How many milliseconds one of these is.
    pub(super) fn milliseconds(self) -> i64 {
        match self {
            Self::Seconds => 1000,
            Self::Milliseconds => 1,
        }
    }
}

/// How bytes are characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO-8859-1: each byte is the character of that number, as in MovieLens' older files.
    #[serde(rename = "latin-1", alias = "iso-8859-1")]
    Latin1,
}

/// Events in columns; the default is tab-separated `user item`, without a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Delimited {
    /// What stands between two columns: one or more characters, `","` or `"::"`.
    pub delimiter: String,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Whether a field may be put in `"quotes"` (RFC 4180); without, a quote is a character like any other.
    pub quotes: bool,
    /// How bytes are characters.
    pub encoding: Encoding,
    /// The column of users.
    pub user: Place,
    /// The column of items.
    pub item: Place,
    /// The column of values, if there is one.
    pub value: Option<Place>,
    /// The column of times, if there is one.
    pub time: Option<Place>,
    /// What the times count.
    pub time_unit: TimeUnit,
}

impl Default for Delimited {
    fn default() -> Self {
        Self {
            delimiter: "\t".into(),
            header: false,
            quotes: false,
            encoding: Encoding::Utf8,
            user: Place::Index(0),
            item: Place::Index(1),
            value: None,
            time: None,
            time_unit: TimeUnit::Seconds,
        }
    }
}

impl Delimited {
    /// Comma-separated values with a header and quotes, in the columns named.
    pub fn csv(user: &str, item: &str) -> Self {
        Self {
            delimiter: ",".into(),
            header: true,
            quotes: true,
            user: user.into(),
            item: item.into(),
            ..Self::default()
        }
    }
}

/// Lines of a user and the user's items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Rows {
    /// What stands between two ids; any number of it.
    pub delimiter: String,
    /// How bytes are characters.
    pub encoding: Encoding,
}

impl Default for Rows {
    fn default() -> Self {
        Self { delimiter: " ".into(), encoding: Encoding::Utf8 }
    }
}

/// Lines of a session's items; the sessions are the log's users, numbered in the order of reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Sessions {
    /// What stands between two items; any number of it.
    pub delimiter: String,
    /// How bytes are characters.
    pub encoding: Encoding,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { delimiter: " ".into(), encoding: Encoding::Utf8 }
    }
}

/// The columns of an atomic file, by their names without the type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Atomic {
    /// The column of users.
    pub user: String,
    /// The column of items.
    pub item: String,
    /// The column of values, if it is to be read.
    pub value: Option<String>,
    /// The column of times, if it is to be read.
    pub time: Option<String>,
    /// What the times count.
    pub time_unit: TimeUnit,
}

impl Default for Atomic {
    fn default() -> Self {
        Self {
            user: "user_id".into(),
            item: "item_id".into(),
            value: None,
            time: None,
            time_unit: TimeUnit::Seconds,
        }
    }
}

/// The keys of JSON objects, or the column names of a Parquet file.
#[cfg(any(feature = "json", feature = "parquet"))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Keyed {
    /// The user's.
    pub user: String,
    /// The item's.
    pub item: String,
    /// The value's, if there is one.
    pub value: Option<String>,
    /// The time's, if there is one.
    pub time: Option<String>,
    /// What the times count; a Parquet column that is a timestamp by type says so itself.
    pub time_unit: TimeUnit,
}

#[cfg(any(feature = "json", feature = "parquet"))]
impl Default for Keyed {
    fn default() -> Self {
        Self {
            user: "user".into(),
            item: "item".into(),
            value: None,
            time: None,
            time_unit: TimeUnit::Seconds,
        }
    }
}
