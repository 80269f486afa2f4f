//! Item-like vectors, made: clusters of low rank, with lengths that vary as items' popularity does.

use rayon::prelude::*;
use seoro_core::{Matrix, Rng, Seed};

/// The shape of a collection of item-like vectors and the users who ask for them.
///
/// Cluster `c` has a weight `w_c = 1 / (c + 10)`, a centre `μ_c` and a basis `B_c [D, R]` of independent normal numbers,
/// those of the centre with variance `1 / D`, those of the basis with variance `1 / (D R)`. With `z ~ N(0, I_R)` and
/// `ε ~ N(0, I_D / D)`:
///
/// - an item of cluster `c`, drawn by weight, is `ℓ u / ‖u‖`, `u = μ_c + spread · B_c z + noise · ε`, with a length
///   `ln ℓ ~ N(0, lengths²)`;
/// - a user likes two clusters, drawn by weight: `u / ‖u‖`, `u = ½ (μ_a + μ_b) + spread · B_a z + noise · ε`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemLike {
    /// Items.
    pub items: usize,
    /// Users.
    pub users: usize,
    /// `D`.
    pub dim: usize,
    /// Clusters.
    pub clusters: usize,
    /// `R`, directions in which a cluster spreads.
    pub rank: usize,
    /// How far it spreads in them.
    pub spread: f32,
    /// How far in all others.
    pub noise: f32,
    /// How much lengths vary.
    pub lengths: f32,
}

impl ItemLike {
    /// A million items of 64 numbers, ten thousand users.
    pub const MILLION: Self = Self {
        items: 1_000_000,
        users: 10_000,
        dim: 64,
        clusters: 1000,
        rank: 8,
        spread: 0.8,
        noise: 0.3,
        lengths: 0.3,
    };
}

/// How many vectors are drawn by one stream.
const CHUNK: usize = 4096;

/// The items `[items, D]` and the users `[users, D]`; the same for a seed at any number of threads.
pub fn item_like(shape: &ItemLike, seed: Seed) -> (Matrix, Matrix) {
    let clusters = Clusters::new(shape, seed.child("clusters"));
    let items = rows(shape.items, shape.dim, seed.child("items"), &|rng, row| clusters.item(rng, row));
    let users = rows(shape.users, shape.dim, seed.child("users"), &|rng, row| clusters.user(rng, row));
    (items, users)
}

fn rows(count: usize, dim: usize, seed: Seed, draw: &(dyn Fn(&mut Rng, &mut [f32]) + Sync)) -> Matrix {
    let mut matrix = Matrix::zeros(count, dim);
    matrix.as_mut_slice().par_chunks_mut(CHUNK * dim.max(1)).enumerate().for_each(|(chunk, rows)| {
        let mut rng = seed.index(chunk as u64).rng();
        rows.chunks_exact_mut(dim.max(1)).for_each(|row| draw(&mut rng, row));
    });
    matrix
}

struct Clusters<'a> {
    shape: &'a ItemLike,
    /// The sums of weights up to each cluster.
    weights: Vec<f64>,
    /// `[C, D]`.
    centres: Vec<f32>,
    /// `[C, R, D]`.
    bases: Vec<f32>,
}

impl<'a> Clusters<'a> {
    fn new(shape: &'a ItemLike, seed: Seed) -> Self {
        let (dim, rank, count) = (shape.dim, shape.rank, shape.clusters);
        let normal = |stream: &str, count: usize, variance: f64| {
            let mut rng = seed.child(stream).rng();
            (0..count).map(|_| (rng.normal() * variance.sqrt()) as f32).collect::<Vec<f32>>()
        };
        let mut sum = 0.0;
        let mut weight = |cluster: usize| {
            sum += 1.0 / (cluster + 10) as f64;
            sum
        };
        Self {
            shape,
            weights: (0..count).map(&mut weight).collect(),
            centres: normal("centres", count * dim, 1.0 / dim as f64),
            bases: normal("bases", count * rank * dim, 1.0 / (dim * rank) as f64),
        }
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        let all = self.weights.last().copied().unwrap_or(0.0);
        let place = rng.unit() * all;
        self.weights.partition_point(|&sum| sum <= place).min(self.weights.len().saturating_sub(1))
    }

    fn centre(&self, cluster: usize) -> &[f32] {
        &self.centres[cluster * self.shape.dim..][..self.shape.dim]
    }

    /// Adds `spread · B z + noise · ε`.
    fn spread(&self, cluster: usize, rng: &mut Rng, row: &mut [f32]) {
        let (dim, rank) = (self.shape.dim, self.shape.rank);
        for direction in self.bases[cluster * rank * dim..][..rank * dim].chunks_exact(dim) {
            let along = self.shape.spread * rng.normal() as f32;
            row.iter_mut().zip(direction).for_each(|(x, b)| *x += along * b);
        }
        let noise = self.shape.noise / (dim as f32).sqrt();
        row.iter_mut().for_each(|x| *x += noise * rng.normal() as f32);
    }

    fn item(&self, rng: &mut Rng, row: &mut [f32]) {
        let cluster = self.draw(rng);
        row.copy_from_slice(self.centre(cluster));
        self.spread(cluster, rng, row);
        let length = (f64::from(self.shape.lengths) * rng.normal()).exp() as f32;
        scale(row, length);
    }

    fn user(&self, rng: &mut Rng, row: &mut [f32]) {
        let (a, b) = (self.draw(rng), self.draw(rng));
        let likes = self.centre(a).iter().zip(self.centre(b)).map(|(a, b)| 0.5 * (a + b));
        row.iter_mut().zip(likes).for_each(|(x, like)| *x = like);
        self.spread(a, rng, row);
        scale(row, 1.0);
    }
}

/// Gives a row a length.
fn scale(row: &mut [f32], length: f32) {
    let now = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    if now > 0.0 {
        row.iter_mut().for_each(|x| *x *= length / now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: ItemLike =
        ItemLike { items: 10_000, users: 50, dim: 16, clusters: 20, rank: 3, ..ItemLike::MILLION };

    fn with_threads(threads: usize) -> (Matrix, Matrix) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| item_like(&SMALL, Seed::new(1)))
    }

    #[test]
    fn the_same_at_any_number_of_threads() {
        let one = with_threads(1);
        assert_eq!(one, with_threads(2));
        assert_ne!(one, item_like(&SMALL, Seed::new(2)));
    }

    #[test]
    fn shapes_and_lengths_are_what_the_equations_say() {
        let (items, users) = item_like(&SMALL, Seed::new(1));
        assert_eq!((items.rows(), items.cols(), users.rows(), users.cols()), (10_000, 16, 50, 16));
        let length = |row: &[f32]| f64::from(row.iter().map(|x| x * x).sum::<f32>().sqrt());
        assert!((0..50).all(|user| (length(users.row(user)) - 1.0).abs() < 1e-5));
        let logs: Vec<f64> = (0..10_000).map(|item| length(items.row(item)).ln()).collect();
        let mean = logs.iter().sum::<f64>() / 1e4;
        let deviation = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / 1e4).sqrt();
        assert!(mean.abs() < 0.015 && (deviation - 0.3).abs() < 0.015, "{mean} ± {deviation}");
    }

    #[test]
    fn items_stand_in_clusters() {
        let (items, _) = item_like(&SMALL, Seed::new(1));
        let cosine = |a: &[f32], b: &[f32]| {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        let nearest = |item: usize| {
            let others = (0..2000).filter(|&other| other != item);
            others.map(|other| cosine(items.row(item), items.row(other))).fold(-1.0, f32::max)
        };
        let mean = (0..50).map(nearest).sum::<f32>() / 50.0;
        // Of random directions in 16 dimensions the nearest of 2,000 has a cosine of about 0.75.
        assert!(mean > 0.85, "{mean}");
    }
}
