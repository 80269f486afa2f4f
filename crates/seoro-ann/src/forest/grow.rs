//! Growing a tree: splitting until leaves are small.

use super::tree::{LEAF, Leaf, Space, Split as Node, Tree};
use super::{Forest, Split};
use crate::slab::Slab;
use crate::{Build, BuildError};
use seoro_core::{Rng, Seed, kernel};

/// How many planes are tried for one that does not leave nearly all points on one side.
const TRIES: usize = 3;

/// The share on one side that a plane may leave while others are to be tried, and at last.
const UNEVEN: [f32; 2] = [0.95, 0.99];

/// The most points that two means are taken of.
const MEANS: usize = 200;

/// How deep a tree may be: what is below is a leaf, however large.
const DEPTH: usize = 2048;

/// A range of rows to be split, and where its node goes.
struct Task {
    start: usize,
    len: usize,
    depth: usize,
    link: Option<(u32, usize)>,
}

/// A tree over all rows.
pub(super) fn grow(
    recipe: &Forest,
    space: &Space<'_>,
    seed: Seed,
    build: &Build<'_>,
) -> Result<Tree, BuildError> {
    let room = recipe.leaf.unwrap_or(space.rows.cols()).max(1);
    let rows: Slab<u32> = (0..space.count as u32).collect();
    let len = rows.len();
    let mut tree =
        Tree { root: LEAF, splits: Slab::default(), planes: Slab::default(), leaves: Slab::default(), rows };
    let mut rng = seed.rng();
    let mut tasks = vec![Task { start: 0, len, depth: 0, link: None }];
    while let Some(task) = tasks.pop() {
        // Large ranges take long enough to be asked in between; small ones come by the thousand.
        if task.len > 4096 {
            build.check()?;
        }
        let Task { start, len, depth, link } = task;
        let node = if len <= room || depth == DEPTH {
            tree.leaves.to_mut().push(Leaf { start: start as u32, len: len as u32, room: len as u32 });
            LEAF | (tree.leaves.len() - 1) as u32
        } else {
            let mut rows = tree.rows[start..start + len].to_vec();
            let (split, left) = part(&mut tree, recipe.split, space, &mut rng, &mut rows);
            tree.rows.as_mut_slice()[start..start + len].copy_from_slice(&rows);
            let child = |start, len, side| Task { start, len, depth: depth + 1, link: Some((split, side)) };
            tasks.push(child(start, left, 0));
            tasks.push(child(start + left, len - left, 1));
            split
        };
        set(&mut tree, link, node);
    }
    tree.planes.to_mut().shrink_to_fit();
    tree.splits.to_mut().shrink_to_fit();
    tree.leaves.to_mut().shrink_to_fit();
    Ok(tree)
}

/// Links a node where it belongs.
fn set(tree: &mut Tree, link: Option<(u32, usize)>, node: u32) {
    match link {
        Some((split, side)) => tree.splits.as_mut_slice()[split as usize].children[side] = node,
        None => tree.root = node,
    }
}

/// Adds a split of `rows` to the tree and puts its left side's rows first; returns its number and their count.
fn part(tree: &mut Tree, how: Split, space: &Space<'_>, rng: &mut Rng, rows: &mut [u32]) -> (u32, usize) {
    let width = space.rows.cols();
    let split = tree.splits.len() as u32;
    let planes = tree.planes.len() + width;
    tree.planes.to_mut().resize(planes, 0.0);
    tree.splits.to_mut().push(Node { children: [LEAF; 2], offset: 0.0, extra: 0.0 });
    for last in [false, false, true].into_iter().take(TRIES) {
        let plane = &mut tree.planes.as_mut_slice()[split as usize * width..];
        let (offset, extra) = plane_between(how, space, rng, rows, plane);
        tree.splits.as_mut_slice()[split as usize] = Node { children: [LEAF; 2], offset, extra };
        let left = sides(tree, space, split, rows);
        let larger = left.max(rows.len() - left) as f32 / rows.len() as f32;
        if larger <= UNEVEN[usize::from(last)] {
            return (split, left);
        }
    }
    // A coin for each, as nothing parts them.
    tree.planes.as_mut_slice()[split as usize * width..].fill(0.0);
    tree.splits.as_mut_slice()[split as usize] = Node { children: [LEAF; 2], offset: 0.0, extra: 0.0 };
    let left = sides(tree, space, split, rows);
    (split, left)
}

/// Puts the rows of the left side first, in place; returns their count.
fn sides(tree: &Tree, space: &Space<'_>, split: u32, rows: &mut [u32]) -> usize {
    let mut left = 0;
    for place in 0..rows.len() {
        if tree.side(space, split, rows[place]) == 0 {
            rows.swap(left, place);
            left += 1;
        }
    }
    left
}

/// Writes the normal of the plane midway between two points; returns its offset and its one more coordinate.
fn plane_between(
    how: Split,
    space: &Space<'_>,
    rng: &mut Rng,
    rows: &[u32],
    plane: &mut [f32],
) -> (f32, f32) {
    let first = rng.below(rows.len() as u32) as usize;
    let second = (first + 1 + rng.below(rows.len() as u32 - 1) as usize) % rows.len();
    let mut p = Point::new(space, rows[first]);
    let mut q = Point::new(space, rows[second]);
    if how == Split::TwoMeans {
        for _ in 0..MEANS.min(rows.len()) {
            let row = rows[rng.below(rows.len() as u32) as usize];
            // Weighted by the counts, as Annoy: the larger mean draws less, which keeps the sides even.
            let (to_p, to_q) = (p.count * p.square(space, row), q.count * q.square(space, row));
            if to_p < to_q {
                p.take(space, row);
            } else if to_q < to_p {
                q.take(space, row);
            }
        }
    }
    plane.copy_from_slice(&p.at);
    kernel::axpy(-1.0, &q.at, plane);
    let extra = p.extra - q.extra;
    let length = (kernel::dot(plane, plane) + extra * extra).sqrt();
    if !(length > 0.0 && length.is_finite()) {
        plane.fill(0.0);
        return (0.0, 0.0);
    }
    plane.iter_mut().for_each(|number| *number /= length);
    let extra = extra / length;
    let middle = 0.5 * (kernel::dot(plane, &p.at) + kernel::dot(plane, &q.at) + extra * (p.extra + q.extra));
    (middle, extra)
}

/// The mean of some points.
struct Point {
    at: Vec<f32>,
    extra: f32,
    count: f32,
}

impl Point {
    fn new(space: &Space<'_>, row: u32) -> Self {
        Self { at: space.row(row).to_vec(), extra: space.extra(row), count: 1.0 }
    }

    fn square(&self, space: &Space<'_>, row: u32) -> f32 {
        let extra = self.extra - space.extra(row);
        kernel::squared_l2(&self.at, space.row(row)) + extra * extra
    }

    fn take(&mut self, space: &Space<'_>, row: u32) {
        let share = 1.0 / (self.count + 1.0);
        self.at.iter_mut().zip(space.row(row)).for_each(|(at, x)| *at += share * (x - *at));
        self.extra += share * (space.extra(row) - self.extra);
        self.count += 1.0;
    }
}

/// Puts a new row into the tree; its leaf splits when full.
pub(super) fn insert(tree: &mut Tree, recipe: &Forest, space: &Space<'_>, rng: &mut Rng, row: u32) {
    let (leaf, link) = tree.find(space, row);
    let most = recipe.leaf.unwrap_or(space.rows.cols()).max(1);
    // No leaf is given much more room than it needs, however large it may grow.
    let room = most.min(tree.leaves[leaf as usize].len as usize * 2 + 8) as u32;
    if (tree.leaves[leaf as usize].len as usize) < most {
        tree.push(leaf, row, room);
        return;
    }
    let mut rows = tree.leaf(leaf).to_vec();
    rows.push(row);
    let (split, left) = part(tree, recipe.split, space, rng, &mut rows);
    if left == 0 || left == rows.len() {
        // The coin fell on one side only: the leaf grows, and its next row tries again.
        tree.splits.to_mut().pop();
        let planes = tree.splits.len() * space.rows.cols();
        tree.planes.to_mut().truncate(planes);
        tree.push(leaf, row, room);
        return;
    }
    let other = tree.leaves.len() as u32;
    tree.leaves.as_mut_slice()[leaf as usize].len = 0;
    let start = tree.rows.len() as u32;
    tree.leaves.to_mut().push(Leaf { start, len: 0, room: 0 });
    tree.splits.as_mut_slice()[split as usize].children = [LEAF | leaf, LEAF | other];
    set(tree, link, split);
    rows[..left].iter().for_each(|&row| tree.push(leaf, row, room));
    rows[left..].iter().for_each(|&row| tree.push(other, row, room));
}
