//! What a terminal is shown while something takes longer than a second.

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on the standard error stream; nothing where that is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of `steps` steps.
    pub(crate) fn new(steps: usize, title: &str) -> Self {
        let bar = ProgressBar::new(steps as u64);
        let style = ProgressStyle::with_template("{prefix} [{bar:24}] {pos}/{len} {msg} ({elapsed})");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(title.to_owned());
        Self(bar)
    }

    /// Says what is being done.
    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
        self.0.tick();
    }

    /// Says how far the current step is.
    pub(crate) fn detail(&self, what: &str) {
        let message = self.0.message();
        let head = message.split(": ").next().unwrap_or_default();
        self.0.set_message(format!("{head}: {what}"));
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
