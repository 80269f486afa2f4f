use proptest::prelude::*;
use seoro_core::{Csr, ItemId, Seed, UserId};
use seoro_eval::{EvalError, sampled_candidates};

fn positives(rows: &[Vec<u32>], n_items: usize) -> Csr {
    let starts = rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    });
    let columns = rows.concat();
    let values = vec![1.0; columns.len()];
    Csr::new(std::iter::once(0).chain(starts).collect(), columns, values, n_items).unwrap()
}

proptest! {
    #[test]
    fn negatives_are_new_items(
        row in prop::collection::btree_set(0u32..40, 0..20),
        targets in prop::collection::btree_set(0u32..40, 1..5),
        n in 0usize..16,
        seed in any::<u64>(),
    ) {
        let positives = positives(&[row.iter().copied().collect()], 40);
        let targets: Vec<ItemId> = targets.into_iter().map(ItemId).collect();
        let list = &sampled_candidates(&positives, &[UserId(0)], &[&targets], n, Seed::new(seed)).unwrap()[0];
        prop_assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(targets.iter().all(|target| list.contains(target)));
        prop_assert_eq!(list.len(), n + targets.len());
        prop_assert!(list.iter().all(|item| targets.contains(item) || !row.contains(&item.0) && item.0 < 40));
    }
}

#[test]
fn every_free_item_is_equally_likely() {
    let rows: Vec<Vec<u32>> = (0..20_000).map(|_| vec![0, 3, 4, 9]).collect();
    let positives = positives(&rows, 10);
    let users: Vec<UserId> = (0..20_000).map(UserId).collect();
    let targets = vec![&[ItemId(6)][..]; users.len()];
    let lists = sampled_candidates(&positives, &users, &targets, 2, Seed::new(5)).unwrap();
    let mut drawn = [0u32; 10];
    lists.iter().flatten().for_each(|item| drawn[item.index()] += 1);
    assert_eq!(drawn[6], 20_000);
    for item in [1, 2, 5, 7, 8] {
        // Binomial(20,000, 2/5): four standard deviations are 277.
        assert!(drawn[item].abs_diff(8_000) < 277, "{item}: {}", drawn[item]);
    }
    assert_eq!(drawn.iter().sum::<u32>(), 60_000);
}

#[test]
fn a_users_draw_is_the_users_own() {
    let positives = positives(&[vec![1], vec![2], vec![]], 1000);
    let draw = |users: &[u32], seed| {
        let users: Vec<UserId> = users.iter().copied().map(UserId).collect();
        let targets = vec![&[ItemId(0)][..]; users.len()];
        sampled_candidates(&positives, &users, &targets, 20, Seed::new(seed)).unwrap()
    };
    let all = draw(&[0, 1, 2], 1);
    assert_eq!(draw(&[2, 0], 1), [all[2].clone(), all[0].clone()]);
    assert_ne!(all[0], all[1]);
    assert_ne!(draw(&[0], 2)[0], all[0]);
}

#[test]
fn too_few_items_are_refused() {
    let positives = positives(&[vec![0, 1]], 5);
    let draw = |n| sampled_candidates(&positives, &[UserId(0)], &[&[ItemId(4)]], n, Seed::new(1));
    assert_eq!(draw(2).unwrap(), [[ItemId(2), ItemId(3), ItemId(4)]]);
    assert_eq!(draw(3), Err(EvalError::TooFewItems { user: UserId(0), free: 2, wanted: 3 }));
    let unpaired = sampled_candidates(&positives, &[UserId(0)], &[], 1, Seed::new(1));
    assert!(matches!(unpaired, Err(EvalError::Length { len: 0, expected: 1, .. })));
}

/// Other numbers mean another `protocol::REVISION`.
#[test]
fn the_draw_is_frozen() {
    let positives = positives(&[vec![1, 7], vec![2]], 100);
    let lists =
        sampled_candidates(&positives, &[UserId(0), UserId(1)], &[&[ItemId(5)][..]; 2], 4, Seed::new(2017))
            .unwrap();
    let rows: Vec<Vec<u32>> = lists.iter().map(|list| list.iter().map(|item| item.0).collect()).collect();
    assert_eq!(
        (seoro_eval::protocol::REVISION, rows),
        (1, vec![vec![5, 69, 85, 88, 97], vec![5, 40, 77, 82, 88]])
    );
}
