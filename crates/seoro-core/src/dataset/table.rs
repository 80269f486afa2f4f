//! Tables of what is known of users and items.

use super::DatasetError;
use super::lines::Lines;
use super::source::open;
use crate::format::Encoding;
use crate::{ColumnData, Features, Vocab};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// How a table of users or items is written, and which of its columns are features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Feature {
    /// Its name among the features.
    pub name: String,
    /// The table's column that holds it, or the first of its flags.
    pub column: String,
    /// What it holds; an empty field is a missing value.
    pub kind: FeatureKind,
    /// What stands between two labels, where a field may hold several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The labels of the flags, column after column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// What a column of features holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FeatureKind {
    /// A category.
    Categorical,
    /// A number.
    Numeric,
    /// Labels between separators.
    Labels,
    /// A column of 0 or 1 for each label.
    Flags,
}

/// A feature being read.
struct Filling<'a> {
    feature: &'a Feature,
    column: usize,
    labels: Vocab,
    /// By row of the vocabulary.
    cells: Cells,
}

enum Cells {
    Codes(Vec<Option<u32>>),
    Numbers(Vec<f32>),
    Labels(Vec<Vec<u32>>),
}

/// Reads a table into features, one row for each id of `vocab`, and counts its lines; ids that the vocabulary does not
/// know are counted and left out.
pub(super) fn read(path: &Path, table: &Table, vocab: &Vocab) -> Result<(Features, u64), DatasetError> {
    let mut content = open(path)?;
    let mut lines = Lines::new(path, &mut content);
    let mut columns = table.columns.clone();
    if columns.is_empty() {
        let header = next_line(&mut lines, table.encoding)?.unwrap_or_default();
        columns = split(&header, table);
    }
    let find = |name: &str| columns.iter().position(|column| column == name);
    let id = find(&table.id).ok_or_else(|| lines.malformed("the manifest's columns"))?;
    let mut fillings = Vec::new();
    for feature in &table.features {
        let column = find(&feature.column).ok_or_else(|| lines.malformed("the manifest's columns"))?;
        fillings.push(Filling::new(feature, column, vocab.len()));
    }
    let mut rows = 0;
    while let Some(line) = next_line(&mut lines, table.encoding)? {
        let fields = split(&line, table);
        if fields.len() != columns.len() {
            return Err(lines.malformed("as many fields as columns"));
        }
        rows += 1;
        let Some(row) = vocab.get(&fields[id]) else { continue };
        for filling in &mut fillings {
            if !filling.fill(row as usize, &fields)? {
                return Err(lines.malformed("finite numbers, and flags of 0 or 1"));
            }
        }
    }
    let mut features = Features::new(vocab.len());
    for filling in fillings {
        features.push(&filling.feature.name, filling.cells.finish(filling.labels))?;
    }
    Ok((features, rows))
}

fn next_line(lines: &mut Lines<'_>, encoding: Encoding) -> Result<Option<String>, DatasetError> {
    if encoding == Encoding::Latin1 {
        // ISO-8859-1 is the first 256 characters of Unicode.
        let line = lines.next_bytes()?;
        return Ok(line.map(|line| line.iter().map(|&byte| char::from(byte)).collect()));
    }
    Ok(lines.next_text()?.map(str::to_owned))
}

/// The fields of a line.
fn split(line: &str, table: &Table) -> Vec<String> {
    let delimiter = table.delimiter.as_str();
    if !table.quotes {
        return line.split(delimiter).map(str::to_owned).collect();
    }
    let mut fields = vec![String::new()];
    let (mut quoted, mut rest) = (false, line);
    while let Some(char) = rest.chars().next() {
        let field = fields.len() - 1;
        let mut taken = char.len_utf8();
        if quoted && rest.starts_with("\"\"") {
            fields[field].push(char);
            taken = 2;
        } else if char == '"' {
            quoted = !quoted;
        } else if !quoted && rest.starts_with(delimiter) && !delimiter.is_empty() {
            fields.push(String::new());
            taken = delimiter.len();
        } else {
            fields[field].push(char);
        }
        rest = &rest[taken..];
    }
    fields
}

impl<'a> Filling<'a> {
    fn new(feature: &'a Feature, column: usize, rows: usize) -> Self {
        let cells = match feature.kind {
            FeatureKind::Categorical => Cells::Codes(vec![None; rows]),
            FeatureKind::Numeric => Cells::Numbers(vec![f32::NAN; rows]),
            FeatureKind::Labels | FeatureKind::Flags => Cells::Labels(vec![Vec::new(); rows]),
        };
        Self { feature, column, labels: Vocab::new(), cells }
    }

    /// Takes the fields of a row; gives false where they make no sense.
    fn fill(&mut self, row: usize, fields: &[String]) -> Result<bool, DatasetError> {
        let field = fields[self.column].as_str();
        match (&mut self.cells, self.feature.kind) {
            (Cells::Codes(codes), _) if !field.is_empty() => codes[row] = Some(self.labels.intern(field)?),
            (Cells::Numbers(numbers), _) if !field.is_empty() => match field.parse::<f32>() {
                Ok(number) if number.is_finite() => numbers[row] = number,
                _ => return Ok(false),
            },
            (Cells::Labels(cells), FeatureKind::Labels) => {
                let separator = self.feature.separator.as_deref().unwrap_or("\n");
                for label in field.split(separator).filter(|label| !label.is_empty()) {
                    cells[row].push(self.labels.intern(label)?);
                }
            }
            (Cells::Labels(cells), FeatureKind::Flags) => {
                let labels = &self.feature.labels;
                let Some(flags) = fields.get(self.column..self.column + labels.len()) else {
                    return Ok(false);
                };
                for (label, flag) in labels.iter().zip(flags) {
                    match flag.as_str() {
                        "1" => cells[row].push(self.labels.intern(label)?),
                        "0" => {}
                        _ => return Ok(false),
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

impl Cells {
    fn finish(self, labels: Vocab) -> ColumnData {
        match self {
            Cells::Codes(codes) => ColumnData::Categorical { codes, labels: Arc::new(labels) },
            Cells::Numbers(numbers) => ColumnData::Numeric(numbers),
            Cells::Labels(cells) => {
                let ends = cells.iter().scan(0, |end, cell| {
                    *end += cell.len();
                    Some(*end)
                });
                let starts = std::iter::once(0).chain(ends).collect();
                ColumnData::Labels { starts, codes: cells.concat(), labels: Arc::new(labels) }
            }
        }
    }
}
