//! Exact neighbours, kept on disk, and recall by them: one definition for every index and library.

use super::{Collection, Half, K, cache};
use crate::{LabError, workplace};
use seoro_ann::{Ask, Build, Flat, Index, Metric};
use seoro_core::{Matrix, Seed};
use std::path::Path;

/// The true neighbours of queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    metric: Metric,
    /// Of each query, rows of the base, the nearest first.
    rows: Vec<Vec<u32>>,
    /// How near the last of them is.
    last: Vec<f64>,
}

impl Truth {
    /// The [`K`] nearest of the first `most` queries of a half, by the exact index; kept below the target folder.
    ///
    /// # Errors
    /// Vectors or queries that the exact index refuses; a folder that cannot be written.
    pub fn of(collection: &Collection, half: Half, most: usize, metric: Metric) -> Result<Self, LabError> {
        let queries = first_rows(collection.half(half), most);
        let name =
            format!("{}-{}-{half:?}-{}-{metric:?}-{K}.u32", collection.name, collection.hash, queries.rows());
        let path = cache().join("truth").join(name.to_lowercase());
        let rows = match read(&path, &queries, &collection.base) {
            Some(rows) => rows,
            None => {
                let rows = search(collection, &queries, metric)?;
                write(&path, &rows)?;
                rows
            }
        };
        Ok(Self::new(&collection.base, &queries, metric, rows))
    }

    /// The same for all queries of a collection, in the order of [`Collection::queries`].
    ///
    /// # Errors
    /// As [`Truth::of`].
    pub fn of_all(collection: &Collection, metric: Metric) -> Result<Self, LabError> {
        let mut all = Self::of(collection, Half::First, usize::MAX, metric)?;
        let second = Self::of(collection, Half::Second, usize::MAX, metric)?;
        all.rows.extend(second.rows);
        all.last.extend(second.last);
        Ok(all)
    }

    /// Neighbours that are known.
    pub fn new(base: &Matrix, queries: &Matrix, metric: Metric, rows: Vec<Vec<u32>>) -> Self {
        let last = |(query, rows): (usize, &Vec<u32>)| {
            let last = rows.last().map(|&row| nearness(metric, queries.row(query), base.row(row as usize)));
            last.unwrap_or(f64::INFINITY)
        };
        let last = rows.iter().enumerate().map(last).collect();
        Self { metric, rows, last }
    }

    /// Of how many queries.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether of none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The share of the true neighbours that was found, over all queries of a truth. A row found counts if it is as near as
/// the last true neighbour but for the rounding of the last bits, so that of equally near ones any will do, as
/// `seoro_ann::tune` counts; nearness is computed here from the vectors, whatever a library says of it, and a row counts
/// once.
pub fn recall(truth: &Truth, base: &Matrix, queries: &Matrix, found: &[Vec<u64>]) -> f64 {
    let all: usize = truth.rows.iter().map(Vec::len).sum();
    let mut hits = 0;
    let mut seen: Vec<u64> = Vec::new();
    for (query, (rows, &last)) in truth.rows.iter().zip(&truth.last).enumerate() {
        let found = found.get(query).map_or(&[][..], Vec::as_slice);
        seen.clear();
        for &row in found.iter().filter(|&&row| row < base.rows() as u64).take(rows.len()) {
            let is_true = || rows.iter().any(|&near| u64::from(near) == row);
            let is_as_near = || {
                nearness(truth.metric, queries.row(query), base.row(row as usize)) >= last - 1e-6 * last.abs()
            };
            if !seen.contains(&row) && (is_true() || is_as_near()) {
                hits += 1;
                seen.push(row);
            }
        }
    }
    if all == 0 { 1.0 } else { f64::from(hits) / all as f64 }
}

/// The share of queries whose nearest vector, or one as near, is among the first `most` found: `1-recall@R`.
pub fn nearest_within(
    truth: &Truth,
    base: &Matrix,
    queries: &Matrix,
    found: &[Vec<u64>],
    most: usize,
) -> f64 {
    let is_found = |(query, rows): &(usize, &Vec<u32>)| {
        let Some(&nearest) = rows.first() else { return true };
        let near = |row: u64| nearness(truth.metric, queries.row(*query), base.row(row as usize));
        let best = near(u64::from(nearest));
        let found = found.get(*query).map_or(&[][..], Vec::as_slice).iter().take(most);
        let mut there = found.copied().filter(|&row| row < base.rows() as u64);
        there.any(|row| row == u64::from(nearest) || near(row) >= best - 1e-6 * best.abs())
    };
    if truth.is_empty() {
        return 1.0;
    }
    truth.rows.iter().enumerate().filter(is_found).count() as f64 / truth.len() as f64
}

/// How near two vectors are, larger is nearer, in double precision.
fn nearness(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| of(f64::from(a), f64::from(b))).sum()
    };
    let dot = || sum(&|a, b| a * b);
    match metric {
        Metric::SquaredL2 => -sum(&|a, b| (a - b).powi(2)),
        Metric::Cosine => {
            let lengths = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
            if lengths > 0.0 { dot() / lengths } else { 0.0 }
        }
        _ => dot(),
    }
}

/// The first rows of a matrix.
pub(crate) fn first_rows(matrix: &Matrix, most: usize) -> Matrix {
    let mut first = Matrix::zeros(most.min(matrix.rows()), matrix.cols());
    let count = first.as_slice().len();
    first.as_mut_slice().copy_from_slice(&matrix.as_slice()[..count]);
    first
}

fn search(collection: &Collection, queries: &Matrix, metric: Metric) -> Result<Vec<Vec<u32>>, LabError> {
    let vectors = || collection.name.to_owned();
    let exact = Flat::default()
        .build(&collection.points(metric), &Build::new(Seed::new(1)))
        .map_err(|source| LabError::Build { index: "flat".to_owned(), vectors: vectors(), source })?;
    let found = exact
        .search_batch(queries, &Ask::new(K))
        .map_err(|source| LabError::Search { vectors: vectors(), source })?;
    Ok(found.iter().map(|found| found.iter().map(|near| near.id as u32).collect()).collect())
}

/// What is kept; nothing where the file is not as long as it must be or names rows that are not there.
fn read(path: &Path, queries: &Matrix, base: &Matrix) -> Option<Vec<Vec<u32>>> {
    let content = std::fs::read(path).ok()?;
    let (numbers, rest) = content.as_chunks::<4>();
    let k = K.min(base.rows());
    let rows: Vec<u32> = numbers.iter().map(|&number| u32::from_le_bytes(number)).collect();
    let is_whole = rest.is_empty() && rows.len() == queries.rows() * k;
    let are_there = rows.iter().all(|&row| (row as usize) < base.rows());
    (is_whole && are_there).then(|| rows.chunks(k.max(1)).map(<[u32]>::to_vec).collect())
}

fn write(path: &Path, rows: &[Vec<u32>]) -> Result<(), LabError> {
    let bytes: Vec<u8> = rows.iter().flatten().flat_map(|row| row.to_le_bytes()).collect();
    workplace::write_whole(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points 0, 1, 2, 2, 5 on a line, asked at 0.9; the two nearest are 1 and 0.
    fn line() -> (Matrix, Matrix, Truth) {
        let base = Matrix::from_vec(5, 1, vec![0.0, 1.0, 2.0, 2.0, 5.0]).unwrap();
        let queries = Matrix::from_vec(2, 1, vec![0.9, 2.1]).unwrap();
        let truth = Truth::new(&base, &queries, Metric::SquaredL2, vec![vec![1, 0], vec![2, 3]]);
        (base, queries, truth)
    }

    #[test]
    fn what_was_found_of_the_truth() {
        let (base, queries, truth) = line();
        let of = |found: [Vec<u64>; 2]| recall(&truth, &base, &queries, &found);
        assert_eq!(of([vec![0, 1], vec![3, 2]]), 1.0);
        assert_eq!(of([vec![1, 4], vec![2]]), 0.5);
        assert_eq!(of([vec![], vec![]]), 0.0);
        // Nothing counts twice, names nothing, or counts beyond the k asked for.
        assert_eq!(of([vec![1, 1], vec![2, u64::MAX]]), 0.5);
        assert_eq!(of([vec![4, 4, 1, 0], vec![2, 3]]), 0.5);
    }

    #[test]
    fn queries_whose_nearest_is_among_the_first() {
        let (base, queries, truth) = line();
        let of = |found: [Vec<u64>; 2], most| nearest_within(&truth, &base, &queries, &found, most);
        let found = [vec![4, 0, 1], vec![3, 0, 2]];
        // The first query's nearest comes third; the second's shares its place with the one found first.
        assert_eq!((of(found.clone(), 1), of(found.clone(), 2), of(found, 3)), (0.5, 0.5, 1.0));
        assert_eq!(of([vec![], vec![u64::MAX, 2]], 1), 0.0);
        assert_eq!(of([vec![], vec![u64::MAX, 2]], 10), 0.5);
    }

    #[test]
    fn of_equally_near_ones_any_will_do() {
        let base = Matrix::from_vec(3, 1, vec![2.0, 2.0, 3.0]).unwrap();
        let query = Matrix::from_vec(1, 1, vec![1.0]).unwrap();
        for metric in [Metric::SquaredL2, Metric::Cosine] {
            let truth = Truth::new(&base, &query, metric, vec![vec![0]]);
            assert_eq!(recall(&truth, &base, &query, &[vec![1]]), 1.0);
        }
        let truth = Truth::new(&base, &query, Metric::SquaredL2, vec![vec![0]]);
        assert_eq!(recall(&truth, &base, &query, &[vec![2]]), 0.0);
        let truth = Truth::new(&base, &query, Metric::InnerProduct, vec![vec![2]]);
        assert_eq!(recall(&truth, &base, &query, &[vec![0]]), 0.0);
    }

    #[test]
    fn kept_neighbours_are_read_or_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth.u32");
        let (base, queries, _) = line();
        let rows = vec![vec![1, 0, 2, 3, 4], vec![2, 3, 1, 0, 4]];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path, &queries, &base), Some(rows));
        write(&path, &[vec![1, 0, 2, 3, 4], vec![2, 3, 1, 0, 5]]).unwrap();
        assert_eq!(read(&path, &queries, &base), None);
        write(&path, &[vec![1, 0, 2, 3, 4]]).unwrap();
        assert_eq!(read(&path, &queries, &base), None);
    }
}
