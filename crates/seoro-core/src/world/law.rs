//! The law of choice and of ratings: what generates the events is what the oracle answers with.

use super::Parameters;
use super::catalogue::Catalogue;
use super::people::People;
use crate::ItemId;
use rayon::prelude::*;

/// The truth about every user and item.
#[derive(Clone, Debug)]
pub(super) struct Law {
    pub(super) parameters: Parameters,
    pub(super) catalogue: Catalogue,
    pub(super) people: People,
    /// π exp(κ a) `[U, I]`.
    base: Vec<f32>,
    /// exp(s/τ) for each item: freshness is A exp(−t/τ) times it.
    young: Vec<f64>,
}

/// What a user's next choice depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// The day, t.
    pub(super) day: f64,
    /// The item before, where a session is going on: j.
    pub(super) previous: Option<ItemId>,
    /// What is not chosen again: H.
    pub(super) past: &'a [ItemId],
}

/// θ·φ / √D.
pub(super) fn affinity(a: &[f32], b: &[f32]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
    dot / (a.len() as f64).sqrt()
}

impl Law {
    pub(super) fn new(parameters: Parameters, catalogue: Catalogue, people: People) -> Self {
        let items = parameters.items;
        let mut base = vec![0.0; parameters.users * items];
        base.par_chunks_exact_mut(items).enumerate().for_each(|(user, row)| {
            let taste = people.tastes.row(user);
            for (item, weight) in row.iter_mut().enumerate() {
                let a = affinity(taste, catalogue.places.row(item));
                *weight = (catalogue.popularity[item] * (parameters.taste * a).exp()) as f32;
            }
        });
        let young = catalogue.uploaded.iter().map(|day| (day / parameters.fresh_days).exp()).collect();
        Self { parameters, catalogue, people, base, young }
    }

    /// The factor of freshness for each item on day `day`; 0 before its upload.
    pub(super) fn freshness(&self, day: f64) -> impl Iterator<Item = f64> + '_ {
        let fade = self.parameters.fresh_boost * (-day / self.parameters.fresh_days).exp();
        let uploaded = self.catalogue.uploaded.iter();
        self.young.iter().zip(uploaded).map(
            move |(young, &upload)| {
                if upload <= day { 1.0 + fade * young } else { 0.0 }
            },
        )
    }

    /// Writes p(i) for every item: the chance that it is what `user` chooses at this moment.
    pub(super) fn choice(&self, user: usize, moment: Moment<'_>, p: &mut [f64]) {
        let base = &self.base[user * p.len()..(user + 1) * p.len()];
        for ((p, &base), fresh) in p.iter_mut().zip(base).zip(self.freshness(moment.day)) {
            *p = f64::from(base) * fresh;
        }
        moment.past.iter().for_each(|item| p[item.index()] = 0.0);
        let total: f64 = p.iter().sum();
        let followers = moment.previous.map(|item| self.catalogue.successors.row(item.index()));
        let Some(followers) = followers else {
            return p.iter_mut().for_each(|p| *p /= total);
        };
        let strong: Vec<(usize, f64)> =
            followers.map(|(item, f)| (item as usize, f64::from(f) * p[item as usize])).collect();
        let strength: f64 = strong.iter().map(|(_, weight)| weight).sum();
        let follow = if strength > 0.0 { self.parameters.follow } else { 0.0 };
        p.iter_mut().for_each(|p| *p *= (1.0 - follow) / total);
        for (item, weight) in strong.into_iter().filter(|(_, weight)| *weight > 0.0) {
            p[item] += follow * weight / strength;
        }
    }

    /// m, the rating before noise and rounding.
    pub(super) fn liking(&self, user: usize, item: usize) -> f64 {
        let p = &self.parameters;
        let a = affinity(self.people.tastes.row(user), self.catalogue.places.row(item));
        p.rating_mean + self.people.bias[user] + self.catalogue.quality[item] + p.rating_taste * a
    }

    /// E[r] = 1 + Σ P(r ≥ k) over k = 2 to 5, with P(r ≥ k) = σ((m − k + ½) / noise).
    pub(super) fn expected_rating(&self, user: usize, item: usize) -> f64 {
        let m = self.liking(user, item);
        let at_least = |k: i32| sigmoid((m - f64::from(k) + 0.5) / self.parameters.rating_noise);
        1.0 + (2..=5).map(at_least).sum::<f64>()
    }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Catalogue;
    use super::super::people::People;
    use super::*;
    use crate::Seed;

    fn law() -> Law {
        let p = Parameters { users: 5, items: 40, least_events: 2, most_events: 10, ..Parameters::default() };
        let (catalogue, people) = (Catalogue::new(&p, Seed::new(1)), People::new(&p, Seed::new(1)));
        Law::new(p, catalogue, people)
    }

    /// The equations of the module's documentation, item by item.
    fn by_the_book(law: &Law, user: usize, moment: Moment<'_>) -> Vec<f64> {
        let (p, c) = (&law.parameters, &law.catalogue);
        let weight = |item: usize| {
            let pairs = law.people.tastes.row(user).iter().zip(c.places.row(item));
            let a = pairs.map(|(x, y)| f64::from(x * y)).sum::<f64>() / (p.dimensions as f64).sqrt();
            let age = moment.day - c.uploaded[item];
            let there = age >= 0.0 && !moment.past.contains(&ItemId(item as u32));
            let fresh = 1.0 + p.fresh_boost * (-age / p.fresh_days).exp();
            if there { c.popularity[item] * (p.taste * a).exp() * fresh } else { 0.0 }
        };
        let total: f64 = (0..p.items).map(weight).sum();
        let lead = |item: usize| {
            let row = moment.previous.map(|j| c.successors.row(j.index()).collect::<Vec<_>>());
            row.unwrap_or_default()
                .iter()
                .find(|(to, _)| *to as usize == item)
                .map_or(0.0, |(_, f)| f64::from(*f))
        };
        let led: f64 = (0..p.items).map(|item| lead(item) * weight(item)).sum();
        let mu = if led > 0.0 { p.follow } else { 0.0 };
        let chance = |item: usize| {
            let follows = if led > 0.0 { lead(item) * weight(item) / led } else { 0.0 };
            (1.0 - mu) * weight(item) / total + mu * follows
        };
        (0..p.items).map(chance).collect()
    }

    #[test]
    fn choices_follow_the_equations() {
        let law = law();
        let everything_after: Vec<ItemId> =
            law.catalogue.successors.columns(3).iter().map(|&i| ItemId(i)).collect();
        let some = [ItemId(1), ItemId(7)];
        for user in 0..5 {
            for (previous, past) in [
                (None, &some[..]),
                (Some(ItemId(3)), &some),
                (Some(ItemId(3)), &everything_after),
                (None, &[]),
            ] {
                let moment = Moment { day: 11.5 * user as f64, previous, past };
                let mut p = vec![0.0; 40];
                law.choice(user, moment, &mut p);
                for (ours, expected) in p.iter().zip(by_the_book(&law, user, moment)) {
                    assert!((ours - expected).abs() < 1e-6, "{ours} against {expected}");
                }
            }
        }
    }

    #[test]
    fn ratings_are_logistic_around_the_liking() {
        let law = law();
        let (m, noise) = (law.liking(2, 5), law.parameters.rating_noise);
        // The mean over a fine grid of the noise's quantiles.
        let n = 200_000;
        let stars = (0..n).map(|k| {
            let u = (f64::from(k) + 0.5) / f64::from(n);
            (m + noise * (u / (1.0 - u)).ln()).round().clamp(1.0, 5.0)
        });
        let mean = stars.sum::<f64>() / f64::from(n);
        assert!(
            (law.expected_rating(2, 5) - mean).abs() < 1e-4,
            "{} against {mean}",
            law.expected_rating(2, 5)
        );
    }
}
