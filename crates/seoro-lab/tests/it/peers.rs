//! The peers' scripts.

use seoro_lab::workplace;
use std::collections::BTreeSet;
use std::path::Path;

/// OpenBLAS reads its threads when NumPy is imported, which `peer` does: set later they count for nothing, and the peer
/// runs with threads within threads.
#[test]
fn threads_are_set_before_numpy_is_imported() {
    let mut scripts = 0;
    for entry in std::fs::read_dir(workplace::root().join("benches/peers")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let first = |found: &dyn Fn(&str) -> bool| lines.iter().position(|line| found(line));
        let Some(set) = first(&|line| line.starts_with("os.environ") && line.contains("OPENBLAS")) else {
            continue;
        };
        let numeric = ["peer", "numpy", "scipy", "implicit"];
        let import = first(&|line| {
            let module = line.strip_prefix("from ").or(line.strip_prefix("import "));
            module.is_some_and(|module| numeric.iter().any(|name| module.starts_with(name)))
        });
        scripts += 1;
        assert!(import.is_none_or(|import| set < import), "{} sets its threads too late", path.display());
    }
    assert!(scripts >= 4, "{scripts} scripts set their threads");
}

/// The names of all scripts, without ending.
fn scripts() -> BTreeSet<String> {
    let entries = std::fs::read_dir(workplace::root().join("benches/peers")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let scripts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    scripts.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// All sources of a folder and those below; what Python compiled is none.
fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&texts(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    text
}

/// What stands between quotes.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).collect()
}

#[test]
fn every_script_is_named_in_rust_or_shared_and_every_name_is_a_script() {
    let sources = workplace::root().join("crates/seoro-lab/src");
    let text = texts(&sources.join("bench")) + &texts(&sources.join("ann"));
    let (scripts, named) = (scripts(), quoted(&text));
    let peers = texts(&workplace::root().join("benches/peers"));
    for script in &scripts {
        let is_shared = ["import", "from"].iter().any(|word| {
            peers.lines().any(|line| {
                line == format!("{word} {script}") || line.starts_with(&format!("{word} {script} "))
            })
        });
        assert!(named.contains(script.as_str()) || is_shared, "{script}.py is used by nothing");
    }
    let kinds: BTreeSet<&str> =
        scripts.iter().filter_map(|script| script.split_once('_')).map(|(kind, _)| kind).collect();
    let is_a_script = |name: &&&str| {
        let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_word && name.split_once('_').is_some_and(|(kind, _)| kinds.contains(kind))
    };
    for name in named.iter().filter(is_a_script) {
        assert!(scripts.contains(*name), "{name}.py is named, but is not there");
    }
    assert!(named.iter().filter(is_a_script).count() >= 12);
}
