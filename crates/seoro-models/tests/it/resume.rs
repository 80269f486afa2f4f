//! What tests of several models share: a fit, and that one which was stopped or killed goes on to the same bytes.

use seoro_core::{Histories, Log, Seed};
use seoro_models::{FitError, Recommender, Run, Training};
#[cfg(feature = "networks")]
pub(crate) use with_checkpoints::{resumes, survives_a_kill};

/// A fit on two threads, with what `change` makes of the run.
pub(crate) fn fit<'a, R: Recommender>(
    recipe: &R,
    log: &Log,
    change: impl FnOnce(&mut Run<'a>),
) -> Result<R::Fitted, FitError> {
    let histories = Histories::new(log);
    let mut run = Run::new(Seed::new(3));
    run.threads = 2;
    change(&mut run);
    recipe.fit(&Training::new(log, &histories), &mut run)
}

#[cfg(feature = "networks")]
mod with_checkpoints {
    use super::{FitError, Log, Recommender, fit};
    use seoro_models::{Checkpoint, Epoch};
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    /// A fit of six epochs that is cancelled in the fifth and resumed is the uninterrupted one.
    pub(crate) fn resumes<R: Recommender<Fitted: PartialEq>>(recipe: &R, log: &Log) {
        let whole = fit(recipe, log, |_| {}).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint { path: folder.path().join("state"), every: 2 };
        let cancel = AtomicBool::new(false);
        let mut kill = |epoch: Epoch<'_>| cancel.store(epoch.epoch == 5, Ordering::Relaxed);
        let killed = fit(recipe, log, |run| {
            run.checkpoint = Some(checkpoint.clone());
            run.observe = Some(&mut kill);
            run.cancel = &cancel;
        });
        assert!(matches!(killed, Err(FitError::Cancelled)));
        let mut seen = Vec::new();
        let mut observe = |epoch: Epoch<'_>| seen.push(epoch.epoch);
        let resumed = fit(recipe, log, |run| {
            run.checkpoint = Some(checkpoint.clone());
            run.observe = Some(&mut observe);
        });
        assert!(resumed.unwrap() == whole, "{}", R::NAME);
        assert_eq!(seen, [5, 6]);
    }

    /// A process that fits is killed, and another goes on to the same bytes. The test `test` is run as that process: it finds
    /// in `variable` where its checkpoints belong.
    pub(crate) fn survives_a_kill<R: Recommender<Fitted: PartialEq>>(
        (test, variable): (&str, &str),
        recipe: &R,
        log: &Log,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(variable, &path)
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !path.exists() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_millis(2));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(path.exists(), "it was killed before its end");
        let mut first = None;
        let mut observe = |epoch: Epoch<'_>| first = first.or(Some(epoch.epoch));
        let resumed = fit(recipe, log, |run| {
            run.checkpoint = Some(Checkpoint { path: path.clone(), every: 1 });
            run.observe = Some(&mut observe);
        });
        assert!(resumed.unwrap() == fit(recipe, log, |_| {}).unwrap());
        assert!(first.is_some_and(|epoch| epoch > 1), "{first:?}");
    }
}
