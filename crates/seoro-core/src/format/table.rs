//! Tables of what is known of users and items.

use super::delimited::{header, unknown, untyped};
use super::error::Fault;
use super::number::value;
use super::scan::{Dialect, after_line, ends_line};
use super::source::Blocks;
use super::{Encoding, ReadError};
use crate::{ColumnData, Features, Vocab};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// How many bytes of a table are read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// How a table of users or items is written, and which of its columns are features.
///
/// ```
/// use seoro_core::{ColumnData, Vocab, format::{Feature, FeatureKind, Table, read_features}};
/// # let path = std::env::temp_dir().join("seoro-doc-read-features.csv");
/// std::fs::write(&path, "id,title,genres\n1,Heat,Action|Crime\n2,Babe,Comedy\n")?;
/// let mut items = Vocab::new();
/// items.intern("2")?;
/// let genres = Feature { name: "genre".into(), column: "genres".into(), kind: FeatureKind::Labels, separator: Some("|".into()), labels: vec![] };
/// let table = Table { delimiter: ",".into(), id: "id".into(), features: vec![genres], ..Table::default() };
/// let (features, rows) = read_features(&path, &table, &items)?;
/// assert_eq!((features.rows(), rows), (1, 2));
/// let Some(ColumnData::Labels { codes, labels, .. }) = features.column("genre") else { panic!("labels") };
/// assert_eq!(labels.name(codes[0]).as_deref(), Some("Comedy"));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What stands between two fields.
    pub delimiter: String,
    /// Whether a field may stand in double quotes, where it may contain delimiters, and quotes twice.
    #[serde(default)]
    pub quotes: bool,
    /// How bytes are characters.
    #[serde(default)]
    pub encoding: Encoding,
    /// The columns' names in order; without them, the first line has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The column of the ids.
    pub id: String,
    /// What is read.
    pub features: Vec<Feature>,
}

/// A column of features.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Its name among the features.
    pub name: String,
    /// The table's column that holds it, or the first of its flags.
    pub column: String,
    /// What it holds; an empty field is a missing value.
    pub kind: FeatureKind,
    /// What stands between two labels or numbers, where a field may hold several; several numbers are as many features,
    /// `NAME.0`, `NAME.1`, …, and every row has as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The labels of the flags, column after column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// What a column of features holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FeatureKind {
    /// A category.
    #[default]
    Categorical,
    /// A number.
    Numeric,
    /// Labels between separators.
    Labels,
    /// A column of 0 or 1 for each label.
    Flags,
}

/// Reads a table into features, one row for each id of `vocab`, and counts the table's rows; ids that the vocabulary
/// does not know are counted and left out, and what the table does not know is missing.
///
/// # Errors
/// See [`ReadError`]; an id may stand only once.
pub fn read_features(path: &Path, table: &Table, vocab: &Vocab) -> Result<(Features, u64), ReadError> {
    let dialect = Dialect::new(&table.delimiter, table.quotes, path)?;
    let mut blocks = Blocks::open(path, BLOCK_BYTES, table.quotes)?;
    let names = match table.columns.is_empty() {
        true => header(&mut blocks, &dialect, table.encoding)?,
        false => table.columns.clone(),
    };
    fill(blocks, dialect, table, &names, vocab)
}

/// Reads RecBole's atomic file of users or items (`.user`, `.item`), whose header gives each column's type after a colon:
/// tokens are categories, sequences of tokens labels, floats numbers, and sequences of floats as many numbers. `id` is
/// the column of ids without its type.
///
/// # Errors
/// As of [`read_features`].
pub fn read_atomic_features(path: &Path, id: &str, vocab: &Vocab) -> Result<(Features, u64), ReadError> {
    let dialect = Dialect::new("\t", false, path)?;
    let mut blocks = Blocks::open(path, BLOCK_BYTES, false)?;
    let typed = header(&mut blocks, &dialect, Encoding::Utf8)?;
    let names: Vec<String> = typed.iter().map(|name| untyped(name).to_owned()).collect();
    let mut features = Vec::new();
    for (column, (typed, name)) in typed.iter().zip(&names).enumerate().filter(|(_, (_, name))| *name != id) {
        let (kind, several) = match typed.rsplit_once(':').map(|(_, kind)| kind) {
            Some("token") => (FeatureKind::Categorical, false),
            Some("token_seq") => (FeatureKind::Labels, true),
            Some("float") => (FeatureKind::Numeric, false),
            Some("float_seq") => (FeatureKind::Numeric, true),
            _ => {
                let expected = "NAME:token, :token_seq, :float or :float_seq";
                let fault = Fault::field(0, column, typed.as_bytes(), expected);
                return Err(fault.at_line(path, 1));
            }
        };
        let separator = several.then(|| " ".to_owned());
        features.push(Feature {
            name: name.clone(),
            column: name.clone(),
            kind,
            separator,
            labels: Vec::new(),
        });
    }
    let table = Table { delimiter: "\t".to_owned(), id: id.to_owned(), features, ..Table::default() };
    fill(blocks, dialect, &table, &names, vocab)
}

/// Reads the rows of a table whose columns are `names`.
fn fill(
    mut blocks: Blocks,
    dialect: Dialect,
    table: &Table,
    names: &[String],
    vocab: &Vocab,
) -> Result<(Features, u64), ReadError> {
    let path = blocks.path().to_owned();
    let find = |name: &str| {
        let place = names.iter().position(|other| other == name);
        place.ok_or_else(|| unknown(name.to_owned(), names, &path))
    };
    let id = find(&table.id)?;
    let filling = |feature| Ok(Filling::new(feature, find(&feature.column)?, vocab.len()));
    let fillings = table.features.iter().map(filling).collect::<Result<_, ReadError>>()?;
    let mut filler = Filler { vocab, id, width: names.len(), seen: vec![false; vocab.len()], fillings };
    let mut rows = 0;
    while let Some(block) = blocks.next(Vec::new())? {
        let mut at = 0;
        while at < block.bytes.len() {
            if ends_line(&block.bytes, at) {
                at = after_line(&block.bytes, at);
                continue;
            }
            let line = |fault: Fault| {
                let line = block.line_at(fault.at);
                fault.at_line(&path, line)
            };
            let (fields, end) = dialect.texts(&block.bytes, at, table.encoding).map_err(line)?;
            filler.row(&fields, at).map_err(line)?;
            rows += 1;
            at = after_line(&block.bytes, end);
        }
    }
    if rows == 0 {
        return Err(ReadError::Empty { path });
    }
    let mut features = Features::new(vocab.len());
    for filling in filler.fillings {
        for (name, data) in filling.finish() {
            let full = |source| ReadError::Features { path: path.clone(), source };
            features.push(&name, data).map_err(full)?;
        }
    }
    Ok((features, rows))
}

/// Rows of a table on their way into features.
struct Filler<'a> {
    vocab: &'a Vocab,
    /// The column of ids.
    id: usize,
    width: usize,
    /// Which rows of the vocabulary the table had.
    seen: Vec<bool>,
    fillings: Vec<Filling<'a>>,
}

impl Filler<'_> {
    /// Takes the fields of the row that starts at `at`.
    fn row(&mut self, fields: &[String], at: usize) -> Result<(), Fault> {
        if fields.len() < self.width {
            return Err(Fault::missing(at, fields.len()));
        }
        if let Some(more) = fields.get(self.width) {
            return Err(Fault::field(at, self.width, more.as_bytes(), "no more columns than the table has"));
        }
        let id = &fields[self.id];
        let Some(row) = self.vocab.get(id) else { return Ok(()) };
        if std::mem::replace(&mut self.seen[row as usize], true) {
            return Err(Fault::field(at, self.id, id.as_bytes(), "each id once"));
        }
        self.fillings.iter_mut().try_for_each(|filling| {
            filling.fill(row as usize, fields).map_err(|(column, expected)| {
                let found = fields.get(column).map_or(&b""[..], |field| field.as_bytes());
                Fault::field(at, column, found, expected)
            })
        })
    }
}

/// A feature being read.
struct Filling<'a> {
    feature: &'a Feature,
    column: usize,
    /// How many rows the vocabulary has.
    rows: usize,
    labels: Vocab,
    /// By row of the vocabulary.
    cells: Cells,
}

enum Cells {
    Codes(Vec<Option<u32>>),
    Numbers(Vec<f32>),
    /// Several numbers a row, column after column; how many is known with the first row.
    Sequences(Vec<Vec<f32>>),
    Labels(Vec<Vec<u32>>),
}

/// What makes no sense: a column, and what was expected there.
type Nonsense = (usize, &'static str);

impl<'a> Filling<'a> {
    fn new(feature: &'a Feature, column: usize, rows: usize) -> Self {
        let cells = match feature.kind {
            FeatureKind::Categorical => Cells::Codes(vec![None; rows]),
            FeatureKind::Numeric if feature.separator.is_some() => Cells::Sequences(Vec::new()),
            FeatureKind::Numeric => Cells::Numbers(vec![f32::NAN; rows]),
            FeatureKind::Labels | FeatureKind::Flags => Cells::Labels(vec![Vec::new(); rows]),
        };
        Self { feature, column, rows, labels: Vocab::new(), cells }
    }

    /// Takes the fields of a row.
    fn fill(&mut self, row: usize, fields: &[String]) -> Result<(), Nonsense> {
        let (column, field) = (self.column, fields[self.column].as_str());
        let separator = self.feature.separator.as_deref().filter(|separator| !separator.is_empty());
        let parts = field.split(separator.unwrap_or("\n")).filter(|part| !part.is_empty());
        let full = |_| (column, "fewer than 2^32 labels");
        let number = |text: &str| value(text.as_bytes()).ok_or((column, "a finite number, or nothing"));
        match (&mut self.cells, self.feature.kind) {
            (Cells::Codes(codes), _) if !field.is_empty() => {
                codes[row] = Some(self.labels.intern(field).map_err(full)?);
            }
            (Cells::Numbers(numbers), _) if !field.is_empty() => numbers[row] = number(field)?,
            (Cells::Sequences(columns), _) if !field.is_empty() => {
                let numbers: Vec<f32> = parts.map(number).collect::<Result<_, _>>()?;
                if columns.is_empty() {
                    columns.resize(numbers.len(), vec![f32::NAN; self.rows]);
                }
                if columns.len() != numbers.len() {
                    return Err((column, "as many numbers as in the rows before"));
                }
                columns.iter_mut().zip(numbers).for_each(|(column, number)| column[row] = number);
            }
            (Cells::Labels(cells), FeatureKind::Labels) => {
                for label in parts {
                    cells[row].push(self.labels.intern(label).map_err(full)?);
                }
            }
            (Cells::Labels(cells), FeatureKind::Flags) => {
                for (column, label) in (column..).zip(&self.feature.labels) {
                    match fields.get(column).map(String::as_str) {
                        Some("1") => cells[row].push(self.labels.intern(label).map_err(full)?),
                        Some("0") => {}
                        _ => return Err((column, "a flag: 0 or 1")),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The features' names and columns.
    fn finish(self) -> Vec<(String, ColumnData)> {
        let labels = Arc::new(self.labels);
        let name = &self.feature.name;
        let data = match self.cells {
            Cells::Codes(codes) => ColumnData::Categorical { codes, labels },
            Cells::Numbers(numbers) => ColumnData::Numeric(numbers),
            Cells::Sequences(columns) => {
                let named = |(index, numbers)| (format!("{name}.{index}"), ColumnData::Numeric(numbers));
                return columns.into_iter().enumerate().map(named).collect();
            }
            Cells::Labels(cells) => {
                let ends = cells.iter().scan(0, |end, cell| {
                    *end += cell.len();
                    Some(*end)
                });
                let starts = std::iter::once(0).chain(ends).collect();
                ColumnData::Labels { starts, codes: cells.concat(), labels }
            }
        };
        vec![(name.clone(), data)]
    }
}
