use seoro_ann::{Flat, Metric, Neighbor, SearchError};
use seoro_core::{Matrix, Seed};

fn random(rows: usize, cols: usize, stream: &str) -> Matrix {
    let mut rng = Seed::new(7).child(stream).rng();
    Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| rng.normal() as f32).collect()).unwrap()
}

/// The definition, in f64 and by sorting everything.
fn by_hand(vectors: &Matrix, query: &[f32], k: usize, metric: Metric) -> Vec<u32> {
    let sum = |terms: &mut dyn Iterator<Item = f64>| terms.sum::<f64>();
    let near = |row: &[f32]| {
        let pairs = || row.iter().zip(query).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let dot = sum(&mut pairs().map(|(a, b)| a * b));
        let norms =
            sum(&mut pairs().map(|(a, _)| a * a)).sqrt() * sum(&mut pairs().map(|(_, b)| b * b)).sqrt();
        match metric {
            Metric::InnerProduct => dot,
            Metric::Cosine => dot / norms,
            _ => -sum(&mut pairs().map(|(a, b)| (a - b).powi(2))),
        }
    };
    let mut rows: Vec<u32> = (0..vectors.rows() as u32).collect();
    rows.sort_by(|&a, &b| near(vectors.row(b as usize)).total_cmp(&near(vectors.row(a as usize))));
    rows.truncate(k);
    rows
}

#[test]
fn finds_what_sorting_everything_finds() {
    let (vectors, queries) = (random(300, 17, "vectors"), random(20, 17, "queries"));
    for metric in [Metric::InnerProduct, Metric::Cosine, Metric::SquaredL2] {
        let index = Flat::new(vectors.clone(), metric);
        let found = index.search_batch(&queries, 10).unwrap();
        for (query, found) in found.iter().enumerate() {
            let rows: Vec<u32> = found.iter().map(|neighbor| neighbor.row).collect();
            assert_eq!(rows, by_hand(&vectors, queries.row(query), 10, metric), "{metric:?}, query {query}");
        }
    }
}

#[test]
fn equal_vectors_stand_in_row_order_and_k_may_exceed_the_rows() {
    let index = Flat::new(Matrix::from_vec(3, 1, vec![2.0, 2.0, 5.0]).unwrap(), Metric::InnerProduct);
    let rows: Vec<u32> = index.search(&[1.0], 9).unwrap().iter().map(|neighbor| neighbor.row).collect();
    assert_eq!(rows, [2, 0, 1]);
}

#[test]
fn a_vector_of_zeros_has_cosine_zero() {
    let index = Flat::new(Matrix::from_vec(2, 2, vec![0.0, 0.0, -1.0, 0.0]).unwrap(), Metric::Cosine);
    assert_eq!(index.search(&[1.0, 0.0], 1).unwrap(), [Neighbor { row: 0, score: 0.0 }]);
}

#[test]
fn bad_queries_are_refused() {
    let index = Flat::new(random(4, 3, "vectors"), Metric::SquaredL2);
    assert_eq!(index.search(&[1.0], 1), Err(SearchError::Dimension { dim: 1, expected: 3 }));
    assert_eq!(index.search(&[1.0, f32::NAN, 0.0], 1), Err(SearchError::NotFinite { place: 1 }));
}

#[test]
fn the_index_crosses_threads() {
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Flat>();
}
