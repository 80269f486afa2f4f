//! What a fit is given, and what it gives.

use super::TsneError;
use crate::protocol::NEVER;
use seoro_core::{Matrix, Seed};
use std::sync::atomic::{AtomicBool, Ordering};

/// How a fit runs.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Run<'a> {
    /// Where randomness comes from.
    pub seed: Seed,
    /// How many threads; 0 for all of the current pool (without one: all cores). The map does not depend on it.
    pub threads: usize,
    /// The most bytes the fit may hold.
    pub memory: Option<u64>,
    /// Ends the fit when set.
    pub cancel: &'a AtomicBool,
    /// Told, every 50 iterations and at the end, how many are done and the divergence of the map so far.
    pub observe: Option<&'a (dyn Fn(usize, f64) + Sync)>,
}

impl Run<'_> {
    /// A run on all cores, without limits or watchers.
    pub fn new(seed: Seed) -> Self {
        Self { seed, threads: 0, memory: None, cancel: &NEVER, observe: None }
    }

    /// Refuses what needs more memory than there may be; called before allocating.
    pub(super) fn reserve(&self, needed: u64) -> Result<(), TsneError> {
        match self.memory {
            Some(limit) if needed > limit => Err(TsneError::Memory { needed, limit }),
            _ => Ok(()),
        }
    }

    /// Whether to go on.
    pub(super) fn check(&self) -> Result<(), TsneError> {
        if self.cancel.load(Ordering::Relaxed) { Err(TsneError::Cancelled) } else { Ok(()) }
    }

    /// Does the work on the threads asked for.
    pub(super) fn on_threads<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, TsneError> + Send,
    ) -> Result<T, TsneError> {
        match self.threads {
            0 => work(),
            threads => rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .map_err(|_| TsneError::Threads { threads })?
                .install(work),
        }
    }
}

/// A map in the plane.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Map {
    /// Where each point stands, `[N, 2]`; their mean is the origin.
    pub positions: Matrix,
    /// KL(P‖Q) over the pairs that are neighbours, in nats. By Barnes-Hut, Q's normaliser is approximate.
    pub divergence: f64,
}
