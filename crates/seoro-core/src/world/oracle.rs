//! The truth as a model: no model can be better on average.

use super::law::Moment;
use super::sessions::{Act, day_of};
use super::{START, Truth};
use crate::{ItemId, Items, Query, Rate, Score, ScoreError, UserId};
use std::sync::Arc;

/// The truth about a [`World`](super::World), as a model.
///
/// It answers about users it made, and knows their lives: where [`Query::at`] is the time of one of their events, the
/// score of an item is the exact chance that this event is on it, given all that came before; what a query tells as
/// history is not needed. Without a time, the score is the rate at which the user would choose the item over the whole
/// of the user's events were nothing used up: the yardstick for random splits, which have no next event. As a [`Rate`]
/// it gives the expected stars.
#[derive(Clone, Debug)]
pub struct Oracle {
    truth: Arc<Truth>,
    /// The user of each session, where queries are about sessions.
    owners: Option<Vec<UserId>>,
    searches: bool,
}

impl Oracle {
    pub(super) fn new(truth: Arc<Truth>, owners: Option<Vec<UserId>>) -> Self {
        Self { truth, owners, searches: false }
    }

    /// The same oracle, which also knows what was searched for since the user's last event: the bound for models that see
    /// searches.
    pub fn knowing_searches(mut self) -> Self {
        self.searches = true;
        self
    }

    fn user(&self, query: usize, asked: &Query<'_>) -> Result<usize, ScoreError> {
        let user = asked.user.and_then(|user| match &self.owners {
            Some(owners) => owners.get(user.index()).copied(),
            None => Some(user),
        });
        let known = user.map(UserId::index).filter(|&user| user < self.truth.acts.len());
        known.ok_or(ScoreError::Missing { query, what: "user of the world" })
    }

    /// Writes the scores of all items.
    fn chances(&self, user: usize, at: Option<i64>, p: &mut [f64]) {
        let acts = &self.truth.acts[user];
        let Some(at) = at else {
            return self.rates(user, acts, p);
        };
        let time = at.saturating_sub(START);
        let next = acts.partition_point(|act| act.time < time);
        let past: Vec<ItemId> = acts[..next].iter().map(|act| act.item).collect();
        let moment = Moment { day: day_of(time), previous: previous(acts, next), past: &past };
        self.truth.law.choice(user, moment, p);
        if self.searches {
            self.weigh_searches(
                user,
                next.checked_sub(1).map_or(i64::MIN, |last| START + acts[last].time),
                at,
                p,
            );
        }
    }

    fn rates(&self, user: usize, acts: &[Act], sums: &mut [f64]) {
        sums.fill(0.0);
        let mut p = vec![0.0; sums.len()];
        for (n, act) in acts.iter().enumerate() {
            let moment = Moment { day: day_of(act.time), previous: previous(acts, n), past: &[] };
            self.truth.law.choice(user, moment, &mut p);
            sums.iter_mut().zip(&p).for_each(|(sum, p)| *sum += p);
        }
    }

    /// Multiplies P(tokens | i) into p(i) for the searches between two times.
    fn weigh_searches(&self, user: usize, after: i64, before: i64, p: &mut [f64]) {
        let (Some(searches), law) = (&self.truth.signals.searches, &self.truth.law) else { return };
        let first = searches.users.partition_point(|other| other.index() < user);
        let own = (first..searches.users.len()).take_while(|&row| searches.users[row].index() == user);
        for row in own.filter(|&row| searches.times[row] > after && searches.times[row] < before) {
            for &token in &searches.tokens[searches.starts[row]..searches.starts[row + 1]] {
                for (item, p) in p.iter_mut().enumerate() {
                    *p *= law.catalogue.token_chance(item, token, law.parameters.search_noise);
                }
            }
        }
    }
}

/// The item before the `next`-th act, where both are of one session.
fn previous(acts: &[Act], next: usize) -> Option<ItemId> {
    let before = acts.get(next.checked_sub(1)?)?;
    acts.get(next).filter(|act| act.session == before.session).map(|_| before.item)
}

impl Score for Oracle {
    fn n_items(&self) -> usize {
        self.truth.law.parameters.items
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        let mut p = vec![0.0; self.n_items()];
        let mut out = out.iter_mut();
        for (row, query) in queries.iter().enumerate() {
            self.chances(self.user(row, query)?, query.at, &mut p);
            let mut write = |p: f64| {
                if let Some(score) = out.next() {
                    *score = p as f32;
                }
            };
            match &items {
                Items::All => p.iter().for_each(|&p| write(p)),
                Items::Range(range) => range.clone().for_each(|item| write(p[item as usize])),
                Items::Lists(lists) => lists[row].iter().for_each(|item| write(p[item.index()])),
            }
        }
        Ok(())
    }

    fn rate(&self) -> Option<&dyn Rate> {
        Some(self)
    }
}

impl Rate for Oracle {
    fn rate(&self, pairs: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError> {
        if out.len() != pairs.len() {
            return Err(ScoreError::Output { len: out.len(), expected: pairs.len() });
        }
        for (row, ((query, item), out)) in pairs.iter().zip(out).enumerate() {
            let user = self.user(row, query)?;
            if item.index() >= self.n_items() {
                return Err(ScoreError::Item { item: *item, n_items: self.n_items() });
            }
            *out = self.truth.law.expected_rating(user, item.index()) as f32;
        }
        Ok(())
    }
}
