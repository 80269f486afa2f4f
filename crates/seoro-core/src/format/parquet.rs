//! Parquet files, a batch of rows at a time.

use super::ids::{Ids, Kind, Kinds};
use super::reader::{Batch, Columns, LogReader};
use super::{Encoding, Keyed, ReadError};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit as ParquetUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use std::fs::File;
use std::path::Path;

/// How many rows are read at a time.
const BATCH_ROWS: usize = 1 << 16;

/// A column of the file.
struct Source {
    name: String,
    index: usize,
    /// Whether its whole numbers have no sign, though Parquet keeps them in signed ones.
    unsigned: bool,
}

/// The columns asked for.
struct Sources {
    user: Source,
    item: Source,
    value: Option<Source>,
    time: Option<(Source, Unit)>,
}

/// How a number becomes milliseconds.
#[derive(Clone, Copy)]
enum Unit {
    Times(i64),
    Per(i64),
}

/// Reads the file into columns.
pub(super) fn read(reader: &mut LogReader, path: &Path, format: &Keyed) -> Result<Columns, ReadError> {
    let file = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    let file = SerializedFileReader::new(file).map_err(|error| damaged(path, &error))?;
    let sources = Sources::find(file.metadata().file_metadata().schema_descr(), path, format)?;
    let total = file.metadata().file_metadata().num_rows().max(1) as f64;
    let mut columns = Columns {
        values: sources.value.as_ref().map(|_| Vec::new()),
        times: sources.time.as_ref().map(|_| Vec::new()),
        ..Columns::default()
    };
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).map_err(|error| damaged(path, &error))?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut readers = Readers::open(&*group, &sources, path)?;
        let mut left = rows;
        while left > 0 {
            let rows = left.min(BATCH_ROWS);
            let batch = readers.batch(rows, columns.len() as u64 + 1, reader.kinds())?;
            let read = ((columns.len() + rows) as f64 / total).min(1.0);
            reader.take(&mut columns, batch, read, path)?;
            left -= rows;
        }
    }
    columns.finished(path)
}

fn damaged(path: &Path, error: &ParquetError) -> ReadError {
    ReadError::Parquet { path: path.to_owned(), reason: error.to_string() }
}

impl Sources {
    fn find(schema: &SchemaDescriptor, path: &Path, format: &Keyed) -> Result<Self, ReadError> {
        let find = |name: &str| {
            let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
            match names.iter().position(|other| other == name) {
                Some(index) if schema.column(index).max_rep_level() == 0 => {
                    Ok(Source { name: name.to_owned(), index, unsigned: is_unsigned(&schema.column(index)) })
                }
                Some(_) => Err(ReadError::ColumnType {
                    path: path.to_owned(),
                    column: name.to_owned(),
                    found: "a list".to_owned(),
                    expected: "one value a row",
                }),
                None => {
                    let (path, column) = (path.to_owned(), name.to_owned());
                    Err(ReadError::UnknownColumn { path, column, columns: names })
                }
            }
        };
        let time = format.time.as_deref().map(find).transpose()?;
        Ok(Self {
            user: find(&format.user)?,
            item: find(&format.item)?,
            value: format.value.as_deref().map(find).transpose()?,
            time: time.map(|source| {
                let unit = unit(&schema.column(source.index), format.time_unit.milliseconds());
                (source, unit)
            }),
        })
    }
}

fn is_unsigned(column: &ColumnDescriptor) -> bool {
    use ConvertedType::{UINT_8, UINT_16, UINT_32, UINT_64};
    let logical =
        matches!(column.logical_type_ref(), Some(LogicalType::Integer(integer)) if !integer.is_signed);
    logical || matches!(column.converted_type(), UINT_8 | UINT_16 | UINT_32 | UINT_64)
}

/// The unit that the column's type gives, else `stated` milliseconds.
fn unit(column: &ColumnDescriptor, stated: i64) -> Unit {
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => match timestamp.unit {
            ParquetUnit::MILLIS => Unit::Times(1),
            ParquetUnit::MICROS => Unit::Per(1000),
            ParquetUnit::NANOS => Unit::Per(1_000_000),
        },
        _ => Unit::Times(stated),
    }
}

impl Unit {
    fn whole(self, number: i64) -> Option<i64> {
        match self {
            Self::Times(ms) => number.checked_mul(ms),
            Self::Per(units) => Some(number.div_euclid(units)),
        }
    }

    fn fraction(self, number: f64) -> Option<i64> {
        let ms = match self {
            Self::Times(ms) => number * ms as f64,
            Self::Per(units) => number / units as f64,
        };
        (ms.abs() < 9e18).then_some(ms.round() as i64)
    }
}

/// A column of one row group, being read.
struct Reader<'a> {
    path: &'a Path,
    source: &'a Source,
    column: ColumnReader,
}

/// The columns of one row group, being read.
struct Readers<'a> {
    user: Reader<'a>,
    item: Reader<'a>,
    value: Option<Reader<'a>>,
    time: Option<(Reader<'a>, Unit)>,
}

impl<'a> Readers<'a> {
    fn open(group: &dyn RowGroupReader, sources: &'a Sources, path: &'a Path) -> Result<Self, ReadError> {
        let open = |source: &'a Source| {
            let column = group.get_column_reader(source.index).map_err(|error| damaged(path, &error))?;
            Ok::<_, ReadError>(Reader { path, source, column })
        };
        let time = sources.time.as_ref();
        Ok(Self {
            user: open(&sources.user)?,
            item: open(&sources.item)?,
            value: sources.value.as_ref().map(open).transpose()?,
            time: time.map(|(source, unit)| Ok::<_, ReadError>((open(source)?, *unit))).transpose()?,
        })
    }

    /// The next `rows` rows, of which the first is row `first` of the file, from 1.
    fn batch(&mut self, rows: usize, first: u64, kinds: Kinds) -> Result<Batch, ReadError> {
        let mut batch = Batch::default();
        self.user.ids(rows, first, kinds.users, &mut batch.users)?;
        self.item.ids(rows, first, kinds.items, &mut batch.items)?;
        if let Some(reader) = &mut self.value {
            batch.values = reader.values(rows, first)?;
        }
        if let Some((reader, unit)) = &mut self.time {
            batch.times = reader.times(rows, first, *unit)?;
        }
        Ok(batch)
    }
}

impl Reader<'_> {
    fn ids(&mut self, rows: usize, first: u64, kind: Kind, ids: &mut Ids) -> Result<(), ReadError> {
        let expected = "whole numbers or texts";
        let (path, source) = (self.path, self.source);
        let mut push = |row: usize, id: &[u8]| {
            let pushed = ids.push(id, kind, Encoding::Utf8, 0, source.index);
            pushed.map_err(|fault| fault.at_line(path, first + row as u64))
        };
        if let Some(whole) = self.whole(rows, first, expected)? {
            return (0..rows).try_for_each(|row| push(row, whole.text(row).as_bytes()));
        }
        match &mut self.column {
            ColumnReader::ByteArrayColumnReader(column) => {
                let texts = cells(column, rows, first, path, source, expected)?;
                texts.iter().enumerate().try_for_each(|(row, id)| push(row, id.data()))
            }
            other => Err(self::kind(path, source, other, expected)),
        }
    }

    fn values(&mut self, rows: usize, first: u64) -> Result<Vec<f32>, ReadError> {
        let expected = "finite numbers";
        let (path, source) = (self.path, self.source);
        if let Some(whole) = self.whole(rows, first, expected)? {
            return Ok((0..rows).map(|row| whole.value(row)).collect());
        }
        let values: Vec<f32> = match &mut self.column {
            ColumnReader::FloatColumnReader(column) => cells(column, rows, first, path, source, expected)?,
            ColumnReader::DoubleColumnReader(column) => {
                cells(column, rows, first, path, source, expected)?.into_iter().map(|n| n as f32).collect()
            }
            other => return Err(kind(path, source, other, expected)),
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(row) => Err(field(path, source, first + row as u64, values[row].to_string(), expected)),
            None => Ok(values),
        }
    }

    fn times(&mut self, rows: usize, first: u64, unit: Unit) -> Result<Vec<i64>, ReadError> {
        let expected = "times since 1970";
        let (path, source) = (self.path, self.source);
        let bad = |row: usize, found: String| field(path, source, first + row as u64, found, expected);
        if let Some(whole) = self.whole(rows, first, expected)? {
            let time = |row: usize| whole.number(row).and_then(|number| unit.whole(number));
            return (0..rows).map(|row| time(row).ok_or_else(|| bad(row, whole.text(row)))).collect();
        }
        match &mut self.column {
            ColumnReader::DoubleColumnReader(column) => cells(column, rows, first, path, source, expected)?
                .into_iter()
                .enumerate()
                .map(|(row, n)| unit.fraction(n).ok_or_else(|| bad(row, n.to_string())))
                .collect(),
            other => Err(kind(path, source, other, expected)),
        }
    }

    /// The next rows of a column of whole numbers; `None` where it holds something else.
    fn whole(&mut self, rows: usize, first: u64, expected: &'static str) -> Result<Option<Whole>, ReadError> {
        let (path, source) = (self.path, self.source);
        Ok(Some(match &mut self.column {
            ColumnReader::Int32ColumnReader(column) => {
                let wide = |n: i32| if source.unsigned { i64::from(n as u32) } else { i64::from(n) };
                let numbers = cells(column, rows, first, path, source, expected)?;
                Whole { numbers: numbers.into_iter().map(wide).collect(), unsigned: false }
            }
            ColumnReader::Int64ColumnReader(column) => Whole {
                numbers: cells(column, rows, first, path, source, expected)?,
                unsigned: source.unsigned,
            },
            _ => return Ok(None),
        }))
    }
}

/// Whole numbers, row after row.
struct Whole {
    numbers: Vec<i64>,
    /// Whether a negative number stands for one past `i64::MAX`.
    unsigned: bool,
}

impl Whole {
    fn text(&self, row: usize) -> String {
        let number = self.numbers[row];
        if self.unsigned { (number as u64).to_string() } else { number.to_string() }
    }

    fn value(&self, row: usize) -> f32 {
        let number = self.numbers[row];
        if self.unsigned { number as u64 as f32 } else { number as f32 }
    }

    /// The number, where it is not past `i64::MAX`.
    fn number(&self, row: usize) -> Option<i64> {
        Some(self.numbers[row]).filter(|&number| number >= 0 || !self.unsigned)
    }
}

/// Exactly `rows` values, none of them null.
fn cells<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    rows: usize,
    first: u64,
    path: &Path,
    source: &Source,
    expected: &'static str,
) -> Result<Vec<T::T>, ReadError> {
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::new());
    let (records, found, _) = column
        .read_records(rows, Some(&mut levels), None, &mut values)
        .map_err(|error| damaged(path, &error))?;
    if records < rows {
        let reason =
            format!("column {:?} ends after row {}; expected more", source.name, first + records as u64 - 1);
        return Err(ReadError::Parquet { path: path.to_owned(), reason });
    }
    if found < rows {
        let most = levels.iter().copied().max().unwrap_or(0);
        let null = levels.iter().position(|&level| found == 0 || level < most).unwrap_or(0);
        return Err(field(path, source, first + null as u64, "null".to_owned(), expected));
    }
    Ok(values)
}

fn field(path: &Path, source: &Source, line: u64, found: String, expected: &'static str) -> ReadError {
    ReadError::Field { path: path.to_owned(), line, column: source.index + 1, found, expected }
}

fn kind(path: &Path, source: &Source, column: &ColumnReader, expected: &'static str) -> ReadError {
    let found = match column {
        ColumnReader::BoolColumnReader(_) => "booleans",
        ColumnReader::Int32ColumnReader(_) | ColumnReader::Int64ColumnReader(_) => "whole numbers",
        ColumnReader::Int96ColumnReader(_) => "96-bit times",
        ColumnReader::FloatColumnReader(_) | ColumnReader::DoubleColumnReader(_) => "floats",
        ColumnReader::ByteArrayColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => "bytes",
    };
    ReadError::ColumnType {
        path: path.to_owned(),
        column: source.name.clone(),
        found: found.to_owned(),
        expected,
    }
}
