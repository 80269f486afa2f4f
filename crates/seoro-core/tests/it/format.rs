//! Files into logs.

use proptest::prelude::*;
use seoro_core::format::{
    Delimited, Encoding, Format, LogReader, Place, ReadError, Rows, Sessions, TimeUnit, read_log,
};
use seoro_core::{Log, Vocab};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file in a folder that lives as long as it.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn movielens() -> Format {
    Format::Delimited(Delimited {
        delimiter: "::".into(),
        value: Some(Place::Index(2)),
        time: Some(Place::Index(3)),
        ..Delimited::default()
    })
}

pub(crate) fn read(content: impl AsRef<[u8]>, format: &Format) -> Result<Log, ReadError> {
    let (_folder, path) = file("log.txt", content);
    read_log(&path, format)
}

/// The events of a log as raw ids.
pub(crate) fn events(log: &Log) -> Vec<(String, String, Option<f32>, Option<i64>)> {
    let name = |vocab: &Vocab, row| vocab.name(row).unwrap().into_owned();
    log.events()
        .map(|event| {
            let value = log.values().map(|_| event.value);
            (name(log.user_vocab(), event.user.0), name(log.item_vocab(), event.item.0), value, event.time)
        })
        .collect()
}

pub(crate) fn event(
    user: &str,
    item: &str,
    value: f32,
    time: i64,
) -> (String, String, Option<f32>, Option<i64>) {
    (user.into(), item.into(), Some(value), Some(time))
}

#[test]
fn movielens_lines_are_read() {
    let expected = [event("1", "1193", 5.0, 978_300_760_000), event("2", "661", 3.5, 978_302_109_000)];
    for text in [
        "1::1193::5::978300760\n2::661::3.5::978302109\n",
        "\u{feff}1::1193::5::978300760\r\n\r\n2::661::3.5::978302109",
        "\n1::1193::5::978300760\n2::661::3.50::978302109\r",
    ] {
        assert_eq!(events(&read(text, &movielens()).unwrap()), expected, "{text:?}");
    }
}

#[test]
fn csv_has_quotes_and_names() {
    let format = Format::Delimited(Delimited {
        value: Some("rating".into()),
        time: Some("ms".into()),
        time_unit: TimeUnit::Milliseconds,
        ..Delimited::csv("user", "item")
    });
    let text = "ms,item,\"user\",rating\n7,\"tea, \"\"green\"\"\",ann,4\n8,\"two\nlines\",\"7\",\"2.5\"\n9,007,7,1\n";
    let log = read(text, &format).unwrap();
    let expected =
        [event("ann", "tea, \"green\"", 4.0, 7), event("7", "two\nlines", 2.5, 8), event("7", "007", 1.0, 9)];
    assert_eq!(events(&log), expected);
    assert_eq!(log.n_users(), 2);
}

#[test]
fn latin_1_is_read_as_written() {
    let format =
        |encoding| Format::Delimited(Delimited { delimiter: "::".into(), encoding, ..Delimited::default() });
    let text = b"1::Les Mis\xe9rables\n";
    let log = read(text, &format(Encoding::Latin1)).unwrap();
    assert_eq!(log.item_vocab().name(0).as_deref(), Some("Les Misérables"));
    let error = read(text, &format(Encoding::Utf8)).unwrap_err();
    assert!(matches!(error, ReadError::Field { line: 1, column: 2, .. }), "{error}");
}

#[test]
fn rows_and_sessions_are_lists() {
    let log = read("0 5 7\n3 \n1  5\r\n", &Format::Rows(Rows::default())).unwrap();
    assert_eq!(log.n_users(), 3);
    let pairs: Vec<_> = events(&log).into_iter().map(|(user, item, ..)| (user, item)).collect();
    assert_eq!(pairs, [("0", "5"), ("0", "7"), ("1", "5")].map(|(u, i)| (u.to_owned(), i.to_owned())));

    let log = read("37151 37149 37149\n\n2613", &Format::Sessions(Sessions::default())).unwrap();
    let pairs: Vec<_> = log.events().map(|event| (event.user.0, event.item.0)).collect();
    assert_eq!(pairs, [(0, 0), (0, 1), (0, 1), (1, 2)]);
    assert_eq!(log.times(), None);
}

#[test]
fn numbered_files_speak_in_rows() {
    let (_folder, path) = file("train", "3\t1\n0\t4\n");
    let mut reader = LogReader::numbered();
    let columns = reader.read(&path, &Format::Delimited(Delimited::default())).unwrap();
    let log = reader.finish(vec![columns]).unwrap().remove(0);
    assert_eq!((log.n_users(), log.n_items(), log.users()[0].0, log.items()[1].0), (4, 5, 3, 4));

    for (id, text) in
        [("4294967295", "0\t4294967295\n"), ("007", "0\t007\n"), ("-1", "0\t-1\n"), ("a", "0\ta\n")]
    {
        let (_folder, path) = file("train", format!("1\t1\n{text}"));
        let mut reader = LogReader::numbered();
        let error = reader.read(&path, &Format::Delimited(Delimited::default())).unwrap_err();
        match error {
            ReadError::Field { line: 2, column: 2, found, .. } => assert_eq!(found, id),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_row_far_above_the_ids_read_is_an_error() {
    let format = Format::Delimited(Delimited::default());
    let read = |mut reader: LogReader, text: &str| {
        let (_folder, path) = file("train", text);
        reader.read(&path, &format).map(|columns| reader.finish(vec![columns]).unwrap().remove(0))
    };
    let refused = |reader: LogReader, text: &str| match read(reader.with_block_bytes(8), text).unwrap_err() {
        ReadError::Row { path, line, column, row, below } => {
            assert!(path.ends_with("train"));
            (line, column, row, below)
        }
        other => panic!("{other}"),
    };
    let numbered = LogReader::numbered;
    assert_eq!(refused(numbered(), "1\t1\n0\t4000000000\n2\t2\n"), (2, 2, 4_000_000_000, 1 << 20));
    assert_eq!(refused(numbered(), "1\t1\n0\t3\n1048576\t2\n"), (3, 1, 1 << 20, 1 << 20));
    assert_eq!(read(numbered(), "1\t1\n1048575\t2\n").unwrap().n_users(), 1 << 20);

    let many: String = (0..20_000).map(|row| format!("{row}\t{}\n", row * 64)).collect();
    assert_eq!(read(numbered(), &many).unwrap().n_items(), 19_999 * 64 + 1);
    let below = 64 * 20_001;
    assert_eq!(refused(numbered(), &format!("{many}5\t{below}\n")), (20_001, 2, u64::from(below), below));

    let told = || LogReader::numbered_below(None, Some(2_000_000_000));
    assert_eq!(read(told(), "0\t1999999999\n").unwrap().n_items(), 2_000_000_000);
    assert_eq!(refused(told(), "0\t2000000000\n"), (1, 2, 2_000_000_000, 2_000_000_000));

    let mut reader = numbered();
    let (_folder, path) = file("train", "5\t4000000000\n");
    assert!(reader.read(&path, &format).is_err());
    let (_folder, path) = file("train", "1\t2\n");
    let columns = reader.read(&path, &format).unwrap();
    assert_eq!(reader.finish(vec![columns]).unwrap()[0].n_items(), 3, "nothing of the bad file is kept");
}

/// What an error says, after the folder of its file.
pub(crate) fn message(content: impl AsRef<[u8]>, format: &Format) -> String {
    let (folder, path) = file("bad.txt", content);
    let text = read_log(&path, format).unwrap_err().to_string();
    text.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn errors_say_where_and_what_was_expected() {
    let ratings = movielens();
    assert_eq!(message("1::2::5::9\n1::2", &ratings), "bad.txt:2:3: the line ends; expected a column here");
    assert_eq!(
        message("1::2::5::9\n\n1::2::5x::9\n", &ratings),
        "bad.txt:3:3: \"5x\"; expected a finite number"
    );
    assert_eq!(message("1::2::NaN::9\n", &ratings), "bad.txt:1:3: \"NaN\"; expected a finite number");
    assert_eq!(message("1::2::1e39::9\n", &ratings), "bad.txt:1:3: \"1e39\"; expected a finite number");
    let wide = "bad.txt:2:5: \"more\"; expected no more columns than the first line has";
    assert_eq!(message("1::2::5::9\n1::2::5::9::more\n", &ratings), wide);
    let pairs = Format::Delimited(Delimited::default());
    assert_eq!(message("1\t2\t5\n1\t2\n", &pairs), "bad.txt:2:3: the line ends; expected a column here");
    assert_eq!(message("1\t\n", &pairs), "bad.txt:1:2: \"\"; expected an id");
    assert_eq!(message("", &ratings), "bad.txt:1: no rows; expected at least one");
    assert_eq!(message("\n\r\n", &ratings), "bad.txt:1: no rows; expected at least one");
    let time =
        "bad.txt:1:4: \"soon\"; expected a time since 1970, in seconds or milliseconds as the format says";
    assert_eq!(message("1::2::5::soon\n", &ratings), time);

    let csv = Format::Delimited(Delimited::csv("user", "movie"));
    assert_eq!(
        message("user,item\n1,2\n", &csv),
        "bad.txt:1: no column \"movie\"; there are \"user\", \"item\""
    );
    let csv = Format::Delimited(Delimited::csv("user", "item"));
    assert_eq!(message("user,item\n", &csv), "bad.txt:1: no rows; expected at least one");
    assert_eq!(message("", &csv), "bad.txt:1: no rows; expected at least one");
    assert_eq!(message("user,item\n1,\"2\n3,4\n", &csv), "bad.txt:2:2: \"\\\"2\"; expected a closing quote");
    let stray = "bad.txt:2:2: \"5\\\" disk\"; expected quotes around the whole field, or none";
    assert_eq!(message("user,item\n1,5\" disk\n", &csv), stray);
    let after = "bad.txt:2:2: \"\\\"a\\\"b\"; expected a delimiter or a line end after the closing quote";
    assert_eq!(message("user,item\n1,\"a\"b\n", &csv), after);
    assert!(matches!(read_log(Path::new("no/such/file"), &csv), Err(ReadError::Io { .. })));
}

#[test]
fn a_bad_file_leaves_the_reader_as_it_was() {
    let format = Format::Delimited(Delimited { value: Some(Place::Index(2)), ..Delimited::default() });
    let (_a, good) = file("good", "1\ttea\t1\n5000\trice\t1\n");
    let (_b, bad) = file("bad", "9\tmilk\t1\n8\t12345678901\t1\n7\tmaté\tx\n");
    let (_c, more) = file("more", "9\tsoup\t1\n1\t12345678901\t1\n");
    let mut once = LogReader::new();
    let expected = vec![once.read(&good, &format).unwrap(), once.read(&more, &format).unwrap()];
    let mut reader = LogReader::new().with_block_bytes(1);
    let first = reader.read(&good, &format).unwrap();
    reader.read(&bad, &format).unwrap_err();
    let parts = vec![first, reader.read(&more, &format).unwrap()];
    assert_eq!(reader.finish(parts).unwrap(), once.finish(expected).unwrap());
}

/// Ids of every kind that matters: small and large numbers, numbers that are texts, texts.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u32..50).prop_map(|id| id.to_string()),
        any::<u64>().prop_map(|id| id.to_string()),
        Just("007".to_owned()),
        Just("-1".to_owned()),
        "[a-zé,\"\n:]{1,6}",
    ]
}

pub(crate) fn random_events() -> impl Strategy<Value = Vec<(String, String, f32, i64)>> {
    let value = prop_oneof![(0u8..50).prop_map(|half| f32::from(half) / 2.0), -1e30f32..1e30];
    prop::collection::vec((id(), id(), value, -4_000_000_000_000i64..4_000_000_000_000), 1..60)
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn what_is_written_as_csv_is_read(rows in random_events(), block in 1usize..40) {
        let lines = rows.iter().map(|(user, item, value, time)| {
            let sign = if *time < 0 { "-" } else { "" };
            let (seconds, ms) = (time.abs() / 1000, time.abs() % 1000);
            format!("{},{},{value},{sign}{seconds}.{ms:03}\n", quoted(user), quoted(item))
        });
        let (_folder, path) = file("log.csv", lines.collect::<String>());
        let format = Format::Delimited(Delimited {
            delimiter: ",".into(), quotes: true, value: Some(2.into()), time: Some(3.into()), ..Delimited::default()
        });
        let whole = read_log(&path, &format).unwrap();
        let expected: Vec<_> = rows.iter().map(|(user, item, value, time)| event(user, item, *value, *time)).collect();
        prop_assert_eq!(events(&whole), expected);

        let mut reader = LogReader::new().with_block_bytes(block);
        let part = reader.read(&path, &format).unwrap();
        prop_assert_eq!(&reader.finish(vec![part]).unwrap()[0], &whole);
    }

    #[test]
    fn a_vocabulary_gives_rows_by_first_appearance(ids in prop::collection::vec(id(), 0..200)) {
        let mut vocab = Vocab::new();
        let mut seen: Vec<&str> = Vec::new();
        for id in &ids {
            let expected = seen.iter().position(|other| other == id).unwrap_or_else(|| { seen.push(id); seen.len() - 1 });
            prop_assert_eq!(vocab.intern(id).unwrap() as usize, expected);
        }
        for (row, id) in seen.iter().enumerate() {
            prop_assert_eq!(vocab.get(id), Some(row as u32));
            prop_assert_eq!(vocab.name(row as u32).unwrap(), *id);
        }
    }
}

#[test]
fn scattered_numbers_find_their_rows() {
    let mut vocab = Vocab::new();
    let ids: Vec<u64> =
        (0..20_000u64).map(|n| n * 7_919 % 200_003).chain((0..100).map(|n| n << 40)).collect();
    let rows: Vec<u32> = ids.iter().map(|id| vocab.intern(&id.to_string()).unwrap()).collect();
    for (id, row) in ids.iter().zip(rows) {
        assert_eq!(vocab.get(&id.to_string()), Some(row));
        assert_eq!(vocab.name(row).unwrap(), id.to_string());
    }
    assert_eq!(vocab.get("200003"), None);
}
