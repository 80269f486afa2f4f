//! The lab as a user runs it: the binary, its results below a folder of the test, nobody's cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The lab with its results and its cache below `target`.
pub(crate) fn lab(target: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seoro-lab"));
    command.args(arguments).env("CARGO_TARGET_DIR", target).env_remove("SEORO_DATA");
    command.env("XDG_CACHE_HOME", target.join("cache"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the lab did.
pub(crate) fn run(target: &Path, arguments: &[&str]) -> Output {
    lab(target, arguments).output().unwrap()
}

/// What it printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The one line with which the lab refuses; it prints nothing else and leaves nothing in `target`.
pub(crate) fn refusal(mut command: Command, target: &Path) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{command:?} succeeded: {said}");
    assert_eq!(text(&output.stdout), "", "{command:?}");
    assert_eq!(said.trim_end().lines().count(), 1, "{command:?}: {said}");
    assert_eq!(files(target), <[PathBuf; 0]>::default(), "{command:?} left something behind");
    let line = said.trim_end().strip_prefix("error: ");
    line.unwrap_or_else(|| panic!("{command:?}: {said}")).to_owned()
}

/// All files below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
