//! Test scores cannot steer training.

use seoro_core::Seed;
use seoro_lab::cell;
use seoro_lab::data::{self, Folders};
use seoro_lab::paper::{self, Part};
use seoro_lab::task::{Side, Task};
use seoro_lab::workplace;
use seoro_models::registry::FittedModel;
use seoro_models::{Epoch, Run};

#[test]
fn a_fit_whose_snapshots_are_scored_on_test_is_the_same_fit() {
    let paper = paper::read_all(&workplace::root().join("docs/papers")).unwrap().remove(0);
    let data = data::open("world", &Folders::new(None)).unwrap().unwrap();
    let task =
        Task::new(&data, &paper.datasets["world"], paper.protocol(Part::AsPublished), Side::Test).unwrap();
    let training = cell::training(&data, &task);
    let recipe = paper.row("mf-bpr").unwrap().recipe("world", Part::AsPublished).unwrap();

    let unwatched = recipe.fit(&training, &mut Run::new(Seed::new(1))).unwrap();

    // The worst a lab could do: score every epoch on test while the fit still runs.
    let mut scores = Vec::new();
    let mut observe = |epoch: Epoch<'_>| {
        let snapshot = (epoch.snapshot)();
        scores.push(
            task.evaluate(snapshot.as_score(), 0).unwrap().mean(paper.protocol(Part::AsPublished).select),
        );
    };
    let mut run = Run::new(Seed::new(1));
    run.observe = Some(&mut observe);
    let watched = recipe.fit(&training, &mut run).unwrap();
    drop(run);

    assert!(scores.len() > 1 && scores.first() != scores.last(), "nothing was watched: {scores:?}");
    assert_eq!(bytes(unwatched.as_ref()), bytes(watched.as_ref()));
}

fn bytes(model: &dyn FittedModel) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model.save(&path).unwrap();
    std::fs::read(path).unwrap()
}
