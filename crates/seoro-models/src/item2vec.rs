//! Item2Vec: Barkan and Koenigstein, "Item2Vec: Neural Item Embedding for Collaborative Filtering", MLSP 2016.
//!
//! Vectors u (centre) and v (context) are learned by Skip-Gram with negative sampling over the items that a user took; see
//! [`seoro_item2vec`]. A user is the mean of the items taken, H.
//!
//! Score of item i under [`Scoring::Cosine`]: `Σ_{h ∈ H} ⟨u_h, u_i⟩ / |H|`, all u of length 1. Under [`Scoring::Odds`]:
//! `Σ_{h ∈ H} ⟨u_h, v_i⟩ / |H| + β ln c_i`, where c is how many users took an item.
//!
//! Differences from the paper, which compares items and recommends to nobody:
//! - The user as a mean is ours, as is the score by odds. A product `⟨u_h, v_i⟩` tends to `ln P(i | h) − α ln c_i` and a
//!   constant (Levy and Goldberg, NIPS 2014), so that `β = α` asks for the items most likely beside those at hand.
//! - Learning rates are word2vec's: the paper names none.
//! - A few items of a set share the negatives drawn (see `seoro_item2vec`'s `train/worker/group.rs`).
//! - More than one thread races; [`Item2Vec::reproducible`] learns on one.

use crate::persist::PersistError;
use crate::registry::{Fitted, FittedModel};
use crate::taken::{TakenItems, units};
use crate::{Epoch, FitError, Recommender, Run, Training, Validate};
use seoro_core::{Embed, Histories, Items, Matrix, Query, Score, ScoreError, score_by_vectors};
use seoro_item2vec::{self as vectors, Embedding, Pairs, Progress};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How much time passes between two checkpoints: an epoch may take hours, so that theirs are not waited for.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What an item that nobody took adds to its odds: fewer than any that somebody took.
const NOBODY: f32 = -50.0;

/// How an item is scored beside a user's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Scoring {
    /// By the mean cosine of the items' centre vectors, the paper's similarity.
    Cosine,
    /// By the mean product of the items' centre vectors with the item's context vector: how likely it stands beside them.
    Odds {
        /// β: the power of an item's count that its odds are multiplied by.
        popularity: f32,
    },
}

/// The recipe of Item2Vec; the defaults are the paper's for music.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Item2Vec {
    /// m, the length of a vector.
    pub dim: usize,
    /// Which items of a user are each other's contexts.
    pub pairs: Pairs,
    /// N: how many negatives are drawn for each item.
    pub negatives: usize,
    /// α: negatives are drawn as often as their count to this power.
    pub alpha: f64,
    /// ρ: an item that makes up the share f of all events stays with the chance `√(ρ / f)`; all stay from 1 on.
    pub subsampling: f64,
    /// How often all users are gone through.
    pub epochs: usize,
    /// The first learning rate.
    pub learning_rate: f64,
    /// What it falls to, in equal steps, over all epochs.
    pub last_learning_rate: f64,
    /// How an item is scored.
    pub scoring: Scoring,
    /// Whether to learn on one thread, which makes the same bytes from the same seed.
    pub reproducible: bool,
}

impl Default for Item2Vec {
    fn default() -> Self {
        let paper = vectors::Item2Vec::default();
        Self {
            dim: paper.dim,
            pairs: paper.pairs,
            negatives: paper.negatives,
            alpha: paper.alpha,
            subsampling: 1e-5,
            epochs: paper.epochs,
            learning_rate: paper.learning_rate,
            last_learning_rate: paper.last_learning_rate,
            scoring: Scoring::Cosine,
            reproducible: false,
        }
    }
}

/// A fitted Item2Vec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item2VecModel {
    taken: TakenItems,
}

impl Recommender for Item2Vec {
    type Fitted = Item2VecModel;
    const NAME: &'static str = "item2vec";
    /// That of the vectors and this file's.
    const REVISION: u32 = vectors::REVISION + 1;

    /// Long enough for a few hundred events, of which no item is rare.
    fn checked() -> Self {
        let scoring = Scoring::Odds { popularity: 0.75 };
        Self {
            dim: 8,
            negatives: 5,
            subsampling: 1.0,
            epochs: 40,
            scoring,
            reproducible: true,
            ..Self::default()
        }
    }

    /// The epoch of the highest measure is kept where the run validates; such a fit leaves no checkpoint.
    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<Item2VecModel, FitError> {
        self.check()?;
        let histories = train.histories;
        if histories.n_events() == 0 {
            return Err(FitError::Empty { model: Self::NAME });
        }
        run.check()?;
        let validates = run.validate.is_some();
        let stop = AtomicBool::new(false);
        let mut best = Best::default();
        let mut inner = vectors::Run::new(run.seed);
        inner.threads = if self.reproducible { 1 } else { run.threads };
        let copies = self.copies(histories.n_items(), validates || run.observe.is_some());
        inner.memory = run.memory.map(|limit| limit.saturating_sub(copies));
        inner.cancel = if validates { &stop } else { run.cancel };
        inner.checkpoint = run
            .checkpoint
            .as_ref()
            .filter(|_| !validates)
            .map(|checkpoint| vectors::Checkpoint { path: checkpoint.path.clone(), every: SAVE_EVERY });
        let mut watch = |progress: Progress<'_>| {
            let model = || Item2VecModel::new(self.scoring, &(progress.snapshot)(), histories);
            if let Some(observe) = run.observe.as_mut().filter(|_| progress.ends) {
                let snapshot = || Box::new(Fitted::<Self>::new(model())) as Box<dyn FittedModel>;
                let Progress { epoch, epochs, loss, seconds, .. } = progress;
                observe(Epoch::new(epoch, epochs, loss, seconds, &snapshot));
            }
            if let Some(validate) = run.validate.as_mut() {
                let is_due =
                    progress.epoch.is_multiple_of(validate.every.max(1)) || progress.epoch == progress.epochs;
                let is_over = progress.ends && is_due && best.measure(validate, model());
                stop.store(is_over || run.cancel.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        };
        inner.observe = Some(&mut watch);
        let learned = self.vectors().fit(histories, &mut inner);
        drop(inner);
        match (learned, best.model) {
            (Err(vectors::FitError::Cancelled), Some((_, model))) if !run.cancel.load(Ordering::Relaxed) => {
                Ok(model)
            }
            (Err(vectors::FitError::Memory { needed, limit }), _) => {
                let (needed, limit) = (needed.saturating_add(copies), run.memory.unwrap_or(limit));
                Err(FitError::Memory { model: Self::NAME, needed, limit })
            }
            (Err(error), _) => Err(Self::error(error)),
            (Ok(_), Some((_, model))) => Ok(model),
            (Ok(embedding), None) => Ok(Item2VecModel::new(self.scoring, &embedding, histories)),
        }
    }
}

/// The best model on validation data so far.
#[derive(Default)]
struct Best {
    model: Option<(f64, Item2VecModel)>,
    /// Measures since.
    misses: usize,
}

impl Best {
    /// Measures a model; whether patience is out.
    fn measure(&mut self, validate: &mut Validate<'_>, model: Item2VecModel) -> bool {
        let measure = (validate.measure)(&model);
        if self.model.as_ref().is_none_or(|&(best, _)| measure > best || best.is_nan()) {
            (self.model, self.misses) = (Some((measure, model)), 0);
        } else {
            self.misses += 1;
        }
        self.misses >= validate.patience.max(1)
    }
}

impl Item2Vec {
    /// What the vectors' own recipe does not look at.
    fn check(&self) -> Result<(), FitError> {
        match self.scoring {
            Scoring::Odds { popularity } if !(popularity.is_finite() && popularity >= 0.0) => {
                let (parameter, value, expected) =
                    ("popularity", f64::from(popularity), "0 or a positive power");
                Err(FitError::Parameter { model: Self::NAME, parameter, value, expected })
            }
            _ => Ok(()),
        }
    }

    fn vectors(&self) -> vectors::Item2Vec {
        vectors::Item2Vec {
            dim: self.dim,
            pairs: self.pairs,
            negatives: self.negatives,
            alpha: self.alpha,
            subsampling: (self.subsampling != 1.0).then_some(self.subsampling),
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            last_learning_rate: self.last_learning_rate,
        }
    }

    /// The bytes of models that are held while vectors are learned: one of what was learned so far and its copy, where
    /// anybody looks at it, and the best one.
    fn copies(&self, items: usize, is_watched: bool) -> u64 {
        let numbers = (items as u64).saturating_mul((self.dim as u64).saturating_add(1));
        numbers.saturating_mul(if is_watched { 16 } else { 0 })
    }

    fn error(error: vectors::FitError) -> FitError {
        let model = Self::NAME;
        match error {
            vectors::FitError::Parameter { parameter, value, expected } => {
                FitError::Parameter { model, parameter, value, expected }
            }
            vectors::FitError::Noise { alpha } => {
                let expected = "a power of counts that negatives can be drawn by";
                FitError::Parameter { model, parameter: "alpha", value: alpha, expected }
            }
            vectors::FitError::Diverged { epoch } => FitError::Diverged { model, epoch, batch: None },
            vectors::FitError::Threads { threads } => FitError::Threads { threads },
            vectors::FitError::Checkpoint { path, source } => PersistError::Io { path, source }.into(),
            vectors::FitError::OtherFit { path } => FitError::OtherFit { path },
            vectors::FitError::Cancelled => FitError::Cancelled,
            _ => FitError::Numeric {
                model,
                what: "there are fewer than two items; expected two that users took",
            },
        }
    }
}

impl Item2VecModel {
    fn new(scoring: Scoring, learned: &Embedding, histories: &Histories) -> Self {
        let (taken, scored) = match (scoring, learned.context()) {
            (Scoring::Odds { popularity }, Some(context)) => {
                let share = |item: usize| match learned.counts()[item] {
                    0 => NOBODY,
                    count => popularity * (count as f32).ln(),
                };
                (widened(learned.centre(), |_| 1.0), Some(widened(context, share)))
            }
            _ => (units(learned.centre()), None),
        };
        Self { taken: TakenItems::new(taken, scored, histories) }
    }
}

/// The vectors with one more number each.
fn widened(vectors: &Matrix, last: impl Fn(usize) -> f32) -> Matrix {
    let mut wide = Matrix::zeros(vectors.rows(), vectors.cols() + 1);
    for row in 0..vectors.rows() {
        let (numbers, end) = wide.row_mut(row).split_at_mut(vectors.cols());
        numbers.copy_from_slice(vectors.row(row));
        end.fill(last(row));
    }
    wide
}

impl Score for Item2VecModel {
    fn n_items(&self) -> usize {
        self.taken.n_items()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items, out)
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }
}

impl Embed for Item2VecModel {
    fn items(&self) -> Cow<'_, Matrix> {
        self.taken.items()
    }

    /// The centre vectors, which the paper compares.
    fn comparable(&self) -> Cow<'_, Matrix> {
        self.taken.comparable()
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        self.taken.queries(queries, out)
    }
}
