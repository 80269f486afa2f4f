//! k-means: Lloyd's iteration (S. Lloyd: Least squares quantization in PCM, 1982) on a sample of the points.
//!
//! It makes `Σ ‖x − c(x)‖²` smaller, `c(x)` the centroid nearest to `x`, by turns: points go to their nearest centroids,
//! centroids to the means of their points. Where this differs:
//! - The first centroids are random distinct points of the sample, as in faiss: on embeddings k-means++ costs a pass for
//!   each centroid and ends at the same error within a percent.
//! - A centroid without points takes half of the cluster with the largest error: both are moved apart by a part of its
//!   radius. (In faiss by its size: of pixels that are mostly black, the largest cluster is nothing but zeros.)
//! - Nearest is by `x·c − ½‖c‖²`, from products of matrices; sums are taken centroid by centroid in the order of the
//!   points, so they are the same at any number of threads.
//! - Spherical: centroids are scaled to length 1 after each turn (I. Dhillon, D. Modha: Concept decompositions for large
//!   sparse text data using clustering, 2001), and points go to the largest product.

mod assign;

pub(crate) use assign::{Nearest, Rows};

use crate::{Build, BuildError};
use rayon::prelude::*;
use seoro_core::{Matrix, Seed, kernel};

/// How centroids are found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KMeans {
    /// How many; there are fewer where there are fewer points.
    pub(crate) centroids: usize,
    /// The most turns; it ends before when no point moves.
    pub(crate) iterations: usize,
    /// The most points looked at for each centroid.
    pub(crate) sample: usize,
    /// Whether centroids have length 1, and points go by products.
    pub(crate) spherical: bool,
}

/// How far the two halves of a cluster are moved, in its radii along one coordinate.
const APART: f32 = 1.0 / 64.0;

impl KMeans {
    /// The bytes of a fit on points of `width` numbers.
    pub(crate) fn bytes(&self, points: usize, width: usize) -> u64 {
        let sample = self.centroids.saturating_mul(self.sample).min(points) as u64;
        let centroids = self.centroids.min(points) as u64;
        (sample + 2 * centroids).saturating_mul(width as u64 * 4 + 16)
    }

    /// The centroids of `points`, `[K, D]`.
    ///
    /// # Errors
    /// [`BuildError::Cancelled`].
    pub(crate) fn fit(&self, points: Rows<'_>, seed: Seed, build: &Build<'_>) -> Result<Matrix, BuildError> {
        let count = self.centroids.min(points.count());
        let sample = draw(points, count.saturating_mul(self.sample), seed.child("sample"));
        let rows = Rows::of(&sample);
        let mut centroids = draw(rows, count, seed.child("centroids"));
        self.improve(rows, &mut centroids, build)?;
        Ok(centroids)
    }

    /// Moves centroids that are there, turn after turn.
    ///
    /// # Errors
    /// [`BuildError::Cancelled`].
    pub(crate) fn improve(
        &self,
        points: Rows<'_>,
        centroids: &mut Matrix,
        build: &Build<'_>,
    ) -> Result<(), BuildError> {
        let (mut of, mut before) = (vec![0; points.count()], Vec::new());
        for _ in 0..self.iterations {
            build.check()?;
            self.normalise(centroids);
            Nearest::new(centroids, self.spherical).assign(points, &mut of);
            if of == before {
                break;
            }
            let members = Members::new(&of, centroids.rows());
            means(points, &members, centroids);
            split_for_empty(points, &members, centroids);
            before.clone_from(&of);
        }
        self.normalise(centroids);
        Ok(())
    }

    /// Makes centroids of length 1 where that is asked for; one of zeros stays.
    fn normalise(&self, centroids: &mut Matrix) {
        if !self.spherical || centroids.cols() == 0 {
            return;
        }
        for row in 0..centroids.rows() {
            let row = centroids.row_mut(row);
            let length = kernel::dot(row, row).sqrt();
            if length > 0.0 && length.is_finite() {
                row.iter_mut().for_each(|number| *number /= length);
            }
        }
    }
}

/// At most `most` random distinct numbers below `count`, ascending.
pub(crate) fn pick(count: usize, most: usize, seed: Seed) -> Vec<u32> {
    let mut picked: Vec<u32> = (0..count as u32).collect();
    if most < count {
        let mut rng = seed.rng();
        for place in 0..most {
            let other = place + rng.below((count - place) as u32) as usize;
            picked.swap(place, other);
        }
        picked.truncate(most);
        picked.sort_unstable();
    }
    picked
}

/// At most `most` random distinct points, in their order.
fn draw(points: Rows<'_>, most: usize, seed: Seed) -> Matrix {
    let picked = pick(points.count(), most, seed);
    let mut drawn = Matrix::zeros(picked.len(), points.width());
    picked.iter().enumerate().for_each(|(place, &row)| {
        drawn.row_mut(place).copy_from_slice(points.row(row as usize));
    });
    drawn
}

/// Which points belong to each centroid, in order.
pub(crate) struct Members {
    /// Where each centroid's begin, and the end: `[K + 1]`.
    pub(crate) starts: Vec<u32>,
    pub(crate) points: Vec<u32>,
}

impl Members {
    /// Of `of[point] = centroid`.
    pub(crate) fn new(of: &[u32], centroids: usize) -> Self {
        let mut starts = vec![0u32; centroids + 1];
        of.iter().for_each(|&centroid| starts[centroid as usize + 1] += 1);
        (0..centroids).for_each(|centroid| starts[centroid + 1] += starts[centroid]);
        let (mut next, mut points) = (starts.clone(), vec![0; of.len()]);
        for (point, &centroid) in of.iter().enumerate() {
            points[next[centroid as usize] as usize] = point as u32;
            next[centroid as usize] += 1;
        }
        Self { starts, points }
    }

    fn of(&self, centroid: usize) -> &[u32] {
        &self.points[self.starts[centroid] as usize..self.starts[centroid + 1] as usize]
    }
}

/// Moves centroids to the means of their points; those without any stay.
fn means(points: Rows<'_>, members: &Members, centroids: &mut Matrix) {
    let width = centroids.cols().max(1);
    centroids.as_mut_slice().par_chunks_exact_mut(width).enumerate().for_each(|(centroid, mean)| {
        let members = members.of(centroid);
        if members.is_empty() {
            return;
        }
        mean.fill(0.0);
        members.iter().for_each(|&point| kernel::axpy(1.0, points.row(point as usize), mean));
        let share = 1.0 / members.len() as f32;
        mean.iter_mut().for_each(|number| *number *= share);
    });
}

/// Gives each centroid without points half of the cluster with the largest error.
fn split_for_empty(points: Rows<'_>, members: &Members, centroids: &mut Matrix) {
    let is_empty = |centroid: usize| members.of(centroid).is_empty();
    let empty: Vec<usize> = (0..centroids.rows()).filter(|&centroid| is_empty(centroid)).collect();
    if empty.is_empty() {
        return;
    }
    let error = |centroid: usize| -> f32 {
        let mean = centroids.row(centroid);
        members.of(centroid).iter().map(|&point| kernel::squared_l2(points.row(point as usize), mean)).sum()
    };
    let finite = |error: f32| if error.is_finite() { error } else { 0.0 };
    let mut errors: Vec<f32> =
        (0..centroids.rows()).into_par_iter().map(|centroid| finite(error(centroid))).collect();
    let mut sizes: Vec<usize> = (0..centroids.rows()).map(|centroid| members.of(centroid).len()).collect();
    for empty in empty {
        // The first of equally large ones; what cannot be split any more has none.
        let by_error = |a: &usize, b: &usize| errors[*a].total_cmp(&errors[*b]);
        let Some(largest) = (0..errors.len()).rev().max_by(by_error) else { return };
        if errors[largest] <= 0.0 {
            return;
        }
        let numbers = sizes[largest].max(1) * centroids.cols();
        let step = APART * (errors[largest] / numbers as f32).sqrt();
        let mut moved = centroids.row(largest).to_vec();
        for (place, number) in moved.iter_mut().enumerate() {
            let by = if place % 2 == 0 { step } else { -step };
            centroids.row_mut(largest)[place] = *number - by;
            *number += by;
        }
        centroids.row_mut(empty).copy_from_slice(&moved);
        errors[largest] /= 2.0;
        sizes[largest] /= 2;
        (errors[empty], sizes[empty]) = (errors[largest], sizes[largest]);
    }
}

#[cfg(test)]
mod tests;
