//! Batches of an epoch.

use rayon::prelude::*;
use seoro_core::sample::Negatives;
use seoro_core::{Log, Seed};

/// Gives the batches of each epoch: always the same for the same seed.
pub trait Feed: Sync {
    /// A batch.
    type Batch: Send;

    /// The batches of the epoch whose seed this is. They are made while the device works, on threads of their own: one where
    /// that is the processor, else as many as the run has.
    fn epoch(&self, seed: Seed) -> Box<dyn Iterator<Item = Self::Batch> + Send + '_>;
}

/// All there is to learn from, as the one batch of every epoch: an epoch is a step down the whole objective, as
/// [`Rprop`](super::Rprop) wants it.
pub struct Whole<B>(pub B);

impl<B: Clone + Send + Sync> Feed for Whole<B> {
    type Batch = B;

    fn epoch(&self, _: Seed) -> Box<dyn Iterator<Item = B> + Send + '_> {
        Box::new(std::iter::once(self.0.clone()))
    }
}

/// Pairs of a user and an item, each with a label.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PairBatch {
    /// The users.
    pub users: Vec<u32>,
    /// The items, one a user.
    pub items: Vec<u32>,
    /// 1 for an event, 0 for an item drawn.
    pub labels: Vec<f32>,
}

impl PairBatch {
    fn with_room(pairs: usize) -> Self {
        let (users, items) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
        Self { users, items, labels: Vec::with_capacity(pairs) }
    }
}

/// Every event, and with each some items that its user has no event with, drawn anew each epoch; all in random order
/// (pointwise learning, as of He et al. 2017).
pub struct Pairs<'a> {
    users: &'a [seoro_core::UserId],
    items: &'a [seoro_core::ItemId],
    negatives: Negatives<'a>,
    each: usize,
    batch: usize,
}

impl<'a> Pairs<'a> {
    /// Batches of `batch` of the events and `each` items drawn for each; `None` where an epoch would have 2^32 pairs or more.
    pub fn new(events: &'a Log, negatives: Negatives<'a>, each: usize, batch: usize) -> Option<Self> {
        let pairs = (events.len() as u64).checked_mul((each as u64).saturating_add(1))?;
        u32::try_from(pairs).ok()?;
        let (users, items) = (events.users(), events.items());
        Some(Self { users, items, negatives, each, batch: batch.max(1) })
    }

    /// Pair `pair` of an epoch: the same whenever it is asked for; `None` where its user has an event with every item.
    fn pair(&self, pair: u32, seed: Seed) -> Option<(u32, u32, f32)> {
        let of_event = self.each as u32 + 1;
        let (event, sample) = ((pair / of_event) as usize, pair % of_event);
        let user = self.users[event].0;
        if sample == 0 {
            return Some((user, self.items[event].0, 1.0));
        }
        let item = self.negatives.draw(user, &mut seed.index(u64::from(pair)).rng())?;
        Some((user, item.0, 0.0))
    }
}

impl Feed for Pairs<'_> {
    type Batch = PairBatch;

    fn epoch(&self, seed: Seed) -> Box<dyn Iterator<Item = PairBatch> + Send + '_> {
        let mut order: Vec<u32> = (0..self.users.len() as u32 * (self.each as u32 + 1)).collect();
        seed.child("order").rng().shuffle(&mut order);
        let count = order.len().div_ceil(self.batch);
        let seed = seed.child("negatives");
        let batch = move |place: usize| {
            let end = order.len().min((place + 1) * self.batch);
            let mut pairs = PairBatch::with_room(end - place * self.batch);
            for &pair in &order[place * self.batch..end] {
                if let Some((user, item, label)) = self.pair(pair, seed) {
                    pairs.users.push(user);
                    pairs.items.push(item);
                    pairs.labels.push(label);
                }
            }
            pairs
        };
        // Users with every item may leave a batch without a pair.
        Box::new(by_all_threads(count, batch).filter(|batch| !batch.labels.is_empty()))
    }
}

/// `count` batches in their order, of which all threads make some together.
pub(crate) fn by_all_threads<'a, B: Send + 'a>(
    count: usize,
    batch: impl Fn(usize) -> B + Sync + Send + 'a,
) -> impl Iterator<Item = B> + Send + 'a {
    let block = 2 * rayon::current_num_threads();
    let blocks = (0..count).step_by(block).map(move |first| first..count.min(first + block));
    blocks.flat_map(move |block| block.into_par_iter().map(&batch).collect::<Vec<_>>())
}
