//! Paired tests between the rows of a table: is the best row better than the others, or luckier?

use crate::table::{ResultRow, RowCells, Selection};
use seoro_eval::Metric;
use seoro_eval::significance::{holm, mean, paired_t};

/// Marks each row's results in `metric` with the Holm-corrected p of the paired t-test, user by user, against the best
/// row; the oracle is no competitor.
pub(crate) fn mark_p_values(table: &[RowCells<'_>], metric: Metric, results: &mut [ResultRow]) {
    let rows = table.iter().filter(|cells| !cells.row.is_oracle());
    let values: Vec<(&str, Vec<f64>)> =
        rows.map(|cells| (cells.row.name.as_str(), per_query(cells, metric))).collect();
    let Some((best, best_values)) = values.iter().max_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1))) else {
        return;
    };
    let tests: Vec<(&str, f64)> = values
        .iter()
        .filter(|(row, _)| row != best)
        .filter_map(|(row, values)| Some((*row, paired_t(best_values, values).ok()?.p_value)))
        .collect();
    let Ok(adjusted) = holm(&tests.iter().map(|(_, p)| *p).collect::<Vec<f64>>()) else { return };
    for ((row, _), p) in tests.iter().zip(adjusted) {
        let of_row = |result: &&mut ResultRow| {
            result.row == *row && result.metric == metric && result.selection == Selection::Last
        };
        results.iter_mut().filter(of_row).for_each(|result| result.p_against_best = Some(p));
    }
}

/// Each question's value, the mean over seeds.
fn per_query(cells: &RowCells<'_>, metric: Metric) -> Vec<f64> {
    let columns: Vec<&Vec<f32>> = cells.cells.iter().filter_map(|cell| cell.per_query.get(&metric)).collect();
    let questions = columns.first().map_or(0, |column| column.len());
    let of_question = |question: usize| columns.iter().map(|column| f64::from(column[question])).sum::<f64>();
    (0..questions).map(|question| of_question(question) / columns.len() as f64).collect()
}
