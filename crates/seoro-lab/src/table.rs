//! Rows of results, ours beside the printed ones: what a cell says, ready for people and programs.

use crate::LabError;
use crate::cell::Cell;
use crate::measure::Measure;
use crate::paper::{Paper, Part, Printed, Row, Status};
use seoro_eval::significance::{mean, std};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One number of ours, beside the printed one where there is one; `M` names what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultRow<M = Measure> {
    /// The paper.
    pub paper: String,
    /// The printed table, or `ours` where none prints this number.
    pub table: String,
    /// System and variant.
    pub row: String,
    /// The data set.
    pub dataset: String,
    /// Which part of the report.
    pub protocol: Part,
    /// What was measured.
    pub metric: M,
    /// How hard an index looked, where it can look more or less hard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<usize>,
    /// The printed number.
    pub published: Option<f64>,
    /// Where it was read.
    pub source: Option<String>,
    /// How sure it is.
    pub status: Option<Status>,
    /// How far ours may be off.
    pub tolerance: Option<f64>,
    /// Ours: the mean over seeds.
    pub value: f64,
    /// The sample standard deviation over seeds; 0 for one seed.
    pub std: f64,
    /// How many seeds.
    pub seeds: usize,
    /// Seconds a fit took (see [`Cell::seconds`]), the mean over seeds.
    pub seconds: f64,
    /// The most memory a fit and its evaluation held.
    pub peak_rss_mb: Option<f64>,
    /// Where it was computed.
    pub device: String,
    /// On how many threads.
    pub threads: usize,
    /// By which code.
    pub commit: String,
    /// Whether the printed number is reached: no worse than it by more than the tolerance, for deterministic rows also no
    /// better; absent where nothing is printed or the figure is no bar.
    pub within: Option<bool>,
    /// `last` is the model as the fit left it, `best-on-test` the snapshot a paper selecting on test would report.
    pub selection: Selection,
    /// The epoch, for models that have epochs; the mean over seeds.
    pub epoch: Option<f64>,
    /// The paired test of this row against the best row of its table (Holm-corrected p), in the honest part.
    pub p_against_best: Option<f64>,
    /// The 95 % interval of how far this row is behind the best row of its table, the mean over users, of
    /// ratings in the loss; absent for the best row, and where a paper asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_best: Option<[f64; 2]>,
    /// By the name of the row that a printed order has next below this one, the interval of how far this row
    /// is ahead of it, likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ahead_of_next: BTreeMap<String, [f64; 2]>,
}

/// Which state of a model was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// As the fit left it.
    Last,
    /// The best of the snapshots on test.
    BestOnTest,
}

/// The results of one row on one data set in one part.
pub struct RowCells<'a> {
    /// The row.
    pub row: &'a Row,
    /// The data set.
    pub dataset: &'a str,
    /// The part.
    pub part: Part,
    /// One cell a seed.
    pub cells: Vec<Cell>,
}

impl RowCells<'_> {
    /// The rows of results: one for each metric and printed table, and again for the best snapshot on test.
    pub fn results(&self, paper: &Paper, metrics: &[Measure]) -> Vec<ResultRow> {
        let mut results = Vec::new();
        for &metric in metrics {
            let printed: Vec<&Printed> = paper
                .printed(&self.row.name, self.dataset, self.part)
                .filter(|printed| printed.values.contains_key(&metric))
                .collect();
            let tables =
                if printed.is_empty() { vec![None] } else { printed.into_iter().map(Some).collect() };
            for selection in [Selection::Last, Selection::BestOnTest] {
                for &table in &tables {
                    results.extend(self.result(paper, metric, table, selection));
                }
            }
        }
        results
    }

    fn result(
        &self,
        paper: &Paper,
        metric: Measure,
        printed: Option<&Printed>,
        selection: Selection,
    ) -> Option<ResultRow> {
        let states: Vec<(f64, Option<f64>)> =
            self.cells.iter().filter_map(|cell| state(cell, metric, selection)).collect();
        let first = self.cells.first()?;
        let values: Vec<f64> = states.iter().map(|(value, _)| *value).collect();
        if values.is_empty() {
            return None;
        }
        let value = mean(&values);
        let epochs: Option<Vec<f64>> = states.iter().map(|(_, epoch)| *epoch).collect();
        let published = printed.map(|printed| printed.values[&metric]);
        let seconds: Vec<f64> = self.cells.iter().map(|cell| cell.seconds).collect();
        Some(ResultRow {
            paper: paper.name.clone(),
            table: printed.map_or("ours", |printed| &printed.table).to_owned(),
            row: self.row.name.clone(),
            dataset: self.dataset.to_owned(),
            protocol: self.part,
            metric,
            effort: None,
            published,
            source: printed.map(|printed| paper.sources[&printed.source].clone()),
            status: printed.map(|printed| printed.status),
            tolerance: printed.and_then(|printed| printed.tolerance),
            value: round(value),
            std: if values.len() > 1 { round(std(&values)) } else { 0.0 },
            seeds: values.len(),
            seconds: round(mean(&seconds)),
            peak_rss_mb: self.cells.iter().filter_map(|cell| cell.peak_rss_mb).max_by(f64::total_cmp),
            device: first.device.clone(),
            threads: first.threads,
            commit: commits(&self.cells),
            within: printed.and_then(|printed| within(value, printed, metric, self.row.deterministic)),
            selection,
            epoch: epochs.map(|epochs| mean(&epochs)),
            p_against_best: None,
            behind_best: None,
            ahead_of_next: BTreeMap::new(),
        })
    }
}

/// The commits behind some cells, each once.
fn commits(cells: &[Cell]) -> String {
    let commits: BTreeSet<&str> = cells.iter().map(|cell| cell.commit.as_str()).collect();
    Vec::from_iter(commits).join(", ")
}

fn state(cell: &Cell, metric: Measure, selection: Selection) -> Option<(f64, Option<f64>)> {
    match selection {
        Selection::Last => Some((*cell.values.get(&metric)?, cell.epochs.map(|epoch| epoch as f64))),
        Selection::BestOnTest => {
            let best = cell.best_on_test.as_ref()?;
            Some((*best.values.get(&metric)?, Some(best.epoch as f64)))
        }
    }
}

fn within(value: f64, printed: &Printed, metric: Measure, deterministic: bool) -> Option<bool> {
    if matches!(printed.status, Status::Unverified | Status::OtherData) {
        return None;
    }
    let (difference, tolerance) = (metric.gain(value, printed.values[&metric]), printed.tolerance?);
    Some(difference >= -tolerance && (!deterministic || difference <= tolerance))
}

/// Six digits are more than any of these measures is sure of.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Refuses to replace what was published with more seeds.
///
/// # Errors
/// [`LabError::Usage`].
pub fn check_seeds(
    published: &[ResultRow],
    row: &str,
    dataset: &str,
    protocol: Part,
    seeds: usize,
) -> Result<(), LabError> {
    let is_same = |old: &&ResultRow| old.row == row && old.dataset == dataset && old.protocol == protocol;
    match published.iter().filter(is_same).map(|old| old.seeds).max() {
        Some(more) if more > seeds => Err(LabError::Usage(format!(
            "{row} on {dataset}: published with {more} seeds, measured with {seeds}; expected --seeds {more}"
        ))),
        _ => Ok(()),
    }
}

/// `old` with the rows that `new` measured again replaced, in the order of the paper's rows.
///
/// A p-value compares a row with the others of its table, as does an interval: where only some of a table's
/// rows were measured again, none of them says anything any more, and they are left out.
///
/// # Errors
/// [`LabError::Usage`] where a row was published with more seeds than it has now.
pub fn merge(paper: &Paper, old: Vec<ResultRow>, new: Vec<ResultRow>) -> Result<Vec<ResultRow>, LabError> {
    let is_same_table = |a: &ResultRow, b: &ResultRow| (a.protocol, &a.dataset) == (b.protocol, &b.dataset);
    let is_same = |a: &ResultRow, b: &ResultRow| is_same_table(a, b) && a.row == b.row;
    for new in &new {
        check_seeds(&old, &new.row, &new.dataset, new.protocol, new.seeds)?;
    }
    let place = |row: &ResultRow| paper.rows.iter().position(|candidate| candidate.name == row.row);
    let kept = old.into_iter().filter(|old| !new.iter().any(|new| is_same(old, new)));
    let kept: Vec<ResultRow> = kept.filter(|old| place(old).is_some()).collect();
    let is_part = |row: &ResultRow| {
        kept.iter().any(|kept| is_same_table(kept, row)) && new.iter().any(|new| is_same_table(new, row))
    };
    let mut rows: Vec<ResultRow> = kept.iter().chain(&new).cloned().collect();
    for row in rows.iter_mut().filter(|row| is_part(row)) {
        (row.p_against_best, row.behind_best) = (None, None);
        row.ahead_of_next.clear();
    }
    rows.sort_by(|a, b| (a.protocol, &a.dataset, place(a)).cmp(&(b.protocol, &b.dataset, place(b))));
    Ok(rows)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{paper, workplace};

    pub(crate) fn result(row: &str, protocol: Part, seeds: usize) -> ResultRow {
        serde_json::from_value(serde_json::json!({
            "paper": "ncf", "table": "ours", "row": row, "dataset": "world", "protocol": protocol,
            "metric": "ndcg@10", "published": null, "source": null, "status": null, "tolerance": null,
            "value": 0.5, "std": 0.0, "seeds": seeds, "seconds": 1.0, "peak_rss_mb": null, "device": "cpu",
            "threads": 2, "commit": "abc", "within": null, "selection": "last", "epoch": null,
            "p_against_best": 0.5,
        }))
        .expect("a row of results")
    }

    fn ncf() -> Paper {
        let papers = paper::read_all(&workplace::root().join("docs/papers")).expect("the papers");
        papers.recommenders.into_iter().find(|paper| paper.name == "ncf").expect("is there")
    }

    #[test]
    fn part_of_a_table_leaves_no_p_value_and_other_tables_theirs() {
        let old = vec![
            result("ease", Part::AsPublished, 1),
            result("ease", Part::Honest, 1),
            result("top-pop", Part::Honest, 1),
        ];
        let merged =
            merge(&ncf(), old.clone(), vec![result("ease", Part::Honest, 1)]).expect("as many seeds");
        let p_values: Vec<Option<f64>> = merged.iter().map(|row| row.p_against_best).collect();
        assert_eq!(p_values, [Some(0.5), None, None]);
        let whole = vec![result("top-pop", Part::Honest, 1), result("ease", Part::Honest, 1)];
        let merged = merge(&ncf(), old, whole).expect("as many seeds");
        assert!(merged.iter().all(|row| row.p_against_best == Some(0.5)));
    }

    #[test]
    fn fewer_seeds_replace_no_more() {
        let old = vec![result("mf-bpr", Part::Honest, 3)];
        let refused = merge(&ncf(), old.clone(), vec![result("mf-bpr", Part::Honest, 1)]);
        let said = refused.expect_err("one seed is less than three").to_string();
        assert!(said.contains("3 seeds") && said.contains("--seeds 3"), "{said}");
        assert_eq!(merge(&ncf(), old, vec![result("mf-bpr", Part::Honest, 5)]).expect("more seeds").len(), 1);
    }
}
