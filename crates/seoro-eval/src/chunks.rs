//! Work in chunks on all threads, with the same result for any number of them.

use crate::{EvalError, Options};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many of `n` things a worker takes at once: by their number alone, never by the number of threads.
pub(crate) fn chunk_len(n: usize) -> usize {
    (n / 64).clamp(16, 256)
}

/// Calls `work` with each chunk and the place of its first element, and returns the results in order; of several errors,
/// the first chunk's. Each worker keeps what `worker` makes.
pub(crate) fn in_chunks<T: Sync, W, R: Send>(
    all: &[T],
    options: &Options<'_>,
    worker: impl Fn() -> W + Sync + Send,
    work: impl Fn(&mut W, usize, &[T]) -> Result<R, EvalError> + Sync + Send,
) -> Result<Vec<R>, EvalError> {
    let len = chunk_len(all.len());
    let failed = AtomicUsize::new(usize::MAX);
    let one = |worker: &mut W, (number, chunk): (usize, &[T])| {
        if options.cancel.load(Ordering::Relaxed) || number > failed.load(Ordering::Relaxed) {
            return Err(EvalError::Cancelled);
        }
        let result = work(worker, number * len, chunk);
        match (&result, options.progress) {
            (Err(_), _) => _ = failed.fetch_min(number, Ordering::Relaxed),
            (Ok(_), Some(progress)) => progress(chunk.len()),
            (Ok(_), None) => {}
        }
        result
    };
    let run = || all.par_chunks(len).enumerate().map_init(worker, one).collect::<Vec<_>>();
    let results = match options.threads {
        0 => run(),
        threads => rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|_| EvalError::Threads { threads })?
            .install(run),
    };
    // Chunks are skipped only after an earlier one failed, so the first error is that of the first chunk to fail.
    results.into_iter().collect()
}
