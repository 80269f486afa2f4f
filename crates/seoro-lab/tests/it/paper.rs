//! Papers' files: the committed ones are sound, and what is wrong with one is said with its line.

use seoro_lab::LabError;
use seoro_lab::course::{self, CourseRow};
use seoro_lab::paper::{self, Paper, Part};
use seoro_lab::table::ResultRow;
use seoro_lab::{render, rows, workplace};

fn committed() -> (String, std::path::PathBuf) {
    let path = workplace::root().join("docs/papers/ncf.toml");
    (std::fs::read_to_string(&path).unwrap(), path)
}

/// The committed file with `from` replaced, and what is said of it.
fn broken(from: &str, to: &str) -> (usize, String) {
    let (text, path) = committed();
    assert!(text.contains(from), "{from:?} is not in the file");
    let changed = text.replacen(from, to, 1);
    let first_difference = text.lines().zip(changed.lines()).position(|(a, b)| a != b).unwrap() + 1;
    match Paper::parse(&changed, &path) {
        Err(LabError::File { line, what, .. }) => {
            assert!(
                line.abs_diff(first_difference) <= 1,
                "line {line}, but line {first_difference} was changed: {what}"
            );
            (line, what)
        }
        other => panic!("{from:?} replaced by {to:?} went unnoticed: {:?}", other.map(|paper| paper.name)),
    }
}

#[test]
fn committed_papers_are_sound() {
    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap().recommenders;
    assert!(papers.iter().any(|paper| paper.name == "ncf"));
    for paper in papers {
        for row in paper.rows.iter().filter(|row| !row.is_oracle()) {
            for dataset in paper.datasets.keys() {
                row.recipe(dataset, Part::AsPublished).unwrap();
                row.recipe(dataset, Part::Honest).unwrap();
            }
        }
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let (_, what) = broken("label = \"EASE\"", "lable = \"EASE\"");
    assert!(what.contains("lable") && what.contains("label"), "{what}");
}

#[test]
fn an_unknown_hyper_parameter_is_named_with_its_line() {
    let (_, what) = broken("[row.recipe.default]\n", "[row.recipe.default]\nno_such_parameter = 1\n");
    assert!(what.contains("no_such_parameter"), "{what}");
}

#[test]
fn a_printed_number_needs_a_row_and_a_source() {
    let (_, what) = broken("row = \"ease\"\ndataset", "row = \"no-such\"\ndataset");
    assert!(what.contains("no-such"), "{what}");
    let (_, what) = broken("source = \"dacrema-54\"", "source = \"hearsay\"");
    assert!(what.contains("hearsay"), "{what}");
}

#[test]
fn a_letter_or_nothing_in_a_number_is_named_with_its_line() {
    broken("tolerance = 0.002", "tolerance = 0.0o2");
    let (_, what) = broken("seeds = 5", "seeds = 0");
    assert!(what.contains("nonzero"), "{what}");
}

#[test]
fn a_row_has_one_name_and_recipes_for_data_sets_there_are() {
    let (_, what) = broken("name = \"pure-svd\"", "name = \"ease\"");
    assert!(what.contains("second row") && what.contains("ease"), "{what}");
    let (_, what) = broken("[row.recipe.world]", "[row.recipe.wrold]");
    assert!(what.contains("wrold"), "{what}");
    let (_, what) = broken("[row.search.world]", "[row.search.\"wrold.honest\"]");
    assert!(what.contains("wrold"), "{what}");
}

#[test]
fn a_search_has_something_to_try() {
    broken("draws = 80", "draws = 0");
    let (_, what) = broken("grid.shrink = [0.0, 10.0, 100.0, 300.0, 1000.0]", "grid.shrink = []");
    assert!(what.contains("nothing to try"), "{what}");
    let (_, what) = broken("grid.shrink = [0.0, 10.0", "grid.shrimp = [0.0, 10.0");
    assert!(what.contains("shrimp"), "{what}");
    let (_, what) = broken("grid.shrink = [0.0, 10.0", "grid.shrink = [0.0, \"ten\"");
    assert!(what.contains("ten"), "{what}");
}

/// What is said of the small paper with `from` replaced, and whether its line is that of `place`.
fn refused(from: &str, to: &str, place: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/small-paper.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in the file");
    let changed = text.replacen(from, to, 1);
    match Paper::parse(&changed, &path) {
        Err(LabError::File { line, what, .. }) => {
            assert_eq!(changed.lines().nth(line - 1), Some(place), "{what}");
            what
        }
        other => panic!("{from:?} replaced by {to:?} went unnoticed: {:?}", other.map(|paper| paper.name)),
    }
}

#[test]
fn who_ranks_says_how() {
    let ranking = "ranking = \"full\"";
    assert!(refused("hide = \"training\"\n", "", ranking).contains("no hide"));
    assert!(refused("ties = \"mean\"\n", "", ranking).contains("no ties"));
    let what = refused(ranking, "ranking = \"candidates\"", "[dataset.world]");
    assert!(what.contains("world: no negatives"), "{what}");
    let what = refused("ties = \"mean\"\n", "ties = \"mean\"\nunseen = 3.0\n", "unseen = 3.0");
    assert!(what.contains("no ratings are predicted"), "{what}");
}

#[test]
fn a_use_is_of_a_data_set_there_is() {
    let what = refused("of = \"world\"", "of = \"wrold\"", "of = \"wrold\"");
    assert!(what.contains("world-in-part") && what.contains("wrold"), "{what}");
}

#[test]
fn an_order_is_of_rows_and_metrics_there_are() {
    let world = "[dataset.world]\n";
    let drawn = |what: &str| refused(world, &format!("{world}{what}\n"), what);
    assert!(drawn("maps = [\"pope\"]").contains("no published row of it is called \"pope\""));
    assert!(drawn("courses = [\"pop\"]").contains("pop has no snapshots"));
    let order = |to: &str| refused("rows = [\"ease\", \"pop\"]", to, "[[order]]");
    assert!(order("rows = [\"ease\", \"popp\"]").contains("popp"));
    assert!(order("rows = [\"ease\"]").contains("fewer than two"));
    let metric = "metric = \"ndcg@10\"";
    assert!(refused(metric, "metric = \"ndcg@5\"", "[[order]]").contains("ndcg@5"));
    let what = refused(
        "label = \"FISM\"\ntable = \"table-1\"\ndataset = \"world\"",
        "label = \"FISM\"\ntable = \"table-1\"\ndataset = \"wrold\"",
        "[[elsewhere]]",
    );
    assert!(what.contains("FISM") && what.contains("wrold"), "{what}");
    let what = refused("status = \"other-data\"", "status = \"read\"", "table = \"table-1\"");
    assert!(what.contains("no tolerance"), "{what}");
    let other = "status = \"other-data\"";
    let what = refused(other, &format!("{other}\ntolerance = 0.1"), "tolerance = 0.1");
    assert!(what.contains("expected none"), "{what}");
}

#[test]
fn published_tables_are_what_their_results_say() {
    let root = workplace::root();
    for paper in paper::read_all(&root.join("docs/papers")).unwrap().recommenders {
        let folder = root.join("docs/results");
        let results = folder.join(&paper.name);
        let rows: Vec<ResultRow> = rows::read(&results.with_extension("json")).unwrap();
        let courses: Vec<CourseRow> = rows::read(&course::file(&folder, &paper.name)).unwrap();
        for dataset in paper.datasets.keys() {
            let picture = folder.join(course::picture_name(&paper.name, dataset));
            let published = picture.exists().then(|| std::fs::read_to_string(&picture).unwrap());
            assert_eq!(course::draw(&paper, dataset, &courses), published, "{}", picture.display());
        }
        let table = std::fs::read_to_string(results.with_extension("md")).unwrap();
        assert_eq!(
            render::markdown(&paper, &rows, &|file| folder.join(file).exists()),
            table,
            "{}",
            paper.name
        );
    }
}
