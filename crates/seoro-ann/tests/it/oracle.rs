//! What every index is held to: the definition in f64, and the rules of the seam.

use seoro_ann::{Ask, Bitmap, Build, Flat, Index, Metric, Neighbor, Points, Scratch, SearchError};
use seoro_core::{Matrix, Seed};
use std::collections::HashSet;

pub(crate) const METRICS: [Metric; 3] = [Metric::InnerProduct, Metric::Cosine, Metric::SquaredL2];

/// Vectors of standard normal numbers.
pub(crate) fn random(rows: usize, cols: usize, stream: &str) -> Matrix {
    let mut rng = Seed::new(7).child(stream).rng();
    Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| rng.normal() as f32).collect()).unwrap()
}

/// Points around a few centres.
pub(crate) fn clustered(rows: usize, dim: usize, stream: &str) -> Matrix {
    let (centres, mut points) = (random(20, dim, "centres"), random(rows, dim, stream));
    for row in 0..rows {
        let centre = centres.row(row % 20);
        points
            .row_mut(row)
            .iter_mut()
            .zip(centre)
            .for_each(|(number, centre)| *number = 0.3 * *number + 2.0 * centre);
    }
    points
}

/// Vectors and queries so far from the origin that products cannot tell near ones apart.
pub(crate) fn far_away() -> (Matrix, Matrix) {
    let vectors = (0..1000).map(|row| 10_000.0 + 0.01 * row as f32).collect();
    (
        Matrix::from_vec(1000, 1, vectors).unwrap(),
        Matrix::from_vec(3, 1, vec![10_005.0, 10_000.3, 9_990.0]).unwrap(),
    )
}

/// The share of the true 10 nearest that a search finds.
pub(crate) fn recall(index: &dyn Index, vectors: &Matrix, queries: &Matrix, ask: &Ask<'_>) -> f64 {
    let exact =
        Flat::default().build(&Points::new(vectors, index.metric()), &Build::new(Seed::new(1))).unwrap();
    let (truth, found) =
        (exact.search_batch(queries, ask).unwrap(), index.search_batch(queries, ask).unwrap());
    let shared = truth.iter().zip(&found).map(|(truth, found)| {
        let truth: HashSet<u64> = truth.iter().map(|neighbor| neighbor.id).collect();
        found.iter().filter(|neighbor| truth.contains(&neighbor.id)).count()
    });
    shared.sum::<usize>() as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64
}

/// A dot product, cosine or squared distance, in f64.
pub(crate) fn score(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    let dot: f64 = pairs().map(|(a, b)| a * b).sum();
    match metric {
        Metric::InnerProduct => dot,
        Metric::Cosine => {
            let squares = |x: &[f32]| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            let norms = squares(a).sqrt() * squares(b).sqrt();
            if norms > 0.0 { dot / norms } else { 0.0 }
        }
        _ => pairs().map(|(a, b)| (a - b).powi(2)).sum(),
    }
}

/// The scores of the `k` nearest among the rows that `keeps` keeps, nearest first.
pub(crate) fn best_scores(
    vectors: &Matrix,
    query: &[f32],
    k: usize,
    metric: Metric,
    keeps: impl Fn(usize) -> bool,
) -> Vec<f64> {
    let rows = (0..vectors.rows()).filter(|&row| keeps(row));
    let mut scores: Vec<f64> = rows.map(|row| score(metric, vectors.row(row), query)).collect();
    scores.sort_by(|a, b| if metric == Metric::SquaredL2 { a.total_cmp(b) } else { b.total_cmp(a) });
    scores.truncate(k);
    scores
}

/// Holds an index over `vectors` (named by their rows) to the definition, at an effort at which it finds everything:
/// as many neighbours as there can be, none twice, each with its score, none farther than the true one of its place.
pub(crate) fn agrees(index: &dyn Index, vectors: &Matrix, queries: &Matrix, effort: Option<usize>) {
    let metric = index.metric();
    let even = Bitmap::from_iter((0..vectors.rows() as u64).filter(|id| id % 2 == 0));
    let mut scratch = index.scratch();
    for k in [0, 1, 7, vectors.rows() + 3] {
        for filtered in [false, true] {
            let mut ask = Ask::new(k);
            (ask.effort, ask.rerank) = (effort, effort);
            if filtered {
                ask = ask.filter(&even);
            }
            let batch = index.search_batch(queries, &ask).unwrap();
            for (place, batch) in batch.iter().enumerate() {
                let query = queries.row(place);
                let what = format!("{metric:?}, k {k}, filtered {filtered}, query {place}");
                let mut found = Vec::new();
                let work = index.search(query, &ask, &mut scratch, &mut found).unwrap();
                let truth = best_scores(vectors, query, k, metric, |row| !filtered || row % 2 == 0);
                assert_eq!(found.len(), truth.len(), "{what}");
                assert!(k == 0 || vectors.rows() == 0 || work.distances > 0, "{what}");
                same_scores(&found, &truth, &what);
                for neighbor in &found {
                    let own = score(metric, vectors.row(neighbor.id as usize), query);
                    close(f64::from(neighbor.score), own, &what);
                    assert!(!filtered || neighbor.id % 2 == 0, "{what}: {neighbor:?}");
                }
                let mut ids: Vec<u64> = found.iter().map(|neighbor| neighbor.id).collect();
                ids.sort_unstable();
                ids.dedup();
                assert_eq!(ids.len(), found.len(), "{what}: a vector twice");
                same_scores(batch, &truth, &what);
            }
        }
    }
    refuses(index, &mut scratch);
}

/// Bad queries are typed errors, alone and in a batch.
fn refuses(index: &dyn Index, scratch: &mut Scratch) {
    let dim = index.dim();
    let mut out = Vec::new();
    let long = vec![0.0; dim + 1];
    let expected = SearchError::Dimension { dim: dim + 1, expected: dim };
    assert_eq!(index.search(&long, &Ask::new(1), scratch, &mut out), Err(expected.clone()));
    let batch = Matrix::from_vec(1, dim + 1, long).unwrap();
    assert_eq!(index.search_batch(&batch, &Ask::new(1)), Err(expected));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut query = vec![0.0; dim];
        let Some(last) = query.last_mut() else { continue };
        *last = bad;
        let expected = SearchError::NotFinite { place: dim - 1 };
        for k in [0, 1] {
            assert_eq!(index.search(&query, &Ask::new(k), scratch, &mut out), Err(expected.clone()));
            let batch = Matrix::from_vec(1, dim, query.clone()).unwrap();
            assert_eq!(index.search_batch(&batch, &Ask::new(k)), Err(expected.clone()));
        }
    }
}

fn same_scores(found: &[Neighbor], truth: &[f64], what: &str) {
    assert_eq!(found.len(), truth.len(), "{what}");
    found.iter().zip(truth).for_each(|(found, &truth)| close(f64::from(found.score), truth, what));
}

fn close(ours: f64, truth: f64, what: &str) {
    assert!((ours - truth).abs() <= 2e-5 * (1.0 + truth.abs()), "{what}: {ours}, expected {truth}");
}
