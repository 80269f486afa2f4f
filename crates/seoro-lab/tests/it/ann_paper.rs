//! Papers on nearest neighbours: the committed file is sound, what is wrong with one is said with its line, and its
//! tables are made on the embedded world.

use crate::lab::{lab, refusal, run, text};
use seoro_lab::LabError;
use seoro_lab::ann::Space;
use seoro_lab::ann::trade::{Measure, TradeRow, markdown, merge};
use seoro_lab::paper::{self, AnnPaper};
use seoro_lab::workplace;

fn committed() -> (String, std::path::PathBuf) {
    let path = workplace::root().join("docs/papers/ann.toml");
    (std::fs::read_to_string(&path).unwrap(), path)
}

/// What is said of the committed file with `from` replaced, at the line that was changed.
fn broken(from: &str, to: &str) -> String {
    let (committed, path) = committed();
    assert!(committed.contains(from), "{from:?} is not in the file");
    let changed = committed.replacen(from, to, 1);
    let first = committed.lines().zip(changed.lines()).position(|(a, b)| a != b).unwrap() + 1;
    match AnnPaper::parse(&changed, &path) {
        Err(LabError::File { line, what, .. }) => {
            assert!(line.abs_diff(first) <= 1, "line {line}, but line {first} was changed: {what}");
            what
        }
        other => panic!("{from:?} replaced by {to:?} went unnoticed: {:?}", other.map(|paper| paper.name)),
    }
}

#[test]
fn the_committed_paper_is_sound() {
    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap();
    let paper = papers.ann.iter().find(|paper| paper.name == "ann").unwrap();
    assert!(paper.datasets.contains_key(&Space::World));
    for row in &paper.rows {
        let efforts = row.efforts(Space::Sift1m);
        let is_printed =
            efforts.iter().any(|&effort| paper.printed(&row.name, effort, Space::Sift1m).next().is_some());
        let is_searched = row.recipe(Space::World).is_some();
        assert!(is_searched || is_printed, "{} is not searched on a fresh machine", row.name);
    }
}

#[test]
fn unknown_keys_names_and_settings_are_named_with_their_line() {
    assert!(broken("label = \"HNSW\"", "lable = \"HNSW\"").contains("lable"));
    assert!(broken("[dataset.mnist]", "[dataset.mnits]").contains("mnits"));
    assert!(broken("{ trees = 24 }", "{ tress = 24 }").contains("tress"));
    assert!(broken("index.default.forest", "index.default.florist").contains("florist"));
    assert!(broken("index.world.forest", "index.wrold.forest").contains("wrold"));
    assert!(broken("efforts.world = [30", "efforts.wrold = [30").contains("wrold"));
    assert!(broken("kind = \"nearest-neighbours\"", "kind = \"nearest\"").contains("nearest"));
    assert!(broken("\"1-recall@100\" = 0.593", "\"1-recall@101\" = 0.593").contains("1-recall@101"));
}

#[test]
fn a_row_has_one_name_and_efforts_that_grow() {
    let what = broken("name = \"flat-int8\"", "name = \"flat\"");
    assert!(what.contains("second row") && what.contains("\"flat\""), "{what}");
    assert!(broken("efforts.world = [30, 100", "efforts.world = [30, 30").contains("growing"));
    assert!(broken("efforts.world = [30, 100", "efforts.world = [0, 100").contains("growing"));
}

#[test]
fn efforts_stand_where_an_index_has_them() {
    let flat = "index.default.flat = { storage = \"f32\" }";
    assert!(
        broken(flat, &format!("{flat}\nefforts.default = [1]")).contains("efforts of an index that has none")
    );
    let (committed, path) = committed();
    let efforts = committed.lines().find(|line| line.starts_with("efforts.default")).unwrap();
    let without = committed.replacen(efforts, "", 1);
    let said = AnnPaper::parse(&without, &path).unwrap_err().to_string();
    assert!(said.contains("an index without efforts"), "{said}");
}

#[test]
fn a_printed_number_is_of_what_there_is() {
    assert!(broken("\nrow = \"pq-adc-4\"", "\nrow = \"no-such\"").contains("no-such"));
    let wrong = broken("row = \"ivf-pq\"\neffort = 16", "row = \"ivf-pq\"\neffort = 11");
    assert!(wrong.contains("no effort"), "{wrong}");
    assert!(broken("source = \"jegou-table-4\"", "source = \"hearsay\"").contains("hearsay"));
    assert!(broken("\"1-recall@100\" = 0.593", "\"queries/s\" = 0.593").contains("queries/s"));
}

#[test]
fn rows_of_the_world_are_printed_drawn_and_kept() {
    let target = tempfile::tempdir().unwrap();
    let arguments =
        ["experiments", "--paper", "ann", "--dataset", "world", "--row", "flat", "--row", "hnsw-int8"];
    let output = run(target.path(), &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("## world") && printed.contains("| HNSW, int8 "), "{printed}");
    assert!(!printed.contains("| Forest"), "{printed}");
    let folder = target.path().join("experiments");
    let picture = std::fs::read_to_string(folder.join("ann-world.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("HNSW, int8"), "{picture}");

    let written = std::fs::read_to_string(folder.join("ann.json")).unwrap();
    let rows: Vec<TradeRow> = serde_json::from_str(&written).unwrap();
    let value = |row: &str, effort: Option<usize>, metric: Measure| {
        let found = rows.iter().find(|r| r.row == row && r.effort == effort && r.metric == metric);
        found.map(|row| row.value)
    };
    assert_eq!(value("flat", None, Measure::Recall), Some(1.0));
    let (few, many) =
        (value("hnsw-int8", Some(10), Measure::Recall), value("hnsw-int8", Some(160), Measure::Recall));
    assert!(few < many && many > Some(0.8), "{few:?} {many:?}");
    assert!(
        value("hnsw-int8", None, Measure::Memory) < value("flat", None, Measure::Memory).map(|mb| 1.5 * mb)
    );
    let nearest = |metric: Measure| value("hnsw-int8", Some(160), metric).unwrap();
    assert!(nearest(Measure::NearestFirst) <= nearest(Measure::NearestOfTen));
    assert!(nearest(Measure::NearestOfTen) <= nearest(Measure::NearestOfHundred));

    // Finished cells are taken as they are: even their timings.
    let resumed = run(target.path(), &[&arguments[..], &["--resume", "--json"]].concat());
    assert_eq!(serde_json::from_str::<Vec<TradeRow>>(&text(&resumed.stdout)).unwrap(), rows);

    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap();
    assert_eq!(markdown(&papers.ann[0], &rows).trim(), printed.trim());
    let flat: Vec<TradeRow> = rows.iter().filter(|row| row.row == "flat").cloned().collect();
    assert_eq!(merge(&papers.ann[0], rows.clone(), flat), rows);
}

#[test]
fn vectors_that_are_not_at_hand_are_said_in_one_line() {
    let target = tempfile::tempdir().unwrap();
    let said = refusal(lab(target.path(), &["experiments", "--dataset", "mnist"]), target.path());
    assert_eq!(
        said,
        "mnist: not at hand; `cargo xtask datasets fetch mnist` gets it, or name its folder with --data DIR"
    );
    let said = refusal(lab(target.path(), &["experiments", "--dataset", "words-ip"]), target.path());
    assert!(said.starts_with("words-ip: not at hand; `cargo xtask bench"), "{said}");
}
