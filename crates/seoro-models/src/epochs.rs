//! The course of a fit that goes by epochs: watching, model selection, checkpoints.

use crate::persist::{self, PersistError};
use crate::registry::{Fitted, FittedModel};
use crate::{Checkpoint, Epoch, FitError, Recommender, Run, Training};
use seoro_core::Score;
use seoro_core::hash::Fnv1a;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// The state between two epochs: what a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct State<F> {
    /// What the fit is of; a checkpoint of another fit is refused.
    key: Vec<u8>,
    /// Epochs done.
    epoch: usize,
    fitted: F,
    best: Option<Best<F>>,
    /// Measures since the best one.
    misses: usize,
    /// Spent learning, before a resume too.
    seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct Best<F> {
    measure: f64,
    epoch: usize,
    fitted: F,
}

/// Takes `fitted` through at most `epochs` epochs of `learn`, which returns the mean training loss.
///
/// After each epoch the observer sees it; where the run validates, the epoch with the highest measure is returned, and
/// the fit ends early when patience is out; where the run has a checkpoint, it is written, found again and removed.
///
/// Whatever an epoch draws must come from the seed and the epoch's number, so that a resumed fit equals an uninterrupted
/// one.
///
/// # Errors
/// Those of `learn`, [`FitError::Diverged`] where the loss is not finite, [`FitError::Persist`].
pub(crate) fn by_epochs<R>(
    recipe: &R,
    epochs: usize,
    fitted: R::Fitted,
    train: &Training<'_>,
    run: &mut Run<'_>,
    mut learn: impl FnMut(&mut R::Fitted, usize, &Run<'_>) -> Result<f64, FitError>,
) -> Result<R::Fitted, FitError>
where
    R: Recommender,
    R::Fitted: Clone,
{
    let threads = run.pool()?.current_num_threads();
    let mut state = State {
        key: key(recipe, train, run, threads),
        epoch: 0,
        fitted,
        best: None,
        misses: 0,
        seconds: 0.0,
    };
    resume::<R>(&mut state, run)?;
    while state.epoch < epochs {
        run.check()?;
        let epoch = state.epoch + 1;
        let start = Instant::now();
        let loss = learn(&mut state.fitted, epoch, run)?;
        state.seconds += start.elapsed().as_secs_f64();
        if !loss.is_finite() {
            return Err(FitError::Diverged { model: R::NAME, epoch });
        }
        tracing::debug!(model = R::NAME, epoch, epochs, loss, "epoch");
        state.epoch = epoch;
        if let Some(observe) = run.observe.as_mut() {
            let snapshot = || Box::new(Fitted::<R>::new(state.fitted.clone())) as Box<dyn FittedModel>;
            observe(Epoch::new(epoch, epochs, Some(loss), state.seconds, &snapshot));
        }
        if validate(&mut state, epochs, run) {
            break;
        }
        // After the last epoch nothing is left to go on with: a fit resumed there would show its observer no epoch.
        let is_due =
            |checkpoint: &&Checkpoint| epoch < epochs && epoch.is_multiple_of(checkpoint.every.max(1));
        if let Some(checkpoint) = run.checkpoint.as_ref().filter(is_due) {
            persist::save_state(&checkpoint.path, R::NAME, R::REVISION, &state)?;
        }
    }
    if let Some(checkpoint) = &run.checkpoint {
        persist::remove(&checkpoint.path)?;
    }
    Ok(match state.best {
        Some(best) => {
            tracing::info!(
                model = R::NAME,
                epoch = best.epoch,
                measure = best.measure,
                "the best epoch is kept"
            );
            best.fitted
        }
        None => state.fitted,
    })
}

/// Measures the model where it is time to; whether patience is out.
fn validate<F: Score + Clone>(state: &mut State<F>, epochs: usize, run: &mut Run<'_>) -> bool {
    let Some(validate) = run.validate.as_mut() else { return false };
    if !state.epoch.is_multiple_of(validate.every.max(1)) && state.epoch != epochs {
        return false;
    }
    let measure = (validate.measure)(&state.fitted);
    tracing::debug!(epoch = state.epoch, measure, "validation");
    if state.best.as_ref().is_none_or(|best| measure > best.measure || best.measure.is_nan()) {
        state.best = Some(Best { measure, epoch: state.epoch, fitted: state.fitted.clone() });
        state.misses = 0;
    } else {
        state.misses += 1;
    }
    state.misses >= validate.patience.max(1)
}

/// Replaces a fresh state by the one of the run's checkpoint, if there is one and it is of this very fit.
fn resume<R: Recommender>(state: &mut State<R::Fitted>, run: &Run<'_>) -> Result<(), FitError> {
    let Some(checkpoint) = run.checkpoint.as_ref().filter(|checkpoint| checkpoint.path.exists()) else {
        return Ok(());
    };
    let saved: State<R::Fitted> = match persist::load_state(&checkpoint.path, R::NAME, R::REVISION) {
        Err(PersistError::Version { found, .. }) => {
            tracing::warn!(model = R::NAME, found, "a checkpoint of another version is passed over");
            return Ok(());
        }
        saved => saved?,
    };
    if saved.key != state.key {
        return Err(FitError::OtherFit { path: checkpoint.path.clone() });
    }
    tracing::info!(model = R::NAME, epoch = saved.epoch, "going on from a checkpoint");
    *state = saved;
    Ok(())
}

/// What makes two fits the same: recipe, revision, seed, threads (as many as there are, not as asked for), the training
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
    let key = (R::NAME, R::REVISION, recipe, run.seed, threads, shape, hash.value());
    postcard::to_allocvec(&key).unwrap_or_default()
}
