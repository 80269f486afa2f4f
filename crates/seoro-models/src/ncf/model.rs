//! A fitted network: scores, and vectors where it is GMF alone.

use crate::rows::{Wanted, check_histories, each_row};
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::score::score_by_vectors;
use seoro_core::{Embed, ItemId, Items, Matrix, Query, Score, ScoreError, kernel};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A fitted GMF, MLP or NeuMF: its score is the logit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NcfModel {
    /// GMF's part with the last layer's weights in the items, `h ∘ q`; without it, no number but the bias. The last number
    /// is 1 for users and the bias for items.
    product: Embeddings,
    /// MLP's part.
    tower: Option<Tower>,
    /// Users with a training event.
    trained: Vec<bool>,
}

/// What stands for each user and item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Embeddings {
    users: Matrix,
    items: Matrix,
    /// The mean of trained users.
    stranger: Vec<f32>,
}

impl Embeddings {
    pub(super) fn new(users: Matrix, items: Matrix, trained: &[bool]) -> Self {
        let mut sums = vec![0.0; users.cols()];
        let mut count = 0;
        for user in (0..users.rows()).filter(|&user| trained[user]) {
            sums.iter_mut().zip(users.row(user)).for_each(|(sum, &x)| *sum += f64::from(x));
            count += 1;
        }
        let stranger = sums.iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect();
        Self { users, items, stranger }
    }

    pub(super) fn dim(&self) -> usize {
        self.users.cols()
    }

    /// The same with one more number: 1 for users, and `bias` for items, whose other numbers are multiplied by `head`.
    fn weighted(&self, head: &[f32], bias: f32) -> Self {
        let longer = |matrix: &Matrix, by: Option<&[f32]>, last: f32| {
            let mut out = Matrix::zeros(matrix.rows(), matrix.cols() + 1);
            for row in 0..matrix.rows() {
                let numbers = out.row_mut(row);
                numbers[..matrix.cols()].copy_from_slice(matrix.row(row));
                by.into_iter().for_each(|by| numbers.iter_mut().zip(by).for_each(|(x, by)| *x *= by));
                numbers[matrix.cols()] = last;
            }
            out
        };
        let stranger = self.stranger.iter().copied().chain([1.0]).collect();
        Self { users: longer(&self.users, None, 1.0), items: longer(&self.items, Some(head), bias), stranger }
    }
}

/// A layer that ends in a ReLU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Layer {
    /// `[D, H]`.
    pub(super) weight: Matrix,
    pub(super) bias: Vec<f32>,
}

/// MLP's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tower {
    pub(super) embeddings: Embeddings,
    pub(super) layers: Vec<Layer>,
    /// The last layer's weights of what comes out.
    pub(super) head: Vec<f32>,
}

/// `max(x, 0)`; what is no number stays none.
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// Items that go through a tower at once: their sums stay in the cache.
const BLOCK: usize = 1024;

impl Tower {
    /// The first weights that meet a user's embedding, and those that meet an item's; `[E, H]` each.
    fn halves(&self) -> [View<'_>; 2] {
        let dim = self.embeddings.dim();
        let (numbers, cols) = match self.layers.first() {
            Some(layer) => (layer.weight.as_slice(), layer.weight.cols()),
            None => (self.head.as_slice(), 1),
        };
        let (users, items) = numbers.split_at(dim * cols);
        [View::new(users, dim, cols), View::new(items, dim, cols)]
    }

    /// The width of what comes out of [`Tower::halves`].
    fn width(&self) -> usize {
        self.layers.first().map_or(1, |layer| layer.bias.len())
    }

    /// An embedding's part of the first sums.
    fn half(&self, embeddings: View<'_>, rows: usize, half: usize) -> Vec<f32> {
        let mut sums = vec![0.0; rows * self.width()];
        gemm(1.0, embeddings, self.halves()[half], 0.0, ViewMut::new(&mut sums, rows, self.width()), false);
        sums
    }

    /// Adds the scores of items, given by their part of the first sums, for a user, given likewise.
    fn add_scores(&self, user: &[f32], items: &[f32], out: &mut [f32]) {
        let Some((first, rest)) = self.layers.split_first() else {
            return out.iter_mut().zip(items).for_each(|(out, item)| *out += user[0] + item);
        };
        let width = self.width();
        let start: Vec<f32> = user.iter().zip(&first.bias).map(|(user, bias)| user + bias).collect();
        for (items, out) in items.chunks(BLOCK * width).zip(out.chunks_mut(BLOCK)) {
            let mut sums = items.to_vec();
            sums.chunks_exact_mut(width).for_each(|row| {
                row.iter_mut().zip(&start).for_each(|(x, start)| *x = relu(*x + start));
            });
            for layer in rest {
                let (inner, cols) = (layer.weight.rows(), layer.weight.cols());
                let mut next = layer.bias.repeat(out.len());
                let view = ViewMut::new(&mut next, out.len(), cols);
                gemm(1.0, View::new(&sums, out.len(), inner), View::from(&layer.weight), 1.0, view, false);
                next.iter_mut().for_each(|x| *x = relu(*x));
                sums = next;
            }
            for (out, row) in out.iter_mut().zip(sums.chunks_exact(self.head.len())) {
                *out += kernel::dot(row, &self.head);
            }
        }
    }
}

impl NcfModel {
    /// A model of GMF's part with its weights of the last layer, MLP's part, or both.
    pub(super) fn new(
        gmf: Option<Embeddings>,
        head: &[f32],
        tower: Option<Tower>,
        bias: f32,
        trained: Vec<bool>,
    ) -> Self {
        let n_items = tower.as_ref().map_or(0, |tower| tower.embeddings.items.rows());
        let none = || Embeddings::new(Matrix::zeros(trained.len(), 0), Matrix::zeros(n_items, 0), &trained);
        let product = gmf.unwrap_or_else(none).weighted(head, bias);
        Self { product, tower, trained }
    }

    /// What stands for the one who asks.
    fn asker<'a>(&self, embeddings: &'a Embeddings, query: &Query<'_>) -> &'a [f32] {
        match query.user.filter(|user| self.trained.get(user.index()) == Some(&true)) {
            Some(user) => embeddings.users.row(user.index()),
            None => &embeddings.stranger,
        }
    }

    /// Adds MLP's part of the scores.
    fn add_tower(
        &self,
        tower: &Tower,
        queries: &[Query<'_>],
        items: Items<'_>,
        out: &mut [f32],
    ) -> Result<(), ScoreError> {
        let table = &tower.embeddings.items;
        let range = match &items {
            Items::All => 0..table.rows(),
            Items::Range(range) => range.start as usize..range.end as usize,
            Items::Lists(_) => 0..0,
        };
        // What items add to the first sums is the same for all queries.
        let dim = table.cols();
        let block = View::new(&table.as_slice()[range.start * dim..], range.len(), dim);
        let block = tower.half(block, range.len(), 1);
        each_row(queries.len(), self.n_items(), &items, out, |query, wanted, out| {
            let user = self.asker(&tower.embeddings, &queries[query]);
            let user = tower.half(View::new(user, 1, dim), 1, 0);
            match wanted {
                Wanted::Block(_) => tower.add_scores(&user, &block, out),
                Wanted::List(list) => tower.add_scores(&user, &tower.of_items(list), out),
            }
            Ok(())
        })
    }
}

impl Tower {
    /// Some items' part of the first sums.
    fn of_items(&self, list: &[ItemId]) -> Vec<f32> {
        let table = &self.embeddings.items;
        let rows: Vec<f32> = list.iter().flat_map(|item| table.row(item.index())).copied().collect();
        self.half(View::new(&rows, list.len(), table.cols()), list.len(), 1)
    }
}

impl Score for NcfModel {
    fn n_items(&self) -> usize {
        self.product.items.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items.clone(), out)?;
        match &self.tower {
            Some(tower) => self.add_tower(tower, queries, items, out),
            None => Ok(()),
        }
    }

    fn embed(&self) -> Option<&dyn Embed> {
        if self.tower.is_none() { Some(self) } else { None }
    }
}

/// Of GMF: users `(p, 1)`, items `(h ∘ q, b)`.
impl Embed for NcfModel {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.product.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        check_histories(queries, self.n_items())?;
        out.reset(queries.len(), self.product.dim());
        for (row, query) in queries.iter().enumerate() {
            out.row_mut(row).copy_from_slice(self.asker(&self.product, query));
        }
        Ok(())
    }
}
