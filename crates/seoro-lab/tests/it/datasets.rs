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

/// The one line with which `check` refuses a data set that consists of the given files.
fn refusal(name: &str, files: &[(&str, &str)]) -> String {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(data.path().join(name)).unwrap();
    for (file, content) in files {
        std::fs::write(data.path().join(name).join(file), content).unwrap();
    }
    let error = run(&["check", name], data.path(), cache.path()).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    let prefix = format!("{}/", data.path().join(name).display());
    error.strip_prefix(&prefix).unwrap_or_else(|| panic!("{error} begins with the file")).to_owned()
}

#[test]
fn a_cut_file_is_refused_with_its_line() {
    let inside = refusal("ml-1m", &[("ratings.dat", "1::1193::5::978300760\n1::661::3")]);
    assert!(inside.starts_with("ratings.dat:2:"), "{inside}");
    let between = refusal("ml-1m", &[("ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n")]);
    assert!(
        between.starts_with("ratings.dat:3: the file ends after 43 bytes; expected 24594131"),
        "{between}"
    );
}

#[test]
fn a_letter_in_a_rating_is_refused_with_its_line() {
    let error = refusal("ml-1m", &[("ratings.dat", "1::1193::5::978300760\n1::661::x::978302109\n")]);
    assert!(error.starts_with("ratings.dat:2:"), "{error}");
}

#[test]
fn an_empty_file_is_refused() {
    let error = refusal("ml-1m", &[("ratings.dat", "")]);
    assert!(error.starts_with("ratings.dat:1"), "{error}");
}

#[test]
fn an_unknown_column_is_refused_with_its_line() {
    let error =
        refusal("ml-latest-small", &[("ratings.csv", "userId,film,rating,timestamp\n1,1,4.0,964982703\n")]);
    assert!(error.starts_with("ratings.csv:1"), "{error}");
}

#[test]
fn a_wrong_checksum_is_refused() {
    let line = "1::1193::5::978300760\n";
    let error = refusal("ml-1m", &[("ratings.dat", &line.repeat(24_594_131 / line.len() + 1))]);
    assert!(error.starts_with("ratings.dat: checksum sha256:"), "{error}");
    assert!(error.contains("expected sha256:506d64ca"), "{error}");
}

#[test]
fn nan_is_refused_with_its_line() {
    for number in ["NaN", "inf", "-inf", "1e999"] {
        let content = format!("1::1193::5::978300760\n1::661::{number}::978302109\n");
        let error = refusal("ml-1m", &[("ratings.dat", &content)]);
        assert!(error.starts_with("ratings.dat:2:"), "{error}");
    }
}

#[test]
fn ids_past_32_bits_are_refused_with_their_line() {
    for id in ["4294967295", "4294967296", "99999999999999999999"] {
        let content = format!("0\t32\t4\t978824330\n0\t{id}\t4\t978824330\n");
        let error = refusal("ncf-ml-1m", &[("ml-1m.train.rating", &content)]);
        assert!(error.starts_with("ml-1m.train.rating:2:"), "{error}");
    }
}
