//! Our indexes behind one name: how each is built, and what its effort means.

use super::K;
use seoro_ann::{
    Ask, Build, BuildError, Builder, Flat, Forest, Heads, Hnsw, Index, InsertionOrder, Ivf, IvfPq, Points,
    Pq, Split, Storage, Tables,
};
use serde::{Deserialize, Serialize};

/// The recipe of one of our indexes.
///
/// A kind more is one variant here, with its line in `build`, `ask`, `effort` and `Display`; a grid of its
/// settings beside the peers' in `ann/grids.rs`; and its cases in `bench/ann/cases.rs`. In a paper's file a recipe is the
/// variant's name with its settings: `hnsw = { m = 16 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// The exact index, or all vectors compared by their bytes.
    Flat(Flat),
    /// A forest; effort is the number of vectors gathered.
    Forest(Forest),
    /// A graph; effort is `ef`.
    Hnsw(Hnsw),
    /// Whole vectors in lists; effort is the number of lists.
    Ivf(Ivf),
    /// Codes, all compared; effort is how many are compared again.
    Pq(Pq),
    /// Codes in lists; effort is the number of lists.
    IvfPq(IvfPq),
}

impl Recipe {
    /// The exact index.
    pub const fn flat() -> Self {
        Self::Flat(Flat { storage: Storage::F32 })
    }

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
        Self::Hnsw(Self::plain_hnsw(m, ef_construction, storage))
    }

    /// Of long vectors, of which few numbers tell most and of which no part of the space is crowded.
    pub const fn estimated_hnsw(m: usize, ef_construction: usize) -> Self {
        let (order, heads) = (InsertionOrder::Random, Heads::Estimate);
        Self::Hnsw(Hnsw { order, heads, head: 80, ..Self::plain_hnsw(m, ef_construction, Storage::F32) })
    }

    const fn plain_hnsw(m: usize, ef_construction: usize, storage: Storage) -> Hnsw {
        Hnsw {
            builder: Builder::Batches,
            order: InsertionOrder::Mean,
            m,
            ef_construction,
            keep_pruned: false,
            head: 64,
            heads: Heads::Bound,
            storage,
            ef: 64,
        }
    }

    /// Lists of whole vectors.
    pub const fn ivf(lists: usize) -> Self {
        Self::stored_ivf(lists, Storage::F32)
    }

    /// The same over vectors stored otherwise.
    pub const fn stored_ivf(lists: usize, storage: Storage) -> Self {
        Self::Ivf(Ivf { lists: Some(lists), iterations: 10, probe: 16, storage })
    }

    /// Codes of so many parts, of words of so many bits, without the vectors.
    pub const fn codes((parts, bits): (usize, usize)) -> Self {
        Self::Pq(Pq {
            parts: Some(parts),
            bits,
            iterations: 25,
            rotations: 0,
            tables: Tables::Asymmetric,
            keep: false,
            rerank: 0,
        })
    }

    /// The same in lists.
    pub const fn codes_in_lists(lists: usize, code: (usize, usize)) -> Self {
        Self::lists_of_codes(lists, code, (false, 0))
    }

    /// The same beside the vectors: so many of the best are compared again.
    pub const fn ivf_pq(lists: usize, code: (usize, usize), rerank: usize) -> Self {
        Self::lists_of_codes(lists, code, (true, rerank))
    }

    const fn lists_of_codes(
        lists: usize,
        (parts, bits): (usize, usize),
        (keep, rerank): (bool, usize),
    ) -> Self {
        Self::IvfPq(IvfPq {
            lists: Some(lists),
            parts: Some(parts),
            bits,
            iterations: 10,
            word_iterations: 25,
            rotations: 0,
            probe: 16,
            keep,
            rerank,
        })
    }

    /// Builds the index.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<Box<dyn Index>, BuildError> {
        Ok(match self {
            Self::Flat(recipe) => Box::new(recipe.build(points, build)?),
            Self::Forest(recipe) => Box::new(recipe.build(points, build)?),
            Self::Hnsw(recipe) => Box::new(recipe.build(points, build)?),
            Self::Ivf(recipe) => Box::new(recipe.build(points, build)?),
            Self::Pq(recipe) => Box::new(recipe.build(points, build)?),
            Self::IvfPq(recipe) => Box::new(recipe.build(points, build)?),
        })
    }

    /// What a search at this effort is asked for.
    pub fn ask(&self, k: usize, effort: usize) -> Ask<'static> {
        match self.effort() {
            Effort::None => Ask::new(k),
            _ => Ask::new(k).effort(effort),
        }
    }

    /// How vectors are stored for searches.
    fn storage(&self) -> Storage {
        match self {
            Self::Flat(Flat { storage })
            | Self::Hnsw(Hnsw { storage, .. })
            | Self::Ivf(Ivf { storage, .. }) => *storage,
            Self::Forest(_) | Self::Pq(_) | Self::IvfPq(_) => Storage::F32,
        }
    }

    /// Whether searches read something shorter than the vectors.
    pub fn is_compressed(&self) -> bool {
        matches!(self, Self::Pq(_) | Self::IvfPq(_)) || self.storage() != Storage::F32
    }

    /// Whether it keeps the vectors beside something shorter, to compare the best found again.
    pub fn reranks(&self) -> bool {
        match self {
            Self::Pq(Pq { keep, .. }) | Self::IvfPq(IvfPq { keep, .. }) => *keep,
            _ => self.storage() == Storage::Int8Reranked,
        }
    }

    /// How many lists it has, where it says so.
    pub fn lists(&self) -> Option<usize> {
        match self {
            Self::Ivf(Ivf { lists, .. }) | Self::IvfPq(IvfPq { lists, .. }) => *lists,
            _ => None,
        }
    }

    /// What effort means.
    pub fn effort(&self) -> Effort {
        match self {
            Self::Flat(_) => Effort::None,
            Self::Forest(_) => Effort::Gathered,
            Self::Hnsw(_) => Effort::Ef,
            Self::Ivf(_) | Self::IvfPq(_) => Effort::Lists,
            Self::Pq(Pq { rerank: 0, .. }) => Effort::None,
            Self::Pq(_) => Effort::Rerank,
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
            Self::Flat(Flat { storage }) => write!(f, "flat{}", stored(*storage)),
            Self::Forest(Forest { trees, .. }) => write!(f, "trees {trees}"),
            Self::Hnsw(Hnsw { m, ef_construction, order, head, heads, storage, .. }) => {
                let order = if *order == InsertionOrder::Random { ", random order" } else { "" };
                write!(f, "m {m}, ef_construction {ef_construction}{order}{}", stored(*storage))?;
                if *heads == Heads::Estimate { write!(f, ", heads {head} estimated") } else { Ok(()) }
            }
            Self::Ivf(Ivf { lists, storage, .. }) => write!(f, "lists {}{}", said(*lists), stored(*storage)),
            Self::Pq(Pq { parts, bits, tables, .. }) => {
                let tables = if *tables == Tables::Symmetric { ", symmetric" } else { "" };
                write!(f, "parts {} of {bits} bits{tables}", said(*parts))
            }
            Self::IvfPq(IvfPq { lists, parts, bits, rerank, .. }) => {
                let (lists, parts) = (said(*lists), said(*parts));
                write!(f, "lists {lists}, parts {parts} of {bits} bits, rerank {rerank}")
            }
        }
    }
}

/// A number, or that it is chosen by the vectors.
fn said(number: Option<usize>) -> String {
    number.map_or_else(|| "by size".to_owned(), |number| number.to_string())
}

/// How vectors are stored, behind other settings.
fn stored(storage: Storage) -> &'static str {
    match storage {
        Storage::F32 => "",
        Storage::Bf16 => ", bf16",
        Storage::Int8 => ", int8",
        _ => ", int8 reranked",
    }
}

impl std::fmt::Display for Effort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Ef => "ef",
            Self::Gathered => "gathered",
            Self::Lists => "lists",
            Self::Rerank => "re-ranked",
        })
    }
}
