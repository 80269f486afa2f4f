//! How alike the rows of a sparse matrix are: the measures, the weights of their entries, and the nearest rows.

use crate::FitError;
use crate::run::check;
use rayon::prelude::*;
use seoro_core::Csr;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::sync::atomic::AtomicBool;

/// How alike two rows x and y are, from `x·y` and the squared norms; `h` is the shrink, which pulls pairs with little
/// support towards 0. Over ones, `x·y` is the size of the common set and a squared norm the size of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Similarity {
    /// `x·y / (‖x‖ ‖y‖ + h)`.
    #[default]
    Cosine,
    /// `x·y / (‖x‖^2α ‖y‖^2(1−α) + h)`, where x is what gets the neighbours (Aiolli 2013).
    Asymmetric {
        /// α in `[0, 1]`: ½ is the cosine.
        alpha: f32,
    },
    /// `x·y / (‖x‖² + ‖y‖² − x·y + h)`.
    Jaccard,
    /// `2 x·y / (‖x‖² + ‖y‖² + h)`.
    Dice,
    /// The correlation over all columns, absent entries being 0: `Σ(x−x̄)(y−ȳ) / (√Σ(x−x̄)² √Σ(y−ȳ)² + h)`. Rows without
    /// a common column are no neighbours.
    Pearson,
    /// `x·y / (x·y + α max(‖x‖² − x·y, 0) + β max(‖y‖² − x·y, 0) + h)`, where x is what gets the neighbours (Tversky,
    /// "Features of Similarity", 1977): of sets Jaccard with α = β = 1, dice with ½.
    Tversky {
        /// α ≥ 0: how much what x alone has tells them apart.
        alpha: f32,
        /// β ≥ 0: how much what y alone has does.
        beta: f32,
    },
}

/// What the entries of a row are multiplied with before rows are compared; rows are documents, columns are terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Weighting {
    /// Entries as they are.
    #[default]
    None,
    /// `√x · ln(N / (1 + n_c))`, with N rows and n_c entries in the column.
    TfIdf,
    /// `x (K₁ + 1) / (x + K₁ (1 − b + b l / l̄)) · ln(N / (1 + n_c))`, with l the sum of the row and l̄ its mean
    /// (Robertson et al. 1995, Okapi at TREC-3).
    Bm25 {
        /// K₁: how soon repeats stop to count.
        k1: f32,
        /// b: how much a long row is discounted.
        b: f32,
    },
}

impl Weighting {
    /// The weighting of rows like those of `rows`, `[N, M]`.
    pub(crate) fn weigher(self, rows: &Csr) -> Weigher {
        let n = rows.rows() as f32;
        let idf = |count: u32| (n / (1.0 + count as f32)).ln();
        Weigher {
            weighting: self,
            idf: rows.column_counts().into_iter().map(idf).collect(),
            mean: rows.row_sums().iter().sum::<f32>() / n,
        }
    }
}

/// A weighting with what it knows of all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Weigher {
    weighting: Weighting,
    /// Of each column.
    idf: Vec<f32>,
    /// The mean sum of a row.
    mean: f32,
}

impl Weigher {
    /// Weighs the entries of a matrix.
    pub(crate) fn weigh(&self, rows: &mut Csr) {
        for row in 0..rows.rows() {
            let length = rows.values(row).iter().sum();
            let (columns, values) = rows.row_mut(row);
            for (value, &column) in values.iter_mut().zip(columns) {
                *value = self.entry(column, *value, length);
            }
        }
    }

    /// Weighs the entries of one more row.
    pub(crate) fn weigh_row(&self, row: &mut [(u32, f32)]) {
        let length = row.iter().map(|&(_, value)| value).sum();
        row.iter_mut().for_each(|(column, value)| *value = self.entry(*column, *value, length));
    }

    fn entry(&self, column: u32, value: f32, length: f32) -> f32 {
        match self.weighting {
            Weighting::None => value,
            Weighting::TfIdf => value.sqrt() * self.idf[column as usize],
            Weighting::Bm25 { k1, b } => {
                let norm = k1 * (1.0 - b + b * length / self.mean);
                value * (k1 + 1.0) / (value + norm) * self.idf[column as usize]
            }
        }
    }
}

/// A measure over rows whose norms are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measure {
    similarity: Similarity,
    shrink: f32,
    columns: f32,
    /// Of each row: its sum and its squared norm.
    rows: Vec<Extent>,
}

/// What a measure needs to know of a row beside its products.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Extent {
    sum: f32,
    square: f32,
}

impl Extent {
    /// That of a row with these entries.
    pub(crate) fn of(values: impl Iterator<Item = f32>) -> Self {
        values.fold(Self { sum: 0.0, square: 0.0 }, |extent, value| Self {
            sum: extent.sum + value,
            square: extent.square + value * value,
        })
    }
}

impl Measure {
    /// The measure over the rows of `rows`.
    pub(crate) fn new(similarity: Similarity, shrink: f32, rows: &Csr) -> Self {
        let extents = (0..rows.rows()).map(|row| Extent::of(rows.values(row).iter().copied())).collect();
        Self { similarity, shrink, columns: rows.cols() as f32, rows: extents }
    }

    /// The extent of row `row`.
    pub(crate) fn extent(&self, row: usize) -> Extent {
        self.rows[row]
    }

    /// How alike a row of extent `x` and row `other` are, whose product is `dot`; 0 where a norm is.
    #[inline]
    pub(crate) fn similarity(&self, x: Extent, other: usize, dot: f32) -> f32 {
        let y = self.rows[other];
        let (top, bottom) = match self.similarity {
            Similarity::Cosine => (dot, (x.square * y.square).sqrt()),
            Similarity::Asymmetric { alpha } => (dot, x.square.powf(alpha) * y.square.powf(1.0 - alpha)),
            Similarity::Jaccard => (dot, x.square + y.square - dot),
            Similarity::Dice => (2.0 * dot, x.square + y.square),
            Similarity::Pearson => {
                let spread = |e: Extent| (e.square - e.sum * e.sum / self.columns).max(0.0);
                (dot - x.sum * y.sum / self.columns, (spread(x) * spread(y)).sqrt())
            }
            Similarity::Tversky { alpha, beta } => {
                // Of values and weights, unlike sets, a row may have less in itself than in common.
                let alone = |e: Extent| (e.square - dot).max(0.0);
                (dot, dot + alpha * alone(x) + beta * alone(y))
            }
        };
        let bottom = bottom + self.shrink;
        if bottom > 0.0 { top / bottom } else { 0.0 }
    }
}

/// Refuses a similarity or a shrink outside its range.
pub(crate) fn check_parameters(
    model: &'static str,
    similarity: Similarity,
    shrink: f32,
    neighbours: usize,
) -> Result<(), FitError> {
    let refuse = |parameter, value: f32, expected| {
        Err(FitError::Parameter { model, parameter, value: f64::from(value), expected })
    };
    if neighbours == 0 {
        return refuse("neighbours", 0.0, "at least 1");
    }
    if !(shrink.is_finite() && shrink >= 0.0) {
        return refuse("shrink", shrink, "a number of at least 0");
    }
    match similarity {
        Similarity::Asymmetric { alpha } if !(0.0..=1.0).contains(&alpha) => {
            refuse("alpha", alpha, "a number between 0 and 1")
        }
        Similarity::Tversky { alpha, beta } => {
            let fine = |value: f32| value.is_finite() && value >= 0.0;
            match [("alpha", alpha), ("beta", beta)].into_iter().find(|&(_, value)| !fine(value)) {
                Some((parameter, value)) => refuse(parameter, value, "a number of at least 0"),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The `k` largest of the entries offered, by score and then by the lower index.
#[derive(Debug, Default)]
pub(crate) struct Largest {
    k: usize,
    threshold: f32,
    kept: Vec<(u32, f32)>,
}

impl Largest {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, threshold: f32::NEG_INFINITY, kept: Vec::new() }
    }

    #[inline]
    pub(crate) fn offer(&mut self, index: u32, score: f32) {
        if score >= self.threshold {
            self.kept.push((index, score));
            if self.kept.len() >= self.k.saturating_mul(2).max(64) {
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        if self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, better);
            self.kept.truncate(self.k);
            self.threshold = self.kept[self.k - 1].1;
        }
    }

    /// The largest, by rising index; empties the selection.
    pub(crate) fn take(&mut self) -> Vec<(u32, f32)> {
        self.shrink();
        let mut kept = self.kept.clone();
        self.kept.clear();
        self.threshold = f32::NEG_INFINITY;
        kept.sort_unstable_by_key(|&(index, _)| index);
        kept
    }
}

fn better(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// A dense row of sums, and which of them are not zero where they are few.
#[derive(Debug)]
pub(crate) struct Sums {
    sums: Vec<f32>,
    touched: Vec<u32>,
}

/// Below this share of columns, the columns touched are listed instead of all being looked at.
const SPARSE: usize = 8;

impl Sums {
    /// Sums over `columns` columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self { sums: vec![0.0; columns], touched: Vec::new() }
    }

    /// Adds up `Σ weight · rows[row]` over the entries of `weights` and hands each column of the sum that is not 0 to
    /// `each`, then forgets it (Gustavson 1978).
    pub(crate) fn product(
        &mut self,
        weights: impl Iterator<Item = (u32, f32)> + Clone,
        rows: &Csr,
        mut each: impl FnMut(u32, f32),
    ) {
        let work: usize = weights.clone().map(|(row, _)| rows.columns(row as usize).len()).sum();
        if work < self.sums.len() / SPARSE {
            for (row, weight) in weights {
                for (column, value) in rows.row(row as usize) {
                    let sum = &mut self.sums[column as usize];
                    if *sum == 0.0 {
                        self.touched.push(column);
                    }
                    *sum += weight * value;
                }
            }
            for column in self.touched.drain(..) {
                let sum = std::mem::take(&mut self.sums[column as usize]);
                if sum != 0.0 {
                    each(column, sum);
                }
            }
            return;
        }
        for (row, weight) in weights {
            for (column, value) in rows.row(row as usize) {
                self.sums[column as usize] += weight * value;
            }
        }
        for (column, sum) in self.sums.iter_mut().enumerate() {
            if *sum != 0.0 {
                each(column as u32, std::mem::take(sum));
            }
        }
    }
}

/// Of each row of `left · right`, `[N, M] · [M, N]`, the `k` entries off the diagonal that `weigh(row, column, product)`
/// makes largest, with what it makes them; on the threads of the current pool, the same on any number of them.
pub(crate) fn top_products(
    left: &Csr,
    right: &Csr,
    k: usize,
    cancel: &AtomicBool,
    weigh: impl Fn(usize, usize, f32) -> f32 + Sync,
) -> Result<Csr, FitError> {
    let row = |(sums, largest): &mut (Sums, Largest), row: usize| {
        check(cancel)?;
        let entries = left.columns(row).iter().copied().zip(left.values(row).iter().copied());
        sums.product(entries, right, |column, product| {
            if column as usize != row {
                largest.offer(column, weigh(row, column as usize, product));
            }
        });
        Ok(largest.take())
    };
    let rows: Vec<Vec<(u32, f32)>> = (0..left.rows())
        .into_par_iter()
        .map_init(|| (Sums::new(right.cols()), Largest::new(k)), row)
        .collect::<Result<_, FitError>>()?;
    Ok(compressed(rows, right.cols()))
}

/// Divides each row by the sum of its sizes.
pub(crate) fn divide_by_sums(rows: &mut Csr) {
    for row in 0..rows.rows() {
        let values = rows.values_mut(row);
        let sum: f32 = values.iter().map(|value| value.abs()).sum();
        if sum > 0.0 {
            values.iter_mut().for_each(|value| *value /= sum);
        }
    }
}

/// The matrix of rows whose columns rise.
pub(crate) fn compressed(rows: Vec<Vec<(u32, f32)>>, cols: usize) -> Csr {
    let ends = rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    });
    let starts = std::iter::once(0).chain(ends).collect();
    let (columns, values) = rows.into_iter().flatten().unzip();
    Csr::new(starts, columns, values, cols).expect("rows come with rising columns below `cols`")
}

/// The bytes of [`top_products`] over `rows` rows and `entries` entries on each side.
pub(crate) fn bytes(rows: usize, k: usize, entries: usize, threads: usize) -> u64 {
    let (rows, kept) = (rows as u64, k.min(rows) as u64);
    // Rows, the matrix of them and its transpose; the interactions twice; a row of sums and its places a thread.
    let products = rows.saturating_mul(24 * kept).saturating_add(32 * entries as u64);
    products.saturating_add((8 * rows).saturating_mul(threads as u64))
}
