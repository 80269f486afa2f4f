//! The curve: recall against queries a second, one line an index, as an SVG.

use super::{Measure, TradeRow};
use crate::paper::{AnnPaper, AnnRow};
use crate::picture::{COLOURS, Svg};

/// Width and height of the picture.
const SIZE: (f64, f64) = (960.0, 600.0);

/// The plot's left and right edge.
const ACROSS: (f64, f64) = (88.0, 936.0);

/// Its top and bottom edge.
const DOWN: (f64, f64) = (48.0, 540.0);

/// Below this recall nobody wants an answer.
const LOWEST: f64 = 0.5;

/// One index: its label and colour, and a point of recall and queries a second for each effort.
struct Line<'a> {
    label: &'a str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

/// What the file of a curve is called.
pub fn curve_name(paper: &AnnPaper, dataset: &str) -> String {
    format!("{}-{dataset}.svg", paper.name)
}

/// The curve of one set of vectors as an SVG; nothing where no index reaches a recall worth drawing.
pub fn curve(paper: &AnnPaper, dataset: &str, rows: &[TradeRow]) -> Option<String> {
    let lines = lines(paper, dataset, rows);
    let scale = Scale::of(&lines)?;
    let mut svg = Svg::new(SIZE);
    svg.text((ACROSS.0, 30.0), "start", 18, &format!("{dataset}: queries a second on one thread, by recall"));
    axes(&mut svg, &scale);
    for line in &lines {
        let places: Vec<(f64, f64)> = line.points.iter().map(|&point| scale.place(point)).collect();
        svg.line(&places, line.colour, 2.0);
        places.iter().for_each(|&place| svg.dot(place, line.colour));
    }
    legend(&mut svg, &lines);
    Some(svg.end())
}

/// The indexes that have points, each in the colour of its place in the paper, the same in all pictures.
fn lines<'a>(paper: &'a AnnPaper, dataset: &str, rows: &[TradeRow]) -> Vec<Line<'a>> {
    let of = |row: &'a AnnRow, metric: Measure| {
        let is_it = move |result: &&TradeRow| result.row == row.name && result.metric == metric;
        rows.iter().filter(|result| result.dataset == dataset).filter(is_it)
    };
    let line = |(row, &colour): (&'a AnnRow, &&'static str)| {
        let pairs = of(row, Measure::Recall).filter_map(|recall| {
            let pace = of(row, Measure::PerSecond).find(|pace| pace.effort == recall.effort)?;
            (recall.value >= LOWEST && pace.value > 0.0).then_some((recall.value, pace.value))
        });
        Line { label: &row.label, colour, points: pairs.collect() }
    };
    let lines = paper.rows.iter().zip(COLOURS.iter().cycle()).map(line);
    lines.filter(|line| !line.points.is_empty()).collect()
}

/// Recall from left to right, the logarithm of queries a second from bottom to top.
struct Scale {
    recall: (f64, f64),
    pace: (f64, f64),
}

impl Scale {
    /// With room for all points; nothing where there are none.
    fn of(lines: &[Line<'_>]) -> Option<Self> {
        let points = || lines.iter().flat_map(|line| &line.points);
        points().next()?;
        let lowest = points().map(|point| point.0).fold(1.0, f64::min);
        let slowest = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let fastest = points().map(|point| point.1).fold(0.0, f64::max);
        // Marks at the edges are drawn whole.
        let margin = 0.02 * (1.0 - lowest).max(0.01);
        Some(Self { recall: (lowest - margin, 1.0 + margin), pace: (slowest / 1.5, fastest * 1.5) })
    }

    fn place(&self, (recall, pace): (f64, f64)) -> (f64, f64) {
        let right = (recall - self.recall.0) / (self.recall.1 - self.recall.0);
        let up = (pace / self.pace.0).ln() / (self.pace.1 / self.pace.0).ln();
        (ACROSS.0 + right * (ACROSS.1 - ACROSS.0), DOWN.1 - up * (DOWN.1 - DOWN.0))
    }

    /// Round recalls, at most about ten.
    fn recalls(&self) -> Vec<f64> {
        let span = self.recall.1 - self.recall.0;
        let step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05].into_iter().find(|step| span / step <= 11.0);
        let step = step.unwrap_or(0.1);
        let first = (self.recall.0 / step).ceil() as usize;
        (first..).map(|n| n as f64 * step).take_while(|&recall| recall <= 1.0 + step / 2.0).collect()
    }

    /// 1, 2 and 5 times each power of ten; powers alone where that would be many.
    fn paces(&self) -> Vec<f64> {
        let within = |pace: &f64| (self.pace.0..=self.pace.1).contains(pace);
        let powers = || (-3..12).map(|power| 10f64.powi(power));
        let all: Vec<f64> =
            powers().flat_map(|power| [power, 2.0 * power, 5.0 * power]).filter(within).collect();
        if all.len() > 14 { powers().filter(within).collect() } else { all }
    }
}

fn axes(svg: &mut Svg, scale: &Scale) {
    const GRID: &str = "#dddddd";
    let recalls = scale.recalls();
    let digits = if recalls.windows(2).any(|pair| pair[1] - pair[0] < 0.0099) { 3 } else { 2 };
    for recall in recalls {
        let (x, _) = scale.place((recall, scale.pace.0));
        svg.line(&[(x, DOWN.0), (x, DOWN.1)], GRID, 1.0);
        svg.text((x, DOWN.1 + 20.0), "middle", 13, &format!("{recall:.digits$}"));
    }
    for pace in scale.paces() {
        let (_, y) = scale.place((scale.recall.0, pace));
        svg.line(&[(ACROSS.0, y), (ACROSS.1, y)], GRID, 1.0);
        svg.text((ACROSS.0 - 8.0, y + 4.5), "end", 13, &grouped(pace));
    }
    let (left, right) = ACROSS;
    let (top, bottom) = DOWN;
    svg.line(&[(left, top), (left, bottom), (right, bottom)], "#444444", 1.5);
    svg.text(((left + right) / 2.0, SIZE.1 - 16.0), "middle", 15, "recall@10");
    svg.upwards((22.0, (top + bottom) / 2.0), 15, "queries/s");
}

/// In the lower left, where a slow index that finds little would be.
fn legend(svg: &mut Svg, lines: &[Line<'_>]) {
    const STEP: f64 = 21.0;
    let longest = lines.iter().map(|line| line.label.chars().count()).max().unwrap_or(0);
    let (width, height) = (56.0 + 7.6 * longest as f64, STEP * lines.len() as f64 + 12.0);
    let (left, top) = (ACROSS.0 + 14.0, DOWN.1 - 14.0 - height);
    svg.panel((left, top), (width, height));
    for (n, line) in lines.iter().enumerate() {
        let y = top + 17.0 + STEP * n as f64;
        svg.line(&[(left + 10.0, y), (left + 38.0, y)], line.colour, 2.0);
        svg.dot((left + 24.0, y), line.colour);
        svg.text((left + 46.0, y + 4.5), "start", 14, line.label);
    }
}

/// A number with its thousands apart.
fn grouped(number: f64) -> String {
    if number < 1.0 {
        return number.to_string();
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0.5, 1.0, 999.6, 12_345.0, 1e6].map(grouped),
            ["0.5", "1", "1,000", "12,345", "1,000,000"]
        );
    }

    #[test]
    fn points_stand_within_the_plot_and_ticks_are_round() {
        let points = vec![(0.62, 20_000.0), (0.9, 3000.0), (1.0, 150.0)];
        let lines = [Line { label: "a <b>", colour: COLOURS[0], points }];
        let scale = Scale::of(&lines).unwrap();
        for &point in &lines[0].points {
            let (x, y) = scale.place(point);
            assert!(ACROSS.0 < x && x < ACROSS.1 && DOWN.0 < y && y < DOWN.1, "{x} {y}");
        }
        assert_eq!(scale.paces(), [100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4]);
        let recalls = scale.recalls();
        assert!(
            (recalls[0] - 0.65).abs() < 1e-9 && (recalls.last().unwrap() - 1.0).abs() < 1e-9,
            "{recalls:?}"
        );
        assert!(Scale::of(&[]).is_none());
        let mut svg = Svg::new(SIZE);
        legend(&mut svg, &lines);
        assert!(svg.end().contains("a &lt;b&gt;"));
    }
}
