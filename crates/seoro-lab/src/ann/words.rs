//! Word vectors, made once by benches/peers/word_vectors.py and kept.

use super::cache;
use super::data::read_rows;
use crate::cell::hash;
use crate::data::{Folders, fingerprint_of, load};
use crate::{LabError, workplace};
use seoro_core::{Matrix, dataset};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The text whose words are embedded.
const TEXT: &str = "text-aclimdb";

/// The script, without folder and ending.
pub(crate) const SCRIPT: &str = "word_vectors";

/// What the script says of its vectors.
#[derive(Deserialize)]
struct About {
    words: usize,
    dim: usize,
    sha256: String,
}

/// The vectors `[words, D]`, the most frequent word first; made where they are not kept for this text and script.
///
/// # Errors
/// A text that is missing or another; a Python that fails; kept vectors that are not what was written.
pub(super) fn open(
    folders: &Folders,
    python: &dyn Fn() -> Result<PathBuf, LabError>,
) -> Result<Matrix, LabError> {
    let (script, out) = place()?;
    if !out.with_extension("json").is_file() {
        make(&script, &plain_text(folders)?, &out, &python()?)?;
    }
    read(&out)
}

/// Whether the vectors are kept for this text and script.
///
/// # Errors
/// A script that cannot be read.
pub(super) fn is_kept() -> Result<bool, LabError> {
    Ok(place()?.1.with_extension("json").is_file())
}

/// The script, and where it writes: files are named after all that decides them.
fn place() -> Result<(PathBuf, PathBuf), LabError> {
    let script = workplace::root().join(format!("benches/peers/{SCRIPT}.py"));
    let text = std::fs::read_to_string(&script).map_err(LabError::io(&script))?;
    let key = hash(&serde_json::json!([fingerprint_of(TEXT)?, text]));
    Ok((script, cache().join(format!("words-{key}"))))
}

/// The text as a plain file.
fn plain_text(folders: &Folders) -> Result<PathBuf, LabError> {
    const FILE: &str = "reviews.tsv";
    let plain = workplace::target().join("experiments/bench").join(FILE);
    let dataset = load(TEXT, folders)?;
    let missing = || LabError::Usage(format!("{TEXT}: no file called {FILE}"));
    let path = dataset.paths.get(FILE).ok_or_else(missing)?;
    let mut content = Vec::new();
    dataset::open(path)?.read_to_end(&mut content).map_err(LabError::io(path))?;
    workplace::write_whole(&plain, &content)?;
    Ok(plain)
}

fn make(script: &Path, text: &Path, out: &Path, python: &Path) -> Result<(), LabError> {
    let failed = |what: String| LabError::Peer { peer: SCRIPT.to_owned(), what };
    let folder = cache();
    std::fs::create_dir_all(&folder).map_err(LabError::io(&folder))?;
    // Python's order of words within a set is part of no result, but costs nothing to fix.
    let mut command = Command::new(python);
    command.env("PYTHONHASHSEED", "0").arg(script).arg(text).arg(out).stdout(Stdio::null());
    let status = command.status().map_err(|error| failed(format!("{}: {error}", python.display())))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

fn read(out: &Path) -> Result<Matrix, LabError> {
    let (about, vectors) = (out.with_extension("json"), out.with_extension("f32"));
    let wrong = |what: String| LabError::File { path: vectors.clone(), line: 1, what };
    let text = std::fs::read_to_string(&about).map_err(LabError::io(&about))?;
    let about: About = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let content = std::fs::read(&vectors).map_err(LabError::io(&vectors))?;
    let digest: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    if digest != about.sha256 {
        return Err(wrong(format!(
            "checksum {digest}; expected {}; delete it to have it made again",
            about.sha256
        )));
    }
    let rows = read_rows(&vectors, about.dim)?;
    if rows.rows() != about.words {
        return Err(wrong(format!("{} vectors; expected {}", rows.rows(), about.words)));
    }
    Ok(rows)
}
