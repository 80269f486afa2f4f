//! Bad input through the binary: every command that reads it ends with one line that names file and line, and leaves
//! nothing half-written.

use crate::lab::{files, lab, refusal};
use seoro_lab::workplace;
use std::path::Path;
use tempfile::TempDir;

/// The committed papers, and uses of data sets whose files are small to break.
const USES: &str = r#"
[dataset.ml-1m]
split = "leave-one-out"
negatives = 9
seeds = 1

[dataset.ml-latest-small]
split = "leave-one-out"
negatives = 9
seeds = 1
"#;

/// A folder to work in, with `docs/papers/ncf.toml` as `change` leaves it.
fn workplace_with(change: impl Fn(String) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let papers = folder.path().join("docs/papers");
    std::fs::create_dir_all(&papers).unwrap();
    let committed = std::fs::read_to_string(workplace::root().join("docs/papers/ncf.toml")).unwrap();
    std::fs::write(papers.join("ncf.toml"), change(committed)).unwrap();
    folder
}

/// The commands that read a data set.
fn readers(dataset: &str) -> Vec<Vec<&str>> {
    let mut commands = vec![
        vec!["datasets", "check", dataset],
        vec!["experiments", "--dataset", dataset],
        vec!["search", "--paper", "ncf", "--dataset", dataset],
    ];
    match dataset {
        "ml-1m" => commands.push(vec!["bench", "tsv-ml-1m"]),
        "ncf-ml-1m" => commands.push(vec!["bench", "ease-fit-ml-1m"]),
        _ => {}
    }
    commands
}

/// Every command that reads `dataset`, of which `file` is all there is, refuses it with `expected` behind the file's name.
fn refused(dataset: &str, file: &str, content: impl AsRef<[u8]>, expected: &str) {
    let (place, data) = (workplace_with(|paper| paper + USES), tempfile::tempdir().unwrap());
    let path = data.path().join(dataset).join(file);
    std::fs::create_dir(data.path().join(dataset)).unwrap();
    std::fs::write(&path, content).unwrap();
    for arguments in readers(dataset) {
        let target = tempfile::tempdir().unwrap();
        let mut command = lab(target.path(), &arguments);
        command.arg("--data").arg(data.path()).current_dir(place.path());
        let line = refusal(command, target.path());
        let expected = format!("{}{expected}", path.display());
        assert!(line.starts_with(&expected), "{arguments:?}: {line}\nexpected: {expected}");
        assert_eq!(files(data.path()), [&*path], "{arguments:?} wrote among the data");
    }
}

const LINE: &str = "1::1193::5::978300760\n";

#[test]
fn a_file_cut_inside_a_line() {
    refused("ml-1m", "ratings.dat", format!("{LINE}1::661::3"), ":2:");
}

#[test]
fn a_file_cut_between_lines() {
    let expected = ":3: the file ends after 44 bytes; expected 24594131";
    refused("ml-1m", "ratings.dat", LINE.repeat(2), expected);
}

#[test]
fn a_letter_in_a_rating() {
    refused("ml-1m", "ratings.dat", format!("{LINE}1::661::x::978302109\n"), ":2:3: \"x\"; expected ");
}

#[test]
fn numbers_that_are_not_finite() {
    for number in ["NaN", "inf", "-inf", "1e999"] {
        let expected = format!(":2:3: {number:?}; expected ");
        refused("ml-1m", "ratings.dat", format!("{LINE}1::661::{number}::978302109\n"), &expected);
    }
}

#[test]
fn an_empty_file() {
    refused("ml-1m", "ratings.dat", "", ":1: no rows; expected at least one");
}

#[test]
fn an_unknown_column() {
    let content = "userId,film,rating,timestamp\n1,1,4.0,964982703\n";
    refused("ml-latest-small", "ratings.csv", content, ":1: no column \"movieId\"; there are ");
}

#[test]
fn a_wrong_checksum() {
    let row = "1,1,4.0,964982703\n";
    let content = format!("userId,movieId,rating,timestamp\n{}", row.repeat(2_483_723 / row.len() + 1));
    refused("ml-latest-small", "ratings.csv", content, ": checksum sha256:");
}

#[test]
fn ids_past_32_bits() {
    for id in ["4294967295", "4294967296", "99999999999999999999"] {
        let content = format!("0\t32\t4\t978824330\n0\t{id}\t4\t978824330\n");
        refused("ncf-ml-1m", "ml-1m.train.rating", content, &format!(":2:2: {id:?}; expected "));
    }
}

#[test]
fn an_unknown_key_in_a_paper() {
    let place = workplace_with(|paper| {
        assert!(paper.contains("label = \"EASE\""), "the paper has a row to break");
        paper.replacen("label = \"EASE\"", "lable = \"EASE\"", 1)
    });
    let path = place.path().join("docs/papers/ncf.toml");
    let broken = std::fs::read_to_string(&path).unwrap();
    let line = 1 + broken.lines().position(|line| line.contains("lable")).unwrap();
    let commands: [&[&str]; 3] =
        [&["experiments"], &["experiments", "--list"], &["search", "--paper", "ncf", "--dataset", "world"]];
    for arguments in commands {
        let target = tempfile::tempdir().unwrap();
        let mut command = lab(target.path(), arguments);
        command.current_dir(place.path());
        let said = refusal(command, target.path());
        let expected = format!("{}:{line}: unknown field `lable`", path.display());
        assert!(said.starts_with(&expected), "{said}\nexpected: {expected}");
        assert_eq!(files(place.path()), [Path::new(&path)]);
    }
}
