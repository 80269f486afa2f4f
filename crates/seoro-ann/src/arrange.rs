//! Rows and their numbers in another order, in place.

use crate::Metric;
use crate::slab::{Rows, Slab};
use crate::vectors::Vectors;
use rayon::prelude::*;

/// Under the squared distance, rows of fewer numbers than this keep their order: no distance over them is left early.
const WORTH_ORDERING: usize = 128;

/// Puts the places with the largest variance first, where distances are left early; their order, or nothing.
pub(crate) fn order_places(vectors: &mut Vectors) -> Slab<u32> {
    let width = vectors.rows().cols();
    if vectors.metric() != Metric::SquaredL2 || width < WORTH_ORDERING {
        return Slab::default();
    }
    let (mut sums, mut squares) = (vec![0.0f64; width], vec![0.0f64; width]);
    for row in vectors.rows().as_slice().chunks_exact(width) {
        for (place, &number) in row.iter().enumerate() {
            sums[place] += f64::from(number);
            squares[place] += f64::from(number).powi(2);
        }
    }
    let count = vectors.len() as f64;
    let variance = |place: u32| squares[place as usize] - sums[place as usize].powi(2) / count;
    let mut places: Vec<u32> = (0..width as u32).collect();
    // What rows are filled up with stays behind, though rounding may make it vary more than a constant.
    places[..vectors.dim()].sort_by(|&a, &b| variance(b).total_cmp(&variance(a)));
    vectors.rows_mut().as_mut_slice().par_chunks_exact_mut(width).for_each_init(
        Vec::new,
        |held: &mut Vec<f32>, row| {
            held.clear();
            held.extend_from_slice(row);
            reorder(&places, held, row);
        },
    );
    places.into()
}

#[inline]
pub(crate) fn reorder(places: &[u32], from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(places).for_each(|(to, &place)| *to = from[place as usize]);
}

/// Moves row `order[new]` to row `new`, for each.
pub(crate) fn permute_rows(rows: &mut Rows, order: &[u32]) {
    let width = rows.cols();
    let numbers = rows.as_mut_slice();
    let mut held = vec![0.0; width];
    let mut is_done = vec![false; order.len()];
    for start in 0..order.len() {
        if is_done[start] {
            continue;
        }
        held.copy_from_slice(&numbers[start * width..(start + 1) * width]);
        let mut to = start;
        loop {
            is_done[to] = true;
            let from = order[to] as usize;
            if from == start {
                break;
            }
            numbers.copy_within(from * width..(from + 1) * width, to * width);
            to = from;
        }
        numbers[to * width..(to + 1) * width].copy_from_slice(&held);
    }
}
