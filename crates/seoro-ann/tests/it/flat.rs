//! The exact index.

use crate::oracle::{METRICS, agrees, far_away, random};
use proptest::prelude::*;
use seoro_ann::{
    Ask, Bitmap, Build, BuildError, Filter, Flat, FlatIndex, Index, Metric, Neighbor, Points, SearchError,
};
use seoro_core::{Matrix, Seed};
use std::sync::atomic::AtomicBool;

fn flat(vectors: &Matrix, metric: Metric) -> FlatIndex {
    Flat::default().build(&Points::new(vectors, metric), &Build::new(Seed::new(1))).unwrap()
}

fn nearest(index: &FlatIndex, query: &[f32], k: usize) -> Vec<Neighbor> {
    let mut out = Vec::new();
    index.search(query, &Ask::new(k), &mut index.scratch(), &mut out).unwrap();
    out
}

#[test]
fn finds_what_the_definition_finds() {
    // More rows than a block, more queries than a tile.
    for (rows, dim) in [(0, 3), (1, 1), (300, 17), (1500, 16), (40, 0)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        METRICS.iter().for_each(|&metric| agrees(&flat(&vectors, metric), &vectors, &queries, None));
    }
    let (vectors, queries) = (random(700, 9, "vectors"), random(600, 9, "queries"));
    METRICS.iter().for_each(|&metric| agrees(&flat(&vectors, metric), &vectors, &queries, None));
}

#[test]
fn vectors_far_from_the_origin_are_told_apart() {
    let (vectors, queries) = far_away();
    agrees(&flat(&vectors, Metric::SquaredL2), &vectors, &queries, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn duplicates_and_small_whole_numbers_too(
        numbers in prop::collection::vec(-2i8..=2, 0..120),
        dim in 1usize..6,
    ) {
        let rows = numbers.len() / dim;
        let numbers: Vec<f32> = numbers[..rows * dim].iter().map(|&number| f32::from(number)).collect();
        let vectors = Matrix::from_vec(rows, dim, numbers).unwrap();
        let queries = random(3, dim, "queries");
        METRICS.iter().for_each(|&metric| agrees(&flat(&vectors, metric), &vectors, &queries, None));
    }
}

#[test]
fn equal_vectors_stand_in_row_order_and_k_may_exceed_the_rows() {
    let index = flat(&Matrix::from_vec(3, 1, vec![2.0, 2.0, 5.0]).unwrap(), Metric::InnerProduct);
    let ids: Vec<u64> = nearest(&index, &[1.0], 9).iter().map(|neighbor| neighbor.id).collect();
    assert_eq!(ids, [2, 0, 1]);
}

#[test]
fn vectors_go_by_their_ids() {
    let vectors = random(4, 3, "vectors");
    let ids = [u64::MAX, 7, 1 << 40, 0];
    let points = Points::new(&vectors, Metric::SquaredL2).with_ids(&ids);
    let index = Flat::default().build(&points, &Build::new(Seed::new(1))).unwrap();
    for (row, &id) in ids.iter().enumerate() {
        assert_eq!(nearest(&index, vectors.row(row), 1), [Neighbor { id, score: 0.0 }]);
        let is_other = |other: u64| other != id;
        let found = index.search_batch(&vectors, &Ask::new(4).filter(&is_other)).unwrap();
        assert!(found.iter().all(|found| found.len() == 3 && found.iter().all(|other| other.id != id)));
    }
}

#[test]
fn bitmaps_take_ids_of_any_size() {
    let ids = [0, 63, 64, 1 << 32, u64::MAX];
    let bitmap = Bitmap::from_iter(ids);
    assert!(ids.iter().all(|&id| bitmap.keeps(id)));
    assert!([1, 65, 1 << 31, (1 << 32) + 1, u64::MAX - 1].iter().all(|&id| !bitmap.keeps(id)));
}

#[test]
fn lengths_far_from_one_have_cosines_too() {
    let vectors = Matrix::from_vec(3, 2, vec![1e-30, 1e-30, 3e38, 0.0, 0.0, 0.0]).unwrap();
    let found = nearest(&flat(&vectors, Metric::Cosine), &[2e-38, 0.0], 3);
    let ids: Vec<u64> = found.iter().map(|neighbor| neighbor.id).collect();
    assert_eq!(ids, [1, 0, 2]);
    assert!((found[0].score - 1.0).abs() < 1e-6 && (found[1].score - 0.5f32.sqrt()).abs() < 1e-6);
    assert_eq!(found[2].score, 0.0);
}

#[test]
fn distances_too_large_for_a_number_are_the_farthest() {
    let vectors = Matrix::from_vec(3, 2, vec![3e38, -3e38, 1.0, 1.0, -3e38, 3e38]).unwrap();
    for metric in [Metric::SquaredL2, Metric::InnerProduct] {
        let index = flat(&vectors, metric);
        for query in [[1.0, 1.0], [3e38, 3e38]] {
            let batch = Matrix::from_vec(1, 2, query.to_vec()).unwrap();
            assert_eq!(nearest(&index, &query, 3).len(), 3);
            let together = index.search_batch(&batch, &Ask::new(3)).unwrap().remove(0);
            assert_eq!(together, nearest(&index, &query, 3), "{metric:?}");
            assert!(together.iter().all(|near| !near.score.is_nan()));
        }
        assert_eq!(nearest(&flat(&vectors, Metric::SquaredL2), &[1.0, 1.0], 1)[0].id, 1);
    }
}

#[test]
fn bad_vectors_are_refused() {
    let refused = |points: &Points<'_>, build: &Build<'_>| Flat::default().build(points, build).unwrap_err();
    let build = Build::new(Seed::new(1));
    for bad in [f32::NAN, f32::INFINITY] {
        let vectors = Matrix::from_vec(2, 2, vec![0.0, 0.0, 0.0, bad]).unwrap();
        let error = refused(&Points::new(&vectors, Metric::Cosine), &build);
        assert_eq!(error, BuildError::NotFinite { row: 1, place: 1 });
    }
    let vectors = random(3, 2, "vectors");
    let points = Points::new(&vectors, Metric::Cosine);
    assert_eq!(refused(&points.with_ids(&[1]), &build), BuildError::Ids { ids: 1, rows: 3 });
    assert_eq!(refused(&points.with_ids(&[1, 2, 1]), &build), BuildError::DuplicateId { id: 1 });
    let mut small = build;
    small.memory = Some(10);
    assert!(matches!(refused(&points, &small), BuildError::Memory { limit: 10, .. }));
    let cancel = AtomicBool::new(true);
    let mut cancelled = build;
    cancelled.cancel = &cancel;
    assert_eq!(refused(&points, &cancelled), BuildError::Cancelled);
}

#[test]
fn it_says_what_it_holds() {
    let vectors = random(100, 20, "vectors");
    let index = flat(&vectors, Metric::SquaredL2);
    assert_eq!((index.len(), index.dim(), index.metric()), (100, 20, Metric::SquaredL2));
    // The numbers, and half of each row's squared length.
    assert_eq!(index.bytes(), 100 * (20 + 1) * 4);
    let error = index.search(&[0.0; 3], &Ask::new(1), &mut index.scratch(), &mut Vec::new()).unwrap_err();
    assert_eq!(error, SearchError::Dimension { dim: 3, expected: 20 });
}
