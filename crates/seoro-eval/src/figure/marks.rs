//! Groups, and the colours and shapes that tell them apart.

use super::Scatter;
use super::text::short;
use std::collections::HashMap;

/// Okabe and Ito's colours, without black and yellow, which one of a light and a dark page would swallow, and with grey.
const COLOURS: [&str; 7] = ["#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#8c8c8c"];

/// How a group's points look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) colour: &'static str,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
}

const SHAPES: [Shape; 4] = [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Diamond];

impl Mark {
    fn of(group: usize) -> Self {
        Self { colour: COLOURS[group % COLOURS.len()], shape: SHAPES[group / COLOURS.len() % SHAPES.len()] }
    }

    /// The element at a place, of about the area of a circle of this radius, around `inside`.
    pub(super) fn draw(self, (x, y): (f64, f64), radius: f64, inside: &str) -> String {
        let at = |up: f64, across: f64| format!("M{} {}", short(x + across), short(y + up));
        let (tag, shape) = match self.shape {
            Shape::Circle => {
                ("circle", format!("cx=\"{}\" cy=\"{}\" r=\"{}\"", short(x), short(y), short(radius)))
            }
            Shape::Square => {
                let side = short(1.77 * radius);
                let start = at(-0.886 * radius, -0.886 * radius);
                ("path", format!("d=\"{start}h{side}v{side}h-{side}z\""))
            }
            Shape::Triangle => {
                let (half, height) = (1.35 * radius, 2.33 * radius);
                let (start, half, height, base) =
                    (at(-0.6 * height, 0.0), short(half), short(height), short(2.0 * half));
                ("path", format!("d=\"{start}l{half} {height}h-{base}z\""))
            }
            Shape::Diamond => {
                let (start, half) = (at(-1.25 * radius, 0.0), short(1.25 * radius));
                ("path", format!("d=\"{start}l{half} {half}l-{half} {half}l-{half} -{half}z\""))
            }
        };
        match inside {
            "" => format!("<{tag} {shape}/>"),
            inside => format!("<{tag} {shape}>{inside}</{tag}>"),
        }
    }
}

/// The groups of plots that are shown together: the largest first, of one size by name.
pub(super) struct Groups<'a>(Vec<&'a str>);

impl<'a> Groups<'a> {
    pub(super) fn of(plots: &'a [Scatter]) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for point in plots.iter().flat_map(|plot| &plot.points) {
            *counts.entry(&point.group).or_default() += 1;
        }
        let mut groups: Vec<(&str, usize)> = counts.into_iter().collect();
        groups.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        Self(groups.into_iter().map(|(name, _)| name).collect())
    }

    /// The groups that a plot has points of: name, mark and the points' places in it.
    pub(super) fn within(&self, plot: &Scatter) -> Vec<(&'a str, Mark, Vec<usize>)> {
        let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, point) in plot.points.iter().enumerate() {
            members.entry(&point.group).or_default().push(place);
        }
        let groups = self.0.iter().enumerate();
        groups.filter_map(|(number, &name)| Some((name, Mark::of(number), members.remove(name)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn twenty_eight_marks_differ() {
        let drawn: HashSet<String> = (0..28)
            .map(|group| Mark::of(group).colour.to_owned() + &Mark::of(group).draw((5.0, 5.0), 2.0, ""))
            .collect();
        assert_eq!(drawn.len(), 28);
        assert_eq!(Mark::of(28), Mark::of(0));
    }
}
