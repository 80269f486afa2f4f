//! Gradient descent on KL(P‖Q).

use super::tree::{Crowd, Place, Push, Tree};
use super::{Map, Run, Tsne, TsneError};
use rayon::prelude::*;
use seoro_core::{Csr, Matrix};

/// How many iterations pass between two looks of an observer.
const EVERY: usize = 50;

/// The least gain of a coordinate.
const LEAST_GAIN: f64 = 0.01;

/// What points repel one another by, exactly or by a tree.
#[derive(Debug, Default)]
pub(super) struct Field {
    tree: Tree,
    crowd: Crowd,
    in_order: Vec<Push>,
    pushes: Vec<Push>,
}

impl Field {
    /// Finds what pushes each point; returns Σ q over all pairs, Q's normaliser Z. Exact where θ is 0.
    pub(super) fn repel(&mut self, places: &[Place], theta: f64) -> f64 {
        if theta > 0.0 {
            return self.repel_by_tree(places, theta);
        }
        self.crowd.fill(places);
        self.pushes.resize(places.len(), Push::default());
        let crowd = &self.crowd;
        self.pushes.par_iter_mut().zip(places).for_each(|(push, &place)| *push = crowd.push(place));
        self.total()
    }

    /// The same by the tree, whatever θ is.
    pub(super) fn repel_by_tree(&mut self, places: &[Place], theta: f64) -> f64 {
        self.pushes.resize(places.len(), Push::default());
        self.in_order.resize(places.len(), Push::default());
        self.tree.build(places);
        let tree = &self.tree;
        let mut rest = self.in_order.as_mut_slice();
        let mut parts = Vec::with_capacity(tree.leaves().len());
        for leaf in tree.leaves() {
            let (part, others) = rest.split_at_mut(leaf.len());
            (rest, _) = (others, parts.push((leaf.clone(), part)));
        }
        let push = |crowd: &mut Crowd, (leaf, out): (std::ops::Range<usize>, &mut [Push])| {
            tree.push(leaf, theta, crowd, out);
        };
        parts.into_par_iter().for_each_init(Crowd::default, push);
        for (point, &push) in tree.points().zip(&self.in_order) {
            self.pushes[point] = push;
        }
        self.total()
    }

    /// One after the other, so that the sum does not depend on the threads.
    fn total(&self) -> f64 {
        self.pushes.iter().map(|push| push.sum).sum()
    }

    /// Writes ∂KL/∂y_i = 4 Σ_j (p_ij − q_ij) (1 + ‖y_i − y_j‖²)⁻¹ (y_i − y_j), with P times `exaggeration` (van der Maaten
    /// and Hinton 2008, equation 5); [`Field::repel`] came before, with what it returned.
    pub(super) fn gradient(&self, p: &Csr, places: &[Place], z: f64, exaggeration: f64, out: &mut [Place]) {
        let gradient = |(row, (out, push)): (usize, (&mut Place, &Push))| {
            let pull = pull(p, places, row);
            *out = [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push.force[axis] / z));
        };
        out.par_iter_mut().zip(&self.pushes).enumerate().for_each(gradient);
    }
}

/// Σ_j p_ij (1 + ‖y_i − y_j‖²)⁻¹ (y_i − y_j).
fn pull(p: &Csr, places: &[Place], row: usize) -> Place {
    let (at, mut sum) = (places[row], [0.0; 2]);
    for (other, chance) in p.row(row) {
        let (dx, dy) = (at[0] - places[other as usize][0], at[1] - places[other as usize][1]);
        let weight = f64::from(chance) / (1.0 + dx * dx + dy * dy);
        sum = [sum[0] + weight * dx, sum[1] + weight * dy];
    }
    sum
}

/// KL(P‖Q) = Σ p (ln p + ln(1 + ‖y_i − y_j‖²)) + ln Z Σ p.
pub(super) fn divergence(p: &Csr, places: &[Place], z: f64) -> f64 {
    let of_row = |row: usize| {
        let at = places[row];
        let term = |(other, chance): (u32, f32)| {
            let (dx, dy) = (at[0] - places[other as usize][0], at[1] - places[other as usize][1]);
            let chance = f64::from(chance);
            chance * (libm::log(chance * (1.0 + dx * dx + dy * dy) * z))
        };
        p.row(row).map(term).sum::<f64>()
    };
    (0..p.rows()).into_par_iter().map(of_row).collect::<Vec<f64>>().iter().sum()
}

/// The map that gradient descent comes to from `places`.
pub(super) fn descend(
    recipe: &Tsne,
    p: &Csr,
    mut places: Vec<Place>,
    run: &Run<'_>,
) -> Result<Map, TsneError> {
    let count = places.len();
    let rate = recipe.learning_rate.unwrap_or((count as f64 / recipe.exaggeration / 4.0).max(50.0));
    let mut field = Field::default();
    let mut gradient = vec![[0.0; 2]; count];
    let (mut velocity, mut gains) = (vec![[0.0; 2]; count], vec![[1.0; 2]; count]);
    for iteration in 0..recipe.iterations {
        run.check()?;
        let z = field.repel(&places, recipe.theta);
        let early = iteration < recipe.exaggerated;
        field.gradient(p, &places, z, if early { recipe.exaggeration } else { 1.0 }, &mut gradient);
        if let Some(observe) = run.observe.filter(|_| iteration.is_multiple_of(EVERY)) {
            observe(iteration, divergence(p, &places, z));
        }
        let momentum = if early { recipe.momentum } else { recipe.final_momentum };
        step(&mut places, &mut velocity, &mut gains, &gradient, rate, momentum);
        if !centre(&mut places) {
            return Err(TsneError::Diverged { iterations: iteration + 1 });
        }
    }
    centre(&mut places);
    let z = field.repel(&places, recipe.theta);
    let divergence = divergence(p, &places, z);
    let mut positions = Matrix::zeros(count, 2);
    let numbers = positions.as_mut_slice().iter_mut().zip(places.as_flattened());
    numbers.for_each(|(out, &x)| *out = x as f32);
    if !(divergence.is_finite() && positions.as_slice().iter().all(|x| x.is_finite())) {
        return Err(TsneError::Diverged { iterations: recipe.iterations });
    }
    if let Some(observe) = run.observe {
        observe(recipe.iterations, divergence);
    }
    tracing::debug!(points = count, divergence, "mapped");
    Ok(Map { positions, divergence })
}

/// A step with momentum and a gain for each coordinate, which grows while it goes on in its direction (Jacobs 1988).
fn step(
    places: &mut [Place],
    velocity: &mut [Place],
    gains: &mut [Place],
    gradient: &[Place],
    rate: f64,
    momentum: f64,
) {
    let moving = places.as_flattened_mut().iter_mut().zip(velocity.as_flattened_mut());
    let steering = gains.as_flattened_mut().iter_mut().zip(gradient.as_flattened());
    for ((x, velocity), (gain, &slope)) in moving.zip(steering) {
        let onwards = (slope > 0.0) != (*velocity > 0.0);
        *gain = if onwards { *gain + 0.2 } else { (*gain * 0.8).max(LEAST_GAIN) };
        *velocity = momentum * *velocity - rate * *gain * slope;
        *x += *velocity;
    }
}

/// Moves the mean to the origin; whether all places are finite.
fn centre(places: &mut [Place]) -> bool {
    let sum = places.iter().fold([0.0; 2], |sum, place| [sum[0] + place[0], sum[1] + place[1]]);
    let mean = sum.map(|sum| sum / places.len() as f64);
    places.iter_mut().for_each(|place| *place = [place[0] - mean[0], place[1] - mean[1]]);
    mean.iter().all(|mean| mean.is_finite())
}
