//! Rows of results of indexes, in the format of all papers.

use super::{Measure, Point, TradeCell};
use crate::ann::Space;
use crate::paper::{AnnPaper, AnnPrinted, AnnRow, Part, Status};
use crate::table::{ResultRow, Selection, round};
use std::collections::BTreeMap;

/// One number of an index.
pub type TradeRow = ResultRow<Measure>;

/// The rows of results of one index over some vectors.
pub fn results(paper: &AnnPaper, row: &AnnRow, space: Space, cell: &TradeCell) -> Vec<TradeRow> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let mut rows =
        vec![result(paper, row, space, cell, (None, Measure::Memory, megabytes(cell.bytes)), None)];
    let vectors = cell.vector_bytes.map(|bytes| (None, Measure::Vectors, megabytes(bytes)));
    rows.extend(vectors.map(|value| result(paper, row, space, cell, value, None)));
    for point in &cell.points {
        for (measure, value) in values(point) {
            let value = (point.effort, measure, value);
            let printed: Vec<&AnnPrinted> = paper
                .printed(&row.name, point.effort, space)
                .filter(|printed| printed.values.contains_key(&measure))
                .collect();
            if printed.is_empty() {
                rows.push(result(paper, row, space, cell, value, None));
            }
            rows.extend(
                printed.into_iter().map(|printed| result(paper, row, space, cell, value, Some(printed))),
            );
        }
    }
    rows
}

fn values(point: &Point) -> Vec<(Measure, f64)> {
    let mut values = vec![
        (Measure::Recall, point.recall),
        (Measure::PerSecond, point.per_second),
        (Measure::Median, 1e3 * point.median),
        (Measure::Slow, 1e3 * point.slow),
        (Measure::Distances, point.distances),
    ];
    let nearest = point.nearest.into_iter().flatten();
    values.extend(Measure::NEAREST.into_iter().zip(nearest).map(|((measure, _), value)| (measure, value)));
    values
}

fn result(
    paper: &AnnPaper,
    row: &AnnRow,
    space: Space,
    cell: &TradeCell,
    (effort, metric, value): (Option<usize>, Measure, f64),
    printed: Option<&AnnPrinted>,
) -> TradeRow {
    let published = printed.map(|printed| printed.values[&metric]);
    // What was measured off a figure is no bar either: two figures of one paper differ by more than codes do.
    let is_bar = |printed: &&AnnPrinted| matches!(printed.status, Status::Read | Status::Secondary);
    let within = printed
        .filter(is_bar)
        .map(|printed| (value - printed.values[&metric]).abs() <= printed.tolerance + f64::EPSILON);
    TradeRow {
        paper: paper.name.clone(),
        table: printed.map_or("ours", |printed| &printed.table).to_owned(),
        row: row.name.clone(),
        dataset: space.name().to_owned(),
        protocol: Part::AsPublished,
        metric,
        effort,
        published,
        source: printed.map(|printed| paper.sources[&printed.source].clone()),
        status: printed.map(|printed| printed.status),
        tolerance: printed.map(|printed| printed.tolerance),
        value: round(value),
        std: 0.0,
        seeds: 1,
        seconds: round(cell.build_seconds),
        peak_rss_mb: cell.peak_rss_mb,
        device: cell.device.clone(),
        threads: cell.threads,
        commit: cell.commit.clone(),
        within,
        selection: Selection::Last,
        epoch: None,
        p_against_best: None,
        behind_best: None,
        ahead_of_next: BTreeMap::new(),
    }
}

/// `old` with the indexes that `new` measured again replaced, in the order of the paper's data sets and rows.
pub fn merge(paper: &AnnPaper, old: Vec<TradeRow>, new: Vec<TradeRow>) -> Vec<TradeRow> {
    let is_same = |a: &TradeRow, b: &TradeRow| a.row == b.row && a.dataset == b.dataset;
    let place = |row: &TradeRow| {
        let dataset = paper.datasets.keys().position(|space| space.name() == row.dataset)?;
        Some((dataset, paper.rows.iter().position(|candidate| candidate.name == row.row)?))
    };
    let kept = old.into_iter().filter(|old| !new.iter().any(|new| is_same(old, new)));
    let mut rows: Vec<TradeRow> = kept.filter(|old| place(old).is_some()).collect();
    rows.extend(new);
    rows.sort_by_key(place);
    rows
}
