//! Exact search: every vector is compared, so every answer is right. The oracle of all other indexes.

mod file;

use crate::index::{even_blocks, search_blocks};
use crate::slab::Slab;
use crate::storage::{self, Short, ShortQueries, ShortQuery, Storage};
use crate::vectors::Vectors;
use crate::{Ask, Build, BuildError, Index, Metric, Neighbor, Points, Scratch, SearchError, Work};
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{ItemId, Matrix, Scored, kernel};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The recipe of the exact index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flat {
    /// How vectors are stored. Shorter ones are less to read, answers are no longer exact, and those of
    /// [`Storage::Int8Reranked`] are right but for a few.
    pub storage: Storage,
}

impl Flat {
    /// The exact index over these points.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<FlatIndex, BuildError> {
        build.reserve(self.memory(points))?;
        build.check()?;
        build.pool()?.install(|| self.build_here(points))
    }

    fn build_here(&self, points: &Points<'_>) -> Result<FlatIndex, BuildError> {
        let vectors = Vectors::packed(points)?;
        let count = vectors.len();
        if let Some(short) = self.storage.shorten(&vectors)? {
            let vectors = if self.storage.is_whole() { vectors } else { vectors.without_rows() };
            return Ok(FlatIndex { vectors, count, half_norms: Slab::default(), short: Some(short) });
        }
        let half_norm = |row: &[f32]| 0.5 * kernel::dot(row, row);
        let half_norms = match points.metric {
            Metric::SquaredL2 => (0..count).map(|row| half_norm(vectors.row(row as u32))).collect(),
            Metric::InnerProduct | Metric::Cosine => Slab::default(),
        };
        Ok(FlatIndex { vectors, count, half_norms, short: None })
    }

    /// About the most bytes that the index and its build will hold; a build refuses to go over
    /// [`Build::memory`](crate::Build) before it allocates.
    pub fn memory(&self, points: &Points<'_>) -> u64 {
        let norms = points.vectors.rows() as u64 * 4;
        Vectors::bytes_of(points).saturating_add(norms).saturating_add(self.storage.bytes_of(points))
    }
}

/// The exact index.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatIndex {
    vectors: Vectors,
    count: usize,
    /// `½‖x‖²`, for squared distances.
    half_norms: Slab<f32>,
    /// Of the vectors, where these are compared first.
    short: Option<Short>,
}

/// How many rows are scored before the best are selected: scores that stay in the first-level cache.
const BLOCK: usize = 1024;

/// How many queries and rows a batch multiplies at once: scores that stay in the second-level cache.
const TILE: (usize, usize) = (512, 128);

/// How many more than asked a batch selects by products of matrices, whose last bits differ from the distances it then
/// orders them by.
const SPARE: usize = 8;

impl FlatIndex {
    /// Whether its answers are exact.
    pub(crate) fn is_exact(&self) -> bool {
        self.short.is_none()
    }

    /// The row of each id.
    pub(crate) fn rows_by_id(&self) -> HashMap<u64, u32> {
        (0..self.count as u32).map(|row| (self.vectors.id(row), row)).collect()
    }

    /// The scores of some rows for a query.
    ///
    /// # Errors
    /// Queries that are refused.
    pub(crate) fn scores(
        &self,
        query: &[f32],
        rows: impl Iterator<Item = u32>,
    ) -> Result<Vec<f32>, SearchError> {
        let (metric, mut prepared) = (self.vectors.metric(), Vec::new());
        self.vectors.prepare(query, &mut prepared)?;
        Ok(rows.map(|row| metric.score(metric.nearness(&prepared, self.vectors.row(row)))).collect())
    }

    fn storage(&self) -> Storage {
        Storage::of(self.short.as_ref(), self.vectors.len())
    }

    /// Writes how near each row of a block is to the prepared query.
    fn score_block(&self, query: &[f32], first: usize, out: &mut [f32]) {
        let width = query.len();
        let rows = &self.vectors.rows().as_slice()[first * width..(first + out.len()) * width];
        match self.vectors.metric() {
            Metric::InnerProduct | Metric::Cosine => kernel::dot_rows(query, rows, out),
            metric @ Metric::SquaredL2 => {
                let rows = rows.chunks_exact(width.max(1));
                out.fill(0.0);
                out.iter_mut().zip(rows).for_each(|(out, row)| *out = metric.nearness(query, row));
            }
        }
    }

    /// The same by short vectors.
    fn score_short(short: &Short, query: &ShortQuery, first: usize, out: &mut [f32]) {
        out.iter_mut().zip(first as u32..).for_each(|(out, row)| *out = short.nearness(query, row));
    }

    /// The rows of a block that the filter refuses.
    fn refuse(&self, ask: &Ask<'_>, first: usize, count: usize, refused: &mut Vec<ItemId>) {
        refused.clear();
        if ask.filter.is_some() {
            let rows = (first as u32..(first + count) as u32).filter(|&row| !ask.keeps(self.vectors.id(row)));
            refused.extend(rows.map(ItemId));
        }
    }

    /// Best first; nearness of finite vectors may overflow to an infinity, but two of them never meet as NaN.
    fn select(best: &mut Vec<Scored>, k: usize, first: usize, scores: &mut [f32], refused: &[ItemId]) {
        if kernel::select(best, k, first as u32, scores, refused).is_err() {
            // ∞ − ∞ inside a dot product: such a row is as far as can be.
            scores.iter_mut().filter(|score| score.is_nan()).for_each(|score| *score = f32::NEG_INFINITY);
            best.retain(|scored| (scored.item.index()) < first);
            let selected = kernel::select(best, k, first as u32, scores, refused);
            debug_assert!(selected.is_ok(), "no score is NaN any more");
        }
    }

    /// The queries of a block, each as its row in `prepared`.
    fn batch(&self, prepared: &Matrix, ask: &Ask<'_>) -> Vec<Vec<Neighbor>> {
        let (count, width) = (prepared.rows(), prepared.cols());
        let k = ask.k.min(self.len());
        let wanted = k.saturating_add(SPARE);
        let mut best: Vec<Vec<Scored>> = vec![Vec::new(); count];
        let mut scores = vec![0.0; count * self.len().min(TILE.1)];
        let mut refused = Vec::new();
        for first in (0..self.len()).step_by(TILE.1) {
            let rows = TILE.1.min(self.len() - first);
            let block = View::new(&self.vectors.rows().as_slice()[first * width..], rows, width);
            let scores = &mut scores[..count * rows];
            gemm(
                1.0,
                View::from(prepared),
                block.transposed(),
                0.0,
                ViewMut::new(scores, count, rows),
                false,
            );
            self.refuse(ask, first, rows, &mut refused);
            for (scores, best) in scores.chunks_exact_mut(rows).zip(&mut best) {
                if let Some(norms) = self.half_norms.get(first..first + rows) {
                    scores.iter_mut().zip(norms).for_each(|(score, norm)| *score -= norm);
                }
                Self::select(best, wanted, first, scores, &refused);
            }
        }
        let longest = self.half_norms.iter().copied().fold(0.0, f32::max);
        let (mut scores, mut refused) = (Vec::new(), Vec::new());
        let of_query = |(query, mut best): (usize, Vec<Scored>)| {
            let (query, last) =
                (prepared.row(query), best.get(wanted.wrapping_sub(1)).map(|last| last.score));
            self.compare_again(query, k, &mut best);
            let nearest = best.last().map_or(f32::NEG_INFINITY, |last| last.score);
            if last.is_some_and(|last| !self.vectors.metric().is_sure(query, longest, last, nearest)) {
                best.clear();
                self.select_all(k, ask, (&mut scores, &mut refused), &mut best, |first, scores| {
                    self.score_block(query, first, scores);
                });
            }
            best.iter().map(|row| self.neighbor(row)).collect()
        };
        best.into_iter().enumerate().map(of_query).collect()
    }

    /// The queries of a block by short vectors, each as its row in `prepared`.
    fn batch_short(&self, short: &Short, prepared: &Matrix, ask: &Ask<'_>) -> Vec<Vec<Neighbor>> {
        let k = ask.k.min(self.len());
        let wanted = self.storage().wanted(ask, k, self.len());
        let mut queries = vec![ShortQuery::default(); prepared.rows()];
        let rows = queries.iter_mut().enumerate();
        rows.for_each(|(place, query)| short.write_query(prepared.row(place), query));
        let mut together = ShortQueries::default();
        together.fill(short, queries.iter());
        let mut best: Vec<Vec<Scored>> = vec![Vec::new(); queries.len()];
        let (mut scores, mut refused) = (Vec::new(), Vec::new());
        for first in (0..self.len()).step_by(storage::TILE.1) {
            let rows = storage::TILE.1.min(self.len() - first);
            together.score(short, first..first + rows, &mut scores);
            self.refuse(ask, first, rows, &mut refused);
            for (scores, best) in scores.chunks_exact_mut(rows).zip(&mut best) {
                Self::select(best, wanted, first, scores, &refused);
            }
        }
        let of_query = |(query, mut best): (usize, Vec<Scored>)| {
            if self.storage() == Storage::Int8Reranked {
                self.compare_again(prepared.row(query), k, &mut best);
            }
            best.iter().map(|row| self.neighbor(row)).collect()
        };
        best.into_iter().enumerate().map(of_query).collect()
    }

    /// Leaves the `wanted` best of all rows that are kept in `best`; `score` is told a block's first row.
    fn select_all(
        &self,
        wanted: usize,
        ask: &Ask<'_>,
        (scores, refused): (&mut Vec<f32>, &mut Vec<ItemId>),
        best: &mut Vec<Scored>,
        score: impl Fn(usize, &mut [f32]),
    ) {
        for first in (0..self.len()).step_by(BLOCK) {
            let count = BLOCK.min(self.len() - first);
            scores.resize(count, 0.0);
            score(first, scores);
            self.refuse(ask, first, count, refused);
            Self::select(best, wanted, first, scores, refused);
        }
    }

    /// Leaves the `k` nearest of some rows, in the order of their distances.
    fn compare_again(&self, query: &[f32], k: usize, best: &mut Vec<Scored>) -> u64 {
        for row in best.iter_mut() {
            let nearness = self.vectors.metric().nearness(query, self.vectors.row(row.item.0));
            row.score = if nearness.is_nan() { f32::NEG_INFINITY } else { nearness };
        }
        best.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        let compared = best.len() as u64;
        best.truncate(k);
        compared
    }

    fn neighbor(&self, row: &Scored) -> Neighbor {
        Neighbor { id: self.vectors.id(row.item.0), score: self.vectors.metric().score(row.score) }
    }
}

impl Index for FlatIndex {
    fn len(&self) -> usize {
        self.count
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric()
    }

    fn bytes(&self) -> u64 {
        let short = self.short.as_ref().map_or(0, Short::bytes);
        self.vectors.bytes() + self.half_norms.len() as u64 * 4 + short
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, short: short_query, scores, refused, best, .. } = scratch;
        self.vectors.prepare(query, prepared)?;
        out.clear();
        best.clear();
        if ask.k == 0 {
            return Ok(Work::default());
        }
        let k = ask.k.min(self.len());
        let wanted = self.storage().wanted(ask, k, self.len());
        self.short.iter().for_each(|short| short.write_query(prepared, short_query));
        self.select_all(wanted, ask, (scores, refused), best, |first, scores| match &self.short {
            Some(short) => Self::score_short(short, short_query, first, scores),
            None => self.score_block(prepared, first, scores),
        });
        let is_reranked = self.storage() == Storage::Int8Reranked;
        let again = if is_reranked { self.compare_again(prepared, k, best) } else { 0 };
        out.extend(best.iter().map(|row| self.neighbor(row)));
        Ok(Work { distances: self.len() as u64 + again })
    }

    fn search_batch(&self, queries: &Matrix, ask: &Ask<'_>) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        if ask.k == 0 || self.is_empty() {
            self.vectors.prepare_all(queries, 0, queries.rows())?;
            return Ok(vec![Vec::new(); queries.rows()]);
        }
        let most = self.short.as_ref().map_or(TILE.0, |_| storage::TILE.0);
        let together = even_blocks(queries.rows(), most);
        search_blocks(queries.rows(), together, |first| {
            let count = together.min(queries.rows() - first);
            let prepared = self.vectors.prepare_all(queries, first, count)?;
            Ok(match &self.short {
                Some(short) => self.batch_short(short, &prepared, ask),
                None => self.batch(&prepared, ask),
            })
        })
    }
}
