//! The exact solve of one row (a user against fixed items, or an item against fixed users).
//!
//! With Y the fixed side, P its observed rows, each times the root of its weight, and s the targets divided by that root,
//! the row minimises `xᵀ(α₀YᵀY + PᵀP + λ_u I)x − 2sᵀPx`. [`diagonalise`] makes `YᵀY` a diagonal matrix Λ, which changes
//! no score; with `D = (α₀Λ + λ_u I)⁻¹` and `Q = P√D`:
//!
//! `x = √D (I + QᵀQ)⁻¹ Qᵀs = √D Qᵀ (I + QQᵀ)⁻¹ s`.
//!
//! The left form is a system of d unknowns, the right one of as many as there are observations: the smaller is taken.

use super::Ials;
use crate::FitError;
use crate::Recommender;
use crate::linalg::{Cholesky, gram, rotate, symmetric_eigen, view};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use seoro_core::{Matrix, kernel};

/// Entries of Q below this are taken for 0: beside the identity they vanish from `QᵀQ`, and a factor all of whose entries
/// are that small is given up, in `Qᵀs` too. Strong regularisation shrinks whole factors so far that their products are
/// subnormal numbers, on which processors are ten times slower.
const NEGLIGIBLE: f32 = 1e-12;

#[inline]
fn or_zero(q: f32) -> f32 {
    if q.abs() < NEGLIGIBLE { 0.0 } else { q }
}

/// Rotates the rows so that their gram matrix is diagonal, and returns that diagonal; `None` where it is not finite.
pub(super) fn diagonalise(rows: &mut Matrix) -> Option<Vec<f32>> {
    let (values, basis) = symmetric_eigen(&gram(rows))?;
    rotate(rows, &basis);
    Some(values.into_iter().map(|value| value.max(0.0) as f32).collect())
}

/// Solves one row after another, keeping its working memory.
pub(super) struct Solver<'a> {
    recipe: &'a Ials,
    fixed: &'a Matrix,
    spectrum: &'a [f32],
    /// √D, `[d]`.
    scale: Vec<f32>,
    /// Q, `[k, d]`.
    panel: Vec<f32>,
    /// s, `[k]`.
    targets: Vec<f32>,
    /// The system, at most `[d, d]`, and its right side.
    system: Vec<f32>,
    right: Vec<f32>,
    cholesky: Cholesky,
}

impl<'a> Solver<'a> {
    /// A solver against the `fixed` side, whose gram matrix has the diagonal `spectrum`, for rows of at most `longest`
    /// observations.
    pub(super) fn new(recipe: &'a Ials, fixed: &'a Matrix, spectrum: &'a [f32], longest: usize) -> Self {
        let dim = fixed.cols();
        Self {
            recipe,
            fixed,
            spectrum,
            scale: vec![0.0; dim],
            panel: vec![0.0; longest * dim],
            targets: vec![0.0; longest],
            system: vec![0.0; dim * dim],
            right: vec![0.0; dim],
            cholesky: Cholesky::new(dim),
        }
    }

    /// Writes the minimiser for these observations to `out`, and returns the part of the objective that is the row's:
    /// its squared errors and its penalty.
    ///
    /// # Errors
    /// [`FitError::Numeric`] where the system is not positive definite: something is not finite.
    pub(super) fn row(&mut self, columns: &[u32], weights: &[f32], out: &mut [f32]) -> Result<f64, FitError> {
        let (count, dim) = (columns.len(), self.fixed.cols());
        if count == 0 {
            out.fill(0.0);
            return Ok(0.0);
        }
        self.gather(columns, weights);
        let gain = if count < dim { self.by_observations(count, out) } else { self.by_factors(count, out) };
        let what = "a row's system is not positive definite; raise regularization";
        let gain = gain.ok_or(FitError::Numeric { model: Ials::NAME, what })?;
        out.iter_mut().zip(&self.scale).for_each(|(x, scale)| *x *= scale);
        let constant: f64 = weights.iter().map(|&weight| f64::from(self.recipe.target(weight))).sum();
        Ok(constant - gain)
    }

    /// Fills √D, Q and s.
    fn gather(&mut self, columns: &[u32], weights: &[f32]) {
        let ridge = self.recipe.ridge(columns.len(), self.fixed.rows());
        for (scale, value) in self.scale.iter_mut().zip(self.spectrum) {
            *scale = (self.recipe.unobserved * value + ridge).sqrt().recip();
        }
        let panel = self.panel.chunks_exact_mut(self.fixed.cols()).zip(&mut self.targets);
        for ((&column, &weight), (panel, target)) in columns.iter().zip(weights).zip(panel) {
            let root = weight.sqrt();
            *target = self.recipe.target(weight) / root;
            let row = self.fixed.row(column as usize).iter().zip(&self.scale);
            panel.iter_mut().zip(row).for_each(|(q, (y, scale))| *q = or_zero(root * y * scale));
        }
    }

    /// `(I + QᵀQ)⁻¹ Qᵀs` to `out`; returns `(Qᵀs)ᵀ` times that, the objective's gain over the zero vector.
    fn by_factors(&mut self, count: usize, out: &mut [f32]) -> Option<f64> {
        let dim = out.len();
        let panel = view(&self.panel[..count * dim], count, dim);
        add_identity_to_product(&mut self.system, panel.transpose());
        times_targets(panel, &self.targets[..count], &mut self.right);
        out.copy_from_slice(&self.right);
        self.cholesky.solve(&mut self.system, out).then(|| f64::from(kernel::dot(&self.right, out)))
    }

    /// `Qᵀ (I + QQᵀ)⁻¹ s` to `out`; returns `(Qᵀs)ᵀ` times that, which is `sᵀ(s − (I + QQᵀ)⁻¹s)`.
    fn by_observations(&mut self, count: usize, out: &mut [f32]) -> Option<f64> {
        let dim = out.len();
        let panel = view(&self.panel[..count * dim], count, dim);
        let system = &mut self.system[..count * count];
        add_identity_to_product(system, panel);
        let (targets, solution) = (&self.targets[..count], &mut self.right[..count]);
        solution.copy_from_slice(targets);
        if !self.cholesky.solve(system, solution) {
            return None;
        }
        times_targets(panel, solution, out);
        let gains = targets.iter().zip(&*solution).map(|(&s, &z)| f64::from(s) * f64::from(s - z));
        Some(gains.sum())
    }
}

/// The lower triangle of `I + AAᵀ`, column after column; `A` is `[n, m]`, `out` `[n, n]`.
fn add_identity_to_product(out: &mut [f32], a: MatRef<'_, f32>) {
    /// From here on computing one triangle is faster than computing both.
    const TRIANGLE: usize = 96;
    let n = a.nrows();
    let target = MatMut::from_column_major_slice_mut(out, n, n);
    let whole = BlockStructure::Rectangular;
    let part = if n < TRIANGLE { whole } else { BlockStructure::TriangularLower };
    triangular::matmul(target, part, Accum::Replace, a, whole, a.transpose(), whole, 1.0, Par::Seq);
    out.iter_mut().step_by(n + 1).for_each(|diagonal| *diagonal += 1.0);
}

/// `Qᵀs`.
fn times_targets(panel: MatRef<'_, f32>, targets: &[f32], out: &mut [f32]) {
    let targets = MatRef::from_column_major_slice(targets, targets.len(), 1);
    let out = MatMut::from_column_major_slice_mut(out, panel.ncols(), 1);
    matmul(out, Accum::Replace, panel.transpose(), targets, 1.0, Par::Seq);
}
