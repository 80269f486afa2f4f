//! Where cells, checkpoints and snapshots are kept, for one process or several.

use super::Fit;
use crate::{LabError, workplace};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a store keeps.
pub(crate) trait Kept: Serialize + DeserializeOwned {
    /// The hash it is kept under.
    fn key(&self) -> &str;

    /// By which code it was computed.
    fn commit(&self) -> &str;
}

/// Where cells, checkpoints and snapshots are kept.
pub struct Store {
    folder: PathBuf,
    /// Whether finished cells are taken from it.
    pub resume: bool,
    /// Whether finished cells of a tree that differed from its commit are computed anew: what is published names its code.
    pub committed_only: bool,
    /// The parts of a report ask the same fit different questions; the last one is kept for the next part.
    last: Mutex<Option<(String, Arc<Fit>)>>,
}

impl Store {
    /// The store below `folder`; finished cells are taken from it only when resuming.
    pub fn new(folder: &Path, resume: bool) -> Self {
        Self { folder: folder.to_owned(), resume, committed_only: false, last: Mutex::new(None) }
    }

    pub(super) fn last(&self) -> MutexGuard<'_, Option<(String, Arc<Fit>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, key: &str) -> PathBuf {
        self.folder.join("cells").join(format!("{key}.json"))
    }

    pub(crate) fn find<C: Kept>(&self, key: &str) -> Option<C> {
        let text = self.resume.then(|| std::fs::read_to_string(self.cell(key)).ok())??;
        let cell: C = serde_json::from_str(&text).ok()?;
        (!self.committed_only || workplace::is_a_commit(cell.commit())).then_some(cell)
    }

    pub(crate) fn keep(&self, cell: &impl Kept) -> Result<(), LabError> {
        let text = serde_json::to_string(cell).map_err(|error| LabError::Usage(error.to_string()))?;
        workplace::write_whole(&self.cell(cell.key()), text.as_bytes())
    }

    /// The folder of an unfinished fit: its checkpoint and snapshots, emptied unless resuming.
    pub(super) fn fit_folder(&self, key: &str) -> Result<PathBuf, LabError> {
        let folder = self.fits().join(key);
        let begun_by = folder.join("commit");
        let is_usable = || {
            let commit = std::fs::read_to_string(&begun_by).unwrap_or_default();
            !self.committed_only || workplace::is_a_commit(&commit)
        };
        if folder.exists() && !(self.resume && is_usable()) {
            std::fs::remove_dir_all(&folder).map_err(LabError::io(&folder))?;
        }
        if !begun_by.exists() {
            workplace::write_whole(&begun_by, workplace::commit().as_bytes())?;
        }
        Ok(folder)
    }

    fn fits(&self) -> PathBuf {
        self.folder.join("fits")
    }

    /// Keeps other processes from a fit until the lock is dropped; waits where one has it, as one that outlived the
    /// command that began it. Nothing is kept away where files cannot be locked.
    pub(super) fn lock(&self, key: &str, tell: &dyn Fn(String)) -> Result<Lock, LabError> {
        std::fs::create_dir_all(self.fits()).map_err(LabError::io(self.fits()))?;
        let path = self.fits().join(format!("{key}.lock"));
        let file = File::create(&path).map_err(LabError::io(&path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                tell("waits for another process that has begun this fit".to_owned());
                file.lock().map_err(LabError::io(&path))?;
            }
            Err(TryLockError::Error(source)) if source.kind() != ErrorKind::Unsupported => {
                return Err(LabError::io(&path)(source));
            }
            _ => {}
        }
        Ok(Lock(file))
    }
}

/// The right to a fit's folder, until it is dropped. The file stays: others may wait for it.
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);
