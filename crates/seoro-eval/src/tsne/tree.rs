//! A quadtree of the points of a map, and what they push one another by.

use std::ops::Range;

/// The most points of a cell that is not divided. They ask for what pushes them together, so more of them ask less often
/// but for more.
const LEAF: usize = 12;

/// A place in the map.
pub(super) type Place = [f64; 2];

/// What pushes a point: Σ q² (y_i − y_j) and Σ q over the others, with q = (1 + ‖y_i − y_j‖²)⁻¹ not yet normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Push {
    pub(super) force: Place,
    pub(super) sum: f64,
}

/// Points and groups of points that push, as columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd {
    x: Vec<f64>,
    y: Vec<f64>,
    mass: Vec<f64>,
}

impl Crowd {
    /// All points by themselves: the exact crowd.
    pub(super) fn fill(&mut self, places: &[Place]) {
        self.clear();
        places.iter().for_each(|&place| self.add(place, 1.0));
    }

    fn clear(&mut self) {
        self.x.clear();
        self.y.clear();
        self.mass.clear();
    }

    fn add(&mut self, place: Place, mass: f64) {
        self.x.push(place[0]);
        self.y.push(place[1]);
        self.mass.push(mass);
    }

    /// What pushes a point of the crowd; itself adds a q of 1 and no force, which is taken out.
    pub(super) fn push(&self, at: Place) -> Push {
        /// Sums side by side, which registers add at once.
        const LANES: usize = 4;
        let (mut across, mut up, mut sum) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let (xs, x_rest) = self.x.as_chunks::<LANES>();
        let (ys, y_rest) = self.y.as_chunks::<LANES>();
        let (masses, mass_rest) = self.mass.as_chunks::<LANES>();
        let mut add = |lane: usize, x: f64, y: f64, mass: f64| {
            let (dx, dy) = (at[0] - x, at[1] - y);
            let q = 1.0 / (1.0 + dx * dx + dy * dy);
            let weight = mass * q;
            sum[lane] += weight;
            across[lane] += weight * q * dx;
            up[lane] += weight * q * dy;
        };
        for ((x, y), mass) in xs.iter().zip(ys).zip(masses) {
            for lane in 0..LANES {
                add(lane, x[lane], y[lane], mass[lane]);
            }
        }
        for (lane, ((&x, &y), &mass)) in x_rest.iter().zip(y_rest).zip(mass_rest).enumerate() {
            add(lane, x, y, mass);
        }
        let total = |lanes: [f64; LANES]| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        Push { force: [total(across), total(up)], sum: total(sum) - 1.0 }
    }
}

/// A box with sides along the axes.
#[derive(Clone, Copy, Debug)]
struct Area {
    low: Place,
    high: Place,
}

impl Area {
    /// The box of nothing.
    const EMPTY: Self = Self { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };

    fn of<'a>(places: impl IntoIterator<Item = &'a Place>) -> Self {
        places.into_iter().fold(Self::EMPTY, |area, &place| area.with(Self { low: place, high: place }))
    }

    fn with(self, other: Self) -> Self {
        let each = |a: Place, b: Place, pick: fn(f64, f64) -> f64| [pick(a[0], b[0]), pick(a[1], b[1])];
        Self { low: each(self.low, other.low, f64::min), high: each(self.high, other.high, f64::max) }
    }

    fn squared_diagonal(&self) -> f64 {
        (self.high[0] - self.low[0]).powi(2) + (self.high[1] - self.low[1]).powi(2)
    }

    /// The squared distance of a place from the box, 0 inside.
    #[inline]
    fn squared_distance(&self, place: Place) -> f64 {
        let beyond = |axis: usize| (self.low[axis] - place[axis]).max(place[axis] - self.high[axis]).max(0.0);
        beyond(0).powi(2) + beyond(1).powi(2)
    }
}

/// A cell of the tree, with the cells below it behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    centre: Place,
    mass: f64,
    /// The squared diagonal of the box around its points; 0 where these count as one whatever θ is.
    square: f64,
    /// The first cell that is not below it.
    next: u32,
    /// Its points where it is not divided, of none elsewhere.
    points: (u32, u32),
}

/// The tree. Cells without points do not exist, nor do those whose points are all in one cell below.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Where each point stands on the curve that visits a quarter after the other (Morton 1966), in its order.
    keys: Vec<(u64, u32)>,
    /// The points in this order.
    places: Vec<Place>,
    cells: Vec<Cell>,
    /// The points of each cell that is not divided, in order.
    leaves: Vec<Range<usize>>,
}

impl Tree {
    /// Builds the tree of these places, which are finite.
    pub(super) fn build(&mut self, places: &[Place]) {
        let area = Area::of(places);
        let side = (area.high[0] - area.low[0]).max(area.high[1] - area.low[1]);
        let scale = if side > 0.0 { 2f64.powi(32) / side } else { 0.0 };
        let key = |place: &Place| {
            // Casts saturate, so the highest place has the highest key.
            let at = |axis: usize| spread(((place[axis] - area.low[axis]) * scale) as u32);
            at(0) | at(1) << 1
        };
        self.keys.clear();
        self.keys.extend(places.iter().map(key).zip(0..));
        self.keys.sort_unstable();
        self.places.clear();
        self.places.extend(self.keys.iter().map(|&(_, point)| places[point as usize]));
        self.cells.clear();
        self.leaves.clear();
        if !places.is_empty() {
            self.grow(0..places.len());
        }
    }

    /// Adds the cell of these points and all below it; returns their sum and the box around them.
    fn grow(&mut self, points: Range<usize>) -> (Place, Area) {
        let at = self.cells.len();
        self.cells.push(Cell::default());
        let (first, last) = (self.keys[points.start].0, self.keys[points.end - 1].0);
        let (mut sum, mut area) = ([0.0; 2], Area::EMPTY);
        let mut leaf = points.clone();
        if points.len() <= LEAF || first == last {
            let places = &self.places[points.clone()];
            places.iter().for_each(|place| sum = [sum[0] + place[0], sum[1] + place[1]]);
            area = Area::of(places);
            self.leaves.push(points.clone());
        } else {
            // The highest pair of bits in which points differ tells the quarter.
            let shift = (63 - (first ^ last).leading_zeros()) & !1;
            let mut start = points.start;
            for quarter in 0..4 {
                let within =
                    self.keys[start..points.end].partition_point(|key| (key.0 >> shift) & 3 <= quarter);
                if within > 0 {
                    let (part, around) = self.grow(start..start + within);
                    (sum, area) = ([sum[0] + part[0], sum[1] + part[1]], area.with(around));
                }
                start += within;
            }
            leaf = 0..0;
        }
        // More points than a leaf takes in the smallest cell there is: told apart by nothing but rounding.
        let one = first == last && points.len() > LEAF;
        let (mass, square) = (points.len() as f64, if one { 0.0 } else { area.squared_diagonal() });
        self.cells[at] = Cell {
            centre: sum.map(|sum| sum / mass),
            mass,
            square,
            next: self.cells.len() as u32,
            points: (leaf.start as u32, leaf.end as u32),
        };
        (sum, area)
    }

    /// The points of each cell that is not divided, as places in the tree's order, one after the other.
    pub(super) fn leaves(&self) -> &[Range<usize>] {
        &self.leaves
    }

    /// The point at each place of the tree's order.
    pub(super) fn points(&self) -> impl Iterator<Item = usize> + '_ {
        self.keys.iter().map(|&(_, point)| point as usize)
    }

    /// Writes what pushes the points of a leaf; `crowd` is room to work in.
    ///
    /// A cell counts as one where its diagonal is at most θ times its distance, as in the paper (van der Maaten 2014,
    /// section 4.2), taken from the box around the leaf's points, so that it holds for each of them.
    pub(super) fn push(&self, leaf: Range<usize>, theta: f64, crowd: &mut Crowd, out: &mut [Push]) {
        let (area, limit) = (Area::of(&self.places[leaf.clone()]), theta * theta);
        crowd.clear();
        let mut at = 0;
        while let Some(cell) = self.cells.get(at) {
            if cell.square <= limit * area.squared_distance(cell.centre) {
                crowd.add(cell.centre, cell.mass);
                at = cell.next as usize;
            } else {
                let points = cell.points.0 as usize..cell.points.1 as usize;
                let divided = points.is_empty();
                self.places[points].iter().for_each(|&place| crowd.add(place, 1.0));
                at = if divided { at + 1 } else { cell.next as usize };
            }
        }
        out.iter_mut().zip(&self.places[leaf]).for_each(|(out, &place)| *out = crowd.push(place));
    }
}

/// The bits of a number, each followed by a 0.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_spread() {
        assert_eq!(spread(0b1011), 0b0100_0101);
        assert_eq!(spread(u32::MAX), 0x5555_5555_5555_5555);
    }

    #[test]
    fn leaves_hold_each_point_once() {
        let places: Vec<Place> = (0..500u32).map(|n| [f64::from(n * n % 97), f64::from(n % 13)]).collect();
        let mut tree = Tree::default();
        tree.build(&places);
        let ends: Vec<usize> = tree.leaves().iter().map(|leaf| leaf.end).collect();
        let starts: Vec<usize> = tree.leaves().iter().map(|leaf| leaf.start).collect();
        assert_eq!(starts[1..], ends[..ends.len() - 1]);
        assert_eq!((starts[0], ends[ends.len() - 1]), (0, 500));
        let mut points: Vec<usize> = tree.points().collect();
        points.sort_unstable();
        assert!(points.into_iter().eq(0..500));
        assert_eq!(tree.cells[0].mass, 500.0);
    }

    #[test]
    fn many_points_in_one_place_push_as_one() {
        let mut places = vec![[1.0, 2.0]; 1000];
        places.push([4.0, -2.0]);
        let (mut tree, mut crowd) = (Tree::default(), Crowd::default());
        tree.build(&places);
        assert!(tree.cells.len() <= 3, "{}", tree.cells.len());
        let mut out = vec![Push::default(); 1001];
        for leaf in tree.leaves().to_vec() {
            tree.push(leaf.clone(), 0.0, &mut crowd, &mut out[leaf]);
        }
        let lone = tree.points().position(|point| point == 1000).unwrap();
        assert!((out[lone].sum - 1000.0 / 26.0).abs() < 1e-9);
        assert!((out[1 - lone.min(1)].sum - (999.0 + 1.0 / 26.0)).abs() < 1e-9);
        tree.build(&[]);
        assert!(tree.leaves().is_empty());
    }
}
