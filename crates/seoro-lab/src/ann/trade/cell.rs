//! One index over some vectors: built, asked at growing efforts, kept under the hash of all that decides it.

use super::{Measure, Pace};
use crate::ann::{Collection, K, Recipe, Space, Truth, nearest_within, recall};
use crate::cell::{Kept, Store, hash};
use crate::paper::{AnnRow, SpaceUse};
use crate::{LabError, workplace};
use rayon::prelude::*;
use seoro_ann::{Ask, Build, Index, Neighbor, Scratch, SearchError};
use seoro_core::{Matrix, Seed};
use seoro_models::DeviceName;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Raised when an index or the way it is measured may give other numbers than before.
const REVISION: u32 = 4;

/// What is known of an index over some vectors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradeCell {
    /// The hash it is kept under.
    pub key: String,
    /// How long the build took.
    pub build_seconds: f64,
    /// On how many threads; searches have one.
    pub threads: usize,
    /// What the index holds.
    pub bytes: u64,
    /// The part of it that is whole vectors beside their codes, where it has both.
    pub vector_bytes: Option<u64>,
    /// One for each effort.
    pub points: Vec<Point>,
    /// The most memory held while building and searching, where the system tells.
    pub peak_rss_mb: Option<f64>,
    /// Where it was computed.
    pub device: String,
    /// By which code.
    pub commit: String,
}

/// What an index does at an effort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// How hard it looked.
    pub effort: Option<usize>,
    /// `recall@10` of all queries.
    pub recall: f64,
    /// Vectors compared with a query, on average.
    pub distances: f64,
    /// Queries answered in a second on one thread.
    pub per_second: f64,
    /// Seconds of the median query.
    pub median: f64,
    /// Seconds that one query of a hundred exceeds.
    pub slow: f64,
    /// The values of [`Measure::NEAREST`], for compressed indexes.
    pub nearest: Option<[f64; 3]>,
}

impl Kept for TradeCell {
    fn key(&self) -> &str {
        &self.key
    }

    fn commit(&self) -> &str {
        &self.commit
    }
}

/// What decides a cell.
pub struct TradeJob<'a> {
    /// The row.
    pub row: &'a AnnRow,
    /// Its recipe on these vectors.
    pub recipe: &'a Recipe,
    /// The vectors.
    pub space: Space,
    /// How the paper uses them.
    pub usage: &'a SpaceUse,
    /// The same, read.
    pub collection: &'a Collection,
    /// All queries of the collection.
    pub queries: &'a Matrix,
    /// What they should find.
    pub truth: &'a Truth,
    /// How many threads build; 0 for all cores.
    pub threads: usize,
}

impl TradeJob<'_> {
    /// The cell, from the store or by building and asking.
    ///
    /// # Errors
    /// A build or search that fails; a store that cannot be written.
    pub fn run(&self, store: &Store, tell: &dyn Fn(String)) -> Result<TradeCell, LabError> {
        let key = self.key();
        if let Some(cell) = store.find(&key) {
            return Ok(cell);
        }
        workplace::reset_peak_rss();
        tell("build".to_owned());
        let start = Instant::now();
        let index = self.build()?;
        let build_seconds = start.elapsed().as_secs_f64();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.map_err(|error| LabError::Usage(error.to_string()))?;
        let mut points = Vec::new();
        for effort in self.row.efforts(self.space) {
            tell(effort.map_or_else(|| "all".to_owned(), |effort| format!("effort {effort}")));
            let point = pool.install(|| self.point(index.as_ref(), effort));
            let vectors = self.collection.name.to_owned();
            points.push(point.map_err(|source| LabError::Search { vectors, source })?);
        }
        let cell = TradeCell {
            key,
            build_seconds,
            threads: workplace::threads(self.threads),
            bytes: index.bytes(),
            vector_bytes: self.recipe.reranks().then_some(4 * self.collection.base.as_slice().len() as u64),
            points,
            peak_rss_mb: workplace::peak_rss_mb(),
            device: DeviceName::Cpu.to_string(),
            commit: workplace::commit(),
        };
        store.keep(&cell)?;
        Ok(cell)
    }

    /// The hash of all that decides the cell.
    fn key(&self) -> String {
        hash(&serde_json::json!({
            "vectors": self.collection.hash,
            "space": self.space,
            "row": self.row.name,
            "index": self.recipe,
            "efforts": self.row.efforts(self.space),
            "pass": self.usage.pass_seconds,
            "threads": workplace::threads(self.threads),
            "revision": REVISION,
        }))
    }

    fn build(&self) -> Result<Box<dyn Index>, LabError> {
        let mut build = Build::new(Seed::new(1).child(&self.row.name));
        build.threads = self.threads;
        self.recipe.build(&self.collection.points(self.space.metric()), &build).map_err(|source| {
            LabError::Build { index: self.row.name.clone(), vectors: self.collection.name.to_owned(), source }
        })
    }

    fn ask(&self, k: usize, effort: Option<usize>) -> Ask<'static> {
        effort.map_or_else(|| Ask::new(k), |effort| self.recipe.ask(k, effort))
    }

    fn point(&self, index: &dyn Index, effort: Option<usize>) -> Result<Point, SearchError> {
        let ask = self.ask(K, effort);
        let (found, distances) = answers(index, self.queries, &ask)?;
        let pace = Pace::of(index, self.queries, &ask, self.usage.pass_seconds)?;
        let nearest = self.recipe.is_compressed().then(|| self.nearest(index, effort)).transpose()?;
        Ok(Point {
            effort,
            recall: recall(self.truth, &self.collection.base, self.queries, &found),
            distances,
            per_second: pace.per_second,
            median: pace.median,
            slow: pace.slow,
            nearest,
        })
    }

    /// The values of [`Measure::NEAREST`].
    fn nearest(&self, index: &dyn Index, effort: Option<usize>) -> Result<[f64; 3], SearchError> {
        let most = Measure::NEAREST.map(|(_, most)| most);
        let deepest = most.into_iter().max().unwrap_or(K);
        let (found, _) = answers(index, self.queries, &self.ask(deepest, effort))?;
        Ok(most.map(|most| nearest_within(self.truth, &self.collection.base, self.queries, &found, most)))
    }
}

/// What is found for each query, asked one by one on all threads, and how many vectors are compared on average.
fn answers(index: &dyn Index, queries: &Matrix, ask: &Ask<'_>) -> Result<(Vec<Vec<u64>>, f64), SearchError> {
    let answer = |(scratch, out): &mut (Scratch, Vec<Neighbor>), query: usize| {
        let work = index.search(queries.row(query), ask, scratch, out)?;
        let found: Vec<u64> = out.iter().map(|near| near.id).collect();
        Ok::<_, SearchError>((found, work.distances))
    };
    let all: Vec<(Vec<u64>, u64)> = (0..queries.rows())
        .into_par_iter()
        .map_init(|| (index.scratch(), Vec::new()), answer)
        .collect::<Result<_, SearchError>>()?;
    let distances: u64 = all.iter().map(|(_, distances)| distances).sum();
    let mean = distances as f64 / all.len().max(1) as f64;
    Ok((all.into_iter().map(|(found, _)| found).collect(), mean))
}
