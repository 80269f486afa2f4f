//! The memory that a recipe says it needs, whatever the recipe.

use crate::oracle::random;
use seoro_ann::{Forest, Hnsw, Ivf, IvfPq, Metric, Points, Pq};

#[test]
fn recipes_that_are_refused_have_an_estimate_too() {
    let vectors = random(10, 3, "vectors");
    let points = Points::new(&vectors, Metric::SquaredL2);
    for number in [0, 1, 2, 64, usize::MAX] {
        for head in [0, number] {
            assert!(Hnsw { m: number, ef_construction: number, head, ..Hnsw::default() }.memory(&points) > 0);
            assert!(
                Forest { trees: number, leaf: Some(number), head, ..Forest::default() }.memory(&points) > 0
            );
        }
        assert!(Ivf { lists: Some(number), ..Ivf::default() }.memory(&points) > 0);
        for bits in [0, 4, 8, number] {
            assert!(Pq { bits, parts: Some(number), ..Pq::default() }.memory(&points) > 0);
            let recipe = IvfPq { bits, parts: Some(number), lists: Some(number), ..IvfPq::default() };
            assert!(recipe.memory(&points) > 0);
        }
    }
}
