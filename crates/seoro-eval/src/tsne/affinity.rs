//! P: how likely two points are neighbours.

use crate::near::{self, Near};
use rayon::prelude::*;
use seoro_core::{Csr, Matrix};

/// How near each entropy comes to the logarithm of the perplexity, in nats.
const TOLERANCE: f64 = 1e-10;

/// The most halvings and doublings of a search for it.
const MOST: usize = 200;

/// The squared distances that P is made of.
pub(super) enum Rows<'a> {
    /// To all other points.
    All(&'a Matrix),
    /// To these.
    Lists(Vec<Vec<Near>>),
}

/// A row of chances, its columns in rising order.
type Chances = Vec<(u32, f32)>;

/// p_j|i `[N, N]`, each row with the entropy ln `perplexity` (van der Maaten and Hinton 2008, equation 1).
pub(super) fn conditional(count: usize, rows: &Rows<'_>, perplexity: f64) -> Csr {
    let chances = |row: usize| match rows {
        Rows::All(points) => row_of(&near::all(points, row), perplexity),
        Rows::Lists(lists) => row_of(&lists[row], perplexity),
    };
    from_rows(&(0..count).into_par_iter().map(chances).collect::<Vec<_>>())
}

/// p_ij = (p_j|i + p_i|j) ÷ 2N (section 3.1), without what vanishes in 32 bits.
pub(super) fn joint(conditional: Csr) -> Csr {
    let back = conditional.transpose();
    let scale = 0.5 / conditional.rows() as f32;
    let merged = |row: usize| {
        let mut both: Chances = conditional.row(row).chain(back.row(row)).collect();
        both.sort_by_key(|chance| chance.0);
        both.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 += if same { later.1 } else { 0.0 };
            same
        });
        both.iter_mut().for_each(|chance| chance.1 *= scale);
        // A subnormal number would cost more time than it has weight.
        both.retain(|chance| chance.1 >= f32::MIN_POSITIVE);
        both
    };
    from_rows(&(0..conditional.rows()).into_par_iter().map(merged).collect::<Vec<_>>())
}

/// exp(−β d²) ÷ Σ, with the β whose entropy is that of the perplexity, or as near to it as equal distances let it come.
fn row_of(distances: &[Near], perplexity: f64) -> Chances {
    let least = distances.iter().map(|near| near.1).fold(f64::INFINITY, f64::min);
    // Only differences count, and so the nearest has a weight of 1 whatever β is.
    let beyond: Vec<f64> = distances.iter().map(|near| near.1 - least).collect();
    let mean = beyond.iter().sum::<f64>() / beyond.len() as f64;
    let mut weights = vec![1.0; beyond.len()];
    if mean > 0.0 {
        let (mut low, mut high, mut beta) = (0.0, f64::INFINITY, 1.0 / mean);
        for _ in 0..MOST {
            let excess = entropy(&beyond, beta, &mut weights) - perplexity.ln();
            if excess.abs() < TOLERANCE {
                break;
            }
            if excess > 0.0 {
                low = beta
            } else {
                high = beta
            }
            beta = if high.is_finite() { (low + high) / 2.0 } else { beta * 2.0 };
        }
    }
    let sum: f64 = weights.iter().sum();
    let mut chances: Chances =
        distances.iter().zip(&weights).map(|(near, weight)| (near.0, (weight / sum) as f32)).collect();
    chances.sort_unstable_by_key(|chance| chance.0);
    chances
}

/// Writes exp(−β d²), and returns the entropy ln Σ + β Σ d² exp(−β d²) ÷ Σ.
fn entropy(beyond: &[f64], beta: f64, weights: &mut [f64]) -> f64 {
    let (mut sum, mut moment) = (0.0, 0.0);
    for (weight, &beyond) in weights.iter_mut().zip(beyond) {
        *weight = libm::exp(-beta * beyond);
        sum += *weight;
        moment += beyond * *weight;
    }
    libm::log(sum) + beta * moment / sum
}

/// The rows as a square matrix.
fn from_rows(rows: &[Chances]) -> Csr {
    let starts = std::iter::once(0).chain(rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    }));
    let (columns, values) = rows.iter().flatten().copied().unzip();
    Csr::new(starts.collect(), columns, values, rows.len()).expect("distinct neighbours, in order")
}
