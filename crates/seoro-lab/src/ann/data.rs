//! The vectors to search and the queries, each from a named source.

use super::{ItemLike, cache, item_like, words, world};
use crate::data::{Folders, load};
use crate::{LabError, workplace};
use seoro_ann::{Metric, Points};
use seoro_core::hash::Fnv1a;
use seoro_core::{Matrix, Seed};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where vectors come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Set {
    /// The 60,000 training digits of MNIST, 784 pixels each; the 10,000 test digits ask.
    Mnist,
    /// Word vectors of 100 numbers, by gensim's Skip-Gram on the movie reviews of `text-aclimdb`; 10,000 words drawn by
    /// seed ask for the others.
    Words,
    /// [`ItemLike::MILLION`].
    Items1m,
    /// Items and users of a larger embedded world, as iALS sees them.
    World,
    /// A million SIFT descriptors, 128 numbers each, and 10,000 more that ask.
    Sift1m,
}

/// Vectors, and what near means among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// The embedded world by inner products.
    World,
    /// MNIST by squared distances.
    Mnist,
    /// Words by cosines.
    WordsCosine,
    /// Words by inner products.
    WordsIp,
    /// A million items by cosines.
    #[serde(rename = "items-1m")]
    Items1m,
    /// SIFT descriptors by squared distances.
    Sift1m,
}

impl Space {
    /// Its vectors.
    pub fn set(self) -> Set {
        match self {
            Self::Mnist => Set::Mnist,
            Self::WordsCosine | Self::WordsIp => Set::Words,
            Self::Items1m => Set::Items1m,
            Self::World => Set::World,
            Self::Sift1m => Set::Sift1m,
        }
    }

    /// What it is called in files and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::Mnist => "mnist",
            Self::WordsCosine => "words-cosine",
            Self::WordsIp => "words-ip",
            Self::Items1m => "items-1m",
            Self::Sift1m => "sift1m",
        }
    }

    /// What near means.
    pub fn metric(self) -> Metric {
        match self {
            Self::Mnist | Self::Sift1m => Metric::SquaredL2,
            Self::WordsIp | Self::World => Metric::InnerProduct,
            Self::WordsCosine | Self::Items1m => Metric::Cosine,
        }
    }
}

/// Which half of the queries: parameters are chosen on the first, figures reported of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// Queries 0, 2, 4, …
    First,
    /// Queries 1, 3, 5, …: parts of a file may differ, as those of MNIST's test digits do, so the halves alternate.
    Second,
}

/// Vectors with their queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// What it is called in files.
    pub name: &'static str,
    /// The vectors that are searched, `[N, D]`.
    pub base: Matrix,
    /// The halves of the queries, `[Q / 2, D]` each.
    pub halves: [Matrix; 2],
    /// What tells these numbers from any others.
    pub hash: String,
}

impl Collection {
    /// A collection of these vectors, with the queries in two halves.
    pub fn new(name: &'static str, base: Matrix, queries: &Matrix) -> Self {
        let halves = [every_second(queries, 0), every_second(queries, 1)];
        let mut hash = Fnv1a::new();
        for matrix in [&base, &halves[0], &halves[1]] {
            hash.word(matrix.rows() as u64);
            hash.word(matrix.cols() as u64);
            matrix.as_slice().iter().for_each(|number| hash.word(u64::from(number.to_bits())));
        }
        Self { name, base, halves, hash: format!("{:016x}", hash.value()) }
    }

    /// Reads or makes a set; `python` names the Python that makes word vectors, if they are not at hand.
    ///
    /// # Errors
    /// Files that are missing or not what their manifest says; a Python that fails.
    pub fn open(
        set: Set,
        folders: &Folders,
        python: &dyn Fn() -> Result<PathBuf, LabError>,
    ) -> Result<Self, LabError> {
        match set {
            Set::Mnist => given("mnist", folders),
            Set::Sift1m => given("sift1m", folders),
            Set::World => world::open(),
            Set::Words => words::open(folders, python).map(|vectors| hold_out("words", &vectors)),
            Set::Items1m => {
                let (items, users) = item_like(&ItemLike::MILLION, Seed::new(1).child("items-1m"));
                Ok(Self::new("items-1m", items, &users))
            }
        }
    }

    /// What has to be done before [`Collection::open`] can read a set; nothing where it is at hand.
    ///
    /// # Errors
    /// A script or manifest that cannot be read.
    pub fn missing(set: Set, folders: &Folders) -> Result<Option<String>, LabError> {
        let fetched = |name: &str| {
            let line =
                format!("`cargo xtask datasets fetch {name}` gets it, or name its folder with --data DIR");
            folders.holding(name).is_none().then_some(line)
        };
        Ok(match set {
            Set::Mnist => fetched("mnist"),
            Set::Sift1m => fetched("sift1m"),
            Set::Words if words::is_kept()? => None,
            Set::Words => Some(
                "`cargo xtask bench flat-batch-words-ip --data DIR` makes it, by Python, of text-aclimdb"
                    .to_owned(),
            ),
            Set::Items1m | Set::World => None,
        })
    }

    /// All queries `[Q, D]`: the first half, then the second.
    pub fn queries(&self) -> Matrix {
        let [first, second] = &self.halves;
        let mut all = Matrix::zeros(first.rows() + second.rows(), first.cols());
        let (head, tail) = all.as_mut_slice().split_at_mut(first.as_slice().len());
        head.copy_from_slice(first.as_slice());
        tail.copy_from_slice(second.as_slice());
        all
    }

    /// Half of the queries.
    pub fn half(&self, half: Half) -> &Matrix {
        &self.halves[half as usize]
    }

    /// The vectors, for a build.
    pub fn points(&self, metric: Metric) -> Points<'_> {
        Points::new(&self.base, metric)
    }

    /// The base and the two halves in files of little-endian 32-bit floats, for programs that cannot read ours.
    ///
    /// # Errors
    /// [`LabError::Io`].
    pub fn files(&self) -> Result<[PathBuf; 3], LabError> {
        let file = |part: &str, matrix: &Matrix| -> Result<PathBuf, LabError> {
            let path = cache().join(format!("{}-{}-{part}.f32", self.name, self.hash));
            if !path.is_file() {
                workplace::write_whole(&path, &bytes(matrix))?;
            }
            Ok(path)
        };
        Ok([file("base", &self.base)?, file("first", &self.halves[0])?, file("second", &self.halves[1])?])
    }
}

/// A set that has files of its own.
fn given(name: &'static str, folders: &Folders) -> Result<Collection, LabError> {
    let mut dataset = load(name, folders)?;
    let mut part = |part: &str| {
        let missing = || LabError::Usage(format!("{name}: no vectors called {part}"));
        dataset.vectors.remove(part).ok_or_else(missing)
    };
    let (base, queries) = (part("base")?, part("queries")?);
    Ok(Collection::new(name, base, &queries))
}

/// How many vectors ask for the others, where a set has no queries of its own.
const HELD_OUT: usize = 10_000;

/// Draws the queries from the vectors; the others stay in their order.
fn hold_out(name: &'static str, vectors: &Matrix) -> Collection {
    let mut order: Vec<u32> = (0..vectors.rows() as u32).collect();
    Seed::new(1).child(name).child("queries").rng().shuffle(&mut order);
    let (queries, base) = order.split_at_mut(HELD_OUT.min(vectors.rows() / 2));
    base.sort_unstable();
    Collection::new(name, select(vectors, base), &select(vectors, queries))
}

fn select(vectors: &Matrix, rows: &[u32]) -> Matrix {
    let mut selected = Matrix::zeros(rows.len(), vectors.cols());
    for (to, &from) in rows.iter().enumerate() {
        selected.row_mut(to).copy_from_slice(vectors.row(from as usize));
    }
    selected
}

fn every_second(rows: &Matrix, from: u32) -> Matrix {
    select(rows, &(from..rows.rows() as u32).step_by(2).collect::<Vec<u32>>())
}

/// The numbers as bytes.
fn bytes(matrix: &Matrix) -> Vec<u8> {
    matrix.as_slice().iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Rows of little-endian 32-bit floats.
pub(super) fn read_rows(path: &Path, cols: usize) -> Result<Matrix, LabError> {
    let content = std::fs::read(path).map_err(LabError::io(path))?;
    let (numbers, rest) = content.as_chunks::<4>();
    if cols == 0 || !rest.is_empty() || numbers.len() % cols != 0 {
        let what = format!("{} bytes; expected rows of {cols} 32-bit floats", content.len());
        return Err(LabError::File { path: path.to_owned(), line: 1, what });
    }
    let numbers: Vec<f32> = numbers.iter().map(|&number| f32::from_le_bytes(number)).collect();
    Matrix::from_vec(numbers.len() / cols, cols, numbers).map_err(|error| LabError::File {
        path: path.to_owned(),
        line: 1,
        what: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_held_out_by_seed_and_halved() {
        let vectors = Matrix::from_vec(12, 1, (0..12).map(|number| number as f32).collect()).unwrap();
        let held = hold_out("words", &vectors);
        assert_eq!(held, hold_out("words", &vectors));
        assert_eq!(
            (held.base.rows(), held.half(Half::First).rows(), held.half(Half::Second).rows()),
            (6, 3, 3)
        );
        let mut all: Vec<f32> = held.base.as_slice().to_vec();
        assert!(all.is_sorted(), "the base keeps its order");
        all.extend(held.halves.iter().flat_map(Matrix::as_slice));
        all.sort_by(f32::total_cmp);
        assert_eq!(all, vectors.as_slice());
        let other = Matrix::from_vec(12, 1, (1..13).map(|number| number as f32).collect()).unwrap();
        assert_ne!(hold_out("words", &other).hash, held.hash);
    }

    #[test]
    fn the_halves_alternate() {
        let queries = Matrix::from_vec(5, 1, vec![0.0, 1.0, 2.0, 3.0, 4.0]).unwrap();
        let collection = Collection::new("five", Matrix::zeros(1, 1), &queries);
        assert_eq!(collection.half(Half::First).as_slice(), [0.0, 2.0, 4.0]);
        assert_eq!(collection.half(Half::Second).as_slice(), [1.0, 3.0]);
    }

    #[test]
    fn rows_survive_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.f32");
        let rows = Matrix::from_vec(2, 3, vec![1.0, -2.0, 0.5, 1e-9, 3.0, 4.0]).unwrap();
        std::fs::write(&path, bytes(&rows)).unwrap();
        assert_eq!(read_rows(&path, 3).unwrap(), rows);
        assert!(matches!(read_rows(&path, 4), Err(LabError::File { .. })));
    }
}
