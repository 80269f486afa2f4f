//! The training: chunks of sentences, dealt to threads, at a falling rate.
//!
//! An epoch goes through all chunks; between rounds of chunks, of a second each, no thread is at work, so that the state
//! can be told and saved. What a chunk draws comes from the seed, the epoch and the chunk's number, its rate from the words before it, so
//! that a run on one thread is the same whenever it was interrupted.

mod checkpoint;
mod huffman;
mod noise;
mod output;
mod shared;
mod worker;

use crate::run::{Progress, Run};
use crate::sequences::Sequences;
use crate::{Architecture, CorpusError, Embedding, FitError};
use noise::Noise;
use output::Output;
use seoro_core::{Matrix, Seed};
use shared::Shared;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use worker::{Loss, Worker};

/// When a round takes no more chunks, unless the state is to be saved before: late enough that waiting for the last one
/// costs little.
const ROUND: Duration = Duration::from_millis(900);

/// The most epochs: the words of all are counted in 64 bits.
const MOST_EPOCHS: usize = 1_000_000;

/// What a recipe comes down to.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) dim: usize,
    pub(crate) contexts: Contexts,
    pub(crate) architecture: Architecture,
    pub(crate) objective: crate::Output,
    pub(crate) epochs: usize,
    /// The first rate, and the one that is reached at the end.
    pub(crate) rates: [f64; 2],
}

impl Plan {
    /// What vectors hold while they are learned, in bytes, with what each thread needs beside them.
    pub(crate) fn bytes(&self, words: usize, threads: usize) -> u64 {
        let slots = match self.contexts {
            Contexts::Window { size, .. } => (2 * size + worker::GROUP) as u64,
            Contexts::Set => worker::BLOCK as u64,
        };
        let (targets, products) = match self.objective {
            crate::Output::Negative { samples, .. } => {
                let targets = (samples + worker::GROUP) as u64;
                (targets, slots * targets)
            }
            // A path is longest where counts are Fibonacci's numbers, of which 93 fit into 64 bits.
            crate::Output::Hierarchical => (96, slots * 96),
            crate::Output::Softmax => (worker::WORDS as u64, slots.saturating_mul(words as u64)),
        };
        let own = Shared::bytes(1, self.dim)
            .saturating_mul(3 * slots + targets + worker::GROUP as u64)
            .saturating_add(products.saturating_mul(4));
        // Noise or paths, and the chance to stay.
        let tables = (words as u64).saturating_mul(24);
        let vectors = Shared::bytes(2 * words, self.dim).saturating_mul(2);
        vectors.saturating_add(tables).saturating_add(own.saturating_mul(threads as u64))
    }

    /// Refuses parameters without meaning.
    pub(crate) fn check(&self, subsampling: Option<crate::Subsampling>) -> Result<(), FitError> {
        let window = match self.contexts {
            Contexts::Window { size, .. } => size,
            Contexts::Set => 1,
        };
        let (samples, alpha) = match self.objective {
            crate::Output::Negative { samples, alpha } => (samples, alpha),
            crate::Output::Hierarchical | crate::Output::Softmax => (1, 0.0),
        };
        let threshold = subsampling.map_or(1.0, crate::Subsampling::threshold);
        let positive = |number: f64| number > 0.0 && number.is_finite();
        let checks = [
            ("dim", self.dim as f64, (1..=1 << 16).contains(&self.dim), "1 to 65536"),
            ("window", window as f64, (1..=1 << 16).contains(&window), "1 to 65536"),
            ("samples", samples as f64, (1..=1 << 16).contains(&samples), "1 to 65536"),
            ("alpha", alpha, alpha.is_finite(), "a finite power"),
            ("subsampling", threshold, positive(threshold), "a number above 0"),
            ("epochs", self.epochs as f64, (1..=MOST_EPOCHS).contains(&self.epochs), "1 to a million"),
            ("learning_rate", self.rates[0], positive(self.rates[0]), "a number above 0"),
            (
                "last_learning_rate",
                self.rates[1],
                (0.0..=self.rates[0]).contains(&self.rates[1]),
                "at least 0, and at most the first",
            ),
        ];
        match checks.into_iter().find(|&(_, _, is_fine, _)| !is_fine) {
            Some((parameter, value, _, expected)) => Err(FitError::Parameter { parameter, value, expected }),
            None => Ok(()),
        }
    }
}

/// Which words of a sentence are whose contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Contexts {
    /// Those up to `size` places away.
    Window {
        size: usize,
        /// Whether each word draws its own size, of 1 to `size`.
        shrink: bool,
        /// Whether the sentence is put in another order first.
        shuffle: bool,
    },
    /// All others.
    Set,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trained {
    /// `[V, D]`.
    pub(crate) input: Matrix,
    /// `[V, D]`, but `[V − 1, D]` of inner nodes under hierarchical softmax.
    pub(crate) output: Matrix,
}

/// Learns from `sequences` of words that stand there `counts` times and stay with the chance `keep`, of 2³²; `name` makes
/// an embedding of what was learned so far.
pub(crate) fn train(
    plan: &Plan,
    counts: &[u64],
    keep: &[u64],
    sequences: &dyn Sequences,
    run: &mut Run<'_>,
    name: &dyn Fn(Trained) -> Embedding,
) -> Result<Embedding, FitError> {
    let words = counts.len();
    let outputs = match plan.objective {
        crate::Output::Hierarchical => words.saturating_sub(1),
        _ => words,
    };
    let pool = run.pool()?;
    run.reserve(plan.bytes(words, pool.current_num_threads()))?;
    let objective = objective(plan, counts)?;
    let key = checkpoint::key(plan, counts, keep, sequences, run, pool.current_num_threads());
    let (mut at, start) = match checkpoint::load(run, key, [words, outputs], plan.dim)? {
        Some(found) => found,
        None => (Position::default(), start(plan, words, outputs, run.seed)),
    };
    let (input, output) = (Shared::from_matrix(&start.input), Shared::from_matrix(&start.output));
    drop(start);
    let chunks = sequences.before().len() - 1;
    let total = sequences.before()[chunks] * plan.epochs as u64;
    let threads = pool.current_num_threads();
    let workers: Vec<Mutex<Worker<'_>>> =
        (0..threads).map(|_| Mutex::new(Worker::new(plan, [&input, &output], &objective, keep))).collect();
    let round = run.checkpoint.as_ref().map_or(ROUND, |checkpoint| checkpoint.every.min(ROUND));
    let (mut saved, mut loss) = (Instant::now(), Loss::default());
    while at.epoch < plan.epochs {
        run.check()?;
        let begin = Instant::now();
        let seed = run.seed.child("epoch").index(at.epoch as u64);
        let rate = |chunk: usize| {
            let done = at.epoch as u64 * sequences.before()[chunks] + sequences.before()[chunk];
            let share = done as f64 / total.max(1) as f64;
            (plan.rates[0] + (plan.rates[1] - plan.rates[0]) * share) as f32
        };
        let learn = |worker: &mut Worker<'_>, chunk| {
            worker.learn(rate(chunk), &mut seed.index(chunk as u64).rng());
        };
        let end = learn_chunks(&pool, &workers, sequences, at.chunk..chunks, round, run.cancel, learn)?;
        run.check()?;
        let rate = rate(end.saturating_sub(1));
        at.seconds += begin.elapsed().as_secs_f64();
        at.chunk = end;
        let done = at.epoch as u64 * sequences.before()[chunks] + sequences.before()[end];
        let ends = end == chunks;
        workers.iter().for_each(|worker| loss.take(worker));
        let epoch = at.epoch + 1;
        if ends {
            check_finite([&input, &output], epoch)?;
            (at.epoch, at.chunk) = (at.epoch + 1, 0);
        }
        if let Some(observe) = run.observe.as_mut() {
            let snapshot = || name(Trained { input: input.to_matrix(), output: output.to_matrix() });
            observe(Progress {
                epoch,
                epochs: plan.epochs,
                ends,
                words: done,
                total,
                rate,
                loss: loss.mean(),
                seconds: at.seconds,
                snapshot: &snapshot,
            });
        }
        if ends {
            loss = Loss::default();
        }
        let is_due = |every| saved.elapsed() >= every && at.epoch < plan.epochs;
        if let Some(checkpoint) = run.checkpoint.as_ref().filter(|checkpoint| is_due(checkpoint.every)) {
            // What has diverged is not saved to go on with.
            check_finite([&input, &output], epoch)?;
            checkpoint::save(&checkpoint.path, key, at, [&input, &output])?;
            saved = Instant::now();
        }
    }
    if let Some(checkpoint) = &run.checkpoint {
        checkpoint::remove(&checkpoint.path)?;
    }
    Ok(name(Trained { input: input.to_matrix(), output: output.to_matrix() }))
}

/// Deals chunks to the pool's threads, each with a worker of its own, which has the chunk's sentences when it learns; where
/// those end that were learned when time was up.
fn learn_chunks<'a>(
    pool: &rayon::ThreadPool,
    workers: &[Mutex<Worker<'a>>],
    sequences: &dyn Sequences,
    chunks: Range<usize>,
    time: Duration,
    cancel: &AtomicBool,
    learn: impl Fn(&mut Worker<'a>, usize) + Sync,
) -> Result<usize, CorpusError> {
    let begin = Instant::now();
    let next = AtomicUsize::new(chunks.start);
    let failed: Mutex<Option<CorpusError>> = Mutex::new(None);
    pool.broadcast(|context| {
        // Nobody else asks for this thread's worker, and one that panicked ends the broadcast.
        let Ok(mut worker) = workers[context.index()].lock() else { return };
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks.end || cancel.load(Ordering::Relaxed) {
                return;
            }
            if let Err(error) = sequences.read(chunk, &mut worker.batch) {
                next.store(chunks.end, Ordering::Relaxed);
                failed.lock().unwrap_or_else(|failed| failed.into_inner()).get_or_insert(error);
                return;
            }
            learn(&mut worker, chunk);
            if begin.elapsed() >= time {
                return;
            }
        }
    });
    match failed.into_inner().unwrap_or_else(|failed| failed.into_inner()) {
        Some(error) => Err(error),
        None => Ok(next.into_inner().min(chunks.end)),
    }
}

fn check_finite(parts: [&Shared; 2], epoch: usize) -> Result<(), FitError> {
    if parts.iter().all(|part| part.is_finite()) { Ok(()) } else { Err(FitError::Diverged { epoch }) }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    /// Epochs done.
    epoch: usize,
    /// Chunks of the next one done.
    chunk: usize,
    /// Spent learning.
    seconds: f64,
}

/// As word2vec: input vectors are uniform within half of 1/D, output vectors are zero.
fn start(plan: &Plan, words: usize, outputs: usize, seed: Seed) -> Trained {
    let mut rng = seed.child("init").rng();
    let mut input = Matrix::zeros(words, plan.dim);
    let scale = 1.0 / plan.dim as f64;
    input.as_mut_slice().iter_mut().for_each(|number| *number = ((rng.unit() - 0.5) * scale) as f32);
    Trained { input, output: Matrix::zeros(outputs, plan.dim) }
}

fn objective(plan: &Plan, counts: &[u64]) -> Result<Output, FitError> {
    Ok(match plan.objective {
        crate::Output::Negative { samples, alpha } => {
            let noise = Noise::new(counts, alpha).map_err(|_| FitError::Noise { alpha })?;
            Output::Negative { noise, samples }
        }
        crate::Output::Hierarchical => Output::Hierarchical(huffman::Huffman::new(counts)),
        crate::Output::Softmax => Output::Softmax,
    })
}
