//! An index of whatever kind a file holds.

use super::{FileError, Kind, Source, Verify, read};
use crate::{
    Ask, FlatIndex, ForestIndex, HnswIndex, Index, IvfIndex, IvfPqIndex, Metric, Neighbor, PqIndex, Scratch,
};
use crate::{SearchError, UpdateError, Work};
use seoro_core::Matrix;
use std::path::Path;

/// Maps the index that a file holds, of whatever kind, with everything verified: [`AnyIndex::map`] behind the trait.
///
/// ```
/// use seoro_ann::{Ask, Build, Hnsw, Index, Metric, Points, open};
/// use seoro_core::{Matrix, Seed};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("items.index");
/// let vectors = Matrix::from_vec(3, 1, vec![0.0, 2.0, 5.0])?;
/// Hnsw::default().build(&Points::new(&vectors, Metric::SquaredL2), &Build::new(Seed::new(1)))?.save(&path)?;
///
/// let index = open(&path)?;
/// let (mut scratch, mut nearest) = (index.scratch(), Vec::new());
/// index.search(&[4.0], &Ask::new(1), &mut scratch, &mut nearest)?;
/// assert_eq!(nearest[0].id, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Any [`FileError`].
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn Index>, FileError> {
    Ok(match AnyIndex::map(path)? {
        AnyIndex::Flat(index) => Box::new(index),
        AnyIndex::Forest(index) => Box::new(index),
        AnyIndex::Hnsw(index) => Box::new(index),
        AnyIndex::Ivf(index) => Box::new(index),
        AnyIndex::Pq(index) => Box::new(index),
        AnyIndex::IvfPq(index) => Box::new(index),
    })
}

/// An index of whatever kind a file holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // A program has few indexes, and none of them moves often.
pub enum AnyIndex {
    /// Exact.
    Flat(FlatIndex),
    /// Trees of hyperplanes.
    Forest(ForestIndex),
    /// A graph.
    Hnsw(HnswIndex),
    /// Lists around centroids.
    Ivf(IvfIndex),
    /// Codes.
    Pq(PqIndex),
    /// Codes in lists.
    IvfPq(IvfPqIndex),
}

impl AnyIndex {
    /// Reads an index of any kind; all of it is in memory then.
    ///
    /// # Errors
    /// Any [`FileError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::from_source(Source::open(path.as_ref(), false, Verify::Everything)?)
    }

    /// Maps an index of any kind; see [`FlatIndex::map`].
    ///
    /// # Errors
    /// Any [`FileError`].
    pub fn map(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::map_with(path, Verify::Everything)
    }

    /// [`AnyIndex::map`], looking at as much of the file as `verify` says.
    ///
    /// # Errors
    /// Any [`FileError`].
    pub fn map_with(path: impl AsRef<Path>, verify: Verify) -> Result<Self, FileError> {
        Self::from_source(Source::open(path.as_ref(), true, verify)?)
    }

    fn from_source(source: Source) -> Result<Self, FileError> {
        match source.kind() {
            Kind::Flat => read(source).map(Self::Flat),
            Kind::Forest => read(source).map(Self::Forest),
            Kind::Hnsw => read(source).map(Self::Hnsw),
            Kind::Ivf => read(source).map(Self::Ivf),
            Kind::Pq => read(source).map(Self::Pq),
            Kind::IvfPq => read(source).map(Self::IvfPq),
        }
    }

    /// Saves it; see [`FlatIndex::save`].
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        match self {
            Self::Flat(index) => index.save(path),
            Self::Forest(index) => index.save(path),
            Self::Hnsw(index) => index.save(path),
            Self::Ivf(index) => index.save(path),
            Self::Pq(index) => index.save(path),
            Self::IvfPq(index) => index.save(path),
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Flat(_) => Kind::Flat,
            Self::Forest(_) => Kind::Forest,
            Self::Hnsw(_) => Kind::Hnsw,
            Self::Ivf(_) => Kind::Ivf,
            Self::Pq(_) => Kind::Pq,
            Self::IvfPq(_) => Kind::IvfPq,
        }
    }

    /// Adds a vector called `id`; see [`ForestIndex::add`].
    ///
    /// # Errors
    /// [`UpdateError::Frozen`] for every kind but a forest, and the errors of that.
    pub fn add(&mut self, id: u64, vector: &[f32]) -> Result<(), UpdateError> {
        match self {
            Self::Forest(index) => index.add(id, vector),
            _ => Err(UpdateError::Frozen { kind: self.kind() }),
        }
    }

    /// Deletes the vector called `id`; see [`ForestIndex::delete`].
    ///
    /// # Errors
    /// As [`AnyIndex::add`].
    pub fn delete(&mut self, id: u64) -> Result<(), UpdateError> {
        match self {
            Self::Forest(index) => index.delete(id),
            _ => Err(UpdateError::Frozen { kind: self.kind() }),
        }
    }

    fn inner(&self) -> &dyn Index {
        match self {
            Self::Flat(index) => index,
            Self::Forest(index) => index,
            Self::Hnsw(index) => index,
            Self::Ivf(index) => index,
            Self::Pq(index) => index,
            Self::IvfPq(index) => index,
        }
    }
}

impl Index for AnyIndex {
    fn len(&self) -> usize {
        self.inner().len()
    }

    fn dim(&self) -> usize {
        self.inner().dim()
    }

    fn metric(&self) -> Metric {
        self.inner().metric()
    }

    fn bytes(&self) -> u64 {
        self.inner().bytes()
    }

    fn search(
        &self,
        query: &[f32],
        ask: &Ask<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Neighbor>,
    ) -> Result<Work, SearchError> {
        self.inner().search(query, ask, scratch, out)
    }

    fn search_batch(&self, queries: &Matrix, ask: &Ask<'_>) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        self.inner().search_batch(queries, ask)
    }
}
