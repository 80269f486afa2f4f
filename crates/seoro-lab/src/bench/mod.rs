//! Speed as a ratio against a named peer, measured in pairs in one run on one machine.

mod cases;
mod peer;

use crate::data::Folders;
use crate::{LabError, render, workplace};
pub use cases::CASES;
use peer::Peer;
pub use peer::python;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;

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
    prepare: fn(&Scene) -> Result<Work, LabError>,
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
}

impl Agreement {
    fn holds(self, ours: f64, theirs: f64) -> bool {
        match self {
            Self::Within(part) => (ours - theirs).abs() <= part * theirs.abs(),
            Self::NotBelow { slack, floor } => theirs >= floor && ours >= theirs - slack,
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
        }
    }
}

/// Where the data comes from, and on how many threads both sides work.
pub struct Scene {
    /// Where data sets are looked for.
    pub folders: Folders,
    /// Threads on both sides.
    pub threads: usize,
}

/// A case ready to be timed.
struct Work {
    /// The peers' scripts, without folder and ending, each with what it is told on its first line.
    peers: Vec<(&'static str, serde_json::Value)>,
    /// Does the work once.
    ours: Ours,
}

/// Our side: what it returns says something of the result once the clock has stopped, so that nothing is optimised
/// away and a reader can compare.
type Ours = Box<dyn FnMut() -> Result<Box<dyn FnOnce() -> f64>, LabError>>;

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
}

/// Times ours alone: the median of three runs.
///
/// # Errors
/// Those of the case.
pub fn alone(case: &Case, scene: &Scene) -> Result<f64, LabError> {
    let mut work = (case.prepare)(scene)?;
    let mut seconds = Vec::new();
    for _ in 0..3 {
        seconds.push(timed(&mut work.ours)?.0);
    }
    Ok(quantile(&mut seconds, 0.5))
}

/// Times ours and each peer in turn, pair after pair.
///
/// # Errors
/// Those of the case, and a peer that does not run.
pub fn against_peers(
    case: &Case,
    scene: &Scene,
    python: &Path,
    tell: &dyn Fn(&str),
) -> Result<Vec<BenchRow>, LabError> {
    tell(case.name);
    let mut work = (case.prepare)(scene)?;
    let mut rows = Vec::new();
    for (script, told) in &work.peers {
        tell(&format!("{} against {script}", case.name));
        let mut peer = Peer::start(python, script, told)?;
        // One unmeasured pair: caches, lazy imports and clocks settle.
        timed(&mut work.ours)?;
        peer.go()?;
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut our_check, mut their_check) = (0.0, 0.0);
        for _ in 0..PAIRS {
            let (seconds, check) = timed(&mut work.ours)?;
            let answer = peer.go()?;
            ours.push(seconds);
            theirs.push(answer.seconds);
            ratios.push(answer.seconds / seconds);
            (our_check, their_check) = (check, answer.check);
            if !case.agreement.holds(check, answer.check) {
                let what = format!(
                    "{}: ours gives {check}, the peer {}; expected {}",
                    case.name, answer.check, case.agreement
                );
                return Err(LabError::Peer { peer: (*script).to_owned(), what });
            }
        }
        rows.push(BenchRow {
            bench: case.bench.to_owned(),
            case: case.name.to_owned(),
            peer: peer.name.clone(),
            peer_version: peer.version.clone(),
            ours: digits(quantile(&mut ours, 0.5)),
            theirs: digits(quantile(&mut theirs, 0.5)),
            unit: "s".to_owned(),
            ratio: digits(quantile(&mut ratios, 0.5)),
            ratio_q1: digits(quantile(&mut ratios, 0.25)),
            ratio_q3: digits(quantile(&mut ratios, 0.75)),
            pairs: PAIRS,
            our_check,
            their_check,
            threads: scene.threads,
            commit: workplace::commit(),
        });
    }
    Ok(rows)
}

fn timed(work: &mut Ours) -> Result<(f64, f64), LabError> {
    let start = Instant::now();
    let check = work()?;
    Ok((start.elapsed().as_secs_f64(), check()))
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

/// The ratios for people: docs/benchmarks.md.
pub fn markdown(rows: &[BenchRow]) -> String {
    let mut text = String::from(
        "# Benchmarks\n\nGenerated by `cargo xtask bench --peers --data DIR --publish`. Each ratio is the median over pairs, ours and the peer's\n\
         in turn in one run on one machine; above 1 ours is faster. Quartiles stand in brackets. A check is what each side\n\
         says of its own result (a recall, an objective, a count), so that a reader sees that both did the same work.\n\n",
    );
    let header = ["bench", "case", "peer", "ours s", "theirs s", "ratio", "checks", "threads", "commit"];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|row| {
        vec![
            row.bench.clone(),
            row.case.clone(),
            format!("{} {}", row.peer, row.peer_version),
            format!("{:.4}", row.ours),
            format!("{:.4}", row.theirs),
            format!("{:.2} [{:.2}, {:.2}]", row.ratio, row.ratio_q1, row.ratio_q3),
            format!("{:.6} / {:.6}", row.our_check, row.their_check),
            row.threads.to_string(),
            row.commit.clone(),
        ]
    }));
    text.push_str(&render::aligned(&lines));
    let is_shown = |case: &&Case| rows.iter().any(|row| row.case == case.name);
    for case in CASES.iter().filter(is_shown) {
        if let Some(note) = case.note {
            text.push_str(&format!("\n{}: {note}\n", case.name));
        }
    }
    text
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
        for agreement in [Agreement::Within(0.5), not_below] {
            assert!(!agreement.holds(f64::NAN, 1.0) && !agreement.holds(1.0, f64::NAN));
        }
    }
}
