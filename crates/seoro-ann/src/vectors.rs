//! The vectors of an index: checked, as the metric compares them, in rows of whole vector registers.

use crate::file::{FileError, Sections, Source, check};
use crate::reservoir::{Candidate, Reservoir};
use crate::slab::{Rows, Slab};
use crate::{BuildError, Metric, Points, SearchError, kmeans};
use seoro_core::{Matrix, kernel};
use std::collections::HashSet;

/// Numbers a row is filled up to a multiple of, with zeros that change no distance: one register of AVX-512.
const LANES: usize = 16;

/// The largest number of vectors: a row number is left for "none".
pub(crate) const MOST: usize = u32::MAX as usize;

/// Vectors as an index compares them: of length 1 under the cosine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vectors {
    metric: Metric,
    dim: usize,
    /// `[N, D′]`, D′ a multiple of [`LANES`], or D where packed.
    rows: Rows,
    ids: Option<Slab<u64>>,
}

impl Vectors {
    /// The points, checked.
    ///
    /// # Errors
    /// Numbers that are not finite, too many vectors, ids that are not one for each.
    pub(crate) fn new(points: &Points<'_>) -> Result<Self, BuildError> {
        Self::of_width(points, padded(points.vectors.cols()))
    }

    /// The same without filling up, for an index that reads row after row: less to read, and to hold.
    ///
    /// # Errors
    /// As [`Vectors::new`].
    pub(crate) fn packed(points: &Points<'_>) -> Result<Self, BuildError> {
        Self::of_width(points, points.vectors.cols())
    }

    fn of_width(points: &Points<'_>, width: usize) -> Result<Self, BuildError> {
        let (given, metric) = (points.vectors, points.metric);
        check(points)?;
        let dim = given.cols();
        let mut rows = Rows::zeros(given.rows(), width);
        let filled = rows.as_mut_slice().chunks_exact_mut(width.max(1));
        filled.enumerate().for_each(|(row, filled)| fill(metric, given.row(row), filled));
        Ok(Self { metric, dim, rows, ids: points.ids.map(|ids| ids.to_vec().into()) })
    }

    /// What remains where the numbers are not kept: names, metric and shape.
    pub(crate) fn without_rows(mut self) -> Self {
        self.rows = Rows::zeros(0, self.rows.cols());
        self
    }

    /// What vectors will hold.
    pub(crate) fn bytes_of(points: &Points<'_>) -> u64 {
        let (rows, width) = (points.vectors.rows() as u64, padded(points.vectors.cols()) as u64);
        let ids = if points.ids.is_some() { 8 } else { 0 };
        rows.saturating_mul(width.saturating_mul(4).saturating_add(ids))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.rows()
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    pub(crate) fn metric(&self) -> Metric {
        self.metric
    }

    pub(crate) fn bytes(&self) -> u64 {
        let ids = self.ids.as_ref().map_or(0, |ids| ids.len()) as u64;
        self.rows.as_slice().len() as u64 * 4 + ids * 8
    }

    /// All rows, `[N, D′]`.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// All rows, as points of k-means.
    pub(crate) fn points(&self) -> kmeans::Rows<'_> {
        kmeans::Rows::new(self.rows.as_slice(), self.rows.rows(), self.rows.cols())
    }

    /// The same, for an index that moves them; names stay by the rows given.
    pub(crate) fn rows_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }

    #[inline]
    pub(crate) fn row(&self, row: u32) -> &[f32] {
        self.rows.row(row as usize)
    }

    /// What callers call a row.
    #[inline]
    pub(crate) fn id(&self, row: u32) -> u64 {
        self.ids.as_ref().map_or(u64::from(row), |ids| ids[row as usize])
    }

    /// Leaves the `k` nearest of some places, by the vectors there, in `best`, called by the rows that they were.
    pub(crate) fn compare_again(
        &self,
        query: &[f32],
        found: &[Candidate],
        k: usize,
        best: &mut Reservoir,
        row_of: impl Fn(u32) -> u32,
    ) {
        best.begin(k);
        for candidate in self.rows.ahead(found, |candidate| candidate.place) {
            let row = self.row(candidate.place);
            let nearness = match self.metric {
                // NaN while anything is taken, which no distance exceeds.
                Metric::SquaredL2 => -kernel::squared_l2_within(query, row, -best.needed()),
                Metric::InnerProduct | Metric::Cosine => kernel::dot(query, row),
            };
            best.offer(nearness, row_of(candidate.place));
        }
    }

    /// Puts a prepared vector at a row that is there, or the next; it is named as the one given at row `given`.
    pub(crate) fn put(&mut self, row: usize, prepared: &[f32], given: usize, id: u64) {
        // Names are rows until one is not.
        let rows = self.rows.rows();
        if self.ids.is_none() && id != given as u64 {
            self.ids = Some((0..rows as u64).collect());
        }
        self.rows.put(row, prepared);
        if let Some(ids) = &mut self.ids {
            let mut ids = ids.to_mut();
            ids.resize(self.rows.rows(), id);
            ids[given] = id;
        }
    }

    /// Puts the vectors and their ids among the sections of a file.
    pub(crate) fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        match self.dim {
            // So that a file cannot claim more vectors than it has bytes.
            0 => out.put_owned("rows", &vec![0u8; self.len()]),
            _ => out.put("rows", self.rows.as_slice()),
        }
        self.put_names(out);
    }

    /// Puts the names alone into a file: those of vectors that are stored otherwise.
    pub(crate) fn put_names<'a>(&'a self, out: &mut Sections<'a>) {
        self.ids.iter().for_each(|ids| out.put("ids", ids));
    }

    /// Takes the vectors, at most `most`, and their ids from a file; which ids must differ, the caller knows.
    ///
    /// # Errors
    /// Sections of other lengths than the header makes them, numbers that are not finite.
    pub(crate) fn take_sections(source: &mut Source, most: usize) -> Result<Self, FileError> {
        let width = padded(source.dim()?);
        Self::take_of_width(source, most, width)
    }

    /// The same for packed ones.
    ///
    /// # Errors
    /// As [`Vectors::take_sections`].
    pub(crate) fn take_packed(source: &mut Source, most: usize) -> Result<Self, FileError> {
        let width = source.dim()?;
        Self::take_of_width(source, most, width)
    }

    fn take_of_width(source: &mut Source, most: usize, width: usize) -> Result<Self, FileError> {
        let (metric, dim, count) = (source.metric(), source.dim()?, source.rows(most)?);
        let numbers = match width {
            0 => source.take::<u8>("rows", count).map(|_| Slab::default())?,
            _ => source.take("rows", count.saturating_mul(width))?,
        };
        check::finite(source, "rows", &numbers)?;
        let ids = Self::take_ids(source, count)?;
        Ok(Self { metric, dim, rows: Rows::new(count, width, numbers), ids })
    }

    /// Takes names without vectors from a file, at most `most`; queries are of the vectors' width all the same.
    ///
    /// # Errors
    /// As [`Vectors::take_sections`].
    pub(crate) fn take_names(source: &mut Source, most: usize) -> Result<Self, FileError> {
        let width = padded(source.dim()?);
        Self::take_names_of_width(source, most, width)
    }

    /// The same of packed vectors.
    ///
    /// # Errors
    /// As [`Vectors::take_sections`].
    pub(crate) fn take_packed_names(source: &mut Source, most: usize) -> Result<Self, FileError> {
        let width = source.dim()?;
        Self::take_names_of_width(source, most, width)
    }

    fn take_names_of_width(source: &mut Source, most: usize, width: usize) -> Result<Self, FileError> {
        let (metric, dim, count) = (source.metric(), source.dim()?, source.rows(most)?);
        let ids = Self::take_ids(source, count)?;
        Ok(Self { metric, dim, rows: Rows::zeros(0, width), ids })
    }

    fn take_ids(source: &mut Source, count: usize) -> Result<Option<Slab<u64>>, FileError> {
        source.elements::<u64>("ids").map(|_| source.take("ids", count)).transpose()
    }

    /// That no two of the rows that are there have one id.
    ///
    /// # Errors
    /// [`FileError::Damaged`].
    pub(crate) fn check_ids(
        &self,
        source: &Source,
        is_there: impl Fn(usize) -> bool,
    ) -> Result<(), FileError> {
        let Some(ids) = &self.ids else { return Ok(()) };
        let there = ids.iter().enumerate().filter(|&(row, _)| is_there(row));
        let mut known: Vec<u64> = there.map(|(_, &id)| id).collect();
        known.sort_unstable();
        match known.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                let place = ids.iter().rposition(|&id| id == pair[0]).unwrap_or_default();
                Err(source.damaged("ids", place, "an id that no other vector has"))
            }
            None => Ok(()),
        }
    }

    /// Writes the query as it is compared with rows.
    ///
    /// # Errors
    /// [`SearchError::Dimension`], [`SearchError::NotFinite`].
    pub(crate) fn prepare(&self, query: &[f32], out: &mut Vec<f32>) -> Result<(), SearchError> {
        if query.len() != self.dim {
            return Err(SearchError::Dimension { dim: query.len(), expected: self.dim });
        }
        if let Some(place) = query.iter().position(|number| !number.is_finite()) {
            return Err(SearchError::NotFinite { place });
        }
        out.clear();
        out.resize(self.rows.cols(), 0.0);
        fill(self.metric, query, out);
        Ok(())
    }

    /// The `count` queries from `first` on, prepared.
    ///
    /// # Errors
    /// As [`Vectors::prepare`], for the first query that is refused.
    pub(crate) fn prepare_all(
        &self,
        queries: &Matrix,
        first: usize,
        count: usize,
    ) -> Result<Matrix, SearchError> {
        let mut prepared = Matrix::zeros(count, self.rows.cols());
        let mut query = Vec::new();
        for place in 0..count {
            self.prepare(queries.row(first + place), &mut query)?;
            prepared.row_mut(place).copy_from_slice(&query);
        }
        Ok(prepared)
    }
}

fn padded(dim: usize) -> usize {
    dim.next_multiple_of(LANES)
}

/// Writes a vector as it is compared into a row of zeros.
fn fill(metric: Metric, vector: &[f32], row: &mut [f32]) {
    row[..vector.len()].copy_from_slice(vector);
    if metric == Metric::Cosine {
        // Scaled by the largest number first, so that no square overflows or vanishes.
        let largest = vector.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
        if largest > 0.0 {
            row.iter_mut().for_each(|number| *number /= largest);
            let length = kernel::dot(row, row).sqrt();
            row.iter_mut().for_each(|number| *number /= length);
        }
    }
}

fn check(points: &Points<'_>) -> Result<(), BuildError> {
    let vectors = points.vectors;
    let rows = vectors.rows();
    if rows > MOST {
        return Err(BuildError::TooMany { rows, most: MOST });
    }
    if let Some(place) = vectors.as_slice().iter().position(|number| !number.is_finite()) {
        return Err(BuildError::NotFinite { row: place / vectors.cols(), place: place % vectors.cols() });
    }
    let Some(ids) = points.ids else { return Ok(()) };
    if ids.len() != rows {
        return Err(BuildError::Ids { ids: ids.len(), rows });
    }
    let mut known = HashSet::with_capacity(rows);
    match ids.iter().find(|&&id| !known.insert(id)) {
        Some(&id) => Err(BuildError::DuplicateId { id }),
        None => Ok(()),
    }
}
