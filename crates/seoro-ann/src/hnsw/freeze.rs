//! From the graph that was built to the one that is served: everything reachable, and near nodes near in memory.

use super::compare::Stored;
use super::grow::Graph;
use super::layer::{Layer, NONE};
use super::walk::Walk;

/// The nodes of a layer breadth first from `entry`, and from which node each was reached ([`NONE`] where it was not).
struct Reached {
    order: Vec<u32>,
    from: Vec<u32>,
}

impl Reached {
    fn new(ground: &Layer, entry: u32) -> Self {
        let mut reached = Self { order: Vec::with_capacity(ground.len()), from: vec![NONE; ground.len()] };
        reached.add(ground, entry, entry);
        reached
    }

    /// Reaches `node` from `from`, and what can be reached from it.
    fn add(&mut self, ground: &Layer, from: u32, node: u32) {
        let mut next = self.order.len();
        self.from[node as usize] = from;
        self.order.push(node);
        while let Some(&node) = self.order.get(next) {
            next += 1;
            for &link in ground.linked(node) {
                if self.from[link as usize] == NONE {
                    self.from[link as usize] = node;
                    self.order.push(link);
                }
            }
        }
    }
}

/// The vector at which searches of the ground start, where the layers above lead nowhere else.
fn ground_entry(graph: &Graph) -> u32 {
    graph.layers[1..].iter().rev().fold(graph.entry, |node, layer| layer.down(node))
}

/// Links every node of the ground that cannot be reached from a near one that can, in the place of a link over which
/// nothing is reached first; `ef` nodes are looked at. Nodes in order, so the same at every run.
pub(super) fn connect(graph: &mut Graph, stored: &Stored<'_>, ef: usize) {
    let entry = ground_entry(graph);
    let mut reached = Reached::new(&graph.layers[0], entry);
    let mut walk = Walk::default();
    for node in 0..graph.layers[0].len() as u32 {
        if reached.from[node as usize] != NONE {
            continue;
        }
        walk.search(&graph.layers[0], &stored.whole(stored.vectors.row(node)), &[entry], ef);
        for near in walk.found.iter().map(|found| found.node()) {
            let ground = &graph.layers[0];
            let mut links = ground.linked(near).to_vec();
            if links.len() < ground.stride() {
                links.push(node);
            } else if let Some(spare) = links.iter().rposition(|&link| reached.from[link as usize] != near) {
                links[spare] = node;
            } else {
                continue;
            }
            graph.layers[0].set(near, links.into_iter());
            reached.add(&graph.layers[0], near, node);
            break;
        }
    }
}

/// The nodes breadth first from the entry; the graph renumbered so.
pub(super) fn renumber(graph: Graph) -> (Graph, Vec<u32>) {
    let ground = &graph.layers[0];
    let mut order = Reached::new(ground, ground_entry(&graph)).order;
    let mut place = vec![NONE; ground.len()];
    (0..).zip(&order).for_each(|(new, &old)| place[old as usize] = new);
    for (old, place) in place.iter_mut().enumerate().filter(|(_, place)| **place == NONE) {
        *place = order.len() as u32;
        order.push(old as u32);
    }
    let is_flat = graph.layers.len() == 1;
    let entry = if is_flat { place[graph.entry as usize] } else { graph.entry };
    let mut layers = Vec::with_capacity(graph.layers.len());
    for (at, layer) in graph.layers.into_iter().enumerate() {
        layers.push(if at == 0 { layer.renumbered(&order, &place) } else { layer.moved(&place, at == 1) });
    }
    (Graph { layers, entry }, order)
}
