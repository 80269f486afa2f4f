//! The papers of a folder, of whatever kind.

use super::{AnnPaper, Paper, VectorPaper};
use crate::LabError;
use std::path::{Path, PathBuf};

/// Papers by kind, each kind in the order of file names.
#[derive(Debug, Default)]
pub struct Papers {
    /// Those whose rows are recommenders.
    pub recommenders: Vec<Paper>,
    /// Those whose rows are indexes.
    pub ann: Vec<AnnPaper>,
    /// Those whose rows learn vectors.
    pub vectors: Vec<VectorPaper>,
}

impl Papers {
    /// All names.
    pub fn names(&self) -> Vec<&str> {
        let recommenders = self.recommenders.iter().map(|paper| paper.name.as_str());
        let indexes = self.ann.iter().map(|paper| paper.name.as_str());
        recommenders.chain(indexes).chain(self.vectors.iter().map(|paper| paper.name.as_str())).collect()
    }
}

/// The papers of a folder, by name; a file that says of what `kind` it is holds no recommenders.
///
/// # Errors
/// Those of [`Paper::read`], [`AnnPaper::parse`] and [`VectorPaper::parse`], and a folder that cannot be read.
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
        let table = toml::from_str::<toml::Table>(&text).unwrap_or_default();
        match table.get("kind").map(|kind| kind.as_str()) {
            None => papers.recommenders.push(Paper::parse(&text, path)?),
            Some(Some("vectors")) => papers.vectors.push(VectorPaper::parse(&text, path)?),
            // Any other kind is refused by its line.
            Some(_) => papers.ann.push(AnnPaper::parse(&text, path)?),
        }
    }
    Ok(papers)
}
