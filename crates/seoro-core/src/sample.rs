//! Drawing items: by weight, and items that a user has not interacted with.

use crate::{Csr, ItemId, Rng};

/// Draws rows in proportion to fixed weights, in constant time (Walker 1977; the tables are built as in Vose 1991).
///
/// ```
/// use seoro_core::{Seed, sample::Alias};
/// let alias = Alias::new(&[1.0, 0.0, 3.0])?;
/// let mut rng = Seed::new(1).rng();
/// assert!((0..100).all(|_| alias.draw(&mut rng) != 1));
/// # Ok::<(), seoro_core::sample::WeightError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The part of each cell, of 1, that belongs to the cell's own row.
    own: Vec<f64>,
    /// The row that the rest of the cell belongs to.
    other: Vec<u32>,
}

/// Why weights cannot be drawn from.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum WeightError {
    /// A weight that is negative, infinite or NaN.
    #[error("weight {weight} of row {row}; expected a finite number, at least 0")]
    Weight {
        /// The row.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// Nothing can be drawn, or the weights' sum is infinite.
    #[error("the {rows} weights sum to {sum}; expected a finite sum above 0")]
    Sum {
        /// How many weights there are.
        rows: usize,
        /// Their sum.
        sum: f64,
    },
    /// A power that is infinite or NaN.
    #[error("alpha {alpha}; expected a finite power")]
    Alpha {
        /// The power.
        alpha: f64,
    },
    /// More rows than can be numbered.
    #[error("{rows} rows; expected fewer than 2^32")]
    Rows {
        /// How many there are.
        rows: usize,
    },
}

impl Alias {
    /// The table of these weights; they need not sum to 1.
    ///
    /// # Errors
    /// [`WeightError`].
    pub fn new(weights: &[f64]) -> Result<Self, WeightError> {
        let sum = check(weights)?;
        let scale = weights.len() as f64 / sum;
        let mut own: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let heaviest =
            (0..weights.len()).fold(0, |best, row| if weights[row] > weights[best] { row } else { best });
        let mut other = vec![heaviest as u32; weights.len()];
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..weights.len() as u32).partition(|&row| own[row as usize] < 1.0);
        while let (Some(low), Some(high)) = (small.pop(), large.pop()) {
            other[low as usize] = high;
            own[high as usize] -= 1.0 - own[low as usize];
            if own[high as usize] < 1.0 { small.push(high) } else { large.push(high) }
        }
        // What is left over is a full cell but for rounding; a weight of 0, left over by rounding, gives its cell away.
        for row in small.into_iter().chain(large) {
            own[row as usize] = if weights[row as usize] > 0.0 { 1.0 } else { 0.0 };
        }
        Ok(Self { own, other })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.own.len()
    }

    /// Whether there is no row: never, as there is something to draw.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// By row, the part of its cell, of 1, that is its own, and the row that the rest belongs to.
    pub fn cells(&self) -> impl Iterator<Item = (f64, u32)> {
        self.own.iter().copied().zip(self.other.iter().copied())
    }

    /// Draws a row.
    #[inline]
    pub fn draw(&self, rng: &mut Rng) -> u32 {
        let row = rng.below(self.own.len() as u32);
        if rng.unit() < self.own[row as usize] { row } else { self.other[row as usize] }
    }
}

/// The sum of sound weights.
fn check(weights: &[f64]) -> Result<f64, WeightError> {
    let rows = weights.len();
    if u32::try_from(rows).is_err() {
        return Err(WeightError::Rows { rows });
    }
    if let Some((row, &weight)) =
        weights.iter().enumerate().find(|&(_, &weight)| !(weight.is_finite() && weight >= 0.0))
    {
        return Err(WeightError::Weight { row, weight });
    }
    let sum: f64 = weights.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return Err(WeightError::Sum { rows, sum });
    }
    Ok(sum)
}

/// How often a draw is repeated, on average, before it is worth looking for a free item directly.
const PATIENCE: f64 = 8.0;

/// Draws items that a user has not interacted with: a few draws on average, each looked up in constant expected time.
///
/// A draw among all items is repeated while it hits a positive. For a user whose positives make that slow, the free item
/// is found directly, in time linear in the number of positives: so a user with nearly all items is served as well.
///
/// ```
/// use seoro_core::{Csr, ItemId, Seed, sample::Negatives};
/// let positives = Csr::new(vec![0, 2, 5], vec![0, 2, 0, 1, 2], vec![1.0; 5], 3)?;
/// let negatives = Negatives::uniform(&positives)?;
/// let mut rng = Seed::new(1).rng();
/// assert_eq!(negatives.draw(0, &mut rng), Some(ItemId(1)));
/// assert_eq!(negatives.draw(1, &mut rng), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Negatives<'a> {
    positives: &'a Csr,
    lookup: Lookup,
    /// Draws among all items; `None` is uniform.
    alias: Option<Alias>,
    /// `[I + 1]`: the weight of the items before each item, and of all.
    before: Vec<f64>,
    /// Per user.
    ways: Vec<Way>,
}

/// How a user's negatives are found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Reject,
    /// Walks the gaps between the positives, which hold this weight.
    Walk(f64),
    Nothing,
}

impl<'a> Negatives<'a> {
    /// Every item that is not among the user's positives, `[U, I]`, is equally likely.
    ///
    /// # Errors
    /// Where there are no items, or 2^32 or more.
    pub fn uniform(positives: &'a Csr) -> Result<Self, WeightError> {
        Self::new(positives, &vec![1.0; positives.cols()], true)
    }

    /// An item that is not among the user's positives is as likely as its number of users to the power `alpha`; an item
    /// without users is never drawn unless `alpha` is 0. (word2vec draws with 0.75: Mikolov et al. 2013.)
    ///
    /// # Errors
    /// Where no item has a user, `alpha` is not finite, or there are 2^32 or more items.
    pub fn popularity(positives: &'a Csr, alpha: f64) -> Result<Self, WeightError> {
        if !alpha.is_finite() {
            return Err(WeightError::Alpha { alpha });
        }
        let weight =
            |&count: &u32| if count == 0 && alpha != 0.0 { 0.0 } else { f64::from(count).powf(alpha) };
        let weights: Vec<f64> = positives.column_counts().iter().map(weight).collect();
        Self::new(positives, &weights, false)
    }

    fn new(positives: &'a Csr, weights: &[f64], uniform: bool) -> Result<Self, WeightError> {
        let sum = check(weights)?;
        let alias = if uniform { None } else { Some(Alias::new(weights)?) };
        let before: Vec<f64> = std::iter::once(0.0)
            .chain(weights.iter().scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            }))
            .collect();
        let way = |user| {
            let free: f64 =
                gaps(positives.columns(user), &before).map(|(from, to)| before[to] - before[from]).sum();
            match free {
                0.0 => Way::Nothing,
                free if free * PATIENCE >= sum => Way::Reject,
                free => Way::Walk(free),
            }
        };
        let ways = (0..positives.rows()).map(way).collect();
        Ok(Self { positives, lookup: Lookup::new(positives), alias, before, ways })
    }

    /// Draws an item that `user` has not interacted with; `None` where there is none to draw.
    ///
    /// A user beyond the matrix has no positives.
    #[inline]
    pub fn draw(&self, user: u32, rng: &mut Rng) -> Option<ItemId> {
        match self.ways.get(user as usize) {
            Some(Way::Nothing) => None,
            Some(&Way::Walk(free)) => Some(self.walk(user as usize, free, rng)),
            Some(Way::Reject) => loop {
                let item = self.any(rng);
                if !self.lookup.contains(user as usize, item) {
                    return Some(ItemId(item));
                }
            },
            None => Some(ItemId(self.any(rng))),
        }
    }

    /// Draws `count` items as so many calls of [`draw`](Negatives::draw) would, and gives each to `take`, none where there is
    /// none to draw; faster where they are many.
    ///
    /// ```
    /// use seoro_core::{Csr, Seed, sample::Negatives};
    /// let positives = Csr::new(vec![0, 2], vec![0, 2], vec![1.0; 2], 4)?;
    /// let mut drawn = vec![];
    /// Negatives::uniform(&positives)?.draw_many(0, 5, &mut Seed::new(1).rng(), |item| drawn.push(item.0));
    /// assert!(drawn.len() == 5 && drawn.iter().all(|item| [1, 3].contains(item)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn draw_many(&self, user: u32, count: usize, rng: &mut Rng, mut take: impl FnMut(ItemId)) {
        let words = self.positives.cols() / 64 + 1;
        if self.ways.get(user as usize) != Some(&Way::Reject) || count < words {
            return (0..count).filter_map(|_| self.draw(user, rng)).for_each(take);
        }
        // A bit for each item stays in a core's own cache.
        let mut taken = vec![0u64; words];
        let columns = self.positives.columns(user as usize).iter();
        columns.for_each(|&item| taken[item as usize / 64] |= 1 << (item % 64));
        for _ in 0..count {
            let item = loop {
                let item = self.any(rng);
                if taken[item as usize / 64] >> (item % 64) & 1 == 0 {
                    break item;
                }
            };
            take(ItemId(item));
        }
    }

    /// Whether `item` is among the user's positives: constant expected time.
    #[inline]
    pub fn is_positive(&self, user: u32, item: ItemId) -> bool {
        (user as usize) < self.ways.len() && self.lookup.contains(user as usize, item.0)
    }

    #[inline]
    fn any(&self, rng: &mut Rng) -> u32 {
        match &self.alias {
            Some(alias) => alias.draw(rng),
            None => rng.below(self.positives.cols() as u32),
        }
    }

    /// Finds the item at a random place in the weight of the gaps.
    fn walk(&self, user: usize, free: f64, rng: &mut Rng) -> ItemId {
        let mut left = rng.unit() * free;
        let mut last = 0;
        for (from, to) in gaps(self.positives.columns(user), &self.before) {
            let weight = self.before[to] - self.before[from];
            if weight > 0.0 {
                // Below the gap's end even after rounding, so that the first item to reach beyond it weighs something.
                let place = (self.before[from] + left).min(self.before[to].next_down());
                last = from + self.before[from + 1..to].partition_point(|&end| end <= place);
                if left < weight {
                    break;
                }
            }
            left -= weight;
        }
        ItemId(last as u32)
    }
}

/// The runs of items between a user's positives, as half-open ranges.
fn gaps<'a>(columns: &'a [u32], before: &'a [f64]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let starts = std::iter::once(0).chain(columns.iter().map(|&column| column as usize + 1));
    let ends = columns.iter().map(|&column| column as usize).chain(std::iter::once(before.len() - 1));
    starts.zip(ends).filter(|(start, end)| start < end)
}

/// Each user's positives as a small hash table with linear probing; a table is at most half full.
#[derive(Clone, Debug)]
struct Lookup {
    /// Where each user's table starts, and the end; each length is a power of two.
    starts: Vec<usize>,
    slots: Vec<u32>,
}

/// A slot without an item: no row is numbered so.
const EMPTY: u32 = u32::MAX;

impl Lookup {
    fn new(positives: &Csr) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for user in 0..positives.rows() {
            end += (2 * positives.columns(user).len().max(1)).next_power_of_two();
            starts.push(end);
        }
        let mut lookup = Self { starts, slots: vec![EMPTY; end] };
        for user in 0..positives.rows() {
            for &item in positives.columns(user) {
                let slot = lookup.slot(user, item);
                lookup.slots[slot] = item;
            }
        }
        lookup
    }

    #[inline]
    fn contains(&self, user: usize, item: u32) -> bool {
        self.slots[self.slot(user, item)] == item
    }

    /// The slot that holds `item`, or else the empty one where it belongs.
    #[inline]
    fn slot(&self, user: usize, item: u32) -> usize {
        let (start, end) = (self.starts[user], self.starts[user + 1]);
        let mask = end - start - 1;
        // Fibonacci hashing (Knuth, vol. 3, 6.4): the golden ratio spreads neighbouring rows.
        let mut at = (u64::from(item).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[start + at] != EMPTY && self.slots[start + at] != item {
            at = (at + 1) & mask;
        }
        start + at
    }
}
