//! Papers on learned vectors: the committed files are sound, what is wrong with one is said with its line, and tables are
//! made on the embedded world.

use crate::lab::{lab, refusal, run, text};
use seoro_lab::LabError;
use seoro_lab::paper::{self, VectorPaper};
use seoro_lab::vectors::{VectorResult, markdown, merge};
use seoro_lab::workplace;
use std::path::PathBuf;

fn committed(name: &str) -> (String, PathBuf) {
    let path = workplace::root().join(format!("docs/papers/{name}.toml"));
    (std::fs::read_to_string(&path).unwrap(), path)
}

/// What is said of a committed file with `from` replaced, at the line that was changed.
fn broken(name: &str, from: &str, to: &str) -> String {
    let (committed, path) = committed(name);
    assert!(committed.contains(from), "{from:?} is not in the file");
    let changed = committed.replacen(from, to, 1);
    let first = committed.lines().zip(changed.lines()).position(|(a, b)| a != b).unwrap() + 1;
    match VectorPaper::parse(&changed, &path) {
        Err(LabError::File { line, what, .. }) => {
            assert!(line.abs_diff(first) <= 8, "line {line}, but line {first} was changed: {what}");
            what
        }
        other => panic!("{from:?} replaced by {to:?} went unnoticed: {:?}", other.map(|paper| paper.name)),
    }
}

#[test]
fn unknown_keys_names_and_settings_are_named_with_their_line() {
    assert!(broken("word2vec", "label = \"CBOW, NEG-5\"", "lable = \"CBOW\"").contains("lable"));
    assert!(broken("word2vec", "[dataset.text-aclimdb]", "[dataset.text-imdb]").contains("text-imdb"));
    assert!(broken("word2vec", "architecture = \"cbow\"", "architecture = \"cbwo\"").contains("cbwo"));
    assert!(broken("word2vec", "{ samples = 15,", "{ sample = 15,").contains("sample"));
    assert!(broken("word2vec", "model = \"gensim\"", "model = \"gensin\"").contains("gensin"));
    assert!(broken("word2vec", "take = \"context\"", "take = \"contexts\"").contains("contexts"));
    assert!(broken("word2vec", "metric = \"semantic\"", "metric = \"semantics\"").contains("semantics"));
    assert!(broken("word2vec", "better = \"cbow\"", "better = \"c-bow\"").contains("c-bow"));
    assert!(broken("word2vec", "name = \"cbow-as-long\"", "name = \"cbow\"").contains("second row"));
    for slack in ["-0.01", "1.0", "nan"] {
        assert!(broken("word2vec", "slack = 0.01", &format!("slack = {slack}")).contains("slack is"));
    }
    assert!(broken("word2vec", "metric = \"men\"", "metric = \"words-per-second\"").contains("speed"));
    let genres = |from, to| broken("item2vec-genres", from, to);
    assert!(genres("recipe.default]\ndim", "recipe.wrold]\ndim").contains("wrold"));
    assert!(genres("search.hetrec2011-lastfm-2k]\ngrid.dim", "search.wrold]\ngrid.dim").contains("wrold"));
    assert!(genres("grid.dim = [40, 100]", "every = 5\ngrid.dim = [40, 100]").contains("every"));
    assert!(genres("grid.dim = [40, 100]", "grid.dim = [\"forty\"]").contains("forty"));
    assert!(genres("grid.dim = [40, 100]", "grid.dim = []").contains("nothing to try"));
    let gensim = "model = \"gensim\"\nseeds = 5\nrecipe.default = { learn = { architecture = \"skip-gram\" }";
    let what = broken("word2vec", gensim, &format!("{gensim}, take = \"context\""));
    assert!(what.contains("centre"), "{what}");
}

#[test]
fn rows_of_the_world_are_printed_tried_and_kept() {
    let target = tempfile::tempdir().unwrap();
    let arguments = ["experiments", "--paper", "item2vec-genres", "--dataset", "world"];
    let some = [&arguments[..], &["--row", "majority", "--row", "svd", "--row", "item2vec"]].concat();
    let output = run(target.path(), &some);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("## world") && printed.contains("| Item2Vec "), "{printed}");
    assert!(!printed.contains("| iALS "), "{printed}");

    let written = std::fs::read_to_string(target.path().join("experiments/item2vec-genres.json")).unwrap();
    let rows: Vec<VectorResult> = serde_json::from_str(&written).unwrap();
    let value = |row: &str, metric: &str| {
        rows.iter()
            .find(|result| result.row == row && result.metric == metric)
            .map(|result| result.value)
            .unwrap()
    };
    // Neighbours tell more than the most frequent genre does.
    for row in ["svd", "item2vec"] {
        assert!(value(row, "all") > value("majority", "all") + 0.1, "{row}: {}", value(row, "all"));
    }

    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap().vectors;
    let paper = papers.iter().find(|paper| paper.name == "item2vec-genres").unwrap();
    assert_eq!(markdown(paper, &rows, &|_| true).trim(), printed.trim());
    let one: Vec<VectorResult> = rows.iter().filter(|row| row.row == "svd").cloned().collect();
    assert_eq!(merge(paper, rows.clone(), one), rows);

    // Finished cells are taken as they are: even their timings.
    let resumed = run(target.path(), &[&some[..], &["--resume", "--json"]].concat());
    assert_eq!(serde_json::from_str::<Vec<VectorResult>>(&text(&resumed.stdout)).unwrap(), rows);
}

#[test]
fn data_that_is_not_at_hand_is_said_in_one_line() {
    let target = tempfile::tempdir().unwrap();
    let asked = ["experiments", "--paper", "word2vec", "--dataset", "text-aclimdb"];
    let said = refusal(lab(target.path(), &asked), target.path());
    assert!(said.starts_with("text-aclimdb: not at hand; "), "{said}");
}
