//! The trait every model is fitted through.

use crate::Run;
use seoro_core::{Features, Histories, Log, Score, Signals};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a model may learn from. The test split cannot be reached from here.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Training<'a> {
    /// The training interactions.
    pub events: &'a Log,
    /// The same interactions by user, in order.
    pub histories: &'a Histories,
    /// What is known of the users.
    pub users: Option<&'a Features>,
    /// What is known of the items.
    pub items: Option<&'a Features>,
    /// What users did besides.
    pub signals: Option<&'a Signals>,
}

impl<'a> Training<'a> {
    /// Training data without features or side signals; `histories` are those of `events`.
    pub fn new(events: &'a Log, histories: &'a Histories) -> Self {
        Self { events, histories, users: None, items: None, signals: None }
    }
}

/// The most factors that a recipe may ask for: beyond any use, and products of it with other sizes stay far from overflow.
pub(crate) const MAX_FACTORS: usize = 1 << 16;

/// What is expected of a number of factors.
pub(crate) const FACTORS_EXPECTED: &str = "between 1 and 65536";

/// Why a fit ended without a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The data lacks a column the model needs.
    #[error("{model} needs {column}, which the data lacks")]
    Missing {
        /// The model.
        model: &'static str,
        /// The column.
        column: &'static str,
    },
    /// There is nothing to learn from.
    #[error("{model}: no training interaction; expected at least one")]
    Empty {
        /// The model.
        model: &'static str,
    },
    /// A hyper-parameter outside its range.
    #[error("{model}: {parameter} = {value}; expected {expected}")]
    Parameter {
        /// The model.
        model: &'static str,
        /// The hyper-parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// The fit would need more memory than [`Run::memory`] allows.
    #[error("{model} needs {needed} bytes; the limit is {limit}")]
    Memory {
        /// The model.
        model: &'static str,
        /// Bytes the fit would take.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The loss or a parameter stopped being finite.
    #[error("{model} diverged in epoch {epoch}{}: expected a finite loss and parameters", in_batch(*batch))]
    Diverged {
        /// The model.
        model: &'static str,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch, counted from 1, where the model goes by batches.
        batch: Option<usize>,
    },
    /// The numbers given cannot be computed with.
    #[error("{model}: {what}")]
    Numeric {
        /// The model.
        model: &'static str,
        /// What failed.
        what: &'static str,
    },
    /// A rating beyond the scale that the recipe declares.
    #[error("{model}: a rating of {rating}; expected one between {low} and {high}")]
    Rating {
        /// The model.
        model: &'static str,
        /// The rating.
        rating: f32,
        /// The scale's end below.
        low: f32,
        /// The scale's end above.
        high: f32,
    },
    /// The threads asked for could not be started.
    #[error("no pool of {threads} threads")]
    Threads {
        /// Threads asked for.
        threads: usize,
    },
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Persist(#[from] crate::persist::PersistError),
    /// The checkpoint found is of another fit: other data, recipe, seed or number of threads.
    #[error("{path}: a checkpoint of another fit; expected one of the same data, recipe, seed and threads")]
    OtherFit {
        /// The checkpoint.
        path: std::path::PathBuf,
    },
    /// The device asked for is not there.
    #[error(transparent)]
    Device(#[from] crate::device::DeviceError),
    /// The fit was cancelled.
    #[error("cancelled")]
    Cancelled,
}

fn in_batch(batch: Option<usize>) -> String {
    batch.map_or_else(String::new, |batch| format!(", batch {batch}"))
}

/// A recipe: hyper-parameters in, a fitted model out.
///
/// The recipe is a serde struct whose default is the paper's or the field's; unknown keys are errors.
pub trait Recommender: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// What a fit returns: it can only score.
    type Fitted: Score + Serialize + DeserializeOwned + 'static;

    /// The model's name in files and tables: lower-case and hyphenated.
    const NAME: &'static str;

    /// Raised whenever the same recipe and seed may give other numbers than before; part of a result's key.
    const REVISION: u32;

    /// Whether scores depend on who asks.
    const PERSONAL: bool = true;

    /// Whether it is fitted on [`Run::device`]; other models are fitted on the processor, whatever the run says.
    const ON_DEVICE: bool = false;

    /// Whether it learns from ratings alone: it is checked on ratings then.
    const LEARNS_RATINGS: bool = false;

    /// The recipe that [`conformance`](crate::conformance) checks a registered model with: reproducible, quick, and fit for
    /// some hundred interactions, where the default is not.
    fn checked() -> Self {
        Self::default()
    }

    /// Learns from `train`.
    ///
    /// # Errors
    /// See [`FitError`].
    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<Self::Fitted, FitError>;
}
