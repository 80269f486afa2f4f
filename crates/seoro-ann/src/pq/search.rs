//! Searching codes.

use super::Tables;
use super::coded::Coded;
use super::fast::{self, Scale};
use crate::arrange::reorder;
use crate::ivf::{Plan, Probing, Tiles, block_of, scan, search_lists};
use crate::reservoir::{Candidate, Reservoir};
use crate::{Ask, Metric, Neighbor, Scratch, SearchError, Work};
use seoro_core::{Matrix, kernel};
use std::ops::Range;

/// How many vectors are scanned at once: their scores stay in the first-level cache.
const TILE: usize = 1024;

/// From how many queries a list on average a batch is worth going list by list.
const WORTH_A_BATCH: usize = 4;

/// How many numbers a product of matrices multiplies in the time of one look into a table of 8-bit words.
const PRODUCTS_A_LOOK: usize = 12;

impl Coded {
    /// How many of the best by codes are compared again.
    fn again(&self, ask: &Ask<'_>, k: usize) -> usize {
        let is_kept = self.vectors.len() == self.len();
        match ask.rerank.unwrap_or(self.rerank) {
            0 => 0,
            again if is_kept => again.max(k).min(self.len()),
            _ => 0,
        }
    }

    /// Writes the query as it is compared with codes, rotated where they are: itself, or what its code stands for.
    fn compared(&self, query: &mut [f32], products: &mut Vec<f32>) {
        if let Some(rotation) = &self.rotation {
            rotation.turn(query, products);
        }
        self.as_known(query, products);
    }

    fn as_known(&self, query: &mut [f32], products: &mut Vec<f32>) {
        if self.tables == Tables::Symmetric {
            self.as_code(query, products);
        }
    }

    /// The query as it is compared with the vectors that are kept.
    fn arranged<'a>(&self, query: &'a [f32], held: &'a mut Vec<f32>) -> &'a [f32] {
        if self.order.is_empty() {
            return query;
        }
        held.resize(query.len(), 0.0);
        reorder(&self.order, query, held);
        held
    }

    pub(super) fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, centred, scores: compared, probing: work, .. } = scratch;
        self.vectors.prepare(query, prepared)?;
        out.clear();
        let k = ask.k.min(self.len());
        if k == 0 {
            return Ok(Work::default());
        }
        compared.clone_from(prepared);
        let again = self.again(ask, k);
        let mut best = std::mem::take(&mut work.best);
        best.begin(again.max(k));
        let (mut products, mut bytes) = (std::mem::take(&mut work.tables), std::mem::take(&mut work.bytes));
        self.compared(compared, &mut products);
        bytes.resize(self.table_bytes(), 0);
        let scale = self.tables(compared, &mut products, &mut bytes);
        let mut distances = self.coarse.lists();
        let effort = ask.effort.unwrap_or(self.probe);
        self.coarse.visit(compared, effort, again.max(k), work, |work, list, base| {
            let scale = Scale { base: scale.base + base, ..scale };
            let kept = self.visit(list, &products, &bytes, scale, ask, &mut best, work);
            distances += kept;
            kept
        });
        let arranged = self.arranged(prepared, centred);
        distances += self.finish(arranged, compared, (&mut best, &mut work.again), k, again, out);
        (work.best, work.tables, work.bytes) = (best, products, bytes);
        Ok(Work { distances: distances as u64 })
    }

    /// Offers the vectors of a list that are kept; returns how many those are.
    #[allow(clippy::too_many_arguments)] // The parts of a query's tables.
    fn visit(
        &self,
        list: u32,
        products: &[f32],
        bytes: &[u8],
        scale: Scale,
        ask: &Ask<'_>,
        best: &mut Reservoir,
        work: &mut Probing,
    ) -> usize {
        let (places, mut kept) = (self.coarse.list(list), 0);
        for first in places.clone().step_by(TILE) {
            let tile = first..places.end.min(first + TILE);
            self.score(list, tile.clone(), products, bytes, scale, work);
            let scores = &work.scores[..tile.len()];
            if ask.filter.is_none() {
                kept += tile.len();
                best.offer_block(scores, tile.start as u32);
                continue;
            }
            for (place, &score) in tile.zip(scores) {
                if ask.keeps(self.id(place as u32)) {
                    kept += 1;
                    best.offer(score, place as u32);
                }
            }
        }
        kept
    }

    /// Writes the nearness of some places of a list, which begin at a block, by a query's tables.
    fn score(
        &self,
        list: u32,
        places: Range<usize>,
        products: &[f32],
        bytes: &[u8],
        scale: Scale,
        work: &mut Probing,
    ) {
        let less = self.half_norms.get(places.clone()).unwrap_or(&[]);
        if !self.blocks.is_empty() {
            let blocks = self.blocks_of(list, &places);
            return fast::scan(bytes, blocks, scale, places.len(), less, &mut work.sums, &mut work.scores);
        }
        let parts = self.quantiser.parts();
        work.scores.resize(places.len(), 0.0);
        look_up(products, &self.codes[places.start * parts..places.end * parts], parts, &mut work.scores);
        work.scores.iter_mut().for_each(|score| *score += scale.base);
        work.scores.iter_mut().zip(less).for_each(|(score, less)| *score -= less);
    }

    fn id(&self, place: u32) -> u64 {
        self.vectors.id(self.row(place))
    }

    /// Appends the `k` best of those in the first reservoir, by exact vectors where they are compared `again`, in the second;
    /// how many were.
    fn finish(
        &self,
        query: &[f32],
        compared: &[f32],
        (found, compared_again): (&mut Reservoir, &mut Reservoir),
        k: usize,
        again: usize,
        out: &mut Vec<Neighbor>,
    ) -> usize {
        let metric = self.vectors.metric();
        let square = kernel::dot(compared, compared);
        let nearness = |score: f32| match metric {
            // ∞ − ∞: as far as can be.
            Metric::SquaredL2 if (square - 2.0 * score).is_nan() => f32::NEG_INFINITY,
            Metric::SquaredL2 => -(square - 2.0 * score).max(0.0),
            Metric::InnerProduct | Metric::Cosine => score,
        };
        let mut exact = 0;
        let best = if again == 0 {
            let best = found.kept();
            best.iter_mut().for_each(|found| {
                *found = Candidate { score: nearness(found.score), place: self.row(found.place) };
            });
            best
        } else {
            let found = found.sorted();
            exact = again.min(found.len());
            self.vectors.compare_again(query, &found[..exact], k, compared_again, |place| self.row(place));
            compared_again.kept()
        };
        best.sort_unstable_by(Candidate::order);
        out.extend(
            best.iter()
                .take(k)
                .map(|found| Neighbor { id: self.vectors.id(found.place), score: metric.score(found.score) }),
        );
        exact
    }

    /// [`Coded::search`] for many queries list by list; nothing where one by one is faster.
    pub(super) fn search_batch(
        &self,
        queries: &Matrix,
        ask: &Ask<'_>,
    ) -> Option<Result<Vec<Vec<Neighbor>>, SearchError>> {
        let probe = ask.effort.unwrap_or(self.probe).min(self.coarse.lists());
        let visits = block_of(queries.rows()).min(queries.rows()).saturating_mul(probe);
        let is_by_products = self.blocks.is_empty();
        let width = self.vectors.rows().cols();
        if visits < WORTH_A_BATCH * self.coarse.lists()
            || (is_by_products && width > PRODUCTS_A_LOOK * self.quantiser.parts())
        {
            return None;
        }
        Some(search_lists(queries, |first, count| self.batch(queries, first, count, ask)))
    }

    /// The `count` queries from `first` on.
    fn batch(
        &self,
        queries: &Matrix,
        first: usize,
        count: usize,
        ask: &Ask<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        let prepared = self.vectors.prepare_all(queries, first, count)?;
        let mut compared =
            self.rotation.as_ref().map_or_else(|| prepared.clone(), |rotation| rotation.turn_all(&prepared));
        let mut products = Vec::new();
        (0..count).for_each(|place| self.as_known(compared.row_mut(place), &mut products));
        let k = ask.k.min(self.len());
        let again = self.again(ask, k);
        let wanted = again.max(k);
        let plan = Plan::new(&self.coarse, &compared, ask.effort.unwrap_or(self.probe), wanted);
        let mut best = vec![Reservoir::default(); count];
        best.iter_mut().for_each(|best| best.begin(wanted));
        if self.blocks.is_empty() {
            scan(&self.coarse, &plan, &compared, &self.half_norms, &mut best, self);
        } else {
            self.scan_fast(&plan, &compared, &mut best);
        }
        let (mut second, mut held) = (Reservoir::default(), Vec::new());
        let finish = |(place, best): (usize, &mut Reservoir)| {
            let (mut out, best) = (Vec::with_capacity(k), (best, &mut second));
            let arranged = self.arranged(prepared.row(place), &mut held);
            self.finish(arranged, compared.row(place), best, k, again, &mut out);
            out
        };
        Ok(best.iter_mut().enumerate().map(finish).collect())
    }

    /// Offers the vectors of the lists visited by their words of 4 bits.
    fn scan_fast(&self, plan: &Plan, queries: &Matrix, best: &mut [Reservoir]) {
        let (size, mut work) = (self.table_bytes(), Probing::default());
        let mut bytes = vec![0; size * queries.rows()];
        let scales: Vec<Scale> = (0..queries.rows())
            .map(|query| {
                let bytes = &mut bytes[query * size..(query + 1) * size];
                self.tables(queries.row(query), &mut work.tables, bytes)
            })
            .collect();
        for (list, places, visits) in plan.lists(&self.coarse) {
            for first in places.clone().step_by(TILE) {
                let tile = first..places.end.min(first + TILE);
                for visit in visits {
                    let query = visit.query as usize;
                    let scale = Scale { base: scales[query].base + visit.base, ..scales[query] };
                    let bytes = &bytes[query * size..(query + 1) * size];
                    self.score(list, tile.clone(), &[], bytes, scale, &mut work);
                    best[query].offer_block(&work.scores[..tile.len()], tile.start as u32);
                }
            }
        }
    }
}

impl Tiles for Coded {
    fn tile<'a>(&'a self, list: u32, places: Range<usize>, decoded: &'a mut Vec<f32>) -> &'a [f32] {
        self.decode(list, places, decoded);
        decoded
    }
}

/// Writes `Σ products[part][code]` for each code: four at a time, so that additions do not wait for each other.
fn look_up(products: &[f32], codes: &[u8], parts: usize, out: &mut [f32]) {
    let (tables, _) = products.as_chunks::<256>();
    if parts == 0 {
        return out.fill(0.0);
    }
    let mut fours = codes.chunks_exact(4 * parts);
    let mut outs = out.chunks_exact_mut(4);
    for (codes, out) in fours.by_ref().zip(outs.by_ref()) {
        let ((a, b), (c, d)) = {
            let (left, right) = codes.split_at(2 * parts);
            (left.split_at(parts), right.split_at(parts))
        };
        let mut sums = [0.0; 4];
        for ((((table, &a), &b), &c), &d) in tables.iter().zip(a).zip(b).zip(c).zip(d) {
            sums[0] += table[usize::from(a)];
            sums[1] += table[usize::from(b)];
            sums[2] += table[usize::from(c)];
            sums[3] += table[usize::from(d)];
        }
        out.copy_from_slice(&sums);
    }
    let rest = fours.remainder().chunks_exact(parts);
    for (code, out) in rest.zip(outs.into_remainder()) {
        *out = tables.iter().zip(code).map(|(table, &word)| table[usize::from(word)]).sum();
    }
}
