//! The course of a fit that goes by epochs: watching and model selection.

use crate::registry::{Fitted, FittedModel};
use crate::{Epoch, FitError, Recommender, Run};
use seoro_core::Score;

/// The state between two epochs.
struct State<F> {
    /// Epochs done.
    epoch: usize,
    fitted: F,
    best: Option<Best<F>>,
    /// Measures since the best one.
    misses: usize,
}

struct Best<F> {
    measure: f64,
    epoch: usize,
    fitted: F,
}

/// Takes `fitted` through at most `epochs` epochs of `learn`, which returns the mean training loss.
///
/// After each epoch the observer sees it; where the run validates, the epoch with the highest measure is returned, and
/// the fit ends early when patience is out.
/// Whatever an epoch draws must come from the seed and the epoch's number, so that a resumed fit equals an uninterrupted
/// one.
///
/// # Errors
/// Those of `learn`, [`FitError::Diverged`] where the loss is not finite.
pub(crate) fn by_epochs<R, F>(
    epochs: usize,
    fitted: F,
    run: &mut Run<'_>,
    mut learn: impl FnMut(&mut F, usize, &Run<'_>) -> Result<f64, FitError>,
) -> Result<F, FitError>
where
    R: Recommender<Fitted = F>,
    F: Score + Clone + 'static,
{
    let mut state = State { epoch: 0, fitted, best: None, misses: 0 };
    while state.epoch < epochs {
        run.check()?;
        let epoch = state.epoch + 1;
        let loss = learn(&mut state.fitted, epoch, run)?;
        if !loss.is_finite() {
            return Err(FitError::Diverged { model: R::NAME, epoch });
        }
        tracing::debug!(model = R::NAME, epoch, epochs, loss, "epoch");
        state.epoch = epoch;
        if let Some(observe) = run.observe.as_mut() {
            let snapshot = || Box::new(Fitted::<R>::new(state.fitted.clone())) as Box<dyn FittedModel>;
            observe(Epoch::new(epoch, epochs, Some(loss), &snapshot));
        }
        if validate(&mut state, epochs, run) {
            break;
        }
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
