//! The graph while it grows: algorithm 1 of the paper, in deterministic batches.

use super::Hnsw;
use super::compare::Stored;
use super::layer::Layer;
use super::select::select;
use super::walk::{Cost, Found, Walk};
use crate::{Build, BuildError};
use rayon::prelude::*;
use seoro_core::Seed;
use std::ops::Range;

/// A batch is at most this share of the nodes already in, so that few near ones do not see each other.
const SHARE: usize = 50;

/// The most nodes of a batch: enough to occupy all cores.
const BATCH: usize = 512;

/// The highest layer there may be.
pub(super) const HIGHEST: usize = 24;

/// A graph of layers, the ground first, and its entry on the highest.
pub(super) struct Graph {
    pub(super) layers: Vec<Layer>,
    pub(super) entry: u32,
}

/// The graph while it grows.
struct Growing<'a> {
    recipe: &'a Hnsw,
    stored: &'a Stored<'a>,
    layers: Vec<Layer>,
    /// The vector at which searches start.
    entry: u32,
    /// How far each link leads, as the layers' links.
    costs: Vec<Vec<f32>>,
    /// The nodes of each layer above the ground, ascending.
    members: Vec<Vec<u32>>,
    levels: Vec<u8>,
}

/// A link to be: to which node of which layer, from where, and how far.
#[derive(Clone, Copy)]
struct Edge {
    layer: usize,
    to: u32,
    from: Found,
}

/// The graph over the vectors, which are inserted in the order of their rows; there is at least one.
///
/// # Errors
/// [`BuildError::Cancelled`].
pub(super) fn grow(recipe: &Hnsw, stored: &Stored<'_>, build: &Build<'_>) -> Result<Graph, BuildError> {
    let count = stored.vectors.len();
    let mut growing = Growing::new(recipe, stored, build.seed);
    let mut next = 1;
    while next < count {
        build.check()?;
        let most = (next / SHARE).clamp(1, BATCH).min(count - next);
        // A node higher than all before it comes alone: on its layers there is nobody to see yet.
        let top = growing.top();
        let low = growing.levels[next..next + most].iter().take_while(|&&level| usize::from(level) <= top);
        let batch = low.count().max(1);
        growing.insert(next as u32..(next + batch) as u32);
        next += batch;
        if let Some(observe) = build.observe {
            observe(next, count);
        }
    }
    let entry = growing.node(growing.top(), growing.entry);
    Ok(Graph { layers: growing.layers, entry })
}

impl<'a> Growing<'a> {
    /// The first node alone, the levels of all drawn: `⌊−ln(unif(0..1)) · mL⌋` with `mL = 1 / ln M`.
    fn new(recipe: &'a Hnsw, stored: &'a Stored<'a>, seed: Seed) -> Self {
        let mut rng = seed.child("hnsw levels").rng();
        let scale = 1.0 / (recipe.m as f64).ln();
        let draw = |_| ((-(1.0 - rng.unit()).ln() * scale) as usize).min(HIGHEST) as u8;
        let levels: Vec<u8> = (0..stored.vectors.len()).map(draw).collect();
        let highest = levels.iter().copied().max().map_or(0, usize::from);
        let mut layers = vec![Layer::ground(levels.len(), 2 * recipe.m)];
        let mut members: Vec<Vec<u32>> = vec![Vec::new()];
        for layer in 1..=highest {
            let is_in = |node: &u32| usize::from(levels[*node as usize]) >= layer;
            let nodes: Vec<u32> = (0..levels.len() as u32).filter(is_in).collect();
            let down = nodes.iter().map(|&node| place(&members[layer - 1], node)).collect();
            layers.push(Layer::above(nodes.clone(), down, recipe.m));
            members.push(nodes);
        }
        let costs = layers.iter().map(|layer| vec![f32::INFINITY; layer.len() * layer.stride()]).collect();
        Self { recipe, stored, layers, entry: 0, costs, members, levels }
    }

    /// The highest layer that has links.
    fn top(&self) -> usize {
        usize::from(self.levels[self.entry as usize])
    }

    /// The number of a vector on a layer it is on.
    fn node(&self, layer: usize, vector: u32) -> u32 {
        place(&self.members[layer], vector)
    }

    /// Inserts some vectors: each looks for its neighbours in the graph as it is, then all are linked.
    fn insert(&mut self, batch: Range<u32>) {
        let this = &*self;
        let plans: Vec<Vec<Vec<Found>>> = batch
            .clone()
            .into_par_iter()
            .map_init(Walk::default, |walk, vector| match this.stored.head {
                Some(head) => this.plan(vector, &this.stored.headed(head, vector), walk),
                None => this.plan(vector, &this.stored.whole(this.stored.vectors.row(vector)), walk),
            })
            .collect();
        let mut edges = Vec::new();
        for (vector, plan) in batch.clone().zip(plans) {
            for (layer, neighbours) in plan.into_iter().enumerate() {
                let node = self.node(layer, vector);
                let edge = |to: &Found| Edge { layer, to: to.node(), from: Found::new(to.cost, node) };
                edges.extend(neighbours.iter().map(edge));
                self.set(layer, node, &neighbours);
            }
        }
        self.link_back(edges);
        if self.levels[batch.start as usize] > self.levels[self.entry as usize] {
            self.entry = batch.start;
        }
    }

    /// A vector's neighbours to be on each of its layers that has links, the ground first (algorithm 1).
    fn plan(&self, vector: u32, cost: &impl Cost, walk: &mut Walk) -> Vec<Vec<Found>> {
        let (top, level) = (self.top(), usize::from(self.levels[vector as usize]));
        let mut entries = vec![self.node(top, self.entry)];
        for layer in (level + 1..=top).rev().map(|layer| &self.layers[layer]) {
            entries[0] = layer.down(walk.descend(layer, cost, entries[0]));
        }
        let mut plan = Vec::with_capacity(level.min(top) + 1);
        for layer in (0..=level.min(top)).rev().map(|layer| &self.layers[layer]) {
            walk.search(layer, cost, &entries, self.recipe.ef_construction);
            plan.push(self.select(layer, &walk.found, self.recipe.m));
            entries = walk.found.iter().map(|found| layer.down(found.node())).collect();
        }
        plan.reverse();
        plan
    }

    fn select(&self, layer: &Layer, found: &[Found], most: usize) -> Vec<Found> {
        select(self.stored, |node| layer.vector(node), found, most, self.recipe.keep_pruned)
    }

    /// Links neighbours back to those that chose them; lists that grow too long are selected anew.
    fn link_back(&mut self, mut edges: Vec<Edge>) {
        edges.sort_by_key(|edge| (edge.layer, edge.to)); // stable: in the order of the sources
        let this = &*self;
        let of_one: Vec<&[Edge]> = edges.chunk_by(|a, b| (a.layer, a.to) == (b.layer, b.to)).collect();
        let lists: Vec<(usize, u32, Vec<Found>)> =
            of_one.into_par_iter().map(|edges| (edges[0].layer, edges[0].to, this.relinked(edges))).collect();
        lists.iter().for_each(|(layer, node, list)| self.set(*layer, *node, list));
    }

    /// The links of the node to which all of `edges` lead, with their sources.
    fn relinked(&self, edges: &[Edge]) -> Vec<Found> {
        let (at, node) = (edges[0].layer, edges[0].to);
        let layer = &self.layers[at];
        let old = layer.linked(node);
        let costs = &self.costs[at][node as usize * layer.stride()..];
        let mut list: Vec<Found> =
            old.iter().zip(costs).map(|(&link, &cost)| Found::new(cost, link)).collect();
        list.extend(edges.iter().map(|edge| edge.from));
        if list.len() <= layer.stride() {
            return list;
        }
        list.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        self.select(layer, &list, layer.stride())
    }

    fn set(&mut self, layer: usize, node: u32, list: &[Found]) {
        let stride = self.layers[layer].stride();
        self.layers[layer].set(node, list.iter().map(|found| found.node()));
        let costs = &mut self.costs[layer][node as usize * stride..][..stride];
        costs.iter_mut().zip(list).for_each(|(cost, found)| *cost = found.cost);
    }
}

/// Where a vector stands among a layer's members; the ground has all.
fn place(members: &[u32], vector: u32) -> u32 {
    if members.is_empty() {
        vector
    } else {
        members.binary_search(&vector).unwrap_or_else(|place| place) as u32
    }
}
