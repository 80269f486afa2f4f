//! Where points start.

use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::{Matrix, Rng, Seed};

/// The standard deviation of the first axis.
const SPREAD: f64 = 1e-4;

/// How much of it is noise where points start on principal axes.
const NOISE: f64 = 1e-2;

/// The most multiplications that the axes take.
const MOST: usize = 300;

/// The squared change of an axis at which it is found.
const SETTLED: f64 = 1e-12;

/// Moves rows around their mean, and shrinks or stretches all of them so that the largest number is of size 1.
pub(super) fn centre(points: &mut Matrix) {
    let (rows, cols) = (points.rows(), points.cols());
    let mut mean = vec![0.0; cols];
    for row in 0..rows {
        mean.iter_mut().zip(points.row(row)).for_each(|(mean, &x)| *mean += f64::from(x) / rows as f64);
    }
    let from_mean = |(&x, mean): (&f32, &f64)| f64::from(x) - mean;
    let sizes = (0..rows).flat_map(|row| points.row(row).iter().zip(&mean).map(from_mean));
    let largest = sizes.map(f64::abs).fold(0.0, f64::max);
    if largest > 0.0 {
        for row in 0..rows {
            let moved = points.row_mut(row).iter_mut().zip(&mean);
            moved.for_each(|(x, mean)| *x = ((f64::from(*x) - mean) / largest) as f32);
        }
    } else {
        points.as_mut_slice().fill(0.0);
    }
}

/// Normal positions.
pub(super) fn random(count: usize, seed: Seed) -> Vec<[f64; 2]> {
    let mut rng = seed.rng();
    (0..count).map(|_| [(); 2].map(|()| SPREAD * rng.normal())).collect()
}

/// The projections of centred points on their two leading principal axes, and some noise.
pub(super) fn pca(points: &Matrix, seed: Seed) -> Vec<[f64; 2]> {
    let axes = axes(points, &mut seed.child("axes").rng());
    let along = |row: usize| axes.each_ref().map(|axis| dot(points.row(row), axis));
    let mut places: Vec<[f64; 2]> = (0..points.rows()).map(along).collect();
    let variance = places.iter().map(|place| place[0] * place[0]).sum::<f64>() / places.len() as f64;
    let scale = if variance > 0.0 { SPREAD / variance.sqrt() } else { 0.0 };
    let mut rng = seed.child("noise").rng();
    for x in places.as_flattened_mut() {
        *x = scale * *x + NOISE * SPREAD * rng.normal();
    }
    places
}

/// The two leading eigenvectors of XᵀX by orthogonal iteration, the largest number of each above 0; zeros where there is
/// nothing more to explain. The plane is found as fast as the third eigenvalue is small beside the second.
fn axes(points: &Matrix, rng: &mut Rng) -> [Vec<f64>; 2] {
    let width = points.cols();
    let mut squares = Matrix::zeros(width, width);
    gemm(1.0, View::from(points).transposed(), View::from(points), 0.0, ViewMut::from(&mut squares), false);
    let mut axes = [(); 2].map(|()| (0..width).map(|_| rng.normal()).collect::<Vec<f64>>());
    for _ in 0..MOST {
        let times = |axis: &Vec<f64>| (0..width).map(|row| dot(squares.row(row), axis)).collect::<Vec<f64>>();
        let mut next = axes.each_ref().map(times);
        orthonormalise(&mut next);
        let pairs = axes.iter().flatten().zip(next.iter().flatten());
        let change: f64 = pairs.map(|(old, new)| (old - new).powi(2)).sum();
        axes = next;
        if change < SETTLED {
            break;
        }
    }
    axes.map(|axis| {
        let largest =
            axis.iter().copied().fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most });
        axis.into_iter().map(|x| x * 1f64.copysign(largest)).collect()
    })
}

/// Makes the second orthogonal to the first, and both of length 1, or zero where nothing but rounding is left.
fn orthonormalise([first, second]: &mut [Vec<f64>; 2]) {
    let rounding = 1e-6 * length(first).max(length(second));
    normalise(first, 0.0);
    let shared: f64 = first.iter().zip(&*second).map(|(a, b)| a * b).sum();
    second.iter_mut().zip(&*first).for_each(|(b, a)| *b -= shared * a);
    normalise(second, rounding);
}

fn normalise(axis: &mut [f64], rounding: f64) {
    let length = length(axis);
    axis.iter_mut().for_each(|x| *x = if length > rounding { *x / length } else { 0.0 });
}

fn length(axis: &[f64]) -> f64 {
    axis.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn dot(row: &[f32], axis: &[f64]) -> f64 {
    row.iter().zip(axis).map(|(&x, a)| f64::from(x) * a).sum()
}
