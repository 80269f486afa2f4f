//! Indexes that serve a model.

use crate::oracle::random;
use seoro_ann::{Build, Flat, Forest, Hnsw, Index, Metric, Points, Retriever, RetrieverError, open};
use seoro_core::score::top_k_by_vectors;
use seoro_core::{
    Embed, Hide, ItemId, Matrix, Nothing, OwnHistory, Query, Retrieve, ScoreError, Scored, Seed, TopK, UserId,
};
use std::borrow::Cow;

/// A model of users' vectors and items' vectors.
struct Factors {
    users: Matrix,
    items: Matrix,
}

impl Embed for Factors {
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

fn factors(items: usize, dim: usize) -> Factors {
    Factors { users: random(20, dim, "users"), items: random(items, dim, "items") }
}

/// Holds what is retrieved to the model's own best items.
fn agrees<I: Index>(model: &Factors, retriever: &Retriever<'_, I>, hide: &dyn Hide) {
    let history: Vec<ItemId> =
        (0..model.items.rows() as u32).filter(|item| item % 3 != 0).map(ItemId).collect();
    let (mut truth, mut found) = (TopK::new(), Vec::new());
    for user in 0..model.users.rows() as u32 {
        let query = Query::new(&history).user(UserId(user));
        for k in [0, 1, 10, model.items.rows() + 5] {
            top_k_by_vectors(model, &[query], k, hide, &mut truth).unwrap();
            retriever.retrieve(&query, k, hide, &mut found).unwrap();
            let items = |list: &[Scored]| list.iter().map(|scored| scored.item).collect::<Vec<_>>();
            assert_eq!(items(&found), items(truth.list(0)), "user {user}, k {k}");
            let is_close = |(a, b): (&Scored, &Scored)| (a.score - b.score).abs() < 1e-4;
            assert!(found.iter().zip(truth.list(0)).all(is_close));
        }
    }
}

#[test]
fn at_full_effort_it_is_the_models_own_answer() {
    let model = factors(200, 12);
    let (points, build) = (Points::new(&model.items, Metric::InnerProduct), Build::new(Seed::new(1)));
    let flat = Retriever::new(&model, Flat::default().build(&points, &build).unwrap()).unwrap();
    let forest = Forest { trees: 4, ..Forest::default() }.build(&points, &build).unwrap();
    let forest = Retriever::new(&model, forest).unwrap().effort(200);
    let hnsw = Retriever::new(&model, Hnsw::default().build(&points, &build).unwrap()).unwrap().effort(200);
    for hide in [&Nothing as &dyn Hide, &OwnHistory] {
        agrees(&model, &flat, hide);
        agrees(&model, &forest, hide);
        agrees(&model, &hnsw, hide);
    }
}

#[test]
fn a_mapped_index_of_any_kind_serves_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items");
    let model = factors(60, 5);
    let points = Points::new(&model.items, Metric::InnerProduct);
    Hnsw::default().build(&points, &Build::new(Seed::new(1))).unwrap().save(&path).unwrap();
    let retriever = Retriever::new(&model, open(&path).unwrap()).unwrap().effort(60);
    agrees(&model, &retriever, &OwnHistory);
}

#[test]
fn k_are_found_however_little_the_effort_and_few_the_items_shown() {
    let model = factors(2000, 8);
    let points = Points::new(&model.items, Metric::InnerProduct);
    let index = Hnsw::default().build(&points, &Build::new(Seed::new(1))).unwrap();
    let retriever = Retriever::new(&model, index).unwrap().effort(1);
    let history: Vec<ItemId> = (0..1985).map(ItemId).collect();
    let mut found = Vec::new();
    retriever.retrieve(&Query::new(&history).user(UserId(3)), 10, &OwnHistory, &mut found).unwrap();
    assert!(found.len() == 10 && found.iter().all(|scored| scored.item.0 >= 1985));
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = factors(30, 4);
    let index = |items: &Matrix, metric| {
        Flat::default().build(&Points::new(items, metric), &Build::new(Seed::new(1))).unwrap()
    };
    let refused = |items: &Matrix, metric| Retriever::new(&model, index(items, metric)).err();
    let metric = refused(&model.items, Metric::Cosine);
    assert_eq!(metric, Some(RetrieverError::Metric { found: Metric::Cosine }));
    let dimension = refused(&random(30, 5, "items"), Metric::InnerProduct);
    assert_eq!(dimension, Some(RetrieverError::Dimension { dim: 5, expected: 4 }));
    let more = refused(&random(31, 4, "items"), Metric::InnerProduct);
    assert_eq!(more, Some(RetrieverError::Items { rows: 31, expected: 30 }));
    let retriever = Retriever::new(&model, index(&model.items, Metric::InnerProduct)).unwrap();
    let error = retriever.retrieve(&Query::new(&[]), 3, &Nothing, &mut Vec::new()).unwrap_err();
    assert_eq!(error, ScoreError::Missing { query: 0, what: "user" });
    let ids: Vec<u64> = (0..30).map(|row| row << 40).collect();
    let points = Points::new(&model.items, Metric::InnerProduct).with_ids(&ids);
    let other = Flat::default().build(&points, &Build::new(Seed::new(1))).unwrap();
    let retriever = Retriever::new(&model, other).unwrap();
    let found = retriever.retrieve(&Query::new(&[]).user(UserId(0)), 30, &Nothing, &mut Vec::new());
    assert!(matches!(found, Err(ScoreError::Item { n_items: 30, .. })));
}
