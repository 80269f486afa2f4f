//! The vectors of an embedded world: items and users as iALS sees them, so that a fresh machine has something to search.

use super::Collection;
use crate::LabError;
use crate::data::WORLD;
use seoro_core::world::{Parameters, SEED, World};
use seoro_core::{Embed, Histories, Matrix, Query, Seed, UserId};
use seoro_models::{Ials, Recommender, Run, Training};

/// By the laws of the embedded world, with enough items that there is something to save by not comparing all.
fn parameters() -> Parameters {
    Parameters { users: 2000, items: 10_000, ..Parameters::default() }
}

/// What makes the vectors.
fn recipe() -> Ials {
    Ials { factors: 64, epochs: 4, unobserved: 0.1, regularization: 0.01, ..Ials::default() }
}

/// The items' vectors `[10,000, 64]`; each user's vector asks for the largest inner products.
///
/// # Errors
/// A fit that fails.
pub(super) fn open() -> Result<Collection, LabError> {
    of(parameters())
}

fn of(parameters: Parameters) -> Result<Collection, LabError> {
    let wrong = |what: String| LabError::Usage(format!("{WORLD}: {what}"));
    let log = World::generate(parameters, SEED).map_err(|error| wrong(error.to_string()))?.implicit();
    let histories = Histories::new(&log);
    let model = recipe()
        .fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1).child("vectors")))
        .map_err(|source| LabError::Fit { row: Ials::NAME.to_owned(), dataset: WORLD.to_owned(), source })?;
    let everyone: Vec<Query<'_>> =
        (0..histories.n_users() as u32).map(|user| histories.query(UserId(user))).collect();
    let mut users = Matrix::zeros(0, 0);
    model.queries(&everyone, &mut users).map_err(|error| wrong(error.to_string()))?;
    Ok(Collection::new(WORLD, model.items().into_owned(), &users))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_vectors_each_time_at_any_number_of_threads() {
        let small = || of(Parameters { users: 200, items: 300, ..Parameters::default() });
        let with_threads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(small).unwrap()
        };
        let one = with_threads(1);
        assert_eq!(one, with_threads(2));
        assert_eq!((one.base.rows(), one.base.cols(), one.queries().rows()), (300, 64, 200));
    }
}
