//! Codes, alone and in lists.

use crate::oracle::{METRICS, agrees, clustered, random, recall, score};
use seoro_ann::{Ask, Build, BuildError, Index, IvfPq, Metric, Points, Pq, Tables};
use seoro_core::{Matrix, Seed};
use std::sync::atomic::AtomicBool;

const ALL: Option<usize> = Some(usize::MAX);

fn build(threads: usize) -> Build<'static> {
    let mut build = Build::new(Seed::new(1));
    build.threads = threads;
    build
}

fn built_pq(recipe: &Pq, vectors: &Matrix, metric: Metric) -> Box<dyn Index> {
    Box::new(recipe.build(&Points::new(vectors, metric), &build(2)).unwrap())
}

fn built_lists(recipe: &IvfPq, vectors: &Matrix, metric: Metric) -> Box<dyn Index> {
    Box::new(recipe.build(&Points::new(vectors, metric), &build(2)).unwrap())
}

/// Every kind of codes, comparing all again.
fn all_kinds(vectors: &Matrix, metric: Metric, rerank: usize, keep: bool) -> Vec<(String, Box<dyn Index>)> {
    let mut kinds: Vec<(String, Box<dyn Index>)> = Vec::new();
    for bits in [4, 8] {
        for tables in [Tables::Asymmetric, Tables::Symmetric] {
            let pq = Pq { bits, tables, rerank, keep, iterations: 4, ..Pq::default() };
            kinds.push((format!("{bits} bits, {tables:?}, {metric:?}"), built_pq(&pq, vectors, metric)));
        }
        let lists = IvfPq { bits, rerank, keep, lists: Some(6), word_iterations: 4, ..IvfPq::default() };
        kinds.push((format!("{bits} bits in lists, {metric:?}"), built_lists(&lists, vectors, metric)));
        let lists = IvfPq { rotations: 3, ..lists };
        kinds.push((
            format!("{bits} bits in lists, rotated, {metric:?}"),
            built_lists(&lists, vectors, metric),
        ));
        let pq = Pq { bits, rerank, keep, iterations: 4, rotations: 3, ..Pq::default() };
        kinds.push((format!("{bits} bits, rotated, {metric:?}"), built_pq(&pq, vectors, metric)));
    }
    kinds
}

#[test]
fn comparing_all_again_finds_what_the_definition_finds() {
    for (rows, dim) in [(0, 3), (1, 1), (2, 1), (300, 17), (40, 0), (90, 33)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        for metric in METRICS {
            for (_, index) in all_kinds(&vectors, metric, usize::MAX, true) {
                agrees(&*index, &vectors, &queries, ALL);
            }
        }
    }
    let equal = Matrix::from_vec(70, 4, vec![1.5; 280]).unwrap();
    for (_, index) in all_kinds(&equal, Metric::SquaredL2, usize::MAX, true) {
        agrees(&*index, &equal, &random(2, 4, "queries"), ALL);
    }
}

#[test]
fn scores_by_codes_are_near_the_exact_ones() {
    let (vectors, queries) = (clustered(800, 16, "vectors"), clustered(60, 16, "queries"));
    for metric in METRICS {
        for (what, index) in all_kinds(&vectors, metric, 0, false) {
            for found in [
                index.search_batch(&queries, &Ask::new(800).effort(99)).unwrap(),
                index.search_batch(&queries, &Ask::new(800).effort(99).filter(&|_| true)).unwrap(),
            ] {
                let (mut error, mut spread) = (0.0, 0.0);
                for (query, found) in found.iter().enumerate() {
                    assert_eq!(found.len(), 800, "{what}");
                    let exact = |id: u64| score(metric, vectors.row(id as usize), queries.row(query));
                    let mean = found.iter().map(|found| exact(found.id)).sum::<f64>() / 800.0;
                    for found in found {
                        error += (f64::from(found.score) - exact(found.id)).powi(2);
                        spread += (mean - exact(found.id)).powi(2);
                    }
                }
                // What codes leave out of the scores' variance.
                assert!(error / spread < 0.1, "{what}: {}", error / spread);
            }
        }
    }
}

#[test]
fn a_batch_finds_what_each_query_alone_finds() {
    let (vectors, queries) = (clustered(900, 20, "vectors"), clustered(2100, 20, "queries"));
    for metric in METRICS {
        for (what, index) in all_kinds(&vectors, metric, 60, true) {
            let ask = Ask::new(5).effort(3).rerank(60);
            let batch = index.search_batch(&queries, &ask).unwrap();
            let (mut scratch, mut found, mut same) = (index.scratch(), Vec::new(), 0);
            for (row, batch) in batch.iter().enumerate() {
                index.search(queries.row(row), &ask, &mut scratch, &mut found).unwrap();
                same += usize::from(batch == &found);
            }
            // Products of matrices round otherwise, which may change the last candidate.
            assert!(same > 2050, "{what}: {same} of 2100");
        }
    }
}

#[test]
fn comparing_again_lifts_recall() {
    let (vectors, queries) = (clustered(4000, 24, "vectors"), clustered(100, 24, "queries"));
    for metric in METRICS {
        for bits in [4, 8] {
            let recipe = IvfPq { bits, lists: Some(40), ..IvfPq::default() };
            let index = built_lists(&recipe, &vectors, metric);
            let at = |rerank| recall(&*index, &vectors, &queries, &Ask::new(10).rerank(rerank));
            let found = [0, 30, 200].map(at);
            assert!(found[0] <= found[1] && found[1] <= found[2], "{metric:?}, {bits} bits: {found:?}");
            assert!(found[0] > 0.1 && found[2] > 0.9, "{metric:?}, {bits} bits: {found:?}");
        }
    }
}

#[test]
fn it_is_the_same_at_any_number_of_threads() {
    let vectors = clustered(2000, 12, "vectors");
    for (bits, metric) in [(4, Metric::SquaredL2), (8, Metric::Cosine)] {
        let points = Points::new(&vectors, metric);
        let recipe = IvfPq { bits, rotations: 2, ..IvfPq::default() };
        let [one, three] = [1, 3].map(|threads| recipe.build(&points, &build(threads)).unwrap());
        assert_eq!(one, three);
        let recipe = Pq { bits, ..Pq::default() };
        let [one, three] = [1, 3].map(|threads| recipe.build(&points, &build(threads)).unwrap());
        assert_eq!(one, three);
    }
}

#[test]
fn filters_are_answered_in_full_and_lists_that_hold_too_few_lead_to_the_next() {
    let (vectors, queries) = (random(300, 6, "vectors"), random(5, 6, "queries"));
    for metric in METRICS {
        for (what, index) in all_kinds(&vectors, metric, 20, true) {
            for every in [1, 7, 100] {
                let filter = |id: u64| id.is_multiple_of(every);
                let ask = Ask::new(40).effort(1).filter(&filter);
                let most = 300usize.div_ceil(every as usize).min(40);
                let found = index.search_batch(&queries, &ask).unwrap();
                let is_right = |found: &Vec<_>| found.len() == most;
                assert!(found.iter().all(is_right), "{what}, every {every}");
                assert!(found.iter().flatten().all(|found| filter(found.id)), "{what}");
            }
            let found = index.search_batch(&queries, &Ask::new(299).effort(1)).unwrap();
            assert!(found.iter().all(|found| found.len() == 299), "{what}");
        }
    }
}

#[test]
fn numbers_that_overflow_are_searched_too() {
    for dim in [3, 40] {
        let mut vectors = random(100, dim, "vectors");
        (0..50).for_each(|row| vectors.row_mut(row).fill(if row % 2 == 0 { 3e38 } else { -3e38 }));
        for metric in METRICS {
            for (what, index) in all_kinds(&vectors, metric, 100, true) {
                for number in [1.0, 3e38] {
                    let queries = Matrix::from_vec(1, dim, vec![number; dim]).unwrap();
                    let found = index.search_batch(&queries, &Ask::new(100).effort(9)).unwrap();
                    assert_eq!(found[0].len(), 100, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_query_too_long_for_its_distances_is_not_near() {
    let vectors = Matrix::from_vec(40, 4, (0..160).map(|place| 1000.0 + place as f32).collect()).unwrap();
    let query = Matrix::from_vec(1, 4, vec![3e38; 4]).unwrap();
    for (what, index) in all_kinds(&vectors, Metric::SquaredL2, 0, false) {
        // What the query's own code stands for is one of the vectors' means.
        if what.contains("Symmetric") {
            continue;
        }
        let found = index.search_batch(&query, &Ask::new(40).effort(9)).unwrap();
        assert!(found[0].iter().all(|near| near.score == f32::INFINITY), "{what}: {found:?}");
    }
}

#[test]
fn effort_is_lists_where_there_is_one_and_never_how_many_are_compared_again() {
    let (vectors, queries) = (random(2000, 8, "vectors"), random(20, 8, "queries"));
    let recipe = IvfPq { lists: Some(1), parts: Some(2), bits: 4, ..IvfPq::default() };
    let index = built_lists(&recipe, &vectors, Metric::SquaredL2);
    let by = |ask: Ask<'_>| index.search_batch(&queries, &ask).unwrap();
    assert_eq!(by(Ask::new(10).effort(1)), by(Ask::new(10)));
    let kept = built_lists(&IvfPq { rerank: 0, ..recipe }, &vectors, Metric::SquaredL2);
    let by = |ask: Ask<'_>| kept.search_batch(&queries, &ask).unwrap();
    assert_eq!(by(Ask::new(10).effort(16)), by(Ask::new(10)));
}

/// The numbers of a list of the fixture.
fn numbers(fixture: &serde_json::Value, name: &str) -> Vec<f32> {
    fixture[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

#[test]
fn distances_by_codes_equal_numpys() {
    let fixture = serde_json::from_str(include_str!("../fixtures/pq.json")).unwrap();
    for (bits, count) in [(4, 16), (8, 192)] {
        let named = |name: &str| numbers(&fixture, &format!("{name} {count}"));
        let vectors = Matrix::from_vec(count, 6, named("vectors")).unwrap();
        let queries = Matrix::from_vec(6, 6, named("queries")).unwrap();
        for (tables, name) in [(Tables::Asymmetric, "adc"), (Tables::Symmetric, "sdc")] {
            let recipe = Pq { parts: Some(3), bits, tables, keep: false, rerank: 0, ..Pq::default() };
            let index = built_pq(&recipe, &vectors, Metric::SquaredL2);
            let expected = named(name);
            let is_any = |_: u64| true;
            // By products of matrices, and by tables.
            for ask in [Ask::new(count), Ask::new(count).filter(&is_any)] {
                let found = index.search_batch(&queries, &ask).unwrap();
                for (query, found) in found.iter().enumerate() {
                    for found in found {
                        let expected = expected[query * count + found.id as usize];
                        // Tables of 8 bits: three half steps of a 255th of the widest, which is about 10, twice.
                        let tolerance = if bits == 4 { 0.12 } else { 1e-5 };
                        assert!((found.score - expected).abs() < tolerance, "{name}: {found:?}, {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn bad_recipes_and_circumstances_are_refused() {
    let vectors = random(30, 4, "vectors");
    let points = Points::new(&vectors, Metric::SquaredL2);
    let parameter = |recipe: Pq| match recipe.build(&points, &build(1)) {
        Err(BuildError::Parameter { parameter, .. }) => parameter,
        other => panic!("{other:?}"),
    };
    assert_eq!(parameter(Pq { bits: 5, ..Pq::default() }), "bits");
    assert_eq!(parameter(Pq { parts: Some(0), ..Pq::default() }), "parts");
    assert_eq!(parameter(Pq { parts: Some(5), ..Pq::default() }), "parts");
    assert_eq!(parameter(Pq { iterations: 0, ..Pq::default() }), "iterations");
    let parameter = |recipe: IvfPq| match recipe.build(&points, &build(1)) {
        Err(BuildError::Parameter { parameter, .. }) => parameter,
        other => panic!("{other:?}"),
    };
    assert_eq!(parameter(IvfPq { lists: Some(0), ..IvfPq::default() }), "lists");
    assert_eq!(parameter(IvfPq { probe: 0, ..IvfPq::default() }), "probe");
    assert_eq!(parameter(IvfPq { iterations: 0, ..IvfPq::default() }), "iterations");
    assert_eq!(parameter(IvfPq { word_iterations: 0, ..IvfPq::default() }), "iterations");
    assert_eq!(parameter(IvfPq { bits: 16, ..IvfPq::default() }), "bits");
    let mut small = build(1);
    small.memory = Some(2000);
    assert!(matches!(Pq::default().build(&points, &small), Err(BuildError::Memory { limit: 2000, .. })));
    assert!(matches!(IvfPq::default().build(&points, &small), Err(BuildError::Memory { limit: 2000, .. })));
    let (cancel, mut cancelled) = (AtomicBool::new(true), build(1));
    cancelled.cancel = &cancel;
    assert_eq!(Pq::default().build(&points, &cancelled), Err(BuildError::Cancelled));
    assert_eq!(IvfPq::default().build(&points, &cancelled), Err(BuildError::Cancelled));
}

#[test]
fn codes_alone_take_the_bytes_they_say() {
    let vectors = clustered(3000, 32, "vectors");
    let points = Points::new(&vectors, Metric::InnerProduct);
    for bits in [4, 8] {
        let recipe = Pq { bits, parts: Some(8), keep: false, ..Pq::default() };
        let index = recipe.build(&points, &build(2)).unwrap();
        // Codes, the words, one list around the origin.
        let blocks = if bits == 4 { 3008 * 4 } else { 3000 * 8 };
        let words = (1 << bits) * 32 * 4;
        assert!(index.bytes() >= blocks + words && index.bytes() < blocks + words + 300);
        let recipe = IvfPq { bits, parts: Some(8), ..IvfPq::default() };
        let bytes = recipe.build(&points, &build(2)).unwrap().bytes();
        let mut tight = build(2);
        tight.memory = Some(bytes - 1);
        assert!(matches!(recipe.build(&points, &tight), Err(BuildError::Memory { .. })));
    }
}
