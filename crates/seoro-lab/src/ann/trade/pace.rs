//! How fast an index answers single queries on one thread.

use seoro_ann::{Ask, Index, SearchError};
use seoro_core::Matrix;
use std::time::Instant;

/// How fast single queries are answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// How many queries were timed.
    pub queries: usize,
    /// In a second, one after another.
    pub per_second: f64,
    /// The median query, in seconds.
    pub median: f64,
    /// What one query of a hundred exceeds, in seconds.
    pub slow: f64,
}

/// How many passes are timed; the fastest counts, since others can only slow a search down.
const PASSES: usize = 3;

/// How many queries a pass has at least, so that one of a hundred means something.
const LEAST: usize = 200;

impl Pace {
    /// Times the first queries, as many as one pass of so many seconds holds, in three passes.
    ///
    /// # Errors
    /// A query that is refused.
    pub fn of(index: &dyn Index, queries: &Matrix, ask: &Ask<'_>, seconds: f64) -> Result<Self, SearchError> {
        let mut best = pass(index, queries, ask, &|asked, spent| asked >= LEAST && spent >= seconds)?;
        let count = best.len();
        for _ in 1..PASSES {
            let again = pass(index, queries, ask, &|asked, _| asked == count)?;
            if again.iter().sum::<f64>() < best.iter().sum() {
                best = again;
            }
        }
        let total: f64 = best.iter().sum();
        best.sort_by(f64::total_cmp);
        Ok(Self {
            queries: count,
            per_second: if total > 0.0 { count as f64 / total } else { 0.0 },
            median: percentile(&best, 0.50),
            slow: percentile(&best, 0.99),
        })
    }
}

/// The seconds of each query, until it `is_enough` by their number and sum.
fn pass(
    index: &dyn Index,
    queries: &Matrix,
    ask: &Ask<'_>,
    is_enough: &dyn Fn(usize, f64) -> bool,
) -> Result<Vec<f64>, SearchError> {
    let (mut scratch, mut out) = (index.scratch(), Vec::new());
    let (mut seconds, mut spent) = (Vec::with_capacity(queries.rows()), 0.0);
    for query in 0..queries.rows() {
        if is_enough(seconds.len(), spent) {
            break;
        }
        let start = Instant::now();
        index.search(queries.row(query), ask, &mut scratch, &mut out)?;
        let took = start.elapsed().as_secs_f64();
        seconds.push(took);
        spent += took;
    }
    Ok(seconds)
}

/// The smallest of `sorted` numbers that at least this `share` of them does not exceed; 0 of none.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).or(sorted.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_ann::{Build, Flat, Metric, Points};
    use seoro_core::Seed;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&hundred, 0.5), percentile(&hundred, 0.99)), (50.0, 99.0));
        assert_eq!((percentile(&[1.0, 2.0, 7.0], 0.5), percentile(&[1.0, 2.0, 7.0], 0.99)), (2.0, 7.0));
        assert_eq!((percentile(&[4.0], 0.5), percentile(&[], 0.99)), (4.0, 0.0));
    }

    #[test]
    fn a_pass_has_enough_queries_and_no_more_than_there_are() {
        let vectors = Matrix::from_vec(3, 1, vec![0.0, 1.0, 2.0]).unwrap();
        let points = Points::new(&vectors, Metric::SquaredL2);
        let index = Flat::default().build(&points, &Build::new(Seed::new(1))).unwrap();
        let pace = |queries: usize| Pace::of(&index, &Matrix::zeros(queries, 1), &Ask::new(1), 0.0).unwrap();
        assert_eq!((pace(5).queries, pace(1000).queries), (5, LEAST));
        let some = pace(1000);
        assert!(some.per_second > 0.0 && some.slow >= some.median);
        assert_eq!(pace(0).per_second, 0.0);
    }
}
