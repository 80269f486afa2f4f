//! Files in the forms that need a feature: JSON lines, Parquet, packed files; and atomic files.

use crate::format::{event, events, file, message, random_events, read};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use seoro_core::format::{Atomic, Delimited, Format, Keyed, LogReader, ReadError, TimeUnit, read_log};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

fn keyed() -> Keyed {
    Keyed {
        value: Some("rating".into()),
        time: Some("at".into()),
        time_unit: TimeUnit::Milliseconds,
        ..Keyed::default()
    }
}

#[test]
fn atomic_files_name_and_type_their_columns() {
    let text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n186\t007\t3.5\t891717742.5\n";
    let format = Format::Atomic(Atomic {
        value: Some("rating".into()),
        time: Some("timestamp".into()),
        ..Atomic::default()
    });
    let expected = [event("196", "242", 3.0, 881_250_949_000), event("186", "007", 3.5, 891_717_742_500)];
    assert_eq!(events(&read(text, &format).unwrap()), expected);
    let format = Format::Atomic(Atomic { value: Some("stars".into()), ..Atomic::default() });
    assert_eq!(
        message(text, &format),
        "bad.txt:1: no column \"stars\"; there are \"user_id\", \"item_id\", \"rating\", \"timestamp\""
    );
}

#[test]
fn json_lines_are_read() {
    let text = "{\"user\": 7, \"item\": \"ta\\u0065\", \"rating\": 4.5, \"at\": 12, \"more\": [{}]}\r\n\n\
        {\"at\": \"13\", \"item\": \"7\", \"rating\": \"2\", \"user\": \"007\"}";
    let expected = [event("7", "tae", 4.5, 12), event("007", "7", 2.0, 13)];
    assert_eq!(events(&read(text, &Format::JsonLines(keyed())).unwrap()), expected);
}

#[test]
fn errors_in_json_lines_say_where() {
    let format = Format::JsonLines(keyed());
    let line = |rest: &str| format!("{{\"user\": 1, \"item\": 2, \"rating\": 3, \"at\": 4}}\n{{{rest}}}\n");
    let missing = message(line("\"user\": 1, \"rating\": 3, \"at\": 4"), &format);
    assert_eq!(missing, "bad.txt:2: no key \"item\"; expected one in every object");
    for (value, shown) in [("null", "null"), ("true", "true"), ("\"x\"", "x"), ("1e300", "1e300")] {
        let text =
            message(line(&format!("\"user\": 1, \"item\": 2, \"rating\": {value}, \"at\": 4")), &format);
        let shown = if value == "1e300" { format!("{}", 1e300) } else { shown.to_owned() };
        let shown: String = shown.chars().take(60).collect();
        assert!(text.starts_with(&format!("bad.txt:2:1: \"{shown}")), "{text}");
        assert!(text.ends_with("expected a finite number"), "{text}");
    }
    for bad in ["{\"user\": 1,", "[1]", "{} {}", "{\"user\": 1.5, \"item\": 2, \"rating\": 3, \"at\": 4}"] {
        let error = read(format!("{}{bad}\n", line("").lines().next().unwrap().to_owned() + "\n"), &format);
        assert!(matches!(error, Err(ReadError::Field { line: 2, .. })), "{bad}: {error:?}");
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

type Row = (String, String, f32, i64);

/// Writes rows as Parquet, a few to a row group.
fn write_parquet(path: &Path, rows: &[Row]) {
    let schema = "message log { required binary user (UTF8); required binary item (UTF8); required float rating; required int64 at (TIMESTAMP(MILLIS,true)); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::default())).unwrap();
    for rows in rows.chunks(7) {
        let mut group = writer.next_row_group().unwrap();
        let texts =
            |of: fn(&Row) -> &str| rows.iter().map(|row| ByteArray::from(of(row))).collect::<Vec<_>>();
        for texts in [texts(|row| &row.0), texts(|row| &row.1)] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
            column.close().unwrap();
        }
        let values: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<FloatType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
        let times: Vec<i64> = rows.iter().map(|row| row.3).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
}

proptest! {
    #[test]
    fn what_is_written_as_json_or_parquet_is_read(rows in random_events(), block in 1usize..40) {
        let lines = rows.iter().map(|(user, item, value, at)| {
            format!("{{\"user\":{},\"item\":{},\"rating\":{value},\"at\":{at}}}\n", json(user), json(item))
        });
        let expected: Vec<_> = rows.iter().map(|(user, item, value, at)| event(user, item, *value, *at)).collect();
        let (folder, path) = file("log.jsonl", lines.collect::<String>());
        let format = Format::JsonLines(keyed());
        let whole = read_log(&path, &format).unwrap();
        prop_assert_eq!(events(&whole), &*expected);
        let mut reader = LogReader::new().with_block_bytes(block);
        let part = reader.read(&path, &format).unwrap();
        prop_assert_eq!(&reader.finish(vec![part]).unwrap()[0], &whole);

        let path = folder.path().join("log.parquet");
        write_parquet(&path, &rows);
        prop_assert_eq!(&read_log(&path, &Format::Parquet(keyed())).unwrap(), &whole);
    }
}

#[test]
fn parquet_types_are_what_they_are_asked_to_be() {
    let schema = "message log { required int64 user; optional int64 item; required double rating; required double at; repeated int64 tags; }";
    let (_folder, path) = file("log.parquet", "");
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(
        File::create(&path).unwrap(),
        schema,
        Arc::new(WriterProperties::default()),
    )
    .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[5, -1, i64::MAX], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[7, 8], Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    for values in [[1.5, 2.0, 1e39], [1.25, 2.0, 3.0]] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[], Some(&[0, 0, 0]), Some(&[0, 0, 0])).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();

    let read = |keys: Keyed| read_log(&path, &Format::Parquet(keys));
    let on_users = || Keyed { item: "user".into(), ..Keyed::default() };
    let log = read(Keyed { time: Some("at".into()), ..on_users() }).unwrap();
    assert_eq!(log.times(), Some(&[1250, 2000, 3000][..]));
    assert_eq!(log.user_vocab().name(1).as_deref(), Some("-1"));
    assert_eq!(log.user_vocab().name(2).unwrap(), i64::MAX.to_string());
    assert!(matches!(read(Keyed::default()), Err(ReadError::Field { line: 2, column: 2, .. })));
    let infinite = read(Keyed { value: Some("rating".into()), ..on_users() });
    assert!(matches!(infinite, Err(ReadError::Field { line: 3, column: 3, .. })));
    let floats = read(Keyed { item: "rating".into(), ..Keyed::default() });
    assert!(matches!(floats, Err(ReadError::ColumnType { .. })));
    assert!(matches!(
        read(Keyed { item: "tags".into(), ..Keyed::default() }),
        Err(ReadError::ColumnType { .. })
    ));
    let unknown = read(Keyed { item: "movie".into(), ..Keyed::default() });
    assert!(matches!(unknown, Err(ReadError::UnknownColumn { columns, .. }) if columns.len() == 5));

    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 4, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert!(matches!(read(on_users()), Err(ReadError::Parquet { .. })), "{cut} bytes");
    }
}

#[test]
fn parquet_numbers_without_a_sign_are_read_as_they_are() {
    let schema = "message log { required int32 user (UINT_32); required int64 item (INTEGER(64,false)); required int64 at (UINT_64); }";
    let (_folder, path) = file("log.parquet", "");
    let (schema, properties) =
        (Arc::new(parse_message_type(schema).unwrap()), Arc::new(WriterProperties::default()));
    let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[7, 3_000_000_000_u32 as i32, -1], None, None).unwrap();
    column.close().unwrap();
    for numbers in [[8, u64::MAX as i64, i64::MIN], [1, 2, u64::MAX as i64]] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();

    let read = |keys: Keyed| read_log(&path, &Format::Parquet(keys));
    let log = read(Keyed { value: Some("user".into()), ..Keyed::default() }).unwrap();
    let names = |vocab: &seoro_core::Vocab| {
        (0..3).map(|row| vocab.name(row).unwrap().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(log.user_vocab()), ["7", "3000000000", "4294967295"]);
    assert_eq!(names(log.item_vocab()), ["8", "18446744073709551615", "9223372036854775808"]);
    assert_eq!(log.values(), Some(&[7.0, 3e9, 4_294_967_295_u32 as f32][..]));
    let log = read(Keyed { value: Some("item".into()), ..Keyed::default() }).unwrap();
    assert_eq!(log.values(), Some(&[8.0, u64::MAX as f32, 9_223_372_036_854_775_808_u64 as f32][..]));
    match read(Keyed { time: Some("at".into()), ..Keyed::default() }).unwrap_err() {
        ReadError::Field { line: 3, column: 3, found, .. } => assert_eq!(found, u64::MAX.to_string()),
        other => panic!("{other}"),
    }
}

#[test]
fn packed_files_are_read_as_they_were() {
    let format = Format::Delimited(Delimited::default());
    let text: String = (0..5000).map(|row| format!("{}\tx{}\n", row % 71, row * row % 997)).collect();
    let plain = read(&text, &format).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let packed =
        [("log.gz", gz.finish().unwrap()), ("log.tsv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap())];
    for (name, bytes) in packed {
        let (_folder, path) = file(name, &bytes);
        assert_eq!(read_log(&path, &format).unwrap(), plain, "{name}");
        for cut in [bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(matches!(read_log(&path, &format), Err(ReadError::Damaged { .. })), "{name}, {cut}");
        }
    }
}
