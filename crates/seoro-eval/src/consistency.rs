//! Whether items of one label stand together: the vote of neighbours, and silhouettes, both by cosine.
//!
//! Items without a label take no part. Each labelled item has its own value, so that intervals and paired tests follow
//! ([`significance`]).

use crate::near::nearest;
use crate::protocol::NEVER;
use crate::significance;
use rayon::prelude::*;
use seoro_core::Matrix;
use std::collections::BTreeMap;

/// Why labels and vectors have no consistency.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsistencyError {
    /// Labels that do not belong to the vectors.
    #[error("{labels} labels; expected one for each of {vectors} vectors")]
    Length {
        /// How many labels there are.
        labels: usize,
        /// How many vectors.
        vectors: usize,
    },
    /// A number that is infinite or NaN.
    #[error("row {row}, column {column} is {value}; expected a finite number")]
    NotFinite {
        /// The vector.
        row: usize,
        /// The number's place in it.
        column: usize,
        /// The number.
        value: f32,
    },
    /// A labelled vector of zeros, which has no direction.
    #[error("row {row} is zero; expected vectors with a direction")]
    Zero {
        /// The vector.
        row: usize,
    },
    /// A vote of no one.
    #[error("0 neighbours; expected at least 1")]
    NoNeighbours,
    /// Too few labelled items.
    #[error("{labelled} labelled items; expected at least {expected}")]
    TooFew {
        /// How many there are.
        labelled: usize,
        /// How many it takes.
        expected: usize,
    },
    /// Items that all have one label: nothing to tell apart.
    #[error("{labels} labels in use; expected at least 2")]
    OneLabel {
        /// How many there are.
        labels: usize,
    },
}

/// One value for each labelled item.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Consistency {
    /// The rows of the labelled items, rising.
    pub rows: Vec<u32>,
    /// Their values.
    pub values: Vec<f64>,
}

impl Consistency {
    /// The mean over the labelled items.
    pub fn mean(&self) -> f64 {
        significance::mean(&self.values)
    }
}

/// Whether the majority of each labelled item's `k` nearest labelled neighbours has its label, 1 or 0: the genre
/// consistency of Item2Vec (Barkan and Koenigstein 2016, section 4.2).
///
/// `vectors` `[N, D]`, `labels` `[N]`. Near means a high cosine. A tie goes to the label whose nearest member is nearest.
/// Time grows with the square of the labelled items. The same for any number of threads.
///
/// ```
/// use seoro_core::Matrix;
/// use seoro_eval::consistency::genre_consistency;
/// let vectors = Matrix::from_vec(4, 2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, 0.6, 0.5])?;
/// let found = genre_consistency(&vectors, &[Some(0), Some(0), None, Some(1)], 1)?;
/// assert_eq!(found.rows, [0, 1, 3]);
/// assert_eq!(found.values, [1.0, 1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Another number of labels than of vectors, no neighbour, no more labelled items than neighbours, labelled vectors that
/// are zero or not finite.
pub fn genre_consistency(
    vectors: &Matrix,
    labels: &[Option<u32>],
    k: usize,
) -> Result<Consistency, ConsistencyError> {
    if k == 0 {
        return Err(ConsistencyError::NoNeighbours);
    }
    let labelled = Labelled::new(vectors, labels, k.saturating_add(1))?;
    let lists = nearest(&labelled.units, k, &NEVER).unwrap_or_default();
    let hit = |(list, &own): (&Vec<(u32, f64)>, &u32)| {
        let votes = list.iter().map(|&(row, _)| labelled.labels[row as usize]);
        f64::from(u8::from(majority(votes) == Some(own)))
    };
    let values = lists.iter().zip(&labelled.labels).map(hit).collect();
    Ok(Consistency { rows: labelled.rows, values })
}

/// The label most votes are for, among equal ones the one named first.
fn majority(votes: impl Iterator<Item = u32>) -> Option<u32> {
    let mut counts: Vec<(u32, usize)> = Vec::new();
    for vote in votes {
        match counts.iter_mut().find(|(label, _)| *label == vote) {
            Some((_, count)) => *count += 1,
            None => counts.push((vote, 1)),
        }
    }
    let most = counts.iter().map(|&(_, count)| count).max()?;
    counts.iter().find(|&&(_, count)| count == most).map(|&(label, _)| label)
}

/// The silhouettes of the labelled items (Rousseeuw 1987): (b − a) ÷ max(a, b), where a is the mean distance to the others
/// of the item's label and b the least mean distance to those of another; from −1 to 1, larger is better.
///
/// `vectors` `[N, D]`, `labels` `[N]`. The distance is 1 − cosine, whose means follow from the sums of unit vectors: time
/// grows with items × labels. An item that has its label for itself has the value 0, as in the paper, and so has one
/// without any distance.
///
/// ```
/// use seoro_core::Matrix;
/// use seoro_eval::consistency::silhouette;
/// let vectors = Matrix::from_vec(3, 2, vec![1.0, 0.0, 2.0, 0.0, 0.0, 1.0])?;
/// let found = silhouette(&vectors, &[Some(7), Some(7), Some(8)])?;
/// assert_eq!(found.values, [1.0, 1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Another number of labels than of vectors, fewer than two labels in use, labelled vectors that are zero or not finite.
pub fn silhouette(vectors: &Matrix, labels: &[Option<u32>]) -> Result<Consistency, ConsistencyError> {
    let labelled = Labelled::new(vectors, labels, 2)?;
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    for (row, &label) in labelled.labels.iter().enumerate() {
        let group =
            groups.entry(label).or_insert_with(|| Group { count: 0.0, sum: vec![0.0; vectors.cols()] });
        group.count += 1.0;
        group.sum.iter_mut().zip(labelled.units.row(row)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    if groups.len() < 2 {
        return Err(ConsistencyError::OneLabel { labels: groups.len() });
    }
    let value = |row: usize| {
        let unit = labelled.units.row(row);
        // Its own distance, which rounding may leave beside 0, is taken out with what it is made of.
        let own = labelled.labels[row];
        let itself: f64 = 1.0 - unit.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let (mut a, mut b) = (0.0, f64::INFINITY);
        for (&label, group) in &groups {
            match label == own {
                true if group.count == 1.0 => return 0.0,
                true => a = (group.distances(unit) - itself) / (group.count - 1.0),
                false => b = b.min(group.distances(unit) / group.count),
            }
        }
        let (a, b) = (a.max(0.0), b.max(0.0));
        if a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    };
    let values = (0..labelled.rows.len()).into_par_iter().map(value).collect();
    Ok(Consistency { rows: labelled.rows, values })
}

/// The unit vectors of a label: how many, and their sum.
struct Group {
    count: f64,
    sum: Vec<f64>,
}

impl Group {
    /// Σ (1 − x · y) over the group's y.
    fn distances(&self, unit: &[f32]) -> f64 {
        self.count - unit.iter().zip(&self.sum).map(|(&x, sum)| f64::from(x) * sum).sum::<f64>()
    }
}

/// The labelled items, their vectors of length 1.
struct Labelled {
    rows: Vec<u32>,
    labels: Vec<u32>,
    units: Matrix,
}

impl Labelled {
    fn new(vectors: &Matrix, labels: &[Option<u32>], expected: usize) -> Result<Self, ConsistencyError> {
        if labels.len() != vectors.rows() {
            return Err(ConsistencyError::Length { labels: labels.len(), vectors: vectors.rows() });
        }
        let (rows, labels): (Vec<u32>, Vec<u32>) =
            (0..).zip(labels).filter_map(|(row, label)| Some((row, (*label)?))).unzip();
        if rows.len() < expected {
            return Err(ConsistencyError::TooFew { labelled: rows.len(), expected });
        }
        let mut units = Matrix::zeros(rows.len(), vectors.cols());
        for (place, &row) in rows.iter().enumerate() {
            let (row, vector) = (row as usize, vectors.row(row as usize));
            if let Some(column) = vector.iter().position(|x| !x.is_finite()) {
                return Err(ConsistencyError::NotFinite { row, column, value: vector[column] });
            }
            if !write_unit(vector, units.row_mut(place)) {
                return Err(ConsistencyError::Zero { row });
            }
        }
        Ok(Self { rows, labels, units })
    }
}

/// Writes a finite vector at length 1; whether it has a direction.
pub(crate) fn write_unit(vector: &[f32], out: &mut [f32]) -> bool {
    // Squares of 32-bit numbers neither overflow nor vanish in 64 bits.
    let length = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        out.iter_mut().zip(vector).for_each(|(out, &x)| *out = (f64::from(x) / length) as f32);
    }
    length > 0.0
}
