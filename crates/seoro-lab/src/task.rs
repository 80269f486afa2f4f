//! From a data set and a protocol to what a model is fitted on and what it is asked.

use crate::LabError;
use crate::data::Data;
use crate::paper::{DatasetUse, HideRule, Negatives, Protocol, Ranking, SplitRule};
use seoro_core::split::Splitter;
use seoro_core::{Csr, Hide, Histories, ItemId, Log, Nothing, Query, Score, Seed, Signals, UserId};
use seoro_eval::{Case, EvalError, Evaluation, Options, sampled_candidates};
use std::collections::{BTreeSet, HashMap};

/// Training data, and questions with known answers.
pub struct Task {
    /// What may be learned from.
    pub train: Log,
    /// The same by user.
    pub histories: Histories,
    /// What users did besides, before what is hidden; none where nobody knows when that was.
    pub signals: Option<Signals>,
    seen: Csr,
    questions: Vec<Question>,
    candidates: Option<Vec<Vec<ItemId>>>,
    protocol: Protocol,
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
    /// One training interaction of each user, the latest where there is an order; the test is nowhere in sight.
    Validation,
}

/// How many negatives a validation question gets where the test's are given: as many as in the NCF paper.
const VALIDATION_NEGATIVES: usize = 99;

impl Task {
    /// The task of `side` under a protocol.
    ///
    /// # Errors
    /// Data without the order or the negatives that the protocol needs.
    pub fn new(data: &Data, usage: &DatasetUse, protocol: &Protocol, side: Side) -> Result<Self, LabError> {
        let (train, test) = match usage.split {
            SplitRule::Given => {
                let missing = || {
                    LabError::Usage(format!(
                        "{}: no test files; expected split = \"leave-one-out\"",
                        data.name
                    ))
                };
                (data.train.clone(), data.test.clone().ok_or_else(missing)?)
            }
            SplitRule::LeaveOneOut => divided(&data.name, &data.train, Splitter::LeaveOneOut)?,
        };
        // Of what is hidden, the first: in validation the test comes later, but not every user has a validation event.
        let test_times = first_times(&test);
        let (train, asked, hidden) = match side {
            Side::Test => (train, test, None),
            Side::Validation => {
                // Where nobody knows what came last, any one will do.
                let splitter =
                    if train.times().is_some() { Splitter::LeaveOneOut } else { Splitter::LeaveRandomOut };
                let (train, validation) = divided(&data.name, &train, splitter)?;
                (train, validation, Some(()))
            }
        };
        let histories = Histories::new(&train);
        let seen = histories.matrix();
        let questions = questions(&asked);
        let candidates = match (protocol.ranking, usage.negatives, hidden) {
            (Ranking::Full, ..) => None,
            (Ranking::Candidates, Negatives::Given(_), None) => Some(given_candidates(data, &questions)?),
            (Ranking::Candidates, Negatives::Given(_), Some(())) => {
                Some(drawn_candidates(data, &seen, &questions, VALIDATION_NEGATIVES, "validation")?)
            }
            (Ranking::Candidates, Negatives::Drawn(n), None) => {
                Some(drawn_candidates(data, &seen, &questions, n, "test")?)
            }
            (Ranking::Candidates, Negatives::Drawn(n), Some(())) => {
                Some(drawn_candidates(data, &seen, &questions, n, "validation")?)
            }
        };
        let ends = test_times.zip(first_times(&asked));
        let signals =
            data.signals.as_ref().zip(ends).map(|(signals, (test, asked))| before(signals, test, asked));
        Ok(Self { train, histories, signals, seen, questions, candidates, protocol: protocol.clone() })
    }

    /// How many questions are asked.
    pub fn len(&self) -> usize {
        self.questions.len()
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    /// Asks a model every question.
    ///
    /// # Errors
    /// Those of [`seoro_eval::evaluate`].
    pub fn evaluate(&self, model: &dyn Score, threads: usize) -> Result<Evaluation, EvalError> {
        let hide: &dyn Hide = match self.protocol.hide {
            HideRule::Nothing => &Nothing,
            HideRule::Training => &Seen(&self.seen),
        };
        let cases: Vec<Case<'_>> =
            self.questions.iter().enumerate().map(|(n, question)| self.case(n, question)).collect();
        let mut options = Options::new();
        options.ties = self.protocol.ties;
        options.hide = hide;
        options.threads = threads;
        seoro_eval::evaluate(model, &cases, &self.protocol.metrics, &options)
    }

    fn case<'a>(&'a self, n: usize, question: &'a Question) -> Case<'a> {
        let mut query = self.histories.query(question.user);
        query.at = question.at;
        Case {
            query,
            targets: &question.targets,
            candidates: self.candidates.as_ref().map(|candidates| candidates[n].as_slice()),
        }
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

fn divided(dataset: &str, log: &Log, splitter: Splitter) -> Result<(Log, Log), LabError> {
    let parts = splitter
        .split(log, Seed::new(2017).child(dataset))
        .map_err(|source| LabError::Split { dataset: dataset.to_owned(), source })?;
    Ok((parts.train, parts.test))
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

/// The signals that come before all hidden interactions of their users: those of the test, and those `asked`, which in
/// validation are earlier, but not of every user.
fn before(signals: &Signals, test: HashMap<UserId, i64>, asked: HashMap<UserId, i64>) -> Signals {
    let end = |user: UserId| [&test, &asked].into_iter().filter_map(|ends| ends.get(&user).copied()).min();
    signals.before(end)
}

/// The set of targets and given negatives: a list that names its own target counts it once.
fn given_candidates(data: &Data, questions: &[Question]) -> Result<Vec<Vec<ItemId>>, LabError> {
    let missing =
        || LabError::Usage(format!("{}: no lists of negatives; expected negatives = a number", data.name));
    let lists = data.negatives.as_ref().ok_or_else(missing)?;
    questions
        .iter()
        .map(|question| {
            let list = lists.get(question.user.index()).ok_or_else(missing)?;
            let set: BTreeSet<ItemId> = list.iter().chain(&question.targets).copied().collect();
            Ok(set.into_iter().collect())
        })
        .collect()
}

fn drawn_candidates(
    data: &Data,
    seen: &Csr,
    questions: &[Question],
    negatives: usize,
    stream: &str,
) -> Result<Vec<Vec<ItemId>>, LabError> {
    let users: Vec<UserId> = questions.iter().map(|question| question.user).collect();
    let targets: Vec<&[ItemId]> = questions.iter().map(|question| question.targets.as_slice()).collect();
    // One root for every paper and row, so that all of them rank the same candidates.
    let seed = Seed::new(2017).child("negatives").child(stream).child(&data.name);
    sampled_candidates(seen, &users, &targets, negatives, seed).map_err(|source| LabError::Eval {
        row: "negatives".to_owned(),
        dataset: data.name.clone(),
        source,
    })
}
