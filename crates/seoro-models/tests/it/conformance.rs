//! Every registered model keeps the rules; models that do not are found out.

use seoro_core::score::top_k_by_blocks;
use seoro_core::{Hide, Items, Nothing, Query, Score, ScoreError, TopK};
use seoro_models::conformance::{self, Failure, Rule};
use seoro_models::registry::{Model, Visit};
use seoro_models::{FitError, Recommender, Run, Training};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};

struct Check(Vec<&'static str>);

impl Visit for Check {
    fn visit<R: Recommender>(&mut self) {
        if let Err(failure) = conformance::check(&R::checked()) {
            panic!("{}: {failure}", R::NAME);
        }
        self.0.push(R::NAME);
    }
}

#[test]
fn every_registered_model_keeps_the_rules() {
    let mut check = Check(Vec::new());
    Model::visit_all(&mut check);
    assert_eq!(check.0, Model::names());
}

/// Popularity with one thing wrong.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
enum Flaw {
    #[default]
    None,
    NotANumber,
    Candidates,
    Block,
    Batch,
    Clock,
    Deaf,
    Unbounded,
    Taste,
    Order,
    Shown,
    Lenient,
    Forgiving,
    Forgetful,
}

#[derive(Default, Serialize, Deserialize)]
struct Flawed<const PERSONAL: bool> {
    flaw: Flaw,
}

#[derive(Serialize, Deserialize)]
struct FlawedModel {
    flaw: Flaw,
    n_items: usize,
    clock: u32,
    /// What a saved model does not come back with.
    #[serde(skip)]
    unsaved: f32,
}

impl<const PERSONAL: bool> Recommender for Flawed<PERSONAL> {
    type Fitted = FlawedModel;
    const NAME: &'static str = "flawed";
    const REVISION: u32 = 1;
    const PERSONAL: bool = PERSONAL;

    fn fit(&self, train: &Training<'_>, run: &mut Run<'_>) -> Result<FlawedModel, FitError> {
        static CLOCK: AtomicU32 = AtomicU32::new(0);
        if !matches!(self.flaw, Flaw::Deaf) {
            run.check()?;
        }
        if matches!(self.flaw, Flaw::Unbounded) {
            run.reserve(Self::NAME, run.memory.map_or(0, |limit| limit + 10))?;
        }
        let clock = if matches!(self.flaw, Flaw::Clock) { CLOCK.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let unsaved = f32::from(u8::from(matches!(self.flaw, Flaw::Forgetful)));
        Ok(FlawedModel { flaw: self.flaw, n_items: train.events.n_items(), clock, unsaved })
    }
}

impl Score for FlawedModel {
    fn n_items(&self) -> usize {
        self.n_items
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        if !matches!(self.flaw, Flaw::Lenient) {
            items.check(queries.len(), self.n_items, out.len())?;
        }
        let unknown =
            queries.iter().flat_map(|query| query.history).find(|item| item.index() >= self.n_items);
        if let Some(&item) = unknown.filter(|_| !matches!(self.flaw, Flaw::Forgiving)) {
            return Err(ScoreError::Item { item, n_items: self.n_items });
        }
        let all: Vec<u32> = match &items {
            Items::All => (0..queries.len()).flat_map(|_| 0..self.n_items as u32).collect(),
            Items::Range(range) => (0..queries.len()).flat_map(|_| range.clone()).collect(),
            Items::Lists(lists) => lists.iter().flat_map(|list| list.iter()).map(|item| item.0).collect(),
        };
        out.iter_mut().zip(all).for_each(|(out, item)| *out = item as f32 + self.unsaved);
        match (self.flaw, items) {
            (Flaw::NotANumber, _) => out.iter_mut().for_each(|out| *out = (*out - 3.0).ln()),
            (Flaw::Candidates, Items::Lists(_)) => out.reverse(),
            (Flaw::Block, Items::Range(range)) if range.start > 0 => {
                out.iter_mut().for_each(|out| *out += 1.0)
            }
            (Flaw::Batch, _) if queries.len() > 1 => out.iter_mut().for_each(|out| *out += 1.0),
            (Flaw::Taste, Items::All) if queries.len() > 1 => out[self.n_items] += 1.0,
            _ => {}
        }
        Ok(())
    }

    fn top_k(
        &self,
        queries: &[Query<'_>],
        k: usize,
        hide: &dyn Hide,
        out: &mut TopK,
    ) -> Result<(), ScoreError> {
        let hide = if matches!(self.flaw, Flaw::Shown) { &Nothing } else { hide };
        top_k_by_blocks(self.n_items, queries, k, hide, out, |items, scores| {
            self.score(queries, items, scores)?;
            if matches!(self.flaw, Flaw::Order) {
                scores.iter_mut().for_each(|score| *score = -*score);
            }
            Ok(())
        })
    }
}

fn broken<const PERSONAL: bool>(flaw: Flaw) -> Option<Rule> {
    match conformance::check(&Flawed::<PERSONAL> { flaw }) {
        Ok(()) => None,
        Err(Failure::Broken { rule, .. }) => Some(rule),
        Err(Failure::Fit(FitError::Memory { .. })) => Some(Rule::Memory),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn each_flaw_breaks_its_rule() {
    assert_eq!(broken::<false>(Flaw::None), None);
    assert_eq!(broken::<true>(Flaw::None), Some(Rule::Checkerboard));
    assert_eq!(broken::<false>(Flaw::NotANumber), Some(Rule::Finite));
    assert_eq!(broken::<false>(Flaw::Candidates), Some(Rule::Candidates));
    assert_eq!(broken::<false>(Flaw::Block), Some(Rule::Range));
    assert_eq!(broken::<false>(Flaw::Batch), Some(Rule::Batch));
    assert_eq!(broken::<false>(Flaw::Clock), Some(Rule::SameBytes));
    assert_eq!(broken::<false>(Flaw::Deaf), Some(Rule::Cancel));
    assert_eq!(broken::<false>(Flaw::Unbounded), Some(Rule::Memory));
    assert_eq!(broken::<false>(Flaw::Taste), Some(Rule::Impersonal));
    assert_eq!(broken::<false>(Flaw::Order), Some(Rule::TopK));
    assert_eq!(broken::<false>(Flaw::Shown), Some(Rule::TopK));
    assert_eq!(broken::<false>(Flaw::Lenient), Some(Rule::Refusals));
    assert_eq!(broken::<false>(Flaw::Forgiving), Some(Rule::Refusals));
    assert_eq!(broken::<false>(Flaw::Forgetful), Some(Rule::Saved));
}
