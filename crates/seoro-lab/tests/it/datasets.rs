//! The manifests, and the commands on them.

use clap::Parser;
use seoro_core::dataset::load;
use seoro_lab::command::datasets::{DatasetsArgs, DatasetsError, run_with};
use seoro_lab::manifests;
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    datasets: DatasetsArgs,
}

/// Runs a command with data in `data` and the cache in `cache`; gives what it printed.
fn run(words: &[&str], data: &Path, cache: &Path) -> Result<String, DatasetsError> {
    let data = data.to_str().unwrap();
    let words = ["datasets", "--data", data].into_iter().chain(words.iter().copied());
    let mut out = Vec::new();
    run_with(&Cli::parse_from(words).datasets, Some(cache), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn every_manifest_of_the_folder_is_built_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, manifests::names().collect::<Vec<_>>());
    for name in manifests::names() {
        let manifest = manifests::find(name).unwrap().unwrap();
        assert!(!manifest.counts.is_empty(), "{name} counts something");
        for file in &manifest.files {
            assert!(!file.verified || !file.checksums.is_empty(), "{name}/{}: verified by what?", file.name);
        }
        let derived = manifest.derived_from.is_some();
        let served = manifest.archive.is_some() || manifest.files.iter().any(|file| file.url.is_some());
        assert!(derived || served, "{name} comes from somewhere");
    }
}

#[test]
fn every_data_set_at_hand_is_what_its_manifest_says() {
    let Some(folder) = std::env::var_os("SEORO_DATA").map(PathBuf::from) else {
        println!("SEORO_DATA is not set: manifests are parsed and small data loaded, real data is not");
        return;
    };
    let mut loaded = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest = manifests::find(&name).unwrap_or_else(|| panic!("{name} has no manifest")).unwrap();
        let start = std::time::Instant::now();
        let dataset = load(&manifest, &folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        println!("{name}: {:?} in {:.2?}", dataset.counts, start.elapsed());
        loaded += 1;
    }
    assert!(loaded > 0, "{} holds no data set", folder.display());
}

#[test]
fn the_list_says_where_each_set_is() {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(data.path().join("ml-1m")).unwrap();
    std::fs::create_dir(cache.path().join("mnist")).unwrap();
    let listed = run(&["list"], data.path(), cache.path()).unwrap();
    let place = |name: &str| {
        let line = listed.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        line.split_ascii_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!([place("ml-1m"), place("mnist"), place("text8")], ["data", "cache", "absent"]);
    assert!(listed.contains("1000209 interactions"));
}

#[test]
fn names_that_are_nowhere_are_errors() {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let unknown = run(&["check", "ml-2m"], data.path(), cache.path()).unwrap_err();
    assert!(matches!(unknown, DatasetsError::Unknown { .. }), "{unknown}");
    let absent = run(&["check", "ml-1m"], data.path(), cache.path()).unwrap_err();
    assert!(matches!(absent, DatasetsError::Absent { .. }), "{absent}");
    let derived = run(&["fetch", "text-aclimdb"], data.path(), cache.path()).unwrap_err();
    assert!(derived.to_string().contains("no address"), "{derived}");
}
