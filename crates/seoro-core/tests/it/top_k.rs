//! The scores of a model of vectors, and its default `top_k`, against plain dot products and sorting.

use seoro_core::*;
use std::borrow::Cow;

struct Vectors {
    users: Matrix,
    items: Matrix,
    embeds: bool,
}

impl Embed for Vectors {
    fn items(&self) -> Cow<'_, Matrix> {
        Cow::Borrowed(&self.items)
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        out.reset(queries.len(), self.users.cols());
        for (row, query) in queries.iter().enumerate() {
            let user = query.user.ok_or(ScoreError::Missing { query: row, what: "user" })?;
            out.row_mut(row).copy_from_slice(self.users.row(user.index()));
        }
        Ok(())
    }
}

impl Score for Vectors {
    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        score_by_vectors(self, queries, items, out)
    }

    fn embed(&self) -> Option<&dyn Embed> {
        self.embeds.then_some(self)
    }
}

/// Small whole numbers: products are exact, and ties are many.
fn matrix(seed: Seed, rows: usize, cols: usize) -> Matrix {
    let mut rng = seed.rng();
    Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| rng.below(5) as f32 - 2.0).collect()).unwrap()
}

fn model(embeds: bool, n_users: usize, n_items: usize, dim: usize) -> Vectors {
    let seed = Seed::new(21);
    let (users, items) = (seed.child("users"), seed.child("items"));
    Vectors { users: matrix(users, n_users, dim), items: matrix(items, n_items, dim), embeds }
}

#[test]
fn vectors_blocks_and_sorting_agree() {
    for (n_users, n_items, dim) in [(300, 1300, 8), (1, 513, 3), (257, 20, 64), (3, 17_000, 5), (2, 0, 4)] {
        let mut rng = Seed::new(4).rng();
        let histories: Vec<Vec<ItemId>> = (0..n_users)
            .map(|_| {
                if n_items == 0 {
                    vec![]
                } else {
                    (0..30).map(|_| ItemId(rng.below(n_items as u32))).collect()
                }
            })
            .collect();
        let queries: Vec<Query<'_>> =
            histories.iter().zip(0..).map(|(history, user)| Query::new(history).user(UserId(user))).collect();
        for k in [1, 20, 40] {
            let [vectors, blocks] = [true, false].map(|embeds| {
                let mut out = TopK::new();
                model(embeds, n_users, n_items, dim).top_k(&queries, k, &OwnHistory, &mut out).unwrap();
                out
            });
            assert_eq!(vectors, blocks);
            let model = model(true, n_users, n_items, dim);
            for (query, history) in histories.iter().enumerate() {
                let mut expected: Vec<Scored> = (0..n_items as u32)
                    .map(ItemId)
                    .filter(|item| !history.contains(item))
                    .map(|item| Scored {
                        item,
                        score: kernel::scalar::dot(model.users.row(query), model.items.row(item.index())),
                    })
                    .collect();
                expected.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
                expected.truncate(k);
                assert_eq!(vectors.list(query).len(), expected.len());
                assert!(
                    vectors
                        .list(query)
                        .iter()
                        .zip(&expected)
                        .all(|(a, b)| a.item == b.item && a.score == b.score)
                );
            }
        }
    }
}

#[test]
fn a_nan_is_reported_with_its_query_and_item_unless_hidden() {
    for embeds in [true, false] {
        let mut model = model(embeds, 300, 1300, 8);
        model.items.row_mut(777)[3] = f32::NAN;
        let history = [ItemId(777)];
        let mut queries = vec![Query::new(&history).user(UserId(0)); 300];
        let mut out = TopK::new();
        model.top_k(&queries, 5, &OwnHistory, &mut out).unwrap();
        queries[270] = Query::new(&[]).user(UserId(0));
        let error = model.top_k(&queries, 5, &OwnHistory, &mut out).unwrap_err();
        assert_eq!(error, ScoreError::NotANumber { query: 270, item: ItemId(777) });
    }
}

#[test]
fn a_query_the_model_cannot_embed_is_an_error() {
    let error = model(true, 2, 3, 4).top_k(&[Query::default()], 5, &Nothing, &mut TopK::new()).unwrap_err();
    assert_eq!(error, ScoreError::Missing { query: 0, what: "user" });
}

#[test]
fn all_a_range_and_lists_are_scored_by_dot_products() {
    for (n_users, n_items, dim) in [(5, 40, 7), (1, 3, 1), (3, 4, 0), (0, 4, 2), (2, 0, 3)] {
        let model = model(true, n_users, n_items, dim);
        let queries: Vec<Query<'_>> =
            (0..n_users as u32).map(|user| Query::default().user(UserId(user))).collect();
        let (half, n) = (n_items as u32 / 2, n_items as u32);
        let lists: Vec<Vec<ItemId>> = (0..n_users)
            .map(|user| (0..n).rev().step_by(user + 1).skip(user).map(ItemId).collect())
            .collect();
        let lists: Vec<&[ItemId]> = lists.iter().map(Vec::as_slice).collect();
        let block = |range: std::ops::Range<u32>| vec![range.map(ItemId).collect::<Vec<_>>(); n_users];
        for (items, wanted) in [
            (Items::All, block(0..n)),
            (Items::Range(half..n), block(half..n)),
            (Items::Range(half..half), block(0..0)),
            (Items::Lists(&lists), lists.iter().map(|list| list.to_vec()).collect()),
        ] {
            let expected: Vec<f32> = (0..n_users)
                .flat_map(|user| wanted[user].iter().map(move |item| (user, item.index())))
                .map(|(user, item)| kernel::scalar::dot(model.users.row(user), model.items.row(item)))
                .collect();
            let mut out = vec![f32::NAN; expected.len()];
            score_by_vectors(&model, &queries, items.clone(), &mut out).unwrap();
            assert_eq!(out, expected, "{items:?} of {n_users} users, {n_items} items");
        }
    }
}

#[test]
fn items_and_buffers_that_do_not_fit_are_errors() {
    let (model, query) = (model(true, 2, 3, 4), Query::default().user(UserId(1)));
    let error = score_by_vectors(&model, &[query], Items::Range(1..4), &mut [0.0; 3]).unwrap_err();
    assert_eq!(error, ScoreError::Item { item: ItemId(3), n_items: 3 });
    let error = score_by_vectors(&model, &[query], Items::All, &mut [0.0; 2]).unwrap_err();
    assert_eq!(error, ScoreError::Output { len: 2, expected: 3 });
}
