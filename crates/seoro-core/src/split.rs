//! Training data and hidden targets: the splits of the field, each with what it leaks.
//!
//! A [`Splitter`] is a recipe; a [`Split`] is what it makes of one log. The parts keep the log's row order and share its
//! vocabularies, and together hold every event exactly once. A validation split is the same thing again, made of the
//! training part:
//!
//! ```
//! # use seoro_core::{ItemId, Log, Seed, Splitter, UserId, Vocab};
//! # use std::sync::Arc;
//! # let (users, items) = (Arc::new(Vocab::numbered(1)), Arc::new(Vocab::numbered(3)));
//! # let rows = vec![ItemId(0), ItemId(1), ItemId(2)];
//! # let log = Log::new(vec![UserId(0); 3], rows, None, Some(vec![30, 10, 20]), users, items)?;
//! let seed = Seed::new(1);
//! let split = Splitter::LeaveOneOut.split(&log, seed)?;
//! let tuning = Splitter::LeaveOneOut.split(&split.train, seed.child("validation"))?;
//! assert_eq!(split.test.items(), [ItemId(0)]);
//! assert_eq!(tuning.test.items(), [ItemId(2)]);
//! assert_eq!(tuning.train.items(), [ItemId(1)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::histories::rows_by_user;
use crate::{Log, Seed};
use serde::{Deserialize, Serialize};

/// Raised whenever the same recipe, log and seed may give another split than before; part of a result's key.
pub const REVISION: u32 = 1;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How to divide a log.
///
/// "Latest" means by time, and among equal times the one that stands later in the log. What each kind leaks, that is,
/// tells a model in training that a real system could not know when it answers, stands with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Splitter {
    /// Each user's latest event is the test; a user with one event keeps it in training (He et al. 2017, NCF).
    ///
    /// Leak: users end at different times, so training holds other users' events from after a user's test event, and
    /// with them later popularity and co-occurrence. Needs times.
    LeaveOneOut,
    /// One random event of each user is the test; a user with one event keeps it in training. For data without times,
    /// and for validation as the NCF paper describes it.
    ///
    /// Leak: training holds the user's own later events as well as everybody else's.
    LeaveRandomOut,
    /// A share of each user's events is the test: `n × test` rounded half up, but never all of a user's `n` events.
    ///
    /// Leak: [`Pick::Random`] trains on the user's own later events as well as everybody else's; [`Pick::Latest`] leaks
    /// as [`Splitter::LeaveOneOut`] does. [`Pick::Latest`] needs times.
    PerUser {
        /// The share, between 0 and 1.
        test: f64,
        /// Which of a user's events.
        pick: Pick,
    },
    /// A random share of all events is the test: `n × test` rounded half up (AutoRec, biased MF).
    ///
    /// Leak: the whole future of every user and item; some users and items may have no training event.
    Global {
        /// The share, between 0 and 1.
        test: f64,
    },
    /// The latest share of all events is the test: those from the time of the event at place `n − n × test` on, so
    /// that no moment lies on both sides (the test may be larger than its share where times tie).
    ///
    /// Leak: none. New users and items of the test period are unknown in training. Needs times.
    GlobalTime {
        /// The share, between 0 and 1.
        test: f64,
    },
    /// Everything from a given moment on is the test.
    ///
    /// Leak: none, as [`Splitter::GlobalTime`]. Needs times.
    Since {
        /// The moment, in Unix milliseconds.
        time: i64,
    },
    /// Whole sessions (the log's users) whose last event falls in the last days of the log are the test, without items
    /// that are not in training, then without sessions of fewer than two events (Hidasi et al. 2016, GRU4Rec). What is
    /// lost so is [`Split::dropped`].
    ///
    /// Leak: none into training; the test forgets the clicks on items nobody could have learned. Needs times.
    LastDays {
        /// How many times 24 hours, counted back from the log's last event and including it.
        days: u32,
    },
    /// One of `folds` random parts of all events, equal up to one event, is the test.
    ///
    /// Leak: as [`Splitter::Global`]. The same seed gives the same parts for every `fold`.
    KFold {
        /// How many parts; at least 2.
        folds: u32,
        /// Which part, counted from 0.
        fold: u32,
    },
}

/// Which of a user's events are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// Any, uniformly.
    Random,
    /// The latest.
    Latest,
}

/// A divided log: the parts share its vocabularies and hold each of its events once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Split {
    /// What models learn from.
    pub train: Log,
    /// What they are measured on.
    pub test: Log,
    /// What the protocol throws away; empty for all but [`Splitter::LastDays`].
    pub dropped: Log,
}

/// Why a log cannot be divided.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SplitError {
    /// The log has no times, so nothing is the latest.
    #[error("split {split} needs the times of events, which the log lacks")]
    Unordered {
        /// The recipe's name.
        split: &'static str,
    },
    /// A parameter outside its range.
    #[error("split {split}: {parameter} = {value}; expected {expected}")]
    Parameter {
        /// The recipe's name.
        split: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// Two given parts do not mean the same users or items by the same rows.
    #[error("the {column} vocabularies of training and test differ; expected parts read together")]
    Vocabularies {
        /// `user` or `item`.
        column: &'static str,
    },
}

/// Where an event goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Test,
    Dropped,
}

impl Split {
    /// The split that a data set's own files give.
    ///
    /// # Errors
    /// [`SplitError::Vocabularies`] where the two logs were not read with the same vocabularies.
    pub fn given(train: Log, test: Log) -> Result<Self, SplitError> {
        if train.user_vocab() != test.user_vocab() {
            return Err(SplitError::Vocabularies { column: "user" });
        }
        if train.item_vocab() != test.item_vocab() {
            return Err(SplitError::Vocabularies { column: "item" });
        }
        let dropped = train.select(&[]);
        Ok(Self { train, test, dropped })
    }

    fn new(log: &Log, parts: &[Part]) -> Self {
        let take = |part| {
            let rows: Vec<usize> = (0..parts.len()).filter(|&row| parts[row] == part).collect();
            log.select(&rows)
        };
        Self { train: take(Part::Train), test: take(Part::Test), dropped: take(Part::Dropped) }
    }
}

impl Splitter {
    /// The recipe's name: lower-case and hyphenated, as in its serialised form.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LeaveOneOut => "leave-one-out",
            Self::LeaveRandomOut => "leave-random-out",
            Self::PerUser { .. } => "per-user",
            Self::Global { .. } => "global",
            Self::GlobalTime { .. } => "global-time",
            Self::Since { .. } => "since",
            Self::LastDays { .. } => "last-days",
            Self::KFold { .. } => "k-fold",
        }
    }

    /// Divides `log`; the same seed gives the same split, and kinds that draw nothing ignore it.
    ///
    /// # Errors
    /// [`SplitError::Unordered`] where the recipe needs times and the log has none; [`SplitError::Parameter`].
    pub fn split(&self, log: &Log, seed: Seed) -> Result<Split, SplitError> {
        let seed = seed.child("split");
        let one = |rows: &[usize]| rows.len().min(2) / 2;
        let shuffle = |user: usize, rows: &mut [usize]| seed.index(user as u64).rng().shuffle(rows);
        let parts = match *self {
            Self::LeaveOneOut => {
                self.times(log)?;
                per_user(log, one, |_, _| {})
            }
            Self::LeaveRandomOut => per_user(log, one, shuffle),
            Self::PerUser { test, pick } => {
                self.check_share(test)?;
                if pick == Pick::Latest {
                    self.times(log)?;
                }
                let count = |rows: &[usize]| share(rows.len(), test).min(rows.len().saturating_sub(1));
                match pick {
                    Pick::Random => per_user(log, count, shuffle),
                    Pick::Latest => per_user(log, count, |_, _| {}),
                }
            }
            Self::Global { test } => {
                self.check_share(test)?;
                let order = shuffled(log.len(), seed);
                marked(log.len(), order[..share(log.len(), test)].iter().copied())
            }
            Self::GlobalTime { test } => {
                self.check_share(test)?;
                let times = self.times(log)?;
                let mut sorted = times.to_vec();
                sorted.sort_unstable();
                match sorted.get(log.len() - share(log.len(), test)) {
                    Some(&cut) => since(times, cut),
                    None => vec![Part::Train; log.len()],
                }
            }
            Self::Since { time } => since(self.times(log)?, time),
            Self::LastDays { days } => {
                self.check(days >= 1, "days", days, "at least 1")?;
                last_days(log, self.times(log)?, days)
            }
            Self::KFold { folds, fold } => {
                self.check(folds >= 2, "folds", folds, "at least 2")?;
                self.check(fold < folds, "fold", fold, "less than folds")?;
                let order = shuffled(log.len(), seed);
                marked(log.len(), order.into_iter().skip(fold as usize).step_by(folds as usize))
            }
        };
        Ok(Split::new(log, &parts))
    }

    fn times<'a>(&self, log: &'a Log) -> Result<&'a [i64], SplitError> {
        log.times().ok_or(SplitError::Unordered { split: self.name() })
    }

    fn check_share(&self, test: f64) -> Result<(), SplitError> {
        self.check(test > 0.0 && test < 1.0, "test", test, "a share between 0 and 1")
    }

    fn check(
        &self,
        sound: bool,
        parameter: &'static str,
        value: impl Into<f64>,
        expected: &'static str,
    ) -> Result<(), SplitError> {
        if sound {
            return Ok(());
        }
        Err(SplitError::Parameter { split: self.name(), parameter, value: value.into(), expected })
    }
}

/// `n × part`, rounded half up.
fn share(n: usize, part: f64) -> usize {
    (n as f64 * part + 0.5) as usize
}

/// The numbers below `n` in random order.
fn shuffled(n: usize, seed: Seed) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    seed.rng().shuffle(&mut order);
    order
}

fn marked(n: usize, test: impl Iterator<Item = usize>) -> Vec<Part> {
    let mut parts = vec![Part::Train; n];
    test.for_each(|row| parts[row] = Part::Test);
    parts
}

fn since(times: &[i64], cut: i64) -> Vec<Part> {
    times.iter().map(|&time| if time >= cut { Part::Test } else { Part::Train }).collect()
}

/// Takes the last `count(rows)` of each user's rows, after `arrange` had them in order of time.
fn per_user(
    log: &Log,
    count: impl Fn(&[usize]) -> usize,
    arrange: impl Fn(usize, &mut [usize]),
) -> Vec<Part> {
    let (starts, mut order) = rows_by_user(log);
    let mut parts = vec![Part::Train; log.len()];
    for user in 0..log.n_users() {
        let rows = &mut order[starts[user]..starts[user + 1]];
        arrange(user, rows);
        for &row in &rows[rows.len() - count(rows)..] {
            parts[row] = Part::Test;
        }
    }
    parts
}

fn last_days(log: &Log, times: &[i64], days: u32) -> Vec<Part> {
    let mut last = vec![i64::MIN; log.n_users()];
    for (user, &time) in log.users().iter().zip(times) {
        last[user.index()] = last[user.index()].max(time);
    }
    let end = times.iter().copied().max().unwrap_or(0);
    let cut = end.saturating_sub(i64::from(days).saturating_mul(DAY_MS));
    let is_test = |row: usize| last[log.users()[row].index()] >= cut;

    let mut known = vec![false; log.n_items()];
    (0..log.len()).filter(|&row| !is_test(row)).for_each(|row| known[log.items()[row].index()] = true);
    let is_kept = |row: usize| is_test(row) && known[log.items()[row].index()];
    let mut kept = vec![0usize; log.n_users()];
    (0..log.len()).filter(|&row| is_kept(row)).for_each(|row| kept[log.users()[row].index()] += 1);

    let part = |row: usize| match is_test(row) {
        false => Part::Train,
        true if is_kept(row) && kept[log.users()[row].index()] >= 2 => Part::Test,
        true => Part::Dropped,
    };
    (0..log.len()).map(part).collect()
}
