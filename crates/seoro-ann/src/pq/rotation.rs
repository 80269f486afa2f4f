//! A rotation of vectors before they are cut into parts, so that codes leave less out: OPQ (T. Ge, K. He, Q. Ke, J. Sun:
//! Optimized product quantization, 2013), the solution without a model of the data.
//!
//! `Σ ‖R x − ŷ‖²`, with `ŷ` what the code of `R x` stands for, is made smaller by turns: words move to the means of what
//! they stand for, and `R` becomes the rotation nearest to `Σ ŷ xᵀ`, its orthogonal polar factor (Procrustes). All metrics
//! are the same between rotated vectors. Where this differs:
//! - The factor comes from Newton and Schulz' iteration, which is products of matrices, not from a singular value
//!   decomposition. A small part of the rotation before is added first, so that directions in which no vector points keep
//!   theirs.
//! - It begins with the rotation that leaves less out of two: none, and a random one. From none alone, numbers that have
//!   nothing to do with each other would stay where they are.
//! - With lists, `x` is what the list's centroid leaves of a vector: lists are found first, and do not depend on `R`.

use super::coded::Codes;
use super::quantiser::Quantiser;
use crate::file::{FileError, Source, check};
use crate::head::random;
use crate::kmeans::Rows as Points;
use crate::slab::{Rows, Slab};
use crate::{Build, BuildError};
use rayon::prelude::*;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Matrix, kernel};
use std::ops::Range;

/// The most vectors that it is learned from.
const SAMPLE: usize = 16_384;

/// Turns of k-means between two rotations; the words of the rotation before are where they begin.
const WORD_TURNS: usize = 4;

/// The part of the rotation before, in mean squares of `Σ ŷ xᵀ`.
const KEPT: f32 = 1e-3;

/// The most turns of Newton and Schulz, and how far from orthonormal rows the last begins.
const POLAR: (usize, f32) = (40, 1e-3);

/// How many rows are multiplied at once.
const CHUNK: usize = 256;

/// Orthonormal rows, `[D, D]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rotation {
    matrix: Rows,
}

impl Rotation {
    /// The rotation that `turns` turns find for `points`.
    ///
    /// # Errors
    /// [`BuildError::Cancelled`].
    pub(super) fn learn(
        points: &Matrix,
        codes: &Codes,
        turns: usize,
        build: &Build<'_>,
    ) -> Result<Self, BuildError> {
        let (count, dim) = (points.rows().min(SAMPLE), points.cols());
        let mut sample = Matrix::zeros(count, dim);
        (0..count).for_each(|place| {
            sample.row_mut(place).copy_from_slice(points.row(place * points.rows() / count));
        });
        let mut best: Option<(f64, Self, Quantiser)> = None;
        for start in [Self::identity(dim), Self::random(dim, build)?] {
            let turned = start.turn_all(&sample);
            let quantiser =
                Quantiser::train(Points::of(&turned), codes.parts, codes.words(), codes.iterations, build)?;
            let error = error(&turned, &decoded(&quantiser, &turned));
            if best.as_ref().is_none_or(|best| error < best.0) {
                best = Some((error, start, quantiser));
            }
        }
        let Some((_, mut rotation, mut quantiser)) = best else { return Ok(Self::identity(dim)) };
        for _ in 0..turns {
            build.check()?;
            let turned = rotation.turn_all(&sample);
            quantiser.improve(Points::of(&turned), WORD_TURNS, build)?;
            rotation.approach(&decoded(&quantiser, &turned), &sample, build)?;
        }
        Ok(rotation)
    }

    fn identity(dim: usize) -> Self {
        let mut matrix = Rows::zeros(dim, dim);
        matrix.as_mut_slice().iter_mut().step_by(dim + 1).for_each(|number| *number = 1.0);
        Self { matrix }
    }

    fn random(dim: usize, build: &Build<'_>) -> Result<Self, BuildError> {
        let numbers = random(dim, dim, build.seed.child("rotation"));
        let factor = polar(numbers.as_slice().to_vec(), dim, build)?;
        Ok(factor.map_or_else(|| Self::identity(dim), |matrix| Self { matrix }))
    }

    /// The bytes that it and its training hold.
    pub(super) fn bytes_to_learn(points: usize, dim: usize) -> u64 {
        let (points, dim) = (points.min(SAMPLE) as u64, dim as u64);
        (4 * dim).saturating_add(3 * points).saturating_mul(dim).saturating_mul(4)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.matrix.as_slice().len() as u64 * 4
    }

    pub(super) fn numbers(&self) -> &[f32] {
        self.matrix.as_slice()
    }

    /// Takes the rotation of vectors of `dim` numbers from a file; one that is none only finds less.
    ///
    /// # Errors
    /// A section of another length, numbers that are not finite.
    pub(super) fn take_section(source: &mut Source, dim: usize) -> Result<Self, FileError> {
        let numbers: Slab<f32> = source.take("rotation", dim.saturating_mul(dim))?;
        check::finite(source, "rotation", &numbers)?;
        Ok(Self { matrix: Rows::new(dim, dim, numbers) })
    }

    /// Rotates a vector in place; `held` is working memory.
    pub(super) fn turn(&self, vector: &mut [f32], held: &mut Vec<f32>) {
        held.clear();
        held.extend_from_slice(vector);
        kernel::dot_rows(held, self.matrix.as_slice(), vector);
    }

    /// The vectors, rotated, `[N, D]`.
    pub(super) fn turn_all(&self, vectors: &Matrix) -> Matrix {
        let dim = vectors.cols();
        let mut turned = Matrix::zeros(vectors.rows(), dim);
        let chunks = turned.as_mut_slice().par_chunks_mut(CHUNK * dim.max(1)).enumerate();
        chunks.for_each(|(chunk, out)| {
            let (first, count) = (chunk * CHUNK * dim, out.len() / dim);
            let rows = View::new(&vectors.as_slice()[first..first + out.len()], count, dim);
            let matrix = View::new(self.matrix.as_slice(), dim, dim).transposed();
            gemm(1.0, rows, matrix, 0.0, ViewMut::new(out, count, dim), false);
        });
        turned
    }

    /// Becomes the rotation nearest to `Σ ŷ xᵀ`; stays where that is not finite.
    fn approach(&mut self, decoded: &Matrix, sample: &Matrix, build: &Build<'_>) -> Result<(), BuildError> {
        let (dim, count) = (sample.cols(), sample.rows());
        let mut sums = vec![0.0; dim * dim];
        by_rows(&mut sums, dim, |rows, out| {
            let decoded = match count {
                0 => View::new(&[], 0, rows.len()),
                _ => View::strided(&decoded.as_slice()[rows.start..], count, rows.len(), dim),
            };
            gemm(1.0, decoded.transposed(), View::from(sample), 0.0, out, false);
        });
        let largest = sums.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
        // Squares of large numbers would overflow, those of small ones vanish.
        sums.iter_mut().for_each(|number| *number /= largest);
        let size = (kernel::dot(&sums, &sums) / dim.max(1) as f32).sqrt();
        kernel::axpy(KEPT * size, self.matrix.as_slice(), &mut sums);
        if let Some(factor) = polar(sums, dim, build)? {
            self.matrix = factor;
        }
        Ok(())
    }
}

/// Writes a square matrix in chunks of rows, on all cores; the same at any number of them.
fn by_rows(matrix: &mut [f32], dim: usize, write: impl Fn(Range<usize>, ViewMut<'_>) + Sync) {
    matrix.par_chunks_mut(CHUNK * dim.max(1)).enumerate().for_each(|(chunk, out)| {
        let (first, count) = (chunk * CHUNK, out.len() / dim);
        write(first..first + count, ViewMut::new(out, count, dim));
    });
}

/// What the codes of points stand for, `[N, D]`.
fn decoded(quantiser: &Quantiser, points: &Matrix) -> Matrix {
    let mut code = vec![0; points.rows() * quantiser.parts()];
    quantiser.encode(Points::of(points), &mut code);
    let mut decoded = Matrix::zeros(points.rows(), points.cols());
    for (row, code) in code.chunks_exact(quantiser.parts().max(1)).enumerate() {
        quantiser.add_decoded(code.iter().copied(), decoded.row_mut(row));
    }
    decoded
}

/// The sum of the squared distances between the rows of two matrices.
fn error(points: &Matrix, decoded: &Matrix) -> f64 {
    (0..points.rows()).map(|row| f64::from(kernel::squared_l2(points.row(row), decoded.row(row)))).sum()
}

/// The orthogonal polar factor of a square matrix; nothing where its numbers are not finite, or where it has next to none.
///
/// # Errors
/// [`BuildError::Cancelled`].
fn polar(mut matrix: Vec<f32>, dim: usize, build: &Build<'_>) -> Result<Option<Rows>, BuildError> {
    // No singular value exceeds the root of the largest sums of a row and of a column.
    let of_rows = matrix.chunks_exact(dim.max(1)).map(|row| row.iter().map(|x| x.abs()).sum::<f32>());
    let mut of_columns = vec![0.0; dim];
    for row in matrix.chunks_exact(dim.max(1)) {
        of_columns.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.abs());
    }
    let largest = (of_rows.fold(0.0, f32::max) * of_columns.into_iter().fold(0.0, f32::max)).sqrt();
    let is_finite = matrix.iter().all(|number| number.is_finite());
    if !(is_finite && largest > 0.0 && largest.is_finite()) {
        return Ok(None);
    }
    matrix.iter_mut().for_each(|number| *number /= largest);
    let (mut products, mut next) = (vec![0.0; dim * dim], vec![0.0; dim * dim]);
    for _ in 0..POLAR.0 {
        build.check()?;
        let own = View::new(&matrix, dim, dim);
        by_rows(&mut products, dim, |rows, out| {
            let part = &matrix[rows.start * dim..rows.end * dim];
            gemm(1.0, View::new(part, rows.len(), dim), own.transposed(), 0.0, out, false);
        });
        let identity = |place: usize| if place.is_multiple_of(dim + 1) { 1.0 } else { 0.0 };
        let apart = products.iter().enumerate().map(|(place, x)| (x - identity(place)).abs());
        let is_near = apart.fold(0.0, f32::max) < POLAR.1;
        next.copy_from_slice(&matrix);
        by_rows(&mut next, dim, |rows, out| {
            let part = &products[rows.start * dim..rows.end * dim];
            gemm(-0.5, View::new(part, rows.len(), dim), own, 1.5, out, false);
        });
        std::mem::swap(&mut matrix, &mut next);
        // A turn squares what is missing: nothing but rounding is.
        if is_near {
            return Ok(Some(Rows::new(dim, dim, matrix.into())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::Seed;

    fn points(rows: usize, cols: usize) -> Matrix {
        Matrix::from_vec(rows, cols, random(rows, cols, Seed::new(7)).as_slice().to_vec()).unwrap()
    }

    fn codes(parts: usize) -> Codes {
        Codes {
            parts,
            bits: 4,
            iterations: 10,
            rotations: 10,
            tables: super::super::Tables::Asymmetric,
            keep: false,
            rerank: 0,
        }
    }

    /// The squared error of codes of the rotated points.
    fn left_out(rotation: &Rotation, points: &Matrix, codes: &Codes, build: &Build<'_>) -> f64 {
        let turned = rotation.turn_all(points);
        let quantiser = Quantiser::train(Points::of(&turned), codes.parts, codes.words(), 10, build).unwrap();
        error(&turned, &decoded(&quantiser, &turned))
    }

    #[test]
    fn the_polar_factor_has_orthonormal_rows_and_gives_a_symmetric_rest() {
        let build = Build::new(Seed::new(1));
        for dim in [1, 2, 5, 40, 300] {
            let matrix = points(dim, dim);
            let factor = polar(matrix.as_slice().to_vec(), dim, &build).unwrap().unwrap();
            let product = |a: &dyn Fn(usize, usize) -> f32, b: &dyn Fn(usize, usize) -> f32, r, c| -> f32 {
                (0..dim).map(|k| a(r, k) * b(k, c)).sum()
            };
            let (of_factor, back) =
                (|r: usize, c: usize| factor.row(r)[c], |r: usize, c: usize| factor.row(c)[r]);
            let of_matrix = |r: usize, c: usize| matrix.row(r)[c];
            for (r, c) in (0..dim).flat_map(|r| (0..dim).map(move |c| (r, c))) {
                let is_one = f32::from(u8::from(r == c));
                assert!((product(&of_factor, &back, r, c) - is_one).abs() < 1e-4);
                // M = H U with a symmetric H = M Uᵀ.
                let (here, there) = (product(&of_matrix, &back, r, c), product(&of_matrix, &back, c, r));
                assert!((here - there).abs() < 0.02, "{dim}: {here}, {there}");
            }
        }
        assert!(polar(vec![0.0; 9], 3, &build).unwrap().is_none());
        assert!(polar(vec![f32::NAN, 1.0, 0.0, 1.0], 2, &build).unwrap().is_none());
    }

    #[test]
    fn codes_of_rotated_vectors_leave_less_out() {
        // Two numbers hold nearly all there is, and stand in one part: a rotation spreads them over all parts.
        let mut points = points(1500, 8);
        for row in 0..1500 {
            points.row_mut(row)[..2].iter_mut().for_each(|number| *number *= 20.0);
        }
        let (codes, build) = (codes(4), Build::new(Seed::new(1)));
        let before = left_out(&Rotation::identity(8), &points, &codes, &build);
        let chance = left_out(&Rotation::random(8, &build).unwrap(), &points, &codes, &build);
        let learned = Rotation::learn(&points, &codes, codes.rotations, &build).unwrap();
        let after = left_out(&learned, &points, &codes, &build);
        assert!(after < 0.95 * chance, "{chance} by a random rotation, {after} by one that is learned");
        assert!(after < 0.6 * before, "{before} without, {after} with");
    }

    #[test]
    fn the_scale_of_vectors_changes_nothing() {
        let (points, build) = (points(600, 12), Build::new(Seed::new(1)));
        let learned = |scale: f32| {
            let numbers = points.as_slice().iter().map(|number| number * scale).collect();
            Rotation::learn(&Matrix::from_vec(600, 12, numbers).unwrap(), &codes(4), 3, &build).unwrap()
        };
        let plain = learned(1.0);
        for scale in [2f32.powi(30), 2f32.powi(-45)] {
            let other = learned(scale);
            let apart = kernel::squared_l2(plain.numbers(), other.numbers());
            assert!(apart < 1e-4, "{scale}: {apart}");
        }
    }

    #[test]
    fn random_rotations_have_orthonormal_rows() {
        for seed in 0..300 {
            let Rotation { matrix } = Rotation::random(24, &Build::new(Seed::new(seed))).unwrap();
            assert!(matrix.row(0)[0] != 1.0, "seed {seed}: no rotation was found");
            for (row, other) in (0..24).flat_map(|row| (0..=row).map(move |other| (row, other))) {
                let product = kernel::dot(matrix.row(row), matrix.row(other));
                let expected = f32::from(u8::from(row == other));
                assert!((product - expected).abs() < 1e-4, "seed {seed}: {product}");
            }
        }
    }

    #[test]
    fn a_vector_alone_is_rotated_as_in_a_batch() {
        let (points, build) = (points(700, 20), Build::new(Seed::new(1)));
        let rotation = Rotation::learn(&points, &codes(5), 2, &build).unwrap();
        let (turned, mut held) = (rotation.turn_all(&points), Vec::new());
        for row in 0..points.rows() {
            let mut vector = points.row(row).to_vec();
            rotation.turn(&mut vector, &mut held);
            assert!(kernel::squared_l2(&vector, turned.row(row)) < 1e-9);
            let lengths = [points.row(row), &vector].map(|vector| kernel::dot(vector, vector));
            assert!((lengths[0] - lengths[1]).abs() < 1e-3, "{lengths:?}");
        }
    }
}
