//! A case ready to be measured: our side, and how the bench speaks with each peer.

use super::peer::Peer;
use crate::LabError;
use serde::Deserialize;
use serde_json::Value;
use std::time::Instant;

/// A case ready to be measured.
pub(super) struct Work {
    /// The peers, in turn.
    pub(super) opponents: Vec<Opponent>,
    /// Our side.
    pub(super) ours: Measure,
    /// What both are counted in: less is better.
    pub(super) unit: &'static str,
    /// How many pairs a ratio is the median of.
    pub(super) pairs: usize,
    /// Whether a pair goes before them that is not measured: caches, lazy imports and clocks settle.
    pub(super) is_warmed: bool,
    /// Our parameters in words, where the bench chose them.
    pub(super) setting: String,
    /// Threads on both sides.
    pub(super) threads: usize,
}

/// Does the work once; what it returns says something of the result once the clock has stopped, so that nothing is
/// optimised away and a reader can compare.
pub(super) type Repeat = Box<dyn FnMut() -> Result<Box<dyn FnOnce() -> f64>, LabError>>;

/// Our side.
pub(super) enum Measure {
    /// Work that is timed.
    Seconds(Repeat),
    /// Work that says itself how long its core took: both sides leave the same out.
    Told(Box<dyn FnMut() -> Result<Answer, LabError>>),
    /// A number that is known.
    Number(Answer),
}

impl Measure {
    pub(super) fn once(&mut self) -> Result<Answer, LabError> {
        match self {
            Self::Seconds(work) => {
                let start = Instant::now();
                let check = work()?;
                Ok(Answer { value: start.elapsed().as_secs_f64(), check: check() })
            }
            Self::Told(work) => work(),
            Self::Number(answer) => Ok(*answer),
        }
    }
}

/// What a side says of one repetition.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Answer {
    /// How much it took: seconds, where nothing else is said.
    #[serde(rename = "seconds")]
    pub(crate) value: f64,
    /// What it says of its result.
    pub(crate) check: f64,
}

/// A peer in a case.
pub(super) struct Opponent {
    /// Its script, without folder and ending.
    pub(super) script: &'static str,
    /// Which of its indexes, where it has several.
    pub(super) index: Option<&'static str>,
    /// What it is told on its first line.
    pub(super) told: Value,
    /// What it is asked then.
    pub(super) talk: Box<dyn Talk>,
}

/// What a peer is asked.
pub(super) trait Talk {
    /// Makes it ready for the first repetition, and says in words by which parameters, where they were chosen.
    fn prepare(&mut self, peer: &mut Peer) -> Result<String, LabError>;

    /// One repetition.
    fn repeat(&mut self, peer: &mut Peer) -> Result<Answer, LabError>;
}

/// A peer that does one thing.
struct Go;

impl Talk for Go {
    fn prepare(&mut self, _: &mut Peer) -> Result<String, LabError> {
        Ok(String::new())
    }

    fn repeat(&mut self, peer: &mut Peer) -> Result<Answer, LabError> {
        peer.go()
    }
}

impl Work {
    /// Work that is timed against peers that do one thing.
    pub(super) fn timed(peers: Vec<(&'static str, Value)>, ours: Repeat, threads: usize) -> Self {
        Self::new(peers, Measure::Seconds(ours), threads)
    }

    /// Work against a peer that does one thing, where both say themselves how long it took.
    pub(super) fn told(
        peer: (&'static str, Value),
        ours: impl FnMut() -> Result<Answer, LabError> + 'static,
        threads: usize,
    ) -> Self {
        Self::new(vec![peer], Measure::Told(Box::new(ours)), threads)
    }

    fn new(peers: Vec<(&'static str, Value)>, ours: Measure, threads: usize) -> Self {
        let opponent = |(script, told)| Opponent { script, index: None, told, talk: Box::new(Go) };
        Self {
            opponents: peers.into_iter().map(opponent).collect(),
            ours,
            unit: "s",
            pairs: super::PAIRS,
            is_warmed: true,
            setting: String::new(),
            threads,
        }
    }
}
