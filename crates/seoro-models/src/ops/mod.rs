//! What burn lacks and recommenders need: rows of tables, fused steps of optimisers, fused losses and layers.
//!
//! Each file holds a definition with its gradient, a portable version of burn's tensor operations (the oracle of the tests,
//! and what runs on every device but the processor), and a kernel for the processor. A model never knows which one ran.
//!
//! | op | what it saves on the processor |
//! |---|---|
//! | `rows` | a gradient of the whole table, and its sum; an optimiser's ten passes over it |
//! | `arrears` | Adam's pass over all rows of a table, of which a batch reads few |
//! | `step` | the same for weights: one pass, on all cores |
//! | [`logistic`](fn@logistic) | a scalar exponential and three temporaries |
//! | [`dense`](fn@dense) | four of five temporaries of a layer |
//! | [`encode`], [`decode`] | all cells of rows of which few are known |
//! | [`propagate`](fn@propagate) | of a graph's layers the last, but for a batch's rows; entries laid out one by one |
//! | [`pairwise`](fn@pairwise) | three copies of rows, ten passes over those, and gradients of the size of each |

mod activation;
pub(crate) mod arrears;
mod dense;
mod dropout;
mod losses;
pub(crate) mod numbers;
mod observed;
mod pairwise;
pub(crate) mod propagate;
pub(crate) mod rows;
pub(crate) mod step;
#[cfg(test)]
mod tests;
mod triples;

pub use activation::Activation;
pub use dense::dense;
pub use losses::logistic;
pub use observed::{Cells, decode, encode};
pub use pairwise::pairwise;
pub use propagate::{Reach, propagate};
pub use triples::Triples;

pub(crate) use dropout::dropout;
