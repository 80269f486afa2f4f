//! The graph of users and items.

mod adjacency;

pub use adjacency::{Graph, Normalization};

pub(crate) use adjacency::Weighted;

use seoro_core::{ItemId, UserId};

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
