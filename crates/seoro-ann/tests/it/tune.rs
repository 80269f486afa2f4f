//! The search for an effort.

use crate::oracle::random;
use seoro_ann::{
    Ask, Build, Flat, FlatIndex, Forest, ForestIndex, Hnsw, Index, Metric, Neighbor, Points, Pq, SearchError,
    Storage, TuneError, tune,
};
use seoro_core::{Matrix, Seed};

fn indexes(vectors: &Matrix) -> (FlatIndex, ForestIndex) {
    let points = Points::new(vectors, Metric::SquaredL2);
    let build = Build::new(Seed::new(1));
    let forest = Forest { trees: 4, leaf: Some(8), ..Forest::default() };
    (Flat::default().build(&points, &build).unwrap(), forest.build(&points, &build).unwrap())
}

#[test]
fn the_effort_found_reaches_what_is_wanted_and_less_does_not() {
    let (vectors, queries) = (random(3000, 12, "vectors"), random(100, 12, "queries"));
    let (flat, forest) = indexes(&vectors);
    let recall = |effort: usize| {
        let found = forest.search_batch(&queries, &Ask::new(10).effort(effort)).unwrap();
        let truth = flat.search_batch(&queries, &Ask::new(10)).unwrap();
        let hits = found.iter().zip(&truth).flat_map(|(found, truth)| {
            found.iter().filter(|near| truth.iter().any(|other| other.id == near.id))
        });
        hits.count() as f64 / 1000.0
    };
    let mut before = 0;
    for wanted in [0.5, 0.9, 0.99] {
        let tuned = tune(&forest, &flat, &queries, wanted, 10).unwrap();
        assert!(tuned.recall >= wanted && (recall(tuned.effort) - tuned.recall).abs() < 1e-9, "{tuned:?}");
        assert!(recall(tuned.effort - tuned.effort / 25 - 2) < wanted, "{tuned:?}");
        assert!(tuned.effort > before);
        before = tuned.effort;
    }
    assert_eq!(tune(&forest, &flat, &queries, 1.0, 10).unwrap().recall, 1.0);
}

#[test]
fn an_exact_index_needs_no_effort() {
    let vectors = random(50, 3, "vectors");
    let (flat, _) = indexes(&vectors);
    let tuned = tune(&flat, &flat, &vectors, 1.0, 7).unwrap();
    // Nothing smaller reaches it less: effort means nothing to it.
    assert_eq!((tuned.effort, tuned.recall), (1, 1.0));
    assert_eq!(tune(&flat, &flat, &Matrix::zeros(0, 3), 0.9, 7).unwrap().recall, 1.0);
    assert_eq!(tune(&flat, &flat, &vectors, 0.9, 0).unwrap().recall, 1.0);
}

#[test]
fn neighbours_count_by_exact_scores_where_the_index_has_rounded_ones() {
    let (vectors, queries) = (random(2000, 8, "vectors"), random(60, 8, "queries"));
    let points = Points::new(&vectors, Metric::SquaredL2);
    let (flat, _) = indexes(&vectors);
    let build = Build::new(Seed::new(1));
    let rounded = Hnsw { storage: Storage::Int8, ..Hnsw::default() }.build(&points, &build).unwrap();
    let tuned = tune(&rounded, &flat, &queries, 0.8, 10).unwrap();
    let found = rounded.search_batch(&queries, &Ask::new(10).effort(tuned.effort)).unwrap();
    let truth = flat.search_batch(&queries, &Ask::new(10)).unwrap();
    let is_true = |truth: &[Neighbor], id: u64| truth.iter().any(|near| near.id == id);
    let hits: usize = found
        .iter()
        .zip(&truth)
        .map(|(found, truth)| found.iter().filter(|near| is_true(truth, near.id)).count())
        .sum();
    assert!((hits as f64 / 600.0 - tuned.recall).abs() < 1e-9, "{hits} of 600, {tuned:?}");
    let bytes = Flat { storage: Storage::Int8 }.build(&points, &build).unwrap();
    assert_eq!(tune(&rounded, &bytes, &queries, 0.8, 10), Err(TuneError::NotExact));
}

#[test]
fn codes_without_lists_are_tuned_by_how_many_are_compared_again() {
    let (vectors, queries) = (random(2000, 8, "vectors"), random(60, 8, "queries"));
    let (points, build) = (Points::new(&vectors, Metric::SquaredL2), Build::new(Seed::new(1)));
    let (flat, _) = indexes(&vectors);
    let codes = Pq { parts: Some(2), bits: 4, ..Pq::default() }.build(&points, &build).unwrap();
    let tuned = tune(&codes, &flat, &queries, 0.9, 10).unwrap();
    assert!(tuned.effort > 10 && tuned.effort < 2000, "{tuned:?}");
    let found = codes.search_batch(&queries, &Ask::new(10).rerank(tuned.effort)).unwrap();
    assert_eq!(found, codes.search_batch(&queries, &Ask::new(10).effort(tuned.effort)).unwrap());
}

#[test]
fn what_cannot_be_is_refused() {
    let (vectors, other) = (random(50, 3, "vectors"), random(51, 3, "vectors"));
    let ((flat, forest), (others, _)) = (indexes(&vectors), indexes(&other));
    for wanted in [0.0, 1.1, f64::NAN] {
        assert!(matches!(tune(&forest, &flat, &vectors, wanted, 1), Err(TuneError::Recall { .. })));
    }
    let different = TuneError::Different { rows: 50, expected: 51 };
    assert_eq!(tune(&forest, &others, &vectors, 0.9, 1), Err(different));
    let long = TuneError::Search(SearchError::Dimension { dim: 4, expected: 3 });
    assert_eq!(tune(&forest, &flat, &Matrix::zeros(1, 4), 0.9, 1), Err(long));
}

#[test]
fn equals_count_whichever_is_found() {
    let vectors = Matrix::from_vec(300, 1, vec![1.0; 300]).unwrap();
    let (flat, forest) = indexes(&vectors);
    assert_eq!(tune(&forest, &flat, &vectors, 1.0, 5).unwrap().recall, 1.0);
}
