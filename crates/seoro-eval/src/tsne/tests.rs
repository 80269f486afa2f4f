use super::affinity::{Rows, conditional, joint};
use super::descent::{Field, divergence};
use super::start;
use super::tree::Place;
use crate::consistency::write_unit;
use crate::near::nearest;
use seoro_core::{Csr, Matrix, Seed};
use serde::Deserialize;
use std::sync::atomic::AtomicBool;

#[derive(Deserialize)]
struct Fixture {
    maps: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    distance: String,
    perplexity: f64,
    vectors: Vec<Vec<f32>>,
    p: Vec<Vec<f64>>,
    places: Vec<Place>,
    divergence: f64,
    gradient: Vec<Place>,
}

fn references() -> Vec<Reference> {
    let Fixture { maps } = serde_json::from_str(include_str!("../../tests/fixtures/tsne.json")).unwrap();
    assert_eq!(maps.len(), 2);
    maps
}

fn affinities(reference: &Reference) -> Csr {
    let rows = reference.vectors.len();
    let mut points = Matrix::from_vec(rows, reference.vectors[0].len(), reference.vectors.concat()).unwrap();
    if reference.distance == "cosine" {
        let rows = reference.vectors.iter().enumerate();
        rows.for_each(|(row, vector)| assert!(write_unit(vector, points.row_mut(row))));
    }
    start::centre(&mut points);
    joint(conditional(rows, &Rows::All(&points), reference.perplexity))
}

#[test]
fn affinities_are_numpys() {
    for reference in references() {
        let p = affinities(&reference);
        let mut sum = 0.0;
        for (row, expected) in reference.p.iter().enumerate() {
            let mut ours = vec![0.0; expected.len()];
            p.row(row).for_each(|(column, chance)| ours[column as usize] = f64::from(chance));
            for (ours, theirs) in ours.iter().zip(expected) {
                assert!((ours - theirs).abs() < 1e-5 * theirs + 1e-9, "{ours}, {theirs}");
            }
            sum += ours.iter().sum::<f64>();
        }
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
}

#[test]
fn gradients_and_divergences_are_numpys() {
    for reference in references() {
        let (p, places) = (affinities(&reference), &reference.places);
        let mut field = Field::default();
        let z = field.repel(places, 0.0);
        let ours = divergence(&p, places, z);
        assert!((ours - reference.divergence).abs() < 1e-5 * reference.divergence, "{ours}");
        let mut gradient = vec![[0.0; 2]; places.len()];
        field.gradient(&p, places, z, 1.0, &mut gradient);
        let largest = reference.gradient.as_flattened().iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (ours, theirs) in gradient.as_flattened().iter().zip(reference.gradient.as_flattened()) {
            assert!((ours - theirs).abs() < 1e-5 * largest, "{ours}, {theirs}");
        }
    }
}

/// Two clusters and a lone point, as a map has them.
fn map(count: usize) -> Vec<Place> {
    let mut rng = Seed::new(9).rng();
    let place = |n: usize| [rng.normal() * 3.0 + 12.0 * (n % 2) as f64, rng.normal() * 2.0];
    let mut places: Vec<Place> = (0..count).map(place).collect();
    places[0] = [80.0, -90.0];
    places
}

/// The gradient of a map whose P is that of the map itself, and Z.
fn gradient(places: &[Place], repel: impl Fn(&mut Field) -> f64) -> (Vec<Place>, f64) {
    let numbers = places.as_flattened().iter().map(|&x| x as f32).collect();
    let points = Matrix::from_vec(places.len(), 2, numbers).unwrap();
    let lists = nearest(&points, 30, &AtomicBool::new(false)).unwrap();
    let p = joint(conditional(places.len(), &Rows::Lists(lists), 10.0));
    let mut field = Field::default();
    let z = repel(&mut field);
    let mut out = vec![[0.0; 2]; places.len()];
    field.gradient(&p, places, z, 1.0, &mut out);
    (out, z)
}

#[test]
fn the_tree_comes_near_the_exact_gradient() {
    let places = map(1500);
    let (exact, exact_z) = gradient(&places, |field| field.repel(&places, 0.0));
    let length = |places: &[Place]| places.as_flattened().iter().map(|x| x * x).sum::<f64>().sqrt();
    for (theta, tolerance) in [(0.2, 0.001), (0.5, 0.01), (1.0, 0.05)] {
        let (rough, z) = gradient(&places, |field| field.repel(&places, theta));
        let differences: Vec<Place> =
            exact.iter().zip(&rough).map(|(a, b)| [a[0] - b[0], a[1] - b[1]]).collect();
        let error = length(&differences) / length(&exact);
        assert!(error < tolerance, "θ = {theta}: {error}");
        assert!((z / exact_z - 1.0).abs() < tolerance, "θ = {theta}: {z}, {exact_z}");
        assert!(error > 0.0);
    }
}

#[test]
fn a_tree_that_opens_every_cell_is_exact() {
    let places = map(700);
    let (exact, exact_z) = gradient(&places, |field| field.repel(&places, 0.0));
    let (all, z) = gradient(&places, |field| field.repel_by_tree(&places, 0.0));
    assert!((z / exact_z - 1.0).abs() < 1e-12);
    for (exact, all) in exact.as_flattened().iter().zip(all.as_flattened()) {
        assert!((exact - all).abs() < 1e-12 * (1.0 + exact.abs()), "{exact}, {all}");
    }
}

#[test]
fn the_first_axis_is_the_widest() {
    let mut rng = Seed::new(4).rng();
    // Along (3, 4, 0), then (0, 0, 1), then hardly anything.
    let mut points = Matrix::zeros(400, 3);
    let mut along = Vec::new();
    for row in 0..400 {
        let [a, b, c] = [10.0, 4.0, 0.01].map(|width| width * rng.normal());
        let numbers = [0.6 * a - 0.8 * c, 0.8 * a + 0.6 * c, b];
        points.row_mut(row).iter_mut().zip(numbers).for_each(|(x, number)| *x = number as f32);
        along.push([a, b]);
    }
    start::centre(&mut points);
    let places = start::pca(&points, Seed::new(1));
    let correlation = |axis: usize| {
        let sum = |f: fn(f64, f64) -> f64| -> f64 {
            places.iter().zip(&along).map(|(place, along)| f(place[axis], along[axis])).sum()
        };
        sum(|a, b| a * b) / (sum(|a, _| a * a) * sum(|_, b| b * b)).sqrt()
    };
    assert!(correlation(0) > 0.99 && correlation(1).abs() > 0.99, "{} {}", correlation(0), correlation(1));
    let spread = (places.iter().map(|place| place[0] * place[0]).sum::<f64>() / 400.0).sqrt();
    assert!((spread - 1e-4).abs() < 1e-5, "{spread}");
}
