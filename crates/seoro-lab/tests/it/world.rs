//! The embedded world is falsifiable: nothing beats its truth, and without its structure nothing beats popularity.

use seoro_core::world::{World, shuffled};
use seoro_core::{Log, Score, Seed};
use seoro_eval::Metric;
use seoro_lab::data::{self, Data, Folders};
use seoro_lab::measure::{Measure, Measured};
use seoro_lab::paper::{self, DatasetUse, Paper, Part};
use seoro_lab::task::{Side, Task};
use seoro_lab::{cell, workplace};
use seoro_models::Run;

const METRIC: Measure = Measure::Ranking(Metric::Ndcg(10));

fn ncf() -> Paper {
    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap();
    papers.recommenders.into_iter().find(|paper| paper.name == "ncf").unwrap()
}

/// The world with another log in the place of its interactions.
fn world_of(log: Log) -> Data {
    let mut data = data::open("world", &Folders::new(None)).unwrap().unwrap();
    data.train = log;
    data
}

struct Scene {
    paper: Paper,
    data: Data,
    task: Task,
}

impl Scene {
    fn new(log: Log) -> Self {
        let (paper, data) = (ncf(), world_of(log));
        let usage: &DatasetUse = &paper.datasets["world"];
        let task = Task::new(&data, usage, paper.protocol(Part::Honest), Side::Test, 1).unwrap();
        Self { paper, data, task }
    }

    fn asked(&self, model: &dyn Score) -> Measured {
        self.task.evaluate(model, 0).unwrap()
    }

    /// What every row of the paper reaches, by name.
    fn rows(&self) -> Vec<(String, Measured)> {
        let fitted = |row: &paper::Row| {
            let recipe = row.recipe("world", Part::Honest).unwrap();
            let mut run = Run::new(Seed::new(1));
            let model = recipe.fit(&cell::training(&self.data, &self.task), &mut run).unwrap();
            (row.name.clone(), self.asked(model.as_score()))
        };
        let rows = self.paper.rows.iter().filter(|row| row.is_on("world") && !row.is_oracle());
        rows.map(fitted).collect()
    }
}

/// The mean over users of `a` minus `b`, in standard errors of that mean.
fn standard_errors(a: &Measured, b: &Measured) -> f64 {
    let pairs = a.by_user(METRIC).into_iter().zip(b.by_user(METRIC));
    let differences: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean / (variance / n).sqrt().max(f64::MIN_POSITIVE)
}

#[test]
fn no_model_beats_the_oracle() {
    let world = World::new();
    let scene = Scene::new(world.implicit());
    let oracle = scene.asked(&world.oracle());
    for (row, evaluation) in scene.rows() {
        let ahead = standard_errors(&evaluation, &oracle);
        assert!(ahead <= 3.0, "{row} is {ahead:.1} standard errors ahead of the truth");
    }
}

#[test]
fn every_personal_model_beats_popularity() {
    let rows = Scene::new(World::new().implicit()).rows();
    let popularity = rows.iter().find(|(row, _)| row == "top-pop").map(|(_, evaluation)| evaluation).unwrap();
    for (row, evaluation) in rows.iter().filter(|(row, _)| row != "top-pop") {
        let ahead = standard_errors(evaluation, popularity);
        assert!(ahead >= 3.0, "{row} is only {ahead:.1} standard errors ahead of popularity");
    }
}

#[test]
fn without_structure_no_model_beats_popularity() {
    let scene = Scene::new(shuffled(&World::new().implicit(), Seed::new(5)));
    let rows = scene.rows();
    let popularity = rows.iter().find(|(row, _)| row == "top-pop").map(|(_, evaluation)| evaluation).unwrap();
    for (row, evaluation) in &rows {
        let ahead = standard_errors(evaluation, popularity);
        assert!(ahead <= 3.0, "{row} is {ahead:.1} standard errors ahead of popularity on shuffled labels");
    }
}
