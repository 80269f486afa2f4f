//! Some users and what they took in test, by t-SNE: as Wang et al. 2019 (NGCF), figure 4, show what a layer does.

use super::Job;
use crate::LabError;
use crate::task::Task;
use seoro_core::{ItemId, Matrix, Score, Seed, UserId};
use seoro_eval::{Scatter, Tsne, tsne};
use serde::{Deserialize, Serialize};

/// Raised when the same model may be drawn otherwise than before.
pub(super) const REVISION: u32 = 1;

/// Users of a map: as in the paper.
const USERS: usize = 6;

/// How many test items a user of a map has.
const ITEMS: std::ops::RangeInclusive<usize> = 10..=40;

/// A user or an item, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapPoint {
    /// Its place across.
    pub x: f32,
    /// Its place upwards.
    pub y: f32,
    /// What it is.
    pub label: String,
    /// Whose it is.
    pub group: String,
    /// Whether it is the user.
    pub is_user: bool,
}

/// The users of a map, and what they took in test: the same for all models.
fn chosen(task: &Task) -> Vec<(UserId, &[ItemId])> {
    task.some_users(USERS, ITEMS, Seed::new(1).child("map"))
}

/// Refuses a map of nobody, before what it would be of is fitted.
pub(super) fn check(job: &Job<'_>, task: &Task) -> Result<(), LabError> {
    if !chosen(task).is_empty() {
        return Ok(());
    }
    let (row, dataset, few, many) = (&job.row.name, &job.data.name, ITEMS.start(), ITEMS.end());
    Err(LabError::Usage(format!(
        "{row} on {dataset}: no user with {few} to {many} test items to draw a map of"
    )))
}

/// The map of a fitted model.
pub(super) fn of(
    job: &Job<'_>,
    task: &Task,
    model: &dyn Score,
    threads: usize,
) -> Result<Vec<MapPoint>, LabError> {
    let (row, dataset) = (&job.row.name, &job.data.name);
    let failed = |what: &dyn std::fmt::Display| LabError::Usage(format!("{row} on {dataset}, map: {what}"));
    let embed = model.embed().ok_or_else(|| failed(&"no vectors of users and items"))?;
    let chosen = chosen(task);
    let (mut queries, items) = (Matrix::zeros(0, 0), embed.comparable());
    let asked: Vec<_> = chosen.iter().map(|&(user, _)| task.query(user)).collect();
    embed.queries(&asked, &mut queries).map_err(|error| failed(&error))?;
    let (mut vectors, mut points) = (Vec::new(), Vec::new());
    let mut add = |vector: &[f32], label: String, group: &str, is_user: bool| {
        // Some models keep a number behind the vectors that only ranks.
        let vector = &vector[..items.cols().min(vector.len())];
        // A vector of zeros has no direction, and no place.
        if vector.iter().all(|&number| number == 0.0) {
            return;
        }
        vectors.extend_from_slice(vector);
        points.push(MapPoint { x: 0.0, y: 0.0, label, group: group.to_owned(), is_user });
    };
    for (row, (user, targets)) in chosen.iter().enumerate() {
        let group = format!("user {}", task.train.user_vocab().name(user.0).unwrap_or_default());
        add(queries.row(row), group.clone(), &group, true);
        for &ItemId(item) in *targets {
            let label = format!("item {}", task.train.item_vocab().name(item).unwrap_or_default());
            add(items.row(item as usize), label, &group, false);
        }
    }
    let vectors = Matrix::from_vec(points.len(), items.cols(), vectors).map_err(|error| failed(&error))?;
    let mut run = tsne::Run::new(Seed::new(1));
    run.threads = threads;
    let perplexity = (points.len() as f64 / 4.0).clamp(1.0, 30.0);
    let recipe = Tsne { distance: tsne::Distance::Cosine, perplexity, ..Tsne::default() };
    let map = recipe.fit(&vectors, &run).map_err(|error| failed(&error))?;
    for (row, point) in points.iter_mut().enumerate() {
        [point.x, point.y] = [map.positions.row(row)[0], map.positions.row(row)[1]];
    }
    Ok(points)
}

/// What the file of a map is called.
pub fn map_name(paper: &str, dataset: &str, row: &str) -> String {
    format!("{paper}-{dataset}-map-{row}.svg")
}

/// A map as an SVG.
///
/// # Errors
/// [`LabError::Usage`] where it has no point.
pub fn draw_map(title: &str, points: &[MapPoint]) -> Result<String, LabError> {
    let shown = |point: &MapPoint| seoro_eval::figure::Point {
        x: point.x,
        y: point.y,
        label: point.label.clone(),
        group: point.group.clone(),
    };
    let mut plot = Scatter::new(title, points.iter().map(shown).collect());
    plot.named = (0..points.len()).filter(|&place| points[place].is_user).collect();
    plot.svg().map_err(|error| LabError::Usage(format!("{title}: {error}")))
}
