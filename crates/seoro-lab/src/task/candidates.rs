//! Among which items a target is ranked.

use super::{Question, Side};
use crate::LabError;
use crate::data::Data;
use crate::paper::Negatives;
use seoro_core::{Csr, ItemId, Seed, UserId};
use seoro_eval::sampled_candidates;
use std::collections::BTreeSet;

/// How many negatives a validation question gets where the test's are given: as many as in the NCF paper.
const VALIDATION_NEGATIVES: usize = 99;

/// The candidates of each question: its targets, and negatives of users who have the items of `seen`.
///
/// # Errors
/// Data without the negatives that are to be given.
pub(super) fn candidates(
    data: &Data,
    negatives: Negatives,
    side: Side,
    seen: &Csr,
    questions: &[Question],
) -> Result<Vec<Vec<ItemId>>, LabError> {
    let (count, stream) = match (negatives, side) {
        (Negatives::Given(_), Side::Test) => return given_candidates(data, questions),
        (Negatives::Given(_), Side::Validation) => (VALIDATION_NEGATIVES, "validation"),
        (Negatives::Drawn(count), Side::Test) => (count, "test"),
        (Negatives::Drawn(count), Side::Validation) => (count, "validation"),
    };
    drawn_candidates(data, seen, questions, count, stream)
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
    // One root for every paper, row and name of the data, so that all of them rank the same candidates.
    let seed = Seed::new(2017).child("negatives").child(stream).child(&data.source);
    sampled_candidates(seen, &users, &targets, negatives, seed).map_err(|source| LabError::Eval {
        row: "negatives".to_owned(),
        dataset: data.name.clone(),
        source,
    })
}
