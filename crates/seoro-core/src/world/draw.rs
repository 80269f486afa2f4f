//! Draws from the few distributions the world needs.

use crate::{Matrix, Rng};

/// A place in `weights` with a chance in proportion to its weight; the last place of weight where rounding leaves none.
pub(super) fn weighted(rng: &mut Rng, weights: &[f64]) -> usize {
    let mut left = rng.unit() * weights.iter().sum::<f64>();
    for (place, &weight) in weights.iter().enumerate() {
        if left < weight {
            return place;
        }
        left -= weight;
    }
    weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
}

/// Exponential with mean 1.
pub(super) fn exponential(rng: &mut Rng) -> f64 {
    -(1.0 - rng.unit()).ln()
}

/// Standard Gumbel.
pub(super) fn gumbel(rng: &mut Rng) -> f64 {
    -exponential(rng).max(f64::MIN_POSITIVE).ln()
}

/// Standard logistic.
pub(super) fn logistic(rng: &mut Rng) -> f64 {
    let u = rng.unit().clamp(1e-12, 1.0 - 1e-12);
    (u / (1.0 - u)).ln()
}

/// `[rows, cols]` of standard normals.
pub(super) fn normals(rows: usize, cols: usize, rng: &mut Rng) -> Matrix {
    let mut matrix = Matrix::zeros(rows, cols);
    matrix.as_mut_slice().iter_mut().for_each(|x| *x = rng.normal() as f32);
    matrix
}
