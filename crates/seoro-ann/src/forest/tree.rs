//! One tree: flat arrays of splits, planes, leaves and rows.

use crate::slab::{Rows, Slab};
use bytemuck::{Pod, Zeroable};
use seoro_core::kernel;

/// The bit that tells a leaf from a split.
pub(super) const LEAF: u32 = 1 << 31;

/// The vectors as trees see them.
#[derive(Clone, Copy)]
pub(super) struct Space<'a> {
    /// `[N, W]`.
    pub(super) rows: &'a Rows,
    /// One more coordinate, or nothing: `[N]`.
    pub(super) extra: &'a [f32],
    /// N.
    pub(super) count: usize,
}

impl Space<'_> {
    #[inline]
    pub(super) fn row(&self, row: u32) -> &[f32] {
        self.rows.row(row as usize)
    }

    #[inline]
    pub(super) fn extra(&self, row: u32) -> f32 {
        self.extra.get(row as usize).copied().unwrap_or(0.0)
    }
}

/// A hyperplane, all but its normal, and what lies on its sides.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Split {
    /// Splits, or leaves with [`LEAF`] set: on the side the normal points away from, and on the other.
    pub(super) children: [u32; 2],
    /// What the normal's product is on the plane.
    pub(super) offset: f32,
    /// The normal's one more coordinate.
    pub(super) extra: f32,
}

/// A range of rows with room for more.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Leaf {
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) room: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) root: u32,
    pub(super) splits: Slab<Split>,
    /// The splits' normals, of length 1, or zeros where a coin parts the points: `[S, W]`.
    pub(super) planes: Slab<f32>,
    pub(super) leaves: Slab<Leaf>,
    /// What leaves hold.
    pub(super) rows: Slab<u32>,
}

impl Tree {
    pub(super) fn bytes(&self) -> u64 {
        let splits = self.splits.len() * size_of::<Split>() + self.planes.len() * 4;
        (splits + self.leaves.len() * size_of::<Leaf>() + self.rows.len() * 4) as u64
    }

    #[inline]
    pub(super) fn plane(&self, split: u32, width: usize) -> &[f32] {
        &self.planes[split as usize * width..(split as usize + 1) * width]
    }

    /// Asks for what a visit of a node reads first.
    #[inline]
    pub(super) fn prefetch(&self, node: u32, width: usize) {
        if node & LEAF == 0 {
            kernel::prefetch(std::slice::from_ref(&self.splits[node as usize]));
            kernel::prefetch(self.plane(node, width));
        } else {
            kernel::prefetch(std::slice::from_ref(&self.leaves[(node & !LEAF) as usize]));
        }
    }

    /// The rows of a leaf, by its number without [`LEAF`].
    #[inline]
    pub(super) fn leaf(&self, leaf: u32) -> &[u32] {
        let Leaf { start, len, .. } = self.leaves[leaf as usize];
        &self.rows[start as usize..(start + len) as usize]
    }

    /// The side of a split that a row lies on; the same whenever asked.
    pub(super) fn side(&self, space: &Space<'_>, split: u32, row: u32) -> usize {
        let Split { offset, extra, .. } = self.splits[split as usize];
        let plane = self.plane(split, space.rows.cols());
        let margin = kernel::dot(plane, space.row(row)) + extra * space.extra(row) - offset;
        if margin > 0.0 {
            1
        } else if margin < 0.0 {
            0
        } else {
            coin(split, row)
        }
    }

    /// The leaf that a row belongs to, and the place of the link to it: a split and a side.
    pub(super) fn find(&self, space: &Space<'_>, row: u32) -> (u32, Option<(u32, usize)>) {
        let (mut node, mut link) = (self.root, None);
        while node & LEAF == 0 {
            let side = self.side(space, node, row);
            link = Some((node, side));
            node = self.splits[node as usize].children[side];
        }
        (node & !LEAF, link)
    }

    /// Takes a row out; whether it was there.
    pub(super) fn remove(&mut self, space: &Space<'_>, row: u32) -> bool {
        let (leaf, _) = self.find(space, row);
        let Some((leaf, place)) = self.place_in(leaf, row).or_else(|| {
            // A tree from another machine, whose dot products have other last bits, may have sent it elsewhere.
            (0..self.leaves.len() as u32).find_map(|leaf| self.place_in(leaf, row))
        }) else {
            return false;
        };
        let leaf = &mut self.leaves.as_mut_slice()[leaf as usize];
        leaf.len -= 1;
        self.rows.as_mut_slice().swap(leaf.start as usize + place, (leaf.start + leaf.len) as usize);
        true
    }

    /// Where in a leaf a row stands, with the leaf.
    fn place_in(&self, leaf: u32, row: u32) -> Option<(u32, usize)> {
        self.leaf(leaf).iter().position(|&other| other == row).map(|place| (leaf, place))
    }

    /// Puts a row into a leaf, which moves to the end where it has no room.
    pub(super) fn push(&mut self, leaf: u32, row: u32, room: u32) {
        let own = &mut self.leaves.as_mut_slice()[leaf as usize];
        if own.len == own.room {
            let (from, start) = (own.start as usize, self.rows.len());
            // Half as much again for leaves that no plane could part.
            own.room = room.max(own.len + own.len / 2 + 1);
            own.start = start as u32;
            let mut rows = self.rows.to_mut();
            rows.extend_from_within(from..from + own.len as usize);
            rows.resize(start + own.room as usize, 0);
        }
        self.rows.as_mut_slice()[(own.start + own.len) as usize] = row;
        own.len += 1;
    }
}

/// A fair side for a row that lies on the plane: a hash of both, so that it is the same whenever asked.
fn coin(split: u32, row: u32) -> usize {
    let mut bits = (u64::from(split) << 32 | u64::from(row)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (bits >> 40 & 1) as usize
}
