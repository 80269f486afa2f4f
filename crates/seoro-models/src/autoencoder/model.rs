//! A fitted autoencoder: its score is a dot product, and a rating where it learned from ratings.

use crate::ops::Activation;
use crate::rows::{check_histories, each_pair, profile, rated_part};
use seoro_core::score::score_by_vectors;
use seoro_core::{Embed, ItemId, Items, Matrix, Query, Rate, Score, ScoreError, UserId, kernel};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A fitted autoencoder of rows of users or of items.
///
/// The score of an item is what comes out of its cell before the last activation, which changes no order. Where rows are
/// users, the history of whoever asks is the row that goes in, so that users without training events are answered like all
/// others: of it those items count that have a training event, and ratings beyond the scale as its end (to be ranked for, a
/// history without its ratings counts as empty; to be rated for, it is refused). Where rows are items, such users are answered
/// as the mean of all trained ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoencoderModel {
    asker: Asker,
    /// `[I, K + 1]`: where rows are users, the decoder with its bias; else what each item's row is encoded to, and 1.
    items: Matrix,
    /// Items with a training event.
    seen: Vec<bool>,
    scale: Option<Scale>,
}

/// From one who asks to a vector `[K + 1]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asker {
    by: By,
    /// Users with a training event.
    trained: Vec<bool>,
    /// The mean of what stands for trained users alone.
    stranger: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum By {
    /// The history goes through the encoder.
    History(Encoder),
    /// Each user has a row of the decoder, `[U, K + 1]`.
    User(Matrix),
}

/// From the cells of a row to the hidden layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Encoder {
    /// `[N, K]`.
    pub(super) weight: Matrix,
    /// `[K]`.
    pub(super) bias: Vec<f32>,
    /// A node of each row, `[R, K]`.
    pub(super) nodes: Option<Matrix>,
    pub(super) activation: Activation,
    /// Whether what comes out is 1 above ½, else 0.
    pub(super) binary: bool,
    /// Whether cells have values of their own, and not all 1.
    pub(super) values: bool,
    /// Whether no cell ever went in.
    pub(super) is_blind: bool,
}

impl Encoder {
    /// What the hidden layer makes of a row with these cells, and the node of the row where there is one.
    pub(super) fn encode(&self, (columns, values): (&[u32], &[f32]), node: Option<&[f32]>, out: &mut [f32]) {
        let (columns, values) = if self.is_blind { (&[][..], &[][..]) } else { (columns, values) };
        kernel::weighted_rows(columns, values, self.weight.as_slice(), out);
        kernel::axpy(1.0, &self.bias, out);
        node.into_iter().for_each(|node| kernel::axpy(1.0, node, out));
        self.activation.of_all(out);
        if self.binary {
            out.iter_mut().for_each(|x| *x = f32::from(*x > 0.5));
        }
    }
}

/// The mean of the rows of trained users.
fn mean_row(matrix: &Matrix, trained: &[bool]) -> Vec<f32> {
    let mut sums = vec![0.0; matrix.cols()];
    let rows = (0..matrix.rows()).filter(|&row| trained.get(row) == Some(&true));
    let mut count = 0;
    for row in rows {
        sums.iter_mut().zip(matrix.row(row)).for_each(|(sum, &x)| *sum += f64::from(x));
        count += 1;
    }
    sums.iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect()
}

impl Asker {
    /// Where rows are users.
    pub(super) fn rows(encoder: Encoder, trained: &[bool]) -> Self {
        let stranger = encoder.nodes.as_ref().map_or_else(Vec::new, |nodes| mean_row(nodes, trained));
        Self { by: By::History(encoder), trained: trained.to_vec(), stranger }
    }

    /// Where columns are users.
    pub(super) fn columns(users: Matrix, trained: &[bool]) -> Self {
        let stranger = mean_row(&users, trained);
        Self { by: By::User(users), trained: trained.to_vec(), stranger }
    }

    fn knows(&self, user: Option<UserId>) -> Option<usize> {
        user.map(UserId::index).filter(|&user| self.trained.get(user) == Some(&true))
    }

    /// What stands for the one who asks, `[K + 1]`, given what of the history the model has learned from.
    fn vector(&self, user: Option<UserId>, cells: Cells, out: &mut [f32]) {
        let known = self.knows(user);
        let encoder = match &self.by {
            By::History(encoder) => encoder,
            By::User(users) => {
                out.copy_from_slice(known.map_or(self.stranger.as_slice(), |user| users.row(user)));
                return;
            }
        };
        let (columns, values): (Vec<u32>, Vec<f32>) = cells.into_iter().unzip();
        let nodes = encoder.nodes.as_ref();
        let node = nodes.map(|nodes| known.map_or(self.stranger.as_slice(), |user| nodes.row(user)));
        let (hidden, last) = out.split_at_mut(encoder.bias.len());
        encoder.encode((&columns, &values), node, hidden);
        last.fill(1.0);
    }
}

/// Items of a history and their values.
type Cells = Vec<(u32, f32)>;

/// From what comes out to a rating.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scale {
    /// The lowest and the highest rating.
    pub(super) low: f32,
    pub(super) high: f32,
    /// The last activation.
    pub(super) activation: Activation,
    /// The rating that is learned as 0, and the difference of ratings that is learned as 1: those of an activation that is
    /// bounded have the scale for their range.
    pub(super) zero: f32,
    pub(super) unit: f32,
    /// The rating where the user or the item has no training event.
    pub(super) unseen: f32,
}

impl Scale {
    pub(super) fn new((low, high): (f32, f32), activation: Activation, unseen: f32) -> Self {
        let (zero, unit) = match activation {
            Activation::Sigmoid => (low, high - low),
            Activation::Tanh => ((low + high) / 2.0, (high - low) / 2.0),
            _ => (0.0, 1.0),
        };
        Self { low, high, activation, zero, unit, unseen }
    }

    pub(super) fn rating(self, output: f32) -> f32 {
        let mut x = [output];
        self.activation.of_all(&mut x);
        (self.zero + x[0] * self.unit).clamp(self.low, self.high)
    }
}

impl AutoencoderModel {
    pub(super) fn new(asker: Asker, items: Matrix, seen: Vec<bool>, scale: Option<Scale>) -> Self {
        Self { asker, items, seen, scale }
    }
}

impl Score for AutoencoderModel {
    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items, out)
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }

    fn rate(&self) -> Option<&dyn Rate> {
        self.scale.is_some().then_some(self as &dyn Rate)
    }
}

/// Of rows of users: the hidden layer and 1; decoders and biases. Of rows of items: the user's decoder and bias; the hidden
/// layer and 1.
impl Embed for AutoencoderModel {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        check_histories(queries, self.n_items())?;
        out.reset(queries.len(), self.items.cols());
        for (place, query) in queries.iter().enumerate() {
            let query = if self.scale.is_some() { &rated_part(query) } else { query };
            let cells = self.cells(place, query)?;
            self.asker.vector(query.user, cells, out.row_mut(place));
        }
        Ok(())
    }

    /// Without biases.
    fn comparable(&self) -> Cow<'_, Matrix> {
        let width = self.items.cols() - 1;
        let mut items = Matrix::zeros(self.items.rows(), width);
        (0..self.items.rows())
            .for_each(|row| items.row_mut(row).copy_from_slice(&self.items.row(row)[..width]));
        Cow::Owned(items)
    }
}

/// Ratings are kept within the scale; where the user or the item has none of them, the rating is the
/// recipe's `unseen`.
impl Rate for AutoencoderModel {
    fn rate(&self, pairs: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError> {
        let Some(scale) = self.scale else {
            return Err(ScoreError::Missing { query: 0, what: "model of ratings" });
        };
        let asker = |place, query: &Query<'_>| {
            let cells = self.cells(place, query)?;
            if !self.is_known(query) {
                return Ok(None);
            }
            let mut vector = vec![0.0; self.items.cols()];
            self.asker.vector(query.user, cells, &mut vector);
            Ok(Some(vector))
        };
        each_pair(pairs, self.n_items(), out, asker, |vector, item| match vector {
            Some(vector) if self.seen[item.index()] => {
                scale.rating(kernel::dot(vector, self.items.row(item.index())))
            }
            _ => scale.unseen,
        })
    }
}

impl AutoencoderModel {
    /// What of a query's history goes in: items with a training event, ratings as far as the scale goes.
    fn cells(&self, place: usize, query: &Query<'_>) -> Result<Cells, ScoreError> {
        let mut cells = Vec::new();
        if let By::User(_) = self.asker.by {
            return Ok(cells);
        }
        profile(place, query, self.scale.is_some(), self.n_items(), &mut cells)?;
        cells.retain(|&(item, _)| self.seen[item as usize]);
        if let Some(scale) = self.scale {
            cells.iter_mut().for_each(|(_, rating)| *rating = rating.clamp(scale.low, scale.high));
        }
        Ok(cells)
    }

    /// Whether there are ratings of the one who asks.
    fn is_known(&self, query: &Query<'_>) -> bool {
        match self.asker.by {
            By::History(_) => !query.history.is_empty(),
            By::User(_) => self.asker.knows(query.user).is_some(),
        }
    }
}

#[cfg(test)]
impl AutoencoderModel {
    /// As if the item had no training event.
    pub(super) fn forget(&mut self, item: usize) {
        self.seen[item] = false;
    }
}
