//! The embedded world: one consistent small world of synthetic data whose truth is known.
//!
//! It needs no download, and because the law that made it is at hand, any model can be held against the best possible
//! answer, the [`Oracle`]. [`World::new`] is the frozen world of [`Parameters::default`]; [`VERSION`] and
//! [`World::fingerprint`] say that it is still the same.
//!
//! ```
//! use seoro_core::world::World;
//! use seoro_core::{Seed, Splitter};
//!
//! let world = World::new();
//! let split = Splitter::LeaveOneOut.split(&world.implicit(), Seed::new(1))?;
//! assert_eq!(split.test.len(), 2000);
//! # Ok::<(), seoro_core::SplitError>(())
//! ```
//!
//! # The equations
//!
//! Greek and Latin letters are documented with their values in [`Parameters`]; N is a standard normal draw.
//!
//! **Places in taste space**, all of D dimensions with unit variance. An item i stands at
//! φ_i = √γ G(genres of i) + √η C(channel of i) + √(1 − γ − η) N, a user u wants
//! θ_u = √ρ (A·age + B·gender + R(region)) / √3 + √(1 − ρ) N; the affinity is a_ui = θ_u·φ_i / √D.
//!
//! **Weight.** On day t, after the items H_u, an item uploaded on day s_i weighs
//! w_i = π_i · exp(κ a_ui) · (1 + A exp(−(t − s_i)/τ)) if s_i ≤ t and i ∉ H_u, else 0; popularity is
//! π_i = (rank_i + q)^−s, a Zipf-Mandelbrot curve over random ranks.
//!
//! **Choice.** The first item of a session is chosen with p(i) = w_i / Σ w. After an item j of the same session,
//! p(i) = (1 − μ) w_i / Σ w + μ F_ji w_i / Σ_k F_jk w_k, where F_ji = 1, ½, ⅓, … for the successors of j (drawn without
//! replacement with weight √π_i · exp(φ_j·φ_i / √D) · 6 where the channel is the same) and 0 for other items; where no
//! successor can be chosen, the first term alone. Nobody chooses an item twice.
//!
//! **Time.** How many events a user has and how they fall into sessions is drawn before anything is chosen; sessions
//! start uniformly in the user's active days; the next choice follows the watch and an exponential pause. So, given when
//! it happens and what went before, every event (also the last one of each user) follows p.
//!
//! **Ratings and watches.** m_ui = mean + bias_u + quality_i + slope·a_ui; the stars are m_ui plus logistic noise,
//! rounded into 1 to 5; the share watched is σ(slope′·(m_ui − mean) + noise′·N) of the item's length. Every choice is
//! rated and watched.
//!
//! **Impressions.** Every choice was made on a page beside a few items drawn, with repeats merged, by
//! π_i · (1 + A exp(−(t − s_i)/τ)) as of the start of the day; some of them the user may have chosen before. So within a
//! page the odds that i was clicked are about p(i) over that weight.
//!
//! **Searches.** Some choices are preceded by a search for them: one or two tokens, each a word of the item's title (a
//! word of its genre, its channel's word, any other), or with chance ν any word.
//!
//! # What it looks like
//!
//! Measured once on the frozen world: 97,606 events of 2,000 users (20 to 150 each) on 999 items, a density of 4.9 %; the
//! top tenth of the items has 40 % of the events; 20,471 sessions of 4.8 events; 12 % of the events on items younger than
//! five days; 1 to 5 stars in 5, 14, 28, 29 and 24 % of the ratings. Under leave-one-out with full ranking, hr@10 is .06 for
//! popularity, .15 for EASE, .22 for counted steps from the last item, .40 for the oracle and .54 for the oracle that knows
//! the searches; on a random tenth of the ratings, rmse is 1.13 for their mean, .91 for biases, .81 for matrix factorisation
//! and .69 for the oracle.
//!
//! # What it is not
//!
//! Tastes do not drift, users do not influence each other, what is shown does not change what is chosen, ratings are not
//! missing, and a session has no purpose beyond its last item. A model's advantage here says nothing about data in which
//! such things matter.

mod catalogue;
mod draw;
mod law;
mod oracle;
mod parameters;
mod people;
mod sessions;
mod shuffle;
mod traces;

pub use oracle::Oracle;
pub use parameters::{Parameters, VERSION, WorldError};
pub use shuffle::shuffled;

use crate::hash::Fnv1a;
use crate::{Features, Log, Seed, Signals, UserId, Vocab};
use law::Law;
use sessions::Act;
use std::sync::Arc;

/// When the world begins, in Unix milliseconds: 1 January 2024, 00:00 UTC.
pub const START: i64 = 1_704_067_200_000;

/// The seed of the frozen world.
pub const SEED: Seed = Seed::new(20_240_101);

/// One generated world: what can be observed of it, and its truth.
#[derive(Clone, Debug)]
pub struct World {
    truth: Arc<Truth>,
}

/// What the oracle knows.
#[derive(Debug)]
struct Truth {
    law: Law,
    /// Each user's acts, in order of time.
    acts: Vec<Vec<Act>>,
    /// User and number of each session, by start.
    sessions: Vec<(usize, u32)>,
    signals: Signals,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// The frozen world: 2,000 users, 1,000 items, about 100,000 interactions in eight weeks.
    pub fn new() -> Self {
        Self::generate(Parameters::default(), SEED).expect("the frozen parameters are in range")
    }

    /// A world of other parameters, or another seed.
    ///
    /// # Errors
    /// [`WorldError::Parameter`].
    pub fn generate(parameters: Parameters, seed: Seed) -> Result<Self, WorldError> {
        parameters.check()?;
        let seed = seed.child("world");
        let catalogue = catalogue::Catalogue::new(&parameters, seed);
        let people = people::People::new(&parameters, seed);
        let law = Law::new(parameters, catalogue, people);
        let acts = sessions::acts(&law, seed);
        let signals = traces::signals(&law, &acts, seed);
        let sessions = in_order_of_start(&acts);
        tracing::debug!(events = acts.iter().map(Vec::len).sum::<usize>(), "world generated");
        Ok(Self { truth: Arc::new(Truth { law, acts, sessions, signals }) })
    }

    /// What the world was made of.
    pub fn parameters(&self) -> &Parameters {
        &self.truth.law.parameters
    }

    /// Every interaction with its stars, 1 to 5; user after user in order of time, each pair once.
    pub fn ratings(&self) -> Log {
        self.log(Some(|act| f32::from(act.stars)))
    }

    /// Every interaction without values; the rows are those of [`World::ratings`].
    pub fn implicit(&self) -> Log {
        self.log(None)
    }

    /// Every interaction with the seconds watched; the rows are those of [`World::ratings`].
    pub fn watches(&self) -> Log {
        self.log(Some(|act| act.watched as f32))
    }

    /// Every interaction with its session in the place of its user, by start of session; at least two events each.
    pub fn sessions(&self) -> Log {
        let sessions = &self.truth.sessions;
        let events = sessions.iter().enumerate().flat_map(|(row, &(user, session))| {
            let acts = self.truth.acts[user].iter().filter(move |act| act.session == session);
            acts.map(move |act| (UserId(row as u32), act))
        });
        self.columns(events, None, Vocab::numbered(sessions.len() as u32))
    }

    /// The user of each session of [`World::sessions`].
    pub fn session_users(&self) -> Vec<UserId> {
        self.truth.sessions.iter().map(|&(user, _)| UserId(user as u32)).collect()
    }

    /// age (years), gender and region of each user.
    pub fn user_features(&self) -> Features {
        let law = &self.truth.law;
        law.people.features(&law.parameters).expect("one row for each user, codes from their labels")
    }

    /// genre, channel, words (of the title), upload (days since [`START`]) and length (seconds) of each item.
    pub fn item_features(&self) -> Features {
        let law = &self.truth.law;
        law.catalogue.features(&law.parameters).expect("one row for each item, codes from their labels")
    }

    /// The title of each item.
    pub fn titles(&self) -> Vec<String> {
        (0..self.parameters().items).map(|item| self.truth.law.catalogue.title(item)).collect()
    }

    /// What users were shown and searched for; user after user in order of time.
    ///
    /// The page of an impression and the search before a choice tell of the choice: what is asked at some time may know
    /// only what came strictly before it.
    pub fn signals(&self) -> Signals {
        self.truth.signals.clone()
    }

    /// The truth about the users' logs, as a model.
    pub fn oracle(&self) -> Oracle {
        Oracle::new(Arc::clone(&self.truth), None)
    }

    /// The truth about [`World::sessions`], as a model: a query's user is a session.
    ///
    /// A protocol that drops targets unseen in training (as [`Splitter::LastDays`](crate::Splitter::LastDays) does) asks
    /// for less than the oracle answers: it still ranks the items that can no longer be right.
    pub fn session_oracle(&self) -> Oracle {
        Oracle::new(Arc::clone(&self.truth), Some(self.session_users()))
    }

    /// FNV-1a over every generated column, in whole numbers.
    ///
    /// The draws use the platform's exponential and logarithm; one that rounds a last bit otherwise changes a whole number
    /// only where it falls on a border.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Print(Fnv1a::new());
        for (user, acts) in self.truth.acts.iter().enumerate() {
            for act in acts {
                let row = [user as i64, i64::from(act.item.0), act.time, i64::from(act.session)];
                row.into_iter()
                    .chain([i64::from(act.stars), i64::from(act.watched)])
                    .for_each(|x| hash.add(x));
            }
        }
        let Signals { impressions, searches } = &self.truth.signals;
        if let Some(shown) = impressions {
            shown.items.iter().zip(&shown.clicked).for_each(|(item, &clicked)| {
                hash.add(2 * i64::from(item.0) + i64::from(clicked));
            });
        }
        if let Some(asked) = searches {
            asked.times.iter().for_each(|&time| hash.add(time));
            asked.tokens.iter().for_each(|&token| hash.add(i64::from(token)));
        }
        for features in [self.user_features(), self.item_features()] {
            for column in features.columns() {
                (0..features.rows()).for_each(|row| hash.add_cell(&column.data, row));
            }
        }
        hash.0.value()
    }

    fn log(&self, value: Option<fn(&Act) -> f32>) -> Log {
        let acts = self.truth.acts.iter().enumerate();
        let events = acts.flat_map(|(user, acts)| acts.iter().map(move |act| (UserId(user as u32), act)));
        self.columns(events, value, catalogue::named("user", self.parameters().users))
    }

    fn columns<'a>(
        &'a self,
        events: impl Iterator<Item = (UserId, &'a Act)>,
        value: Option<fn(&Act) -> f32>,
        user_vocab: Vocab,
    ) -> Log {
        let events: Vec<_> = events.collect();
        let users = events.iter().map(|(user, _)| *user).collect();
        let items = events.iter().map(|(_, act)| act.item).collect();
        let values = value.map(|value| events.iter().map(|(_, act)| value(act)).collect());
        let times = Some(events.iter().map(|(_, act)| START + act.time).collect());
        let item_vocab = Arc::new(catalogue::named("item", self.parameters().items));
        Log::new(users, items, values, times, Arc::new(user_vocab), item_vocab)
            .expect("equal columns of rows below their number")
    }
}

fn in_order_of_start(acts: &[Vec<Act>]) -> Vec<(usize, u32)> {
    let mut starts = Vec::new();
    for (user, acts) in acts.iter().enumerate() {
        let firsts = acts.chunk_by(|a, b| a.session == b.session).filter_map(|session| session.first());
        starts.extend(firsts.map(|act| (act.time, user, act.session)));
    }
    starts.sort_unstable();
    starts.into_iter().map(|(_, user, session)| (user, session)).collect()
}

/// The world's fingerprint, growing.
struct Print(Fnv1a);

impl Print {
    fn add(&mut self, x: i64) {
        self.0.bytes(&x.to_le_bytes());
    }

    fn add_cell(&mut self, column: &crate::ColumnData, row: usize) {
        match column {
            crate::ColumnData::Numeric(values) => self.add((f64::from(values[row]) * 1000.0).round() as i64),
            _ => column.codes(row).iter().for_each(|&code| self.add(i64::from(code))),
        }
    }
}
