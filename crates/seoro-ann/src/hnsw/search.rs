//! The graph as it is served: algorithm 5 of the paper.

use super::Heads;
use super::compare::{Estimated, Headed, Rounded, Stored};
use super::layer::Layer;
use super::walk::{Cost, Found, Walk};
use crate::arrange::reorder;
use crate::head::Head;
use crate::slab::Slab;
use crate::storage::{Short, Storage, reranked};
use crate::vectors::Vectors;
use crate::{Ask, Index, Metric, Neighbor, Scratch, SearchError, Work};

/// A graph that is served: it cannot change any more.
#[derive(Clone, Debug, PartialEq)]
pub struct HnswIndex {
    /// By node; names are by row.
    pub(super) vectors: Vectors,
    /// Of long vectors, by node.
    pub(super) head: Option<Head>,
    pub(super) heads: Heads,
    /// By node, where searches read shorter ones.
    pub(super) short: Option<Short>,
    /// Which row a node was.
    pub(super) rows: Slab<u32>,
    /// Which of a query's numbers stands at each place; in their own order where empty.
    pub(super) places: Slab<u32>,
    pub(super) layers: Vec<Layer>,
    /// On the highest layer.
    pub(super) entry: u32,
    pub(super) ef: usize,
}

impl HnswIndex {
    /// Leaves the (about) `ef` nearest nodes in `walk.found` (algorithm 5).
    fn walk(&self, cost: &impl Cost, ef: usize, walk: &mut Walk) {
        let Some((ground, above)) = self.layers.split_first() else { return };
        let descend = |walk: &mut Walk, node, layer: &Layer| layer.down(walk.descend(layer, cost, node));
        let entry = above.iter().rev().fold(self.entry, |node, layer| descend(walk, node, layer));
        walk.search(ground, cost, &[entry], ef);
    }

    pub(super) fn storage(&self) -> Storage {
        Storage::of(self.short.as_ref(), self.vectors.len())
    }

    /// Leaves all nodes that are kept in `walk.found`.
    fn scan(&self, cost: &impl Cost, ask: &Ask<'_>, walk: &mut Walk) {
        walk.found.clear();
        let nodes = (0..self.rows.len() as u32).filter(|&node| self.keeps(ask, node));
        walk.found.extend(nodes.map(|node| Found::new(cost.of(node, f32::INFINITY), node)));
        walk.distances += walk.found.len() as u64;
    }

    fn keeps(&self, ask: &Ask<'_>, node: u32) -> bool {
        ask.filter.is_none() || ask.keeps(self.vectors.id(self.rows[node as usize]))
    }

    /// Leaves at least `k` nodes that are kept in `walk.found`, or all that there are: more, where no effort is asked for or
    /// a filter keeps few, if they are only `roughly` the nearest.
    fn find(&self, cost: &impl Cost, ask: &Ask<'_>, (k, roughly): (usize, usize), walk: &mut Walk) {
        let k = if ask.effort.is_none() || ask.filter.is_some() {
            k.max(roughly.min(self.rows.len()))
        } else {
            k
        };
        let mut ef = ask.effort.unwrap_or(self.ef).max(k);
        let most = if ask.filter.is_some() { self.rows.len() / SCAN_FROM } else { self.rows.len() - 1 };
        let mut is_first = true;
        while ef < self.rows.len() && (is_first || ef <= most) {
            self.walk(cost, ef, walk);
            if ask.filter.is_some() {
                walk.found.retain(|found| self.keeps(ask, found.node()));
            }
            if walk.found.len() >= k {
                return;
            }
            is_first = false;
            ef = ef.saturating_mul(if ask.filter.is_some() { 4 } else { usize::MAX });
        }
        self.scan(cost, ask, walk);
    }
}

/// A filtered search that would keep more than this part of the nodes compares all that the filter keeps instead.
const SCAN_FROM: usize = 16;

impl Index for HnswIndex {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric()
    }

    fn bytes(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(Layer::bytes).sum();
        let head = self.head.as_ref().map_or(0, Head::bytes);
        let short = self.short.as_ref().map_or(0, Short::bytes);
        self.vectors.bytes() + head + short + layers + (self.rows.len() + self.places.len()) as u64 * 4
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, scores: given, centred, head: own, short: short_query, walk, .. } =
            scratch;
        self.vectors.prepare(query, prepared)?;
        out.clear();
        let k = ask.k.min(self.len());
        if k == 0 {
            return Ok(Work::default());
        }
        if !self.places.is_empty() {
            std::mem::swap(prepared, given);
            prepared.resize(given.len(), 0.0);
            reorder(&self.places, given, prepared);
        }
        walk.distances = 0;
        let whole = Stored { vectors: &self.vectors, head: None }.whole(prepared);
        match (&self.short, &self.head) {
            (Some(short), _) => {
                short.write_query(prepared, short_query);
                let is_reranked = self.storage() == Storage::Int8Reranked;
                let roughly = if is_reranked { reranked(ask, k) } else { k };
                self.find(&Rounded { short, query: short_query }, ask, (k, roughly), walk);
                if is_reranked {
                    walk.compare_again(&whole, reranked(ask, k), k);
                }
            }
            (None, Some(head)) => {
                let slack = head.write_query(prepared, centred, own);
                let headed = Headed { whole, head, query: own, slack };
                match self.heads {
                    Heads::Bound => self.find(&headed, ask, (k, k), walk),
                    Heads::Estimate => {
                        self.find(&Estimated { head, query: own }, ask, (k, reranked(ask, k)), walk);
                        walk.compare_again(&headed, ask.rerank.map_or(usize::MAX, |most| most.max(k)), k);
                    }
                }
            }
            (None, None) => self.find(&whole, ask, (k, k), walk),
        }
        let is_distance = self.metric() == Metric::SquaredL2;
        let by_row = |found: &Found| self.rows[found.node() as usize];
        walk.found.sort_unstable_by(|a, b| a.cost.total_cmp(&b.cost).then_with(|| by_row(a).cmp(&by_row(b))));
        let neighbor = |found: &Found| Neighbor {
            id: self.vectors.id(by_row(found)),
            // Neither is −0 where it is nothing.
            score: if is_distance { found.cost } else { 0.0 - found.cost },
        };
        out.extend(walk.found.iter().take(k).map(neighbor));
        Ok(Work { distances: walk.distances })
    }
}
