//! The nearest rows of each row of a matrix, by blocked products.

use rayon::prelude::*;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{ItemId, Matrix, Scored, kernel};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many rows are multiplied with how many at once: products that stay in the second-level cache.
const TILE: (usize, usize) = (128, 512);

/// How many more than asked are selected by products, whose last bits differ from the distances that order them then.
const SPARE: usize = 8;

/// Another row, and its squared Euclidean distance.
pub(crate) type Near = (u32, f64);

/// The `k` nearest of each row among the others, nearest first and equal ones in the order of rows; `None` where `cancel`
/// was set. Numbers must be of about one, so that no square overflows.
///
/// Rows nearer to each other than products of 32 bits can tell may stand for one another.
pub(crate) fn nearest(points: &Matrix, k: usize, cancel: &AtomicBool) -> Option<Vec<Vec<Near>>> {
    let count = points.rows();
    let half_norms: Vec<f32> =
        (0..count).map(|row| 0.5 * kernel::dot(points.row(row), points.row(row))).collect();
    let blocks: Vec<usize> = (0..count).step_by(TILE.0).collect();
    let lists = |&first: &usize| -> Option<Vec<Vec<Near>>> {
        if cancel.load(Ordering::Relaxed) {
            return None;
        }
        let selected = select(points, first..count.min(first + TILE.0), k.saturating_add(SPARE), &half_norms);
        let ordered = selected.into_iter().zip(first..).map(|(list, row)| {
            let others = list.into_iter().map(|scored| scored.item.0);
            let mut list: Vec<Near> = others.map(|other| (other, distance(points, row, other))).collect();
            list.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            list.truncate(k);
            list
        });
        Some(ordered.collect())
    };
    let blocks: Option<Vec<Vec<Vec<Near>>>> = blocks.par_iter().map(lists).collect();
    blocks.map(|blocks| blocks.into_iter().flatten().collect())
}

/// Row `row`'s distances to all others, in the order of rows.
#[cfg(any(test, feature = "figures"))]
pub(crate) fn all(points: &Matrix, row: usize) -> Vec<Near> {
    let others = (0..points.rows() as u32).filter(|&other| other as usize != row);
    others.map(|other| (other, distance(points, row, other))).collect()
}

/// The `wanted` best of some rows, by x · y − ½‖y‖².
fn select(points: &Matrix, rows: std::ops::Range<usize>, wanted: usize, less: &[f32]) -> Vec<Vec<Scored>> {
    let (count, width, all) = (rows.len(), points.cols(), points.as_slice());
    let mut best: Vec<Vec<Scored>> = vec![Vec::new(); count];
    let mut scores = vec![0.0; count * points.rows().min(TILE.1)];
    let queries = View::new(&all[rows.start * width..], count, width);
    for first in (0..points.rows()).step_by(TILE.1) {
        let others = TILE.1.min(points.rows() - first);
        let block = View::new(&all[first * width..], others, width).transposed();
        let scores = &mut scores[..count * others];
        gemm(1.0, queries, block, 0.0, ViewMut::new(scores, count, others), false);
        for ((scores, best), row) in scores.chunks_exact_mut(others).zip(&mut best).zip(rows.start as u32..) {
            scores.iter_mut().zip(&less[first..]).for_each(|(score, less)| *score -= less);
            let selected = kernel::select(best, wanted, first as u32, scores, &[ItemId(row)]);
            debug_assert!(selected.is_ok(), "products of numbers of about one");
        }
    }
    best
}

fn distance(points: &Matrix, row: usize, other: u32) -> f64 {
    let pairs = points.row(row).iter().zip(points.row(other as usize));
    pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::Seed;

    #[test]
    fn tiles_give_what_all_pairs_give() {
        let mut rng = Seed::new(3).rng();
        for (count, width, k) in [(3, 1, 2), (140, 5, 7), (1100, 33, 20)] {
            let numbers = (0..count * width).map(|_| rng.normal() as f32).collect();
            let points = Matrix::from_vec(count, width, numbers).unwrap();
            let lists = nearest(&points, k, &AtomicBool::new(false)).unwrap();
            for (row, list) in lists.iter().enumerate() {
                let mut expected = all(&points, row);
                expected.sort_by(|a, b| a.1.total_cmp(&b.1));
                assert_eq!(list, &expected[..k], "row {row} of {count}");
            }
            assert!(nearest(&points, k, &AtomicBool::new(true)).is_none());
        }
    }
}
