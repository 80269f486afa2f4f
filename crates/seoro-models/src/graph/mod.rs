//! What the models of the user-item graph share: the graph itself, how they are fitted, and the model that they become.
//!
//! [`LightGcn`](crate::lightgcn::LightGcn), [`Ngcf`](crate::ngcf::Ngcf) and [`Gcn`](crate::gcn::Gcn) make each node's final
//! embedding of its own and of those near it. A step computes them as far as its batch needs them; a fitted model holds them,
//! and its score is their product.

mod adjacency;
mod fit;
mod model;
#[cfg(test)]
mod tests;

pub use adjacency::{Graph, Normalization};
pub use model::GraphModel;

pub(crate) use adjacency::Weighted;
pub(crate) use fit::{Nodes, Plan, Shape, check_share, check_sizes};

use seoro_core::{ItemId, UserId};

/// Raised whenever one of the models of the graph may give other numbers than before.
pub(crate) const REVISION: u32 = 1;

/// Why edges are not a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An edge of a user or an item that is not there.
    #[error("edge {edge}: user {}, item {}; expected users below {n_users}, items below {n_items}", user.0, item.0)]
    Edge {
        /// Its place among those given.
        edge: usize,
        /// Its user.
        user: UserId,
        /// Its item.
        item: ItemId,
        /// The number of users.
        n_users: usize,
        /// The number of items.
        n_items: usize,
    },
    /// More than can be counted.
    #[error("{nodes} nodes, {entries} entries; expected fewer than 2^31 of each")]
    Size {
        /// The number of users and items.
        nodes: usize,
        /// The number of the matrix's entries.
        entries: usize,
    },
}
