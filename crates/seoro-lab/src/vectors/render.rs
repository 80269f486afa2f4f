//! Tables of vectors, and what becomes of claims, for people.

use super::{Task, VectorResult};
use crate::paper::{Claim, VectorPaper, VectorRow};
use crate::render::aligned;

/// What a number is.
const LEGEND: &str =
    "Each number is the mean over seeds, with the standard deviation where there are several.";

/// A paper's tables as Markdown.
pub fn markdown(paper: &VectorPaper, rows: &[VectorResult]) -> String {
    let mut text = format!("# {}\n\n", paper.title);
    for reference in &paper.references {
        let address = reference.address.as_ref().map_or_else(String::new, |address| format!(" <{address}>"));
        text.push_str(&format!("- {}{address}\n", reference.text));
    }
    text.push_str(&format!("\n{LEGEND}\n"));
    for (&task, usage) in &paper.datasets {
        let rows: Vec<&VectorResult> = rows.iter().filter(|row| row.dataset == task.name()).collect();
        if !rows.is_empty() {
            text.push_str(&section(paper, task, usage.note.trim(), &rows));
            text.push_str(&verdicts(paper, task, &rows));
            text.push_str(&pictures(paper, task));
        }
    }
    let notes = paper.rows.iter().filter_map(|row| Some((row, row.note.as_ref()?)));
    for (row, note) in notes {
        text.push_str(&format!("\n{}: {}\n", row.label, note.trim()));
    }
    text
}

fn section(paper: &VectorPaper, task: Task, note: &str, rows: &[&VectorResult]) -> String {
    format!("\n## {}\n\n{note}\n\n{}\n\n{}", task.name(), task.legend(), table(paper, task, rows))
}

fn find<'a>(rows: &[&'a VectorResult], row: &str, metric: &str) -> Option<&'a VectorResult> {
    rows.iter().copied().find(|result| result.row == row && result.metric == metric)
}

fn table(paper: &VectorPaper, task: Task, rows: &[&VectorResult]) -> String {
    let mut header = vec!["model".to_owned()];
    header.extend(task.metrics().iter().map(|&metric| metric.to_owned()));
    header.extend(["seeds", "threads", "fit s", "MB"].map(str::to_owned));
    let mut lines = vec![header];
    for row in &paper.rows {
        let Some(any) = rows.iter().find(|result| result.row == row.name) else { continue };
        let mut line = vec![row.label.clone()];
        line.extend(
            task.metrics()
                .iter()
                .map(|metric| find(rows, &row.name, metric).map_or_else(String::new, number)),
        );
        line.extend([any.seeds.to_string(), any.threads.to_string(), format!("{:.1}", any.seconds)]);
        line.push(any.peak_rss_mb.map_or_else(String::new, |mb| format!("{mb:.0}")));
        lines.push(line);
    }
    aligned(&lines)
}

fn number(result: &VectorResult) -> String {
    match (result.value > 100.0, result.seeds > 1) {
        (true, _) => format!("{:.0}", result.value),
        (false, true) => format!("{:.4} ± {:.4}", result.value, result.std),
        (false, false) => format!("{:.4}", result.value),
    }
}

/// What the file of a map is called.
pub fn map_name(paper: &VectorPaper, task: Task, row: &str) -> String {
    format!("{}-{}-{row}.svg", paper.name, task.name())
}

/// The maps of a data set.
fn pictures(paper: &VectorPaper, task: Task) -> String {
    let rows = paper.datasets[&task].maps.iter().filter_map(|name| paper.row(name));
    let line = |row: &VectorRow| {
        format!("\n![{} by t-SNE, on {}]({})\n", row.label, task.name(), map_name(paper, task, &row.name))
    };
    rows.map(line).collect()
}

/// What becomes of each claim whose rows were both measured.
fn verdicts(paper: &VectorPaper, task: Task, rows: &[&VectorResult]) -> String {
    let label = |name: &str| paper.row(name).map_or_else(String::new, |row| row.label.clone());
    let line = |claim: &Claim| {
        let (better, than) =
            (find(rows, &claim.better, &claim.metric)?, find(rows, &claim.than, &claim.metric)?);
        let (difference, error) = (better.value - than.value, error(better).hypot(error(than)));
        let who = format!("{} − {}, {}", label(&claim.better), label(&claim.than), claim.metric);
        let found = if better.value > 100.0 {
            format!("{:.2} times", better.value / than.value)
        } else {
            format!("{difference:+.4} ± {:.4}", 2.0 * error)
        };
        let said = if better.seeds.min(than.seeds) > 1 { verdict(difference, error) } else { "one seed" };
        Some(vec![claim.text.clone(), claim.source.clone(), who, found, said.to_owned()])
    };
    let mut lines = vec![["claim", "source", "tried by", "found", "verdict"].map(str::to_owned).to_vec()];
    lines.extend(paper.claims().filter(|claim| claim.dataset == task).filter_map(line));
    if lines.len() == 1 {
        return String::new();
    }
    format!(
        "\nWhat the papers say, and what was found: differences with two standard errors over seeds.\n\n{}",
        aligned(&lines)
    )
}

/// The standard error of a mean over seeds.
fn error(result: &VectorResult) -> f64 {
    result.std / (result.seeds.max(1) as f64).sqrt()
}

/// Whether a difference is as claimed, by more than chance between seeds.
fn verdict(difference: f64, error: f64) -> &'static str {
    if difference > 2.0 * error {
        "holds"
    } else if difference < -2.0 * error {
        "fails"
    } else {
        "no difference seen"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_by_more_than_chance() {
        assert_eq!(verdict(0.03, 0.01), "holds");
        assert_eq!(verdict(-0.03, 0.01), "fails");
        assert_eq!(verdict(0.015, 0.01), "no difference seen");
        assert_eq!(verdict(0.0, 0.0), "no difference seen");
    }
}
