//! A forest of trees of hyperplanes: Annoy (Bernhardsson, <https://github.com/spotify/annoy>).
//!
//! Each tree splits its vectors by the hyperplane midway between two points, again and again, until a leaf holds few; a
//! search goes down all trees by one priority queue, gathers the vectors of the nearest leaves and compares them.
//! Differences from Annoy:
//! - Trees of long vectors split a **head**: the leading principal coordinates and the length of the rest. A split costs a
//!   tenth, so that leaves can be small, and the head bounds the exact distance, so that few gathered vectors are read
//!   whole. Answers are those of exact distances on all gathered vectors.
//! - A subspace is visited by the sum of squares of the margins it was missed by, not by the smallest margin: the near
//!   side of a split then costs nothing, and a descent needs the queue for the far sides only.
//! - `effort` counts distinct vectors that the filter keeps, where Annoy's `search_k` counts repetitions.
//! - Vectors stand in the order of one more tree's leaves, so that most of what a search compares lies close together.
//! - Vectors can be added and deleted: every split sends a vector the same way again, the coin of a split that cannot
//!   part its points included.
//! - Inner products are searched as lengths made equal by one more coordinate (Bachrach et al. 2014), as Annoy does.

mod file;
mod grow;
mod search;
mod tree;
mod update;

pub(crate) use search::Working;

use crate::arrange::permute_rows;
use crate::head::Head;
use crate::slab::{Rows, Slab};
use crate::vectors::Vectors;
use crate::{Build, BuildError, Metric, Points};
use rayon::prelude::*;
use seoro_core::kernel;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use tree::{Space, Tree};

/// The most vectors: leaves' places, with their room, are numbers of 32 bits.
const MOST: usize = 1 << 30;

/// How the two points of a split are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Split {
    /// Two random points of the subspace: the fastest build.
    TwoPoints,
    /// The two means of a small random sample, as Annoy: better splits.
    #[default]
    TwoMeans,
}

/// The recipe of a forest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forest {
    /// How many trees: more find more at the same effort; build time and memory grow with each.
    pub trees: usize,
    /// The most vectors of a leaf, Annoy's K: smaller leaves gather better vectors; memory and build time grow. Where
    /// absent, as many as the trees see numbers of a vector, so that planes take about the memory of rows.
    pub leaf: Option<usize>,
    /// How the points of a split are chosen.
    pub split: Split,
    /// How many numbers of a vector trees see: its leading principal coordinates and the length of the rest. Fewer are
    /// faster, more are surer; vectors shorter than four times as many are seen whole, as all are at 0.
    pub head: usize,
    /// How many distinct vectors a search gathers where it is not told: more find more, and take longer.
    pub effort: usize,
}

impl Default for Forest {
    fn default() -> Self {
        Self { trees: 24, leaf: None, split: Split::default(), head: 64, effort: 1000 }
    }
}

/// A forest over vectors.
#[derive(Clone, Debug)]
pub struct ForestIndex {
    recipe: Forest,
    /// In the order of a tree's leaves: what a search gathers stands close together. Named by the rows given.
    vectors: Vectors,
    /// The row given that each row was.
    given: Slab<u32>,
    head: Option<Head>,
    /// Under the inner product, the coordinate that makes all lengths `radius`: `[N]`.
    extra: Slab<f32>,
    /// The length of the longest vector at the build.
    radius: f32,
    trees: Vec<Tree>,
    /// Rows of deleted vectors, to be used again.
    free: Slab<u32>,
    /// The row of each id; made by the first change.
    names: Option<HashMap<u64, u32>>,
}

impl Forest {
    /// The forest over these points.
    ///
    /// # Errors
    /// See [`BuildError`]; a parameter error for no trees or empty leaves.
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<ForestIndex, BuildError> {
        self.check()?;
        match points.vectors.rows() {
            rows if rows > MOST => return Err(BuildError::TooMany { rows, most: MOST }),
            _ => build.reserve(self.memory(points))?,
        }
        build.check()?;
        build.pool()?.install(|| self.grow(points, build))
    }

    fn check(&self) -> Result<(), BuildError> {
        let wrong = |parameter, value: usize, expected| {
            Err(BuildError::Parameter { parameter, value: value as f64, expected })
        };
        match self {
            Self { trees: 0 | 65_537.., .. } => wrong("trees", self.trees, "1 to 65536"),
            Self { leaf: Some(0), .. } => wrong("leaf", 0, "1 or more"),
            Self { head: 1 | 65_537.., .. } => wrong("head", self.head, "0, or 2 to 65536"),
            _ => Ok(()),
        }
    }

    /// About the most bytes that the index and its build will hold; a build refuses to go over
    /// [`Build::memory`](crate::Build) before it allocates.
    pub fn memory(&self, points: &Points<'_>) -> u64 {
        let (rows, dim) = (points.vectors.rows() as u64, points.vectors.cols());
        let width = self.width(dim) as u64;
        // Leaves are half full on average, and as many planes as leaves part them.
        let planes = 2 * rows / self.room(dim) as u64 + 1;
        let tree = planes.saturating_mul(width * 4 + 28).saturating_add(rows * 4);
        let heads = if self.has_head(dim) { rows * width * 4 + width * dim as u64 * 4 } else { 0 };
        let extra = if points.metric == Metric::InnerProduct { rows * 4 } else { 0 };
        let trees = tree.saturating_mul(self.trees as u64);
        Vectors::bytes_of(points).saturating_add(heads + extra + rows * 4).saturating_add(trees)
    }

    /// Whether vectors of this dimension get heads.
    fn has_head(&self, dim: usize) -> bool {
        self.head > 0 && dim / 4 >= self.head
    }

    /// How many numbers of a vector of this dimension the trees see.
    fn width(&self, dim: usize) -> usize {
        if self.has_head(dim) { self.head } else { dim }.next_multiple_of(16)
    }

    /// The most vectors of a leaf.
    fn room(&self, dim: usize) -> usize {
        self.leaf.unwrap_or(self.width(dim)).max(1)
    }

    fn grow(&self, points: &Points<'_>, build: &Build<'_>) -> Result<ForestIndex, BuildError> {
        let vectors = Vectors::new(points)?;
        let head = match self.has_head(vectors.dim()) {
            true => Some(Head::new(&vectors, self.head, build)?),
            false => None,
        };
        let lengths = lengths(&vectors);
        let radius = lengths.iter().copied().fold(0.0, f32::max);
        let extra = lengths.iter().map(|&length| complement(radius, length)).collect();
        let mut index = ForestIndex {
            recipe: self.clone(),
            vectors,
            given: Slab::default(),
            head,
            extra,
            radius,
            trees: Vec::new(),
            free: Slab::default(),
            names: None,
        };
        let seed = build.seed.child("forest");
        index.arrange(grow::grow(self, &index.space(), seed.child("order"), build)?.rows);
        let (rows, done) = (index.vectors.len(), AtomicUsize::new(0));
        let trees: Result<Vec<Tree>, BuildError> = (0..self.trees)
            .into_par_iter()
            .map(|tree| {
                let grown = grow::grow(self, &index.space(), seed.index(tree as u64), build)?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                build.observe.iter().for_each(|observe| observe(rows * done / self.trees, rows));
                Ok(grown)
            })
            .collect();
        index.trees = trees?;
        Ok(index)
    }
}

/// The vectors' lengths under the inner product, whose lengths are made equal; nothing under the other metrics.
fn lengths(vectors: &Vectors) -> Vec<f32> {
    match vectors.metric() {
        Metric::InnerProduct => (0..vectors.len() as u32).map(|row| length(vectors.row(row))).collect(),
        Metric::Cosine | Metric::SquaredL2 => Vec::new(),
    }
}

fn length(vector: &[f32]) -> f32 {
    kernel::dot(vector, vector).sqrt()
}

/// The coordinate that makes a vector as long as `radius`.
fn complement(radius: f32, length: f32) -> f32 {
    let squares = (radius - length) * (radius + length);
    // Lengths that overflow have no complement.
    if squares > 0.0 && squares.is_finite() { squares.sqrt() } else { 0.0 }
}

impl ForestIndex {
    /// Moves row `order[new]` to row `new`, before there are trees.
    fn arrange(&mut self, order: Slab<u32>) {
        permute_rows(self.vectors.rows_mut(), &order);
        self.head.iter_mut().for_each(|head| permute_rows(head.rows_mut(), &order));
        if !self.extra.is_empty() {
            self.extra = order.iter().map(|&row| self.extra[row as usize]).collect();
        }
        self.given = order;
    }

    /// What callers call a row.
    #[inline]
    fn id(&self, row: u32) -> u64 {
        self.vectors.id(self.given[row as usize])
    }

    /// The vectors as trees see them.
    fn space(&self) -> Space<'_> {
        let rows: &Rows = self.head.as_ref().map_or(self.vectors.rows(), Head::rows);
        Space { rows, extra: &self.extra, count: self.vectors.len() }
    }
}
