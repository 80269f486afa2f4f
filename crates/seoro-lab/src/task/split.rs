//! Which interactions are hidden.

use crate::LabError;
use crate::data::Data;
use crate::paper::{DatasetUse, Protocol, SplitRule};
use seoro_core::split::{Pick, Splitter};
use seoro_core::{Log, Seed};

/// The seed of a split: where each of the paper's seeds has its own, that of `seed`.
pub(super) fn split_seed(data: &Data, usage: &DatasetUse, protocol: &Protocol, seed: u64) -> Seed {
    let root = Seed::new(2017).child(&data.source);
    let is_drawn = protocol.split(usage).is_drawn();
    if is_drawn { root.index(protocol.seed_of_split(usage, seed)) } else { root }
}

/// What may be learned from, and the test.
///
/// # Errors
/// Data without the order or the files that the rule needs.
pub(super) fn test_split(data: &Data, rule: SplitRule, root: Seed) -> Result<(Log, Log), LabError> {
    let missing =
        || LabError::Usage(format!("{}: no test files; expected split = \"leave-one-out\"", data.name));
    match splitter(rule) {
        None => Ok((data.train.clone(), data.test.clone().ok_or_else(missing)?)),
        Some(splitter) => divided(&data.name, &data.train, splitter, root),
    }
}

/// What is left of training data, and the validation data among them.
///
/// # Errors
/// Data without the order that the rule needs.
pub(super) fn validation_split(
    dataset: &str,
    rule: SplitRule,
    train: &Log,
    root: Seed,
) -> Result<(Log, Log), LabError> {
    // Drawn by other numbers than the test was.
    let seed = if rule.is_drawn() { root.child("validation") } else { root };
    divided(dataset, train, validation_splitter(rule, train), seed)
}

/// How the test is divided from the rest; nothing where the files say so.
fn splitter(rule: SplitRule) -> Option<Splitter> {
    match rule {
        SplitRule::Given => None,
        SplitRule::LeaveOneOut => Some(Splitter::LeaveOneOut),
        SplitRule::Share(test) => Some(Splitter::Global { test }),
        SplitRule::ShareOfUser(test) => Some(Splitter::PerUser { test, pick: Pick::Random }),
        SplitRule::LatestShare(test) => Some(Splitter::GlobalTime { test }),
    }
}

/// How validation data are divided from training data: as the test was, where that was a share.
fn validation_splitter(rule: SplitRule, train: &Log) -> Splitter {
    match splitter(rule) {
        None | Some(Splitter::LeaveOneOut) if train.times().is_some() => Splitter::LeaveOneOut,
        // Where nobody knows what came last, any one will do.
        None | Some(Splitter::LeaveOneOut) => Splitter::LeaveRandomOut,
        Some(share) => share,
    }
}

fn divided(dataset: &str, log: &Log, splitter: Splitter, seed: Seed) -> Result<(Log, Log), LabError> {
    let parts = splitter
        .split(log, seed)
        .map_err(|source| LabError::Split { dataset: dataset.to_owned(), source })?;
    Ok((parts.train, parts.test))
}
