use crate::table::Table;
use seoro_core::{Embed, Hide, ItemId, Items, Matrix, OwnHistory, Query, Rate, Score, ScoreError, UserId};
use seoro_eval::{Case, EvalError, Exposure, Metric, Options, Rated, RatingErrors, evaluate};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Deserialize)]
struct Fixture {
    exposure: Shown,
    rating: Ratings,
}

#[derive(Deserialize)]
struct Shown {
    counts: Vec<u32>,
    users: Vec<u32>,
    n_users: u32,
    coverage: f64,
    gini: f64,
    novelty: f64,
}

#[derive(Deserialize)]
struct Ratings {
    predicted: Vec<f32>,
    given: Vec<f32>,
    rmse: f64,
    mae: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/significance.json")).unwrap()
}

#[test]
fn list_measures_are_numpys() {
    let shown = fixture().exposure;
    let lists: Vec<Vec<ItemId>> =
        (0..).zip(&shown.counts).map(|(item, &count)| vec![ItemId(item); count as usize]).collect();
    let exposure = Exposure::of_lists(lists.iter().map(Vec::as_slice), shown.counts.len()).unwrap();
    assert!((exposure.coverage() - shown.coverage).abs() < 1e-12);
    assert!((exposure.gini() - shown.gini).abs() < 1e-12);
    assert!((exposure.novelty(&shown.users, shown.n_users).unwrap() - shown.novelty).abs() < 1e-12);
    assert!(matches!(exposure.novelty(&[1], 5), Err(EvalError::Length { len: 1, expected: 30, .. })));
    let beyond = Exposure::of_lists([&[ItemId(7)][..]], 7);
    assert_eq!(beyond, Err(EvalError::Item { case: 0, item: ItemId(7), n_items: 7 }));
}

#[test]
fn extremes_of_concentration() {
    let item = |row: u32| vec![ItemId(row); 3];
    let of = |lists: &[Vec<ItemId>]| Exposure::of_lists(lists.iter().map(Vec::as_slice), 4).unwrap();
    assert_eq!(of(&[item(2)]).gini(), 0.75);
    assert_eq!(of(&[item(0), item(1), item(2), item(3)]).gini(), 0.0);
    assert!(of(&[]).gini().is_nan());
    assert_eq!(of(&[item(2)]).novelty(&[0; 4], 8), Ok(3.0));
}

#[test]
fn a_models_lists_are_counted() {
    let scores = (0..300).map(|user| (0..7).map(|item| ((user + item) % 7) as f32).collect()).collect();
    let table = Table { n_items: 7, scores };
    let history = [ItemId(6)];
    let queries: Vec<Query<'_>> = (0..300).map(|user| Query::new(&history).user(UserId(user))).collect();
    let mut options = Options::new();
    options.hide = &OwnHistory;
    let exposure = Exposure::of_model(&table, &queries, 1, &options).unwrap();
    let mut expected = [0u64; 7];
    for user in 0..300 {
        expected[(0..6).max_by_key(|item| (user + item) % 7).unwrap()] += 1;
    }
    assert_eq!(exposure.counts(), expected);
}

struct Given(Vec<f32>);

impl Rate for Given {
    fn rate(&self, pairs: &[(Query<'_>, ItemId)], out: &mut [f32]) -> Result<(), ScoreError> {
        pairs.iter().zip(out).for_each(|((_, item), out)| *out = self.0[item.index()]);
        Ok(())
    }
}

#[test]
fn rating_errors_are_numpys() {
    let Ratings { predicted, given, rmse, mae } = fixture().rating;
    let rated: Vec<Rated<'_>> = (0..)
        .zip(given)
        .map(|(item, rating)| Rated { query: Query::new(&[]), item: ItemId(item), rating })
        .collect();
    let mut model = Given(predicted);
    let errors = RatingErrors::of(&model, &rated, &Options::new()).unwrap();
    assert_eq!(errors.errors()[3], f64::from(model.0[3]) - f64::from(rated[3].rating));
    assert!((errors.rmse() - rmse).abs() < 1e-12);
    assert!((errors.mae() - mae).abs() < 1e-12);
    model.0[40] = f32::NAN;
    let nan = RatingErrors::of(&model, &rated, &Options::new());
    assert_eq!(nan, Err(ScoreError::NotANumber { query: 40, item: ItemId(40) }.into()));
}

/// A dot-product model that builds its item vectors on every call, and counts the calls.
struct Built {
    vectors: Matrix,
    calls: AtomicUsize,
}

impl Embed for Built {
    fn items(&self) -> Cow<'_, Matrix> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Cow::Owned(self.vectors.clone())
    }

    fn queries(&self, queries: &[Query<'_>], out: &mut Matrix) -> Result<(), ScoreError> {
        let numbers = queries.iter().map(|query| query.user.unwrap().0 as f32);
        *out = Matrix::from_vec(queries.len(), 1, numbers.collect()).unwrap();
        Ok(())
    }
}

impl Score for Built {
    fn n_items(&self) -> usize {
        self.vectors.rows()
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items(), out.len())?;
        let Items::All = items else { unreachable!("only full rows are asked for here") };
        for (query, row) in queries.iter().zip(out.chunks_exact_mut(self.n_items())) {
            let user = query.user.unwrap().0 as f32;
            row.iter_mut().zip(self.vectors.as_slice()).for_each(|(out, vector)| *out = user * vector);
        }
        Ok(())
    }

    fn embed(&self) -> Option<&dyn Embed> {
        Some(self)
    }
}

#[test]
fn vectors_are_built_once_for_all_chunks() {
    let vectors = Matrix::from_vec(50, 1, (0..50).map(|item| ((item * 37) % 50) as f32).collect()).unwrap();
    let model = Built { vectors, calls: AtomicUsize::new(0) };
    let history = [ItemId(1)];
    let hide: &dyn Hide = &OwnHistory;
    let case = |user| Case {
        query: Query::new(&history).user(UserId(user)),
        targets: &[ItemId(5), ItemId(23)],
        candidates: None,
    };
    let cases: Vec<Case<'_>> = (0..2000).map(case).collect();
    let mut options = Options::new();
    options.hide = hide;
    let lists = evaluate(&model, &cases, &[Metric::Ndcg(20)], &options).unwrap();
    assert_eq!(model.calls.load(Ordering::Relaxed), 1);
    let scores = evaluate(&model, &cases, &[Metric::Ndcg(20), Metric::Auc], &options).unwrap();
    assert_eq!(lists.values(Metric::Ndcg(20)), scores.values(Metric::Ndcg(20)));
    assert_eq!(model.calls.load(Ordering::Relaxed), 1);
}
