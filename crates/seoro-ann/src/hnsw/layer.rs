//! One layer of the graph: flat adjacency of a fixed stride.

use crate::slab::Slab;

/// The end of a short list of links.
pub(crate) const NONE: u32 = u32::MAX;

/// One layer of the graph; its nodes are numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layer {
    /// The most links of a node.
    pub(super) stride: usize,
    /// `[nodes, stride]`, short lists ended by [`NONE`].
    pub(super) links: Slab<u32>,
    /// Which vector a node is; empty on the ground layer, whose nodes are the vectors.
    pub(super) vectors: Slab<u32>,
    /// Which node of the layer below a node is; empty on the ground layer.
    pub(super) down: Slab<u32>,
}

impl Layer {
    /// `nodes` of the ground layer, without links.
    pub(crate) fn ground(nodes: usize, stride: usize) -> Self {
        let links = vec![NONE; nodes * stride].into();
        Self { stride, links, vectors: Slab::default(), down: Slab::default() }
    }

    /// Nodes of a layer above, without links.
    pub(crate) fn above(vectors: Vec<u32>, down: Vec<u32>, stride: usize) -> Self {
        let links = vec![NONE; vectors.len() * stride].into();
        Self { stride, links, vectors: vectors.into(), down: down.into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.links.len() / self.stride
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// A node's links with the fill at the end.
    #[inline]
    pub(crate) fn links(&self, node: u32) -> &[u32] {
        let start = node as usize * self.stride;
        &self.links[start..start + self.stride]
    }

    /// A node's links.
    #[inline]
    pub(crate) fn linked(&self, node: u32) -> &[u32] {
        let links = self.links(node);
        match links.last() {
            Some(&NONE) => &links[..links.iter().position(|&link| link == NONE).unwrap_or(links.len())],
            _ => links,
        }
    }

    /// Replaces a node's links.
    pub(crate) fn set(&mut self, node: u32, links: impl Iterator<Item = u32>) {
        let start = node as usize * self.stride;
        let row = &mut self.links.as_mut_slice()[start..start + self.stride];
        row.fill(NONE);
        row.iter_mut().zip(links).for_each(|(place, link)| *place = link);
    }

    /// The vector of a node.
    #[inline]
    pub(crate) fn vector(&self, node: u32) -> u32 {
        self.vectors.get(node as usize).map_or(node, |&vector| vector)
    }

    /// The node of the layer below.
    pub(crate) fn down(&self, node: u32) -> u32 {
        self.down.get(node as usize).map_or(node, |&down| down)
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.links.len() + self.vectors.len() + self.down.len()) as u64 * 4
    }

    /// The ground layer with node `order[new]` as node `new`; `place` is the inverse.
    pub(crate) fn renumbered(&self, order: &[u32], place: &[u32]) -> Self {
        let mut out = Self::ground(self.len(), self.stride);
        for (new, &old) in order.iter().enumerate() {
            out.set(new as u32, self.linked(old).iter().map(|&link| place[link as usize]));
        }
        out
    }

    /// The same layer over vectors that have moved to `place`; `is_lowest` where the layer below is the ground.
    pub(crate) fn moved(mut self, place: &[u32], is_lowest: bool) -> Self {
        let to_place = |number: &mut u32| *number = place[*number as usize];
        self.vectors.as_mut_slice().iter_mut().for_each(to_place);
        if is_lowest {
            self.down.as_mut_slice().iter_mut().for_each(to_place);
        }
        self
    }
}
