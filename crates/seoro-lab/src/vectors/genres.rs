//! Items, learned from who took what and held to the genres of their neighbours.

use super::{Learner, Subject, Task, of_another_kind};
use crate::LabError;
use crate::data::{self, Folders, fingerprint_of, load};
use seoro_core::features::ColumnData;
use seoro_core::{Histories, ItemId, Log, Matrix, Seed, dataset};
use seoro_eval::consistency::{genre_consistency, silhouette};
use seoro_eval::{Scatter, Tsne, tsne};
use seoro_models::registry::Model;
use seoro_models::{Run, Training};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

/// The measures, in the order of columns.
pub(super) const METRICS: &[&str] =
    &["all", "top-1000", "top-500", "top-250", "unpopular", "silhouette", "chosen-on"];

/// What the columns are.
pub(super) const LEGEND: &str = "\
The share of items whose genre is that of the majority of their 8 nearest neighbours by cosine, among the labelled items, \
themselves left out (Barkan and Koenigstein 2016, section 4.2): of all labelled items, of the most popular 1,000, 500 and 250, \
and of the unpopular ones, which 3 to 14 users took; on a random half of them. Hyper-parameters were chosen on the other \
half, whose share of all stands last. The silhouette is the mean over all labelled items.";

/// The paper's k.
const NEIGHBOURS: usize = 8;

/// The most popular labelled items.
const TOP: [(&str, usize); 3] = [("top-1000", 1000), ("top-500", 500), ("top-250", 250)];

/// Genres of a map, and items of each: as in the paper's Figure 2.
const GENRES_SHOWN: usize = 13;
const ITEMS_SHOWN: usize = 100;

/// How many users took an unpopular item.
const UNPOPULAR: std::ops::RangeInclusive<usize> = 3..=14;

/// Interactions, and what items are called.
pub(super) struct Genres {
    task: Task,
    fingerprint: String,
    log: Log,
    histories: Histories,
    labels: Vec<Option<u32>>,
    /// What the labels stand for.
    genres: Vec<String>,
    /// What people call the items.
    titles: Vec<String>,
    /// How many users took each item.
    users: Vec<usize>,
    /// Whether hyper-parameters are chosen on an item.
    is_chosen_on: Vec<bool>,
}

impl Genres {
    /// Reads it; `None` where the files are not at hand. `tags` are what artists may be called.
    ///
    /// # Errors
    /// Files that are not what their manifests say, items without genres.
    pub(super) fn open(task: Task, folders: &Folders, tags: &[String]) -> Result<Option<Self>, LabError> {
        let Some(data) = data::open(task.name(), folders)? else { return Ok(None) };
        let (labels, genres, titles) = match task {
            Task::Artists => by_tags(task, folders, &data.train, tags)?,
            _ => by_genre(task, &data)?,
        };
        let log = data.train.without_values();
        let histories = Histories::new(&log);
        let users = histories.matrix().column_counts().into_iter().map(|count| count as usize).collect();
        let mut rng = Seed::new(2016).child("halves").rng();
        let is_chosen_on = labels.iter().map(|_| rng.below(2) == 0).collect();
        let fingerprint = format!("{}+{}", fingerprint_of(task.name())?, tags.join(","));
        Ok(Some(Self { task, fingerprint, log, histories, labels, genres, titles, users, is_chosen_on }))
    }

    /// The items' vectors.
    fn vectors(&self, model: &Model, seed: u64, threads: usize) -> Result<Matrix, LabError> {
        let mut run = Run::new(Seed::new(seed).child(model.name()));
        run.threads = threads;
        let failed = |source| LabError::Fit {
            row: model.name().to_owned(),
            dataset: self.task.name().to_owned(),
            source,
        };
        let fitted = model.fit(&Training::new(&self.log, &self.histories), &mut run).map_err(failed)?;
        let no_vectors = || LabError::Usage(format!("{} has no vectors of items", model.name()));
        Ok(fitted.as_score().embed().ok_or_else(no_vectors)?.comparable().into_owned())
    }

    /// Whether each labelled item is called as most of its neighbours are; one without a vector is not.
    fn hits(&self, vectors: &Matrix) -> Result<(Vec<Option<bool>>, f64), LabError> {
        let has_vector = |row: usize| vectors.row(row).iter().any(|&number| number != 0.0);
        let mut hits: Vec<Option<bool>> = self.labels.iter().map(|label| label.map(|_| false)).collect();
        let known: Vec<Option<u32>> =
            self.labels.iter().enumerate().map(|(row, label)| label.filter(|_| has_vector(row))).collect();
        let failed = |error: seoro_eval::consistency::ConsistencyError| {
            LabError::Usage(format!("{}: {error}", self.task.name()))
        };
        let votes = genre_consistency(vectors, &known, NEIGHBOURS).map_err(failed)?;
        for (&row, &hit) in votes.rows.iter().zip(&votes.values) {
            hits[row as usize] = Some(hit > 0.5);
        }
        Ok((hits, silhouette(vectors, &known).map_err(failed)?.mean()))
    }

    /// Whether each labelled item is called as most items are.
    fn majority(&self) -> Vec<Option<bool>> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        self.labels.iter().flatten().for_each(|&label| *counts.entry(label).or_default() += 1);
        let most = counts.into_iter().max_by_key(|&(_, count)| count).map(|(label, _)| label);
        self.labels.iter().map(|label| label.map(|label| Some(label) == most)).collect()
    }

    /// The items of a map: the most popular ones of the most frequent genres.
    fn shown(&self) -> Vec<usize> {
        let mut of_genre: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let labelled = self.labels.iter().enumerate().filter_map(|(item, label)| Some((item, (*label)?)));
        labelled.for_each(|(item, label)| of_genre.entry(label).or_default().push(item));
        let mut genres: Vec<Vec<usize>> = of_genre.into_values().collect();
        genres.sort_by_key(|items| std::cmp::Reverse(items.len()));
        genres.truncate(GENRES_SHOWN);
        for items in &mut genres {
            items.sort_by_key(|&item| (std::cmp::Reverse(self.users[item]), item));
            items.truncate(ITEMS_SHOWN);
        }
        genres.concat()
    }

    /// The shares of hits, by measure.
    fn shares(&self, hits: &[Option<bool>]) -> BTreeMap<String, f64> {
        let mut by_popularity: Vec<usize> = (0..hits.len()).filter(|&item| hits[item].is_some()).collect();
        by_popularity.sort_by_key(|&item| (std::cmp::Reverse(self.users[item]), item));
        let share = |items: &[usize], is_chosen_on: bool| {
            let meant = items.iter().filter(|&&item| self.is_chosen_on[item] == is_chosen_on);
            let (count, right) = meant.fold((0, 0), |(count, right), &item| {
                (count + 1, right + usize::from(hits[item] == Some(true)))
            });
            (count > 0).then(|| right as f64 / f64::from(count))
        };
        let unpopular: Vec<usize> =
            by_popularity.iter().copied().filter(|&item| UNPOPULAR.contains(&self.users[item])).collect();
        let mut values = BTreeMap::new();
        let mut put = |name: &str, value: Option<f64>| {
            values.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("all", share(&by_popularity, false));
        put("chosen-on", share(&by_popularity, true));
        put("unpopular", share(&unpopular, false));
        for (name, count) in TOP {
            // Of fewer items it is the share of all.
            put(name, by_popularity.get(..count).and_then(|items| share(items, false)));
        }
        values
    }
}

impl Subject for Genres {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn measure(
        &self,
        learner: &Learner,
        seed: u64,
        threads: usize,
        _: Option<&Path>,
    ) -> Result<(BTreeMap<String, f64>, f64), LabError> {
        match learner {
            Learner::Majority => Ok((self.shares(&self.majority()), 0.0)),
            Learner::Recommender(model) => {
                let start = Instant::now();
                let vectors = self.vectors(model, seed, threads)?;
                let seconds = start.elapsed().as_secs_f64();
                let (hits, silhouette) = self.hits(&vectors)?;
                let mut values = self.shares(&hits);
                values.insert("silhouette".to_owned(), silhouette);
                Ok((values, seconds))
            }
            _ => Err(of_another_kind(self.task.name())),
        }
    }

    fn map(&self, title: &str, learner: &Learner, threads: usize) -> Result<Option<Scatter>, LabError> {
        let Learner::Recommender(model) = learner else { return Ok(None) };
        let vectors = self.vectors(model, 1, threads)?;
        let mut items = self.shown();
        items.retain(|&item| vectors.row(item).iter().any(|&number| number != 0.0));
        let mut chosen = Matrix::zeros(items.len(), vectors.cols());
        for (row, &item) in items.iter().enumerate() {
            chosen.row_mut(row).copy_from_slice(vectors.row(item));
        }
        let failed = |error: &dyn std::fmt::Display| LabError::Usage(format!("{title}: {error}"));
        let mut run = tsne::Run::new(Seed::new(1));
        run.threads = threads;
        // The paper's Figure 2: the same method, by cosine.
        let recipe = Tsne { distance: tsne::Distance::Cosine, ..Tsne::default() };
        let map = recipe.fit(&chosen, &run).map_err(|error| failed(&error))?;
        let titles: Vec<&str> = items.iter().map(|&item| self.titles[item].as_str()).collect();
        let genre = |&item: &usize| self.labels[item].map_or("", |label| &self.genres[label as usize]);
        let genres: Vec<&str> = items.iter().map(genre).collect();
        Scatter::of_map(title, &map.positions, &titles, &genres).map(Some).map_err(|error| failed(&error))
    }
}

/// What items are labelled with, what the labels stand for, and what people call the items.
type Labelled = (Vec<Option<u32>>, Vec<String>, Vec<String>);

/// The genre of items that have exactly one.
fn by_genre(task: Task, data: &data::Data) -> Result<Labelled, LabError> {
    let genres = data.items.as_ref().and_then(|items| items.column("genre"));
    let genres = genres.ok_or_else(|| LabError::Usage(format!("{}: no genres of items", task.name())))?;
    let label = |row: usize| match genres.codes(row) {
        [genre] => Some(*genre),
        _ => None,
    };
    let names = names_of(genres);
    let titles = data.items.as_ref().and_then(|items| items.column("title"));
    let known = titles.map(names_of).unwrap_or_default();
    let title = |row: usize| {
        let code = titles.and_then(|titles| titles.codes(row).first().copied());
        let raw = || data.train.item_vocab().name(row as u32).unwrap_or_default().into_owned();
        code.and_then(|code| known.get(code as usize).cloned()).unwrap_or_else(raw)
    };
    Ok(((0..genres.rows()).map(label).collect(), names, (0..genres.rows()).map(title).collect()))
}

/// What a column's codes stand for.
fn names_of(column: &ColumnData) -> Vec<String> {
    match column {
        ColumnData::Categorical { labels, .. } | ColumnData::Labels { labels, .. } => {
            (0..labels.len() as u32).map(|code| labels.name(code).unwrap_or_default().into_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// The one of `tags` that listeners gave an artist most often; none where two were given as often.
fn by_tags(task: Task, folders: &Folders, log: &Log, tags: &[String]) -> Result<Labelled, LabError> {
    let found = load(task.name(), folders)?;
    let table = |name: &str| -> Result<Vec<Vec<String>>, LabError> {
        let missing = || LabError::Usage(format!("{}: no file called {name}", task.name()));
        let path = found.paths.get(name).ok_or_else(missing)?;
        let mut lines = Vec::new();
        let mut reader = BufReader::new(dataset::open(path)?);
        let mut line = Vec::new();
        // Names are in another encoding, ids and the tags that are meant in none but ASCII.
        while reader.read_until(b'\n', &mut line).map_err(LabError::io(path))? > 0 {
            let text = String::from_utf8_lossy(&line);
            lines.push(text.trim_end().split('\t').map(str::to_owned).collect());
            line.clear();
        }
        Ok(lines)
    };
    let names: HashMap<String, u32> = table("tags.dat")?
        .into_iter()
        .filter_map(|fields| {
            let place = tags.iter().position(|tag| fields.get(1) == Some(tag))?;
            Some((fields.into_iter().next()?, place as u32))
        })
        .collect();
    let mut counts: Vec<BTreeMap<u32, usize>> = vec![BTreeMap::new(); log.n_items()];
    for fields in table("user_taggedartists.dat")? {
        let [_, artist, tag, ..] = fields.as_slice() else { continue };
        if let (Some(item), Some(&tag)) = (log.item_vocab().get(artist), names.get(tag)) {
            *counts[ItemId(item).index()].entry(tag).or_default() += 1;
        }
    }
    let label = |counts: &BTreeMap<u32, usize>| {
        let most = counts.values().copied().max()?;
        let mut best = counts.iter().filter(|&(_, &count)| count == most);
        match (best.next(), best.next()) {
            (Some((&tag, _)), None) => Some(tag),
            _ => None,
        }
    };
    let called: HashMap<String, String> = table("artists.dat")?
        .into_iter()
        .filter_map(|fields| {
            let mut fields = fields.into_iter();
            Some((fields.next()?, fields.next()?))
        })
        .collect();
    let title = |item: u32| {
        let raw = log.item_vocab().name(item).unwrap_or_default();
        called.get(raw.as_ref()).cloned().unwrap_or_else(|| raw.into_owned())
    };
    Ok((counts.iter().map(label).collect(), tags.to_vec(), (0..log.n_items() as u32).map(title).collect()))
}
