//! The users: who they are and what they like.

use super::Parameters;
use super::catalogue::named;
use super::draw::{exponential, normals};
use crate::features::FeaturesError;
use crate::{ColumnData, Features, Matrix, Rng, Seed, Vocab};
use std::sync::Arc;

/// One row a user.
#[derive(Clone, Debug)]
pub(super) struct People {
    /// θ `[U, D]`.
    pub(super) tastes: Matrix,
    pub(super) bias: Vec<f64>,
    /// Years.
    age: Vec<f64>,
    gender: Vec<u32>,
    region: Vec<u32>,
    /// The first and the last day on which the user may start a session.
    pub(super) active: Vec<(f64, f64)>,
    /// How many events the user has.
    pub(super) events: Vec<usize>,
}

impl People {
    pub(super) fn new(p: &Parameters, seed: Seed) -> Self {
        let mut rng = seed.child("users").rng();
        let age: Vec<f64> =
            (0..p.users).map(|_| (34.0 + 13.0 * rng.normal()).clamp(14.0, 80.0).round()).collect();
        let gender: Vec<u32> = (0..p.users).map(|_| rng.below(2)).collect();
        let region: Vec<u32> = (0..p.users).map(|_| rng.below(p.regions as u32)).collect();
        let tastes = tastes(p, &age, &gender, &region, &mut rng);
        let bias = (0..p.users).map(|_| p.user_bias * rng.normal()).collect();
        let active = (0..p.users).map(|_| active(p, &mut rng)).collect();
        let events = (0..p.users).map(|_| events(p, &mut rng)).collect();
        Self { tastes, bias, age, gender, region, active, events }
    }

    /// The columns age (years), gender and region.
    pub(super) fn features(&self, p: &Parameters) -> Result<Features, FeaturesError> {
        let mut features = Features::new(p.users);
        features.push("age", ColumnData::Numeric(self.age.iter().map(|&age| age as f32).collect()))?;
        let mut category = |name: &str, codes: &[u32], labels: Vocab| {
            let codes = codes.iter().map(|&code| Some(code)).collect();
            features.push(name, ColumnData::Categorical { codes, labels: Arc::new(labels) })
        };
        category("gender", &self.gender, named("gender", 2))?;
        category("region", &self.region, named("region", p.regions))?;
        Ok(features)
    }
}

/// θ = √ρ (age + gender + region) / √3 + √(1 − ρ) own, each standard normal.
fn tastes(p: &Parameters, age: &[f64], gender: &[u32], region: &[u32], rng: &mut Rng) -> Matrix {
    let d = p.dimensions;
    let (by_age, by_gender, by_region) = (normals(1, d, rng), normals(1, d, rng), normals(p.regions, d, rng));
    let mut tastes = normals(p.users, d, rng);
    let shared = (p.demographic_share / 3.0).sqrt() as f32;
    let own = (1.0 - p.demographic_share).sqrt() as f32;
    for user in 0..p.users {
        let years = ((age[user] - 34.0) / 13.0) as f32;
        let sign = if gender[user] == 0 { -1.0 } else { 1.0 };
        let region = by_region.row(region[user] as usize);
        for (k, x) in tastes.row_mut(user).iter_mut().enumerate() {
            let demographic = years * by_age.row(0)[k] + sign * by_gender.row(0)[k] + region[k];
            *x = shared * demographic + own * *x;
        }
    }
    tastes
}

/// Half the users are there from the start, the others join in the first half; two thirds stay to the end, the others leave
/// somewhere in the second half of what is left.
fn active(p: &Parameters, rng: &mut Rng) -> (f64, f64) {
    let first = p.days * (rng.unit() - 0.5).max(0.0);
    (first, first + (p.days - first) * (0.5 + 1.5 * rng.unit()).min(1.0))
}

fn events(p: &Parameters, rng: &mut Rng) -> usize {
    let more = (p.more_events * exponential(rng)) as usize;
    p.least_events.saturating_add(more).min(p.most_events)
}
