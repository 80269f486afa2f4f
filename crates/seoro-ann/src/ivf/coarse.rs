//! The coarse quantiser: centroids, the lists of the vectors nearest to each, and which lists a query visits.

use super::Probing;
use crate::file::{FileError, Sections, Source};
use crate::kmeans::{KMeans, Members, Nearest, Rows};
use crate::reservoir::Candidate;
use crate::slab::{self, Slab};
use crate::{Build, BuildError, Metric};
use seoro_core::kernel;
use std::ops::Range;

/// Points looked at for each centroid; faiss looks at as many.
const SAMPLE: usize = 256;

/// The most lists.
pub(crate) const MOST_LISTS: usize = 1 << 24;

/// Lists of vectors around centroids.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Coarse {
    /// `[L, D′]`; of length 1 under the cosine, the means of their vectors else.
    pub(crate) centroids: slab::Rows,
    /// `½‖c‖²` under the squared distance, else zeros: `[L]`.
    pub(crate) half_norms: Slab<f32>,
    /// Where each list begins, and the end: `[L + 1]`.
    pub(crate) starts: Slab<u32>,
}

/// How many lists for `rows` vectors, where that is not said: `4√N`, in the middle of what faiss advises.
pub(crate) fn lists_for(rows: usize) -> usize {
    ((4.0 * (rows as f64).sqrt()) as usize).max(1)
}

/// The k-means of so many lists.
fn kmeans(lists: usize, iterations: usize, metric: Metric) -> KMeans {
    let spherical = metric == Metric::Cosine;
    KMeans { centroids: lists, iterations, sample: SAMPLE, spherical }
}

/// The bytes of `lists` lists of `rows` vectors of `width` numbers, and of finding them.
pub(crate) fn bytes_to_build(lists: usize, rows: usize, width: usize) -> u64 {
    let kept = lists.min(rows) as u64 * (width as u64 + 2) * 4;
    kept.saturating_add(kmeans(lists, 1, Metric::SquaredL2).bytes(rows, width))
        .saturating_add(rows as u64 * 12)
}

impl Coarse {
    /// The lists of `rows` `[N, D′]`, and their rows in the order of the lists, ascending within each.
    pub(crate) fn new(
        rows: Rows<'_>,
        metric: Metric,
        lists: usize,
        iterations: usize,
        build: &Build<'_>,
    ) -> Result<(Self, Vec<u32>), BuildError> {
        let kmeans = kmeans(lists, iterations, metric);
        let centroids = kmeans.fit(rows, build.seed.child("lists"), build)?;
        let mut of = vec![0; rows.count()];
        Nearest::new(&centroids, kmeans.spherical).assign_all(rows, &mut of, build)?;
        let members = Members::new(&of, centroids.rows());
        let (count, width) = (centroids.rows(), centroids.cols());
        let centroids = slab::Rows::new(count, width, centroids.into_vec().into());
        Ok((Self::of(centroids, metric, members.starts), members.points))
    }

    /// One list around the origin.
    pub(crate) fn single(rows: usize, width: usize, metric: Metric) -> Self {
        Self::of(slab::Rows::zeros(1, width), metric, vec![0, rows as u32])
    }

    fn of(centroids: slab::Rows, metric: Metric, starts: Vec<u32>) -> Self {
        let half_norm = |row: usize| match metric {
            Metric::SquaredL2 => 0.5 * kernel::dot(centroids.row(row), centroids.row(row)),
            Metric::InnerProduct | Metric::Cosine => 0.0,
        };
        let half_norms = (0..centroids.rows()).map(half_norm).collect();
        Self { centroids, half_norms, starts: starts.into() }
    }

    /// Puts the lists into a file.
    pub(crate) fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        out.put("starts", &self.starts);
        out.put("centroids", self.centroids.as_slice());
        out.put("centroid-norms", &self.half_norms);
    }

    /// Takes the lists of `count` vectors of `width` numbers from a file. Centroids may be anything: the means of numbers
    /// that overflow are no numbers, and lists around these are visited last.
    ///
    /// # Errors
    /// Sections of other lengths, lists that are not one after another up to the last vector.
    pub(crate) fn take_sections(source: &mut Source, count: usize, width: usize) -> Result<Self, FileError> {
        let len = source.elements::<u32>("starts").unwrap_or(1).max(1);
        let starts: Slab<u32> = source.take("starts", len)?;
        let lists = len - 1;
        // No build makes more lists than vectors, and a batch has working memory for each.
        if lists > MOST_LISTS.min(count.max(1)) || starts[0] != 0 || starts[lists] as usize != count {
            return Err(source.damaged("starts", 0, "lists from the first vector to the last"));
        }
        if let Some(place) = starts.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(source.damaged("starts", place, "a list that does not begin after the next"));
        }
        let centroids = source.take("centroids", lists.saturating_mul(width))?;
        let half_norms = source.take("centroid-norms", lists)?;
        Ok(Self { centroids: slab::Rows::new(lists, width, centroids), half_norms, starts })
    }

    pub(crate) fn lists(&self) -> usize {
        self.centroids.rows()
    }

    /// How many vectors all lists have.
    pub(crate) fn len(&self) -> usize {
        self.starts.last().map_or(0, |&end| end as usize)
    }

    /// The places of a list's vectors.
    #[inline]
    pub(crate) fn list(&self, list: u32) -> Range<usize> {
        self.starts[list as usize] as usize..self.starts[list as usize + 1] as usize
    }

    /// The list of a place.
    pub(crate) fn list_of(&self, place: usize) -> u32 {
        self.starts.partition_point(|&start| start as usize <= place) as u32 - 1
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.centroids.as_slice().len() + self.half_norms.len() + self.starts.len()) as u64 * 4
    }

    /// Leaves the lists in `work.lists`, at least the first `probe` of them in order, nearest first.
    pub(crate) fn rank(&self, query: &[f32], probe: usize, work: &mut Probing) {
        work.coarse.resize(self.lists(), 0.0);
        kernel::dot_rows(query, self.centroids.as_slice(), &mut work.coarse);
        if query.is_empty() {
            work.coarse.fill(0.0);
        }
        let scores = work.coarse.iter().zip(&self.half_norms[..]).map(|(score, less)| score - less);
        work.lists.clear();
        work.lists.extend(scores.zip(0..).map(|(score, place)| Candidate {
            // ∞ − ∞: as far as can be.
            score: if score.is_nan() { f32::NEG_INFINITY } else { score },
            place,
        }));
        if probe < work.lists.len() {
            work.lists.select_nth_unstable_by(probe.max(1) - 1, Candidate::order);
        }
        let first = probe.min(work.lists.len());
        work.lists[..first].sort_unstable_by(Candidate::order);
    }

    /// Visits lists nearest first: `probe` of them, and on until `visit`, which gets a list and the query's product with
    /// its centroid, has returned `wanted` vectors that are kept.
    pub(crate) fn visit(
        &self,
        query: &[f32],
        probe: usize,
        wanted: usize,
        work: &mut Probing,
        mut visit: impl FnMut(&mut Probing, u32, f32) -> usize,
    ) {
        let probe = probe.clamp(1, self.lists().max(1));
        self.rank(query, probe, work);
        let (mut seen, mut lists) = (0, std::mem::take(&mut work.lists));
        let mut go = |work: &mut Probing, list: &Candidate, seen: usize| {
            seen + visit(work, list.place, list.score + self.half_norms[list.place as usize])
        };
        let split = probe.min(lists.len());
        let (first, rest) = lists.split_at_mut(split);
        for list in first.iter() {
            seen = go(work, list, seen);
        }
        if seen < wanted && !rest.is_empty() {
            rest.sort_unstable_by(Candidate::order);
            for list in rest.iter() {
                seen = go(work, list, seen);
                if seen >= wanted {
                    break;
                }
            }
        }
        work.lists = lists;
    }
}
