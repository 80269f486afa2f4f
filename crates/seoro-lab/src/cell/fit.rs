//! The fit behind a cell, and the files of what it was on the way.

use super::store::Lock;
use super::{Job, training};
use crate::course::{EpochLog, EpochRecord};
use crate::task::Task;
use crate::{LabError, workplace};
use seoro_core::Seed;
use seoro_models::registry::{FittedModel, Model};
use seoro_models::{Checkpoint, DeviceName, Epoch, Run};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A fit, and the files of what it was on the way.
pub(super) struct Fit {
    pub(super) model: Box<dyn FittedModel>,
    pub(super) snapshots: Vec<(usize, PathBuf)>,
    /// All epochs, where snapshots were taken; none where some are not known.
    pub(super) course: Vec<EpochRecord>,
    pub(super) epochs: Option<usize>,
    pub(super) device: DeviceName,
    pub(super) seconds: f64,
    pub(super) peak_rss_mb: Option<f64>,
    folder: PathBuf,
    /// Dropped after the folder is gone.
    _lock: Lock,
}

impl Drop for Fit {
    fn drop(&mut self) {
        // Its cells are kept by now; what is left over only costs disk space.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Job<'_> {
    pub(super) fn fit(
        &self,
        recipe: &Model,
        task: &Task,
        threads: usize,
        folder: &Path,
        lock: Lock,
        tell: &dyn Fn(String),
    ) -> Result<Fit, LabError> {
        let every = self.row.snapshots;
        let snapshot_path = |epoch: usize| folder.join(format!("epoch-{epoch:05}.model"));
        let (mut epochs, mut failed, mut epoch_seconds) = (None, Ok(()), None);
        let mut log = EpochLog::open(folder.join("epochs.json"));
        let has_failed = AtomicBool::new(false);
        let mut keep = |epoch: &Epoch<'_>| -> Result<(), LabError> {
            log.add(epoch.epoch, epoch.seconds, epoch.loss)?;
            if epoch.epoch.is_multiple_of(every) || epoch.epoch == epoch.epochs {
                let saved = (epoch.snapshot)().save(&snapshot_path(epoch.epoch));
                saved.map_err(|error| self.fit_error(error.into()))?;
            }
            Ok(())
        };
        let mut observe = |epoch: Epoch<'_>| {
            epochs = Some(epoch.epoch);
            epoch_seconds = Some(epoch.seconds);
            tell(format!("epoch {} of {}", epoch.epoch, epoch.epochs));
            if every > 0 && failed.is_ok() {
                failed = keep(&epoch);
                // The checkpoint of this epoch outlives the fit.
                has_failed.store(failed.is_err(), Ordering::Relaxed);
            }
        };
        let start = Instant::now();
        let mut run = Run::new(Seed::new(self.seed).child(&self.row.name)).cancelled_by(&has_failed);
        run.threads = threads;
        run.device = self.device_of(recipe);
        // An epoch of a network may take minutes.
        let saved_every = if recipe.on_device() { 1 } else { 8 };
        run.checkpoint = Some(Checkpoint { path: folder.join("checkpoint"), every: saved_every });
        run.observe = Some(&mut observe);
        let model = recipe.fit(&training(self.data, task), &mut run);
        drop(run);
        failed?;
        let model = model.map_err(|source| self.fit_error(source))?;
        // Epochs count what a resumed fit had spent before, and nothing of writing snapshots.
        let seconds = epoch_seconds.unwrap_or_else(|| start.elapsed().as_secs_f64());
        let last = epochs.filter(|_| every > 0).unwrap_or(0);
        let kept = (1..=last).filter(|epoch| epoch % every.max(1) == 0 || *epoch == last);
        let snapshots = kept.map(|epoch| (epoch, snapshot_path(epoch))).collect();
        let peak_rss_mb = workplace::peak_rss_mb();
        let device = self.device_of(recipe);
        Ok(Fit {
            model,
            snapshots,
            course: log.whole(last),
            epochs,
            device,
            seconds,
            peak_rss_mb,
            folder: folder.to_owned(),
            _lock: lock,
        })
    }
}
