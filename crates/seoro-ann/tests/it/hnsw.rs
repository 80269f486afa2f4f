//! The graph index.

use crate::oracle::{METRICS, agrees, clustered, random, recall, score};
use proptest::prelude::*;
use seoro_ann::{Ask, Build, BuildError, Heads, Hnsw, HnswIndex, Index, Metric, Points};
use seoro_core::{Matrix, Seed};
use std::sync::atomic::AtomicBool;

fn built(vectors: &Matrix, metric: Metric, threads: usize) -> HnswIndex {
    let mut build = Build::new(Seed::new(1));
    build.threads = threads;
    Hnsw::default().build(&Points::new(vectors, metric), &build).unwrap()
}

#[test]
fn at_full_effort_it_finds_what_the_definition_finds() {
    for (rows, dim) in [(0, 3), (1, 1), (2, 1), (300, 17), (700, 150), (40, 0)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        METRICS
            .iter()
            .for_each(|&metric| agrees(&built(&vectors, metric, 2), &vectors, &queries, Some(rows)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn duplicates_and_zeros_too(numbers in prop::collection::vec(-2i8..=2, 0..200), dim in 1usize..4) {
        let rows = numbers.len() / dim;
        let numbers: Vec<f32> = numbers[..rows * dim].iter().map(|&number| f32::from(number)).collect();
        let vectors = Matrix::from_vec(rows, dim, numbers).unwrap();
        let queries = random(3, dim, "queries");
        METRICS.iter().for_each(|&metric| agrees(&built(&vectors, metric, 1), &vectors, &queries, Some(rows)));
    }
}

/// A graph by the other builder.
#[cfg(feature = "hnsw_rs")]
fn raced(vectors: &Matrix, metric: Metric) -> HnswIndex {
    let recipe = Hnsw { builder: seoro_ann::Builder::HnswRs, ..Hnsw::default() };
    recipe.build(&Points::new(vectors, metric), &Build::new(Seed::new(1))).unwrap()
}

#[cfg(feature = "hnsw_rs")]
#[test]
fn graphs_of_hnsw_rs_answer_as_well() {
    for (rows, dim) in [(0, 3), (1, 1), (2, 1), (300, 17), (40, 0)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        METRICS.iter().for_each(|&metric| agrees(&raced(&vectors, metric), &vectors, &queries, Some(rows)));
    }
    let (vectors, queries) = (clustered(4000, 24, "vectors"), clustered(100, 24, "queries"));
    for metric in [Metric::Cosine, Metric::SquaredL2] {
        let found = recall(&raced(&vectors, metric), &vectors, &queries, &Ask::new(10));
        assert!(found > 0.93, "{metric:?}: {found}");
    }
    // By squared distances with one more coordinate, which finds less.
    let found = recall(&raced(&vectors, Metric::InnerProduct), &vectors, &queries, &Ask::new(10));
    assert!(found > 0.8, "{found}");
}

#[cfg(feature = "hnsw_rs")]
#[test]
fn what_hnsw_rs_would_die_of_is_refused() {
    let refused = |vectors: &Matrix, m| {
        let recipe = Hnsw { builder: seoro_ann::Builder::HnswRs, m, ..Hnsw::default() };
        match recipe.build(&Points::new(vectors, Metric::SquaredL2), &Build::new(Seed::new(1))) {
            Err(BuildError::Parameter { parameter, .. }) => parameter,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&random(30, 4, "vectors"), 257), "m");
    assert_eq!(refused(&Matrix::from_vec(2, 1, vec![-1e19, 1e19]).unwrap(), 16), "builder");
}

#[test]
fn recall_is_high_at_the_default_effort() {
    for make in [random, clustered] {
        let (vectors, queries) = (make(4000, 24, "vectors"), make(100, 24, "queries"));
        for metric in METRICS {
            let index = built(&vectors, metric, 2);
            let found = recall(&index, &vectors, &queries, &Ask::new(10));
            assert!(found > 0.93, "{metric:?}: {found}");
            let mut scratch = index.scratch();
            let work = index.search(queries.row(0), &Ask::new(10), &mut scratch, &mut Vec::new()).unwrap();
            assert!(work.distances > 64 && work.distances < 3000, "{metric:?}: {work:?}");
        }
    }
}

#[test]
fn filters_of_any_width_are_answered_in_full() {
    let (vectors, queries) = (clustered(3000, 16, "vectors"), clustered(20, 16, "queries"));
    let index = built(&vectors, Metric::SquaredL2, 2);
    for every in [2, 10, 100, 1000] {
        let filter = |id: u64| id.is_multiple_of(every);
        let ask = Ask::new(10).filter(&filter);
        let found = index.search_batch(&queries, &ask).unwrap();
        let most = 3000usize.div_ceil(every as usize).min(10);
        assert!(found.iter().all(|found| found.len() == most && found.iter().all(|one| filter(one.id))));
        assert!(recall(&index, &vectors, &queries, &ask) > 0.93, "every {every}");
    }
}

#[test]
fn the_graph_is_the_same_at_any_number_of_threads() {
    let vectors = clustered(3000, 12, "vectors");
    for metric in METRICS {
        assert_eq!(built(&vectors, metric, 1), built(&vectors, metric, 3));
    }
}

#[test]
fn equal_vectors_all_are_found_and_stand_in_row_order() {
    let vectors = Matrix::from_vec(600, 2, vec![1.0; 1200]).unwrap();
    for metric in METRICS {
        let index = built(&vectors, metric, 2);
        let mut found = Vec::new();
        index.search(&[1.0, 1.0], &Ask::new(600), &mut index.scratch(), &mut found).unwrap();
        assert!(found.iter().map(|neighbor| neighbor.id).eq(0..600), "{metric:?}");
        index.search(&[1.0, 0.0], &Ask::new(300).effort(1), &mut index.scratch(), &mut found).unwrap();
        assert_eq!(found.len(), 300, "{metric:?}");
    }
}

#[test]
fn a_scratch_serves_many_searches_and_indexes() {
    let (small, large) = (random(50, 8, "small"), random(900, 8, "large"));
    let (a, b) = (built(&small, Metric::Cosine, 1), built(&large, Metric::Cosine, 1));
    let (mut scratch, mut found, mut again) = (a.scratch(), Vec::new(), Vec::new());
    for query in (0..900).map(|row| large.row(row)) {
        for index in [&a, &b] {
            let work = index.search(query, &Ask::new(3).effort(9), &mut scratch, &mut found).unwrap();
            let fresh =
                index.search(query, &Ask::new(3).effort(9), &mut index.scratch(), &mut again).unwrap();
            assert_eq!((work, &found), (fresh, &again));
        }
    }
}

#[test]
fn bad_recipes_and_circumstances_are_refused() {
    let vectors = random(30, 4, "vectors");
    let points = Points::new(&vectors, Metric::SquaredL2);
    let build = Build::new(Seed::new(1));
    let parameter = |recipe: Hnsw| match recipe.build(&points, &build) {
        Err(BuildError::Parameter { parameter, .. }) => parameter,
        other => panic!("{other:?}"),
    };
    assert_eq!(parameter(Hnsw { m: 1, ..Hnsw::default() }), "m");
    assert_eq!(parameter(Hnsw { m: 1025, ..Hnsw::default() }), "m");
    assert_eq!(parameter(Hnsw { ef_construction: 0, ..Hnsw::default() }), "ef_construction");
    assert_eq!(parameter(Hnsw { ef: 0, ..Hnsw::default() }), "ef");
    let mut small = build;
    small.memory = Some(2000);
    assert!(matches!(Hnsw::default().build(&points, &small), Err(BuildError::Memory { limit: 2000, .. })));
    let (cancel, mut cancelled) = (AtomicBool::new(true), build);
    cancelled.cancel = &cancel;
    assert_eq!(Hnsw::default().build(&points, &cancelled), Err(BuildError::Cancelled));
}

/// A graph of long vectors whose heads are used so.
fn headed(vectors: &Matrix, metric: Metric, heads: Heads, head: usize) -> HnswIndex {
    let recipe = Hnsw { heads, head, ..Hnsw::default() };
    recipe.build(&Points::new(vectors, metric), &Build::new(Seed::new(1))).unwrap()
}

#[test]
fn heads_that_bound_change_no_answer_and_heads_that_estimate_compare_fewer() {
    let (vectors, queries) = (clustered(2000, 160, "vectors"), clustered(50, 160, "queries"));
    for metric in METRICS {
        let whole = headed(&vectors, metric, Heads::Bound, 0);
        let bound = headed(&vectors, metric, Heads::Bound, 32);
        let estimate = headed(&vectors, metric, Heads::Estimate, 32);
        let ask = Ask::new(10).effort(40);
        for query in (0..queries.rows()).map(|row| queries.row(row)) {
            let found = |index: &HnswIndex| {
                let (mut scratch, mut found) = (index.scratch(), Vec::new());
                index.search(query, &ask, &mut scratch, &mut found).unwrap();
                found
            };
            assert_eq!(found(&whole), found(&bound), "{metric:?}");
            // Scores are those of whole vectors.
            for near in found(&estimate) {
                let own = score(metric, vectors.row(near.id as usize), query);
                assert!((f64::from(near.score) - own).abs() <= 1e-4 * own.abs().max(1.0), "{metric:?}");
            }
        }
        // 31 of 160 coordinates of noise that has no direction: the worst that heads are given.
        let rough = recall(&estimate, &vectors, &queries, &ask);
        assert!(rough > 0.8, "{metric:?}: {rough}");
        let work = |index: &HnswIndex, ask: &Ask<'_>| {
            index.search(queries.row(0), ask, &mut index.scratch(), &mut Vec::new()).unwrap().distances
        };
        // Of products few are read whole in any case.
        assert!(metric != Metric::SquaredL2 || work(&estimate, &ask) < work(&bound, &ask), "{metric:?}");
        // Fewer are compared again where so many are asked for, and never fewer than k.
        assert!(work(&estimate, &ask.rerank(1)) <= work(&estimate, &ask), "{metric:?}");
        assert!(recall(&estimate, &vectors, &queries, &ask.rerank(1)) <= rough);
        assert_eq!(recall(&estimate, &vectors, &queries, &ask.rerank(usize::MAX)), rough);
        let even = |id: u64| id.is_multiple_of(2);
        let filtered = recall(&estimate, &vectors, &queries, &Ask::new(10).effort(100).filter(&even));
        assert!(filtered > 0.9, "{metric:?}: {filtered}");
        // More than the effort by itself.
        let many = recall(&estimate, &vectors, &queries, &Ask::new(100));
        assert!(many > 0.8, "{metric:?}: {many}");
        let more = recall(&estimate, &vectors, &queries, &Ask::new(10).effort(160));
        assert!(more >= rough && more > 0.95, "{metric:?}: {more}");
    }
}

#[test]
fn equally_near_long_vectors_stand_in_row_order() {
    let vectors = Matrix::from_vec(300, 260, vec![1.0; 300 * 260]).unwrap();
    for metric in METRICS {
        let index = headed(&vectors, metric, Heads::Estimate, 4);
        let mut found = Vec::new();
        let ask = Ask::new(10).effort(300);
        index.search(vectors.row(0), &ask, &mut index.scratch(), &mut found).unwrap();
        assert!(found.iter().map(|near| near.id).eq(0..10), "{metric:?}: {found:?}");
    }
}

#[test]
fn vectors_find_themselves_by_estimates() {
    let vectors = clustered(2000, 160, "vectors");
    let index = headed(&vectors, Metric::SquaredL2, Heads::Estimate, 32);
    let found = index.search_batch(&vectors, &Ask::new(1)).unwrap();
    let themselves = found.iter().zip(0..).filter(|(found, row)| found[0].id == *row).count();
    assert!(themselves >= 1990, "{themselves}");
}

#[test]
fn at_full_effort_estimates_find_what_the_definition_finds() {
    let (vectors, queries) = (random(500, 260, "vectors"), random(5, 260, "queries"));
    for metric in METRICS {
        agrees(&headed(&vectors, metric, Heads::Estimate, 2), &vectors, &queries, Some(500));
    }
}
