//! The loop that trains every network: mini-batches, and gradients from burn.
//!
//! A [`Network`] says what the loss of a batch is; a [`Feed`] gives the batches of an epoch; [`Parameters`] hold the numbers;
//! [`Descent`] says how they follow the gradient. The loop draws everything from named seeds, prepares batches while the
//! device works, and finds a loss that is no longer finite. Stopping, model selection, observers and checkpoints are those
//! of every model that goes by epochs.

mod descent;
mod feed;
mod learner;
mod parameters;
#[cfg(test)]
mod tests;
mod triples;

pub use descent::{Adagrad, Adam, Descent, Optimizer, Rprop, Schedule};
pub(crate) use feed::by_all_threads;
pub use feed::{Feed, PairBatch, Pairs, Whole};
pub use learner::{Network, Trainer};
pub use parameters::{Init, Parameters, Step, TableId, WeightId};
pub use triples::{Pairwise, Sampling};
