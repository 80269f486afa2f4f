//! What is timed: each case does what its peers do, on the same files and threads.

use super::work::{Repeat, Work};
use super::{Agreement, Case, Prepare, Scene, pool};
use crate::data::{self, Data};
use crate::{LabError, workplace};
use seoro_core::format::{Delimited, Format, Place, read_log};
use seoro_core::{
    Embed, Histories, ItemId, Items, Log, Matrix, Query, Score, ScoreError, Seed, UserId, kernel,
    score_by_vectors,
};
use seoro_eval::{Case as Question, Metric, Options};
use seoro_models::registry::Model;
use seoro_models::{Run, Training};
use serde_json::json;
use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The cases of reading, evaluating and fitting.
pub(super) const CASES: &[Case] = &[
    case("data", "tsv-ml-1m", Agreement::Within(0.0), |scene| reading(scene, "\t")),
    Case {
        note: Some(
            "the peers read the same rows separated by tabs, since they take two characters for a separator \
             only by their slow parsers or not at all.",
        ),
        ..case("data", "double-colon-ml-1m", Agreement::Within(0.0), |scene| reading(scene, "::"))
    },
    case("eval", "full-ranking-d64-gowalla", Agreement::Within(1e-4), full_ranking),
    case("models", "item-knn-fit-ml-1m", Agreement::Within(1e-4), |scene| item_knn(scene, "ncf-ml-1m")),
    case("models", "item-knn-fit-gowalla", Agreement::Within(1e-4), |scene| {
        item_knn(scene, "lightgcn-gowalla")
    }),
    case("models", "ials-d64-ml-1m", Agreement::Within(0.01), |scene| ials(scene, "ncf-ml-1m")),
    case("models", "ials-d64-gowalla", Agreement::Within(0.01), |scene| ials(scene, "lightgcn-gowalla")),
    case("models", "ease-fit-ml-1m", Agreement::Within(1e-4), ease),
    case("models", "mf-bpr-d64-ml-1m", Agreement::NotBelow { slack: 0.01, floor: 0.75 }, mf_bpr),
];

const fn case(
    bench: &'static str,
    name: &'static str,
    agreement: Agreement,
    prepare: fn(&Scene) -> Result<Work, LabError>,
) -> Case {
    Case { bench, name, note: None, agreement, prepare: Prepare::By(prepare) }
}

pub(super) fn open(scene: &Scene, name: &str) -> Result<Data, LabError> {
    let missing = || LabError::Usage(format!("{name}: not at hand; name its folder with --data DIR"));
    data::open(name, &scene.folders)?.ok_or_else(missing)
}

/// A file of this run, made whole before anybody reads it.
pub(super) fn file(
    name: &str,
    write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>,
) -> Result<PathBuf, LabError> {
    let path = workplace::target().join("experiments/bench").join(name);
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(LabError::io(&path))?;
    workplace::write_whole(&path, &bytes)?;
    Ok(path)
}

/// A log as lines `user item item …`.
fn lists(name: &str, log: &Log) -> Result<PathBuf, LabError> {
    let histories = Histories::new(log);
    file(name, |out| {
        (0..histories.n_users() as u32).try_for_each(|user| {
            write!(out, "{user}")?;
            histories.items(UserId(user)).iter().try_for_each(|item| write!(out, " {item}"))?;
            writeln!(out)
        })
    })
}

fn reading(scene: &Scene, delimiter: &'static str) -> Result<Work, LabError> {
    let log = open(scene, "ml-1m")?.train;
    let written = |delimiter: &str, name: &str| {
        file(name, |out| {
            log.events().try_for_each(|event| {
                let user = log.user_vocab().name(event.user.0).unwrap_or_default();
                let item = log.item_vocab().name(event.item.0).unwrap_or_default();
                let time = event.time.unwrap_or(0) / 1000;
                let d = delimiter;
                writeln!(out, "{user}{d}{item}{d}{}{d}{time}", event.value)
            })
        })
    };
    let tsv = written("\t", "ml-1m.tsv")?;
    let path = if delimiter == "\t" { tsv.clone() } else { written(delimiter, "ml-1m.dat")? };
    let (value, time) = (Some(Place::Index(2)), Some(Place::Index(3)));
    let format =
        Format::Delimited(Delimited { delimiter: delimiter.into(), value, time, ..Delimited::default() });
    let told = json!({"path": tsv, "threads": scene.threads, "delimiter": "\t"});
    let pool = pool(scene.threads)?;
    let ours: Repeat = Box::new(move || {
        let log =
            pool.install(|| read_log(&path, &format)).map_err(|error| LabError::Usage(error.to_string()))?;
        let ids = (log.n_users() + log.n_items()) as f64;
        Ok(Box::new(move || ids))
    });
    Ok(Work::timed(vec![("data_polars", told.clone()), ("data_pandas", told)], ours, scene.threads))
}

/// A model that is given its vectors: what is timed is the ranking.
struct Vectors {
    users: Matrix,
    items: Matrix,
}

impl Vectors {
    fn random(rows: usize, dim: usize, stream: &str) -> Matrix {
        let mut rng = Seed::new(1).child(stream).rng();
        let mut matrix = Matrix::zeros(rows, dim);
        matrix.as_mut_slice().iter_mut().for_each(|number| *number = rng.normal() as f32);
        matrix
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
        Some(self)
    }
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

fn full_ranking(scene: &Scene) -> Result<Work, LabError> {
    const DIM: usize = 64;
    let data = open(scene, "lightgcn-gowalla")?;
    let test = data.test.ok_or_else(|| LabError::Usage("lightgcn-gowalla: no test part".to_owned()))?;
    let (users, items) = (data.train.n_users(), data.train.n_items());
    let model =
        Vectors { users: Vectors::random(users, DIM, "users"), items: Vectors::random(items, DIM, "items") };
    let raw = |name: &str, matrix: &Matrix| {
        file(name, |out| matrix.as_slice().iter().try_for_each(|number| out.write_all(&number.to_le_bytes())))
    };
    let told = json!({
        "users": users, "items": items, "dim": DIM, "k": 20, "threads": scene.threads,
        "user_vectors": raw("users.f32", &model.users)?, "item_vectors": raw("items.f32", &model.items)?,
        "train": lists("gowalla-train.txt", &data.train)?, "test": lists("gowalla-test.txt", &test)?,
    });
    let (train, test) = (Histories::new(&data.train), Histories::new(&test));
    let threads = scene.threads;
    let ours: Repeat = Box::new(move || {
        let asked = (0..users as u32).map(UserId).filter(|&user| !test.items(user).is_empty());
        let questions: Vec<Question<'_>> = asked
            .map(|user| Question { query: train.query(user), targets: test.items(user), candidates: None })
            .collect();
        let mut options = Options::new();
        options.hide = &seoro_core::OwnHistory;
        options.threads = threads;
        let metrics = [Metric::Recall(20), Metric::Ndcg(20)];
        let evaluation = seoro_eval::evaluate(&model, &questions, &metrics, &options)
            .map_err(|error| LabError::Usage(error.to_string()))?;
        let ndcg = evaluation.mean(Metric::Ndcg(20)).unwrap_or(f64::NAN);
        Ok(Box::new(move || ndcg))
    });
    Ok(Work::timed(vec![("eval_torch", told.clone()), ("eval_implicit", told)], ours, scene.threads))
}

/// Fits a model on the training part of a data set; the check is what `check` says of it.
fn fitting(
    scene: &Scene,
    train: Log,
    (model, recipe): (&str, toml::Table),
    check: impl Fn(&dyn Score, &Histories) -> f64 + Copy + 'static,
) -> Result<Repeat, LabError> {
    let recipe = Model::parse(model, recipe).map_err(|error| LabError::Usage(error.to_string()))?;
    let histories = Rc::new(Histories::new(&train));
    let threads = scene.threads;
    Ok(Box::new(move || {
        let mut run = Run::new(Seed::new(1));
        run.threads = threads;
        let fitted = recipe.fit(&Training::new(&train, &histories), &mut run);
        let fitted = fitted.map_err(|error| LabError::Usage(error.to_string()))?;
        let histories = Rc::clone(&histories);
        Ok(Box::new(move || check(fitted.as_score(), &histories)))
    }))
}

/// What every peer of a fit is told.
fn told(scene: &Scene, data: &Data, train: &Path) -> serde_json::Value {
    json!({"users": data.train.n_users(), "items": data.train.n_items(), "train": train, "threads": scene.threads})
}

/// Lines `user item`.
fn pairs(name: &str, log: &Log) -> Result<PathBuf, LabError> {
    file(name, |out| log.events().try_for_each(|event| writeln!(out, "{} {}", event.user, event.item)))
}

fn item_knn(scene: &Scene, dataset: &'static str) -> Result<Work, LabError> {
    const NEIGHBOURS: usize = 100;
    let data = open(scene, dataset)?;
    let mut told = told(scene, &data, &pairs(&format!("{dataset}.pairs"), &data.train)?);
    told["k"] = json!(NEIGHBOURS);
    let recipe = recipe(json!({"neighbours": NEIGHBOURS}))?;
    let ours = fitting(scene, data.train, ("item-knn", recipe), sum_of_scores)?;
    Ok(Work::timed(vec![("knn_implicit", told)], ours, scene.threads))
}

fn ials(scene: &Scene, dataset: &'static str) -> Result<Work, LabError> {
    // implicit's unobserved weight is 1 and its penalty is the same for every row: the objective that both can have.
    const ALPHA: f64 = 1.0;
    const PENALTY: f64 = 1.0;
    const ITERATIONS: usize = 15;
    const INIT_STD: f64 = 0.1;
    let data = open(scene, dataset)?;
    let mut told = told(scene, &data, &lists(&format!("{dataset}-train.txt"), &data.train)?);
    for (key, value) in [("factors", json!(64)), ("iterations", json!(ITERATIONS)), ("alpha", json!(ALPHA))] {
        told[key] = value;
    }
    told["regularization"] = json!(PENALTY);
    told["init_std"] = json!(INIT_STD);
    told["conjugate_gradient"] = json!(false);
    let recipe = recipe(json!({
        "factors": 64, "epochs": ITERATIONS, "unobserved": 1.0, "regularization": PENALTY, "exponent": 0.0,
        "init_std": INIT_STD, "weighting": {"confidence": {"alpha": ALPHA}},
    }))?;
    let check =
        move |model: &dyn Score, histories: &Histories| objective(model, histories, 1.0 + ALPHA, PENALTY);
    // The weight of a pair grows with its value: both sides are to see interactions alone.
    let ours = fitting(scene, data.train.without_values(), ("ials", recipe), check)?;
    Ok(Work::timed(vec![("als_implicit", told)], ours, scene.threads))
}

/// `Σ c (1 − s)² + Σ over unobserved s² + penalty (‖X‖² + ‖Y‖²)`; the sum over every cell goes through the gram matrices.
fn objective(model: &dyn Score, histories: &Histories, confidence: f64, penalty: f64) -> f64 {
    let Some(embed) = model.embed() else { return f64::NAN };
    let queries: Vec<Query<'_>> =
        (0..histories.n_users() as u32).map(|user| histories.query(UserId(user))).collect();
    let mut users = Matrix::default();
    if embed.queries(&queries, &mut users).is_err() {
        return f64::NAN;
    }
    let items = embed.items();
    let seen = histories.matrix();
    let mut observed = 0.0;
    for user in 0..seen.rows() {
        for &item in seen.columns(user) {
            let score = f64::from(kernel::dot(users.row(user), items.row(item as usize)));
            observed += confidence * (1.0 - score).powi(2) - score * score;
        }
    }
    let (x, y) = (gram(&users), gram(&items));
    let everything: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    let trace = |gram: &[f64], dim: usize| (0..dim).map(|d| gram[d * dim + d]).sum::<f64>();
    observed + everything + penalty * (trace(&x, users.cols()) + trace(&y, items.cols()))
}

/// `MᵀM` in f64.
fn gram(matrix: &Matrix) -> Vec<f64> {
    let dim = matrix.cols();
    let mut gram = vec![0.0; dim * dim];
    for row in 0..matrix.rows() {
        let row = matrix.row(row);
        for (a, line) in row.iter().zip(gram.chunks_exact_mut(dim)) {
            line.iter_mut().zip(row).for_each(|(sum, b)| *sum += f64::from(*a) * f64::from(*b));
        }
    }
    gram
}

fn ease(scene: &Scene) -> Result<Work, LabError> {
    const LAMBDA: f64 = 500.0;
    let data = open(scene, "ncf-ml-1m")?;
    let mut told = told(scene, &data, &lists("ncf-ml-1m-train.txt", &data.train)?);
    told["lambda"] = json!(LAMBDA);
    let ours = fitting(scene, data.train, ("ease", recipe(json!({"lambda": LAMBDA}))?), sum_of_squares)?;
    Ok(Work::timed(vec![("ease_numpy", told)], ours, scene.threads))
}

/// The sum of all weights' squares: a history of one item is scored by that item's row of weights.
fn sum_of_squares(model: &dyn Score, _: &Histories) -> f64 {
    sum_over_single_items(model, |weight| weight * weight)
}

/// The sum of all neighbours' similarities: a history of one item is scored by that item's similarities.
fn sum_of_scores(model: &dyn Score, _: &Histories) -> f64 {
    sum_over_single_items(model, |similarity| similarity)
}

fn sum_over_single_items(model: &dyn Score, of: impl Fn(f64) -> f64) -> f64 {
    let mut scores = vec![0.0; model.n_items()];
    let mut sum = 0.0;
    for item in 0..model.n_items() as u32 {
        if model.score(&[Query::new(&[ItemId(item)])], Items::All, &mut scores).is_err() {
            return f64::NAN;
        }
        sum += scores.iter().map(|&score| of(f64::from(score))).sum::<f64>();
    }
    sum
}

/// How often a random item of a user's scores above a random other one, of 10,000 comparisons.
fn right_comparisons(model: &dyn Score, histories: &Histories) -> f64 {
    const COMPARISONS: usize = 10_000;
    let mut rng = Seed::new(1).child("comparisons").rng();
    let users: Vec<UserId> = (0..histories.n_users() as u32)
        .map(UserId)
        .filter(|&user| !histories.items(user).is_empty())
        .collect();
    let mut right = 0;
    for _ in 0..COMPARISONS {
        let user = users[rng.below(users.len() as u32) as usize];
        let own = histories.items(user);
        let item = own[rng.below(own.len() as u32) as usize];
        let other = ItemId(rng.below(histories.n_items() as u32));
        let mut scores = [0.0; 2];
        let asked = model.score(&[histories.query(user)], Items::Lists(&[&[item, other]]), &mut scores);
        right += usize::from(asked.is_ok() && scores[0] > scores[1]);
    }
    right as f64 / COMPARISONS as f64
}

fn mf_bpr(scene: &Scene) -> Result<Work, LabError> {
    const EPOCHS: usize = 5;
    let data = open(scene, "ncf-ml-1m")?;
    let mut told = told(scene, &data, &lists("ml-1m-train.txt", &data.train)?);
    told["factors"] = json!(64);
    told["epochs"] = json!(EPOCHS);
    let recipe = recipe(json!({"factors": 64, "epochs": EPOCHS, "popularity": 1.0, "learning_rate": 0.05}))?;
    let ours = fitting(scene, data.train, ("mf-bpr", recipe), right_comparisons)?;
    Ok(Work::timed(vec![("mf_implicit", told)], ours, scene.threads))
}

fn recipe(parameters: serde_json::Value) -> Result<toml::Table, LabError> {
    serde_json::from_value(parameters).map_err(|error| LabError::Usage(error.to_string()))
}
