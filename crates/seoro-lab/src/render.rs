//! Tables for people: aligned Markdown, which reads well on a terminal too.

use crate::paper::{Paper, Part, Row};
use crate::table::{ResultRow, Selection};
use seoro_eval::Metric;

/// A paper's tables as Markdown.
pub fn markdown(paper: &Paper, rows: &[ResultRow]) -> String {
    let mut text = format!("# {}\n\n{}\n<{}>\n", paper.title, paper.reference, paper.address);
    let mut groups: Vec<(Part, &str)> = rows.iter().map(|row| (row.protocol, row.dataset.as_str())).collect();
    groups.dedup();
    for (part, dataset) in groups {
        let rows: Vec<&ResultRow> =
            rows.iter().filter(|row| row.protocol == part && row.dataset == dataset).collect();
        text.push_str(&section(paper, part, dataset, &rows));
    }
    text.push_str(&notes(paper, rows));
    text
}

fn section(paper: &Paper, part: Part, dataset: &str, rows: &[&ResultRow]) -> String {
    let mut text = format!("\n## {dataset}, {part}\n\n{}\n\n", protocol_line(paper, part));
    if let Some(note) = paper.datasets.get(dataset).and_then(|usage| usage.note.as_ref()) {
        text.push_str(&format!("{}\n\n", note.trim()));
    }
    let metrics = &paper.protocol(part).metrics;
    let tables = printed_tables(rows);
    let mut header = vec!["model".to_owned()];
    header.extend(metrics.iter().map(|metric| format!("{metric}, ours")));
    header.extend(
        tables.iter().flat_map(|table| metrics.iter().map(move |metric| format!("{metric}, {table}"))),
    );
    if part == Part::Honest {
        header.push("p against best".to_owned());
    }
    header.extend(["epoch", "seeds", "fit s", "MB"].map(str::to_owned));
    let mut lines = vec![header];
    for row in &paper.rows {
        for selection in [Selection::Last, Selection::BestOnTest] {
            let of_row: Vec<&ResultRow> = rows
                .iter()
                .copied()
                .filter(|result| result.row == row.name && result.selection == selection)
                .collect();
            lines.extend(line(&row.label, selection, &of_row, metrics, &tables, part));
        }
    }
    text.push_str(&aligned(&lines));
    text.push_str(&recipe_line(paper, part, dataset, rows));
    text.push_str(&missing_line(paper, part, dataset, rows));
    text
}

/// The rows of hours that are not in the table, and their hours.
fn missing_line(paper: &Paper, part: Part, dataset: &str, rows: &[&ResultRow]) -> String {
    let Some(usage) = paper.datasets.get(dataset) else { return String::new() };
    let is_shown = |row: &Row| rows.iter().any(|result| result.row == row.name);
    let missing = paper.rows.iter().filter(|row| row.is_on(dataset) && row.is_in(part) && !is_shown(row));
    let long: Vec<(&Row, f64)> = missing
        .filter_map(|row| Some((row, row.minutes.get(dataset)? * row.seeds_on(usage, None) as f64)))
        .collect();
    if long.is_empty() {
        return String::new();
    }
    let hours = long.iter().map(|(_, minutes)| minutes).sum::<f64>() / 60.0;
    let of_row = |(row, minutes): &(&Row, f64)| format!("{} ({minutes:.0} min)", row.label);
    let each: Vec<String> = long.iter().map(of_row).collect();
    format!("\nNot run: {}. With `--full` on two cores, about {hours:.1} hours.\n", each.join("; "))
}

/// Whose hyper-parameters validation data did not choose under this very protocol.
fn recipe_line(paper: &Paper, part: Part, dataset: &str, rows: &[&ResultRow]) -> String {
    let is_shown = |row: &&Row| rows.iter().any(|result| result.row == row.name);
    let of = |is_so: &dyn Fn(&Row) -> bool| {
        let labels = paper.rows.iter().filter(is_shown).filter(|row| !row.is_oracle() && is_so(row));
        labels.map(|row| row.label.as_str()).collect::<Vec<&str>>().join(", ")
    };
    let is_searched = |row: &Row, part: Part| {
        row.has_own_recipe(dataset, part) && row.search(dataset, part).is_some()
            || !row.has_hyper_parameters()
    };
    let published = of(&|row| !is_searched(row, part) && is_searched(row, Part::AsPublished));
    let not_here = of(&|row| !is_searched(row, part) && !is_searched(row, Part::AsPublished));
    let mut text = String::new();
    if !published.is_empty() {
        text.push_str(&format!("\nHyper-parameters chosen under the published protocol: {published}.\n"));
    }
    if !not_here.is_empty() {
        text.push_str(&format!("\nHyper-parameters not searched for on this data set: {not_here}.\n"));
    }
    text
}

fn protocol_line(paper: &Paper, part: Part) -> String {
    let protocol = paper.protocol(part);
    let ranking = match protocol.ranking {
        crate::paper::Ranking::Full => "every item is ranked",
        crate::paper::Ranking::Candidates => "the target is ranked among drawn negatives",
    };
    let hide = match protocol.hide {
        crate::paper::HideRule::Nothing => "nothing is hidden",
        crate::paper::HideRule::Training => "training items are hidden",
    };
    let ties = format!("{:?}", protocol.ties).to_lowercase();
    format!("Protocol: {ranking}, {hide}, ties are {ties}.")
}

fn printed_tables(rows: &[&ResultRow]) -> Vec<String> {
    let mut tables: Vec<String> =
        rows.iter().filter(|row| row.published.is_some()).map(|row| row.table.clone()).collect();
    tables.sort();
    tables.dedup();
    tables
}

fn line(
    label: &str,
    selection: Selection,
    rows: &[&ResultRow],
    metrics: &[Metric],
    tables: &[String],
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
    for table in tables {
        for metric in metrics {
            let printed = rows.iter().find(|row| row.metric == *metric && row.table == *table);
            cells.push(printed.map_or_else(String::new, |row| beside(row)));
        }
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
    let verdict = match row.within {
        Some(true) if is_far_above(row) => " far above",
        Some(true) => " reached",
        Some(false) if row.value > row.published.unwrap_or(0.0) => " above",
        Some(false) => " missed",
        None => " unverified",
    };
    row.published.map_or_else(String::new, |published| format!("{published:.4}{verdict}"))
}

/// Twice the tolerance above the printed number: a reader looks for the reason in the notes, and for a leak.
fn is_far_above(row: &ResultRow) -> bool {
    row.published
        .zip(row.tolerance)
        .is_some_and(|(published, tolerance)| row.value > published + 2.0 * tolerance)
}

fn notes(paper: &Paper, rows: &[ResultRow]) -> String {
    let mut text = String::new();
    for row in paper.rows.iter().filter(|row| rows.iter().any(|result| result.row == row.name)) {
        if let Some(note) = &row.note {
            text.push_str(&format!("- {}: {}\n", row.label, note.trim()));
        }
    }
    let mut sources: Vec<(&str, &str)> = rows
        .iter()
        .filter_map(|row| row.source.as_deref().map(|source| (row.table.as_str(), source)))
        .collect();
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
