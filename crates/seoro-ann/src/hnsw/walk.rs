//! The search of one layer: algorithm 2 of the paper.
//!
//! The paper keeps a heap of candidates beside a heap of results. Here both are one sorted list of at most `ef` entries,
//! each marked once it was expanded (as in NSG, Fu et al., VLDB 2019): the candidates that fall off its end are those at
//! which the paper's loop would stop, so the results are the same, and a short sorted list is faster than two heaps.

use super::layer::Layer;
use crate::reservoir::Reservoir;
use seoro_core::kernel;

/// The mark of an entry that was expanded: the number of vectors is below it.
const DONE: u32 = 1 << 31;

/// A node and how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// Smaller is nearer; never NaN.
    pub(crate) cost: f32,
    node: u32,
}

impl Found {
    pub(crate) fn new(cost: f32, node: u32) -> Self {
        Self { cost, node }
    }

    pub(crate) fn node(self) -> u32 {
        self.node & !DONE
    }
}

/// Working memory of walks over graphs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// The nearest found so far, nearest first; of equally near ones the first found.
    pub(crate) found: Vec<Found>,
    /// Distances computed since it was last set to 0.
    pub(crate) distances: u64,
    /// The epoch in which a node was last visited.
    visited: Vec<u8>,
    epoch: u8,
    fresh: Vec<u32>,
    /// Of the fresh ones those that may be near enough, and how far they are at least.
    promising: Vec<Found>,
    /// What was found before it is compared again.
    roughly: Vec<Found>,
    /// The nearest when they were compared again.
    best: Reservoir,
}

/// How far the vectors of nodes are.
pub(crate) trait Cost {
    /// Whether there is a bound that is cheaper than the distance.
    const BOUNDED: bool = false;
    /// The whole distance where it is at most the limit, else any number above the limit.
    fn of(&self, vector: u32, limit: f32) -> f32;
    /// At least how far it is.
    fn bound(&self, _vector: u32) -> f32 {
        f32::NEG_INFINITY
    }
    /// Asks for what is read first: the bound's part, or the start of the vector.
    fn prefetch(&self, vector: u32);
    /// Asks for the start of the vector, where it is not what is read first.
    fn prefetch_whole(&self, _vector: u32) {}
}

/// How many vectors are asked for before they are compared.
const AHEAD: usize = 4;

impl Walk {
    fn start(&mut self, nodes: usize) {
        self.found.clear();
        self.visited.resize(nodes.max(self.visited.len()), 0);
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.visited.fill(0);
            self.epoch = 1;
        }
    }

    /// Leaves the (about) `ef` nearest nodes of a layer in `found`, walking from `entries` (algorithm 2).
    pub(crate) fn search(&mut self, layer: &Layer, cost: &impl Cost, entries: &[u32], ef: usize) {
        self.start(layer.len());
        for &entry in entries {
            self.visited[entry as usize] = self.epoch;
            self.distances += 1;
            self.offer(cost.of(layer.vector(entry), f32::INFINITY), entry, ef);
        }
        let mut next = 0;
        while let Some(found) = self.found.get_mut(next) {
            if found.node & DONE != 0 {
                next += 1;
                continue;
            }
            let node = found.node;
            found.node |= DONE;
            if let Some(after) = self.found.get(next + 1) {
                kernel::prefetch(layer.links(after.node()));
            }
            self.gather(layer, node);
            next = self.expand(layer, cost, ef, next + 1);
        }
    }

    /// Takes the neighbours that were not visited yet to `fresh`.
    #[inline]
    fn gather(&mut self, layer: &Layer, node: u32) {
        let links = layer.linked(node);
        // Each is written and only counted where it is fresh: nobody can guess the branch this saves.
        self.fresh.resize(links.len(), 0);
        let mut count = 0;
        for &link in links {
            let seen = &mut self.visited[link as usize];
            self.fresh[count] = link;
            count += usize::from(*seen != self.epoch);
            *seen = self.epoch;
        }
        self.fresh.truncate(count);
    }

    /// Offers the gathered nodes; where the list is to be read on.
    #[inline]
    fn expand<C: Cost>(&mut self, layer: &Layer, cost: &C, ef: usize, mut next: usize) -> usize {
        let fresh = std::mem::take(&mut self.fresh);
        fresh.iter().take(AHEAD).for_each(|&node| cost.prefetch(layer.vector(node)));
        self.promising.clear();
        for (place, &node) in fresh.iter().enumerate() {
            if let Some(&ahead) = fresh.get(place + AHEAD) {
                cost.prefetch(layer.vector(ahead));
            }
            if C::BOUNDED {
                let least = cost.bound(layer.vector(node));
                if least <= self.limit(ef) {
                    cost.prefetch_whole(layer.vector(node));
                    self.promising.push(Found::new(least, node));
                }
            } else {
                let far = cost.of(layer.vector(node), self.limit(ef));
                next = next.min(self.offer_of(layer, far, node, ef));
            }
        }
        self.distances += (fresh.len() + self.promising.len()) as u64;
        self.fresh = fresh;
        if C::BOUNDED {
            let promising = std::mem::take(&mut self.promising);
            for &Found { cost: least, node } in &promising {
                if least <= self.limit(ef) {
                    let far = cost.of(layer.vector(node), self.limit(ef));
                    next = next.min(self.offer_of(layer, far, node, ef));
                }
            }
            self.promising = promising;
        }
        next
    }

    /// Compares what was found again, and leaves the `k` nearest of its `most` nearest, and some that are not, in no order.
    pub(crate) fn compare_again<C: Cost>(&mut self, cost: &C, most: usize, k: usize) {
        if self.found.len() > most {
            self.found.select_nth_unstable_by(most, |a, b| a.cost.total_cmp(&b.cost));
            self.found.truncate(most);
        }
        std::mem::swap(&mut self.found, &mut self.roughly);
        self.found.clear();
        self.best.begin(k);
        let roughly = std::mem::take(&mut self.roughly);
        roughly.iter().take(AHEAD).for_each(|found| cost.prefetch_whole(found.node()));
        for (place, found) in roughly.iter().enumerate() {
            if let Some(ahead) = roughly.get(place + AHEAD) {
                cost.prefetch_whole(ahead.node());
            }
            let needed = self.best.needed();
            let limit = if needed.is_nan() { f32::INFINITY } else { -needed };
            self.distances += u64::from(C::BOUNDED);
            if C::BOUNDED && cost.bound(found.node()) > limit {
                continue;
            }
            self.distances += 1;
            let far = cost.of(found.node(), limit);
            // Equally far ones too: the caller orders them.
            if far <= limit {
                self.best.offer(-far, found.node());
                self.found.push(Found::new(far, found.node()));
            }
        }
        self.roughly = roughly;
    }

    /// How far a node may be at most to be kept.
    #[inline]
    fn limit(&self, ef: usize) -> f32 {
        if self.found.len() < ef { f32::INFINITY } else { self.worst() }
    }

    #[inline]
    fn worst(&self) -> f32 {
        self.found.last().map_or(f32::INFINITY, |found| found.cost)
    }

    /// [`Walk::offer`] of a node that may be expanded soon.
    #[inline]
    fn offer_of(&mut self, layer: &Layer, cost: f32, node: u32, ef: usize) -> usize {
        let place = self.offer(cost, node, ef);
        if place != usize::MAX {
            kernel::prefetch(layer.links(node));
        }
        place
    }

    /// Keeps a node if it is among the `ef` nearest; its place, or the largest number.
    #[inline]
    fn offer(&mut self, cost: f32, node: u32, ef: usize) -> usize {
        if self.found.len() >= ef {
            if cost >= self.worst() {
                return usize::MAX;
            }
            self.found.pop();
        }
        let place = self.found.partition_point(|found| found.cost <= cost);
        self.found.insert(place, Found { cost, node });
        place
    }

    /// The nearest node of a layer by greedy steps: algorithm 2 with `ef` 1.
    pub(crate) fn descend<C: Cost>(&mut self, layer: &Layer, cost: &C, entry: u32) -> u32 {
        let (mut nearest, mut least) = (entry, cost.of(layer.vector(entry), f32::INFINITY));
        self.distances += 1;
        loop {
            let from = nearest;
            layer.linked(from).iter().for_each(|&link| cost.prefetch(layer.vector(link)));
            for &link in layer.linked(from) {
                self.distances += 1;
                let vector = layer.vector(link);
                if C::BOUNDED && cost.bound(vector) > least {
                    continue;
                }
                let far = cost.of(vector, least);
                if far < least {
                    (nearest, least) = (link, far);
                }
            }
            if nearest == from {
                return nearest;
            }
        }
    }
}
