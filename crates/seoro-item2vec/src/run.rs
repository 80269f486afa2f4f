//! How a training runs.

use crate::{Embedding, FitError};
use seoro_core::Seed;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How far a training has come.
#[non_exhaustive]
pub struct Progress<'a> {
    /// The epoch at work, counted from 1.
    pub epoch: usize,
    /// How many there will be.
    pub epochs: usize,
    /// Whether the epoch has ended.
    pub ends: bool,
    /// Words (or items) gone through so far, in all epochs.
    pub words: u64,
    /// How many there will be.
    pub total: u64,
    /// The learning rate at hand.
    pub rate: f32,
    /// The mean loss of a word and one of its contexts in this epoch so far, from a part of them; in nats. What came before
    /// a resume is not in it.
    pub loss: Option<f64>,
    /// The time spent learning so far, that before a resume included.
    pub seconds: f64,
    /// Gives a copy of what was learned so far.
    pub snapshot: &'a dyn Fn() -> Embedding,
}

/// Where a training saves its state, to go on after being killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file; a training that finds one goes on from it, one that ends removes it.
    pub path: PathBuf,
    /// How much time passes between two saves.
    pub every: Duration,
}

/// How a training runs.
#[non_exhaustive]
pub struct Run<'a> {
    /// The root of the random streams.
    pub seed: Seed,
    /// How many threads; 0 for all cores. More than one race for the words' vectors: what they make is never quite the
    /// same again. One makes the same bytes from the same seed, whether it was interrupted or not.
    pub threads: usize,
    /// The most bytes a training may hold; a text that does not fit beside the vectors is read anew each epoch.
    pub memory: Option<u64>,
    /// Told how far the training has come, every second or so and at the end of each epoch.
    pub observe: Option<&'a mut dyn FnMut(Progress<'_>)>,
    /// Saves the state.
    pub checkpoint: Option<Checkpoint>,
    /// Ends the training when set.
    pub cancel: &'a AtomicBool,
}

/// A flag that is never set.
static NEVER: AtomicBool = AtomicBool::new(false);

impl Run<'_> {
    /// A run on all cores, without limits or watchers.
    pub fn new(seed: Seed) -> Self {
        Self { seed, threads: 0, memory: None, observe: None, checkpoint: None, cancel: &NEVER }
    }

    /// The run that makes the same bytes from the same seed: on one thread.
    pub fn reproducible(seed: Seed) -> Self {
        Self { threads: 1, ..Self::new(seed) }
    }

    /// Refuses what needs more memory than there may be; called before allocating.
    pub(crate) fn reserve(&self, needed: u64) -> Result<(), FitError> {
        match self.memory {
            Some(limit) if needed > limit => Err(FitError::Memory { needed, limit }),
            _ => Ok(()),
        }
    }

    /// Whether to go on.
    pub(crate) fn check(&self) -> Result<(), FitError> {
        if self.cancel.load(Ordering::Relaxed) { Err(FitError::Cancelled) } else { Ok(()) }
    }

    /// The threads, as a pool.
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool, FitError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        pool.map_err(|_| FitError::Threads { threads: self.threads })
    }
}
