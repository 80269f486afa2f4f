//! Tables of what speed costs in recall, for people.

use super::{Measure, TradeRow, curve_name};
use crate::ann::{Effort, Space};
use crate::paper::{AnnPaper, AnnPrinted, AnnRow, Status};
use crate::render::aligned;

/// The recalls for which the fastest index is named.
const WANTED: [f64; 4] = [0.90, 0.95, 0.99, 1.0];

/// What the columns are, once for all tables.
const LEGEND: &str = "\
recall@10 is the share of the true ten nearest, found by comparing all vectors, among the ten answered. Queries are asked \
one after another on one thread; queries/s, p50 and p99 are of the fastest of three passes. Distances are the vectors \
compared with a query on average, compressed ones included. Effort is how hard an index looks: `ef` of a graph, the vectors \
gathered by a forest. Memory is all that an index holds, in millions of bytes; where it keeps whole vectors beside their \
codes, to compare the best found again, their part of it stands beside it.";

/// What [`Measure::NEAREST`] is.
const NEAREST: &str = "\
1-recall@R is the share of queries whose nearest vector is among the first R of a hundred asked for. What is printed stands \
beside ours; where none of our indexes is the same, alone.";

/// A paper's tables as Markdown.
pub fn markdown(paper: &AnnPaper, rows: &[TradeRow]) -> String {
    let mut text = format!("# {}\n\n{LEGEND}\n", paper.title);
    for &space in paper.datasets.keys() {
        let rows: Vec<&TradeRow> = rows.iter().filter(|row| row.dataset == space.name()).collect();
        if !rows.is_empty() {
            text.push_str(&Section { paper, space, rows }.markdown());
        }
    }
    text.push_str(&notes(paper, rows));
    text
}

/// What is known on one set of vectors.
struct Section<'a> {
    paper: &'a AnnPaper,
    space: Space,
    rows: Vec<&'a TradeRow>,
}

/// An index at an effort.
struct At<'a> {
    row: &'a AnnRow,
    effort: Option<usize>,
}

impl Section<'_> {
    fn markdown(&self) -> String {
        let name = self.space.name();
        let mut text = format!("\n## {name}\n\n{}\n", self.paper.datasets[&self.space].note.trim());
        let curve = curve_name(self.paper, name);
        text.push_str(&format!("\n### The fastest at a recall\n\n{}", self.fastest()));
        text.push_str(&format!("\n![Queries a second by recall, on {name}]({curve})\n"));
        text.push_str(&format!("\n### Builds and memory\n\n{}", self.builds()));
        text.push_str(&format!("\n### Recall and speed by effort\n\n{}", self.sweep()));
        let nearest = self.nearest();
        if !nearest.is_empty() {
            text.push_str(&format!("\n### The nearest by codes\n\n{NEAREST}\n\n{nearest}"));
        }
        text
    }

    fn found(&self, row: &str, effort: Option<usize>, metric: Measure) -> Option<&TradeRow> {
        let is_it =
            |result: &&&TradeRow| result.row == row && result.effort == effort && result.metric == metric;
        self.rows.iter().find(is_it).copied()
    }

    fn value(&self, at: &At<'_>, metric: Measure) -> Option<f64> {
        self.found(&at.row.name, at.effort, metric).map(|result| result.value)
    }

    /// Rows that were measured, in the paper's order.
    fn measured(&self) -> impl Iterator<Item = &AnnRow> {
        self.paper.rows.iter().filter(|row| self.rows.iter().any(|result| result.row == row.name))
    }

    /// Rows at all their efforts.
    fn points(&self) -> Vec<At<'_>> {
        let efforts = |row: &AnnRow| {
            let recalls =
                self.rows.iter().filter(|result| result.row == row.name && result.metric == Measure::Recall);
            let mut efforts: Vec<Option<usize>> = recalls.map(|result| result.effort).collect();
            efforts.dedup();
            efforts
        };
        self.measured()
            .flat_map(|row| efforts(row).into_iter().map(move |effort| At { row, effort }))
            .collect()
    }

    fn effort(&self, at: &At<'_>) -> String {
        let kind = at.row.recipe(self.space).map_or(Effort::None, crate::ann::Recipe::effort);
        at.effort.map_or_else(String::new, |effort| format!("{kind} {effort}"))
    }

    fn fastest(&self) -> String {
        let points = self.points();
        // All vectors compared, whole: what the others save is counted against it.
        let exact = self.measured().find(|row| {
            row.recipe(self.space)
                .is_some_and(|recipe| recipe.effort() == Effort::None && !recipe.is_compressed())
        });
        let exact = exact.and_then(|row| self.found(&row.name, None, Measure::PerSecond));
        let mut lines = vec![header(&[
            "recall@10",
            "fastest",
            "effort",
            "its recall",
            "ms a query",
            "queries/s",
            "times the exact one's",
        ])];
        for wanted in WANTED {
            let reach =
                points.iter().filter(|at| self.value(at, Measure::Recall).is_some_and(|r| r >= wanted));
            let pace = |at: &&At<'_>| self.value(at, Measure::PerSecond).unwrap_or(0.0);
            let Some(best) = reach.max_by(|a, b| pace(a).total_cmp(&pace(b))) else {
                lines.push(header(&[&format!("≥ {wanted:.2}"), "none", "", "", "", "", ""]));
                continue;
            };
            let pace = pace(&best);
            lines.push(vec![
                format!("≥ {wanted:.2}"),
                best.row.label.clone(),
                self.effort(best),
                self.value(best, Measure::Recall).map_or_else(String::new, |recall| format!("{recall:.4}")),
                milliseconds(1e3 / pace),
                format!("{pace:.0}"),
                exact.map_or_else(String::new, |exact| format!("{:.1}", pace / exact.value)),
            ]);
        }
        aligned(&lines)
    }

    fn builds(&self) -> String {
        let mut lines =
            vec![header(&["index", "settings", "build s", "threads", "memory MB", "of it vectors MB"])];
        for row in self.measured() {
            let Some(memory) = self.found(&row.name, None, Measure::Memory) else { continue };
            let vectors = self.found(&row.name, None, Measure::Vectors);
            lines.push(vec![
                row.label.clone(),
                row.recipe(self.space).map_or_else(String::new, ToString::to_string),
                format!("{:.2}", memory.seconds),
                memory.threads.to_string(),
                format!("{:.1}", memory.value),
                vectors.map_or_else(String::new, |vectors| format!("{:.1}", vectors.value)),
            ]);
        }
        aligned(&lines)
    }

    fn sweep(&self) -> String {
        let mut lines =
            vec![header(&["index", "effort", "recall@10", "queries/s", "p50 ms", "p99 ms", "distances"])];
        for at in self.points() {
            let shown = |metric: Measure, show: fn(f64) -> String| {
                self.value(&at, metric).map_or_else(String::new, show)
            };
            lines.push(vec![
                at.row.label.clone(),
                self.effort(&at),
                shown(Measure::Recall, |recall| format!("{recall:.4}")),
                shown(Measure::PerSecond, |pace| format!("{pace:.0}")),
                shown(Measure::Median, milliseconds),
                shown(Measure::Slow, milliseconds),
                shown(Measure::Distances, |distances| format!("{distances:.0}")),
            ]);
        }
        aligned(&lines)
    }

    /// Shares of nearest found, ours and printed; nothing where there are neither.
    fn nearest(&self) -> String {
        let mut head = header(&["index", "effort"]);
        head.extend(Measure::NEAREST.map(|(measure, _)| measure.to_string()));
        head.extend(header(&["printed in", "@1", "@10", "@100"]));
        let mut lines = vec![head];
        for at in self.points() {
            let ours = Measure::NEAREST.map(|(measure, _)| self.value(&at, measure));
            if ours.iter().all(Option::is_none) {
                continue;
            }
            let ours = ours.map(|value| value.map_or_else(String::new, |value| format!("{value:.4}")));
            let mut tables: Vec<&str> = self
                .rows
                .iter()
                .filter(|result| {
                    result.row == at.row.name && result.effort == at.effort && result.published.is_some()
                })
                .map(|result| result.table.as_str())
                .collect();
            tables.dedup();
            tables.sort_unstable();
            tables.dedup();
            for table in if tables.is_empty() { vec![""] } else { tables } {
                let mut line = vec![at.row.label.clone(), self.effort(&at)];
                line.extend(ours.clone());
                line.push(table.to_owned());
                line.extend(Measure::NEAREST.map(|(measure, _)| self.printed(&at, table, measure)));
                lines.push(line);
            }
        }
        lines.extend(self.paper.all_printed().filter(|printed| self.is_alone(printed)).map(alone));
        if lines.len() > 1 { aligned(&lines) } else { String::new() }
    }

    fn printed(&self, at: &At<'_>, table: &str, metric: Measure) -> String {
        let is_it = |result: &&&TradeRow| {
            result.row == at.row.name
                && result.effort == at.effort
                && result.table == table
                && result.metric == metric
        };
        self.rows.iter().find(is_it).map_or_else(String::new, |result| beside(result))
    }

    /// Whether a printed number is of these vectors and no row of ours.
    fn is_alone(&self, printed: &AnnPrinted) -> bool {
        printed.row.is_none() && printed.dataset == self.space
    }
}

/// The printed number with its verdict, or how unsure it is.
fn beside(result: &TradeRow) -> String {
    let verdict = match (result.within, result.status) {
        (Some(true), _) => "reached",
        (Some(false), _) if result.published.is_some_and(|published| result.value > published) => "above",
        (Some(false), _) => "missed",
        (None, status) => status.map_or("", Status::in_words),
    };
    result.published.map_or_else(String::new, |published| format!("{published:.4} {verdict}"))
}

/// A printed number that no index of ours stands beside.
fn alone(printed: &AnnPrinted) -> Vec<String> {
    let mut line = vec![printed.label.clone()];
    line.extend([const { String::new() }; 4]);
    line.push(printed.table.clone());
    let sure = printed.status.in_words();
    let shown = |value: Option<&f64>| value.map_or_else(String::new, |value| format!("{value:.4} {sure}"));
    line.extend(Measure::NEAREST.map(|(measure, _)| shown(printed.values.get(&measure))));
    line
}

fn header(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

/// Milliseconds with three digits that say something.
fn milliseconds(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value:.4}"),
        value if value < 10.0 => format!("{value:.3}"),
        value => format!("{value:.1}"),
    }
}

fn notes(paper: &AnnPaper, rows: &[TradeRow]) -> String {
    let mut text = "\n## Notes and sources\n\n".to_owned();
    for row in paper.rows.iter().filter(|row| rows.iter().any(|result| result.row == row.name)) {
        if let Some(note) = &row.note {
            text.push_str(&format!("- {}: {}\n", row.label, note.trim()));
        }
    }
    let is_shown = |printed: &&AnnPrinted| rows.iter().any(|row| row.dataset == printed.dataset.name());
    let mut sources: Vec<(&str, String)> = paper
        .all_printed()
        .filter(is_shown)
        .map(|printed| {
            let (sure, source) = (printed.status.in_words(), &paper.sources[&printed.source]);
            (printed.table.as_str(), format!("{source} ({sure}, ± {})", printed.tolerance))
        })
        .collect();
    sources.sort_unstable();
    sources.dedup();
    for (table, source) in sources {
        text.push_str(&format!("- {table}: {source}\n"));
    }
    for reference in &paper.references {
        let address = reference.address.as_ref().map_or_else(String::new, |address| format!(" <{address}>"));
        text.push_str(&format!("- {}{address}\n", reference.text.trim()));
    }
    text
}
