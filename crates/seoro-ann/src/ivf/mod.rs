//! IVF-Flat: vectors in lists around the centroids of k-means; a query is compared with the vectors of the few lists whose
//! centroids are nearest to it (J. Sivic, A. Zisserman: Video Google, 2003; H. Jégou, M. Douze, C. Schmid: Product
//! quantization for nearest neighbor search, 2011, section IV, without its codes). Where this differs from faiss:
//!
//! - A batch is searched list by list: all queries that visit a list are compared with it by one product of matrices, so
//!   that a list is read once and the work is multiplications, not memory. `k` and some more are selected by these and
//!   ordered by their distances.
//! - Alone, a query leaves a squared distance as soon as it exceeds the worst kept; the numbers of long vectors stand in
//!   the order of their variance for that.
//! - Where the lists visited hold fewer than `k` vectors that the filter keeps, the next ones are visited too.
//! - Vectors may be bytes ([`Storage`]), a batch's too: whole numbers of 16 bits are multiplied twice as fast.
//! - Cosine has centroids of length 1, as in faiss. Inner products have those of squared distances, where faiss has
//!   centroids of length 1: lists of long vectors then have long centroids, and are visited first.

mod batch;
mod coarse;
mod file;

use batch::scan_short;
pub(crate) use batch::{Plan, Tiles, block_of, scan, search_lists};
pub(crate) use coarse::{Coarse, MOST_LISTS, bytes_to_build, lists_for};

use crate::arrange::{order_places, permute_rows, reorder};
use crate::index::search_each;
use crate::reservoir::{Candidate, Reservoir};
use crate::slab::Slab;
use crate::storage::{Short, ShortQuery, Storage};
use crate::vectors::Vectors;
use crate::{Ask, Build, BuildError, Index, Metric, Neighbor, Points, Scratch, SearchError, Work};
use seoro_core::{Matrix, kernel};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The recipe of an inverted file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ivf {
    /// How many lists; `4√N` where absent. More: each holds fewer vectors, so the same effort compares fewer; finding the
    /// nearest lists and the build take longer. At most as many as vectors.
    pub lists: Option<usize>,
    /// The most turns of k-means.
    pub iterations: usize,
    /// `nprobe`, how many lists a search visits where it is not told an effort. More find more, and take longer.
    pub probe: usize,
    /// How vectors are stored. Of bytes a search reads a quarter; those of [`Storage::Int8Reranked`] find nearly the same.
    pub storage: Storage,
}

impl Default for Ivf {
    fn default() -> Self {
        Self { lists: None, iterations: 10, probe: 16, storage: Storage::F32 }
    }
}

/// An inverted file.
#[derive(Clone, Debug, PartialEq)]
pub struct IvfIndex {
    /// By place, list by list, where whole ones are kept; names are by row.
    vectors: Vectors,
    /// By place, where searches read shorter ones.
    short: Option<Short>,
    /// Which row each place was.
    rows: Slab<u32>,
    /// Which of a query's numbers stands where; in their own order where empty.
    order: Slab<u32>,
    /// `½‖x‖²` by place, under the squared distance of numbers.
    half_norms: Slab<f32>,
    coarse: Coarse,
    probe: usize,
}

/// Working memory of searches in lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probing {
    /// The query's products with the centroids.
    pub(crate) coarse: Vec<f32>,
    pub(crate) lists: Vec<Candidate>,
    pub(crate) scores: Vec<f32>,
    pub(crate) best: Reservoir,
    /// The best of those, compared again.
    pub(crate) again: Reservoir,
    /// A query's products with all words of a quantiser.
    pub(crate) tables: Vec<f32>,
    /// The same in eight bits.
    pub(crate) bytes: Vec<u8>,
    pub(crate) sums: Vec<u16>,
}

/// How many more than asked a batch selects by products, whose last bits differ from the distances it then orders by.
pub(crate) const SPARE: usize = 8;

/// A parameter that must be at least 1.
pub(crate) fn at_least_one(parameter: &'static str, value: usize) -> Result<(), BuildError> {
    match value {
        0 => Err(BuildError::Parameter { parameter, value: 0.0, expected: "at least 1" }),
        _ => Ok(()),
    }
}

/// Parameters of lists, checked.
pub(crate) fn check_lists(lists: Option<usize>, iterations: usize, probe: usize) -> Result<(), BuildError> {
    if let Some(lists @ (0 | 16_777_217..)) = lists {
        debug_assert!(lists == 0 || lists > MOST_LISTS);
        let expected = "1 to 16777216";
        return Err(BuildError::Parameter { parameter: "lists", value: lists as f64, expected });
    }
    at_least_one("iterations", iterations)?;
    at_least_one("probe", probe)
}

impl Ivf {
    /// The inverted file over these points; reproducible for a seed at any number of threads.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, points: &Points<'_>, build: &Build<'_>) -> Result<IvfIndex, BuildError> {
        check_lists(self.lists, self.iterations, self.probe)?;
        build.reserve(self.memory(points))?;
        build.check()?;
        build.pool()?.install(|| self.build_here(points, build))
    }

    /// About the most bytes that the index and its build will hold; a build refuses to go over
    /// [`Build::memory`](crate::Build) before it allocates.
    pub fn memory(&self, points: &Points<'_>) -> u64 {
        let (rows, width) = (points.vectors.rows(), points.vectors.cols().next_multiple_of(16));
        let stored = Vectors::bytes_of(points).saturating_add(self.storage.bytes_of(points));
        stored.saturating_add(bytes_to_build(self.lists(rows), rows, width))
    }

    fn lists(&self, rows: usize) -> usize {
        self.lists.unwrap_or_else(|| lists_for(rows)).min(rows.max(1))
    }

    fn build_here(&self, points: &Points<'_>, build: &Build<'_>) -> Result<IvfIndex, BuildError> {
        self.storage.check(points.vectors.cols())?;
        let is_short = self.storage != Storage::F32;
        let mut vectors = Vectors::packed(points)?;
        // Sums of short vectors are not left early.
        let order = if is_short { Slab::default() } else { order_places(&mut vectors) };
        let metric = vectors.metric();
        let lists = self.lists(vectors.len());
        let (coarse, rows) = Coarse::new(vectors.points(), metric, lists, self.iterations, build)?;
        permute_rows(vectors.rows_mut(), &rows);
        let short = self.storage.shorten(&vectors)?;
        let half_norms = match metric {
            Metric::SquaredL2 if !is_short => half_norms(&vectors),
            _ => Slab::default(),
        };
        if !self.storage.is_whole() {
            vectors = vectors.without_rows();
        }
        let rows = Slab::placed(&rows);
        Ok(IvfIndex { vectors, short, rows, order, half_norms, coarse, probe: self.probe })
    }
}

/// `½‖x‖²` of each vector.
fn half_norms(vectors: &Vectors) -> Slab<f32> {
    let mut half_norms = Slab::zeros(vectors.len());
    let numbers = half_norms.as_mut_slice().iter_mut().zip(0u32..);
    numbers.for_each(|(number, row)| *number = 0.5 * kernel::dot(vectors.row(row), vectors.row(row)));
    half_norms
}

impl IvfIndex {
    fn storage(&self) -> Storage {
        Storage::of(self.short.as_ref(), self.vectors.len())
    }

    /// Writes the query as it is compared with rows.
    fn prepare(&self, query: &[f32], given: &mut Vec<f32>, out: &mut Vec<f32>) -> Result<(), SearchError> {
        self.vectors.prepare(query, out)?;
        if !self.order.is_empty() {
            std::mem::swap(given, out);
            out.resize(given.len(), 0.0);
            reorder(&self.order, given, out);
        }
        Ok(())
    }

    /// Offers the vectors of a list that are kept, by their nearness, which is told what it must exceed to count; returns
    /// how many those are.
    #[inline]
    fn visit(
        &self,
        list: u32,
        ask: &Ask<'_>,
        best: &mut Reservoir,
        nearness: impl Fn(u32, f32) -> f32,
    ) -> usize {
        let mut kept = 0;
        for place in self.coarse.list(list) {
            let place = place as u32;
            if ask.filter.is_some() && !ask.keeps(self.id(place)) {
                continue;
            }
            kept += 1;
            best.offer(nearness(place, best.needed()), place);
        }
        kept
    }

    /// How near a place is to the query, or any number that does not exceed `needed`.
    #[inline]
    fn nearness(&self, query: &[f32], place: u32, needed: f32) -> f32 {
        let row = self.vectors.row(place);
        match self.vectors.metric() {
            // NaN while anything is taken, which no distance exceeds.
            Metric::SquaredL2 => -kernel::squared_l2_within(query, row, -needed),
            Metric::InnerProduct | Metric::Cosine => kernel::dot(query, row),
        }
    }

    fn id(&self, place: u32) -> u64 {
        self.vectors.id(self.rows[place as usize])
    }

    /// Calls what was found by its rows in place of its places.
    fn by_rows<'a>(&self, found: &'a mut [Candidate]) -> &'a mut [Candidate] {
        found.iter_mut().for_each(|found| found.place = self.rows[found.place as usize]);
        found
    }

    /// Appends the `k` nearest of the rows found, equally near ones by their rows.
    fn write(&self, found: &mut [Candidate], k: usize, out: &mut Vec<Neighbor>) {
        found.sort_unstable_by(Candidate::order);
        let neighbor = |found: &Candidate| Neighbor {
            id: self.vectors.id(found.place),
            score: self.vectors.metric().score(found.score),
        };
        out.extend(found.iter().take(k).map(neighbor));
    }

    /// The `count` queries from `first` on, list by list.
    fn batch(
        &self,
        queries: &Matrix,
        first: usize,
        count: usize,
        ask: &Ask<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        let mut prepared = Matrix::zeros(count, self.vectors.rows().cols());
        let (mut given, mut query) = (Vec::new(), Vec::new());
        for place in 0..count {
            self.prepare(queries.row(first + place), &mut given, &mut query)?;
            prepared.row_mut(place).copy_from_slice(&query);
        }
        let k = ask.k.min(self.len());
        let wanted = self.storage().wanted(ask, k, self.len());
        let plan = Plan::new(&self.coarse, &prepared, ask.effort.unwrap_or(self.probe), wanted);
        let mut best = vec![Reservoir::default(); count];
        if let Some(short) = &self.short {
            best.iter_mut().for_each(|best| best.begin(wanted));
            let mut short_queries = vec![ShortQuery::default(); count];
            let rows = short_queries.iter_mut().enumerate();
            rows.for_each(|(place, query)| short.write_query(prepared.row(place), query));
            scan_short(&self.coarse, &plan, short, &short_queries, &mut best);
            return Ok(self.of_short(&prepared, k, &mut best));
        }
        best.iter_mut().for_each(|best| best.begin(k.saturating_add(SPARE)));
        scan(&self.coarse, &plan, &prepared, &self.half_norms, &mut best, self);
        let longest = self.half_norms.iter().copied().fold(0.0, f32::max);
        let (mut scratch, mut again) = (Scratch::default(), Reservoir::default());
        let of_query = |(query, best): (usize, &mut Reservoir)| {
            let mut out = Vec::with_capacity(k);
            let compared = prepared.row(query);
            let found = best.kept();
            let is_full = found.len() == k.saturating_add(SPARE);
            let last = found.iter().map(|found| found.score).fold(f32::INFINITY, f32::min);
            self.vectors.compare_again(compared, found, k, &mut again, |place| self.rows[place as usize]);
            let found = again.kept();
            let nearest = found.iter().map(|found| found.score).reduce(f32::min);
            let nearest = nearest.unwrap_or(f32::NEG_INFINITY);
            if is_full && !self.vectors.metric().is_sure(compared, longest, last, nearest) {
                self.search(queries.row(first + query), ask, &mut scratch, &mut out)?;
                return Ok(out);
            }
            self.write(found, k, &mut out);
            Ok(out)
        };
        best.iter_mut().enumerate().map(of_query).collect()
    }

    /// The answers of what was found by short vectors.
    fn of_short(&self, prepared: &Matrix, k: usize, best: &mut [Reservoir]) -> Vec<Vec<Neighbor>> {
        let mut again = Reservoir::default();
        let of_query = |(query, best): (usize, &mut Reservoir)| {
            let mut out = Vec::with_capacity(k);
            self.finish(prepared.row(query), (best, &mut again), k, &mut out);
            out
        };
        best.iter_mut().enumerate().map(of_query).collect()
    }

    /// Appends the `k` nearest of the first reservoir, compared again in the second where there are bytes for the search and
    /// vectors for this; returns how many comparisons that took.
    fn finish(
        &self,
        query: &[f32],
        (best, again): (&mut Reservoir, &mut Reservoir),
        k: usize,
        out: &mut Vec<Neighbor>,
    ) -> usize {
        if self.storage() != Storage::Int8Reranked {
            self.write(self.by_rows(best.kept()), k, out);
            return 0;
        }
        let found = best.sorted();
        self.vectors.compare_again(query, found, k, again, |place| self.rows[place as usize]);
        self.write(again.kept(), k, out);
        found.len()
    }
}

impl Tiles for IvfIndex {
    fn tile<'a>(&'a self, _: u32, places: Range<usize>, _: &'a mut Vec<f32>) -> &'a [f32] {
        let width = self.vectors.rows().cols();
        &self.vectors.rows().as_slice()[places.start * width..places.end * width]
    }
}

impl Index for IvfIndex {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn metric(&self) -> Metric {
        self.vectors.metric()
    }

    fn bytes(&self) -> u64 {
        let numbers = self.rows.len() + self.order.len() + self.half_norms.len();
        let short = self.short.as_ref().map_or(0, Short::bytes);
        self.vectors.bytes() + short + self.coarse.bytes() + numbers as u64 * 4
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        let Scratch { query: prepared, short: short_query, scores: given, probing: work, .. } = scratch;
        self.prepare(query, given, prepared)?;
        out.clear();
        let k = ask.k.min(self.len());
        if k == 0 {
            return Ok(Work::default());
        }
        let wanted = self.storage().wanted(ask, k, self.len());
        self.short.iter().for_each(|short| short.write_query(prepared, short_query));
        let mut best = std::mem::take(&mut work.best);
        best.begin(wanted);
        let mut distances = self.coarse.lists();
        let effort = ask.effort.unwrap_or(self.probe);
        self.coarse.visit(prepared, effort, wanted, work, |_, list, _| {
            let kept = match &self.short {
                Some(short) => {
                    self.visit(list, ask, &mut best, |place, _| short.nearness(short_query, place))
                }
                None => {
                    self.visit(list, ask, &mut best, |place, needed| self.nearness(prepared, place, needed))
                }
            };
            distances += kept;
            kept
        });
        distances += self.finish(prepared, (&mut best, &mut work.again), k, out);
        work.best = best;
        Ok(Work { distances: distances as u64 })
    }

    fn search_batch(&self, queries: &Matrix, ask: &Ask<'_>) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        if ask.k == 0 || self.is_empty() || ask.filter.is_some() {
            return search_each(self, queries, ask);
        }
        search_lists(queries, |first, count| self.batch(queries, first, count, ask))
    }
}
