//! Draws against the distributions they promise.

use proptest::prelude::*;
use seoro_core::sample::{Alias, Negatives, WeightError};
use seoro_core::{Csr, ItemId, Seed};

const DRAWS: usize = 60_000;

/// Pearson's chi-square of the counts of draws against weights, with its degrees of freedom; a draw of weight 0 panics.
fn chi_square(counts: &[usize], weights: &[f64]) -> (f64, f64) {
    let (draws, sum) = (counts.iter().sum::<usize>() as f64, weights.iter().sum::<f64>());
    let mut square = 0.0;
    for (row, (&count, &weight)) in counts.iter().zip(weights).enumerate() {
        let expected = draws * weight / sum;
        assert!(weight > 0.0 || count == 0, "row {row} of weight 0 was drawn {count} times");
        if weight > 0.0 {
            square += (count as f64 - expected).powi(2) / expected;
        }
    }
    (square, weights.iter().filter(|&&weight| weight > 0.0).count() as f64 - 1.0)
}

/// Whether counts fit weights: below what chi-square exceeds by chance less than once in a billion tests.
fn assert_fits(counts: &[usize], weights: &[f64]) {
    let (square, freedom) = chi_square(counts, weights);
    let bound = freedom + 6.0 * (2.0 * freedom).sqrt() + 30.0;
    assert!(
        square <= bound,
        "chi-square {square:.1} with {freedom} degrees of freedom; expected at most {bound:.1}"
    );
}

fn draw_counts(n: usize, mut draw: impl FnMut() -> u32) -> Vec<usize> {
    let mut counts = vec![0; n];
    (0..DRAWS).for_each(|_| counts[draw() as usize] += 1);
    counts
}

fn positives(rows: &[&[u32]], n_items: usize) -> Csr {
    let mut starts = vec![0];
    rows.iter().for_each(|row| starts.push(starts[starts.len() - 1] + row.len()));
    let columns: Vec<u32> = rows.concat();
    let values = vec![1.0; columns.len()];
    Csr::new(starts, columns, values, n_items).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_alias_table_draws_its_weights(
        weights in prop::collection::vec(prop_oneof![Just(0.0), 0.5f64..4.0, 50.0f64..60.0], 1..40),
        seed: u64,
    ) {
        prop_assume!(weights.iter().sum::<f64>() > 0.0);
        let alias = Alias::new(&weights).unwrap();
        let mut rng = Seed::new(seed).rng();
        assert_fits(&draw_counts(weights.len(), || alias.draw(&mut rng)), &weights);
    }

    #[test]
    fn negatives_are_never_positives_and_fit_their_weights(
        rows in prop::collection::vec(prop::collection::btree_set(0u32..20, 0..=20), 1..6),
        alpha in prop_oneof![Just(None), Just(Some(0.0)), Just(Some(0.75)), Just(Some(1.0))],
        seed: u64,
    ) {
        let rows: Vec<Vec<u32>> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
        let csr = positives(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), 20);
        let weigh = |count: u32| match alpha {
            None => 1.0,
            Some(alpha) if count == 0 => if alpha == 0.0 { 1.0 } else { 0.0 },
            Some(alpha) => f64::from(count).powf(alpha),
        };
        let weights: Vec<f64> = csr.column_counts().into_iter().map(weigh).collect();
        prop_assume!(weights.iter().sum::<f64>() > 0.0);
        let negatives = match alpha {
            None => Negatives::uniform(&csr),
            Some(alpha) => Negatives::popularity(&csr, alpha),
        };
        let negatives = negatives.unwrap();
        let mut rng = Seed::new(seed).rng();
        for (user, row) in rows.iter().enumerate() {
            let free: Vec<f64> =
                (0..20).map(|item| if row.contains(&item) { 0.0 } else { weights[item as usize] }).collect();
            (0..20).for_each(|item| {
                assert_eq!(negatives.is_positive(user as u32, ItemId(item)), row.contains(&item));
            });
            if free.iter().sum::<f64>() == 0.0 {
                prop_assert_eq!(negatives.draw(user as u32, &mut rng), None);
                continue;
            }
            let counts = draw_counts(20, || negatives.draw(user as u32, &mut rng).unwrap().0);
            assert_fits(&counts, &free);
        }
    }
}

#[test]
fn a_user_with_nearly_all_items_is_served_as_fast_as_any() {
    let n = 5_000u32;
    let free = [0, 17, 1234, n - 1];
    let row: Vec<u32> = (0..n).filter(|item| !free.contains(item)).collect();
    let others: Vec<u32> = vec![0, 17, 1234, n - 1];
    let csr = positives(&[&row, &others, &[17]], n as usize);
    let mut rng = Seed::new(3).rng();
    for (negatives, weights) in [
        (Negatives::uniform(&csr).unwrap(), [1.0; 4]),
        (Negatives::popularity(&csr, 1.0).unwrap(), [1.0, 2.0, 1.0, 1.0]),
    ] {
        let counts = draw_counts(4, || {
            let item = negatives.draw(0, &mut rng).unwrap();
            free.iter().position(|&free| free == item.0).unwrap() as u32
        });
        assert_fits(&counts, &weights);
    }
}

#[test]
fn many_at_once_are_those_drawn_one_by_one() {
    let some: Vec<u32> = (0..200).filter(|item| item % 3 == 0 || (60..70).contains(item)).collect();
    let most: Vec<u32> = (0..199).collect();
    let all: Vec<u32> = (0..200).collect();
    let csr = positives(&[&some, &most, &all, &[]], 200);
    for negatives in [Negatives::uniform(&csr).unwrap(), Negatives::popularity(&csr, 0.5).unwrap()] {
        // The last user is beyond the matrix.
        for (user, count) in (0..5).flat_map(|user| [0, 1, 50].map(|count| (user, count))) {
            let (mut many, mut rng) = (vec![], Seed::new(5).rng());
            negatives.draw_many(user, count, &mut Seed::new(5).rng(), |item| many.push(item));
            let one_by_one: Vec<ItemId> = (0..count).filter_map(|_| negatives.draw(user, &mut rng)).collect();
            assert_eq!(many, one_by_one, "user {user}, {count} items");
            assert_eq!(many.len(), if user == 2 { 0 } else { count });
        }
    }
}

#[test]
fn the_same_seed_draws_the_same_and_an_unknown_user_has_no_positives() {
    let csr = positives(&[&[0, 1]], 3);
    let negatives = Negatives::uniform(&csr).unwrap();
    let draws = || {
        let mut rng = Seed::new(9).rng();
        (0..50).map(|_| negatives.draw(7, &mut rng).unwrap().0).collect::<Vec<_>>()
    };
    assert_eq!(draws(), draws());
    assert!((0..3).all(|item| draws().contains(&item)));
}

#[test]
fn weights_that_cannot_be_drawn_are_refused() {
    assert_eq!(Alias::new(&[1.0, -1.0]).unwrap_err(), WeightError::Weight { row: 1, weight: -1.0 });
    assert!(matches!(Alias::new(&[1.0, f64::NAN]), Err(WeightError::Weight { row: 1, .. })));
    assert_eq!(Alias::new(&[]).unwrap_err(), WeightError::Sum { rows: 0, sum: 0.0 });
    assert_eq!(Alias::new(&[0.0, 0.0]).unwrap_err(), WeightError::Sum { rows: 2, sum: 0.0 });
    assert!(matches!(Alias::new(&[f64::MAX, f64::MAX]), Err(WeightError::Sum { .. })));
    let empty = positives(&[&[]], 0);
    assert!(matches!(Negatives::uniform(&empty), Err(WeightError::Sum { rows: 0, .. })));
    let unused = positives(&[&[]], 4);
    assert!(matches!(Negatives::popularity(&unused, 1.0), Err(WeightError::Sum { rows: 4, .. })));
    assert!(matches!(Negatives::popularity(&unused, f64::NAN), Err(WeightError::Alpha { .. })));
}
