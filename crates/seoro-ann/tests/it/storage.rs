//! Vectors stored as bytes.

use crate::oracle::{METRICS, agrees, random, score};
use seoro_ann::{
    Ask, Build, BuildError, Flat, Forest, Hnsw, Index, Ivf, IvfPq, Metric, Neighbor, Points, Pq, Storage,
};
use seoro_core::{Matrix, Seed};

fn every(vectors: &Matrix, metric: Metric, storage: Storage) -> [Box<dyn Index>; 3] {
    let (points, build) = (Points::new(vectors, metric), Build::new(Seed::new(1)));
    let flat = Flat { storage }.build(&points, &build).unwrap();
    let hnsw = Hnsw { storage, ..Hnsw::default() }.build(&points, &build).unwrap();
    let ivf = Ivf { storage, ..Ivf::default() }.build(&points, &build).unwrap();
    [Box::new(flat), Box::new(hnsw), Box::new(ivf)]
}

#[test]
fn with_exact_vectors_beside_the_bytes_full_effort_finds_what_the_definition_finds() {
    for (rows, dim) in [(0, 3), (1, 1), (300, 17), (120, 300), (40, 0)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        for metric in METRICS {
            for index in every(&vectors, metric, Storage::Int8Reranked) {
                agrees(&*index, &vectors, &queries, Some(rows));
            }
        }
    }
    let duplicates = Matrix::from_vec(90, 2, [1.0, -2.0].repeat(90)).unwrap();
    for metric in METRICS {
        for index in every(&duplicates, metric, Storage::Int8Reranked) {
            agrees(&*index, &duplicates, &random(3, 2, "queries"), Some(90));
        }
    }
}

#[test]
fn scores_of_bytes_alone_are_near_the_true_ones_and_take_a_quarter_of_the_memory() {
    let (vectors, queries) = (random(2000, 64, "vectors"), random(50, 64, "queries"));
    for metric in METRICS {
        let exact = every(&vectors, metric, Storage::F32);
        for (index, exact) in every(&vectors, metric, Storage::Int8).iter().zip(exact) {
            assert!(index.bytes() + 2000 * 64 * 3 - 4096 < exact.bytes(), "{metric:?}");
            let found = index.search_batch(&queries, &Ask::new(10).effort(200)).unwrap();
            let truth = exact.search_batch(&queries, &Ask::new(10).effort(200)).unwrap();
            let mut shared = 0;
            for (query, (found, truth)) in found.iter().zip(&truth).enumerate() {
                assert_eq!(found.len(), 10);
                shared += found.iter().filter(|one| truth.iter().any(|other| other.id == one.id)).count();
                for near in found {
                    let own = score(metric, vectors.row(near.id as usize), queries.row(query));
                    let scale = if metric == Metric::Cosine { 1.0 } else { 64.0 };
                    assert!(
                        (f64::from(near.score) - own).abs() < 0.02 * scale,
                        "{metric:?}: {near:?}, {own}"
                    );
                }
            }
            assert!(shared > 450, "{metric:?}: {shared} of 500");
        }
    }
}

#[test]
fn numbers_of_16_bits_lose_nothing_of_vectors_that_have_no_more() {
    for (rows, dim) in [(0, 3), (1, 1), (300, 17), (120, 300), (40, 0)] {
        let (mut vectors, queries) = (random(rows, dim, "vectors"), random(5, dim, "queries"));
        let numbers = vectors.as_mut_slice().iter_mut();
        numbers.for_each(|number| *number = f32::from_bits(number.to_bits() & 0xffff_0000));
        for metric in [Metric::SquaredL2, Metric::InnerProduct] {
            for index in every(&vectors, metric, Storage::Bf16) {
                agrees(&*index, &vectors, &queries, Some(rows));
            }
        }
    }
}

#[test]
fn numbers_of_16_bits_find_nearly_the_same_in_half_of_the_memory() {
    let (vectors, queries) = (random(2000, 64, "vectors"), random(50, 64, "queries"));
    for metric in METRICS {
        let exact = every(&vectors, metric, Storage::F32);
        for (index, exact) in every(&vectors, metric, Storage::Bf16).iter().zip(exact) {
            assert!(index.bytes() + 2000 * 64 * 2 <= exact.bytes() + 2000 * 4, "{metric:?}");
            let ask = Ask::new(10).effort(200);
            let [found, truth] = [index, &exact].map(|index| index.search_batch(&queries, &ask).unwrap());
            let is_found = |found: &[Neighbor], id| found.iter().any(|near| near.id == id);
            let pairs = found.iter().zip(&truth);
            let shared: usize = pairs
                .map(|(found, truth)| truth.iter().filter(|near| is_found(found, near.id)).count())
                .sum();
            assert!(shared > 485, "{metric:?}: {shared} of 500");
        }
    }
}

#[test]
fn a_batch_of_bytes_finds_what_each_query_alone_finds() {
    // Few and many queries a list, tiles that end within one, rows of an odd number of registers.
    for (queries, rows, dim) in [(1, 400, 17), (7, 900, 40), (300, 900, 100)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(queries, dim, "queries"));
        for metric in METRICS {
            for storage in [Storage::Int8, Storage::Int8Reranked, Storage::Bf16] {
                let every = every(&vectors, metric, storage);
                for (index, filter) in every.iter().flat_map(|index| [(index, false), (index, true)]) {
                    let is_even = |id| id % 2 == 0;
                    let ask = Ask::new(5).effort(3);
                    let ask = if filter { ask.filter(&is_even) } else { ask };
                    let batch = index.search_batch(&queries, &ask).unwrap();
                    let (mut scratch, mut found) = (index.scratch(), Vec::new());
                    for (row, batch) in batch.iter().enumerate() {
                        index.search(queries.row(row), &ask, &mut scratch, &mut found).unwrap();
                        let scores = |found: &[Neighbor]| found.iter().map(|one| one.score).collect();
                        let (alone, batch): (Vec<f32>, Vec<f32>) = (scores(&found), scores(batch));
                        assert_eq!(batch, alone, "{metric:?}, {storage:?}, query {row}");
                    }
                }
            }
        }
    }
}

#[test]
fn vectors_that_are_equally_near_are_answered_by_their_rows() {
    let vectors = Matrix::from_vec(4, 1, vec![-2.5, 2.5, -10.0, 10.0]).unwrap();
    for storage in [Storage::F32, Storage::Int8Reranked, Storage::Bf16] {
        for index in every(&vectors, Metric::SquaredL2, storage) {
            for k in 1..=4 {
                let found = index.search_batch(&Matrix::zeros(9, 1), &Ask::new(k).effort(4)).unwrap();
                let ids: Vec<u64> = found[8].iter().map(|near| near.id).collect();
                assert_eq!(ids, (0..k as u64).collect::<Vec<u64>>(), "{storage:?}");
            }
        }
    }
}

#[test]
fn queries_of_the_smallest_numbers_are_the_same_alone_and_in_a_batch() {
    let vectors = random(60, 8, "vectors");
    let queries = Matrix::from_vec(5, 8, vec![-2.5e-43; 40]).unwrap();
    for index in every(&vectors, Metric::InnerProduct, Storage::Int8) {
        let ask = Ask::new(60).effort(60);
        let (batch, mut alone) = (index.search_batch(&queries, &ask).unwrap(), Vec::new());
        index.search(queries.row(0), &ask, &mut index.scratch(), &mut alone).unwrap();
        let scores = |found: &[Neighbor]| found.iter().map(|near| near.score).collect::<Vec<f32>>();
        assert_eq!(scores(&batch[0]), scores(&alone));
    }
}

#[test]
fn numbers_that_are_bytes_lose_nothing() {
    let mut rng = Seed::new(5).child("bytes").rng();
    let mut pixels = |rows: usize| {
        let numbers = (0..rows * 40)
            .map(|place| if place < 40 { 255.0 * (place % 2) as f32 } else { rng.below(256) as f32 });
        Matrix::from_vec(rows, 40, numbers.collect()).unwrap()
    };
    // Every place has to reach 0 and 255.
    let (mut vectors, queries) = (pixels(500), pixels(20));
    let flipped: Vec<f32> = vectors.row(0).iter().map(|x| 255.0 - x).collect();
    vectors.row_mut(1).copy_from_slice(&flipped);
    for index in every(&vectors, Metric::SquaredL2, Storage::Int8) {
        agrees(&*index, &vectors, &queries, Some(500));
    }
}

#[test]
fn sums_that_would_overflow_are_refused() {
    let vectors = Matrix::zeros(2, 40_000);
    let points = Points::new(&vectors, Metric::SquaredL2);
    let (storage, build) = (Storage::Int8, Build::new(Seed::new(1)));
    let refused = [
        Flat { storage }.build(&points, &build).err(),
        Hnsw { storage, ..Hnsw::default() }.build(&points, &build).err(),
        Ivf { storage, ..Ivf::default() }.build(&points, &build).err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(BuildError::Parameter { parameter: "storage", .. })), "{error:?}");
    }
}

#[test]
fn no_index_holds_more_than_it_said_before() {
    // Short ones, and long ones with heads.
    for (vectors, metric) in [(3000, 70), (100, 300), (2000, 600)]
        .iter()
        .flat_map(|&(rows, dim)| METRICS.map(|metric| (random(rows, dim, "vectors"), metric)))
    {
        let (points, build) = (Points::new(&vectors, metric), Build::new(Seed::new(1)));
        let mut all: Vec<(u64, u64)> = Vec::new();
        for storage in [Storage::F32, Storage::Int8, Storage::Int8Reranked, Storage::Bf16] {
            let flat = Flat { storage };
            all.push((flat.memory(&points), flat.build(&points, &build).unwrap().bytes()));
            let hnsw = Hnsw { storage, ..Hnsw::default() };
            all.push((hnsw.memory(&points), hnsw.build(&points, &build).unwrap().bytes()));
        }
        let forest = Forest { leaf: Some(20), ..Forest::default() };
        all.push((forest.memory(&points), forest.build(&points, &build).unwrap().bytes()));
        let ivf = Ivf::default();
        all.push((ivf.memory(&points), ivf.build(&points, &build).unwrap().bytes()));
        let pq = Pq { bits: 4, ..Pq::default() };
        all.push((pq.memory(&points), pq.build(&points, &build).unwrap().bytes()));
        let rotated = [0, 1].map(|rotations| IvfPq { rotations, ..IvfPq::default() });
        let [without, with] = [&rotated[0], &rotated[1]].map(|ivf_pq| ivf_pq.memory(&points));
        // The sample given, rotated and decoded, and what the polar factor takes.
        let (rows, dim) = (vectors.rows() as u64, vectors.cols() as u64);
        assert!(with - without >= 4 * (3 * rows * dim + 4 * dim * dim), "{with} with, {without} without");
        for ivf_pq in rotated {
            all.push((ivf_pq.memory(&points), ivf_pq.build(&points, &build).unwrap().bytes()));
        }
        for (place, (said, held)) in all.into_iter().enumerate() {
            // Heads of long vectors are learned from a sample that may be all of these.
            let has_heads = vectors.cols() >= 256;
            assert!(
                held <= said && (has_heads || said < 8 * held),
                "{metric:?}, {place}: said {said}, holds {held}"
            );
        }
    }
}
