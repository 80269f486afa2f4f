//! What a manifest says.

use super::Checksum;
use crate::filter::Keep;
use crate::format::{Format, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A data set described: where it comes from, on what terms, its files, and what they must hold.
///
/// ```
/// use seoro_core::dataset::Manifest;
/// let text = r#"
/// name = "two-films"
/// title = "Two films"
/// kind = "interactions"
/// homepage = "https://example.org/two-films"
/// licence = "CC0"
/// citation = "none"
///
/// [[files]]
/// name = "ratings.csv"
/// role = "log"
///
/// [counts]
/// interactions = 2
/// "#;
/// let manifest = Manifest::parse(text, "two-films.toml".as_ref()).unwrap();
/// assert_eq!(manifest.files[0].name, "ratings.csv");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The name in commands, and of the folder that holds the files where `folder` names no other.
    pub name: String,
    /// The folder that holds the files, where it is another data set's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The name people use.
    pub title: String,
    /// What it is.
    pub kind: Kind,
    /// Where it is described.
    pub homepage: String,
    /// The terms of use, in one line.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// The data set this one was made from, by its manifest's name where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<String>,
    /// The addresses of what this one was made from, where they are of no use to a fetch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_from: Vec<String>,
    /// How it differs from what its title promises: what is missing, what was reordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Whether the files' own ids are rows, counted from 0.
    #[serde(default)]
    pub numbered: bool,
    /// The archive that holds the files without an address of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// The files.
    pub files: Vec<File>,
    /// What is done to the interactions of a data set with one log, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// What is counted in the files, and how much it must be: `interactions`, `users`, `train.interactions`, ….
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
}

/// What a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Who interacted with what.
    Interactions,
    /// Sequences of items by nobody known.
    Sessions,
    /// Points of a vector space.
    Vectors,
    /// Running text.
    Text,
    /// Pairs and questions about words.
    Words,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Kind::Interactions => "interactions",
            Kind::Sessions => "sessions",
            Kind::Vectors => "vectors",
            Kind::Text => "text",
            Kind::Words => "words",
        })
    }
}

/// An archive to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Archive {
    /// Its addresses, the official one first.
    pub urls: Vec<String>,
    /// Its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its checksum, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Whether somebody compared the checksum with the archive; one that nobody did is recorded on first use.
    pub verified: bool,
    /// The most bytes that may come out of it.
    pub unpacked_bytes: u64,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct File {
    /// Its name in the data set's folder; there it may stand as `NAME`, `NAME.zst` or `NAME.gz`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Which part of the data it belongs to: `all`, `train`, `validation`, `test`, or a name of the set's own.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub part: String,
    /// Its own address, where it is not in the archive; unpacked on arrival where it ends in `.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its length, unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The checksums of its content, unpacked; any of them will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
    /// Whether somebody compared the checksums with the content; what nobody did is recorded on first use.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub verified: bool,
    /// How interactions or sessions are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How a table of users or items is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// The tab-separated column that holds the text, counted from 1, where not the whole line does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl File {
    /// The most bytes its content may have: its length, or twice that where several contents are right.
    pub fn most_bytes(&self) -> Option<u64> {
        let contents = if self.checksums.len() > 1 { 2 } else { 1 };
        self.bytes.map(|bytes| bytes.saturating_mul(contents))
    }
}

/// One of the filters of [`crate::filter`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Filter {
    /// Events with at least this value, as implicit feedback.
    AtLeast {
        /// The threshold.
        value: f32,
    },
    /// One event for each pair of user and item.
    Dedupe {
        /// Which.
        keep: Keep,
    },
    /// The part in which users and items have at least so many events.
    Core {
        /// Events a user.
        users: usize,
        /// Events an item.
        items: usize,
    },
    /// Rows for nobody but the users and items that are left.
    Shrink {},
}

fn all() -> String {
    "all".to_owned()
}

fn is_all(part: &str) -> bool {
    part == "all"
}

fn yes() -> bool {
    true
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Interactions or sessions of a part.
    Log,
    /// Lists of candidates, one for each interaction of the part.
    Candidates,
    /// What is known of the users.
    Users,
    /// What is known of the items.
    Items,
    /// Beginnings of sessions, each with the item that came next.
    Prefixes,
    /// Vectors.
    Vectors,
    /// The labels of vectors.
    Labels,
    /// The true nearest neighbours of query vectors.
    Neighbours,
    /// Running text.
    Text,
    /// Pairs of words with a similarity.
    Pairs,
    /// Questions of the form "a is to b as c is to what".
    Analogies,
    /// A file that is checked but not read: a licence, a readme, a table nobody needs yet.
    Other,
}

/// Why a text is no manifest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestError {
    /// No TOML, an unknown key, a missing one, a value of the wrong type.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Parse {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// A value that reads well and means nothing.
    #[error("{}:{line}: {key} is {found:?}; expected {expected}", path.display())]
    Value {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What was expected, in words.
        expected: &'static str,
    },
}

impl Manifest {
    /// The name of the folder that holds the files.
    pub fn folder(&self) -> &str {
        self.folder.as_deref().unwrap_or(&self.name)
    }

    /// Reads a manifest's text; `path` names it in errors, and its stem must be the manifest's name.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|error| parse_error(text, path, &error))?;
        match manifest.unsound(path) {
            None => Ok(manifest),
            Some((key, found, expected)) => Err(ManifestError::Value {
                path: path.to_owned(),
                line: line_of(text, &found),
                key,
                found,
                expected,
            }),
        }
    }

    /// The file called `name`.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The first value that means nothing: its key, the value, and what was expected.
    fn unsound(&self, path: &Path) -> Option<(&'static str, String, &'static str)> {
        if path.file_stem().is_none_or(|stem| stem != self.name.as_str()) {
            return Some(("name", self.name.clone(), "the name of the manifest's file without .toml"));
        }
        if !is_plain(&self.name) {
            return Some(("name", self.name.clone(), "letters, digits, '.', '-' and '_'"));
        }
        if let Some(folder) = self.folder.as_ref().filter(|folder| !is_plain(folder)) {
            return Some(("folder", folder.clone(), "letters, digits, '.', '-' and '_'"));
        }
        for (place, file) in self.files.iter().enumerate() {
            if !is_plain(&file.name) {
                return Some(("files.name", file.name.clone(), "letters, digits, '.', '-' and '_'"));
            }
            if self.files[..place].iter().any(|other| other.name == file.name) {
                return Some(("files.name", file.name.clone(), "each name once"));
            }
        }
        let logs: Vec<&File> = self.files.iter().filter(|file| file.role == Role::Log).collect();
        if let Some(twice) = logs.iter().enumerate().find_map(|(place, file)| {
            logs[..place].iter().any(|other| other.part == file.part).then_some(&file.part)
        }) {
            return Some(("files.part", twice.clone(), "one log a part"));
        }
        if logs.len() != 1 && !self.filters.is_empty() {
            return Some(("filters", format!("{:?}", self.filters), "filters only beside a single log"));
        }
        let archive = self.archive.as_ref()?;
        archive.urls.is_empty().then(|| ("archive.urls", String::new(), "at least one address"))
    }
}

/// Whether a name is a plain file name on every system, so that joining it to a folder stays inside.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

fn parse_error(text: &str, path: &Path, error: &toml::de::Error) -> ManifestError {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = &text.as_bytes()[..start];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    ManifestError::Parse {
        path: path.to_owned(),
        line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
        column: start - line_start + 1,
        message: error.message().lines().collect::<Vec<_>>().join("; "),
    }
}

/// The last line that quotes `value`: where the second of two equal names stands.
fn line_of(text: &str, value: &str) -> usize {
    let quoted = format!("{value:?}");
    text.lines()
        .collect::<Vec<_>>()
        .iter()
        .rposition(|line| line.contains(&quoted))
        .map_or(1, |line| line + 1)
}
