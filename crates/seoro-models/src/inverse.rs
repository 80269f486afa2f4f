//! The inverse of a symmetric positive definite matrix in the memory of the matrix itself.

use crate::FitError;
use crate::linalg::{Cholesky, view, view_mut};
use crate::run::check;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Par};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// The columns eliminated at once; the inversion allocates two `[n, PANEL]` panels and no other matrix.
pub(crate) const PANEL: usize = 256;

/// Replaces the lower triangle of `a`, `[n, n]` and positive definite, by that of `−a⁻¹`; the upper one is neither read
/// nor kept.
///
/// The sweep operator (Goodnight, "A Tutorial on the SWEEP Operator", The American Statistician 1979) on blocks: with
/// `D` the block on the diagonal and `C` its columns in the other rows, `D -> −D⁻¹`, `C -> CD⁻¹` and the rest loses
/// `CD⁻¹Cᵀ`. It makes n³ multiplications and additions, as Cholesky, inverting the factor and multiplying do, and needs
/// no pivoting where the matrix is positive definite.
///
/// # Errors
/// [`FitError::Numeric`] where a block is not positive definite, [`FitError::Cancelled`].
pub(crate) fn negate_inverse(
    a: &mut [f32],
    n: usize,
    model: &'static str,
    cancel: &AtomicBool,
) -> Result<(), FitError> {
    let width = PANEL.min(n);
    let (mut c, mut w) = (vec![0.0; n * width], vec![0.0; n * width]);
    let mut cholesky = Cholesky::new(width);
    for first in (0..n).step_by(PANEL) {
        check(cancel)?;
        let last = n.min(first + PANEL);
        let width = last - first;
        let (c, w) = (&mut c[..n * width], &mut w[..n * width]);
        let mut d = take_panel(a, n, first, last, c);
        if !cholesky.invert(&mut d, width) {
            return Err(FitError::Numeric {
                model,
                what: "the regularised gram matrix is not positive definite",
            });
        }
        let (panel, par) = (view(c, n, width), Par::rayon(0));
        matmul(view_mut(w, n, width), Accum::Replace, panel, view(&d, width, width), 1.0, par);
        triangular::matmul(
            view_mut(a, n, n),
            BlockStructure::TriangularLower,
            Accum::Add,
            view(w, n, width),
            BlockStructure::Rectangular,
            panel.transpose(),
            BlockStructure::Rectangular,
            -1.0,
            par,
        );
        put_panel(a, n, first, last, w, &d);
    }
    Ok(())
}

/// Copies the columns `first..last` of the symmetric `a` into `c`, zero in their own rows, and returns the diagonal block.
fn take_panel(a: &[f32], n: usize, first: usize, last: usize, c: &mut [f32]) -> Vec<f32> {
    let width = last - first;
    let mut d = vec![0.0; width * width];
    for i in 0..width {
        for j in 0..=i {
            let entry = a[(first + i) * n + first + j];
            d[i * width + j] = entry;
            d[j * width + i] = entry;
        }
    }
    c.par_chunks_mut(width).enumerate().for_each(|(row, c)| {
        if row >= last {
            c.copy_from_slice(&a[row * n + first..row * n + last]);
        } else if row >= first {
            c.fill(0.0);
        } else {
            c.iter_mut().enumerate().for_each(|(k, c)| *c = a[(first + k) * n + row]);
        }
    });
    d
}

/// Writes the swept panel `w` and the swept diagonal block `−d` back into the lower triangle of `a`.
fn put_panel(a: &mut [f32], n: usize, first: usize, last: usize, w: &[f32], d: &[f32]) {
    let width = last - first;
    a[first * n..].par_chunks_mut(n).enumerate().for_each(|(offset, row)| {
        if offset >= width {
            row[first..last].copy_from_slice(&w[(first + offset) * width..][..width]);
            return;
        }
        row[..first].iter_mut().enumerate().for_each(|(i, entry)| *entry = w[i * width + offset]);
        let d = &d[offset * width..][..width];
        row[first..last].iter_mut().zip(d).for_each(|(entry, d)| *entry = -d);
    });
}

/// Copies the lower triangle of `a`, `[n, n]`, onto the upper one.
pub(crate) fn mirror(a: &mut [f32], n: usize) {
    if n > 0 {
        mirror_rows(a, n, 0);
    }
}

/// Mirrors the diagonal block of `rows`, which starts at row `first` of the matrix of width `n`.
fn mirror_rows(rows: &mut [f32], n: usize, first: usize) {
    /// Rows written side by side, so that a cache line of the transposed read serves all of them.
    const STRIPE: usize = 16;
    let count = rows.len() / n;
    if count <= STRIPE {
        for i in 0..count {
            for j in i + 1..count {
                rows[i * n + first + j] = rows[j * n + first + i];
            }
        }
        return;
    }
    let half = count / 2;
    let (top, bottom) = rows.split_at_mut(half * n);
    top.par_chunks_mut(STRIPE * n).enumerate().for_each(|(stripe, top)| {
        let column = first + stripe * STRIPE;
        for (j, bottom) in bottom.chunks_exact(n).enumerate() {
            for (i, top) in top.chunks_exact_mut(n).enumerate() {
                top[first + half + j] = bottom[column + i];
            }
        }
    });
    rayon::join(|| mirror_rows(top, n, first), || mirror_rows(bottom, n, first + half));
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::Seed;

    /// Sizes below, at and above a panel: `a · a⁻¹` is the identity, and both triangles agree.
    #[test]
    fn inverse_times_matrix_is_identity() {
        for n in [1, 2, 17, PANEL, PANEL + 1, 2 * PANEL + 45] {
            let mut rng = Seed::new(7).index(n as u64).rng();
            let mut a: Vec<f32> = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..=i {
                    let entry =
                        if i == j { 2.0 + rng.unit() as f32 } else { (rng.unit() as f32 - 0.5) / n as f32 };
                    (a[i * n + j], a[j * n + i]) = (entry, entry);
                }
            }
            let mut inverse = a.clone();
            negate_inverse(&mut inverse, n, "test", &AtomicBool::new(false)).unwrap();
            mirror(&mut inverse, n);
            for i in 0..n {
                for j in 0..n {
                    assert_eq!(inverse[i * n + j], inverse[j * n + i]);
                    let product: f32 = (0..n).map(|k| -a[i * n + k] * inverse[k * n + j]).sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-5, "n {n}, ({i}, {j}): {product}");
                }
            }
        }
    }

    #[test]
    fn indefinite_matrix_is_refused() {
        let mut a = vec![1.0, 2.0, 2.0, 1.0];
        let refused = negate_inverse(&mut a, 2, "test", &AtomicBool::new(false));
        assert!(matches!(refused, Err(FitError::Numeric { model: "test", .. })));
    }
}
