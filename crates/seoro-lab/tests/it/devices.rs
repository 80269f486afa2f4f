//! Networks on `ndarray`, which has the portable operations alone, give the processor's metrics.

use seoro_core::Seed;
use seoro_lab::cell::training;
use seoro_lab::data::{self, Data, Folders};
use seoro_lab::paper::{self, Part};
use seoro_lab::task::{Side, Task};
use seoro_lab::workplace;
use seoro_models::{DeviceName, Run};
use std::path::PathBuf;

/// How far a metric on another device may be off.
const APART: f64 = 1e-3;

/// Compares the metrics of these rows of the NCF tables, each with `changes` in its recipe.
fn agree(data: &Data, rows: &[&str], changes: &str) {
    let papers = paper::read_all(&workplace::root().join("docs/papers")).unwrap();
    let paper = papers.recommenders.into_iter().find(|paper| paper.name == "ncf").unwrap();
    let protocol = paper.protocol(Part::AsPublished);
    let task = Task::new(data, &paper.datasets[&data.name], protocol, Side::Test, 1).unwrap();
    let changes: toml::Table = toml::from_str(changes).unwrap();
    let metrics = |row: &str, device: DeviceName| {
        let row = paper.row(row).unwrap();
        let mut recipe = row.recipe_table(&data.name, Part::AsPublished);
        recipe.extend(changes.clone());
        let mut run = Run::new(Seed::new(1).child(&row.name));
        run.device = device;
        let model = row.parse_recipe(&recipe).unwrap().fit(&training(data, &task), &mut run).unwrap();
        let evaluation = task.evaluate(model.as_score(), 0).unwrap();
        protocol.metrics.iter().map(|&metric| evaluation.mean(metric).unwrap()).collect::<Vec<f64>>()
    };
    for row in rows {
        let (found, expected) = (metrics(row, DeviceName::Ndarray), metrics(row, DeviceName::Cpu));
        assert!(expected.iter().all(|value| *value > 0.0));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= APART, "{row}: {found}, {expected}");
        }
    }
}

#[test]
fn ndarray_gives_the_processors_metrics_on_the_world() {
    let data = data::open("world", &Folders::new(None)).unwrap().unwrap();
    agree(&data, &["gmf-8"], "");
    // Where layers end in a ReLU, differences of rounding grow from step to step: after two epochs MLP's HR@10 moves by .01 on
    // the processor alone when its learning rate is changed by a millionth.
    agree(&data, &["mlp-8", "neumf-8"], "epochs = 1");
}

#[test]
fn ndarray_gives_the_processors_metrics_on_movielens() {
    let folder = std::env::var_os("SEORO_DATA").map(PathBuf::from);
    let Some(data) = data::open("ncf-ml-1m", &Folders::new(folder.as_deref())).unwrap() else {
        println!("ncf-ml-1m is not at hand: ndarray is compared on the embedded world alone");
        return;
    };
    agree(&data, &["gmf-8"], "epochs = 2");
}
