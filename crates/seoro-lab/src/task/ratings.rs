//! Hidden ratings, and how far a model is off.

use crate::LabError;
use crate::measure::{Measure, Measured};
use seoro_core::{ItemId, Log, Query, Score, ScoreError, UserId};
use seoro_eval::{EvalError, Options, Rated, RatingErrors};

/// The hidden ratings.
pub(super) struct Ratings {
    /// In the order of users: neighbours with the same user share what a model makes of them.
    pairs: Vec<Pair>,
    /// How many of them each user has, of those who have some.
    of_users: Vec<usize>,
}

struct Pair {
    user: UserId,
    item: ItemId,
    rating: f32,
    /// What every model predicts, where none is asked.
    held: Option<f32>,
}

impl Ratings {
    /// The ratings of `asked`; where the user or the item has none in `train`, `unseen` is predicted, or
    /// nothing asked.
    ///
    /// # Errors
    /// Data without ratings.
    pub(super) fn new(
        dataset: &str,
        train: &Log,
        asked: &Log,
        unseen: Option<f32>,
    ) -> Result<Self, LabError> {
        let missing = || LabError::Usage(format!("{dataset}: no ratings; expected a column of values"));
        let values = asked.values().ok_or_else(missing)?;
        let (mut users, mut items) = (vec![false; train.n_users()], vec![false; train.n_items()]);
        train.users().iter().for_each(|user| users[user.index()] = true);
        train.items().iter().for_each(|item| items[item.index()] = true);
        let pair = |((&user, &item), &rating): ((&UserId, &ItemId), &f32)| {
            let is_seen = users[user.index()] && items[item.index()];
            let held = if is_seen { None } else { Some(unseen?) };
            Some(Pair { user, item, rating, held })
        };
        let rated = asked.users().iter().zip(asked.items()).zip(values);
        let mut pairs: Vec<Pair> = rated.filter_map(pair).collect();
        pairs.sort_by_key(|pair| (pair.user, pair.item));
        let of_users = pairs.chunk_by(|a, b| a.user == b.user).map(<[Pair]>::len).collect();
        Ok(Self { pairs, of_users })
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Asks a model for each rating that is not held.
    ///
    /// # Errors
    /// A model that predicts no ratings; those of [`RatingErrors::of`].
    pub(super) fn measured<'a>(
        &self,
        model: &dyn Score,
        query: impl Fn(UserId) -> Query<'a>,
        options: &Options<'_>,
        measures: &[Measure],
    ) -> Result<Measured, EvalError> {
        let rate = model.rate().ok_or(ScoreError::Missing { query: 0, what: "model of ratings" })?;
        let asked = self.pairs.iter().filter(|pair| pair.held.is_none());
        let asked: Vec<Rated<'_>> = asked
            .map(|pair| Rated { query: query(pair.user), item: pair.item, rating: pair.rating })
            .collect();
        let errors = RatingErrors::of(rate, &asked, options)?;
        let mut of_asked = errors.errors().iter().copied();
        let mut error = |pair: &Pair| match pair.held {
            Some(held) => f64::from(held) - f64::from(pair.rating),
            None => of_asked.next().unwrap_or(f64::NAN),
        };
        let errors: Vec<f64> = self.pairs.iter().map(&mut error).collect();
        Ok(Measured::of_ratings(&errors, &self.of_users, measures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seoro_core::{Items, Rate, Vocab};
    use std::sync::Arc;

    /// Everybody rates everything 4.
    struct Four;

    impl Score for Four {
        fn n_items(&self) -> usize {
            3
        }

        fn score(&self, _: &[Query<'_>], _: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
            out.fill(4.0);
            Ok(())
        }

        fn rate(&self) -> Option<&dyn Rate> {
            Some(self)
        }
    }

    impl Rate for Four {
        fn rate(&self, _: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError> {
            out.fill(4.0);
            Ok(())
        }
    }

    fn log(ratings: &[(u32, u32, f32)]) -> Log {
        let users = ratings.iter().map(|rating| UserId(rating.0)).collect();
        let items = ratings.iter().map(|rating| ItemId(rating.1)).collect();
        let values = ratings.iter().map(|rating| rating.2).collect();
        let vocab = || Arc::new(Vocab::numbered(3));
        Log::new(users, items, Some(values), None, vocab(), vocab()).expect("a log")
    }

    #[test]
    fn pairs_unseen_in_training_are_held_or_not_asked() {
        let train = log(&[(0, 0, 5.0), (1, 1, 5.0)]);
        // Of a user without ratings, of both with some, of an item without ratings.
        let hidden = log(&[(2, 0, 5.0), (0, 1, 4.0), (0, 2, 1.0)]);
        let measured = |unseen: Option<f32>| {
            let ratings = Ratings::new("small", &train, &hidden, unseen).expect("ratings");
            let measured = ratings.measured(&Four, |_| Query::new(&[]), &Options::new(), &[Measure::Mae]);
            (ratings.len(), measured.expect("a measure").by_user(Measure::Mae))
        };
        assert_eq!(measured(None), (1, vec![0.0]));
        assert_eq!(measured(Some(3.0)), (3, vec![1.0, 2.0]));
    }
}
