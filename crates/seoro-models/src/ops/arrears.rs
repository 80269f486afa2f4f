//! Steps that rows of a table are behind by.
//!
//! Under Adam a row moves in every step, with a gradient or without. One that no batch reads moves later: before it is read it
//! makes up for the steps it missed, all at once ([`AdamRests`]). So a step costs as much as the rows that it reads.

use super::step::{AHEAD, PIECE, Part, apart};
use rayon::prelude::*;
use seoro_core::kernel::{self, AdamRests, AdamStep};

/// The steps since all rows of a table stood level, and who has taken them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrears {
    steps: AdamRests,
    /// By row, how many of the steps it has taken.
    taken: Vec<u32>,
}

/// Steps that are remembered; then all rows are levelled.
const LONGEST: usize = 1 << 12;

impl Arrears {
    pub(crate) fn new(n_rows: usize) -> Self {
        Self { steps: AdamRests::default(), taken: vec![0; n_rows] }
    }

    /// Whether all rows stand level.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether no more steps are to be remembered.
    pub(crate) fn is_full(&self) -> bool {
        self.steps.len() == LONGEST
    }

    /// Notes a step that `rows`, which stand level, take now and all others later.
    pub(crate) fn owe(&mut self, step: AdamStep, rows: &[u32]) {
        self.steps.push(step);
        let count = self.steps.len() as u32;
        rows.iter().for_each(|&row| self.taken[row as usize] = count);
    }

    /// Has `rows` take the steps they are behind by; `part` is the whole table.
    pub(crate) fn settle(&mut self, part: Part<'_>, dim: usize, rows: impl Iterator<Item = u32>) {
        let count = self.steps.len() as u32;
        let behind = |row: u32| {
            let taken = std::mem::replace(self.taken.get_mut(row as usize)?, count);
            (taken < count).then_some((row, taken))
        };
        let mut late: Vec<(u32, u32)> = rows.filter_map(behind).collect();
        let make_up = |(mut part, first, rows): (Part<'_>, usize, &[(u32, u32)])| {
            for (place, &(row, taken)) in rows.iter().enumerate() {
                if let Some(next) = rows.get(place + AHEAD) {
                    part.row(next.0 as usize - first, dim).prefetch();
                }
                let Part { x, first, second } = part.row(row as usize - first, dim);
                kernel::adam_rest(self.steps.after(taken as usize), x, first, second);
            }
        };
        if late.len() * dim <= 2 * PIECE {
            return make_up((part, 0, &late));
        }
        late.sort_unstable();
        let pieces = apart(part, dim, &late, |late| late.0 as usize, (PIECE / dim.max(1)).max(1));
        pieces.into_par_iter().for_each(make_up);
    }

    /// Has all rows take the steps they are behind by.
    pub(crate) fn settle_all(&mut self, part: Part<'_>, dim: usize) {
        self.settle(part, dim, 0..self.taken.len() as u32);
        self.steps.clear();
        self.taken.fill(0);
    }
}
