//! The recipe of a map.

use super::affinity::{self, Rows};
use super::{Map, Run, TsneError, descent, start};
use crate::consistency::write_unit;
use crate::near;
use seoro_core::Matrix;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What near means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// Euclidean distance.
    #[default]
    Euclidean,
    /// Euclidean distance of the vectors at length 1, √(2 − 2 cos).
    Cosine,
}

/// Where points start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// On the two leading principal axes, the first with a standard deviation of 1e-4: maps keep more of what is far
    /// (Kobak and Berens 2019). A hundredth of it is noise, which parts equal vectors.
    #[default]
    Pca,
    /// Normal, with a standard deviation of 1e-4.
    Random,
}

/// The recipe of a map.
///
/// ```
/// use seoro_core::{Matrix, Seed};
/// use seoro_eval::tsne::{Run, Tsne};
///
/// let mut rng = Seed::new(1).rng();
/// let numbers = (0..60 * 3).map(|at| (rng.normal() + f64::from(at / 90 * 9)) as f32).collect();
/// let recipe = Tsne { perplexity: 8.0, ..Tsne::default() };
/// let map = recipe.fit(&Matrix::from_vec(60, 3, numbers)?, &Run::new(Seed::new(2)))?;
/// assert_eq!((map.positions.rows(), map.positions.cols()), (60, 2));
/// assert!(map.divergence < 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tsne {
    /// The effective number of neighbours, 2 to the power of the entropy of each p_·|i; a map looks at three times as many.
    pub perplexity: f64,
    /// Steps of gradient descent.
    pub iterations: usize,
    /// What P is multiplied by at first, so that clusters can pass one another.
    pub exaggeration: f64,
    /// For how many iterations it is.
    pub exaggerated: usize,
    /// The step size η; by default N ÷ `exaggeration` ÷ 4 and at least 50 (Belkina et al. 2019, with the gradient's factor
    /// 4 taken out). That floor overshoots at first with fewer than about 1,200 points, which the gains then damp.
    pub learning_rate: Option<f64>,
    /// The momentum α while P is exaggerated.
    pub momentum: f64,
    /// The momentum afterwards.
    pub final_momentum: f64,
    /// Points repel as one where the diagonal of the box around them is at most θ times as long as they are away: 0 is
    /// exact and takes time and memory by the square of N, 1 is fast and rough.
    pub theta: f64,
    /// Where points start.
    pub init: Init,
    /// What near means.
    pub distance: Distance,
}

impl Default for Tsne {
    fn default() -> Self {
        Self {
            perplexity: 30.0,
            iterations: 1000,
            exaggeration: 12.0,
            exaggerated: 250,
            learning_rate: None,
            momentum: 0.5,
            final_momentum: 0.8,
            theta: 0.5,
            init: Init::Pca,
            distance: Distance::Euclidean,
        }
    }
}

impl Tsne {
    /// The map of `vectors` `[N, D]`; neighbours are found by comparing all pairs.
    ///
    /// # Errors
    /// Fewer than four vectors, without numbers, with one that is not finite, or zero where cosines are asked for; a field
    /// of the recipe outside its range; too little memory, no threads, cancelled, diverged.
    pub fn fit(&self, vectors: &Matrix, run: &Run<'_>) -> Result<Map, TsneError> {
        self.check(vectors)?;
        run.reserve(self.memory(vectors))?;
        run.on_threads(|| {
            let points = self.prepare(vectors)?;
            let rows = match self.theta == 0.0 {
                true => Rows::All(&points),
                false => {
                    let lists = near::nearest(&points, self.neighbours(), run.cancel);
                    Rows::Lists(lists.ok_or(TsneError::Cancelled)?)
                }
            };
            self.fit_rows(&points, &rows, run)
        })
    }

    /// The map of `vectors` whose neighbours are given, for each vector a list of other rows and their distances: those of
    /// an approximate index. Three times the perplexity is as many as [`Tsne::fit`] takes.
    ///
    /// Distances are Euclidean, or for [`Distance::Cosine`] √(2 − 2 cos); not squared. The vectors themselves only tell
    /// where points start.
    ///
    /// ```
    /// # use seoro_core::{Matrix, Seed};
    /// # use seoro_eval::tsne::{Run, Tsne};
    /// let line: Vec<f32> = (0..9).map(|place| place as f32).collect();
    /// let beside = |row: u32| [row.checked_sub(1), Some(row + 1), Some((row + 4) % 9)].into_iter().flatten();
    /// let lists: Vec<Vec<(u32, f32)>> = (0..9)
    ///     .map(|row| beside(row).filter(|&other| other < 9).map(|other| (other, row.abs_diff(other) as f32)).collect())
    ///     .collect();
    /// let recipe = Tsne { perplexity: 1.5, iterations: 100, ..Tsne::default() };
    /// let map = recipe.fit_neighbours(&Matrix::from_vec(9, 1, line)?, &lists, &Run::new(Seed::new(2)))?;
    /// assert_eq!(map.positions.rows(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Tsne::fit`]; another number of lists than of vectors, a list shorter than the perplexity, a neighbour
    /// that does not exist, is the row itself or stands in its list twice, a distance that is negative or not finite.
    pub fn fit_neighbours(
        &self,
        vectors: &Matrix,
        neighbours: &[Vec<(u32, f32)>],
        run: &Run<'_>,
    ) -> Result<Map, TsneError> {
        self.check(vectors)?;
        if neighbours.len() != vectors.rows() {
            return Err(TsneError::Lists { lists: neighbours.len(), points: vectors.rows() });
        }
        let mut seen = HashSet::new();
        for (row, list) in neighbours.iter().enumerate() {
            self.check_list(row, list, neighbours.len(), &mut seen)?;
        }
        let pairs = neighbours.iter().map(Vec::len).sum::<usize>();
        run.reserve(pairs as u64 * BYTES_OF_PAIR + bytes_of_points(vectors))?;
        run.on_threads(|| {
            let squared = |list: &Vec<(u32, f32)>| {
                list.iter().map(|&(row, distance)| (row, f64::from(distance).powi(2))).collect()
            };
            let rows = Rows::Lists(neighbours.iter().map(squared).collect());
            self.fit_rows(&self.prepare(vectors)?, &rows, run)
        })
    }

    /// About the most bytes a fit of `vectors` will hold; [`Run::memory`] is held against it before anything is allocated.
    pub fn memory(&self, vectors: &Matrix) -> u64 {
        let others = match self.theta == 0.0 {
            true => vectors.rows().saturating_sub(1),
            false => self.neighbours(),
        };
        let pairs = (vectors.rows() as u64).saturating_mul(others as u64);
        pairs.saturating_mul(BYTES_OF_PAIR).saturating_add(bytes_of_points(vectors))
    }

    fn fit_rows(&self, points: &Matrix, rows: &Rows<'_>, run: &Run<'_>) -> Result<Map, TsneError> {
        run.check()?;
        let joint = affinity::joint(affinity::conditional(points.rows(), rows, self.perplexity));
        let start = match self.init {
            Init::Pca => start::pca(points, run.seed.child("start")),
            Init::Random => start::random(points.rows(), run.seed.child("start")),
        };
        descent::descend(self, &joint, start, run)
    }

    /// How many neighbours of each point are looked at.
    fn neighbours(&self) -> usize {
        (3.0 * self.perplexity) as usize
    }

    fn check(&self, vectors: &Matrix) -> Result<(), TsneError> {
        let points = vectors.rows();
        if points < 4 {
            return Err(TsneError::TooFew { points });
        }
        if vectors.cols() == 0 {
            return Err(TsneError::NoColumns);
        }
        let perplexity = self.perplexity;
        if !(perplexity >= 1.0 && 3.0 * perplexity <= (points - 1) as f64) {
            return Err(TsneError::Perplexity { perplexity, points });
        }
        let share = |value: f64| (0.0..1.0).contains(&value);
        let rate = self.learning_rate.unwrap_or(1.0);
        let fields = [
            (
                "exaggeration",
                self.exaggeration,
                self.exaggeration.is_finite() && self.exaggeration >= 1.0,
                "at least 1",
            ),
            ("learning_rate", rate, rate.is_finite() && rate > 0.0, "a number above 0"),
            ("momentum", self.momentum, share(self.momentum), "at least 0 and below 1"),
            ("final_momentum", self.final_momentum, share(self.final_momentum), "at least 0 and below 1"),
            ("theta", self.theta, (0.0..=1.0).contains(&self.theta), "0 to 1"),
        ];
        match fields.into_iter().find(|&(_, _, sound, _)| !sound) {
            Some((field, value, _, expected)) => Err(TsneError::Recipe { field, value, expected }),
            None => Ok(()),
        }
    }

    fn check_list(
        &self,
        row: usize,
        list: &[(u32, f32)],
        points: usize,
        seen: &mut HashSet<u32>,
    ) -> Result<(), TsneError> {
        if (list.len() as f64) < self.perplexity {
            return Err(TsneError::FewNeighbours { row, len: list.len(), perplexity: self.perplexity });
        }
        seen.clear();
        for &(neighbour, distance) in list {
            if neighbour as usize >= points || neighbour as usize == row || !seen.insert(neighbour) {
                return Err(TsneError::Neighbour { row, neighbour, points });
            }
            if !(distance.is_finite() && distance >= 0.0) {
                return Err(TsneError::Distance { row, neighbour, distance });
            }
        }
        Ok(())
    }

    /// The vectors as they are compared: at length 1 for cosines; then around their mean and at most 1 in size, so that
    /// squares neither overflow nor cancel. Neither changes the map: perplexity has no unit.
    fn prepare(&self, vectors: &Matrix) -> Result<Matrix, TsneError> {
        let mut points = vectors.clone();
        for row in 0..vectors.rows() {
            let vector = vectors.row(row);
            if let Some(column) = vector.iter().position(|x| !x.is_finite()) {
                return Err(TsneError::NotFinite { row, column, value: vector[column] });
            }
            if self.distance == Distance::Cosine && !write_unit(vector, points.row_mut(row)) {
                return Err(TsneError::Zero { row });
            }
        }
        start::centre(&mut points);
        Ok(points)
    }
}

/// A distance, a conditional chance, its transpose, and the joint one, which has up to twice as many and stands in rows
/// before it stands in a matrix.
const BYTES_OF_PAIR: u64 = 16 + 8 + 8 + 2 * 16;

/// Vectors as they are compared, and their columns' products; positions, velocities, gains, gradients, pushes and the tree.
fn bytes_of_points(vectors: &Matrix) -> u64 {
    let cols = vectors.cols() as u64;
    vectors.rows() as u64 * (cols * 4 + 256) + cols * cols * 4
}
