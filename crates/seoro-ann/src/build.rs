//! What every build is given: points, and the circumstances.

use crate::{BuildError, Metric};
use seoro_core::{Matrix, Seed};
use std::sync::atomic::{AtomicBool, Ordering};

/// The vectors of an index to be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Points<'a> {
    /// `[N, D]`.
    pub vectors: &'a Matrix,
    /// What near means.
    pub metric: Metric,
    /// The vectors' names, one for each; their rows where absent.
    pub ids: Option<&'a [u64]>,
}

impl<'a> Points<'a> {
    /// Vectors named by their rows.
    pub fn new(vectors: &'a Matrix, metric: Metric) -> Self {
        Self { vectors, metric, ids: None }
    }

    /// The same with names.
    pub fn with_ids(mut self, ids: &'a [u64]) -> Self {
        self.ids = Some(ids);
        self
    }
}

/// The circumstances of a build.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Build<'a> {
    /// Where randomness comes from.
    pub seed: Seed,
    /// How many threads; 0 for all cores. The result does not depend on it, but where a type says so.
    pub threads: usize,
    /// The most bytes the index and its build may hold.
    pub memory: Option<u64>,
    /// Ends the build when set.
    pub cancel: &'a AtomicBool,
    /// Told how many vectors are in, and how many there will be.
    pub observe: Option<&'a (dyn Fn(usize, usize) + Sync)>,
}

/// A flag that is never set.
static NEVER: AtomicBool = AtomicBool::new(false);

impl Build<'_> {
    /// A build on all cores, without limits or watchers.
    pub fn new(seed: Seed) -> Self {
        Self { seed, threads: 0, memory: None, cancel: &NEVER, observe: None }
    }

    /// Refuses what needs more memory than there may be; called before allocating.
    pub(crate) fn reserve(&self, needed: u64) -> Result<(), BuildError> {
        match self.memory {
            Some(limit) if needed > limit => Err(BuildError::Memory { needed, limit }),
            _ => Ok(()),
        }
    }

    /// The threads, as a pool.
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool, BuildError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        pool.map_err(|_| BuildError::Threads { threads: self.threads })
    }

    /// Whether to go on.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.cancel.load(Ordering::Relaxed) { Err(BuildError::Cancelled) } else { Ok(()) }
    }
}
