//! From a data set and a protocol to what a model is fitted on and what it is asked.

mod candidates;
mod ratings;
mod split;
#[cfg(test)]
mod tests;

use crate::LabError;
use crate::data::Data;
use crate::measure::{Measure, Measured};
use crate::paper::{DatasetUse, HideRule, Protocol, Ranking, SplitRule};
use ratings::Ratings;
use seoro_core::{Csr, Hide, Histories, ItemId, Log, Nothing, Query, Score, Seed, Signals, UserId};
use seoro_eval::{Case, EvalError, Metric, Options};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// Training data, and questions with known answers.
pub struct Task {
    /// What may be learned from.
    pub train: Log,
    /// The same by user.
    pub histories: Histories,
    /// What users did besides, before what is hidden; none where nobody knows when that was.
    pub signals: Option<Signals>,
    /// What whoever is asked still has of it, where some is forgotten.
    remembered: Option<Histories>,
    seen: Csr,
    asked: Asked,
    protocol: Protocol,
}

/// What is asked.
enum Asked {
    /// Where each user's hidden items stand, among all or among candidates.
    Rankings { questions: Vec<Question>, candidates: Option<Vec<Vec<ItemId>>> },
    /// The hidden ratings.
    Ratings(Ratings),
}

/// The tasks of a protocol's test: one, or where the split is drawn anew one a seed.
pub struct Tasks<'a> {
    data: &'a Data,
    usage: &'a DatasetUse,
    protocol: &'a Protocol,
    made: RefCell<BTreeMap<u64, Rc<Task>>>,
}

impl<'a> Tasks<'a> {
    /// No task yet.
    pub fn new(data: &'a Data, usage: &'a DatasetUse, protocol: &'a Protocol) -> Self {
        Self { data, usage, protocol, made: RefCell::default() }
    }

    /// The task of a seed.
    ///
    /// # Errors
    /// Those of [`Task::new`].
    pub fn of(&self, seed: u64) -> Result<Rc<Task>, LabError> {
        let key = self.protocol.seed_of_split(self.usage, seed);
        if let Some(task) = self.made.borrow().get(&key) {
            return Ok(Rc::clone(task));
        }
        let task = Rc::new(Task::new(self.data, self.usage, self.protocol, Side::Test, seed)?);
        self.made.borrow_mut().insert(key, Rc::clone(&task));
        Ok(task)
    }
}

/// One user's hidden interactions.
struct Question {
    user: UserId,
    at: Option<i64>,
    targets: Vec<ItemId>,
}

/// Which side of the data asks the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The test interactions; fitted on everything else.
    Test,
    /// Some of the training interactions; the test is nowhere in sight. Where the test is a share, the same
    /// share of them, divided by the same rule; else one of each user, the latest where there is an order.
    Validation,
}

impl Task {
    /// The task of `side` under a protocol; `seed` decides a split that is drawn, and nothing else.
    ///
    /// # Errors
    /// Data without the order, the ratings or the negatives that the protocol needs.
    pub fn new(
        data: &Data,
        usage: &DatasetUse,
        protocol: &Protocol,
        side: Side,
        seed: u64,
    ) -> Result<Self, LabError> {
        let rule = protocol.split(usage);
        let root = split::split_seed(data, usage, protocol, seed);
        let (train, test) = split::test_split(data, rule, root)?;
        // Of what is hidden, the first: in validation the test comes later, but not every user has a validation event.
        let test_times = first_times(&test);
        let (train, asked) = match side {
            Side::Test => (train, test),
            Side::Validation => split::validation_split(&data.name, rule, &train, root)?,
        };
        let ends = test_times.zip(first_times(&asked));
        let before = |(signals, (test, asked))| before(signals, rule, &test, &asked);
        let signals = data.signals.as_ref().zip(ends).map(before);
        let remembered = remembered(&train, usage.forgotten, root.child("forgotten"));
        let histories = Histories::new(&train);
        let seen = histories.matrix();
        let asked = match protocol.ranking {
            Ranking::Ratings => Asked::Ratings(Ratings::new(&data.name, &train, &asked, protocol.unseen)?),
            Ranking::Full => Asked::Rankings { questions: questions(&asked), candidates: None },
            Ranking::Candidates => {
                let questions = questions(&asked);
                let candidates = candidates::candidates(data, usage.negatives, side, &seen, &questions)?;
                Asked::Rankings { questions, candidates: Some(candidates) }
            }
        };
        Ok(Self { train, histories, signals, remembered, seen, asked, protocol: protocol.clone() })
    }

    /// How many questions are asked.
    pub fn len(&self) -> usize {
        match &self.asked {
            Asked::Rankings { questions, .. } => questions.len(),
            Asked::Ratings(ratings) => ratings.len(),
        }
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks a model every question.
    ///
    /// # Errors
    /// Those of [`seoro_eval::evaluate`] and [`seoro_eval::RatingErrors::of`]; a model that predicts no
    /// ratings, where they are asked for.
    pub fn evaluate(&self, model: &dyn Score, threads: usize) -> Result<Measured, EvalError> {
        let mut options = Options::new();
        options.threads = threads;
        let seen = Seen(&self.seen);
        options.hide = if self.protocol.hide == Some(HideRule::Training) { &seen } else { &Nothing };
        options.ties = self.protocol.ties.unwrap_or(options.ties);
        match &self.asked {
            Asked::Rankings { questions, candidates } => {
                let of = |place: usize| candidates.as_ref().map(|candidates| candidates[place].as_slice());
                let cases: Vec<Case<'_>> = questions
                    .iter()
                    .enumerate()
                    .map(|(place, question)| self.case(question, of(place)))
                    .collect();
                let metrics = self.metrics();
                let evaluation = seoro_eval::evaluate(model, &cases, &metrics, &options)?;
                Ok(Measured::of_rankings(&evaluation, &metrics))
            }
            Asked::Ratings(ratings) => {
                ratings.measured(model, |user| self.query(user), &options, &self.protocol.metrics)
            }
        }
    }

    /// The protocol's metrics of rankings.
    fn metrics(&self) -> Vec<Metric> {
        let metric = |measure: &Measure| match measure {
            Measure::Ranking(metric) => Some(*metric),
            Measure::Rmse | Measure::Mae => None,
        };
        self.protocol.metrics.iter().filter_map(metric).collect()
    }

    /// Some users with so many hidden items, and these; all such users where there are fewer, none of ratings.
    pub(crate) fn some_users(
        &self,
        users: usize,
        items: RangeInclusive<usize>,
        seed: Seed,
    ) -> Vec<(UserId, &[ItemId])> {
        let Asked::Rankings { questions, .. } = &self.asked else { return Vec::new() };
        let has_enough = |question: &&Question| items.contains(&question.targets.len());
        let mut some: Vec<&Question> = questions.iter().filter(has_enough).collect();
        seed.rng().shuffle(&mut some);
        some.truncate(users);
        some.into_iter().map(|question| (question.user, question.targets.as_slice())).collect()
    }

    /// What a model is told of a user.
    pub(crate) fn query(&self, user: UserId) -> Query<'_> {
        self.remembered.as_ref().unwrap_or(&self.histories).query(user)
    }

    fn case<'a>(&'a self, question: &'a Question, candidates: Option<&'a [ItemId]>) -> Case<'a> {
        let mut query = self.query(question.user);
        query.at = question.at;
        Case { query, targets: &question.targets, candidates }
    }
}

/// Hides what a user had in training.
struct Seen<'a>(&'a Csr);

impl Hide for Seen<'_> {
    fn each(&self, query: &Query<'_>, hide: &mut dyn FnMut(ItemId)) {
        if let Some(user) = query.user {
            self.0.columns(user.index()).iter().copied().map(ItemId).for_each(hide);
        }
    }
}

/// The histories without a share of their events; nothing where none is forgotten.
fn remembered(train: &Log, forgotten: f64, seed: Seed) -> Option<Histories> {
    if forgotten == 0.0 {
        return None;
    }
    let mut rng = seed.rng();
    let kept: Vec<usize> = (0..train.len()).filter(|_| rng.unit() >= forgotten).collect();
    Some(Histories::new(&train.select(&kept)))
}

fn questions(asked: &Log) -> Vec<Question> {
    let histories = Histories::new(asked);
    let users = (0..histories.n_users() as u32).map(UserId).filter(|&user| !histories.items(user).is_empty());
    users
        .map(|user| Question {
            user,
            at: histories.times(user).and_then(|times| times.first().copied()),
            targets: BTreeSet::from_iter(histories.items(user).iter().copied()).into_iter().collect(),
        })
        .collect()
}

/// When each user's first event of a log is; nothing where it has no times.
fn first_times(log: &Log) -> Option<HashMap<UserId, i64>> {
    let times = log.times()?;
    let mut first = HashMap::new();
    for (&user, &time) in log.users().iter().zip(times) {
        first.entry(user).and_modify(|first: &mut i64| *first = time.min(*first)).or_insert(time);
    }
    Some(first)
}

/// The signals that come before all hidden interactions of their users: those of the test, and those `asked`,
/// which in validation are earlier, but not of every user. Where a moment parts what is hidden from the rest,
/// nothing of anybody comes after it.
fn before(
    signals: &Signals,
    rule: SplitRule,
    test: &HashMap<UserId, i64>,
    asked: &HashMap<UserId, i64>,
) -> Signals {
    let parts_by_time = matches!(rule, SplitRule::LatestShare(_));
    let of_all = test.values().chain(asked.values()).min().copied().filter(|_| parts_by_time);
    let of_user = |user: UserId| [test, asked].into_iter().filter_map(|ends| ends.get(&user).copied()).min();
    signals.before(|user| of_all.or_else(|| of_user(user)))
}
