//! How a fit runs: seeds, threads, limits, and who watches.

use crate::FitError;
use crate::device::DeviceName;
use crate::registry::FittedModel;
use seoro_core::{Score, Seed};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// An epoch that has ended.
#[non_exhaustive]
pub struct Epoch<'a> {
    /// Which, counted from 1.
    pub epoch: usize,
    /// How many there will be at most.
    pub epochs: usize,
    /// The mean training loss, where the model has one.
    pub loss: Option<f64>,
    /// The time spent in epochs so far, those before a resume included; without observers, validation and checkpoints.
    pub seconds: f64,
    /// Gives an owned copy of the model as it is now, to score with or to save.
    pub snapshot: &'a dyn Fn() -> Box<dyn FittedModel>,
}

impl<'a> Epoch<'a> {
    /// The end of epoch `epoch` of `epochs`.
    pub fn new(
        epoch: usize,
        epochs: usize,
        loss: Option<f64>,
        seconds: f64,
        snapshot: &'a dyn Fn() -> Box<dyn FittedModel>,
    ) -> Self {
        Self { epoch, epochs, loss, seconds, snapshot }
    }
}

/// Model selection on validation data; the fit keeps the epoch with the highest measure.
pub struct Validate<'a> {
    /// Measures a model on validation data; larger is better.
    pub measure: &'a mut dyn FnMut(&dyn Score) -> f64,
    /// Measures after every so many epochs, and after the last.
    pub every: usize,
    /// Stops after so many measures without a better one.
    pub patience: usize,
}

/// Where a fit saves its state, to go on after being killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file; a fit that finds one goes on from it, one that ends removes it.
    pub path: PathBuf,
    /// Saves after every so many epochs.
    pub every: usize,
}

/// How a fit runs. Nothing here leads to test data, and the observer returns nothing.
#[non_exhaustive]
pub struct Run<'a> {
    /// The root of the fit's random streams.
    pub seed: Seed,
    /// Where to compute.
    pub device: DeviceName,
    /// How many threads; 0 for all cores.
    pub threads: usize,
    /// The most bytes a fit may allocate.
    pub memory: Option<u64>,
    /// Model selection on validation data.
    pub validate: Option<Validate<'a>>,
    /// Sees every epoch end.
    pub observe: Option<&'a mut dyn FnMut(Epoch<'_>)>,
    /// Saves the fit's state.
    pub checkpoint: Option<Checkpoint>,
    /// Ends the fit when set.
    pub cancel: &'a AtomicBool,
}

/// A flag that is never set.
static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> Run<'a> {
    /// A run on all cores, without limits or watchers.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            device: DeviceName::Cpu,
            threads: 0,
            memory: None,
            validate: None,
            observe: None,
            checkpoint: None,
            cancel: &NEVER,
        }
    }

    /// The same run, ended when `cancel` is set.
    pub fn cancelled_by(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = cancel;
        self
    }

    /// Refuses a fit of `needed` bytes that the memory limit does not allow; called before allocating.
    ///
    /// # Errors
    /// [`FitError::Memory`].
    pub fn reserve(&self, model: &'static str, needed: u64) -> Result<(), FitError> {
        tracing::debug!(model, bytes = needed, "memory needed");
        match self.memory {
            Some(limit) if needed > limit => Err(FitError::Memory { model, needed, limit }),
            _ => Ok(()),
        }
    }

    /// Ends a cancelled fit; called at least once a second.
    ///
    /// # Errors
    /// [`FitError::Cancelled`].
    pub fn check(&self) -> Result<(), FitError> {
        check(self.cancel)
    }

    /// The pool of [`Run::threads`] threads.
    ///
    /// # Errors
    /// [`FitError::Threads`].
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool, FitError> {
        pool(self.threads)
    }
}

/// A pool of so many threads, 0 for all cores.
pub(crate) fn pool(threads: usize) -> Result<rayon::ThreadPool, FitError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|_| FitError::Threads { threads })
}

/// Ends a cancelled fit, on threads that the rest of [`Run`] cannot be sent to.
pub(crate) fn check(cancel: &AtomicBool) -> Result<(), FitError> {
    if cancel.load(Ordering::Relaxed) { Err(FitError::Cancelled) } else { Ok(()) }
}
