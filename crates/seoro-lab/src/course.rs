//! The course of fits: their loss by epoch, and what their snapshots are worth on test.

use crate::LabError;
use crate::measure::Measure;
use crate::paper::{Paper, Part, Row};
use crate::picture::{COLOURS, Svg};
use crate::{rows, table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Raised when the same fit may have another course than before.
pub(crate) const REVISION: u32 = 1;

/// A finished epoch of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Which, counted from 1.
    pub epoch: usize,
    /// Seconds spent in epochs so far.
    pub seconds: f64,
    /// The mean training loss, where the model has one.
    pub loss: Option<f64>,
    /// The means on test, where a snapshot was taken.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Measure, f64>,
}

/// The epochs of a fit that goes on, in a file beside its checkpoint: a resumed fit knows those before.
pub(crate) struct EpochLog {
    path: PathBuf,
    records: BTreeMap<usize, EpochRecord>,
}

impl EpochLog {
    /// The log at `path`, empty where there is none that can be read: nobody's fit ends for that.
    pub(crate) fn open(path: PathBuf) -> Self {
        let known: Vec<EpochRecord> = rows::read(&path).unwrap_or_default();
        Self { path, records: known.into_iter().map(|record| (record.epoch, record)).collect() }
    }

    /// Adds an epoch, in place of one that an interrupted fit had begun to count.
    pub(crate) fn add(&mut self, epoch: usize, seconds: f64, loss: Option<f64>) -> Result<(), LabError> {
        let (seconds, loss) = (table::round(seconds), loss.map(table::round));
        self.records.insert(epoch, EpochRecord { epoch, seconds, loss, values: BTreeMap::new() });
        rows::write(&self.path, &Vec::from_iter(self.records.values()))
    }

    /// All epochs up to `last`; nothing where one is missing.
    pub(crate) fn whole(self, last: usize) -> Vec<EpochRecord> {
        let is_whole = self.records.keys().copied().eq(1..=last);
        if is_whole { self.records.into_values().collect() } else { Vec::new() }
    }
}

/// An epoch of a row's first seed, as it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CourseRow {
    /// The data set.
    pub dataset: String,
    /// System and variant.
    pub row: String,
    /// The epoch.
    pub record: EpochRecord,
}

/// The courses of `old` with those that `new` has again replaced, as far as the paper still wants them, in the order of its
/// data sets and rows.
pub(crate) fn merge(paper: &Paper, old: Vec<CourseRow>, new: Vec<CourseRow>) -> Vec<CourseRow> {
    let is_again =
        |old: &CourseRow| new.iter().any(|new| (&new.dataset, &new.row) == (&old.dataset, &old.row));
    let mut all: Vec<CourseRow> = old.into_iter().filter(|old| !is_again(old)).collect();
    all.extend(new);
    let is_wanted = |course: &CourseRow| {
        paper.datasets.get(&course.dataset).is_some_and(|usage| usage.courses.contains(&course.row))
    };
    all.retain(is_wanted);
    let place = |name: &str| paper.rows.iter().position(|row| row.name == name);
    all.sort_by_cached_key(|course| (course.dataset.clone(), place(&course.row), course.record.epoch));
    all
}

/// The file of a paper's courses in a folder of results.
pub fn file(folder: &Path, paper: &str) -> PathBuf {
    folder.join(format!("{paper}-courses.json"))
}

/// What the picture of the courses on a data set is called.
pub fn picture_name(paper: &str, dataset: &str) -> String {
    format!("{paper}-{dataset}-courses.svg")
}

/// Width and height of a picture of two plots.
const SIZE: (f64, f64) = (1200.0, 520.0);

/// The left and right edges of the plots.
const ACROSS: [(f64, f64); 2] = [(76.0, 580.0), (676.0, 1180.0)];

/// Their top and bottom edge.
const DOWN: (f64, f64) = (48.0, 410.0);

/// What a row's line goes through, and how it looks.
struct Line<'a> {
    label: &'a str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

/// The loss, and the measure that the paper selects by, over the epochs of all rows on a data set, as an SVG; nothing
/// where no row has a course.
pub fn draw(paper: &Paper, dataset: &str, courses: &[CourseRow]) -> Option<String> {
    let select = paper.protocol(Part::AsPublished).select;
    let loss = lines(paper, dataset, courses, &|record| record.loss);
    let value = lines(paper, dataset, courses, &|record| record.values.get(&select).copied());
    if value.is_empty() {
        return None;
    }
    let mut svg = Svg::new(SIZE);
    plot(&mut svg, ACROSS[0], &format!("{dataset}: training loss by epoch, each model's own"), &loss);
    plot(&mut svg, ACROSS[1], &format!("{dataset}: {select} on test by epoch"), &value);
    legend(&mut svg, &value);
    Some(svg.end())
}

/// The rows that have what is asked for, each in the colour of its place among the courses of the data set.
fn lines<'a>(
    paper: &'a Paper,
    dataset: &str,
    courses: &[CourseRow],
    of: &dyn Fn(&EpochRecord) -> Option<f64>,
) -> Vec<Line<'a>> {
    let courses: Vec<&CourseRow> = courses.iter().filter(|course| course.dataset == dataset).collect();
    let wanted = paper.datasets.get(dataset).into_iter().flat_map(|usage| &usage.courses);
    let line = |(row, &colour): (&'a Row, &&'static str)| {
        let records = courses.iter().filter(|course| course.row == row.name).map(|course| &course.record);
        let points = records.filter_map(|record| Some((record.epoch as f64, of(record)?))).collect();
        Line { label: &row.label, colour, points }
    };
    let lines = wanted.filter_map(|name| paper.row(name).ok()).zip(COLOURS.iter().cycle()).map(line);
    lines.filter(|line| !line.points.is_empty()).collect()
}

/// One plot: axes from the smallest to the largest numbers, and the lines.
fn plot(svg: &mut Svg, across: (f64, f64), title: &str, lines: &[Line<'_>]) {
    const GRID: &str = "#dddddd";
    svg.text((across.0, 30.0), "start", 16, title);
    let numbers = |of: fn(&(f64, f64)) -> f64| ends(lines.iter().flat_map(|line| &line.points).map(of));
    let (Some(x), Some(y)) = (numbers(|point| point.0), numbers(|point| point.1)) else { return };
    let place = |point: (f64, f64)| {
        let right = (point.0 - x.0) / (x.1 - x.0);
        let up = (point.1 - y.0) / (y.1 - y.0);
        (across.0 + right * (across.1 - across.0), DOWN.1 - up * (DOWN.1 - DOWN.0))
    };
    for tick in ticks(x) {
        let (at, _) = place((tick, y.0));
        svg.line(&[(at, DOWN.0), (at, DOWN.1)], GRID, 1.0);
        svg.text((at, DOWN.1 + 20.0), "middle", 13, &short(tick));
    }
    for tick in ticks(y) {
        let (_, at) = place((x.0, tick));
        svg.line(&[(across.0, at), (across.1, at)], GRID, 1.0);
        svg.text((across.0 - 8.0, at + 4.5), "end", 13, &short(tick));
    }
    svg.line(&[(across.0, DOWN.0), (across.0, DOWN.1), (across.1, DOWN.1)], "#444444", 1.5);
    for line in lines {
        let places: Vec<(f64, f64)> = line.points.iter().map(|&point| place(point)).collect();
        svg.line(&places, line.colour, 2.0);
        if let [place] = places[..] {
            svg.dot(place, line.colour);
        }
    }
}

/// Below the plots, in lines of as many labels as have room.
fn legend(svg: &mut Svg, lines: &[Line<'_>]) {
    let (left, right) = (ACROSS[0].0, ACROSS[1].1);
    let (mut x, mut y) = (left, DOWN.1 + 52.0);
    for line in lines {
        let wide = 56.0 + 7.6 * line.label.chars().count() as f64;
        if x > left && x + wide > right {
            (x, y) = (left, y + 22.0);
        }
        svg.line(&[(x, y), (x + 28.0, y)], line.colour, 2.0);
        svg.text((x + 36.0, y + 4.5), "start", 14, line.label);
        x += wide;
    }
}

/// The least and the greatest number, apart even where they are the same; nothing of nothing.
fn ends(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = numbers
        .filter(|number| number.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
    // Whatever their size, so that there is a step between them.
    let apart = 0.5 * high.abs().max(1.0);
    (low <= high).then_some(if low < high { (low, high) } else { (low - apart, high + apart) })
}

/// Round numbers between two, about six: 1, 2 or 5 times a power of ten apart.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let power = 10f64.powf(((high - low) / 6.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = step.into_iter().find(|step| (high - low) / step <= 7.0).unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    (first..).map(|n| n as f64 * step).take_while(|&tick| tick <= high + step * 1e-9).collect()
}

/// A round number without what its binary form adds to it.
fn short(number: f64) -> String {
    table::round(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::small;

    fn course(row: &str, epoch: usize, value: Option<f64>) -> CourseRow {
        let metric = small("").protocol(Part::AsPublished).select;
        let values = value.map(|value| (metric, value)).into_iter().collect();
        let record =
            EpochRecord { epoch, seconds: epoch as f64, loss: Some(1.0 / (epoch + 1) as f64), values };
        CourseRow { dataset: "world".to_owned(), row: row.to_owned(), record }
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks((0.0, 100.0)), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        let found: Vec<String> = ticks((0.151, 0.1829)).into_iter().map(short).collect();
        assert_eq!(found, ["0.155", "0.16", "0.165", "0.17", "0.175", "0.18"]);
        assert_eq!(ends([2.0, 2.0].into_iter()), Some((1.0, 3.0)));
        assert_eq!(ends([f64::NAN].into_iter()), None);
    }

    /// The small paper, with two courses on the world.
    fn paper_of_courses() -> Paper {
        let text = include_str!("../tests/fixtures/small-paper.toml");
        let text = text.replace("[dataset.world]\n", "[dataset.world]\ncourses = [\"pop\", \"ease\"]\n");
        let text = text.replace("model = \"popularity\"\n", "model = \"popularity\"\nsnapshots = 1\n");
        let text = text.replace("model = \"ease\"\n", "model = \"ease\"\nsnapshots = 1\n");
        Paper::parse(&text, std::path::Path::new("small.toml")).expect("a paper")
    }

    #[test]
    fn pictures_have_a_line_for_each_row_with_a_course() {
        let paper = paper_of_courses();
        let courses: Vec<CourseRow> = (1..=4).map(|n| course("ease", n, Some(0.1 * n as f64))).collect();
        let svg = draw(&paper, "world", &courses).expect("a course");
        assert!(svg.contains(">EASE</text>") && !svg.contains(">POP</text>"), "{svg}");
        // In its own colour, whoever else is there.
        assert!(svg.contains(COLOURS[1]) && !svg.contains("NaN"), "{svg}");
        assert!(draw(&paper, "elsewhere", &courses).is_none());
        assert!(draw(&paper, "world", &[course("ease", 1, None)]).is_none());
        let svg = draw(&paper, "world", &[course("ease", 1, Some(0.5))]).expect("a course of one epoch");
        assert!(svg.contains("<circle") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn courses_measured_again_replace_the_old_ones_and_those_not_wanted_go() {
        let paper = paper_of_courses();
        let mut elsewhere = course("ease", 1, None);
        elsewhere.dataset = "elsewhere".to_owned();
        let old = [
            course("ease", 1, None),
            course("ease", 2, None),
            course("pop", 1, None),
            course("gone", 1, None),
        ];
        let merged = merge(&paper, [&old[..], &[elsewhere]].concat(), vec![course("ease", 1, Some(0.5))]);
        let mut found: Vec<(&str, usize, bool)> = merged
            .iter()
            .map(|course| (course.row.as_str(), course.record.epoch, course.record.values.is_empty()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [("ease", 1, false), ("pop", 1, true)]);
    }

    #[test]
    fn a_log_that_is_opened_again_goes_on_and_one_with_a_gap_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("epochs.json");
        let mut log = EpochLog::open(path.clone());
        log.add(1, 1.0, Some(0.5)).expect("an epoch");
        log.add(2, 2.0, None).expect("an epoch");
        let mut log = EpochLog::open(path.clone());
        log.add(2, 2.5, Some(0.25)).expect("the second epoch again");
        let losses: Vec<_> = log.whole(2).iter().map(|record| record.loss).collect();
        assert_eq!(losses, [Some(0.5), Some(0.25)]);
        assert!(EpochLog::open(path.clone()).whole(3).is_empty());
        std::fs::write(&path, "[{").expect("a damaged log");
        assert!(EpochLog::open(path).whole(0).is_empty());
    }
}
