//! Who adds one crate pays for that crate.

use std::process::Command;

/// The names of everything `package` brings along.
fn tree(package: &str) -> Vec<String> {
    tree_with(package, &[])
}

/// The same with more arguments, such as features.
fn tree_with(package: &str, arguments: &[&str]) -> Vec<String> {
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
        .args(arguments)
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

#[test]
fn models_without_networks_bring_no_burn_and_with_them_no_graphics() {
    let plain = tree_with("seoro-models", &["--no-default-features"]);
    assert!(plain.iter().all(|name| !name.starts_with("burn")), "{plain:?}");
    let networks = tree("seoro-models");
    assert!(networks.iter().any(|name| name == "burn-flex"), "{networks:?}");
    let graphics = |name: &&String| name.starts_with("wgpu") || name.as_str() == "cubecl-wgpu";
    assert_eq!(networks.iter().find(graphics), None);
}
