//! A data set ready for experiments: the embedded world, or files described by a manifest.

use crate::cell::hash;
use crate::{LabError, manifests};
use seoro_core::dataset::{self, Candidates, Dataset, File, Manifest};
use seoro_core::world::World;
use seoro_core::{Features, ItemId, Log, Score, Signals, UserId};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The embedded world's name among the data sets.
pub const WORLD: &str = "world";

/// The same, with ratings.
pub const RATED_WORLD: &str = "world-ratings";

/// A data set, read.
pub struct Data {
    /// What a paper calls it: its manifest's name, where the paper has no other for this use.
    pub name: String,
    /// Its manifest's name.
    pub source: String,
    /// What tells this content from any other; part of every result's key.
    pub fingerprint: String,
    /// All interactions, or the training part where the files are split.
    pub train: Log,
    /// The test part, where the files are split.
    pub test: Option<Log>,
    /// The negatives of each user, where the files have them.
    pub negatives: Option<Vec<Vec<ItemId>>>,
    /// What is known of the users.
    pub users: Option<Features>,
    /// What is known of the items.
    pub items: Option<Features>,
    /// What users did besides, where it is known: all of it; a task cuts it.
    pub signals: Option<Signals>,
    /// The truth, where it is known.
    pub oracle: Option<Box<dyn Score>>,
}

impl Data {
    /// The same under the name of a paper's use of it.
    pub fn called(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

/// Where data sets are looked for: the folder given, then the user's cache.
pub struct Folders(Vec<PathBuf>);

impl Folders {
    /// The folder given, if any, and the cache.
    pub fn new(given: Option<&Path>) -> Self {
        let cache = crate::command::datasets::cache();
        Self(given.map(Path::to_owned).into_iter().chain(cache).collect())
    }

    /// The first of these folders that holds one called `name`.
    pub fn holding(&self, name: &str) -> Option<&Path> {
        self.0.iter().map(PathBuf::as_path).find(|folder| folder.join(name).is_dir())
    }
}

/// Reads a data set; `None` where its files are not at hand.
///
/// # Errors
/// A name without a manifest; files that are not what the manifest says.
pub fn open(name: &str, folders: &Folders) -> Result<Option<Data>, LabError> {
    if name == WORLD || name == RATED_WORLD {
        return Ok(Some(world(name)));
    }
    let manifest = manifest(name)?;
    let Some(folder) = folders.holding(manifest.folder()) else { return Ok(None) };
    files(&manifest, dataset::load(&manifest, folder)?).map(Some)
}

/// Reads a set's files by its manifest, from where they are at hand.
///
/// # Errors
/// A set that is unknown or not at hand; files that are not what the manifest says.
pub(crate) fn load(name: &str, folders: &Folders) -> Result<Dataset, LabError> {
    let missing = || LabError::Usage(format!("{name}: not at hand; name its folder with --data DIR"));
    let manifest = manifests::find(name).ok_or_else(missing)??;
    let folder = folders.holding(manifest.folder()).ok_or_else(missing)?;
    Ok(dataset::load(&manifest, folder)?)
}

fn files(manifest: &Manifest, mut dataset: Dataset) -> Result<Data, LabError> {
    let missing = || {
        LabError::Usage(format!(
            "{}: a data set of kind {}; expected interactions",
            manifest.name, manifest.kind
        ))
    };
    let test = dataset.logs.remove("test");
    // Candidates stand beside the rows of the test file, before any of them is set aside.
    let negatives =
        dataset.candidates.remove("test").zip(test.as_ref()).map(|(lists, test)| by_user(&lists, test));
    let train = dataset.logs.remove("train").or_else(|| dataset.logs.remove("all"));
    let (train, test) = match (train, test) {
        (Some(train), test) => (train, test),
        (None, Some(test)) => {
            rest_of(dataset.logs.values(), &test).map(|(train, test)| (train, Some(test)))?
        }
        (None, None) => return Err(missing()),
    };
    Ok(Data {
        name: manifest.name.clone(),
        source: manifest.name.clone(),
        fingerprint: fingerprint(manifest),
        train,
        test,
        negatives,
        users: dataset.users,
        items: dataset.items,
        signals: None,
        oracle: None,
    })
}

/// What all other parts hold and the test does not, and the test of the users who then have something to learn from.
fn rest_of<'a>(parts: impl Iterator<Item = &'a Log>, test: &Log) -> Result<(Log, Log), LabError> {
    let hidden: HashSet<(UserId, ItemId)> = test.events().map(|event| (event.user, event.item)).collect();
    let (mut users, mut items) = (Vec::new(), Vec::new());
    for event in parts.flat_map(Log::events).filter(|event| !hidden.contains(&(event.user, event.item))) {
        users.push(event.user);
        items.push(event.item);
    }
    let known: HashSet<UserId> = users.iter().copied().collect();
    let (user_vocab, item_vocab) = (Arc::clone(test.user_vocab()), Arc::clone(test.item_vocab()));
    let train = Log::new(users, items, None, None, user_vocab, item_vocab)
        .map_err(|error| LabError::Usage(error.to_string()))?;
    let asked: Vec<usize> = (0..test.len()).filter(|&row| known.contains(&test.users()[row])).collect();
    Ok((train, test.select(&asked)))
}

/// Candidates stand beside the test's events; questions are asked by user.
fn by_user(lists: &Candidates, test: &Log) -> Vec<Vec<ItemId>> {
    let mut of_user = vec![Vec::new(); test.n_users()];
    for (row, user) in test.users().iter().enumerate().take(lists.len()) {
        of_user[user.index()].extend_from_slice(lists.list(row));
    }
    of_user
}

/// What decides the content of a data set: a manifest names its files by checksum. What it tells people may change.
fn fingerprint(manifest: &Manifest) -> String {
    let file = |file: &File| {
        serde_json::json!([
            file.name,
            file.role,
            file.part,
            file.checksums,
            file.format,
            file.table,
            file.column
        ])
    };
    hash(&serde_json::json!({
        "name": manifest.name,
        "numbered": manifest.numbered,
        "files": manifest.files.iter().map(file).collect::<Vec<_>>(),
        "filters": manifest.filters,
        "counts": manifest.counts,
    }))
}

/// The fingerprint of the data set called `name`, as its manifest says; nothing of its files is read.
///
/// # Errors
/// A name without a manifest.
pub fn fingerprint_of(name: &str) -> Result<String, LabError> {
    if name == WORLD || name == RATED_WORLD {
        return Ok(world_fingerprint(name, &World::new()));
    }
    manifest(name).map(|manifest| fingerprint(&manifest))
}

fn world_fingerprint(name: &str, world: &World) -> String {
    format!("{name}-{:016x}", world.fingerprint())
}

/// Whether there is a data set of this name.
pub(crate) fn is_known(name: &str) -> bool {
    [WORLD, RATED_WORLD].contains(&name) || manifests::names().any(|known| known == name)
}

fn manifest(name: &str) -> Result<Manifest, LabError> {
    let unknown = || LabError::Unknown {
        kind: "data set",
        name: name.to_owned(),
        known: manifests::names().chain([WORLD, RATED_WORLD]).collect::<Vec<_>>().join(", "),
    };
    Ok(manifests::find(name).ok_or_else(unknown)??)
}

fn world(name: &str) -> Data {
    let world = World::new();
    let (train, oracle): (Log, Option<Box<dyn Score>>) = match name {
        RATED_WORLD => (world.ratings(), None),
        _ => (world.implicit(), Some(Box::new(world.oracle()))),
    };
    Data {
        name: name.to_owned(),
        source: name.to_owned(),
        fingerprint: world_fingerprint(name, &world),
        train,
        test: None,
        negatives: None,
        users: Some(world.user_features()),
        items: Some(world.item_features()),
        signals: Some(world.signals()),
        oracle,
    }
}
