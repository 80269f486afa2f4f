//! Maps of vectors in the plane by t-SNE (van der Maaten and Hinton 2008), where near points were near vectors.
//!
//! With p_ij the chance that points i and j are neighbours among the vectors, and q_ij ∝ (1 + ‖y_i − y_j‖²)⁻¹ the same
//! in the map, gradient descent lessens KL(P‖Q) = Σ p_ij ln(p_ij ÷ q_ij). With `theta` 0 all pairs repel each other; above
//! it, far points repel as one (Barnes-Hut: van der Maaten 2014), and the exact version is the oracle beside it.
//!
//! Distances in a map mean little beyond near and far, and sizes of clusters nothing (Wattenberg, Viégas and Johnson 2016).
//!
//! This is not the crate `bhtsne`, whose repulsion is not the same twice, which panics on bad input, and which cannot be
//! stopped.

mod affinity;
mod descent;
mod error;
mod recipe;
mod run;
mod start;
#[cfg(test)]
mod tests;
mod tree;

pub use error::TsneError;
pub use recipe::{Distance, Init, Tsne};
pub use run::{Map, Run};

/// Raised whenever the same recipe and seed may give another map than before; part of a result's key.
pub const REVISION: u32 = 1;
