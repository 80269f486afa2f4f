//! The forest.

use crate::oracle::{METRICS, agrees, best_scores, random, score};
use proptest::prelude::*;
use seoro_ann::{
    Ask, Build, BuildError, Flat, Forest, ForestIndex, Index, Metric, Neighbor, Points, Split, UpdateError,
};
use seoro_core::{Matrix, Seed};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// An effort that gathers every vector.
const ALL: Option<usize> = Some(usize::MAX);

fn small() -> Forest {
    Forest { trees: 3, leaf: Some(4), head: 8, ..Forest::default() }
}

fn built(recipe: &Forest, vectors: &Matrix, metric: Metric) -> ForestIndex {
    recipe.build(&Points::new(vectors, metric), &Build::new(Seed::new(3))).unwrap()
}

fn nearest(index: &ForestIndex, query: &[f32], ask: &Ask<'_>) -> Vec<Neighbor> {
    let mut out = Vec::new();
    index.search(query, ask, &mut index.scratch(), &mut out).unwrap();
    out
}

#[test]
fn searches_without_number_share_one_memory() {
    let sizes = [(300, 6), (70, 6)];
    let both = sizes.map(|(rows, dim)| built(&small(), &random(rows, dim, "vectors"), Metric::SquaredL2));
    let (queries, mut scratch, mut found) = (random(600, 6, "queries"), both[0].scratch(), Vec::new());
    let ask = Ask::new(5).effort(20);
    for row in 0..queries.rows() {
        let index = &both[row / 3 % 2];
        index.search(queries.row(row), &ask, &mut scratch, &mut found).unwrap();
        assert_eq!(found, nearest(index, queries.row(row), &ask), "search {row}");
    }
}

/// Points around centres.
fn clustered(rows: usize, dim: usize, stream: &str) -> Matrix {
    let centres = random(20, dim, "centres");
    let mut points = random(rows, dim, stream);
    for row in 0..rows {
        let centre = centres.row(row * 7 % 20).to_vec();
        points.row_mut(row).iter_mut().zip(centre).for_each(|(x, c)| *x = 0.3 * *x + c);
    }
    points
}

#[test]
fn at_full_effort_it_finds_what_the_definition_finds() {
    for split in [Split::TwoPoints, Split::TwoMeans] {
        let recipe = Forest { split, ..small() };
        // Seen whole, and by heads.
        for (rows, dim) in [(0, 3), (1, 1), (4, 1), (5, 1), (300, 7), (40, 0), (0, 40), (3, 40), (300, 40)] {
            let (vectors, queries) = (random(rows, dim, "vectors"), random(4, dim, "queries"));
            for metric in METRICS {
                agrees(&built(&recipe, &vectors, metric), &vectors, &queries, ALL);
            }
        }
    }
}

#[test]
fn vectors_that_no_plane_parts_are_found_too() {
    for dim in [2, 40] {
        let equal = Matrix::from_vec(200, dim, vec![1.5; 200 * dim]).unwrap();
        let queries = random(2, dim, "queries");
        for metric in METRICS {
            agrees(&built(&small(), &equal, metric), &equal, &queries, ALL);
            agrees(
                &built(&small(), &Matrix::zeros(200, dim), metric),
                &Matrix::zeros(200, dim),
                &queries,
                ALL,
            );
        }
        let leaf = Forest { leaf: Some(1), ..small() };
        agrees(&built(&leaf, &equal, Metric::SquaredL2), &equal, &queries, ALL);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn duplicates_and_small_whole_numbers_too(
        numbers in prop::collection::vec(-2i8..=2, 0..400),
        dim in prop::sample::select(vec![1usize, 2, 5, 32]),
        leaf in 1usize..6,
    ) {
        let rows = numbers.len() / dim;
        let numbers: Vec<f32> = numbers[..rows * dim].iter().map(|&number| f32::from(number)).collect();
        let vectors = Matrix::from_vec(rows, dim, numbers).unwrap();
        let queries = random(2, dim, "queries");
        for metric in METRICS {
            agrees(&built(&Forest { leaf: Some(leaf), ..small() }, &vectors, metric), &vectors, &queries, ALL);
        }
    }

    #[test]
    fn changes_leave_what_the_definition_finds(
        changes in prop::collection::vec((any::<bool>(), 0u64..60), 0..150),
        dim in prop::sample::select(vec![3usize, 32]),
        metric in prop::sample::select(METRICS.to_vec()),
    ) {
        let vectors = random(60, dim, "vectors");
        let start = Matrix::from_vec(20, dim, vectors.as_slice()[..20 * dim].to_vec()).unwrap();
        let mut index = built(&Forest { leaf: Some(2), ..small() }, &start, metric);
        let mut there: Vec<bool> = (0..60).map(|row| row < 20).collect();
        for (is_add, id) in changes {
            let row = id as usize;
            let done = if is_add { index.add(id, vectors.row(row)) } else { index.delete(id) };
            let expected = match (is_add, there[row]) {
                (true, true) => Err(UpdateError::Known { id }),
                (false, false) => Err(UpdateError::Unknown { id }),
                _ => Ok(()),
            };
            prop_assert_eq!(done, expected);
            there[row] = is_add;
        }
        prop_assert_eq!(index.len(), there.iter().filter(|&&there| there).count());
        let query = random(1, dim, "queries");
        for k in [1, 5, 80] {
            let found = nearest(&index, query.row(0), &Ask::new(k).effort(usize::MAX));
            let truth = best_scores(&vectors, query.row(0), k, metric, |row| there[row]);
            prop_assert_eq!(found.len(), truth.len());
            for (found, truth) in found.iter().zip(truth) {
                prop_assert!((f64::from(found.score) - truth).abs() <= 1e-4 * (1.0 + truth.abs()));
                prop_assert!(there[found.id as usize]);
                let own = score(metric, vectors.row(found.id as usize), query.row(0));
                prop_assert!((own - truth).abs() <= 1e-4 * (1.0 + truth.abs()));
            }
        }
    }
}

#[test]
fn room_of_deleted_vectors_is_used_again() {
    let vectors = random(500, 40, "vectors");
    let mut index = built(&small(), &vectors, Metric::SquaredL2);
    let around = |index: &mut ForestIndex, round: u64| {
        (0..500u64).for_each(|row| index.delete(row + 1000 * round).unwrap());
        assert_eq!(index.len(), 0);
        assert_eq!(nearest(index, vectors.row(0), &Ask::new(3)), []);
        for row in 0..500 {
            index.add(row as u64 + 1000 * (round + 1), vectors.row(row)).unwrap();
        }
        index.bytes()
    };
    let first = around(&mut index, 0);
    let last = (1..6).map(|round| around(&mut index, round)).last().unwrap();
    assert!(last < first + first / 4, "{first} bytes, then {last}");
    assert_eq!(nearest(&index, vectors.row(9), &Ask::new(1)), [Neighbor { id: 6009, score: 0.0 }]);
}

/// Recall at 10 of a forest's default effort.
fn recall(recipe: &Forest, vectors: &Matrix, queries: &Matrix, metric: Metric) -> f64 {
    let index = built(recipe, vectors, metric);
    let flat = Flat::default().build(&Points::new(vectors, metric), &Build::new(Seed::new(1))).unwrap();
    let found = index.search_batch(queries, &Ask::new(10)).unwrap();
    let truth = flat.search_batch(queries, &Ask::new(10)).unwrap();
    let hits = found
        .iter()
        .zip(&truth)
        .flat_map(|(found, truth)| found.iter().filter(|near| truth.iter().any(|other| other.id == near.id)));
    hits.count() as f64 / (10 * queries.rows()) as f64
}

#[test]
fn the_default_finds_nearly_all_of_clusters_and_much_of_noise() {
    for metric in METRICS {
        for dim in [16, 300] {
            let (points, queries) = (clustered(6000, dim, "vectors"), clustered(100, dim, "queries"));
            let reached = recall(&Forest::default(), &points, &queries, metric);
            assert!(reached > 0.9, "{metric:?}, {dim} dimensions: {reached}");
        }
        let (points, queries) = (random(6000, 16, "vectors"), random(100, 16, "queries"));
        let reached = recall(&Forest::default(), &points, &queries, metric);
        assert!(reached > 0.8, "{metric:?}: {reached}");
        let points = Forest { split: Split::TwoPoints, ..Forest::default() };
        let vectors = clustered(6000, 300, "vectors");
        assert!(recall(&points, &vectors, &clustered(100, 300, "queries"), metric) > 0.85);
    }
}

#[test]
fn threads_change_nothing() {
    let (vectors, queries) = (clustered(2000, 40, "vectors"), clustered(50, 40, "queries"));
    let found = |threads| {
        let mut build = Build::new(Seed::new(5));
        build.threads = threads;
        let points = Points::new(&vectors, Metric::SquaredL2);
        let mut index = small().build(&points, &build).unwrap();
        (0..50).for_each(|row| index.add(5000 + row as u64, queries.row(row)).unwrap());
        (index.bytes(), index.search_batch(&queries, &Ask::new(10).effort(60)).unwrap())
    };
    assert_eq!(found(1), found(2));
    assert_eq!(found(1), found(5));
}

#[test]
fn a_filter_of_few_is_answered_in_full() {
    let (vectors, queries) = (random(3000, 40, "vectors"), random(5, 40, "queries"));
    let index = built(&small(), &vectors, Metric::Cosine);
    let few = |id: u64| id % 500 == 3;
    for query in 0..queries.rows() {
        let found = nearest(&index, queries.row(query), &Ask::new(6).effort(1).filter(&few));
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|near| few(near.id)));
    }
}

#[test]
fn numbers_that_overflow_are_searched_too() {
    for dim in [3, 40] {
        let mut vectors = random(100, dim, "vectors");
        (0..50).for_each(|row| vectors.row_mut(row).fill(if row % 2 == 0 { 3e38 } else { -3e38 }));
        for metric in METRICS {
            let mut index = built(&small(), &vectors, metric);
            let ask = Ask::new(100).effort(usize::MAX);
            assert_eq!(nearest(&index, &vec![1.0; dim], &ask).len(), 100);
            assert_eq!(nearest(&index, &vec![3e38; dim], &ask).len(), 100);
            (0..100).for_each(|id| index.delete(id).unwrap());
            assert_eq!(nearest(&index, &vec![1.0; dim], &ask), []);
        }
    }
}

#[test]
fn bad_recipes_and_vectors_are_refused() {
    let vectors = random(30, 2, "vectors");
    let points = Points::new(&vectors, Metric::Cosine);
    let build = Build::new(Seed::new(1));
    let wrong =
        [Forest { trees: 0, ..small() }, Forest { leaf: Some(0), ..small() }, Forest { head: 1, ..small() }];
    for recipe in wrong {
        assert!(matches!(recipe.build(&points, &build), Err(BuildError::Parameter { .. })));
    }
    let mut tight = build;
    tight.memory = Some(100);
    assert!(matches!(small().build(&points, &tight), Err(BuildError::Memory { limit: 100, .. })));
    let cancel = AtomicBool::new(true);
    let mut cancelled = build;
    cancelled.cancel = &cancel;
    assert_eq!(small().build(&points, &cancelled).err(), Some(BuildError::Cancelled));
    let mut index = small().build(&points, &build).unwrap();
    assert!(matches!(index.add(99, &[1.0]), Err(UpdateError::Vector(_))));
    assert!(matches!(index.add(99, &[1.0, f32::NAN]), Err(UpdateError::Vector(_))));
    assert!(!index.contains(99) && index.contains(29));
}

#[test]
fn it_keeps_to_its_estimate_and_tells_its_progress() {
    let vectors = clustered(3000, 300, "vectors");
    let points = Points::new(&vectors, Metric::InnerProduct);
    let (seen, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let observe = |done: usize, all: usize| {
        assert!(done <= all && all == 3000);
        seen.fetch_max(done, Ordering::Relaxed);
        told.fetch_add(1, Ordering::Relaxed);
    };
    let mut build = Build::new(Seed::new(1));
    build.observe = Some(&observe);
    let bytes = Forest::default().build(&points, &build).unwrap().bytes();
    assert_eq!((seen.load(Ordering::Relaxed), told.load(Ordering::Relaxed)), (3000, Forest::default().trees));
    build.observe = None;
    build.memory = Some(bytes - 1);
    assert!(matches!(Forest::default().build(&points, &build), Err(BuildError::Memory { .. })));
}
