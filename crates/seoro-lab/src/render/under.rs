//! What stands under a table.

use super::{Section, aligned};
use crate::cell::map_name;
use crate::course;
use crate::measure::{Measure, Preference};
use crate::paper::{Elsewhere, Order, Paper, Part, Row, Status};
use crate::table::{ResultRow, Selection};

/// Where the orders and numbers under a table were read, by table.
pub(super) fn sources<'a>(
    paper: &'a Paper,
    part: Part,
    dataset: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let orders = paper.orders(dataset, part).map(|order| (&order.table, &order.source));
    let elsewhere = paper.printed_elsewhere(dataset, part).map(|printed| (&printed.table, &printed.source));
    orders.chain(elsewhere).map(|(table, source)| (table.as_str(), paper.sources[source].as_str()))
}

impl Section<'_> {
    /// All that stands under the table.
    pub(super) fn under(&self) -> String {
        let mut text = self.intervals();
        self.paper.orders(self.dataset, self.part).for_each(|order| text.push_str(&self.order(order)));
        text.push_str(&self.elsewhere());
        text.push_str(&self.recipe_line());
        text.push_str(&self.splits_line());
        text.push_str(&self.missing_line());
        text.push_str(&self.pictures());
        text
    }

    /// The courses of fits and the maps that are drawn.
    fn pictures(&self) -> String {
        let (paper, select) = (self.paper.name.as_str(), self.paper.protocol(self.part).select);
        let course = format!("Loss and {select} by epoch");
        let mut files = vec![(course, course::picture_name(paper, self.dataset))];
        let maps = self.usage().into_iter().flat_map(|usage| &usage.maps);
        let map = |row: &Row| (format!("{} by t-SNE", row.label), map_name(paper, self.dataset, &row.name));
        files.extend(maps.filter_map(|name| self.paper.row(name).ok()).map(map));
        let is_shown = |(_, file): &(String, String)| self.part == Part::AsPublished && (self.is_drawn)(file);
        let line = |(what, file)| format!("\n![{what}, on {}]({file})\n", self.dataset);
        files.into_iter().filter(is_shown).map(line).collect()
    }

    fn is_shown(&self, row: &Row) -> bool {
        self.rows.iter().any(|result| result.row == row.name)
    }

    /// What the fits of a row left behind, in a metric.
    fn result(&self, row: &str, metric: Measure) -> Option<&ResultRow> {
        let is_it = |result: &&&ResultRow| {
            result.row == row && result.metric == metric && result.selection == Selection::Last
        };
        self.rows.iter().copied().find(|result| is_it(&result))
    }

    /// How far rows may be behind the best, where that is told.
    fn intervals(&self) -> String {
        let metrics = &self.paper.protocol(self.part).metrics;
        let bests: Vec<Option<&str>> = metrics.iter().map(|&metric| self.best(metric)).collect();
        let cell = |row: &Row, (&metric, best): (&Measure, &Option<&str>)| match best {
            Some(best) if *best == row.name => Some("best".to_owned()),
            _ => {
                let [low, high] = self.result(&row.name, metric)?.behind_best?;
                Some(format!("{low:.4} to {high:.4}"))
            }
        };
        let line = |row: &Row| {
            let cells: Vec<Option<String>> =
                metrics.iter().zip(&bests).map(|column| cell(row, column)).collect();
            let is_told = cells.iter().any(Option::is_some);
            let cells = cells.into_iter().map(Option::unwrap_or_default);
            is_told.then(|| [row.label.clone()].into_iter().chain(cells).collect::<Vec<String>>())
        };
        let lines: Vec<Vec<String>> = self.paper.rows.iter().filter_map(line).collect();
        if lines.is_empty() {
            return String::new();
        }
        let header = ["model".to_owned()].into_iter().chain(metrics.iter().map(|&metric| paired(metric)));
        let lines: Vec<Vec<String>> = [header.collect()].into_iter().chain(lines).collect();
        format!(
            "\nBehind the best row, 95 % paired interval, by user, each by itself:\n\n{}",
            aligned(&lines)
        )
    }

    /// The row that the others are behind in a metric, where that is told.
    fn best(&self, metric: Measure) -> Option<&str> {
        let rivals = self.paper.rows.iter().filter(|row| !row.is_oracle());
        let results: Vec<&ResultRow> = rivals.filter_map(|row| self.result(&row.name, metric)).collect();
        let is_told = results.iter().any(|result| result.behind_best.is_some());
        let unmarked = results.into_iter().filter(|result| is_told && result.behind_best.is_none());
        let best = unmarked.max_by(|a, b| metric.compare(a.value, b.value))?;
        Some(best.row.as_str())
    }

    /// Whether a printed order is ours too; nothing where one of its rows was not measured.
    fn order(&self, order: &Order) -> String {
        let result = |name: &String| {
            let row = self.paper.rows.iter().find(|row| row.name == *name)?;
            Some((row.label.as_str(), self.result(name, order.metric)?))
        };
        let Some(rows) = order.rows.iter().map(result).collect::<Option<Vec<Ranked<'_>>>>() else {
            return String::new();
        };
        let is_wrong = |pair: &&[Ranked<'_>]| order.metric.compare(pair[1].1.value, pair[0].1.value).is_gt();
        let in_words = |pair: &[Ranked<'_>]| {
            let [(better, above), (worse, below)] = [pair[1], pair[0]];
            format!("{better} ({:.4}) stands above {worse} ({:.4})", above.value, below.value)
        };
        let wrong: Vec<String> = rows.windows(2).filter(is_wrong).map(in_words).collect();
        let mut verdict = match wrong.is_empty() {
            true => "holds".to_owned(),
            false => format!("does not hold: {}", wrong.join("; ")),
        };
        let unsure = rows.windows(2).filter(|pair| is_unsure(pair, is_wrong(pair)));
        let unsure: Vec<String> = unsure.map(|pair| format!("{} and {}", pair[0].0, pair[1].0)).collect();
        if !unsure.is_empty() {
            verdict.push_str(&format!("; not told apart: {}", unsure.join("; ")));
        }
        let labels: Vec<&str> = rows.iter().map(|(label, _)| *label).collect();
        format!("\nOrder of {} by {}: {}: {verdict}.\n", order.table, order.metric, labels.join("; "))
    }

    /// What the paper prints for models that are no rows.
    fn elsewhere(&self) -> String {
        let in_words = |printed: &Elsewhere| {
            let value = |(metric, value): (&Measure, &f64)| format!("{value} {metric}");
            let values: Vec<String> = printed.values.iter().map(value).collect();
            let status = match printed.status {
                Status::Read => String::new(),
                other => format!(", {}", other.in_words()),
            };
            format!("{} {} ({}{status})", printed.label, values.join(", "), printed.table)
        };
        let printed: Vec<String> =
            self.paper.printed_elsewhere(self.dataset, self.part).map(in_words).collect();
        if printed.is_empty() {
            String::new()
        } else {
            format!("\nPrinted, not ours: {}.\n", printed.join("; "))
        }
    }

    /// The rows of hours that are not in the table, and their hours.
    fn missing_line(&self) -> String {
        let Some(usage) = self.usage() else { return String::new() };
        let is_missing = |row: &&Row| row.is_on(self.dataset) && row.is_in(self.part) && !self.is_shown(row);
        let protocol = self.paper.protocol(self.part);
        let minutes =
            |row: &Row| Some(row.minutes.get(self.dataset)? * row.seeds_on(usage, protocol, None) as f64);
        let missing = self.paper.rows.iter().filter(is_missing);
        let long: Vec<(&Row, f64)> = missing.filter_map(|row| Some((row, minutes(row)?))).collect();
        if long.is_empty() {
            return String::new();
        }
        let hours = long.iter().map(|(_, minutes)| minutes).sum::<f64>() / 60.0;
        let of_row = |(row, minutes): &(&Row, f64)| format!("{} ({minutes:.0} min)", row.label);
        let each: Vec<String> = long.iter().map(of_row).collect();
        format!("\nNot run: {}. With `--full` on two cores, about {hours:.1} hours.\n", each.join("; "))
    }

    /// Whose hyper-parameters validation data did not choose under this very protocol.
    fn recipe_line(&self) -> String {
        let of = |is_so: &dyn Fn(&Row) -> bool| {
            let shown = self.paper.rows.iter().filter(|row| self.is_shown(row));
            let labels = shown.filter(|row| !row.is_oracle() && is_so(row));
            labels.map(|row| row.label.as_str()).collect::<Vec<&str>>().join(", ")
        };
        let part = self.part;
        let published = of(&|row| !self.is_searched(row, part) && self.is_searched(row, Part::AsPublished));
        let not_here = of(&|row| !self.is_searched(row, part) && !self.is_searched(row, Part::AsPublished));
        let mut text = String::new();
        if !published.is_empty() {
            text.push_str(&format!("\nHyper-parameters chosen under the published protocol: {published}.\n"));
        }
        if !not_here.is_empty() {
            text.push_str(&format!("\nHyper-parameters not searched for on this data set: {not_here}.\n"));
        }
        text
    }

    /// Whether a row's recipe was searched for on this data set.
    fn is_searched(&self, row: &Row, part: Part) -> bool {
        let dataset = self.usage().map_or(self.dataset, |usage| usage.source(self.dataset));
        let has_searched_recipe = row.has_own_recipe(dataset, part) && row.search(dataset, part).is_some();
        has_searched_recipe || !row.has_hyper_parameters()
    }

    /// What a table owes to the first of its splits, where each seed has its own.
    fn splits_line(&self) -> String {
        let is_redrawn = self.usage().is_some_and(|usage| self.paper.protocol(self.part).is_redrawn(usage));
        if !is_redrawn || self.rows.iter().all(|result| result.seeds < 2) {
            return String::new();
        }
        let is_chosen = |row: &Row| row.has_hyper_parameters() && self.is_searched(row, self.part);
        let chosen = match self.paper.rows.iter().any(|row| self.is_shown(row) && is_chosen(row)) {
            true => "; hyper-parameters were chosen on the validation data of the first",
            false => "",
        };
        format!("\nEach seed has a split of its own{chosen}.\n")
    }
}

/// A row's label and its result.
type Ranked<'a> = (&'a str, &'a ResultRow);

/// Whether the interval between two neighbours of a printed order, where there is one, does not lie on the side on
/// which their values stand: it holds 0, or users are not of the values' mind.
fn is_unsure(pair: &[Ranked<'_>], is_wrong: bool) -> bool {
    let interval = pair[0].1.ahead_of_next.get(&pair[1].1.row);
    interval.is_some_and(|[low, high]| if is_wrong { *high >= 0.0 } else { *low <= 0.0 })
}

/// In what a user's share of a metric is counted.
fn paired(metric: Measure) -> String {
    match metric {
        Measure::Rmse => "squared error".to_owned(),
        Measure::Mae => "absolute error".to_owned(),
        Measure::Ranking(metric) => metric.to_string(),
    }
}
