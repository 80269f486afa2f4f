//! Searching a forest.

use super::ForestIndex;
use super::tree::LEAF;
use crate::{Ask, Index, Metric, Neighbor, Scratch, SearchError, Work};
use seoro_core::{ItemId, Scored, kernel};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Working memory of searches in forests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Working {
    /// When each row was last gathered: in a byte, so that rows which are not are told from the cache.
    seen: Vec<u8>,
    /// The number of this search, since the last time that all were forgotten.
    now: u8,
    queue: BinaryHeap<Subspace>,
    gathered: Vec<u32>,
    bounds: Vec<f32>,
    order: Vec<f32>,
    best: BinaryHeap<Farthest>,
}

/// A subspace to visit: the nearest first.
#[derive(Clone, Copy, Debug)]
struct Subspace {
    /// The sum of squares of the margins it was missed by.
    missed: f32,
    tree: u32,
    node: u32,
}

impl Ord for Subspace {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |space: &Self| (space.tree, space.node);
        other.missed.total_cmp(&self.missed).then_with(|| place(other).cmp(&place(self)))
    }
}

impl PartialOrd for Subspace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Subspace {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Subspace {}

/// A row found, the farthest first, of equally far ones the last.
#[derive(Clone, Copy, Debug)]
struct Farthest(Scored);

impl Ord for Farthest {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.score.total_cmp(&self.0.score).then(self.0.item.cmp(&other.0.item))
    }
}

impl PartialOrd for Farthest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Farthest {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Farthest {}

impl Working {
    /// Begins a search among `rows` rows.
    fn begin(&mut self, rows: usize) {
        if self.seen.len() < rows {
            self.seen.resize(rows, 0);
        }
        self.now = self.now.wrapping_add(1);
        if self.now == 0 {
            self.seen.fill(0);
            self.now = 1;
        }
        self.queue.clear();
        self.gathered.clear();
        self.best.clear();
    }

    /// Gathers those of `rows` that this search has not seen.
    fn take_unseen(&mut self, rows: &[u32]) {
        let start = self.gathered.len();
        self.gathered.resize(start + rows.len(), 0);
        // Written always and kept by the count: whether a row is new is anyone's guess, also the processor's.
        let (room, mut len) = (&mut self.gathered[start..], 0);
        for &row in rows {
            let seen = &mut self.seen[row as usize];
            room[len] = row;
            len += usize::from(*seen != self.now);
            *seen = self.now;
        }
        self.gathered.truncate(start + len);
    }

    /// Drops the rows gathered from place `start` on that are not to be kept.
    fn keep(&mut self, start: usize, keeps: impl Fn(u32) -> bool) {
        let mut len = start;
        for place in start..self.gathered.len() {
            if keeps(self.gathered[place]) {
                self.gathered.swap(len, place);
                len += 1;
            }
        }
        self.gathered.truncate(len);
    }

    /// Takes a row in if it is among the `k` nearest.
    #[inline]
    fn offer(&mut self, k: usize, row: u32, nearness: f32) {
        // ∞ − ∞ inside a product: as far as can be.
        let score = if nearness.is_nan() { f32::NEG_INFINITY } else { nearness };
        let offered = Farthest(Scored { item: ItemId(row), score });
        if self.best.len() < k {
            self.best.push(offered);
        } else if let Some(mut worst) = self.best.peek_mut()
            && offered < *worst
        {
            *worst = offered;
        }
    }

    /// The nearness that is needed to be among the `k` nearest.
    #[inline]
    fn needed(&self, k: usize) -> f32 {
        match self.best.peek() {
            Some(worst) if self.best.len() == k => worst.0.score,
            _ => f32::NEG_INFINITY,
        }
    }
}

impl ForestIndex {
    /// Gathers the rows of the nearest leaves, `effort` of them or all there are.
    fn gather(&self, query: &[f32], effort: usize, ask: &Ask<'_>, work: &mut Working) {
        let (width, scale) = (query.len(), self.scale(query));
        let roots = self.trees.iter().enumerate();
        work.queue.extend(roots.map(|(tree, own)| Subspace {
            missed: 0.0,
            tree: tree as u32,
            node: own.root,
        }));
        while let Some(Subspace { missed, tree, mut node }) = work.queue.pop() {
            if let Some(next) = work.queue.peek() {
                self.trees[next.tree as usize].prefetch(next.node, width);
            }
            let own = &self.trees[tree as usize];
            while node & LEAF == 0 {
                let split = &own.splits[node as usize];
                // Either is asked for next, or stands in the queue.
                split.children.into_iter().for_each(|child| own.prefetch(child, width));
                let margin = scale * kernel::dot(own.plane(node, width), query) - split.offset;
                let near = usize::from(margin > 0.0);
                // What overflows is on neither side.
                let by = if margin.is_nan() { 0.0 } else { margin * margin };
                let far = Subspace { missed: missed + by, tree, node: split.children[1 - near] };
                work.queue.push(far);
                node = split.children[near];
            }
            let before = work.gathered.len();
            work.take_unseen(own.leaf(node & !LEAF));
            if ask.filter.is_some() {
                work.keep(before, |row| ask.keeps(self.id(row)));
            }
            if work.gathered.len() >= effort {
                return;
            }
        }
    }

    /// What makes a query as long as the vectors under the inner product, where only its direction matters.
    fn scale(&self, query: &[f32]) -> f32 {
        match self.vectors.metric() {
            Metric::InnerProduct => {
                let length = super::length(query);
                let scale = self.radius / length;
                if scale.is_finite() { scale } else { 0.0 }
            }
            Metric::Cosine | Metric::SquaredL2 => 1.0,
        }
    }

    /// Compares what is gathered; returns how many comparisons that took.
    fn compare(&self, query: &[f32], own: &[f32], k: usize, slack: f32, work: &mut Working) -> u64 {
        let metric = self.vectors.metric();
        let gathered = std::mem::take(&mut work.gathered);
        let mut compared = 0;
        let mut exact = |work: &mut Working, row: u32| {
            compared += 1;
            let nearness = metric.nearness(query, self.vectors.row(row));
            // What a row was given as is read of near ones only; never true of what is not a number.
            let is_too_far = nearness < work.needed(k);
            if !is_too_far {
                work.offer(k, self.given[row as usize], nearness);
            }
        };
        match &self.head {
            Some(head) if gathered.len() > k => {
                let mut bounds = std::mem::take(&mut work.bounds);
                bounds.clear();
                bounds.extend(head.rows().ahead(&gathered, |row| row).map(|row| head.bound(own, row)));
                work.order.clear();
                work.order.extend_from_slice(&bounds);
                let (_, &mut first, _) = work.order.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
                // The most promising first, so that the others are held to near ones.
                let promising = |bound: f32| bound.total_cmp(&first).is_ge();
                let pairs = || gathered.iter().zip(&bounds);
                pairs().filter(|pair| promising(*pair.1)).for_each(|(&row, _)| exact(work, row));
                for (&row, &bound) in pairs().filter(|pair| !promising(*pair.1)) {
                    // Never true of what is not a number, which bounds nothing away.
                    let is_too_far = bound + slack < work.needed(k);
                    if !is_too_far {
                        exact(work, row);
                    }
                }
                compared += gathered.len() as u64;
                work.bounds = bounds;
            }
            _ => self.vectors.rows().ahead(&gathered, |row| row).for_each(|row| exact(work, row)),
        }
        work.gathered = gathered;
        compared
    }
}

impl Index for ForestIndex {
    fn len(&self) -> usize {
        self.vectors.len() - self.free.len()
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric()
    }

    fn bytes(&self) -> u64 {
        let heads = self.head.as_ref().map_or(0, |head| head.bytes());
        let names = self.names.as_ref().map_or(0, |names| names.capacity() as u64 * 17);
        let trees: u64 = self.trees.iter().map(|tree| tree.bytes()).sum();
        let numbers = (self.given.len() + self.extra.len() + self.free.len()) as u64 * 4;
        self.vectors.bytes() + heads + names + trees + numbers
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, centred, head, forest: work, .. } = scratch;
        self.vectors.prepare(query, prepared)?;
        out.clear();
        let k = ask.k.min(self.len());
        if k == 0 {
            return Ok(Work::default());
        }
        work.begin(self.vectors.len());
        let effort = ask.effort.unwrap_or(self.recipe.effort).max(k);
        let mut slack = 0.0;
        if let Some(own) = &self.head {
            slack = own.write_query(prepared, centred, head);
            self.gather(head, effort, ask, work);
        } else {
            self.gather(prepared, effort, ask, work);
        }
        let distances = self.compare(prepared, head, k, slack, work);
        // Emptied from the farthest on.
        while let Some(Farthest(Scored { item, score })) = work.best.pop() {
            out.push(Neighbor { id: self.vectors.id(item.0), score: self.vectors.metric().score(score) });
        }
        out.reverse();
        Ok(Work { distances })
    }
}
