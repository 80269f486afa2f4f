//! Our side of a contest.

use super::kept::{SEED, build, collection, index};
use super::{CHOSEN_ON, Contest, Goal, REPORTED, SEEDS, missed_answer};
use crate::LabError;
use crate::ann::{Choice, Collection, Half, Probe, Recipe, Side, Truth, choose, first_rows};
use crate::bench::Scene;
use crate::bench::work::{Answer, Repeat};
use seoro_ann::{Ask, Index, Neighbor, SearchError};
use seoro_core::Matrix;
use std::sync::Arc;
use std::time::Instant;

/// Queries, and what they should find.
struct Asked {
    vectors: Arc<Collection>,
    queries: Matrix,
    truth: Truth,
    goal: Goal,
    pool: rayon::ThreadPool,
}

impl Asked {
    fn search(
        &self,
        index: &dyn Index,
        recipe: &Recipe,
        effort: usize,
    ) -> Result<Vec<Vec<Neighbor>>, LabError> {
        let ask = recipe.ask(self.goal.k(), effort);
        let found = if matches!(self.goal, Goal::Search { singly: true, .. }) {
            self.search_singly(index, &ask)
        } else {
            self.pool.install(|| index.search_batch(&self.queries, &ask))
        };
        found.map_err(|source| LabError::Search { vectors: self.vectors.name.to_owned(), source })
    }

    fn recall(&self, found: &[Vec<Neighbor>]) -> f64 {
        let ids: Vec<Vec<u64>> =
            found.iter().map(|found| found.iter().map(|near| near.id).collect()).collect();
        self.goal.found(&self.truth, &self.vectors.base, &self.queries, &ids)
    }

    /// One call for each query, one after another.
    fn search_singly(&self, index: &dyn Index, ask: &Ask<'_>) -> Result<Vec<Vec<Neighbor>>, SearchError> {
        let mut scratch = index.scratch();
        let one = |row: usize| {
            let mut found = Vec::with_capacity(ask.k);
            index.search(self.queries.row(row), ask, &mut scratch, &mut found).map(|_| found)
        };
        (0..self.queries.rows()).map(one).collect()
    }
}

/// Our indexes over the vectors of a contest.
pub(super) struct Ours<'a> {
    contest: &'a Contest,
    scene: &'a Scene,
    vectors: Arc<Collection>,
    /// The queries that parameters are chosen on, once they are.
    first: Option<Asked>,
    pool: rayon::ThreadPool,
    index: Option<Arc<dyn Index>>,
}

impl<'a> Ours<'a> {
    pub(super) fn new(
        contest: &'a Contest,
        scene: &'a Scene,
        pool: rayon::ThreadPool,
    ) -> Result<Self, LabError> {
        let vectors = collection(scene, contest.space)?;
        Ok(Self { contest, scene, vectors, first: None, pool, index: None })
    }

    fn asked(&self, half: Half, most: usize, pool: rayon::ThreadPool) -> Result<Asked, LabError> {
        let truth = Truth::of(&self.vectors, half, most, self.contest.space.metric())?;
        let queries = first_rows(self.vectors.half(half), most);
        Ok(Asked { vectors: Arc::clone(&self.vectors), queries, truth, goal: self.contest.goal, pool })
    }

    /// The setting and effort for a recall.
    ///
    /// # Errors
    /// No setting reaches it.
    pub(super) fn choose(&mut self, recall: f64) -> Result<Choice, LabError> {
        self.first = Some(self.asked(Half::First, CHOSEN_ON, crate::bench::pool(1)?)?);
        let unreached = || LabError::Usage(format!("none of our settings reaches a recall of {recall}"));
        choose(self, recall)?.ok_or_else(unreached)
    }

    fn recipe(&self, choice: Option<Choice>) -> &'static Recipe {
        &self.contest.ours[choice.map_or(0, |choice| choice.setting)]
    }

    /// In words.
    pub(super) fn setting(&self, choice: Option<Choice>) -> String {
        let recipe = self.recipe(choice).to_string();
        choice.map_or(recipe.clone(), |choice| format!("{recipe}, effort {}", choice.effort))
    }

    /// Answers the reported queries.
    pub(super) fn searching(self, choice: Option<Choice>) -> Result<Repeat, LabError> {
        let recipe = self.recipe(choice);
        let index = index(self.scene, self.contest.space, recipe)?;
        let effort = choice.map_or(1, |choice| choice.effort);
        let pool = crate::bench::pool(self.pool.current_num_threads())?;
        let asked = Arc::new(self.asked(REPORTED, self.contest.goal.queries(), pool)?);
        Ok(Box::new(move || {
            let found = asked.search(&*index, recipe, effort)?;
            let asked = Arc::clone(&asked);
            Ok(Box::new(move || asked.recall(&found)))
        }))
    }

    /// Builds the first setting.
    pub(super) fn building(self, effort: usize) -> Result<Repeat, LabError> {
        let (recipe, space, threads) = (self.recipe(None), self.contest.space, self.scene.threads);
        let asked =
            Arc::new(self.asked(REPORTED, self.contest.goal.queries(), crate::bench::pool(threads)?)?);
        Ok(Box::new(move || {
            let index = build(&asked.vectors, space, recipe, (SEED, threads))?;
            let asked = Arc::clone(&asked);
            let found = move || asked.search(&*index, recipe, effort).map(|found| asked.recall(&found));
            Ok(Box::new(move || found().unwrap_or(f64::NAN)))
        }))
    }

    /// What the first setting misses, on average over seeds.
    pub(super) fn missed(self, effort: usize) -> Result<Answer, LabError> {
        let recipe = self.recipe(None);
        let asked = self.asked(REPORTED, self.contest.goal.queries(), crate::bench::pool(1)?)?;
        let mut check = 0.0;
        for seed in SEEDS {
            let index = build(&self.vectors, self.contest.space, recipe, (seed, self.scene.threads))?;
            check += asked.recall(&asked.search(&*index, recipe, effort)?) / SEEDS.len() as f64;
        }
        Ok(missed_answer(check, self.vectors.half(REPORTED).rows()))
    }

    /// The memory of the first setting.
    pub(super) fn memory(self, effort: usize) -> Result<Answer, LabError> {
        let recipe = self.recipe(None);
        let index = index(self.scene, self.contest.space, recipe)?;
        let asked = self.asked(REPORTED, self.contest.goal.queries(), crate::bench::pool(1)?)?;
        let check = asked.recall(&asked.search(&*index, recipe, effort)?);
        Ok(Answer { value: index.bytes() as f64 / 1e6, check })
    }
}

impl Side for Ours<'_> {
    fn settings(&self) -> usize {
        self.contest.ours.len()
    }

    fn open(&mut self, setting: usize) -> Result<(), LabError> {
        self.index = Some(index(self.scene, self.contest.space, &self.contest.ours[setting])?);
        Ok(())
    }

    fn efforts(&self, setting: usize) -> (usize, usize) {
        let recipe = &self.contest.ours[setting];
        recipe.effort().range(self.vectors.base.rows(), recipe.lists())
    }

    fn search(&mut self, setting: usize, effort: usize) -> Result<Probe, LabError> {
        let (Some(asked), Some(index)) = (&self.first, &self.index) else {
            return Err(LabError::Usage("no index is open".to_owned()));
        };
        let start = Instant::now();
        let found = asked.search(&**index, &self.contest.ours[setting], effort)?;
        Ok(Probe { seconds: start.elapsed().as_secs_f64(), recall: asked.recall(&found) })
    }
}
