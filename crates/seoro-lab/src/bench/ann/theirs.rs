//! A library's side of a contest: what its script is told and asked.

use super::kept::collection;
use super::{CHOSEN_ON, Contest, Goal, REPORTED, missed_answer};
use crate::LabError;
use crate::ann::grids::Rival;
use crate::ann::{Choice, Collection, Half, Probe, Side, Truth, cache, choose};
use crate::bench::Scene;
use crate::bench::peer::Peer;
use crate::bench::work::{Answer, Talk};
use seoro_ann::Metric;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// A library in a contest.
pub(super) struct Theirs {
    contest: Contest,
    rival: &'static Rival,
    vectors: Arc<Collection>,
    /// Threads of builds.
    threads: usize,
    /// Threads that are measured.
    measured: usize,
    /// The library writes its answers there.
    out: NamedTempFile,
    choice: Option<Choice>,
}

/// What a script says of a build.
#[derive(Deserialize)]
struct Built {
    /// Nothing where the index was kept.
    seconds: Option<f64>,
    bytes: f64,
}

/// What it says of a search.
#[derive(Deserialize)]
struct Searched {
    seconds: f64,
}

impl Theirs {
    /// With what the script is told first.
    pub(super) fn new(
        contest: &Contest,
        rival: &'static Rival,
        scene: &Scene,
    ) -> Result<(Value, Self), LabError> {
        let vectors = collection(scene, contest.space)?;
        let out = NamedTempFile::new().map_err(LabError::io(std::env::temp_dir()))?;
        let [base, first, second] = vectors.files()?;
        let metric = match contest.space.metric() {
            Metric::SquaredL2 => "l2",
            Metric::Cosine => "cosine",
            _ => "ip",
        };
        let measured = contest.goal.threads(scene);
        let told = json!({
            "base": base, "queries": [first, second], "dim": vectors.base.cols(), "metric": metric,
            "k": contest.goal.k(), "cache": cache().join("peers"), "key": format!("{}-{metric}-{}", vectors.name, vectors.hash),
            "out": out.path(), "threads": measured,
        });
        let theirs =
            Self { contest: *contest, rival, vectors, threads: scene.threads, measured, out, choice: None };
        Ok((told, theirs))
    }

    fn build(&self, peer: &mut Peer, setting: usize, is_fresh: bool) -> Result<Built, LabError> {
        let setting = self.rival.told(setting);
        peer.ask(&json!({"build": {"setting": setting, "threads": self.threads, "fresh": is_fresh}}))
    }

    /// The seconds of a search and its recall.
    fn search(
        &self,
        peer: &mut Peer,
        (setting, effort): (usize, Option<usize>),
        (half, most, truth): (Half, usize, &Truth),
        threads: usize,
    ) -> Result<Probe, LabError> {
        let first = (most < usize::MAX).then_some(most);
        let setting = self.rival.told(setting);
        let singly = matches!(self.contest.goal, Goal::Search { singly: true, .. });
        let Searched { seconds } = peer.ask(&json!({"search": {
            "setting": setting, "effort": effort, "half": half as usize, "first": first, "threads": threads,
            "singly": singly,
        }}))?;
        let found = self.found()?;
        let recall = self.contest.goal.found(truth, &self.vectors.base, self.vectors.half(half), &found);
        Ok(Probe { seconds, recall })
    }

    /// What the script wrote; a missing row is one that is not there.
    fn found(&self) -> Result<Vec<Vec<u64>>, LabError> {
        let content = std::fs::read(self.out.path()).map_err(LabError::io(self.out.path()))?;
        let (numbers, _) = content.as_chunks::<8>();
        Ok(numbers
            .chunks(self.contest.goal.k())
            .map(|row| row.iter().map(|&id| u64::from_le_bytes(id)).collect())
            .collect())
    }

    fn truth(&self, half: Half, most: usize) -> Result<Truth, LabError> {
        Truth::of(&self.vectors, half, most, self.contest.space.metric())
    }

    /// A search whose recall is the check.
    fn check(&self, peer: &mut Peer, setting: usize, effort: usize) -> Result<f64, LabError> {
        let most = self.contest.goal.queries();
        let truth = self.truth(REPORTED, most)?;
        let probe = self.search(peer, (setting, Some(effort)), (REPORTED, most, &truth), self.measured)?;
        Ok(probe.recall)
    }
}

impl Talk for Theirs {
    fn prepare(&mut self, peer: &mut Peer) -> Result<String, LabError> {
        if let Goal::Search { recall, .. } = self.contest.goal {
            let truth = self.truth(Half::First, CHOSEN_ON)?;
            let mut choosing = Choosing { theirs: self, peer, truth };
            let unreached = || LabError::Peer {
                peer: self.rival.script.to_owned(),
                what: format!("none of its settings reaches a recall of {recall}"),
            };
            let choice = choose(&mut choosing, recall)?.ok_or_else(unreached)?;
            self.choice = Some(choice);
        }
        let setting = self.choice.map_or(0, |choice| choice.setting);
        if !matches!(self.contest.goal, Goal::Build { .. }) {
            self.build(peer, setting, false)?;
        }
        let words = self.rival.in_words(setting);
        Ok(self.choice.map_or(words.clone(), |choice| format!("{words}, effort {}", choice.effort)))
    }

    fn repeat(&mut self, peer: &mut Peer) -> Result<Answer, LabError> {
        match self.contest.goal {
            Goal::Search { .. } | Goal::Batch { .. } => {
                let most = self.contest.goal.queries();
                let truth = self.truth(REPORTED, most)?;
                let setting = self.choice.map_or((0, None), |choice| (choice.setting, Some(choice.effort)));
                let probe = self.search(peer, setting, (REPORTED, most, &truth), self.measured)?;
                Ok(Answer { value: probe.seconds, check: probe.recall })
            }
            Goal::Build { effort, .. } => {
                let built = self.build(peer, 0, true)?;
                let value = built.seconds.unwrap_or(f64::NAN);
                Ok(Answer { value, check: self.check(peer, 0, effort)? })
            }
            Goal::Missed { effort, .. } => {
                let mut check = 0.0;
                for setting in 0..self.rival.settings.len() {
                    self.build(peer, setting, false)?;
                    check += self.check(peer, setting, effort)? / self.rival.settings.len() as f64;
                }
                Ok(missed_answer(check, self.vectors.half(REPORTED).rows()))
            }
            Goal::Memory { effort } => {
                let value = self.build(peer, 0, false)?.bytes / 1e6;
                Ok(Answer { value, check: self.check(peer, 0, effort)? })
            }
        }
    }
}

/// A library whose parameters are being chosen.
struct Choosing<'a> {
    theirs: &'a Theirs,
    peer: &'a mut Peer,
    truth: Truth,
}

impl Side for Choosing<'_> {
    fn settings(&self) -> usize {
        self.theirs.rival.settings.len()
    }

    fn open(&mut self, setting: usize) -> Result<(), LabError> {
        self.theirs.build(self.peer, setting, false).map(|_| ())
    }

    fn efforts(&self, setting: usize) -> (usize, usize) {
        let rival = self.theirs.rival;
        rival.effort.range(self.theirs.vectors.base.rows(), rival.lists(setting))
    }

    fn search(&mut self, setting: usize, effort: usize) -> Result<Probe, LabError> {
        self.theirs.search(self.peer, (setting, Some(effort)), (Half::First, CHOSEN_ON, &self.truth), 1)
    }
}
