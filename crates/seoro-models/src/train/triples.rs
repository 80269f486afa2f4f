//! Batches for pairwise losses: a user, an item of theirs, and one that is not.

use super::feed::{Feed, by_all_threads};
use crate::ops::Triples;
use seoro_core::sample::Negatives;
use seoro_core::{Csr, Rng, Seed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the triples of an epoch are drawn: as many as there are pairs of a user and an item of theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sampling {
    /// A user uniformly among those with an item, one of the user's items uniformly: users with few items are learned as often
    /// as those with many.
    #[default]
    Users,
    /// Every interaction once, in random order.
    Interactions,
}

/// Triples of a user, an item the user has and one drawn uniformly among the others, as rows of one table that holds all users
/// and, after them, all items.
pub struct Pairwise<'a> {
    positives: &'a Csr,
    negatives: Negatives<'a>,
    /// Users with an item.
    users: Vec<u32>,
    sampling: Sampling,
    batch: usize,
}

impl<'a> Pairwise<'a> {
    /// Batches of `batch` triples of `positives` `[U, I]`; `None` where an epoch would have 2^32 or more.
    pub fn new(
        positives: &'a Csr,
        negatives: Negatives<'a>,
        sampling: Sampling,
        batch: usize,
    ) -> Option<Self> {
        u32::try_from(positives.entries()).ok()?;
        let has_items = |&user: &u32| !positives.columns(user as usize).is_empty();
        let users = (0..positives.rows() as u32).filter(has_items).collect();
        Some(Self { positives, negatives, users, sampling, batch: batch.max(1) })
    }

    /// A user at random, and one of the user's items.
    fn any(&self, rng: &mut Rng) -> (u32, u32) {
        let user = self.users[rng.below(self.users.len() as u32) as usize];
        let items = self.positives.columns(user as usize);
        (user, items[rng.below(items.len() as u32) as usize])
    }

    /// The user and the item of an interaction.
    fn interaction(&self, place: u32) -> (u32, u32) {
        let (place, starts) = (place as usize, self.positives.starts());
        let user = starts.partition_point(|&start| start <= place) - 1;
        (user as u32, self.positives.columns(user)[place - starts[user]])
    }

    /// The triple of a user and an item; `None` where the user has every item.
    fn triple(&self, (user, item): (u32, u32), rng: &mut Rng) -> Option<[u32; 3]> {
        let n_users = self.positives.rows() as u32;
        let worse = self.negatives.draw(user, rng)?;
        Some([user, n_users + item, n_users + worse.0])
    }
}

impl Feed for Pairwise<'_> {
    type Batch = Arc<Triples>;

    fn epoch(&self, seed: Seed) -> Box<dyn Iterator<Item = Arc<Triples>> + Send + '_> {
        let draws = self.positives.entries();
        let mut order: Vec<u32> = Vec::new();
        if self.sampling == Sampling::Interactions {
            order.extend(0..draws as u32);
            seed.child("order").rng().shuffle(&mut order);
        }
        let seed = seed.child("triples");
        let batch = move |place: usize| {
            let mut rng = seed.index(place as u64).rng();
            let places = place * self.batch..draws.min((place + 1) * self.batch);
            let triple = |place: usize| {
                let pair = match order.get(place) {
                    Some(&interaction) => self.interaction(interaction),
                    None => self.any(&mut rng),
                };
                self.triple(pair, &mut rng)
            };
            let triples: Vec<[u32; 3]> = places.filter_map(triple).collect();
            Arc::new(Triples::new(&triples))
        };
        // Users with every item may leave a batch without a triple.
        Box::new(by_all_threads(draws.div_ceil(self.batch), batch).filter(|batch| !batch.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Users with no item, one, three, and all five.
    fn positives() -> Csr {
        Csr::new(vec![0, 0, 1, 4, 9], vec![2, 0, 1, 4, 0, 1, 2, 3, 4], vec![1.0; 9], 5)
            .expect("rows that rise")
    }

    /// The user, the better and the worse item of all triples of an epoch.
    fn epoch(positives: &Csr, sampling: Sampling, batch: usize, seed: u64) -> Vec<[u32; 3]> {
        let negatives = Negatives::uniform(positives).expect("items");
        let feed = Pairwise::new(positives, negatives, sampling, batch).expect("few interactions");
        let batches: Vec<Arc<Triples>> = feed.epoch(Seed::new(seed)).collect();
        assert!(batches.iter().all(|batch| !batch.is_empty()));
        let triples = batches.iter().flat_map(|batch| batch.triples());
        triples.map(|[user, better, worse]| [user, better - 4, worse - 4]).collect()
    }

    #[test]
    fn triples_are_of_a_users_item_and_another() {
        let positives = positives();
        for sampling in [Sampling::Users, Sampling::Interactions] {
            for batch in [1, 4, 100] {
                let found = epoch(&positives, sampling, batch, 1);
                assert_eq!(found, epoch(&positives, sampling, batch, 1), "the same seed");
                for [user, better, worse] in found {
                    assert!(user == 1 || user == 2, "users 0 and 3 have no item, and every item");
                    assert!(positives.contains(user as usize, better));
                    assert!(!positives.contains(user as usize, worse));
                }
            }
        }
    }

    #[test]
    fn every_interaction_is_met_once() {
        let mut met: Vec<(u32, u32)> = epoch(&positives(), Sampling::Interactions, 2, 3)
            .into_iter()
            .map(|[user, better, _]| (user, better))
            .collect();
        met.sort_unstable();
        assert_eq!(met, [(1, 2), (2, 0), (2, 1), (2, 4)]);
    }

    #[test]
    fn users_are_met_alike_however_many_items_they_have() {
        let (positives, mut counts, mut better) = (positives(), [0; 4], [0; 5]);
        for seed in 0..400 {
            for [user, item, _] in epoch(&positives, Sampling::Users, 4, seed) {
                counts[user as usize] += 1;
                better[item as usize] += usize::from(user == 2);
            }
        }
        // Of nine draws an epoch, a third is of user 3, who has every item.
        let near = |count: usize, expected: f64| (count as f64 / expected - 1.0).abs() < 0.1;
        assert!(near(counts[1], 1_200.0) && near(counts[2], 1_200.0), "{counts:?}");
        assert!([0, 1, 4].into_iter().all(|item| near(better[item], counts[2] as f64 / 3.0)), "{better:?}");
    }
}
