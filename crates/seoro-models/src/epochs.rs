//! The course of a fit that goes by epochs: watching, model selection, checkpoints.

use crate::persist::{self, PersistError};
use crate::registry::{Fitted, FittedModel};
use crate::{Checkpoint, Epoch, FitError, Recommender, Run, Training};
use seoro_core::Score;
use seoro_core::hash::Fnv1a;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Something that learns epoch by epoch.
pub(crate) trait Learner {
    /// What it becomes.
    type Fitted: Score + Clone + Serialize + DeserializeOwned + 'static;
    /// What a checkpoint holds of it.
    type Memory: Serialize + DeserializeOwned;

    /// Goes through epoch `epoch`, counted from 1; returns the mean training loss.
    ///
    /// Whatever it draws must come from the seed and the epoch's number, so that a resumed fit equals an uninterrupted one.
    fn learn(&mut self, epoch: usize, run: &Run<'_>) -> Result<f64, FitError>;

    /// The model as it is now.
    fn fitted(&self) -> Self::Fitted;

    /// All that the next epochs depend on.
    fn memory(&self) -> Self::Memory;

    /// Takes up where `memory` was.
    fn recall(&mut self, memory: Self::Memory) -> Result<(), FitError>;
}

/// A learner that is the model it becomes, and nothing besides.
pub(crate) struct Plain<F, L> {
    pub(crate) fitted: F,
    /// Learns for an epoch.
    pub(crate) learn: L,
}

impl<F, L> Learner for Plain<F, L>
where
    F: Score + Clone + Serialize + DeserializeOwned + 'static,
    L: FnMut(&mut F, usize, &Run<'_>) -> Result<f64, FitError>,
{
    type Fitted = F;
    type Memory = F;

    fn learn(&mut self, epoch: usize, run: &Run<'_>) -> Result<f64, FitError> {
        (self.learn)(&mut self.fitted, epoch, run)
    }

    fn fitted(&self) -> F {
        self.fitted.clone()
    }

    fn memory(&self) -> F {
        self.fitted.clone()
    }

    fn recall(&mut self, memory: F) -> Result<(), FitError> {
        self.fitted = memory;
        Ok(())
    }
}

/// The course of a fit so far.
struct Course<F> {
    /// Epochs done.
    epoch: usize,
    best: Option<Best<F>>,
    /// Measures since the best one.
    misses: usize,
    /// Spent learning, before a resume too.
    seconds: f64,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct State<M, F> {
    /// What the fit is of; a checkpoint of another fit is refused.
    key: Vec<u8>,
    epoch: usize,
    memory: M,
    best: Option<Best<F>>,
    misses: usize,
    seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct Best<F> {
    measure: f64,
    epoch: usize,
    fitted: F,
}

/// Takes `learner` through at most `epochs` epochs.
///
/// After each epoch the observer sees it; where the run validates, the epoch with the highest measure is returned, and
/// the fit ends early when patience is out; where the run has a checkpoint, it is written, found again and removed.
///
/// # Errors
/// Those of the learner, [`FitError::Diverged`] where the loss is not finite, [`FitError::Persist`].
pub(crate) fn by_epochs<R, L>(
    recipe: &R,
    epochs: usize,
    learner: &mut L,
    train: &Training<'_>,
    run: &mut Run<'_>,
) -> Result<R::Fitted, FitError>
where
    R: Recommender,
    L: Learner<Fitted = R::Fitted>,
{
    let threads = run.pool()?.current_num_threads();
    let key = key(recipe, train, run, threads);
    let mut course = resume::<R, L>(&key, learner, run)?;
    while course.epoch < epochs {
        run.check()?;
        let epoch = course.epoch + 1;
        let start = Instant::now();
        let loss = learner.learn(epoch, run)?;
        course.seconds += start.elapsed().as_secs_f64();
        if !loss.is_finite() {
            return Err(FitError::Diverged { model: R::NAME, epoch, batch: None });
        }
        tracing::debug!(model = R::NAME, epoch, epochs, loss, "epoch");
        course.epoch = epoch;
        if let Some(observe) = run.observe.as_mut() {
            let snapshot = || Box::new(Fitted::<R>::new(learner.fitted())) as Box<dyn FittedModel>;
            observe(Epoch::new(epoch, epochs, Some(loss), course.seconds, &snapshot));
        }
        if validate(&mut course, learner, epochs, run) {
            break;
        }
        // After the last epoch nothing is left to go on with: a fit resumed there would show its observer no epoch.
        let is_due =
            |checkpoint: &&Checkpoint| epoch < epochs && epoch.is_multiple_of(checkpoint.every.max(1));
        if let Some(checkpoint) = run.checkpoint.as_ref().filter(is_due) {
            course = course.save::<R, L>(&key, learner, checkpoint)?;
        }
    }
    if let Some(checkpoint) = &run.checkpoint {
        persist::remove(&checkpoint.path)?;
    }
    Ok(match course.best {
        Some(best) => {
            tracing::info!(
                model = R::NAME,
                epoch = best.epoch,
                measure = best.measure,
                "the best epoch is kept"
            );
            best.fitted
        }
        None => learner.fitted(),
    })
}

/// Measures the model where it is time to; whether patience is out.
fn validate<L: Learner>(
    course: &mut Course<L::Fitted>,
    learner: &L,
    epochs: usize,
    run: &mut Run<'_>,
) -> bool {
    let Some(validate) = run.validate.as_mut() else { return false };
    if !course.epoch.is_multiple_of(validate.every.max(1)) && course.epoch != epochs {
        return false;
    }
    let fitted = learner.fitted();
    let measure = (validate.measure)(&fitted);
    tracing::debug!(epoch = course.epoch, measure, "validation");
    if course.best.as_ref().is_none_or(|best| measure > best.measure || best.measure.is_nan()) {
        course.best = Some(Best { measure, epoch: course.epoch, fitted });
        course.misses = 0;
    } else {
        course.misses += 1;
    }
    course.misses >= validate.patience.max(1)
}

impl<F: Serialize> Course<F> {
    /// Writes a checkpoint; gives the course back.
    fn save<R: Recommender, L: Learner<Fitted = F>>(
        self,
        key: &[u8],
        learner: &L,
        checkpoint: &Checkpoint,
    ) -> Result<Self, FitError> {
        let Self { epoch, best, misses, seconds } = self;
        let state = State { key: key.to_vec(), epoch, memory: learner.memory(), best, misses, seconds };
        persist::save_state(&checkpoint.path, R::NAME, R::REVISION, &state)?;
        Ok(Self { epoch, best: state.best, misses, seconds })
    }
}

/// The course of the run's checkpoint, if there is one and it is of this very fit, whose learner takes it up; else a new one.
fn resume<R: Recommender, L: Learner<Fitted = R::Fitted>>(
    key: &[u8],
    learner: &mut L,
    run: &Run<'_>,
) -> Result<Course<R::Fitted>, FitError> {
    let new = Course { epoch: 0, best: None, misses: 0, seconds: 0.0 };
    let Some(checkpoint) = run.checkpoint.as_ref().filter(|checkpoint| checkpoint.path.exists()) else {
        return Ok(new);
    };
    let saved: State<L::Memory, R::Fitted> = match persist::load_state(&checkpoint.path, R::NAME, R::REVISION)
    {
        Err(PersistError::Version { found, .. }) => {
            tracing::warn!(model = R::NAME, found, "a checkpoint of another version is passed over");
            return Ok(new);
        }
        saved => saved?,
    };
    if saved.key != key {
        return Err(FitError::OtherFit { path: checkpoint.path.clone() });
    }
    tracing::info!(model = R::NAME, epoch = saved.epoch, "going on from a checkpoint");
    learner.recall(saved.memory)?;
    let State { epoch, best, misses, seconds, .. } = saved;
    Ok(Course { epoch, best, misses, seconds })
}

/// What makes two fits the same: recipe, revision, seed, threads (as many as there are, not as asked for), device, the training
/// events and how many users and items there are.
fn key<R: Recommender>(recipe: &R, train: &Training<'_>, run: &Run<'_>, threads: usize) -> Vec<u8> {
    let events = train.events;
    let mut hash = Fnv1a::new();
    for event in events.events() {
        let pair = u64::from(event.user.0) << 32 | u64::from(event.item.0);
        let words = [pair, u64::from(event.value.to_bits()), event.time.unwrap_or_default() as u64];
        words.into_iter().for_each(|word| hash.word(word));
    }
    let shape = (events.n_users(), events.n_items(), events.len());
    let key = (R::NAME, R::REVISION, recipe, run.seed, threads, run.device, shape, hash.value());
    postcard::to_allocvec(&key).unwrap_or_default()
}
