//! The commands as a user runs them.

use crate::lab::{files, lab, refusal, run, text};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Every number of a result but how long it took and how much memory it held.
fn numbers(json: &str) -> Vec<serde_json::Value> {
    let mut rows: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
    for row in &mut rows {
        for key in ["seconds", "peak_rss_mb", "commit"] {
            row.as_object_mut().unwrap().remove(key);
        }
    }
    rows
}

#[test]
fn a_row_of_the_world_is_printed_and_written() {
    let target = tempfile::tempdir().unwrap();
    let arguments =
        ["experiments", "--paper", "ncf", "--dataset", "world", "--row", "oracle", "--row", "top-pop"];
    let output = run(target.path(), &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("## world, as-published") && printed.contains("## world, honest"), "{printed}");
    assert!(printed.contains("| Oracle") && printed.contains("| TopPop"), "{printed}");
    let written = std::fs::read_to_string(target.path().join("experiments/ncf.json")).unwrap();
    let rows = numbers(&written);
    let value = |row: &str, protocol: &str| {
        let found =
            rows.iter().find(|r| r["row"] == row && r["protocol"] == protocol && r["metric"] == "hr@10");
        found.unwrap()["value"].as_f64().unwrap()
    };
    assert!(value("oracle", "honest") > 2.0 * value("top-pop", "honest"));
    assert!(text(&output.stderr).contains("experiments/ncf.{md,json}"));
}

#[test]
fn json_is_the_file_that_was_written() {
    let target = tempfile::tempdir().unwrap();
    let arguments =
        ["experiments", "--paper", "ncf", "--dataset", "world", "--row", "top-pop", "--honest", "--json"];
    let output = run(target.path(), &arguments);
    let written = std::fs::read_to_string(target.path().join("experiments/ncf.json")).unwrap();
    assert_eq!(numbers(&text(&output.stdout)), numbers(&written));
}

#[test]
fn a_killed_run_is_resumed_to_the_same_numbers() {
    let arguments = ["experiments", "--dataset", "world", "--row", "ease", "--row", "mf-bpr", "--json"];
    let whole = tempfile::tempdir().unwrap();
    let uninterrupted = run(whole.path(), &arguments);
    assert!(uninterrupted.status.success(), "{}", text(&uninterrupted.stderr));

    let target = tempfile::tempdir().unwrap();
    let mut killed = lab(target.path(), &arguments).spawn().unwrap();
    let start = Instant::now();
    // A checkpoint that is there tells that the fit is under way.
    while !has_checkpoint(&target.path().join("experiments/fits")) {
        assert!(killed.try_wait().unwrap().is_none(), "the run ended before it could be killed");
        assert!(start.elapsed() < Duration::from_secs(120), "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!target.path().join("experiments/ncf.json").exists());

    let resumed = run(target.path(), &[&arguments[..], &["--resume"]].concat());
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert_eq!(numbers(&text(&resumed.stdout)), numbers(&text(&uninterrupted.stdout)));
    // So are what pictures show.
    let file = |target: &Path, name: &str| {
        let path = target.join("experiments").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let course = |target: &Path| {
        let mut rows: Vec<serde_json::Value> =
            serde_json::from_str(&file(target, "ngcf-courses.json")).unwrap();
        rows.iter_mut().for_each(|row| row["record"]["seconds"] = serde_json::Value::Null);
        rows
    };
    assert_eq!(course(target.path()), course(whole.path()));
    let snapshots = |row: &&serde_json::Value| row["record"]["values"].is_object();
    assert_eq!(course(target.path()).iter().filter(snapshots).count(), 120 / 5, "one each fifth epoch");
    let map = "ngcf-world-map-mf-bpr.svg";
    assert_eq!(file(target.path(), map), file(whole.path(), map));
}

#[test]
fn several_at_a_time_give_the_numbers_of_one_after_another() {
    let target = tempfile::tempdir().unwrap();
    let rows = ["--row", "top-pop", "--row", "mf-bpr", "--row", "oracle"];
    let begin = ["experiments", "--paper", "ncf", "--dataset", "world", "--json", "--seeds", "2"];
    let begin = [&begin[..], &rows].concat();
    let alone = run(&target.path().join("alone"), &[&begin[..], &["--threads", "1"]].concat());
    assert!(alone.status.success(), "{}", text(&alone.stderr));
    let beside = [&begin[..], &["--threads", "2", "--jobs", "2"]].concat();
    let folder = target.path().join("beside");
    let first = run(&folder, &beside);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert_eq!(numbers(&text(&first.stdout)), numbers(&text(&alone.stdout)));

    // What is kept is not computed again, and tells the same.
    let cells = |folder: &Path| files(&folder.join("experiments/cells"));
    let times = |folder: &Path| {
        cells(folder).iter().map(|cell| cell.metadata().unwrap().modified().unwrap()).collect::<Vec<_>>()
    };
    let before = times(&folder);
    let second = run(&folder, &[&beside[..], &["--resume"]].concat());
    assert_eq!(numbers(&text(&second.stdout)), numbers(&text(&first.stdout)));
    assert_eq!(times(&folder), before);
}

#[test]
#[cfg(not(feature = "gpu"))]
fn a_fit_that_fails_in_a_process_of_its_own_says_why() {
    let target = tempfile::tempdir().unwrap();
    let arguments = ["experiments", "--paper", "ncf", "--dataset", "world", "--row", "gmf-8"];
    let failed = run(target.path(), &[&arguments[..], &["--device", "gpu", "--jobs", "2"]].concat());
    assert!(!failed.status.success());
    let said = text(&failed.stderr);
    assert!(said.starts_with("error: gmf-8, seed 1, in a process of its own: "), "{said}");
    assert!(said.contains("gpu") && said.trim_end().lines().count() == 1, "{said}");
}

#[test]
fn a_process_that_fills_a_cell_ends_with_the_one_that_began_it() {
    let target = tempfile::tempdir().unwrap();
    let arguments =
        ["experiments", "--paper", "ncf", "--dataset", "world", "--row", "neumf-8", "--fill", "1"];
    let mut fill = lab(target.path(), &arguments);
    let mut process = fill.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Ended, the other process holds no end of this pipe.
    drop(process.stdin.take());
    assert_eq!(process.wait().unwrap().code(), Some(1));
    assert!(!target.path().join("experiments/cells").exists(), "the fit went on to its end");
}

fn has_checkpoint(fits: &Path) -> bool {
    let folders = std::fs::read_dir(fits).into_iter().flatten().flatten();
    folders.into_iter().any(|folder| folder.path().join("checkpoint").exists())
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let target = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["experiments", "--paper", "no-such"], "no paper is called \"no-such\"; expected one of: "),
        (&["experiments", "--row", "no-such"], "no row is called \"no-such\"; expected one of: "),
        (&["experiments", "--dataset", "no-such"], "no data set is called \"no-such\"; expected one of: "),
        (&["experiments", "--dataset", "ncf-ml-1m", "--data", "no-such"], "ncf-ml-1m: not at hand; "),
        (&["bench", "no-such"], "no bench is called \"no-such\"; expected one of: "),
    ];
    for (arguments, expected) in cases {
        let said = refusal(lab(target.path(), arguments), target.path());
        assert!(said.starts_with(expected), "{arguments:?}: {said}");
    }
}
