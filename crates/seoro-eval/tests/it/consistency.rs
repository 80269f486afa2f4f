use seoro_core::Matrix;
use seoro_eval::consistency::ConsistencyError;
use seoro_eval::{genre_consistency, silhouette};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Fixture {
    consistency: Reference,
}

#[derive(Deserialize)]
struct Reference {
    vectors: Vec<Vec<f32>>,
    labels: Vec<Option<u32>>,
    rows: Vec<u32>,
    hits: BTreeMap<String, Vec<f64>>,
    silhouettes: Vec<f64>,
}

fn reference() -> (Matrix, Reference) {
    let Fixture { consistency } = serde_json::from_str(include_str!("../fixtures/tsne.json")).unwrap();
    (matrix(&consistency.vectors), consistency)
}

fn matrix(rows: &[Vec<f32>]) -> Matrix {
    Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).unwrap()
}

#[test]
fn votes_are_numpys() {
    let (vectors, reference) = reference();
    assert_eq!(reference.hits.len(), 4);
    for (k, hits) in &reference.hits {
        let found = genre_consistency(&vectors, &reference.labels, k.parse().unwrap()).unwrap();
        assert_eq!(found.rows, reference.rows);
        assert_eq!(&found.values, hits, "k = {k}");
        assert_eq!(found.mean(), hits.iter().sum::<f64>() / hits.len() as f64);
    }
}

#[test]
fn silhouettes_are_numpys() {
    let (vectors, reference) = reference();
    let found = silhouette(&vectors, &reference.labels).unwrap();
    assert_eq!(found.rows, reference.rows);
    assert_eq!(found.values.len(), reference.silhouettes.len());
    for (ours, theirs) in found.values.iter().zip(&reference.silhouettes) {
        assert!((ours - theirs).abs() < 1e-6, "{ours}, {theirs}");
    }
}

#[test]
fn lengths_do_not_matter() {
    let (mut vectors, reference) = reference();
    let ask = |vectors: &Matrix| {
        let votes = genre_consistency(vectors, &reference.labels, 5).unwrap();
        (votes, silhouette(vectors, &reference.labels).unwrap().mean())
    };
    let (votes, mean) = ask(&vectors);
    for row in 0..vectors.rows() {
        let scale = 10f32.powi(row as i32 % 30 - 10);
        vectors.row_mut(row).iter_mut().for_each(|x| *x *= scale);
    }
    let (scaled, scaled_mean) = ask(&vectors);
    assert_eq!(scaled, votes);
    assert!((scaled_mean - mean).abs() < 1e-6);
}

#[test]
fn tied_votes_go_to_the_nearest() {
    let angle = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
    let vectors = matrix(&[0.0, 1.0, 2.0, 3.0, 4.0].map(angle));
    // The first sees 7, 8, 8, 7: the nearest of two labels with two votes is 7.
    let ask = |k, own| {
        let labels = [own, 7, 8, 8, 7].map(Some);
        genre_consistency(&vectors, &labels, k).unwrap().values[0]
    };
    assert_eq!([ask(4, 7), ask(4, 8), ask(3, 8), ask(1, 7)], [1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn one_place_for_all_has_no_silhouette() {
    let vectors = matrix(&vec![vec![0.3, 0.4]; 40]);
    let labels: Vec<Option<u32>> = (0..40).map(|row| Some(row % 2)).collect();
    let found = silhouette(&vectors, &labels).unwrap();
    assert!(found.values.iter().all(|value| value.abs() <= 1.0), "{found:?}");
    assert_eq!(genre_consistency(&vectors, &labels, 3).unwrap().values.len(), 40);
}

#[test]
fn nonsense_is_refused() {
    let vectors = matrix(&[vec![1.0, 0.0], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![0.0, 1.0]]);
    let votes = |labels: &[Option<u32>], k| genre_consistency(&vectors, labels, k).unwrap_err();
    let (a, b) = (Some(0), Some(1));
    assert_eq!(votes(&[a], 1), ConsistencyError::Length { labels: 1, vectors: 4 });
    assert_eq!(votes(&[a, None, None, b], 0), ConsistencyError::NoNeighbours);
    assert_eq!(votes(&[a, None, None, b], 2), ConsistencyError::TooFew { labelled: 2, expected: 3 });
    assert_eq!(
        votes(&[a, None, None, b], usize::MAX),
        ConsistencyError::TooFew { labelled: 2, expected: usize::MAX }
    );
    assert_eq!(votes(&[a, b, None, b], 1), ConsistencyError::Zero { row: 1 });
    assert!(matches!(votes(&[a, None, b, b], 1), ConsistencyError::NotFinite { row: 2, column: 0, .. }));
    let one = silhouette(&vectors, &[a, None, None, a]);
    assert_eq!(one, Err(ConsistencyError::OneLabel { labels: 1 }));
    assert_eq!(silhouette(&vectors, &[None; 4]), Err(ConsistencyError::TooFew { labelled: 0, expected: 2 }));
    let none = genre_consistency(&Matrix::zeros(2, 0), &[a, b], 1);
    assert_eq!(none, Err(ConsistencyError::Zero { row: 0 }));
}
