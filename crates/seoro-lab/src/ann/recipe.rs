//! Our indexes behind one name: how each is built, and what its effort means.

use super::K;
use seoro_ann::{Ask, Build, BuildError, Builder, Flat, Forest, Hnsw, Index, Points, Split, Storage};

/// The recipe of one of our indexes.
///
/// A kind more is one variant here, with its line in `build`, `ask`, `effort` and `Display`; a grid of its
/// settings beside the peers' in `ann/grids.rs`; and its cases in `bench/ann/cases.rs`.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    /// The exact index.
    Flat,
    /// A forest; effort is the number of vectors gathered.
    Forest(Forest),
    /// A graph; effort is `ef`.
    Hnsw(Hnsw),
}

impl Recipe {
    /// A forest of so many trees.
    pub const fn forest(trees: usize) -> Self {
        Self::Forest(Forest { trees, leaf: None, split: Split::TwoMeans, head: 64, effort: 1000 })
    }

    /// A graph by the two numbers that every library has.
    pub const fn hnsw(m: usize, ef_construction: usize) -> Self {
        Self::stored_hnsw(m, ef_construction, Storage::F32)
    }

    /// The same over vectors stored otherwise.
    pub const fn stored_hnsw(m: usize, ef_construction: usize, storage: Storage) -> Self {
        Self::Hnsw(Hnsw {
            builder: Builder::Batches,
            m,
            ef_construction,
            keep_pruned: false,
            head: 64,
            storage,
            ef: 64,
        })
    }

    /// Builds the index.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<Box<dyn Index>, BuildError> {
        Ok(match self {
            Self::Flat => Box::new(Flat::default().build(points, build)?),
            Self::Forest(recipe) => Box::new(recipe.build(points, build)?),
            Self::Hnsw(recipe) => Box::new(recipe.build(points, build)?),
        })
    }

    /// What a search at this effort is asked for.
    pub fn ask(&self, k: usize, effort: usize) -> Ask<'static> {
        Ask::new(k).effort(effort)
    }

    /// What effort means.
    pub fn effort(&self) -> Effort {
        match self {
            Self::Flat => Effort::None,
            Self::Forest(_) => Effort::Gathered,
            Self::Hnsw(_) => Effort::Ef,
        }
    }
}

/// What an index's effort means, ours or a library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Nothing: the index is exact.
    None,
    /// `ef`, how many near nodes a search of a graph keeps.
    Ef,
    /// How many vectors a search of a forest gathers.
    Gathered,
    /// `nprobe`, how many lists of an inverted file are read.
    Lists,
    /// How many of the best by codes are compared again, where nothing else is chosen at a search.
    Rerank,
}

/// The largest `ef` tried: above it a graph is no way to search.
const MOST_EF: usize = 10_240;

/// How often a vector may be gathered again, where repetitions count.
const REPEATED: usize = 100;

impl Effort {
    /// The least and the most that make sense among so many vectors, for an inverted file of so many lists.
    pub fn range(self, rows: usize, lists: Option<usize>) -> (usize, usize) {
        match self {
            Self::None => (1, 1),
            Self::Ef => (K, rows.clamp(K, MOST_EF)),
            Self::Gathered => (K, rows.saturating_mul(REPEATED).max(K)),
            Self::Lists => (1, lists.unwrap_or(rows).max(1)),
            Self::Rerank => (K, rows.max(K)),
        }
    }
}

impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flat => write!(f, "flat"),
            Self::Forest(Forest { trees, .. }) => write!(f, "trees {trees}"),
            Self::Hnsw(Hnsw { m, ef_construction, storage, .. }) => {
                write!(f, "m {m}, ef_construction {ef_construction}")?;
                match storage {
                    Storage::F32 => Ok(()),
                    Storage::Int8 => write!(f, ", int8"),
                    _ => write!(f, ", int8 reranked"),
                }
            }
        }
    }
}
