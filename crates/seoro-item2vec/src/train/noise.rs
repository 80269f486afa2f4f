//! Negatives: words drawn as often as their count to a power.

use seoro_core::Rng;
use seoro_core::sample::{Alias, WeightError};

/// A table as [`Alias`], a cell in eight bytes and a draw from one number of 64 bits: in the inner loop each miss counts.
///
/// A word's chance is off by less than 2⁻³² for the choice of a cell, and 2⁻³² of the cell.
#[derive(Debug)]
pub(super) struct Noise {
    cells: Vec<Cell>,
}

/// The row that a cell's number calls, below a bound of 2³² its own, from there another.
#[derive(Clone, Copy, Debug)]
struct Cell {
    own: u32,
    other: u32,
}

impl Noise {
    /// Words of these counts, as likely as their count to the power `alpha`; those that never stand there are never drawn.
    pub(super) fn new(counts: &[u64], alpha: f64) -> Result<Self, WeightError> {
        let weight = |&count: &u64| if count == 0 { 0.0 } else { (count as f64).powf(alpha) };
        let alias = Alias::new(&counts.iter().map(weight).collect::<Vec<f64>>())?;
        let cell = |(row, (own, other)): (usize, (f64, u32))| {
            // A full cell is its own row's wherever in it one falls.
            let other = if own >= 1.0 { row as u32 } else { other };
            Cell { own: (own * 2f64.powi(32)) as u32, other }
        };
        Ok(Self { cells: alias.cells().enumerate().map(cell).collect() })
    }

    /// Draws a word.
    #[inline]
    pub(super) fn draw(&self, rng: &mut Rng) -> u32 {
        let number = rng.next_u64();
        let row = (((number >> 32) * self.cells.len() as u64) >> 32) as u32;
        let cell = self.cells[row as usize];
        if (number as u32) < cell.own { row } else { cell.other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::Seed;

    #[test]
    fn words_are_drawn_by_their_counts() {
        let noise = Noise::new(&[16, 0, 81, 1], 0.75).unwrap();
        let mut rng = Seed::new(1).rng();
        let mut drawn = [0u32; 4];
        (0..360_000).for_each(|_| drawn[noise.draw(&mut rng) as usize] += 1);
        // 8, 0, 27 and 1 of 36.
        for (drawn, expected) in drawn.into_iter().zip([80_000.0, 0.0, 270_000.0, 10_000.0]) {
            assert!(
                (f64::from(drawn) - expected).abs() <= 5.0 * f64::sqrt(expected),
                "{drawn}, expected {expected}"
            );
        }
        assert!(Noise::new(&[0, 0], 0.75).is_err());
        assert!(Noise::new(&[2, 3], 1e9).is_err());
    }
}
