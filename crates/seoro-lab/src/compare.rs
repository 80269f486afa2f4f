//! Paired tests between the rows of a table: is the best row better than the others, or luckier?

use crate::measure::{Measure, Preference};
use crate::table::{ResultRow, RowCells, Selection, round};
use seoro_core::Seed;
use seoro_eval::significance::{bootstrap, holm, mean, paired_t};

/// How many samples an interval is of.
const RESAMPLES: usize = 2_000;

/// A table whose rows are compared in one metric.
#[derive(Clone, Copy)]
pub(crate) struct Comparison<'a> {
    /// The rows.
    pub(crate) table: &'a [RowCells<'a>],
    /// In what.
    pub(crate) metric: Measure,
    /// Whether each seed has a split of its own: rows with fewer seeds then have other users.
    pub(crate) is_redrawn: bool,
}

/// What the rows of a table made of each user, the table's best row apart; the oracle is no competitor.
struct Rivals<'a> {
    best: Vec<f64>,
    others: Vec<(&'a str, Vec<f64>)>,
}

impl<'a> Comparison<'a> {
    /// Marks each row's results with the Holm-corrected p of the paired t-test, user by user, against the best
    /// row.
    pub(crate) fn mark_p_values(&self, results: &mut [ResultRow]) {
        let Some(Rivals { best, others }) = self.rivals() else { return };
        let p_value = |values: &[f64]| paired_t(&best, values).ok().map(|test| test.p_value);
        let tests: Vec<(&str, f64)> =
            others.iter().filter_map(|(row, values)| Some((*row, p_value(values)?))).collect();
        let Ok(adjusted) = holm(&tests.iter().map(|(_, p)| *p).collect::<Vec<f64>>()) else { return };
        for ((row, _), p) in tests.iter().zip(adjusted) {
            of_row(results, row, self.metric).for_each(|result| result.p_against_best = Some(p));
        }
    }

    /// Marks each row's results with the 95 % bootstrap interval of how far the row is behind the best one,
    /// user by user.
    pub(crate) fn mark_intervals(&self, results: &mut [ResultRow]) {
        let Some(Rivals { best, others }) = self.rivals() else { return };
        for (row, values) in &others {
            let Some(interval) = self.interval(&best, values) else { continue };
            of_row(results, row, self.metric).for_each(|result| result.behind_best = Some(interval));
        }
    }

    /// Marks the results of each of these rows but the last with the interval of how far it is ahead of the
    /// next one.
    pub(crate) fn mark_order(&self, order: &[String], results: &mut [ResultRow]) {
        for pair in order.windows(2) {
            let [above, below] = [&pair[0], &pair[1]];
            let values = |name: &String| self.users(self.table.iter().find(|cells| cells.row.name == *name)?);
            let (Some(upper), Some(lower)) = (values(above), values(below)) else { continue };
            let Some(interval) = self.interval(&upper, &lower) else { continue };
            of_row(results, above, self.metric).for_each(|result| {
                result.ahead_of_next.insert(below.clone(), interval);
            });
        }
    }

    /// The best row by what the table says of it, and the others; nothing where the best one's users are not
    /// known.
    fn rivals(&self) -> Option<Rivals<'a>> {
        let rows: Vec<&RowCells<'_>> = self.table.iter().filter(|cells| !cells.row.is_oracle()).collect();
        let values = rows.iter().filter_map(|cells| Some((*cells, self.value(cells)?)));
        let (best, _) = values.max_by(|(_, a), (_, b)| self.metric.compare(*a, *b))?;
        let others = rows.into_iter().filter(|cells| cells.row.name != best.row.name);
        let others = others.filter_map(|cells| Some((cells.row.name.as_str(), self.users(cells)?)));
        Some(Rivals { best: self.users(best)?, others: others.collect() })
    }

    /// A row's mean over seeds, as its table has it.
    fn value(&self, cells: &RowCells<'_>) -> Option<f64> {
        let values: Vec<f64> =
            cells.cells.iter().filter_map(|cell| cell.values.get(&self.metric).copied()).collect();
        (!values.is_empty()).then(|| mean(&values))
    }

    /// A row's users, where they are those of the row with the most seeds.
    fn users(&self, cells: &RowCells<'_>) -> Option<Vec<f64>> {
        let most = self.table.iter().map(|cells| cells.cells.len()).max()?;
        let has_all_splits = !self.is_redrawn || cells.cells.len() == most;
        has_all_splits.then(|| per_user(cells, self.metric))?
    }

    /// The 95 % interval of how much better one row's users fare than another's; nothing where they are no
    /// pairs, or no numbers.
    fn interval(&self, better: &[f64], worse: &[f64]) -> Option<[f64; 2]> {
        if better.len() != worse.len() {
            return None;
        }
        let gain = |(&better, &worse): (&f64, &f64)| self.metric.gain(better, worse);
        let gains: Vec<f64> = better.iter().zip(worse).map(gain).collect();
        let seed = Seed::new(2017).child("behind-best");
        let (low, high) = bootstrap(&gains, 0.95, RESAMPLES, seed).ok()?;
        Some([round(low), round(high)])
    }
}

/// A row's results in `metric`, as fits left their models.
fn of_row<'a>(
    results: &'a mut [ResultRow],
    row: &'a str,
    metric: Measure,
) -> impl Iterator<Item = &'a mut ResultRow> {
    results.iter_mut().filter(move |result| {
        result.row == row && result.metric == metric && result.selection == Selection::Last
    })
}

/// Each user's value, the mean over seeds; nothing where seeds asked other numbers of users, who then are no
/// pairs.
fn per_user(cells: &RowCells<'_>, metric: Measure) -> Option<Vec<f64>> {
    let columns: Vec<&Vec<f32>> = cells.cells.iter().filter_map(|cell| cell.per_query.get(&metric)).collect();
    let users = columns.first()?.len();
    if users == 0 || columns.iter().any(|column| column.len() != users) {
        return None;
    }
    let of_user = |user: usize| columns.iter().map(|column| f64::from(column[user])).sum::<f64>();
    Some((0..users).map(|user| of_user(user) / columns.len() as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::paper::{Paper, Part, small};
    use crate::table::tests::result;

    const METRIC: &str = "ndcg@10";

    fn cells<'a>(paper: &'a Paper, row: &str, seeds: &[&[f32]]) -> RowCells<'a> {
        let value = |users: &[f32]| f64::from(users.iter().sum::<f32>()) / users.len().max(1) as f64;
        cells_of(paper, row, &seeds.iter().map(|users| (value(users), *users)).collect::<Vec<_>>())
    }

    /// Cells of these values, with these users'.
    fn cells_of<'a>(paper: &'a Paper, row: &str, seeds: &[(f64, &[f32])]) -> RowCells<'a> {
        let cell = |(value, per_query): &(f64, &[f32])| -> Cell {
            serde_json::from_value(serde_json::json!({
                "key": "", "values": { METRIC: value }, "per_query": { METRIC: per_query }, "best_on_test": null,
                "epochs": null, "seconds": 1.0, "evaluation_seconds": 1.0, "peak_rss_mb": null, "device": "cpu",
                "threads": 2, "commit": "abc",
            }))
            .expect("a cell")
        };
        let row = paper.row(row).expect("a row");
        RowCells { row, dataset: "world", part: Part::Honest, cells: seeds.iter().map(cell).collect() }
    }

    fn marked(table: &[RowCells<'_>]) -> Vec<ResultRow> {
        marked_of_splits(table, false)
    }

    fn marked_of_splits(table: &[RowCells<'_>], is_redrawn: bool) -> Vec<ResultRow> {
        let row = |cells: &RowCells<'_>| ResultRow {
            p_against_best: None,
            ..result(&cells.row.name, Part::Honest, 1)
        };
        let mut results: Vec<ResultRow> = table.iter().map(row).collect();
        let comparison = Comparison { table, metric: METRIC.parse().expect("a metric"), is_redrawn };
        comparison.mark_p_values(&mut results);
        comparison.mark_intervals(&mut results);
        comparison.mark_order(&["ease", "pop"].map(str::to_owned), &mut results);
        results
    }

    #[test]
    fn the_worse_row_is_behind_by_an_interval_around_the_mean_difference() {
        let paper = small("");
        let better: &[f32] = &[0.9, 0.8, 0.7, 0.9];
        let worse: [&[f32]; 2] = [&[0.5, 0.5, 0.5, 0.5], &[0.3, 0.3, 0.3, 0.3]];
        let results = marked(&[cells(&paper, "pop", &worse), cells(&paper, "ease", &[better])]);
        let [low, high] = results[0].behind_best.expect("an interval");
        assert!((0.3..0.425).contains(&low) && (0.425..0.5001).contains(&high), "{low} to {high}");
        assert!(results[0].p_against_best.is_some_and(|p| p < 0.05));
        assert_eq!((results[1].behind_best, results[1].p_against_best), (None, None));
    }

    #[test]
    fn seeds_that_asked_other_users_are_no_pairs() {
        let paper = small("");
        let unequal: [&[f32]; 2] = [&[0.5, 0.5, 0.5], &[0.3, 0.3]];
        let results = marked(&[cells(&paper, "pop", &unequal), cells(&paper, "ease", &[&[0.9, 0.8, 0.7]])]);
        assert!(results.iter().all(|row| row.behind_best.is_none() && row.p_against_best.is_none()));
    }

    #[test]
    fn the_best_row_is_the_one_whose_table_value_is_best() {
        let paper = small("");
        let (low, high): (&[f32], &[f32]) = (&[0.5, 0.5, 0.6], &[0.9, 0.8, 0.8]);
        let results =
            marked(&[cells_of(&paper, "pop", &[(0.7, low)]), cells_of(&paper, "ease", &[(0.6, high)])]);
        assert_eq!(results[0].behind_best, None);
        assert!(results[1].behind_best.is_some_and(|[_, high]| high < 0.0));
        let results =
            marked(&[cells_of(&paper, "pop", &[(0.7, &[])]), cells_of(&paper, "ease", &[(0.6, high)])]);
        assert!(results.iter().all(|row| row.behind_best.is_none() && row.p_against_best.is_none()));
    }

    #[test]
    fn where_splits_are_redrawn_fewer_seeds_are_no_pairs() {
        let paper = small("");
        let [better, worse]: [&[f32]; 2] = [&[0.9, 0.8, 0.7], &[0.5, 0.5, 0.6]];
        let table = [cells(&paper, "pop", &[worse]), cells(&paper, "ease", &[better, better])];
        let results = marked_of_splits(&table, true);
        assert!(results[0].behind_best.is_none() && results[0].p_against_best.is_none());
        assert!(results[1].ahead_of_next.is_empty());
        assert!(marked(&table)[0].behind_best.is_some());
    }

    #[test]
    fn a_pair_of_an_order_has_an_interval_on_the_upper_row() {
        let paper = small("");
        let [better, worse]: [&[f32]; 2] = [&[0.9, 0.8, 0.7], &[0.5, 0.5, 0.6]];
        let results = marked(&[cells(&paper, "pop", &[better]), cells(&paper, "ease", &[worse])]);
        assert!(results[0].ahead_of_next.is_empty());
        assert!(results[1].ahead_of_next["pop"][1] < 0.0, "EASE is behind");
    }
}
