//! Many queries list by list: a list is read once for all that visit it, and compared by a product of matrices.

use super::Coarse;
use crate::index::{even_blocks, search_blocks};
use crate::reservoir::{Candidate, Reservoir};
use crate::storage::{self, Short, ShortQueries, ShortQuery};
use crate::{Neighbor, SearchError};
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Matrix, kernel};
use std::ops::Range;

/// How many queries are taken together at most: enough of them visit the same list.
const QUERIES: usize = 2048;

/// How many queries and vectors are multiplied at once: products that stay in the second-level cache.
const TILE: (usize, usize) = (128, 512);

/// From how many queries on a list is worth a product of matrices.
const WORTH_A_PRODUCT: usize = 3;

/// From how many queries on a list of short vectors is worth a panel of 16.
const WORTH_A_PANEL: usize = 5;

/// How many queries a block has: whole tiles, so that lists are ranked by the same products whatever the blocks are.
pub(crate) fn block_of(queries: usize) -> usize {
    even_blocks(queries, QUERIES).next_multiple_of(TILE.0)
}

/// The answers to queries that are searched block by block, the blocks on all cores; `block` is told its first and how many
/// it has.
pub(crate) fn search_lists(
    queries: &Matrix,
    block: impl Fn(usize, usize) -> Result<Vec<Vec<Neighbor>>, SearchError> + Send + Sync,
) -> Result<Vec<Vec<Neighbor>>, SearchError> {
    let (rows, size) = (queries.rows(), block_of(queries.rows()));
    search_blocks(rows, size, |first| block(first, size.min(rows - first)))
}

/// Which queries visit each list.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Where each list's begin, and the end: `[L + 1]`.
    starts: Vec<u32>,
    visits: Vec<Visit>,
}

/// A query that visits a list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visit {
    pub(crate) query: u32,
    /// The query's product with the list's centroid.
    pub(crate) base: f32,
}

impl Plan {
    /// For each of `queries` the `probe` nearest lists, and more until they hold `wanted` vectors.
    pub(crate) fn new(coarse: &Coarse, queries: &Matrix, probe: usize, wanted: usize) -> Self {
        let (lists, mut chosen) = (coarse.lists(), Vec::new());
        let (mut scores, mut counts) = (Vec::new(), vec![0u32; lists + 1]);
        let mut best = Reservoir::default();
        for first in (0..queries.rows()).step_by(TILE.0) {
            let count = TILE.0.min(queries.rows() - first);
            scores.resize(count * lists, 0.0);
            multiply(queries, first..first + count, coarse.centroids.as_slice(), &mut scores);
            for (query, scores) in scores.chunks_exact_mut(lists.max(1)).enumerate() {
                scores.iter_mut().zip(&coarse.half_norms[..]).for_each(|(score, less)| *score -= less);
                choose(coarse, scores, probe, wanted, &mut best, |list| {
                    let base = list.score + coarse.half_norms[list.place as usize];
                    counts[list.place as usize + 1] += 1;
                    chosen.push((list.place, Visit { query: (first + query) as u32, base }));
                });
            }
        }
        (0..lists).for_each(|list| counts[list + 1] += counts[list]);
        let mut next = counts.clone();
        let mut visits = vec![Visit::default(); chosen.len()];
        for (list, visit) in chosen {
            visits[next[list as usize] as usize] = visit;
            next[list as usize] += 1;
        }
        Self { starts: counts, visits }
    }

    /// The lists that are visited, their places and who visits them.
    pub(crate) fn lists<'a>(
        &'a self,
        coarse: &'a Coarse,
    ) -> impl Iterator<Item = (u32, Range<usize>, &'a [Visit])> {
        (0..coarse.lists() as u32).filter_map(|list| {
            let visits =
                &self.visits[self.starts[list as usize] as usize..self.starts[list as usize + 1] as usize];
            let places = coarse.list(list);
            (!visits.is_empty() && !places.is_empty()).then_some((list, places, visits))
        })
    }
}

/// Where the vectors of lists come from.
pub(crate) trait Tiles {
    /// The vectors at some places of a list, `[P, D′]`, made in `decoded` where they are not there.
    fn tile<'a>(&'a self, list: u32, places: Range<usize>, decoded: &'a mut Vec<f32>) -> &'a [f32];
}

/// Calls `take` with the `probe` best lists, and with the next ones until they hold `wanted` vectors.
fn choose(
    coarse: &Coarse,
    scores: &[f32],
    probe: usize,
    wanted: usize,
    best: &mut Reservoir,
    mut take: impl FnMut(&Candidate),
) {
    let probe = probe.clamp(1, coarse.lists().max(1));
    let mut ranked = probe;
    loop {
        best.begin(ranked);
        best.offer_block(scores, 0);
        let (lists, mut held) = (best.sorted(), 0);
        let mut needed = 0;
        while needed < lists.len() && (needed < probe || held < wanted) {
            held += coarse.list(lists[needed].place).len();
            needed += 1;
        }
        if held >= wanted || ranked >= coarse.lists() {
            return lists[..needed].iter().for_each(&mut take);
        }
        ranked = ranked.saturating_mul(2).min(coarse.lists());
    }
}

/// The products of some queries with rows, `[Q, R]`.
fn multiply(queries: &Matrix, range: Range<usize>, rows: &[f32], out: &mut [f32]) {
    let width = queries.cols();
    if width == 0 {
        return out.fill(0.0);
    }
    let (count, queries) = (range.len(), &queries.as_slice()[range.start * width..range.end * width]);
    let rows = View::new(rows, rows.len() / width, width).transposed();
    let (out_rows, out_cols) = (count, out.len() / count.max(1));
    gemm(1.0, View::new(queries, count, width), rows, 0.0, ViewMut::new(out, out_rows, out_cols), false);
}

/// Offers every vector of the lists visited to its queries' reservoirs, by `q·x − ½‖x‖²` (`half_norms` are empty where
/// only products count).
pub(crate) fn scan(
    coarse: &Coarse,
    plan: &Plan,
    queries: &Matrix,
    half_norms: &[f32],
    best: &mut [Reservoir],
    tiles: &impl Tiles,
) {
    let (width, mut decoded) = (queries.cols(), Vec::new());
    let (mut gathered, mut scores) = (Matrix::default(), Vec::new());
    for (list, places, visits) in plan.lists(coarse) {
        gathered.reset(visits.len(), width);
        for (place, visit) in visits.iter().enumerate() {
            gathered.row_mut(place).copy_from_slice(queries.row(visit.query as usize));
        }
        for first in places.clone().step_by(TILE.1) {
            let tile = first..places.end.min(first + TILE.1);
            let vectors = tiles.tile(list, tile.clone(), &mut decoded);
            for (part, visits) in visits.chunks(TILE.0).enumerate() {
                scores.resize(visits.len() * tile.len(), 0.0);
                let of = part * TILE.0..part * TILE.0 + visits.len();
                if visits.len() < WORTH_A_PRODUCT {
                    for (query, scores) in of.zip(scores.chunks_exact_mut(tile.len())) {
                        kernel::dot_rows(gathered.row(query), vectors, scores);
                    }
                } else {
                    multiply(&gathered, of, vectors, &mut scores);
                }
                for (visit, scores) in visits.iter().zip(scores.chunks_exact_mut(tile.len())) {
                    if let Some(less) = half_norms.get(tile.clone()) {
                        scores.iter_mut().zip(less).for_each(|(score, less)| *score -= less);
                    }
                    best[visit.query as usize].offer_block(scores, tile.start as u32);
                }
            }
        }
    }
}

/// The same by short vectors, with the scores of single searches.
pub(crate) fn scan_short(
    coarse: &Coarse,
    plan: &Plan,
    short: &Short,
    queries: &[ShortQuery],
    best: &mut [Reservoir],
) {
    let (mut together, mut scores) = (ShortQueries::default(), Vec::new());
    for (_, places, visits) in plan.lists(coarse) {
        for visits in visits.chunks(storage::TILE.0) {
            if visits.len() < WORTH_A_PANEL {
                for visit in visits {
                    let (query, best) = (&queries[visit.query as usize], &mut best[visit.query as usize]);
                    for place in places.clone().map(|place| place as u32) {
                        best.offer(short.nearness(query, place), place);
                    }
                }
                continue;
            }
            together.fill(short, visits.iter().map(|visit| &queries[visit.query as usize]));
            for first in places.clone().step_by(storage::TILE.1) {
                let tile = first..places.end.min(first + storage::TILE.1);
                together.score(short, tile.clone(), &mut scores);
                for (visit, scores) in visits.iter().zip(scores.chunks_exact(tile.len())) {
                    best[visit.query as usize].offer_block(scores, tile.start as u32);
                }
            }
        }
    }
}
