//! Product quantisation: vectors are kept as short codes, and queries are compared with what the codes stand for.
//!
//! H. Jégou, M. Douze, C. Schmid: Product quantization for nearest neighbor search, 2011. A vector is cut into `m` parts,
//! each replaced by the nearest of `k*` words (section II); a query is compared with the words, once for all vectors, and
//! the distance to a vector is the sum of `m` numbers of that table (section III): **asymmetric** where the query is as it
//! is (equation 13), **symmetric** where it is replaced by its own code first (equation 12). With an inverted file, codes
//! are those of the residual to the list's centroid (section IV, IVFADC). Where this differs:
//!
//! - All metrics are products: `‖q − x̂‖² = ‖q‖² − 2(q·x̂ − ½‖x̂‖²)`, with `x̂` what a code stands for, its list's centroid
//!   included. `½‖x̂‖²` is kept for each vector, so that one table of `q·word` serves all lists.
//! - A symmetric comparison is an asymmetric one with what the query's code stands for, which gives the same numbers.
//! - A batch makes the vectors of a list from their codes once and compares them with all queries that visit it by one
//!   product of matrices: less work than tables where words are short.
//! - With words of 4 bits, tables are rounded to 8 bits and looked up in registers, 32 vectors at a time
//!   (F. André, A.-M. Kermarrec, N. Le Scouarnec: Quicker ADC, 2018).
//! - Vectors may be rotated before they are cut (`rotation`).
//! - Where the exact vectors are kept, the best by codes are compared again by these.

mod coded;
mod fast;
mod file;
mod ivf;
mod quantiser;
mod rotation;
mod search;

pub use ivf::{IvfPq, IvfPqIndex};

use crate::ivf::at_least_one;
use crate::{Ask, Build, BuildError, Index, Metric, Neighbor, Points, Scratch, SearchError, Work};
use coded::{Coded, Codes};
use seoro_core::Matrix;
use serde::{Deserialize, Serialize};

/// What a query is compared as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Tables {
    /// As it is, ADC: the smaller error.
    #[default]
    Asymmetric,
    /// As its own code, SDC: what two vectors known by their codes only would give.
    Symmetric,
}

/// The recipe of codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pq {
    /// `m`, how many parts a vector is cut into; where absent, one for every two numbers with words of 4 bits, for every
    /// four with words of 8. More: a smaller error, longer codes, slower searches. At most as many as dimensions.
    pub parts: Option<usize>,
    /// Bits of a word, 4 or 8: 16 or 256 words for each part. With 4, codes are scanned in registers, several times faster.
    pub bits: usize,
    /// The most turns of k-means.
    pub iterations: usize,
    /// Turns in which a rotation of the vectors is learned that makes codes leave less out (OPQ); none at 0, some 10 else. It
    /// costs `D²` numbers of memory and `D²` multiplications a query, and lengthens the build.
    pub rotations: usize,
    /// What a query is compared as.
    pub tables: Tables,
    /// Whether the exact vectors are kept, to compare the best again.
    pub keep: bool,
    /// How many of the best by codes are compared again where a search is not told an effort; none at 0, and at least `k`
    /// else.
    pub rerank: usize,
}

impl Default for Pq {
    fn default() -> Self {
        Self {
            parts: None,
            bits: 8,
            iterations: 25,
            rotations: 0,
            tables: Tables::default(),
            keep: true,
            rerank: 100,
        }
    }
}

/// The most parts: sums of as many 8-bit numbers fit 16 bits.
const MOST_PARTS: usize = 1 << 16;

impl Pq {
    /// The codes of these points; reproducible for a seed at any number of threads.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<PqIndex, BuildError> {
        let codes = self.codes(points.vectors.cols());
        codes.check(points)?;
        build.reserve(self.memory(points))?;
        build.check()?;
        let coded = build.pool()?.install(|| Coded::build(&codes, None, points, build))?;
        Ok(PqIndex { coded })
    }

    /// About the most bytes that the index and its build will hold; a build refuses to go over
    /// [`Build::memory`](crate::Build) before it allocates.
    pub fn memory(&self, points: &Points<'_>) -> u64 {
        self.codes(points.vectors.cols()).bytes_to_build(points, 1)
    }

    fn codes(&self, dim: usize) -> Codes {
        Codes {
            parts: parts_for(self.parts, self.bits, dim),
            bits: self.bits,
            iterations: self.iterations,
            rotations: self.rotations,
            tables: self.tables,
            keep: self.keep,
            rerank: self.rerank,
        }
    }
}

/// How many parts, where that is not said.
fn parts_for(parts: Option<usize>, bits: usize, dim: usize) -> usize {
    match dim {
        // Nothing to cut.
        0 => 0,
        _ => parts.unwrap_or(if bits == 4 { dim.div_ceil(2) } else { dim.div_ceil(4) }),
    }
}

/// Whether vectors can be cut into so many parts.
fn are_parts(parts: usize, dim: usize) -> bool {
    if dim == 0 { parts == 0 } else { (1..=dim.min(MOST_PARTS)).contains(&parts) }
}

impl Codes {
    fn check(&self, points: &Points<'_>) -> Result<(), BuildError> {
        let dim = points.vectors.cols();
        let wrong = |parameter, value: usize, expected| {
            Err(BuildError::Parameter { parameter, value: value as f64, expected })
        };
        if !matches!(self.bits, 4 | 8) {
            return wrong("bits", self.bits, "4 or 8");
        }
        if !are_parts(self.parts, dim) {
            return wrong("parts", self.parts, "1 to the vectors' dimension, at most 65536");
        }
        at_least_one("iterations", self.iterations)
    }
}

/// Vectors as codes, all compared with every query.
#[derive(Clone, Debug, PartialEq)]
pub struct PqIndex {
    coded: Coded,
}

impl PqIndex {
    /// Where there are no lists to visit, effort is how many are compared again.
    fn asked<'a>(&self, ask: &Ask<'a>) -> Ask<'a> {
        Ask { rerank: ask.rerank.or(ask.effort), ..*ask }
    }
}

/// [`Index`] by the codes within.
macro_rules! index_by_codes {
    ($type:ty) => {
        impl Index for $type {
            fn len(&self) -> usize {
                self.coded.len()
            }

            fn dim(&self) -> usize {
                self.coded.vectors.dim()
            }

            fn metric(&self) -> Metric {
                self.coded.vectors.metric()
            }

            fn bytes(&self) -> u64 {
                self.coded.bytes()
            }

            fn search(
                &self,
                query: &[f32],
                ask: &Ask<'_>,
                scratch: &mut Scratch,
                out: &mut Vec<Neighbor>,
            ) -> Result<Work, SearchError> {
                self.coded.search(query, &self.asked(ask), scratch, out)
            }

            fn search_batch(
                &self,
                queries: &Matrix,
                ask: &Ask<'_>,
            ) -> Result<Vec<Vec<Neighbor>>, SearchError> {
                if ask.k == 0 || self.is_empty() || ask.filter.is_some() {
                    return crate::index::search_each(self, queries, ask);
                }
                match self.coded.search_batch(queries, &self.asked(ask)) {
                    Some(found) => found,
                    None => crate::index::search_each(self, queries, ask),
                }
            }
        }
    };
}
use index_by_codes;

index_by_codes!(PqIndex);
