//! Tables for people: aligned Markdown, which reads well on a terminal too.

mod under;

use crate::measure::Measure;
use crate::paper::{DatasetUse, HideRule, Paper, Part, Protocol, Ranking, Status};
use crate::table::{ResultRow, Selection};
use std::collections::BTreeSet;

/// A paper's tables as Markdown; the pictures that are drawn, by the names of their files, are shown.
pub fn markdown(paper: &Paper, rows: &[ResultRow], is_drawn: &dyn Fn(&str) -> bool) -> String {
    let mut text = format!("# {}\n\n{}\n<{}>\n", paper.title, paper.reference, paper.address);
    let mut groups: Vec<(Part, &str)> = rows.iter().map(|row| (row.protocol, row.dataset.as_str())).collect();
    groups.dedup();
    for (part, dataset) in groups {
        let rows: Vec<&ResultRow> =
            rows.iter().filter(|row| row.protocol == part && row.dataset == dataset).collect();
        text.push_str(&Section { paper, part, dataset, rows: &rows, is_drawn }.markdown());
    }
    text.push_str(&notes(paper, rows));
    text
}

/// The results of a part on a data set.
struct Section<'a> {
    paper: &'a Paper,
    part: Part,
    dataset: &'a str,
    rows: &'a [&'a ResultRow],
    is_drawn: &'a dyn Fn(&str) -> bool,
}

/// Printed numbers of one metric of one table.
type Column = (String, Measure);

impl Section<'_> {
    fn markdown(&self) -> String {
        let protocol = self.paper.protocol(self.part);
        let mut text = format!("\n## {}, {}\n\n{}\n\n", self.dataset, self.part, protocol_line(protocol));
        if let Some(note) = self.usage().and_then(|usage| usage.note.as_ref()) {
            text.push_str(&format!("{}\n\n", note.trim()));
        }
        text.push_str(&aligned(&self.lines(&protocol.metrics)));
        text.push_str(&self.under());
        text
    }

    fn usage(&self) -> Option<&DatasetUse> {
        self.paper.datasets.get(self.dataset)
    }

    /// The table: a header, and a line for each row and state of it.
    fn lines(&self, metrics: &[Measure]) -> Vec<Vec<String>> {
        let columns = self.printed_columns(metrics);
        let mut header = vec!["model".to_owned()];
        header.extend(metrics.iter().map(|metric| format!("{metric}, ours")));
        header.extend(columns.iter().map(|(table, metric)| format!("{metric}, {table}")));
        if self.part == Part::Honest {
            header.push("p against best".to_owned());
        }
        header.extend(["epoch", "seeds", "fit s", "MB"].map(str::to_owned));
        let mut lines = vec![header];
        for row in &self.paper.rows {
            for selection in [Selection::Last, Selection::BestOnTest] {
                let of_row = self.rows.iter().copied();
                let of_row: Vec<&ResultRow> =
                    of_row.filter(|result| result.row == row.name && result.selection == selection).collect();
                lines.extend(line(&row.label, selection, &of_row, metrics, &columns, self.part));
            }
        }
        lines
    }

    /// The columns of printed numbers that have one, table by table.
    fn printed_columns(&self, metrics: &[Measure]) -> Vec<Column> {
        let printed = || self.rows.iter().filter(|row| row.published.is_some());
        let tables: BTreeSet<&str> = printed().map(|row| row.table.as_str()).collect();
        let columns = tables.iter().flat_map(|&table| metrics.iter().map(move |&metric| (table, metric)));
        let has_one = |&(table, metric): &(&str, Measure)| {
            printed().any(|row| row.table == table && row.metric == metric)
        };
        columns.filter(has_one).map(|(table, metric)| (table.to_owned(), metric)).collect()
    }
}

fn protocol_line(protocol: &Protocol) -> String {
    let ranking = match protocol.ranking {
        Ranking::Full => "every item is ranked",
        Ranking::Candidates => "the target is ranked among drawn negatives",
        Ranking::Ratings => return ratings_line(protocol),
    };
    let hide = match protocol.hide {
        Some(HideRule::Training) => "training items are hidden",
        Some(HideRule::Nothing) | None => "nothing is hidden",
    };
    let ties = protocol.ties.map(|ties| format!(", ties are {ties:?}").to_lowercase()).unwrap_or_default();
    format!("Protocol: {ranking}, {hide}{ties}.")
}

fn ratings_line(protocol: &Protocol) -> String {
    let pairs = "pairs whose user or item has no training rating";
    match protocol.unseen {
        Some(unseen) => format!("Protocol: ratings are predicted; {pairs} are rated {unseen}."),
        None => format!("Protocol: ratings are predicted; {pairs} are not asked."),
    }
}

fn line(
    label: &str,
    selection: Selection,
    rows: &[&ResultRow],
    metrics: &[Measure],
    columns: &[Column],
    part: Part,
) -> Option<Vec<String>> {
    let first = rows.first()?;
    let mark = if selection == Selection::BestOnTest { ", best epoch on test" } else { "" };
    let mut cells = vec![format!("{label}{mark}")];
    for metric in metrics {
        let ours = rows.iter().find(|row| row.metric == *metric)?;
        let std = if ours.seeds > 1 { format!(" ± {:.4}", ours.std) } else { String::new() };
        cells.push(format!("{:.4}{std}", ours.value));
    }
    for (table, metric) in columns {
        let printed = rows.iter().find(|row| row.metric == *metric && row.table == *table);
        cells.push(printed.map_or_else(String::new, |row| beside(row)));
    }
    if part == Part::Honest {
        let p = rows.iter().find_map(|row| row.p_against_best);
        cells.push(
            p.map_or_else(String::new, |p| if p < 0.001 { "< .001".to_owned() } else { format!("{p:.3}") }),
        );
    }
    cells.push(first.epoch.map_or_else(String::new, |epoch| format!("{epoch:.0}")));
    cells.push(first.seeds.to_string());
    cells.push(format!("{:.1}", first.seconds));
    cells.push(first.peak_rss_mb.map_or_else(String::new, |mb| format!("{mb:.0}")));
    Some(cells)
}

/// The printed number with its verdict: reached, missed, or no bar.
fn beside(row: &ResultRow) -> String {
    // Of ratings the better number is the smaller one.
    let [ahead, far_ahead] =
        if row.metric.is_of_ratings() { [" better", " far better"] } else { [" above", " far above"] };
    let verdict = match (row.within, row.status) {
        (Some(true), _) if is_far_above(row) => far_ahead,
        (Some(true), _) => " reached",
        (Some(false), _) if gain(row) > 0.0 => ahead,
        (Some(false), _) => " missed",
        (None, Some(Status::OtherData)) => " other data",
        (None, _) => " unverified",
    };
    row.published.map_or_else(String::new, |published| format!("{published:.4}{verdict}"))
}

/// Better than the printed number by twice the tolerance: a reader looks for the reason in the notes, and for a leak.
fn is_far_above(row: &ResultRow) -> bool {
    row.tolerance.is_some_and(|tolerance| gain(row) > 2.0 * tolerance)
}

/// How much better ours is than the printed number, 0 where there is none.
fn gain(row: &ResultRow) -> f64 {
    row.published.map_or(0.0, |published| row.metric.gain(row.value, published))
}

fn notes(paper: &Paper, rows: &[ResultRow]) -> String {
    let mut text = String::new();
    for row in paper.rows.iter().filter(|row| rows.iter().any(|result| result.row == row.name)) {
        if let Some(note) = &row.note {
            text.push_str(&format!("- {}: {}\n", row.label, note.trim()));
        }
    }
    let of_rows = rows.iter().filter_map(|row| Some((row.table.as_str(), row.source.as_deref()?)));
    let mut sources: Vec<(&str, &str)> = of_rows.collect();
    let mut groups: Vec<(Part, &str)> = rows.iter().map(|row| (row.protocol, row.dataset.as_str())).collect();
    groups.dedup();
    for (part, dataset) in groups {
        sources.extend(under::sources(paper, part, dataset));
    }
    sources.sort_unstable();
    sources.dedup();
    for (table, source) in sources {
        text.push_str(&format!("- {table}: {source}\n"));
    }
    if text.is_empty() { text } else { format!("\n## Notes and sources\n\n{text}") }
}

/// A Markdown table whose columns line up.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if n == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            text.push_str(&format!("| {} |\n", rule.join(" | ")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::small;
    use crate::table::tests::result;

    fn results(values: &[(&str, f64)]) -> Vec<ResultRow> {
        let row = |&(row, value): &(&str, f64)| ResultRow { value, ..result(row, Part::AsPublished, 1) };
        values.iter().map(row).collect()
    }

    fn text_of(paper: &Paper, rows: &[ResultRow]) -> String {
        markdown(paper, rows, &|_| false)
    }

    #[test]
    fn pictures_that_are_there_are_shown_under_the_published_part() {
        let text =
            markdown(&small(""), &results(&[("ease", 0.6)]), &|file| file == "small-world-courses.svg");
        let picture = "\n![Loss and ndcg@10 by epoch, on world](small-world-courses.svg)\n";
        assert_eq!(text.matches(picture).count(), 1, "{text}");
    }

    #[test]
    fn orders_hold_or_not_and_say_nothing_of_rows_that_are_missing() {
        let paper = small("");
        let text = text_of(&paper, &results(&[("ease", 0.6), ("pop", 0.5)]));
        assert!(text.contains("\nOrder of table-1 by ndcg@10: EASE; POP: holds.\n"), "{text}");
        let text = text_of(&paper, &results(&[("ease", 0.4), ("pop", 0.5)]));
        let wrong = "does not hold: POP (0.5000) stands above EASE (0.4000).";
        assert!(text.contains(&format!("Order of table-1 by ndcg@10: EASE; POP: {wrong}")), "{text}");
        assert!(!text_of(&paper, &results(&[("pop", 0.5)])).contains("Order of"));
    }

    #[test]
    fn what_is_no_row_and_what_is_of_other_data_are_no_bars() {
        let paper = small("");
        let mut rows = results(&[("pop", 0.5)]);
        (rows[0].table, rows[0].published) = ("table-1".to_owned(), Some(0.7));
        rows[0].status = Some(Status::OtherData);
        let text = text_of(&paper, &rows);
        assert!(text.contains("\nPrinted, not ours: FISM 0.8 ndcg@10 (table-1, other data).\n"), "{text}");
        assert!(text.contains("| 0.7000 other data "), "{text}");
        assert!(text.contains("- table-1: nowhere\n"), "{text}");
    }

    #[test]
    fn pairs_of_an_order_that_are_not_told_apart_are_listed() {
        let paper = small("");
        let mut rows = results(&[("ease", 0.6), ("pop", 0.5)]);
        rows[0].ahead_of_next.insert("pop".to_owned(), [-0.1, 0.3]);
        let text = text_of(&paper, &rows);
        assert!(text.contains("EASE; POP: holds; not told apart: EASE and POP.\n"), "{text}");
        rows[0].ahead_of_next.insert("pop".to_owned(), [0.1, 0.3]);
        assert!(text_of(&paper, &rows).contains("EASE; POP: holds.\n"));
    }

    #[test]
    fn rows_behind_the_best_have_an_interval_and_the_best_a_line() {
        let paper = small("");
        let mut rows = results(&[("ease", 0.6), ("pop", 0.5)]);
        assert!(!text_of(&paper, &rows).contains("Behind the best row"));
        rows[1].behind_best = Some([0.05, 0.15]);
        let text = text_of(&paper, &rows);
        assert!(text.contains("by user, each by itself:\n"), "{text}");
        assert!(text.contains("| POP   | 0.0500 to 0.1500 |"), "{text}");
        assert!(text.contains("| EASE  | best             |"), "{text}");
    }

    #[test]
    fn tables_of_several_splits_say_so() {
        let paper = small("");
        let mut rows = results(&[("ease", 0.6), ("pop", 0.5)]);
        assert!(!text_of(&paper, &rows).contains("Each seed has a split of its own"));
        rows.iter_mut().for_each(|row| row.seeds = 2);
        let text = text_of(&paper, &rows);
        assert!(text.contains("\nEach seed has a split of its own.\n"), "{text}");
        let text = text_of(&paper_of_a_search(), &rows);
        assert!(
            text.contains("own; hyper-parameters were chosen on the validation data of the first."),
            "{text}"
        );
        rows.iter_mut().for_each(|row| row.protocol = Part::Honest);
        assert!(!text_of(&paper, &rows).contains("Each seed has a split of its own"));
    }

    /// The small paper, with a search for EASE.
    fn paper_of_a_search() -> Paper {
        let text = include_str!("../tests/fixtures/small-paper.toml");
        let place = "[row.recipe.world]\n";
        let text = text.replace(place, &format!("[row.search.world]\ngrid.lambda = [1.0, 2.0]\n\n{place}"));
        Paper::parse(&text, std::path::Path::new("small.toml")).expect("a paper")
    }
}
