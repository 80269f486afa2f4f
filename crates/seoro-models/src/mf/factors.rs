//! The parameters, and the rows of them that a thread may write.

use seoro_core::{Log, Matrix, Seed};
use serde::{Deserialize, Serialize};

/// The parameters: `s(u, i) = μ + b_u + c_i + p_u · q_i`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Factors {
    /// `p`, `[U, D]`.
    pub(super) users: Matrix,
    /// `q`, `[I, D]`.
    pub(super) items: Matrix,
    /// `b`, `[U]`.
    pub(super) user_bias: Vec<f32>,
    /// `c`, `[I]`.
    pub(super) item_bias: Vec<f32>,
    /// `μ`.
    pub(super) global: f32,
}

/// One user's or item's parameters, to write.
pub(super) struct Row<'a> {
    pub(super) factors: &'a mut [f32],
    pub(super) bias: &'a mut f32,
}

impl Factors {
    /// Factors from N(0, `std`²), biases 0.
    pub(super) fn random(n_users: usize, n_items: usize, dim: usize, std: f64, seed: Seed) -> Self {
        let matrix = |rows: usize, name: &str| {
            let mut rng = seed.child(name).rng();
            let mut matrix = Matrix::zeros(rows, dim);
            matrix.as_mut_slice().iter_mut().for_each(|x| *x = (std * rng.normal()) as f32);
            matrix
        };
        Self {
            users: matrix(n_users, "users"),
            items: matrix(n_items, "items"),
            user_bias: vec![0.0; n_users],
            item_bias: vec![0.0; n_items],
            global: 0.0,
        }
    }

    /// Makes the vectors of items without an event 0, so that they are rated by the biases alone.
    pub(super) fn forget_unrated(&mut self, events: &Log) {
        let mut rated = vec![false; self.items.rows()];
        events.items().iter().for_each(|item| rated[item.index()] = true);
        for item in (0..rated.len()).filter(|&item| !rated[item]) {
            self.items.row_mut(item).fill(0.0);
        }
    }

    /// The number of factors.
    pub(super) fn dim(&self) -> usize {
        self.items.cols()
    }

    /// Whether every parameter is finite.
    pub(super) fn is_finite(&self) -> bool {
        let all = |values: &[f32]| values.iter().all(|x| x.is_finite());
        all(self.users.as_slice())
            && all(self.items.as_slice())
            && all(&self.user_bias)
            && all(&self.item_bias)
            && self.global.is_finite()
    }

    /// The rows of users and items, each by its group: no two groups share a row.
    pub(super) fn grouped(
        &mut self,
        users: &Groups,
        items: &Groups,
    ) -> (Vec<Vec<Row<'_>>>, Vec<Vec<Row<'_>>>) {
        (users.deal(&mut self.users, &mut self.user_bias), items.deal(&mut self.items, &mut self.item_bias))
    }
}

/// Rows dealt at random into groups of equal size (give or take one).
pub(super) struct Groups {
    /// The group of each row.
    group: Vec<u32>,
    /// The place of each row within its group.
    slot: Vec<u32>,
    /// The number of rows of each group.
    sizes: Vec<u32>,
}

impl Groups {
    /// Deals `rows` rows into `groups` groups.
    pub(super) fn deal_out(rows: usize, groups: usize, seed: Seed) -> Self {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        seed.rng().shuffle(&mut order);
        let mut group = vec![0; rows];
        for (place, &row) in order.iter().enumerate() {
            group[row as usize] = (place % groups) as u32;
        }
        let mut sizes = vec![0; groups];
        let place = |&group: &u32| {
            sizes[group as usize] += 1;
            sizes[group as usize] - 1
        };
        // In memory order, so that neighbours in a group are near each other.
        let slot = group.iter().map(place).collect();
        Self { group, slot, sizes }
    }

    /// The number of groups.
    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// The number of rows in all groups.
    pub(super) fn rows(&self) -> usize {
        self.group.len()
    }

    /// The group of `row`.
    #[inline]
    pub(super) fn group(&self, row: u32) -> usize {
        self.group[row as usize] as usize
    }

    /// The place of `row` in its group.
    #[inline]
    pub(super) fn slot(&self, row: u32) -> u32 {
        self.slot[row as usize]
    }

    fn deal<'a>(&self, matrix: &'a mut Matrix, biases: &'a mut [f32]) -> Vec<Vec<Row<'a>>> {
        let mut groups: Vec<Vec<Row<'a>>> =
            self.sizes.iter().map(|&size| Vec::with_capacity(size as usize)).collect();
        let dim = matrix.cols().max(1);
        let rows = matrix.as_mut_slice().chunks_exact_mut(dim).zip(biases);
        for ((factors, bias), &group) in rows.zip(&self.group) {
            groups[group as usize].push(Row { factors, bias });
        }
        groups
    }
}
