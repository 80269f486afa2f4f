//! k-means, held to its definition.

use super::*;
use seoro_core::Seed;

fn random(rows: usize, cols: usize, stream: &str) -> Matrix {
    let mut rng = Seed::new(7).child(stream).rng();
    Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| rng.normal() as f32).collect()).unwrap()
}

fn fit(kmeans: KMeans, points: &Matrix, threads: usize) -> Matrix {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| kmeans.fit(Rows::of(points), Seed::new(1), &Build::new(Seed::new(1))).unwrap())
}

fn error(points: &Matrix, centroids: &Matrix) -> f64 {
    let square = |a: &[f32], b: &[f32]| f64::from(kernel::squared_l2(a, b));
    let nearest = |row: usize| {
        (0..centroids.rows()).map(|c| square(points.row(row), centroids.row(c))).fold(f64::MAX, f64::min)
    };
    (0..points.rows()).map(nearest).sum()
}

const PLAIN: KMeans = KMeans { centroids: 12, iterations: 30, sample: 1000, spherical: false };

#[test]
fn separate_clusters_are_found_and_more_turns_never_hurt() {
    let points = random(900, 5, "points");
    let errors: Vec<f64> = [1, 2, 4, 8, 30]
        .map(|iterations| error(&points, &fit(KMeans { iterations, ..PLAIN }, &points, 2)))
        .to_vec();
    assert!(errors.windows(2).all(|pair| pair[1] <= pair[0] * 1.000_001), "{errors:?}");
    // Each mean is where its points' mean is: no point's move makes the end better.
    let centroids = fit(KMeans { iterations: 300, ..PLAIN }, &points, 2);
    let mut of = vec![0; 900];
    Nearest::new(&centroids, false).assign(Rows::of(&points), &mut of);
    let mut again = centroids.clone();
    means(Rows::of(&points), &Members::new(&of, 12), &mut again);
    assert!(kernel::squared_l2(centroids.as_slice(), again.as_slice()) < 1e-8);
}

#[test]
fn threads_change_nothing() {
    let points = random(3000, 17, "points");
    assert_eq!(fit(PLAIN, &points, 1), fit(PLAIN, &points, 3));
    let spherical = KMeans { spherical: true, ..PLAIN };
    let centroids = fit(spherical, &points, 1);
    assert_eq!(centroids, fit(spherical, &points, 3));
    for row in 0..12 {
        assert!((kernel::dot(centroids.row(row), centroids.row(row)) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn centroids_without_points_take_from_the_worst_cluster() {
    // Two places only, so that most first centroids are equal and get nothing.
    let mut points = random(400, 3, "points");
    for row in 0..400 {
        let far = if row < 300 { 0.0 } else { 100.0 };
        points.row_mut(row).iter_mut().for_each(|number| *number += far);
    }
    points.as_mut_slice()[..3 * 200].fill(0.5);
    let centroids = fit(KMeans { centroids: 40, ..PLAIN }, &points, 2);
    let mut of = vec![0; 400];
    Nearest::new(&centroids, false).assign(Rows::of(&points), &mut of);
    let mut used = of.clone();
    used.sort_unstable();
    used.dedup();
    assert!(used.len() > 35, "{} of 40 are used", used.len());
}

#[test]
fn one_large_cluster_is_split_as_often_as_there_are_centroids() {
    // Most first centroids are zeros, which none of the others' points are near.
    let mut points = random(4000, 128, "points");
    points.as_mut_slice()[..2000 * 128].fill(0.0);
    points.as_mut_slice()[2000 * 128..].iter_mut().for_each(|number| *number += 50.0);
    let centroids = fit(KMeans { centroids: 32, iterations: 12, ..PLAIN }, &points, 2);
    let mut of = vec![0; 4000];
    Nearest::new(&centroids, false).assign(Rows::of(&points), &mut of);
    of.sort_unstable();
    of.dedup();
    assert!(of.len() >= 31, "{} of 32 are used", of.len());
}

#[test]
fn few_points_few_centroids() {
    for (rows, cols) in [(0, 3), (1, 1), (5, 2), (3, 0)] {
        let points = random(rows, cols, "points");
        let centroids = fit(PLAIN, &points, 1);
        assert_eq!((centroids.rows(), centroids.cols()), (rows, cols));
        assert!(error(&points, &centroids) < 1e-9 || rows == 0);
    }
}

#[test]
fn as_in_numpy() {
    let fixture: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/fixtures/kmeans.json")).unwrap();
    let matrix = |name: &str| {
        let numbers: Vec<f32> =
            fixture[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect();
        Matrix::from_vec(numbers.len() / 4, 4, numbers).unwrap()
    };
    let points = matrix("points");
    for (spherical, kind) in [(false, "plain"), (true, "spherical")] {
        for iterations in [1, 6] {
            let mut centroids = matrix("first");
            let kmeans = KMeans { centroids: 6, iterations, sample: 1000, spherical };
            kmeans.improve(Rows::of(&points), &mut centroids, &Build::new(Seed::new(1))).unwrap();
            let expected = matrix(&format!("{kind} {iterations}"));
            let apart = centroids.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-5, "{kind} after {iterations}");
        }
    }
}
