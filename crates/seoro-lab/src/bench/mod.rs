//! Speed as a ratio against a named peer, measured in pairs in one run on one machine.

mod ann;
mod cases;
mod graphs;
mod networks;
mod page;
pub(crate) mod peer;
mod words;
mod work;

use crate::data::Folders;
use crate::{LabError, workplace};
pub use page::markdown;
use peer::Peer;
pub use peer::python;
use seoro_models::DeviceName;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use work::{Opponent, Work};

/// How many pairs a ratio is the median of.
const PAIRS: usize = 7;

/// A thing to time.
#[derive(Clone, Copy)]
pub struct Case {
    /// `data`, `eval`, `ann`, `item2vec` or `models`.
    pub bench: &'static str,
    /// System, variant and size.
    pub name: &'static str,
    /// What a reader must know of the comparison.
    pub note: Option<&'static str>,
    /// How far what the two sides say of their results may differ.
    agreement: Agreement,
    prepare: Prepare,
}

/// How a case is made ready.
#[derive(Clone, Copy)]
enum Prepare {
    /// By a function of its own.
    By(fn(&Scene) -> Result<Work, LabError>),
    /// As nearest-neighbour search.
    Ann(ann::Contest),
}

impl Prepare {
    fn work(&self, scene: &Scene) -> Result<Work, LabError> {
        match self {
            Self::By(prepare) => prepare(scene),
            Self::Ann(contest) => contest.prepare(scene),
        }
    }
}

/// All cases; names are stable, for programs to read.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    cases::CASES.iter().chain(networks::CASES).chain(graphs::CASES).chain(words::CASES).chain(ann::CASES)
}

/// When both sides did the same work, by what they say of their results.
#[derive(Clone, Copy)]
enum Agreement {
    /// They differ by at most this part of the peer's.
    Within(f64),
    /// Ours, of which more is better, is at most so much below the peer's, and the peer's is what one that learns reaches.
    NotBelow {
        /// How much.
        slack: f64,
        /// What the peer must reach.
        floor: f64,
    },
    /// Both find at least so much of what was wanted, less a [`slack`], since effort is chosen on other queries; and ours at
    /// most as much less than the peer, so that nobody is fast by finding less.
    Recall(f64),
}

/// How far recalls on other queries may differ: a hundredth, and at most half of what is missed.
fn slack(wanted: f64) -> f64 {
    (0.5 * (1.0 - wanted)).clamp(0.002, 0.01)
}

impl Agreement {
    fn holds(self, ours: f64, theirs: f64) -> bool {
        match self {
            Self::Within(part) => (ours - theirs).abs() <= part * theirs.abs(),
            Self::NotBelow { slack, floor } => theirs >= floor && ours >= theirs - slack,
            Self::Recall(wanted) => {
                let slack = slack(wanted);
                ours.min(theirs) >= wanted - slack && ours >= theirs - slack
            }
        }
    }
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Within(part) => write!(f, "a difference of at most {} %", part * 100.0),
            Self::NotBelow { slack, floor } => {
                write!(f, "ours at most {slack} below theirs, and theirs at least {floor}")
            }
            Self::Recall(wanted) => {
                write!(f, "recalls of {wanted} less {}, ours at most as much below theirs", slack(*wanted))
            }
        }
    }
}

/// Where the data comes from, and on how many threads both sides work.
pub struct Scene {
    /// Where data sets are looked for.
    pub folders: Folders,
    /// Threads on both sides.
    pub threads: usize,
    /// Where networks are trained, on both sides.
    pub device: DeviceName,
    /// A Python that has the peers, where one was named.
    python: Option<PathBuf>,
    kept: ann::Kept,
}

impl Scene {
    /// A scene on the processor, without anything kept.
    pub fn new(folders: Folders, threads: usize, python: Option<PathBuf>) -> Self {
        Self { folders, threads, device: DeviceName::Cpu, python, kept: ann::Kept::default() }
    }

    /// The Python that has the peers; made where none was named.
    ///
    /// # Errors
    /// Those of [`python`].
    pub fn python(&self) -> Result<PathBuf, LabError> {
        self.python.clone().map_or_else(python, Ok)
    }
}

/// One ratio.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchRow {
    /// The bench.
    pub bench: String,
    /// The case.
    pub case: String,
    /// The peer.
    pub peer: String,
    /// Its version.
    pub peer_version: String,
    /// Our median.
    pub ours: f64,
    /// The peer's median.
    pub theirs: f64,
    /// What both are counted in.
    pub unit: String,
    /// The median over pairs of theirs ÷ ours: above 1 ours is better.
    pub ratio: f64,
    /// The lower quartile of the pairs' ratios.
    pub ratio_q1: f64,
    /// The upper quartile.
    pub ratio_q3: f64,
    /// How many pairs.
    pub pairs: usize,
    /// What our side says of its result.
    pub our_check: f64,
    /// What the peer says of its.
    pub their_check: f64,
    /// Threads on both sides.
    pub threads: usize,
    /// By which code.
    pub commit: String,
    /// Our parameters, where the bench chose or fixed them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub our_setting: String,
    /// The peer's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub their_setting: String,
}

/// Our side of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Alone {
    /// The median of three repetitions.
    pub value: f64,
    /// What it is counted in.
    pub unit: &'static str,
    /// What our side says of its result.
    pub check: f64,
    /// Our parameters, where the bench chose or fixed them.
    pub setting: String,
}

/// Measures ours alone.
///
/// # Errors
/// Those of the case.
pub fn alone(case: &Case, scene: &Scene) -> Result<Alone, LabError> {
    let mut work = case.prepare.work(scene)?;
    let (mut values, mut check) = (Vec::new(), f64::NAN);
    for _ in 0..3 {
        let answer = work.ours.once()?;
        values.push(answer.value);
        check = answer.check;
    }
    Ok(Alone { value: quantile(&mut values, 0.5), unit: work.unit, check, setting: work.setting })
}

/// Measures ours and each peer in turn, pair after pair. A peer that does not run or reach what is asked is an error in its
/// row's place: the others are measured all the same.
///
/// # Errors
/// Those of the case.
pub fn against_peers(
    case: &Case,
    scene: &Scene,
    python: &Path,
    tell: &dyn Fn(&str),
) -> Result<Vec<Result<BenchRow, LabError>>, LabError> {
    tell(case.name);
    let mut work = case.prepare.work(scene)?;
    let mut rows = Vec::new();
    for mut opponent in std::mem::take(&mut work.opponents) {
        tell(&format!("{} against {}", case.name, opponent.script));
        rows.push(against(case, &mut work, &mut opponent, python));
    }
    Ok(rows)
}

fn against(
    case: &Case,
    work: &mut Work,
    opponent: &mut Opponent,
    python: &Path,
) -> Result<BenchRow, LabError> {
    let mut peer = Peer::start(python, opponent.script, &opponent.told)?;
    let talk = &mut opponent.talk;
    let their_setting = talk.prepare(&mut peer)?;
    if work.is_warmed {
        work.ours.once()?;
        talk.repeat(&mut peer)?;
    }
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut our_check, mut their_check) = (0.0, 0.0);
    for _ in 0..work.pairs {
        let (our, their) = (work.ours.once()?, talk.repeat(&mut peer)?);
        ours.push(our.value);
        theirs.push(their.value);
        ratios.push(their.value / our.value);
        (our_check, their_check) = (our.check, their.check);
        if !case.agreement.holds(our_check, their_check) {
            let what = format!(
                "{}: ours gives {our_check}, the peer {their_check}; expected {}",
                case.name, case.agreement
            );
            return Err(LabError::Peer { peer: opponent.script.to_owned(), what });
        }
    }
    Ok(BenchRow {
        bench: case.bench.to_owned(),
        case: case.name.to_owned(),
        peer: match opponent.index {
            Some(index) => format!("{} {index}", peer.name),
            None => peer.name.clone(),
        },
        peer_version: peer.version.clone(),
        ours: digits(quantile(&mut ours, 0.5)),
        theirs: digits(quantile(&mut theirs, 0.5)),
        unit: work.unit.to_owned(),
        ratio: digits(quantile(&mut ratios, 0.5)),
        ratio_q1: digits(quantile(&mut ratios, 0.25)),
        ratio_q3: digits(quantile(&mut ratios, 0.75)),
        pairs: work.pairs,
        our_check,
        their_check,
        threads: work.threads,
        commit: workplace::commit(),
        our_setting: work.setting.clone(),
        their_setting,
    })
}

/// So many threads.
fn pool(threads: usize) -> Result<rayon::ThreadPool, LabError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| LabError::Usage(error.to_string()))
}

/// The quantile by linear interpolation.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = q * (values.len().saturating_sub(1)) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    values[low] + (values[high] - values[low]) * place.fract()
}

fn digits(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_differ_are_no_comparison() {
        assert!(Agreement::Within(0.01).holds(100.9, 100.0) && Agreement::Within(0.0).holds(3.0, 3.0));
        assert!(!Agreement::Within(0.01).holds(101.1, 100.0) && !Agreement::Within(0.01).holds(98.9, 100.0));
        let not_below = Agreement::NotBelow { slack: 0.01, floor: 0.7 };
        assert!(not_below.holds(0.9, 0.8) && not_below.holds(0.8, 0.805));
        assert!(!not_below.holds(0.78, 0.8) && !not_below.holds(0.9, 0.69));
        let recall = Agreement::Recall(0.9);
        assert!(recall.holds(0.9, 0.9) && recall.holds(0.891, 0.9) && recall.holds(0.99, 0.895));
        assert!(!recall.holds(0.88, 0.88) && !recall.holds(0.9, 0.88) && !recall.holds(0.91, 0.93));
        let high = Agreement::Recall(0.99);
        assert!(high.holds(0.986, 0.99) && !high.holds(0.984, 0.984) && !high.holds(0.986, 0.992));
        for agreement in [Agreement::Within(0.5), not_below, recall] {
            assert!(!agreement.holds(f64::NAN, 1.0) && !agreement.holds(1.0, f64::NAN));
        }
    }

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names: Vec<&str> = cases().map(|case| case.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
