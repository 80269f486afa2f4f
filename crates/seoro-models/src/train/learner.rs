//! The loop itself.

use super::descent::Descent;
use super::feed::Feed;
use super::parameters::{Memory, Parameters, Step};
use crate::epochs::{Learner, by_epochs};
use crate::run::{check, pool};
use crate::{FitError, Recommender, Run, Training};
use burn::tensor::Tensor;
use seoro_core::{Score, Seed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

/// What is trained: the loss of a batch.
pub trait Network: Send + Sync {
    /// What a step learns from.
    type Batch: Send;
    /// What is left after the last step: it can only score.
    type Fitted: Score + Clone + Serialize + DeserializeOwned + 'static;

    /// The loss of a batch, `[1]`.
    fn loss(&self, batch: &Self::Batch, step: &mut Step<'_>) -> Tensor<1>;

    /// The model that these parameters make.
    fn fitted(&self, parameters: &Parameters) -> Self::Fitted;
}

/// Trains a network.
///
/// The device and its threads are those of the run. Losses are read batch by batch on the processor, and some dozens at once
/// on a graphics processor, where each reading makes the two wait for each other.
pub struct Trainer<'a, N: Network, F> {
    model: &'static str,
    network: N,
    parameters: Parameters,
    feed: &'a F,
    descent: &'a Descent,
    pool: rayon::ThreadPool,
    /// Where batches are made: one thread beside those that compute on the processor, all where another device does.
    feeders: rayon::ThreadPool,
    before: Option<Before<'a>>,
}

/// What is done to parameters before the first epoch, as part of it.
type Before<'a> = Box<dyn Fn(&mut Parameters, &Run<'_>) -> Result<(), FitError> + 'a>;

impl<'a, N: Network, F: Feed<Batch = N::Batch>> Trainer<'a, N, F> {
    /// A trainer of `network`, whose `parameters` are as they shall be before the first step; errors name `model`.
    ///
    /// # Errors
    /// [`FitError::Parameter`], [`FitError::Threads`].
    pub fn new(
        model: &'static str,
        descent: &'a Descent,
        network: N,
        parameters: Parameters,
        feed: &'a F,
        run: &Run<'_>,
    ) -> Result<Self, FitError> {
        descent.check(model)?;
        let feeders = pool(if parameters.is_on_host() { 1 } else { run.threads })?;
        Ok(Self { model, network, parameters, feed, descent, pool: run.pool()?, feeders, before: None })
    }

    /// Has `before` change the parameters at the start of the first epoch, whose checkpoint then has it.
    pub fn before_first(&mut self, before: Before<'a>) {
        self.before = Some(before);
    }

    /// Goes through all epochs, as the run says.
    ///
    /// # Errors
    /// [`FitError::Diverged`] naming the epoch and batch whose loss is not finite, and what checkpoints and cancelling bring.
    pub fn fit<R>(
        mut self,
        recipe: &R,
        train: &Training<'_>,
        run: &mut Run<'_>,
    ) -> Result<R::Fitted, FitError>
    where
        R: Recommender<Fitted = N::Fitted>,
    {
        let epochs = self.descent.epochs;
        by_epochs(recipe, epochs, &mut self, train, run)
    }

    /// Goes through all epochs without observers, validation and checkpoints; what is drawn comes from `seed`. Returns the
    /// mean loss of each epoch.
    ///
    /// # Errors
    /// As [`Trainer::fit`].
    pub fn learn_alone(&mut self, seed: Seed, run: &Run<'_>) -> Result<Vec<f64>, FitError> {
        (1..=self.descent.epochs).map(|epoch| self.epoch(epoch, seed, run)).collect()
    }

    /// The parameters.
    pub fn into_parameters(self) -> Parameters {
        self.parameters
    }

    fn epoch(&mut self, epoch: usize, seed: Seed, run: &Run<'_>) -> Result<f64, FitError> {
        let seed = seed.child("epoch").index(epoch as u64);
        let Self { model, network, parameters, feed, descent, pool, feeders, before } = self;
        if let (Some(before), 1) = (before, epoch) {
            before(parameters, run)?;
        }
        let (model, cancel, feed) = (*model, run.cancel, *feed);
        let mut course = Course { network: &*network, parameters, descent, feeders, epoch, model };
        pool.install(|| course.epoch(feed, seed, cancel))
    }
}

impl<N: Network, F: Feed<Batch = N::Batch>> Learner for Trainer<'_, N, F> {
    type Fitted = N::Fitted;
    type Memory = Memory;

    fn learn(&mut self, epoch: usize, run: &Run<'_>) -> Result<f64, FitError> {
        self.epoch(epoch, run.seed, run)
    }

    fn fitted(&self) -> N::Fitted {
        let Self { network, parameters, pool, .. } = self;
        pool.install(|| network.fitted(parameters))
    }

    fn memory(&self) -> Memory {
        self.parameters.memory()
    }

    fn recall(&mut self, memory: Memory) -> Result<(), FitError> {
        if self.parameters.recall(memory) {
            return Ok(());
        }
        Err(FitError::Numeric { model: self.model, what: "a checkpoint of parameters of other shapes" })
    }
}

/// Batches that wait for the device.
const AHEAD: usize = 16;
/// Losses that are read at once on a device.
const READ_AT_ONCE: usize = 64;

/// An epoch on its way.
struct Course<'a, N> {
    network: &'a N,
    parameters: &'a mut Parameters,
    descent: &'a Descent,
    feeders: &'a rayon::ThreadPool,
    epoch: usize,
    model: &'static str,
}

impl<N: Network> Course<'_, N> {
    /// All batches; returns the mean of their losses.
    fn epoch<F>(&mut self, feed: &F, seed: Seed, cancel: &AtomicBool) -> Result<f64, FitError>
    where
        F: Feed<Batch = N::Batch>,
    {
        let read_at_once = if self.parameters.is_on_host() { 1 } else { READ_AT_ONCE };
        let feeders = self.feeders;
        let mut losses =
            Losses { model: self.model, epoch: self.epoch, pending: Vec::new(), sum: 0.0, read: 0 };
        let ended = std::thread::scope(|scope| {
            let (sender, batches) = sync_channel(AHEAD);
            // It ends when the epoch does, or when nobody takes its batches any more.
            let produce = move || feed.epoch(seed.child("batches")).try_for_each(|batch| sender.send(batch));
            let spawned = std::thread::Builder::new().spawn_scoped(scope, || feeders.install(produce));
            spawned.map_err(|_| FitError::Threads { threads: 1 })?;
            for (place, batch) in batches.iter().enumerate() {
                check(cancel)?;
                losses.pending.push(self.step(&batch, seed.child("step").index(place as u64)));
                if losses.pending.len() >= read_at_once {
                    losses.read()?;
                }
            }
            losses.read()
        });
        self.parameters.settle();
        ended?;
        if !self.parameters.is_finite() {
            return Err(FitError::Diverged { model: self.model, epoch: self.epoch, batch: None });
        }
        Ok(losses.sum / losses.read.max(1) as f64)
    }

    /// One step; returns the loss before it.
    fn step(&mut self, batch: &N::Batch, seed: Seed) -> Tensor<1> {
        let mut step = Step::new(self.parameters, seed);
        let loss = self.network.loss(batch, &mut step);
        let leaves = step.leaves();
        let mut gradients = loss.backward();
        let rate = self.descent.rate(self.epoch);
        self.parameters.follow(leaves, &mut gradients, (self.descent.optimizer, rate), self.descent.clip);
        loss.without_autodiff()
    }
}

/// The losses of an epoch.
struct Losses {
    model: &'static str,
    epoch: usize,
    pending: Vec<Tensor<1>>,
    sum: f64,
    read: usize,
}

impl Losses {
    fn read(&mut self) -> Result<(), FitError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let numbers = crate::ops::numbers::host_numbers(Tensor::cat(std::mem::take(&mut self.pending), 0));
        for loss in numbers {
            self.read += 1;
            if !loss.is_finite() {
                let (model, epoch, batch) = (self.model, self.epoch, Some(self.read));
                return Err(FitError::Diverged { model, epoch, batch });
            }
            self.sum += f64::from(loss);
        }
        Ok(())
    }
}
