//! The machine and the working tree: threads, memory, the commit, files written whole.

use crate::LabError;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace: the nearest folder upwards that holds docs/papers, else the one this was built in.
pub fn root() -> PathBuf {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned);
    let current = std::env::current_dir().unwrap_or_default();
    let found = current.ancestors().find(|folder| folder.join("docs/papers").is_dir()).map(Path::to_owned);
    found.or(built_in).unwrap_or(current)
}

/// The number of threads behind a request, where 0 asks for all cores.
pub fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// The commit the tree stands on, with `-dirty` behind it where files differ; `unknown` outside a repository.
pub fn commit() -> String {
    let head = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    if is_dirty() { format!("{head}-dirty") } else { head }
}

/// Whether what [`commit`] gave is a commit, and the tree did not differ from it.
pub fn is_a_commit(commit: &str) -> bool {
    !commit.is_empty() && commit != "unknown" && !commit.ends_with("-dirty")
}

/// Whether tracked or new files differ from the commit, or nobody can tell; results alone do not count.
pub fn is_dirty() -> bool {
    let changed = git(&["status", "--porcelain", "--", ".", ":!docs/results", ":!docs/benchmarks.md"]);
    changed.is_none_or(|changed| !changed.is_empty())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Starts the count of [`peak_rss_mb`] anew, where the system lets us.
pub fn reset_peak_rss() {
    // Linux: writing 5 resets the high-water mark; elsewhere the mark is the process's.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory held since [`reset_peak_rss`], in MB, where the system tells.
pub fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib * 1.024).round() / 1000.0)
}

/// Writes a file whole or not at all, making its folder.
///
/// # Errors
/// [`LabError::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LabError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(LabError::io(folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(LabError::io(folder))?;
    file.write_all(bytes).map_err(LabError::io(path))?;
    file.persist(path).map_err(|error| LabError::io(path)(error.error))?;
    Ok(())
}

/// Cargo's target folder, where results and caches go.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
