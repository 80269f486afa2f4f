//! A scatter plot as SVG.

use super::marks::{Groups, Mark};
use super::text::{escaped, short, width};
use super::{Point, Scatter};
use std::fmt::Write as _;

/// The picture's width; its height follows from the legend.
const WIDTH: f64 = 800.0;

/// What is left free around the plot and the legend.
const MARGIN: f64 = 24.0;

/// Where the plot begins, below the title.
const TOP: f64 = 52.0;

/// The plot's side.
const SIDE: f64 = WIDTH - 2.0 * MARGIN;

/// A line of the legend.
const LINE: f64 = 22.0;

/// The legend's letters.
const FONT: f64 = 13.0;

/// Ink and paper; the attributes beside the classes are for what reads no styles.
const STYLE: &str = "<style>.seoro-scatter{font-family:system-ui,sans-serif}.seoro-scatter .halo{paint-order:stroke;\
                     stroke:#fff;stroke-width:3}@media(prefers-color-scheme:dark){.seoro-scatter .paper{fill:#16181d}\
                     .seoro-scatter .ink{fill:#e8e8e8}.seoro-scatter .halo{stroke:#16181d}}</style>";

/// The plot with its title and legend, its groups marked as in all plots that `groups` is of; there are points, and they
/// are finite.
pub(super) fn draw(plot: &Scatter, groups: &Groups<'_>) -> String {
    let groups = groups.within(plot);
    let (legend, height) = legend(&groups);
    let title = escaped(&plot.title);
    let paper = format!(
        "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{}\" fill=\"#fff\"/>\n\
         <text class=\"ink\" x=\"{MARGIN}\" y=\"34\" font-size=\"20\" fill=\"#222\">{title}</text>\n",
        short(height)
    );
    [opening(&title, 0.0, height), paper, body(plot, &groups), legend, "</svg>\n".to_owned()].concat()
}

/// The same without title, legend and paper: these are a page's to write.
pub(super) fn draw_bare(plot: &Scatter, groups: &Groups<'_>) -> String {
    let opening = opening(&escaped(&plot.title), TOP - MARGIN, SIDE + 2.0 * MARGIN);
    [opening, body(plot, &groups.within(plot)), "</svg>\n".to_owned()].concat()
}

fn opening(title: &str, top: f64, height: f64) -> String {
    format!(
        "<svg class=\"seoro-scatter\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 {} {WIDTH} {}\" \
         role=\"img\" aria-label=\"{title}\">{STYLE}\n",
        short(top),
        short(height)
    )
}

/// The marks, and the labels of named points.
fn body(plot: &Scatter, groups: &[(&str, Mark, Vec<usize>)]) -> String {
    let (scale, radius) = (Scale::of(&plot.points), radius(plot.points.len()));
    let mut svg = String::from("<g class=\"points\" fill-opacity=\".8\">\n");
    for (_, mark, members) in groups {
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "<g fill=\"{}\">", mark.colour);
        for point in members.iter().map(|&place| &plot.points[place]) {
            let title = format!("<title>{}</title>", escaped(&point.label));
            svg.push_str(&mark.draw(scale.place(point), radius, &title));
            svg.push('\n');
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</g>\n");
    names(&mut svg, plot, &scale, radius);
    svg
}

/// Marks that leave paper between them, and stay large enough to point at.
fn radius(points: usize) -> f64 {
    (100.0 / (points as f64).sqrt()).clamp(1.8, 5.0)
}

/// The labels of the named points, on the side where there is room.
fn names(svg: &mut String, plot: &Scatter, scale: &Scale, radius: f64) {
    for point in plot.named.iter().filter_map(|&place| plot.points.get(place)) {
        let (x, y) = scale.place(point);
        let fits = x + radius + 4.0 + FONT * width(&point.label) < WIDTH;
        let (anchor, x) = if fits { ("start", x + radius + 4.0) } else { ("end", x - radius - 4.0) };
        let _ = writeln!(
            svg,
            "<text class=\"ink halo\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"{FONT}\" \
             fill=\"#222\">{}</text>",
            short(x),
            short(y + 4.5),
            escaped(&point.label)
        );
    }
}

/// The groups with their counts, one after the other in lines; and the height of the picture with them.
fn legend(groups: &[(&str, Mark, Vec<usize>)]) -> (String, f64) {
    let (mut svg, mut x, mut y) = (String::from("<g class=\"legend\">\n"), MARGIN, TOP + SIDE + LINE);
    for (name, mark, members) in groups {
        let text = format!("{name} ({})", members.len());
        let wide = 14.0 + FONT * width(&text) + 18.0;
        if x > MARGIN && x + wide > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + LINE);
        }
        let _ = writeln!(
            svg,
            "<g fill=\"{}\">{}</g><text class=\"ink\" x=\"{}\" y=\"{}\" font-size=\"{FONT}\" fill=\"#222\">{}</text>",
            mark.colour,
            mark.draw((x + 5.0, y), 5.0, ""),
            short(x + 15.0),
            short(y + 4.5),
            escaped(&text)
        );
        x += wide;
    }
    svg.push_str("</g>\n");
    (svg, y + LINE)
}

/// From a map's unit to the picture's, the same across and upwards, with the points in the middle.
struct Scale {
    centre: (f64, f64),
    by: f64,
}

impl Scale {
    fn of(points: &[Point]) -> Self {
        let ends = |of: fn(&Point) -> f32| {
            let numbers = points.iter().map(|point| f64::from(of(point)));
            numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        };
        let (across, up) = (ends(|point| point.x), ends(|point| point.y));
        let span = (across.1 - across.0).max(up.1 - up.0);
        // Marks at the edges are drawn whole.
        let by = if span > 0.0 { (SIDE - 12.0) / span } else { 0.0 };
        Self { centre: ((across.0 + across.1) / 2.0, (up.0 + up.1) / 2.0), by }
    }

    fn place(&self, point: &Point) -> (f64, f64) {
        let x = (f64::from(point.x) - self.centre.0) * self.by;
        let y = (f64::from(point.y) - self.centre.1) * self.by;
        (WIDTH / 2.0 + x, TOP + SIDE / 2.0 - y)
    }
}
