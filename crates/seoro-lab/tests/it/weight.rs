//! Who adds one crate pays for that crate.

use std::process::Command;

/// The names of everything `package` brings along.
fn tree(package: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let names = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<String> =
        names.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    assert_eq!(names.first().map(String::as_str), Some(package), "cargo tree said nothing of {package}");
    names
}

#[test]
fn ann_and_item2vec_bring_neither_burn_nor_parquet() {
    for package in ["seoro-ann", "seoro-item2vec"] {
        let heavy: Vec<String> =
            tree(package).into_iter().filter(|name| name.starts_with("burn") || name == "parquet").collect();
        assert!(heavy.is_empty(), "{package} brings {heavy:?}");
    }
}

#[test]
fn core_brings_no_model_and_xtask_nothing_at_all() {
    assert!(tree("seoro-core").iter().all(|name| !name.starts_with("seoro-") || name == "seoro-core"));
    assert_eq!(tree("xtask"), ["xtask"]);
}
