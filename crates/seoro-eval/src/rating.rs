//! Errors of predicted ratings.

use crate::chunks::in_chunks;
use crate::{EvalError, Options};
use seoro_core::{ItemId, Query, Rate, ScoreError};

/// A rating that someone gave.
#[derive(Clone, Copy, Debug)]
pub struct Rated<'a> {
    /// Who.
    pub query: Query<'a>,
    /// What.
    pub item: ItemId,
    /// How much.
    pub rating: f32,
}

/// The prediction errors of a model, one per rating: prediction − rating.
#[derive(Clone, Debug, PartialEq)]
pub struct RatingErrors {
    errors: Vec<f64>,
}

impl RatingErrors {
    /// Asks a model for each rating; of the options, what is hidden and the ties play no part.
    ///
    /// Predictions are taken as they are: a model that knows the scale keeps to it.
    ///
    /// # Errors
    /// Those of the model, a prediction or rating that is NaN ([`ScoreError::NotANumber`], whose query is the place of the
    /// rating), [`EvalError::Threads`], [`EvalError::Cancelled`].
    pub fn of(model: &dyn Rate, ratings: &[Rated<'_>], options: &Options<'_>) -> Result<Self, EvalError> {
        let chunks = in_chunks(ratings, options, Vec::new, |predicted: &mut Vec<f32>, first, ratings| {
            let pairs: Vec<(Query<'_>, ItemId)> =
                ratings.iter().map(|rated| (rated.query, rated.item)).collect();
            predicted.clear();
            predicted.resize(pairs.len(), 0.0);
            model
                .rate(&pairs, predicted)
                .map_err(|error| EvalError::of_case(error, |query| first + query))?;
            let errors = predicted.iter().zip(ratings);
            let errors: Vec<f64> =
                errors.map(|(&predicted, rated)| f64::from(predicted) - f64::from(rated.rating)).collect();
            match errors.iter().position(|error| error.is_nan()) {
                Some(place) => {
                    let (query, item) = (first + place, ratings[place].item);
                    Err(ScoreError::NotANumber { query, item }.into())
                }
                None => Ok(errors),
            }
        })?;
        Ok(Self { errors: chunks.concat() })
    }

    /// Prediction − rating, in the order of the ratings.
    pub fn errors(&self) -> &[f64] {
        &self.errors
    }

    /// The root of the mean squared error, on the ratings' scale; NaN without ratings.
    pub fn rmse(&self) -> f64 {
        (self.errors.iter().map(|error| error * error).sum::<f64>() / self.errors.len() as f64).sqrt()
    }

    /// The mean absolute error, on the ratings' scale; NaN without ratings.
    pub fn mae(&self) -> f64 {
        self.errors.iter().map(|error| error.abs()).sum::<f64>() / self.errors.len() as f64
    }
}
