//! The graph as the crate `hnsw_rs` builds it.
//!
//! It inserts in parallel without an order, so that graphs differ from build to build, and draws levels from a seed of its
//! own; only the order of insertion follows the build's seed. Where it would end the process or panic (more than 256
//! links, distances that are not numbers) vectors and parameters are refused before. Its distances must not be negative,
//! so inner products become squared distances by one more coordinate that makes all vectors equally long (Y. Bachrach
//! et al.: Speeding up the Xbox recommender system using a Euclidean transformation for inner-product spaces, RecSys 2014).

use super::Hnsw;
use super::grow::Graph;
use super::layer::Layer;
use crate::vectors::Vectors;
use crate::{Build, BuildError, Metric};
use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw as Builder;
use seoro_core::kernel;

/// The most links it takes.
pub(super) const MOST_LINKS: usize = 256;

/// Its own limit of layers.
const LAYERS: usize = 16;

/// How many vectors it is given between two looks at the cancel flag.
const CHUNK: usize = 4096;

/// Squared distances by our kernel.
struct Squared;

impl Distance<f32> for Squared {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        kernel::squared_l2(a, b)
    }
}

/// The graph over the vectors, of which there is at least one.
///
/// # Errors
/// [`BuildError::Cancelled`]; vectors too long for their squared distances to be numbers.
pub(super) fn grow(recipe: &Hnsw, vectors: &Vectors, build: &Build<'_>) -> Result<Graph, BuildError> {
    let extra = extra_coordinate(vectors)?;
    let count = vectors.len();
    let builder = Builder::new(recipe.m, count, LAYERS, recipe.ef_construction, Squared);
    for first in (0..count).step_by(CHUNK) {
        build.check()?;
        let chunk = first..count.min(first + CHUNK);
        let rows: Vec<Vec<f32>> = chunk.clone().map(|row| extended(vectors, &extra, row)).collect();
        let named: Vec<(&[f32], usize)> = rows.iter().map(Vec::as_slice).zip(chunk.clone()).collect();
        builder.parallel_insert_slice(&named);
        build.observe.iter().for_each(|observe| observe(chunk.end, count));
    }
    Ok(taken(recipe, &builder, count))
}

/// What each vector lacks to the length of the longest; nothing but for inner products.
fn extra_coordinate(vectors: &Vectors) -> Result<Vec<f32>, BuildError> {
    let square = |row: u32| vectors.row(row).iter().map(|&number| f64::from(number).powi(2)).sum::<f64>();
    let squares: Vec<f64> = (0..vectors.len() as u32).map(square).collect();
    let longest = squares.iter().copied().fold(0.0, f64::max);
    // The distance of two opposite vectors, with what rounding adds.
    if longest * 4.1 > f64::from(f32::MAX) {
        let expected = "vectors for hnsw_rs whose squared distances are finite";
        return Err(BuildError::Parameter { parameter: "builder", value: longest.sqrt(), expected });
    }
    let is_needed = vectors.metric() == Metric::InnerProduct;
    Ok(squares.iter().filter(|_| is_needed).map(|square| (longest - square).sqrt() as f32).collect())
}

fn extended(vectors: &Vectors, extra: &[f32], row: usize) -> Vec<f32> {
    vectors.row(row as u32).iter().chain(extra.get(row)).copied().collect()
}

/// Its graph in our layers.
fn taken(recipe: &Hnsw, builder: &Builder<'_, f32, Squared>, count: usize) -> Graph {
    let mut levels = vec![0; count];
    let mut lists: Vec<Vec<Vec<u32>>> = vec![Vec::new(); count];
    for point in builder.get_point_indexation() {
        let vector = point.get_origin_id();
        levels[vector] = usize::from(point.get_point_id().0);
        let of_layer = |mut found: Vec<hnsw_rs::hnsw::Neighbour>| -> Vec<u32> {
            found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.d_id.cmp(&b.d_id)));
            found.iter().map(|neighbour| neighbour.d_id as u32).collect()
        };
        lists[vector] = point.get_neighborhood_id().into_iter().map(of_layer).collect();
    }
    let top = levels.iter().copied().max().unwrap_or(0);
    let mut layers: Vec<Layer> = Vec::with_capacity(top + 1);
    let mut places: Vec<u32> = (0..count as u32).collect();
    for at in 0..=top {
        let members: Vec<u32> = (0..count as u32).filter(|&vector| levels[vector as usize] >= at).collect();
        let down = members.iter().map(|&vector| places[vector as usize]).collect();
        (0..).zip(&members).for_each(|(place, &vector)| places[vector as usize] = place);
        let mut layer = match at {
            0 => Layer::ground(count, 2 * recipe.m),
            _ => Layer::above(members.clone(), down, recipe.m),
        };
        for (node, &vector) in (0..).zip(&members) {
            let found = lists[vector as usize].get(at).map_or(&[][..], Vec::as_slice);
            let here = found.iter().filter(|&&other| levels[other as usize] >= at && other != vector);
            layer.set(node, here.map(|&other| places[other as usize]));
        }
        layers.push(layer);
    }
    Graph { layers, entry: 0 }
}
