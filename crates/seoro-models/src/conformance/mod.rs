//! What every recommender keeps to, as checks that anyone can run on their own.
//!
//! ```
//! use seoro_models::{Popularity, conformance};
//! conformance::check(&Popularity {})?;
//! # Ok::<(), conformance::Failure>(())
//! ```

mod board;
mod failure;

use crate::persist::folder::from_weights;
use crate::registry::{Fitted, FittedModel};
use crate::{FitError, Recommender, Run, Training};
use board::Board;
pub use failure::{Failure, Rule};
use seoro_core::{ItemId, Items, Nothing, OwnHistory, Query, Score, ScoreError, Seed, TopK, UserId};
use std::sync::atomic::AtomicBool;

/// How far two ways to the same score may lie apart, relative to the largest score of the query.
const TOLERANCE: f32 = 1e-5;

/// Checks `recipe` against every [`Rule`], on a checkerboard: users and items of two colours, where users take items of
/// their own colour, or rate it higher. It must be reproducible, and fit for some hundred interactions.
///
/// # Errors
/// The first rule broken, and how.
pub fn check<R: Recommender>(recipe: &R) -> Result<(), Failure> {
    let board = Board::new(R::LEARNS_RATINGS);
    let model = fit(recipe, &board, &mut run())?;
    let known: Vec<Query<'_>> = board.users().map(|user| board.histories.query(user)).collect();
    let mut queries = known.clone();
    queries.push(Query::new(&[]));
    queries.push(Query::new(&[]).user(UserId(0)));
    queries.push(Query::new(known[1].history));
    queries.push(Query::new(known[1].history).user(UserId(u32::MAX)));
    let full = finite(&model, &queries)?;
    if R::PERSONAL {
        own_colour_first(&model, &board, &known)?;
    } else {
        same_for_all(&model, &known)?;
    }
    one_by_one(&model, &queries, &full)?;
    blocks(&model, &queries, &full)?;
    candidates(&model, &queries, &full)?;
    best(&model, &queries, &full)?;
    refusals(&model, &queries)?;
    same_bytes(recipe, &board, &model)?;
    limits(recipe, &board)?;
    saved::<R>(model, &queries, &full)
}

/// Two threads, one seed.
fn run<'a>() -> Run<'a> {
    let mut run = Run::new(Seed::new(7));
    run.threads = 2;
    run
}

fn fit<R: Recommender>(recipe: &R, board: &Board, run: &mut Run<'_>) -> Result<R::Fitted, Failure> {
    recipe.fit(&Training::new(&board.log, &board.histories), run).map_err(Failure::Fit)
}

fn scores(model: &dyn Score, queries: &[Query<'_>], items: Items<'_>) -> Result<Vec<f32>, Failure> {
    // What a model leaves unwritten stays NaN, and is found.
    let mut out = vec![f32::NAN; items.scores(queries.len(), model.n_items())];
    model.score(queries, items, &mut out).map_err(Failure::Score)?;
    Ok(out)
}

fn own_colour_first(model: &dyn Score, board: &Board, queries: &[Query<'_>]) -> Result<(), Failure> {
    let rows = scores(model, queries, Items::All)?;
    for (user, row) in board.users().zip(rows.chunks_exact(model.n_items())) {
        let held_out = board.held_out(user);
        let better = board
            .items()
            .find(|&item| board.other_colour(user, item) && row[item.index()] >= row[held_out.index()]);
        if let Some(item) = better {
            return Err(Failure::broken(Rule::Checkerboard, user.index(), Some(item)));
        }
    }
    Ok(())
}

fn same_for_all(model: &dyn Score, queries: &[Query<'_>]) -> Result<(), Failure> {
    let rows = scores(model, queries, Items::All)?;
    let n_items = model.n_items();
    same(Rule::Impersonal, &rows[n_items..], &rows[..rows.len() - n_items], n_items)
}

fn finite(model: &dyn Score, queries: &[Query<'_>]) -> Result<Vec<f32>, Failure> {
    let rows = scores(model, queries, Items::All)?;
    match rows.iter().position(|score| !score.is_finite()) {
        Some(place) => Err(Failure::at(Rule::Finite, place, model.n_items())),
        None => Ok(rows),
    }
}

fn one_by_one(model: &dyn Score, queries: &[Query<'_>], full: &[f32]) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for query in queries {
        rows.extend(scores(model, std::slice::from_ref(query), Items::All)?);
    }
    same(Rule::Batch, &rows, full, model.n_items())
}

fn blocks(model: &dyn Score, queries: &[Query<'_>], full: &[f32]) -> Result<(), Failure> {
    let n_items = model.n_items();
    for (first, last) in [(0, 0), (0, 1), (1, n_items / 2), (n_items / 2, n_items)] {
        let block = scores(model, queries, Items::Range(first as u32..last as u32))?;
        for (query, row) in full.chunks_exact(n_items).enumerate() {
            let width = last - first;
            let found = &block[query * width..(query + 1) * width];
            if !all_close(found, &row[first..last], largest(row)) {
                return Err(Failure::broken(Rule::Range, query, None));
            }
        }
    }
    Ok(())
}

/// Lists of different lengths, in falling order, one of them empty and one with a repeat.
fn candidates(model: &dyn Score, queries: &[Query<'_>], full: &[f32]) -> Result<(), Failure> {
    let n_items = model.n_items();
    let list = |query: usize| {
        let falling = (0..n_items as u32).rev().step_by(1 + query % 3).take(query % 7 * 2);
        let mut list: Vec<_> = falling.map(ItemId).collect();
        list.extend(list.first().copied());
        list
    };
    let lists: Vec<_> = (0..queries.len()).map(list).collect();
    let slices: Vec<&[_]> = lists.iter().map(Vec::as_slice).collect();
    let found = scores(model, queries, Items::Lists(&slices))?;
    let rows = full.chunks_exact(n_items).zip(&lists);
    let expected: Vec<f32> =
        rows.clone().flat_map(|(row, list)| list.iter().map(|item| row[item.index()])).collect();
    let mut start = 0;
    for (query, (row, list)) in rows.enumerate() {
        let span = start..start + list.len();
        start = span.end;
        let near = |place: usize| close(found[place], expected[place], largest(row));
        if let Some(place) = span.clone().find(|&place| !near(place)) {
            return Err(Failure::broken(Rule::Candidates, query, Some(list[place - span.start])));
        }
    }
    Ok(())
}

fn best(model: &dyn Score, queries: &[Query<'_>], full: &[f32]) -> Result<(), Failure> {
    let n_items = model.n_items();
    for k in [0, 1, 5, n_items + 1] {
        let mut top = TopK::new();
        model.top_k(queries, k, &Nothing, &mut top).map_err(Failure::Score)?;
        for (query, row) in full.chunks_exact(n_items).enumerate() {
            let mut sorted = row.to_vec();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            sorted.truncate(k);
            let list = top.list(query);
            let scale = largest(row);
            let sound = list.len() == sorted.len()
                && list.iter().zip(&sorted).all(|(found, &score)| {
                    close(found.score, score, scale) && close(row[found.item.index()], score, scale)
                });
            if !sound {
                return Err(Failure::broken(Rule::TopK, query, None));
            }
        }
    }
    let mut top = TopK::new();
    model.top_k(queries, n_items, &OwnHistory, &mut top).map_err(Failure::Score)?;
    for (place, query) in queries.iter().enumerate() {
        if let Some(shown) = top.list(place).iter().find(|shown| query.history.contains(&shown.item)) {
            return Err(Failure::broken(Rule::TopK, place, Some(shown.item)));
        }
    }
    Ok(())
}

/// A buffer that is too short and an item that does not exist, asked for or in a history, are refused.
fn refusals(model: &dyn Score, queries: &[Query<'_>]) -> Result<(), Failure> {
    let n_items = model.n_items();
    let mut out = vec![0.0; n_items + 1];
    let short = model.score(&queries[..1], Items::All, &mut out[..n_items - 1]);
    let beyond = model.score(&queries[..1], Items::Range(0..n_items as u32 + 1), &mut out);
    if short.is_ok() || beyond.is_ok() {
        return Err(Failure::broken(Rule::Refusals, 0, None));
    }
    let unknown = ItemId(n_items as u32);
    let history = [unknown, ItemId(0)];
    for query in [Query::new(&history), Query::new(&history).user(UserId(0))] {
        let scored = model.score(&[query], Items::All, &mut out[..n_items]);
        let listed = model.top_k(&[query], 1, &Nothing, &mut TopK::new());
        for answer in [scored, listed] {
            if !matches!(answer, Err(ScoreError::Item { item, .. }) if item == unknown) {
                return Err(Failure::broken(Rule::Refusals, 0, Some(unknown)));
            }
        }
    }
    Ok(())
}

fn same_bytes<R: Recommender>(recipe: &R, board: &Board, model: &R::Fitted) -> Result<(), Failure> {
    let again = fit(recipe, board, &mut run())?;
    let bytes = |model: &R::Fitted| postcard::to_allocvec(model).map_err(|_| Failure::Serialize);
    if bytes(model)? == bytes(&again)? { Ok(()) } else { Err(Failure::broken(Rule::SameBytes, 0, None)) }
}

/// A cancelled fit ends as such; one byte of memory either suffices or is refused, and what is asked for suffices.
fn limits<R: Recommender>(recipe: &R, board: &Board) -> Result<(), Failure> {
    let training = Training::new(&board.log, &board.histories);
    let cancel = AtomicBool::new(true);
    match recipe.fit(&training, &mut run().cancelled_by(&cancel)) {
        Err(FitError::Cancelled) => {}
        _ => return Err(Failure::broken(Rule::Cancel, 0, None)),
    }
    let mut small = run();
    small.memory = Some(1);
    match recipe.fit(&training, &mut small) {
        Ok(_) => Ok(()),
        Err(FitError::Memory { needed, limit: 1, .. }) if needed > 1 => {
            let mut enough = run();
            enough.memory = Some(needed);
            fit(recipe, board, &mut enough).map(|_| ())
        }
        Err(_) => Err(Failure::broken(Rule::Memory, 0, None)),
    }
}

fn saved<R: Recommender>(model: R::Fitted, queries: &[Query<'_>], full: &[f32]) -> Result<(), Failure> {
    static SAVES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = SAVES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("seoro-{}-{}-{number}.model", R::NAME, std::process::id());
    let path = std::env::temp_dir().join(name);
    let model = Fitted::<R>::new(model);
    let loaded = model.save(&path).and_then(|()| Fitted::<R>::load(&path));
    let removed = crate::persist::remove(&path);
    let loaded = loaded.map_err(Failure::Persist)?;
    removed.map_err(Failure::Persist)?;
    let weights = model.weights().map_err(Failure::Weights)?;
    let put_together: R::Fitted = from_weights(&weights).map_err(Failure::Weights)?;
    for loaded in [loaded.as_score(), &put_together] {
        let again = scores(loaded, queries, Items::All)?;
        if let Some(place) = again.iter().zip(full).position(|(a, b)| a.to_bits() != b.to_bits()) {
            return Err(Failure::at(Rule::Saved, place, loaded.n_items()));
        }
    }
    Ok(())
}

/// Holds rows of scores of all items to those expected.
fn same(rule: Rule, found: &[f32], expected: &[f32], n_items: usize) -> Result<(), Failure> {
    let rows = found.chunks_exact(n_items).zip(expected.chunks_exact(n_items));
    for (query, (found, expected)) in rows.enumerate() {
        if !all_close(found, expected, largest(expected)) {
            return Err(Failure::broken(rule, query, None));
        }
    }
    Ok(())
}

fn largest(scores: &[f32]) -> f32 {
    scores.iter().fold(0.0, |largest: f32, score| largest.max(score.abs()))
}

fn all_close(found: &[f32], expected: &[f32], scale: f32) -> bool {
    found.iter().zip(expected).all(|(&a, &b)| close(a, b, scale))
}

fn close(a: f32, b: f32, scale: f32) -> bool {
    (a - b).abs() <= TOLERANCE * scale.max(f32::MIN_POSITIVE)
}
