//! Pictures of maps: a scatter plot as SVG, and several beside each other in a page with a search box.
//!
//! Both are files by themselves, light or dark as the reader's system is, and the same bytes for the same points.

mod marks;
mod page;
mod svg;
mod text;

pub use page::page;

use seoro_core::Matrix;

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// A plot without points, or a page without plots.
    #[error("no {what}; expected at least one")]
    Empty {
        /// What there is none of.
        what: &'static str,
    },
    /// A position that is infinite or NaN.
    #[error("point {point} is at ({x}, {y}); expected finite numbers")]
    NotFinite {
        /// The point, counted from 0.
        point: usize,
        /// Its place across.
        x: f32,
        /// Its place upwards.
        y: f32,
    },
    /// A point whose label is to be written, and which does not exist.
    #[error("point {point} is named among {points}; expected one of these")]
    Named {
        /// The point, counted from 0.
        point: usize,
        /// How many there are.
        points: usize,
    },
    /// Positions that are not of two numbers each, or lists that do not belong to them.
    #[error("{len} {what}; expected {expected}")]
    Length {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        len: usize,
        /// How many there should be.
        expected: usize,
    },
}

/// A point of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its place across, in any unit.
    pub x: f32,
    /// Its place upwards, in the same unit.
    pub y: f32,
    /// What it is.
    pub label: String,
    /// What it belongs to, which tells its colour and shape.
    pub group: String,
}

/// A scatter plot without axes, as of a t-SNE map, where only near and far count.
///
/// Groups stand in the order of their sizes, in seven colours that people who confuse red and green tell apart (Okabe and
/// Ito 2008), then in another shape; after 28 groups marks come again.
///
/// ```
/// use seoro_eval::figure::{Point, Scatter};
/// let point = |x, label: &str| Point { x, y: 0.0, label: label.into(), group: "films".into() };
/// let mut plot = Scatter::new("Two films", vec![point(0.0, "Alien"), point(1.0, "Love & War")]);
/// plot.named.push(1);
/// let svg = plot.svg()?;
/// assert!(svg.contains("<title>Love &amp; War</title>") && svg.contains("films (2)"));
/// # Ok::<(), seoro_eval::figure::FigureError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Scatter {
    /// What stands above.
    pub title: String,
    /// The points.
    pub points: Vec<Point>,
    /// The points whose labels are written beside them; the others show theirs when pointed at.
    pub named: Vec<usize>,
}

impl Scatter {
    /// A plot of these points.
    pub fn new(title: impl Into<String>, points: Vec<Point>) -> Self {
        Self { title: title.into(), points, named: Vec::new() }
    }

    /// A plot of a map's positions `[N, 2]`, with a label and a group for each.
    ///
    /// # Errors
    /// [`FigureError::Length`].
    pub fn of_map<L: AsRef<str>, G: AsRef<str>>(
        title: impl Into<String>,
        positions: &Matrix,
        labels: &[L],
        groups: &[G],
    ) -> Result<Self, FigureError> {
        let lengths = [
            ("numbers of a position", positions.cols(), 2),
            ("labels", labels.len(), positions.rows()),
            ("groups", groups.len(), positions.rows()),
        ];
        if let Some((what, len, expected)) = lengths.into_iter().find(|(_, len, expected)| len != expected) {
            return Err(FigureError::Length { what, len, expected });
        }
        let places = positions.as_slice().as_chunks::<2>().0;
        let names = labels.iter().zip(groups);
        let point = |(&[x, y], (label, group)): (&[f32; 2], (&L, &G))| Point {
            x,
            y,
            label: label.as_ref().to_owned(),
            group: group.as_ref().to_owned(),
        };
        Ok(Self::new(title, places.iter().zip(names).map(point).collect()))
    }

    /// The plot as an SVG: each point has its label as `<title>`, numbers have at most two decimals.
    ///
    /// # Errors
    /// No point, a position that is not finite, a named point that does not exist.
    pub fn svg(&self) -> Result<String, FigureError> {
        self.check()?;
        Ok(svg::draw(self, &marks::Groups::of(std::slice::from_ref(self))))
    }

    fn check(&self) -> Result<(), FigureError> {
        if self.points.is_empty() {
            return Err(FigureError::Empty { what: "points" });
        }
        let strange = |(_, point): &(usize, &Point)| !(point.x.is_finite() && point.y.is_finite());
        if let Some((point, &Point { x, y, .. })) = self.points.iter().enumerate().find(strange) {
            return Err(FigureError::NotFinite { point, x, y });
        }
        let points = self.points.len();
        match self.named.iter().find(|&&point| point >= points) {
            Some(&point) => Err(FigureError::Named { point, points }),
            None => Ok(()),
        }
    }
}
