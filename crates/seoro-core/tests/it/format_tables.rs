//! The hand-made files of `tests/fixtures`: one log in every form, and tables of its users and items.

use crate::format::{event, events, file};
use seoro_core::format::{
    Atomic, Delimited, Encoding, Feature, FeatureKind, Format, LogReader, Place, Rows, Sessions, Table,
    TimeUnit, read_atomic_features, read_features, read_log,
};
use seoro_core::{ColumnData, Features, Log, Vocab};
use std::path::PathBuf;

fn tiny(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn delimited(delimiter: &str) -> Delimited {
    Delimited {
        delimiter: delimiter.into(),
        value: Some(Place::Index(2)),
        time: Some(Place::Index(3)),
        ..Delimited::default()
    }
}

fn log() -> Log {
    read_log(&tiny("ratings.tsv"), &Format::Delimited(delimited("\t"))).unwrap()
}

#[test]
fn one_log_in_every_form() {
    let log = log();
    assert_eq!(events(&log)[1], event("mia", "rice", 3.0, 1_060_500));
    assert_eq!(events(&log)[4], event("jun", "7", 2.5, 1_300_000));
    assert_eq!((log.len(), log.n_users(), log.n_items()), (7, 3, 4));
    let csv = Delimited {
        value: Some("rating".into()),
        time: Some("time_ms".into()),
        time_unit: TimeUnit::Milliseconds,
        ..Delimited::csv("user", "item")
    };
    let atomic = Atomic { value: Some("rating".into()), time: Some("timestamp".into()), ..Atomic::default() };
    let forms = [
        ("ratings.dat", Format::Delimited(delimited("::"))),
        ("ratings.csv", Format::Delimited(csv)),
        ("ratings.inter", Format::Atomic(atomic)),
        #[cfg(feature = "json")]
        ("ratings.jsonl", {
            let (value, time) = (Some("rating".into()), Some("time".into()));
            Format::JsonLines(seoro_core::format::Keyed { value, time, ..Default::default() })
        }),
    ];
    for (name, format) in forms {
        assert_eq!(read_log(&tiny(name), &format).unwrap(), log, "{name}");
    }
}

#[test]
fn lists_read_in_blocks_of_any_size() {
    for (name, format) in
        [("rows.txt", Format::Rows(Rows::default())), ("sessions.txt", Format::Sessions(Sessions::default()))]
    {
        let whole = read_log(&tiny(name), &format).unwrap();
        assert_eq!((whole.len(), whole.n_users(), whole.n_items()), (7, 3, 4), "{name}");
        for bytes in [1, 5, 20] {
            let mut reader = LogReader::new().with_block_bytes(bytes);
            let part = reader.read(&tiny(name), &format).unwrap();
            assert_eq!(reader.finish(vec![part]).unwrap()[0], whole, "{name}, {bytes} bytes");
        }
    }
}

fn feature(name: &str, column: &str, kind: FeatureKind) -> Feature {
    Feature { name: name.into(), column: column.into(), kind, ..Feature::default() }
}

/// The labels of a row.
fn labels(features: &Features, name: &str, row: usize) -> Vec<String> {
    let column = features.column(name).unwrap();
    match column {
        ColumnData::Labels { labels, .. } | ColumnData::Categorical { labels, .. } => {
            column.codes(row).iter().map(|&code| labels.name(code).unwrap().into_owned()).collect()
        }
        other => panic!("{name} is {other:?}"),
    }
}

fn numbers<'a>(features: &'a Features, name: &str) -> &'a [f32] {
    match features.column(name) {
        Some(ColumnData::Numeric(numbers)) => numbers,
        other => panic!("{name} is {other:?}"),
    }
}

fn items_table() -> Table {
    let kind = Feature { separator: Some("|".into()), ..feature("kind", "kinds", FeatureKind::Labels) };
    let sold = Feature {
        labels: vec!["cup".into(), "bowl".into()],
        ..feature("sold", "by_cup", FeatureKind::Flags)
    };
    Table {
        delimiter: "::".into(),
        encoding: Encoding::Latin1,
        columns: ["id", "title", "kinds", "by_cup", "by_bowl"].map(str::to_owned).to_vec(),
        id: "id".into(),
        features: vec![feature("title", "title", FeatureKind::Categorical), kind, sold],
        ..Table::default()
    }
}

#[test]
fn titles_labels_and_flags_are_read() {
    let log = log();
    let (features, rows) = read_features(&tiny("items.dat"), &items_table(), log.item_vocab()).unwrap();
    assert_eq!((features.rows(), rows), (4, 4), "milk is not in the log, and 7 not in the table");
    let row = |item: &str| log.item_vocab().get(item).unwrap() as usize;
    assert_eq!(labels(&features, "title", row("soup")), ["Soupe à l'oignon"]);
    assert_eq!(labels(&features, "kind", row("tea")), ["drink", "hot"]);
    assert_eq!(labels(&features, "sold", row("tea")), ["cup"]);
    assert!(labels(&features, "sold", row("rice")).is_empty());
    assert!(labels(&features, "title", row("7")).is_empty());
}

#[test]
fn quoted_tables_have_missing_numbers() {
    let log = log();
    let table = Table {
        delimiter: ",".into(),
        quotes: true,
        id: "user".into(),
        features: vec![
            feature("age", "age", FeatureKind::Numeric),
            feature("town", "town", FeatureKind::Categorical),
            feature("note", "note", FeatureKind::Categorical),
        ],
        ..Table::default()
    };
    let (features, rows) = read_features(&tiny("users.csv"), &table, log.user_vocab()).unwrap();
    assert_eq!(rows, 2);
    let ages = numbers(&features, "age");
    assert!(ages[0] == 31.0 && ages[1].is_nan() && ages[2].is_nan());
    assert_eq!(labels(&features, "town", 0), ["Iri, Jeolla"]);
    assert_eq!(labels(&features, "note", 0), ["says \"hi\""]);
    assert_eq!(labels(&features, "note", 1), ["two\nlines"]);
}

#[test]
fn atomic_tables_say_what_their_columns_hold() {
    let log = log();
    let (features, _) = read_atomic_features(&tiny("items.item"), "item_id", log.item_vocab()).unwrap();
    assert_eq!(labels(&features, "name", 0), ["Nokcha"]);
    assert_eq!(labels(&features, "kind", 2), ["food", "hot"]);
    assert_eq!(numbers(&features, "price")[..2], [2.5, 1.0]);
    assert!(numbers(&features, "price")[2].is_nan());
    assert_eq!(numbers(&features, "taste.1")[..2], [0.2, 0.4]);
}

#[test]
fn bad_tables_say_where() {
    let mut vocab = Vocab::new();
    vocab.intern("1").unwrap();
    vocab.intern("2").unwrap();
    let says = |text: &str, table: &Table| {
        let (folder, path) = file("bad.dat", text);
        let error = read_features(&path, table, &vocab).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let table = items_table();
    assert_eq!(says("", &table), "bad.dat:1: no rows; expected at least one");
    assert_eq!(
        says("1::a::b::0::0\n2::a::b::0\n", &table),
        "bad.dat:2:5: the line ends; expected a column here"
    );
    let wide = "bad.dat:1:6: \"x\"; expected no more columns than the table has";
    assert_eq!(says("1::a::b::0::0::x\n", &table), wide);
    assert_eq!(says("1::a::b::0::2\n", &table), "bad.dat:1:5: \"2\"; expected a flag: 0 or 1");
    assert_eq!(says("1::a::b::0::0\n\n1::a::b::0::0\n", &table), "bad.dat:3:1: \"1\"; expected each id once");
    let mut other = table.clone();
    other.id = "key".into();
    let known = "\"id\", \"title\", \"kinds\", \"by_cup\", \"by_bowl\"";
    assert_eq!(says("1\n", &other), format!("bad.dat:1: no column \"key\"; there are {known}"));
    let mut other = table;
    other.features = vec![feature("n", "title", FeatureKind::Numeric)];
    assert_eq!(
        says("1::nan::b::0::0\n", &other),
        "bad.dat:1:2: \"nan\"; expected a finite number, or nothing"
    );

    let atomic = |text: &str| {
        let (folder, path) = file("bad.item", text);
        let error = read_atomic_features(&path, "id", &vocab).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let lengths = "bad.item:3:2: \"1 2\"; expected as many numbers as in the rows before";
    assert_eq!(atomic("id:token\tv:float_seq\n1\t1\n2\t1 2\n"), lengths);
    let typed = "bad.item:1:2: \"v:image\"; expected NAME:token, :token_seq, :float or :float_seq";
    assert_eq!(atomic("id:token\tv:image\n1\t1\n"), typed);
}
