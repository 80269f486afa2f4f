//! Tables of vectors, and what becomes of claims, for people.

use super::{Task, VectorResult};
use crate::paper::{Claim, VectorPaper, VectorRow};
use crate::render::aligned;

/// What a number is.
const LEGEND: &str =
    "Each number is the mean over seeds, with the standard deviation where there are several.";

/// A paper's tables as Markdown; the maps that are drawn, by the names of their files, are shown.
pub fn markdown(paper: &VectorPaper, rows: &[VectorResult], is_drawn: &dyn Fn(&str) -> bool) -> String {
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
            text.push_str(&pictures(paper, task, is_drawn));
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
fn pictures(paper: &VectorPaper, task: Task, is_drawn: &dyn Fn(&str) -> bool) -> String {
    let rows = paper.datasets[&task].maps.iter().filter_map(|name| paper.row(name));
    let files = rows.map(|row| (row, map_name(paper, task, &row.name))).filter(|(_, file)| is_drawn(file));
    let line = |(row, file): (&VectorRow, String)| {
        format!("\n![{} by t-SNE, on {}]({file})\n", row.label, task.name())
    };
    files.map(line).collect()
}

/// What becomes of each claim whose rows were both measured.
fn verdicts(paper: &VectorPaper, task: Task, rows: &[&VectorResult]) -> String {
    let label = |name: &str| paper.row(name).map_or_else(String::new, |row| row.label.clone());
    let line = |claim: &Claim| {
        let (better, than) =
            (find(rows, &claim.better, &claim.metric)?, find(rows, &claim.than, &claim.metric)?);
        let (difference, margin) = (better.value - than.value, margin(better, than));
        let slack = if claim.slack > 0.0 { format!(", at least −{}", claim.slack) } else { String::new() };
        let who = format!("{} − {}, {}{slack}", label(&claim.better), label(&claim.than), claim.metric);
        let found = if better.value > 100.0 {
            format!("{:.2} times", better.value / than.value)
        } else {
            format!("{difference:+.4} ± {margin:.4}")
        };
        let said = if better.seeds.min(than.seeds) > 1 {
            verdict(difference, margin, claim.slack)
        } else {
            "one seed"
        };
        Some(vec![claim.text.clone(), claim.source.clone(), who, found, said.to_owned()])
    };
    let mut lines = vec![["claim", "source", "tried by", "found", "verdict"].map(str::to_owned).to_vec()];
    lines.extend(paper.claims().filter(|claim| claim.dataset == task).filter_map(line));
    if lines.len() == 1 {
        return String::new();
    }
    format!(
        "\nWhat is said, and what was found: differences with the half of their 95 % interval over seeds (Welch), not over what is asked.\n\n{}",
        aligned(&lines)
    )
}

/// Half of the 95 % interval of the difference of two means over seeds, whose variances may differ (Welch 1947). A row
/// without randomness has one seed and no variance.
fn margin(a: &VectorResult, b: &VectorResult) -> f64 {
    let parts = [a, b].map(|result| (result.std.powi(2) / result.seeds.max(1) as f64, result.seeds));
    let variance: f64 = parts.iter().map(|&(variance, _)| variance).sum();
    let spread: f64 = parts
        .iter()
        .filter(|&&(variance, _)| variance > 0.0)
        .map(|&(variance, seeds)| variance.powi(2) / (seeds.max(2) - 1) as f64)
        .sum();
    if spread > 0.0 { student(variance.powi(2) / spread) * variance.sqrt() } else { 0.0 }
}

/// The 97.5 % point of Student's distribution; that of the next lower whole number of degrees, at most 10.
fn student(degrees: f64) -> f64 {
    const POINTS: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    // A whole number may be rounded to a little less.
    POINTS[((degrees + 1e-9) as usize).clamp(1, POINTS.len()) - 1]
}

/// Whether a difference is as claimed, by more than chance between seeds: above zero, or where a claim has slack, not so
/// much below.
fn verdict(difference: f64, margin: f64, slack: f64) -> &'static str {
    if difference - margin > -slack {
        "holds"
    } else if difference + margin < -slack {
        "fails"
    } else if slack > 0.0 {
        "undecided"
    } else {
        "no difference seen"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_welchs() {
        let of = |std: f64, seeds: usize| {
            let row = serde_json::json!({
                "paper": "p", "table": "ours", "row": "r", "dataset": "d", "protocol": "as-published", "metric": "m",
                "value": 0.5, "std": std, "seeds": seeds, "seconds": 1.0, "device": "cpu", "threads": 1,
                "commit": "c", "selection": "last",
            });
            serde_json::from_value::<VectorResult>(row).expect("a row of results")
        };
        // By hand: 4 degrees of freedom; one of the two varies, 2 degrees; neither does.
        assert!((margin(&of(0.01, 3), &of(0.01, 3)) - 2.776 * 0.01 * (2f64 / 3.0).sqrt()).abs() < 1e-9);
        assert!((margin(&of(0.01, 3), &of(0.0, 1)) - 4.303 * 0.01 / 3f64.sqrt()).abs() < 1e-9);
        assert_eq!(margin(&of(0.0, 1), &of(0.0, 1)), 0.0);
    }

    #[test]
    fn a_claim_holds_by_more_than_chance() {
        assert_eq!(verdict(0.03, 0.02, 0.0), "holds");
        assert_eq!(verdict(-0.03, 0.02, 0.0), "fails");
        assert_eq!(verdict(0.015, 0.02, 0.0), "no difference seen");
        assert_eq!(verdict(0.0, 0.0, 0.0), "no difference seen");
    }

    #[test]
    fn with_slack_a_little_worse_is_not_worse() {
        assert_eq!(verdict(-0.004, 0.005, 0.01), "holds");
        assert_eq!(verdict(-0.008, 0.005, 0.01), "undecided");
        assert_eq!(verdict(-0.02, 0.005, 0.01), "fails");
    }
}
