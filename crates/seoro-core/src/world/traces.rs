//! What else is seen of the users: what they were shown, and what they searched for.

use super::START;
use super::draw::weighted;
use super::law::Law;
use super::sessions::{Act, day_of};
use crate::{Impressions, ItemId, Rng, Searches, Seed, Signals, UserId};
use std::sync::Arc;

/// How long before its choice a search is made, in milliseconds: shorter than any two choices are apart.
const SEARCH_LEAD: i64 = 500;

/// The signals of all acts; each user's are drawn from a stream of its own.
pub(super) fn signals(law: &Law, acts: &[Vec<Act>], seed: Seed) -> Signals {
    Signals {
        impressions: Some(impressions(law, acts, seed.child("impressions"))),
        searches: Some(searches(law, acts, seed.child("searches"))),
    }
}

/// Each choice was made on a page: the item clicked, and others drawn by popularity × freshness, in row order.
fn impressions(law: &Law, acts: &[Vec<Act>], seed: Seed) -> Impressions {
    let mut out = Impressions::default();
    let days = law.parameters.days.ceil() as usize + 1;
    let pages: Vec<Vec<f64>> = (0..days).map(|day| cumulated(law, day as f64)).collect();
    for (user, acts) in acts.iter().enumerate() {
        let mut rng = seed.index(user as u64).rng();
        for act in acts {
            let page = &pages[(day_of(act.time) as usize).min(days - 1)];
            let mut shown: Vec<ItemId> =
                (0..law.parameters.distractors).map(|_| draw(page, &mut rng)).collect();
            shown.push(act.item);
            shown.sort_unstable();
            shown.dedup();
            for item in shown {
                let clicked = item == act.item;
                out.users.push(UserId(user as u32));
                out.items.push(item);
                out.times.push(START + act.time);
                out.clicked.push(clicked);
                out.watched.push(if clicked { act.watched as f32 } else { 0.0 });
            }
        }
    }
    out
}

/// The running sums of popularity × freshness at the start of a day.
fn cumulated(law: &Law, day: f64) -> Vec<f64> {
    let weights = law.catalogue.popularity.iter().zip(law.freshness(day));
    let mut sum = 0.0;
    weights
        .map(|(popularity, fresh)| {
            sum += popularity * fresh;
            sum
        })
        .collect()
}

fn draw(sums: &[f64], rng: &mut Rng) -> ItemId {
    let target = rng.unit() * sums.last().copied().unwrap_or(0.0);
    ItemId(sums.partition_point(|&sum| sum <= target).min(sums.len() - 1) as u32)
}

/// Some choices were preceded by a search for what was then chosen.
fn searches(law: &Law, acts: &[Vec<Act>], seed: Seed) -> Searches {
    let p = &law.parameters;
    let mut out =
        Searches { starts: vec![0], vocab: Arc::clone(&law.catalogue.words), ..Searches::default() };
    for (user, acts) in acts.iter().enumerate() {
        let mut rng = seed.index(user as u64).rng();
        for act in acts {
            if rng.unit() >= p.search_chance {
                continue;
            }
            for _ in 0..=rng.below(p.search_tokens) {
                out.tokens.push(token(law, act.item, &mut rng));
            }
            out.users.push(UserId(user as u32));
            out.times.push(START + act.time - SEARCH_LEAD);
            out.starts.push(out.tokens.len());
        }
    }
    out
}

fn token(law: &Law, item: ItemId, rng: &mut Rng) -> u32 {
    let title = &law.catalogue.titles[item.index()];
    if rng.unit() < law.parameters.search_noise {
        return rng.below(law.catalogue.words.len() as u32);
    }
    title[weighted(rng, &[1.0; super::catalogue::TITLE])]
}
