//! Codes in inverted lists.

use super::coded::{Coded, Codes, Lists};
use super::{Tables, index_by_codes, parts_for};
use crate::ivf::{check_lists, lists_for};
use crate::{Ask, Build, BuildError, Index, Metric, Neighbor, Points, Scratch, SearchError, Work};
use seoro_core::Matrix;
use serde::{Deserialize, Serialize};

/// The recipe of codes in inverted lists: [`Ivf`](crate::Ivf) whose vectors are codes of what their lists' centroids leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IvfPq {
    /// How many lists; `4√N` where absent.
    pub lists: Option<usize>,
    /// How many parts a vector is cut into, as in [`Pq`](crate::Pq).
    pub parts: Option<usize>,
    /// Bits of a word, 4 or 8.
    pub bits: usize,
    /// The most turns of k-means for the lists.
    pub iterations: usize,
    /// The most turns of k-means for the words.
    pub word_iterations: usize,
    /// Turns in which a rotation of the vectors is learned that makes codes leave less out (OPQ); none at 0, some 10 else. It
    /// costs `D²` numbers of memory and `D²` multiplications a query, and lengthens the build.
    pub rotations: usize,
    /// `nprobe`, how many lists a search visits where it is not told an effort.
    pub probe: usize,
    /// Whether the exact vectors are kept, to compare the best again.
    pub keep: bool,
    /// How many of the best by codes are compared again where a search is not told; none at 0, and at least `k` else.
    pub rerank: usize,
}

impl Default for IvfPq {
    fn default() -> Self {
        Self {
            lists: None,
            parts: None,
            bits: 8,
            iterations: 10,
            word_iterations: 25,
            rotations: 0,
            probe: 16,
            keep: true,
            rerank: 100,
        }
    }
}

impl IvfPq {
    /// The lists of codes of these points; reproducible for a seed at any number of threads.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<IvfPqIndex, BuildError> {
        check_lists(self.lists, self.iterations, self.probe)?;
        let codes = self.codes(points.vectors.cols());
        codes.check(points)?;
        build.reserve(self.memory(points))?;
        build.check()?;
        let lists = Lists {
            lists: self.lists(points.vectors.rows()),
            iterations: self.iterations,
            probe: self.probe,
        };
        let coded = build.pool()?.install(|| Coded::build(&codes, Some(&lists), points, build))?;
        Ok(IvfPqIndex { coded })
    }

    /// About the most bytes that the index and its build will hold; a build refuses to go over
    /// [`Build::memory`](crate::Build) before it allocates.
    pub fn memory(&self, points: &Points<'_>) -> u64 {
        self.codes(points.vectors.cols()).bytes_to_build(points, self.lists(points.vectors.rows()))
    }

    fn lists(&self, rows: usize) -> usize {
        self.lists.unwrap_or_else(|| lists_for(rows)).min(rows.max(1))
    }

    fn codes(&self, dim: usize) -> Codes {
        Codes {
            parts: parts_for(self.parts, self.bits, dim),
            bits: self.bits,
            iterations: self.word_iterations,
            rotations: self.rotations,
            tables: Tables::Asymmetric,
            keep: self.keep,
            rerank: self.rerank,
        }
    }
}

/// Vectors as codes in inverted lists.
#[derive(Clone, Debug, PartialEq)]
pub struct IvfPqIndex {
    pub(super) coded: Coded,
}

impl IvfPqIndex {
    fn asked<'a>(&self, ask: &Ask<'a>) -> Ask<'a> {
        *ask
    }
}

index_by_codes!(IvfPqIndex);
