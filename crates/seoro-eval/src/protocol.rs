//! What is asked of a model, and under which rules.

use crate::{EvalError, Ties};
use seoro_core::{Csr, Hide, ItemId, Nothing, Query, Rng, Seed, UserId};
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

/// Raised whenever the same seed may draw other candidates than before; part of a result's key.
pub const REVISION: u32 = 1;

/// A question and its right answers.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The question.
    pub query: Query<'a>,
    /// The items that should stand on top: at least one, distinct, in any order.
    pub targets: &'a [ItemId],
    /// The items ranked with the targets, in any order, distinct; naming a target here changes nothing. `None`: every item.
    pub candidates: Option<&'a [ItemId]>,
}

/// The rules of an evaluation, and how it runs.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Options<'a> {
    /// Where a target stands among other items with the same score.
    pub ties: Ties,
    /// Items that do not compete; hiding a target is an error.
    pub hide: &'a dyn Hide,
    /// How many threads; 0 for all of the current pool (without one: all cores). Results are the same for any number.
    pub threads: usize,
    /// Ends the evaluation when set.
    pub cancel: &'a AtomicBool,
    /// Told, from any thread, how many more cases are done.
    pub progress: Option<&'a (dyn Fn(usize) + Sync)>,
}

/// A flag that is never set.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

impl Options<'_> {
    /// Pessimistic ties, nothing hidden, all cores.
    pub fn new() -> Self {
        Self { ties: Ties::Pessimistic, hide: &Nothing, threads: 0, cancel: &NEVER, progress: None }
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Lists of candidates: each user's targets and `negatives` items drawn uniformly, without replacement, from those that
/// are neither among the user's `positives` (`[U, I]`) nor targets. The lists rise.
///
/// Metrics over so few candidates are not comparable with those over all items, and may order models differently
/// (Krichene and Rendle 2020): this serves to repeat published numbers, such as those of NCF (He et al. 2017: 99 negatives).
/// A user's draw depends on the seed and the user alone.
///
/// ```
/// use seoro_core::{Csr, ItemId, Seed, UserId};
/// use seoro_eval::sampled_candidates;
/// let positives = Csr::new(vec![0, 2], vec![0, 3], vec![1.0; 2], 5)?;
/// let lists = sampled_candidates(&positives, &[UserId(0)], &[&[ItemId(1)]], 2, Seed::new(7))?;
/// assert_eq!(lists, [[ItemId(1), ItemId(2), ItemId(4)]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`EvalError::Length`] unless there are as many target lists as users, [`EvalError::TooFewItems`].
pub fn sampled_candidates(
    positives: &Csr,
    users: &[UserId],
    targets: &[&[ItemId]],
    negatives: usize,
    seed: Seed,
) -> Result<Vec<Vec<ItemId>>, EvalError> {
    if users.len() != targets.len() {
        return Err(EvalError::Length {
            what: "lists of targets for users",
            len: targets.len(),
            expected: users.len(),
        });
    }
    let mut taken: Vec<u32> = Vec::new();
    let draw = |(&user, &targets): (&UserId, &&[ItemId])| {
        taken.clear();
        if user.index() < positives.rows() {
            taken.extend(positives.columns(user.index()));
        }
        taken.extend(
            targets.iter().map(|target| target.0).filter(|&target| (target as usize) < positives.cols()),
        );
        taken.sort_unstable();
        taken.dedup();
        let free = positives.cols() - taken.len();
        if free < negatives {
            return Err(EvalError::TooFewItems { user, free, wanted: negatives });
        }
        let places = distinct_below(free as u32, negatives as u32, &mut seed.index(u64::from(user.0)).rng());
        let mut list: Vec<ItemId> = free_items(&taken, &places).chain(targets.iter().copied()).collect();
        list.sort_unstable();
        list.dedup();
        Ok(list)
    };
    users.iter().zip(targets).map(draw).collect()
}

/// `n` distinct numbers below `end`, each set equally likely, rising: Floyd's algorithm (Bentley and Floyd 1987).
fn distinct_below(end: u32, n: u32, rng: &mut Rng) -> Vec<u32> {
    let mut drawn = HashSet::with_capacity(n as usize);
    for last in end - n..end {
        let place = rng.below(last + 1);
        drawn.insert(if drawn.contains(&place) { last } else { place });
    }
    let mut drawn: Vec<u32> = drawn.into_iter().collect();
    drawn.sort_unstable();
    drawn
}

/// The items at these rising places among the items that are not `taken` (which rises).
fn free_items<'a>(taken: &'a [u32], places: &'a [u32]) -> impl Iterator<Item = ItemId> + 'a {
    let mut before = 0;
    places.iter().map(move |&place| {
        while before < taken.len() && taken[before] as usize <= place as usize + before {
            before += 1;
        }
        ItemId(place + before as u32)
    })
}
