//! The inverted file.

use crate::oracle::{METRICS, agrees, clustered, far_away, random, recall};
use proptest::prelude::*;
use seoro_ann::{Ask, Build, BuildError, Index, Ivf, IvfIndex, Metric, Points};
use seoro_core::{Matrix, Seed};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// An effort that visits every list.
const ALL: Option<usize> = Some(usize::MAX);

fn built(recipe: &Ivf, vectors: &Matrix, metric: Metric, threads: usize) -> IvfIndex {
    let mut build = Build::new(Seed::new(1));
    build.threads = threads;
    recipe.build(&Points::new(vectors, metric), &build).unwrap()
}

#[test]
fn at_full_effort_it_finds_what_the_definition_finds() {
    for (rows, dim) in [(0, 3), (1, 1), (2, 1), (300, 17), (700, 150), (40, 0)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        for metric in METRICS {
            for lists in [None, Some(1), Some(7)] {
                let recipe = Ivf { lists, ..Ivf::default() };
                agrees(&built(&recipe, &vectors, metric, 2), &vectors, &queries, ALL);
            }
        }
    }
}

#[test]
fn vectors_far_from_the_origin_are_told_apart() {
    let (vectors, queries) = far_away();
    let recipe = Ivf { lists: Some(5), ..Ivf::default() };
    agrees(&built(&recipe, &vectors, Metric::SquaredL2, 2), &vectors, &queries, ALL);
}

#[test]
fn lists_that_hold_too_few_lead_to_the_next() {
    // By the least effort, and still all that there are: each list holds a few of the 60.
    let (vectors, queries) = (random(60, 5, "vectors"), random(5, 5, "queries"));
    for metric in METRICS {
        let index = built(&Ivf { lists: Some(20), ..Ivf::default() }, &vectors, metric, 2);
        for k in [1, 30, 60, 99] {
            let found = index.search_batch(&queries, &Ask::new(k).effort(1)).unwrap();
            assert!(found.iter().all(|found| found.len() == k.min(60)));
            let few = |id: u64| id % 9 == 4;
            let found = index.search_batch(&queries, &Ask::new(k).effort(1).filter(&few)).unwrap();
            assert!(found.iter().all(|found| found.len() == k.min(7)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn duplicates_and_zeros_too(
        numbers in prop::collection::vec(-2i8..=2, 0..300),
        dim in 1usize..4,
        lists in 1usize..30,
    ) {
        let rows = numbers.len() / dim;
        let numbers: Vec<f32> = numbers[..rows * dim].iter().map(|&number| f32::from(number)).collect();
        let vectors = Matrix::from_vec(rows, dim, numbers).unwrap();
        let queries = random(3, dim, "queries");
        let recipe = Ivf { lists: Some(lists), ..Ivf::default() };
        METRICS.iter().for_each(|&metric| agrees(&built(&recipe, &vectors, metric, 1), &vectors, &queries, ALL));
    }
}

#[test]
fn recall_grows_with_effort_and_is_high_at_the_default() {
    for metric in METRICS {
        let (vectors, queries) = (clustered(5000, 24, "vectors"), clustered(100, 24, "queries"));
        let index = built(&Ivf::default(), &vectors, metric, 2);
        let found: Vec<f64> = [1, 4, 16, 64]
            .map(|effort| recall(&index, &vectors, &queries, &Ask::new(10).effort(effort)))
            .into();
        assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{metric:?}: {found:?}");
        assert!(recall(&index, &vectors, &queries, &Ask::new(10)) > 0.85, "{metric:?}: {found:?}");
        assert!(found[3] > 0.98, "{metric:?}: {found:?}");
    }
}

#[test]
fn a_batch_finds_what_each_query_alone_finds() {
    // More queries than are taken together, and long vectors, whose numbers are put in another order.
    let (vectors, queries) = (clustered(900, 140, "vectors"), clustered(2100, 140, "queries"));
    for metric in METRICS {
        let index = built(&Ivf { lists: Some(30), ..Ivf::default() }, &vectors, metric, 2);
        let batch = index.search_batch(&queries, &Ask::new(5).effort(3)).unwrap();
        let (mut scratch, mut found) = (index.scratch(), Vec::new());
        for (row, batch) in batch.iter().enumerate() {
            index.search(queries.row(row), &Ask::new(5).effort(3), &mut scratch, &mut found).unwrap();
            assert_eq!(batch, &found, "{metric:?}, query {row}");
        }
    }
}

#[test]
fn it_is_the_same_at_any_number_of_threads() {
    let vectors = clustered(3000, 12, "vectors");
    for metric in METRICS {
        let (one, three) =
            (built(&Ivf::default(), &vectors, metric, 1), built(&Ivf::default(), &vectors, metric, 3));
        assert_eq!(one, three);
    }
}

#[test]
fn numbers_that_overflow_are_searched_too() {
    for dim in [3, 140] {
        let mut vectors = random(100, dim, "vectors");
        (0..50).for_each(|row| vectors.row_mut(row).fill(if row % 2 == 0 { 3e38 } else { -3e38 }));
        for metric in METRICS {
            let index = built(&Ivf::default(), &vectors, metric, 2);
            for number in [1.0, 3e38] {
                let queries = Matrix::from_vec(1, dim, vec![number; dim]).unwrap();
                assert_eq!(index.search_batch(&queries, &Ask::new(100)).unwrap()[0].len(), 100);
                let mut found = Vec::new();
                index.search(queries.row(0), &Ask::new(100), &mut index.scratch(), &mut found).unwrap();
                assert_eq!(found.len(), 100);
            }
        }
    }
}

#[test]
fn bad_recipes_and_circumstances_are_refused() {
    let vectors = random(30, 4, "vectors");
    let points = Points::new(&vectors, Metric::SquaredL2);
    let build = Build::new(Seed::new(1));
    let parameter = |recipe: Ivf| match recipe.build(&points, &build) {
        Err(BuildError::Parameter { parameter, .. }) => parameter,
        other => panic!("{other:?}"),
    };
    assert_eq!(parameter(Ivf { lists: Some(0), ..Ivf::default() }), "lists");
    assert_eq!(parameter(Ivf { lists: Some(1 << 25), ..Ivf::default() }), "lists");
    assert_eq!(parameter(Ivf { iterations: 0, ..Ivf::default() }), "iterations");
    assert_eq!(parameter(Ivf { probe: 0, ..Ivf::default() }), "probe");
    let mut small = build;
    small.memory = Some(2000);
    assert!(matches!(Ivf::default().build(&points, &small), Err(BuildError::Memory { limit: 2000, .. })));
    let (cancel, mut cancelled) = (AtomicBool::new(true), build);
    cancelled.cancel = &cancel;
    assert_eq!(Ivf::default().build(&points, &cancelled), Err(BuildError::Cancelled));
}

#[test]
fn it_keeps_to_its_estimate_and_tells_its_progress() {
    let vectors = clustered(3000, 40, "vectors");
    let points = Points::new(&vectors, Metric::SquaredL2);
    let told = Mutex::new(Vec::new());
    let observe = |done: usize, all: usize| told.lock().unwrap().push((done, all));
    let mut build = Build::new(Seed::new(1));
    build.observe = Some(&observe);
    let bytes = Ivf::default().build(&points, &build).unwrap().bytes();
    assert!(told.lock().unwrap().contains(&(3000, 3000)));
    build.observe = None;
    build.memory = Some(bytes - 1);
    assert!(matches!(Ivf::default().build(&points, &build), Err(BuildError::Memory { .. })));
}
