//! The papers of a folder, of whatever kind.

use super::{AnnPaper, Paper};
use crate::LabError;
use std::path::{Path, PathBuf};

/// Papers by kind, each kind in the order of file names.
#[derive(Debug, Default)]
pub struct Papers {
    /// Those whose rows are recommenders.
    pub recommenders: Vec<Paper>,
    /// Those whose rows are indexes.
    pub ann: Vec<AnnPaper>,
}

impl Papers {
    /// All names.
    pub fn names(&self) -> Vec<&str> {
        let recommenders = self.recommenders.iter().map(|paper| paper.name.as_str());
        recommenders.chain(self.ann.iter().map(|paper| paper.name.as_str())).collect()
    }
}

/// The papers of a folder, by name; a file that says of what `kind` it is holds no recommenders.
///
/// # Errors
/// Those of [`Paper::read`] and [`AnnPaper::parse`], and a folder that cannot be read.
pub fn read_all(folder: &Path) -> Result<Papers, LabError> {
    let entries = std::fs::read_dir(folder).map_err(LabError::io(folder))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    let mut papers = Papers::default();
    for path in &paths {
        let text = std::fs::read_to_string(path).map_err(LabError::io(path))?;
        // A file that is no TOML is refused by the usual kind, with its line.
        if toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("kind")) {
            papers.ann.push(AnnPaper::parse(&text, path)?);
        } else {
            papers.recommenders.push(Paper::parse(&text, path)?);
        }
    }
    Ok(papers)
}
