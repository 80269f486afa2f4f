//! In which order vectors are inserted: it decides which links survive.
//!
//! A vector that comes late and lies apart is soon dropped from the lists of those it is linked to, since these have nearer
//! neighbours to keep; one that comes early was linked to its like before. (That the order matters this much, and that what
//! is hard to find should come early: O. Elliott, J. Clark: The impacts of data, ordering, and intrinsic dimensionality on
//! recall in hierarchical navigable small worlds, 2024, arXiv 2405.17813; they order by the local dimension.)

use crate::Metric;
use crate::vectors::Vectors;
use rayon::prelude::*;
use seoro_core::{Seed, kernel};
use serde::{Deserialize, Serialize};

/// The order in which vectors are inserted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InsertionOrder {
    /// By how far they are from the mean of all: under distances and the cosine those that lie apart first, under inner
    /// products those with the largest products. Much better answers for embeddings, whose middle is crowded.
    #[default]
    Mean,
    /// By chance: better where no part of the space is crowded, as with pictures, or where many are, as in tight clusters.
    Random,
    /// As they are given.
    Rows,
}

/// Parts that the vectors are ordered into by the mean; within one chance decides, so that those of one batch, who do not
/// see each other, are not each other's nearest.
const PARTS: usize = 16;

impl InsertionOrder {
    /// The rows in this order.
    pub(super) fn of(self, vectors: &Vectors, seed: Seed) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..vectors.len() as u32).collect();
        if self == Self::Rows {
            return rows;
        }
        let mut rng = seed.child("hnsw order").rng();
        rng.shuffle(&mut rows);
        // Vectors without numbers are all alike.
        if self == Self::Mean && !vectors.rows().as_slice().is_empty() {
            let late = lateness(vectors);
            rows.sort_by(|&a, &b| late[a as usize].total_cmp(&late[b as usize]));
            rows.chunks_mut(vectors.len().div_ceil(PARTS)).for_each(|part| rng.shuffle(part));
        }
        rows
    }
}

/// Of each row, how late it comes.
fn lateness(vectors: &Vectors) -> Vec<f32> {
    let width = vectors.rows().cols();
    let mut sums = vec![0.0f64; width];
    for row in vectors.rows().as_slice().chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, &number)| *sum += f64::from(number));
    }
    let mean: Vec<f32> = sums.iter().map(|sum| (sum / vectors.len() as f64) as f32).collect();
    let late = |row: &[f32]| match vectors.metric() {
        Metric::SquaredL2 => -kernel::squared_l2(&mean, row),
        Metric::InnerProduct => -kernel::dot(&mean, row),
        _ => kernel::dot(&mean, row),
    };
    vectors.rows().as_slice().par_chunks_exact(width).map(late).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use seoro_core::Matrix;

    /// 0, 1, …, 99 on a line.
    fn line(metric: Metric) -> Vectors {
        let line = Matrix::from_vec(100, 2, (0..100).flat_map(|at| [at as f32, 10.0]).collect()).unwrap();
        Vectors::new(&Points::new(&line, metric)).unwrap()
    }

    fn mean_of(rows: &[u32], far: impl Fn(f64) -> f64) -> f64 {
        rows.iter().map(|&row| far(f64::from(row))).sum::<f64>() / rows.len() as f64
    }

    #[test]
    fn every_order_has_each_row_once() {
        let none = Vectors::new(&Points::new(&Matrix::zeros(3, 0), Metric::SquaredL2)).unwrap();
        assert_eq!(InsertionOrder::Mean.of(&none, Seed::new(1)).len(), 3);
        for order in [InsertionOrder::Mean, InsertionOrder::Random, InsertionOrder::Rows] {
            for metric in [Metric::SquaredL2, Metric::Cosine, Metric::InnerProduct] {
                let mut rows = order.of(&line(metric), Seed::new(1));
                assert_eq!(rows, order.of(&line(metric), Seed::new(1)));
                rows.sort_unstable();
                assert_eq!(rows, (0..100).collect::<Vec<u32>>());
            }
        }
        assert_eq!(InsertionOrder::Rows.of(&line(Metric::Cosine), Seed::new(1))[..3], [0, 1, 2]);
        assert_ne!(
            InsertionOrder::Random.of(&line(Metric::Cosine), Seed::new(1)),
            InsertionOrder::Random.of(&line(Metric::Cosine), Seed::new(2))
        );
    }

    #[test]
    fn those_apart_come_first_and_under_products_the_large() {
        let apart = InsertionOrder::Mean.of(&line(Metric::SquaredL2), Seed::new(1));
        let from_mean = |rows: &[u32]| mean_of(rows, |at| (at - 49.5).abs());
        assert!(from_mean(&apart[..25]) > from_mean(&apart[75..]) + 30.0, "{apart:?}");
        let large = InsertionOrder::Mean.of(&line(Metric::InnerProduct), Seed::new(1));
        assert!(mean_of(&large[..25], |at| at) > mean_of(&large[75..], |at| at) + 60.0, "{large:?}");
        // By angles: the mean points to about 79 degrees of the 6 to 90 there are, so that the small angles lie apart.
        let apart = InsertionOrder::Mean.of(&line(Metric::Cosine), Seed::new(1));
        let angle = |at: f64| 10f64.atan2(at);
        let mean = mean_of(&(0..100).collect::<Vec<u32>>(), angle);
        let far = |rows: &[u32]| mean_of(rows, |at| (angle(at) - mean).abs());
        assert!(far(&apart[..25]) > far(&apart[75..]) + 0.1, "{apart:?}");
    }
}
