//! From a manifest and a folder to a data set in memory.

use super::lines::Lines;
use super::source::{locate, open, verify};
use super::{Candidates, DatasetError, File, Filter, Manifest, Prefixes, Role, vectors, words};
use crate::format::{LogReader, read_features};
use crate::{Features, Log, Matrix};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data set that was read, checked and counted. What a part does not have is not in its map.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Dataset {
    /// The manifest's name.
    pub name: String,
    /// The interactions of each part (`all`, or `train` and `test`, …); all parts share their vocabularies.
    pub logs: BTreeMap<String, Log>,
    /// The candidates for each event of a part's log.
    pub candidates: BTreeMap<String, Candidates>,
    /// Beginnings of sessions to be continued, by part; their items share the logs' vocabulary.
    pub prefixes: BTreeMap<String, Prefixes>,
    /// What is known of the users, one row for each of the logs' vocabulary.
    pub users: Option<Features>,
    /// What is known of the items, one row for each of the logs' vocabulary.
    pub items: Option<Features>,
    /// Points `[N, D]`, by part.
    pub vectors: BTreeMap<String, Matrix>,
    /// The labels of points, by part.
    pub labels: BTreeMap<String, Vec<u8>>,
    /// The rows of the base's points nearest to each query point, by the queries' part.
    pub neighbours: BTreeMap<String, Vec<Vec<u32>>>,
    /// Where each file lies, by its name in the manifest: texts and word lists are read from there.
    pub paths: BTreeMap<String, PathBuf>,
    /// Everything that was counted, by the names that manifests use.
    pub counts: BTreeMap<String, u64>,
}

/// Loads a data set from `folder`, in which it has a folder of its name.
///
/// Every file is read, its unpacked content held to the manifest's checksum, the filters applied, and everything the
/// manifest counts must be there as often as it says.
///
/// ```
/// use seoro_core::dataset::{Manifest, load};
/// let text = r#"
/// name = "two-films"
/// title = "Two films"
/// kind = "interactions"
/// homepage = "https://example.org/two-films"
/// licence = "CC0"
/// citation = "none"
///
/// [[files]]
/// name = "ratings.csv"
/// role = "log"
/// format = { kind = "delimited", delimiter = ",", header = true, user = "who", item = "what", value = "stars" }
///
/// [counts]
/// interactions = 2
/// "#;
/// let manifest = Manifest::parse(text, "two-films.toml".as_ref())?;
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join("two-films"))?;
/// std::fs::write(folder.path().join("two-films/ratings.csv"), "who,what,stars\nann,Alien,5\nbo,Brazil,4\n")?;
/// let dataset = load(&manifest, folder.path())?;
/// assert_eq!(dataset.logs["all"].values(), Some(&[5.0, 4.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`DatasetError`]: a line that cannot be read comes first, then a wrong checksum, then a wrong count.
pub fn load(manifest: &Manifest, folder: &Path) -> Result<Dataset, DatasetError> {
    tracing::info!(dataset = manifest.name, "loading");
    let mut loader = Loader {
        manifest,
        folder: folder.join(manifest.folder()),
        dataset: Dataset { name: manifest.name.clone(), ..Dataset::default() },
    };
    loader.read_logs()?;
    for file in manifest.files.iter().filter(|file| file.role != Role::Log) {
        loader.read(file)?;
    }
    loader.count_logs();
    loader.hold_to_counts()?;
    Ok(loader.dataset)
}

struct Loader<'a> {
    manifest: &'a Manifest,
    folder: PathBuf,
    dataset: Dataset,
}

impl Loader<'_> {
    fn locate(&mut self, file: &File) -> Result<PathBuf, DatasetError> {
        let path = locate(&self.folder, &file.name)?;
        self.dataset.paths.insert(file.name.clone(), path.clone());
        Ok(path)
    }

    /// Reads the logs of all parts with one pair of vocabularies, and filters them.
    fn read_logs(&mut self) -> Result<(), DatasetError> {
        let manifest = self.manifest;
        let mut reader = match manifest.numbered {
            true => LogReader::numbered_below(self.rows_told("users"), self.rows_told("items")),
            false => LogReader::new(),
        };
        let (mut parts, mut columns) = (Vec::new(), Vec::new());
        for file in manifest.files.iter().filter(|file| file.role == Role::Log) {
            let path = self.locate(file)?;
            let format = file.format.as_ref().ok_or_else(|| self.lacks(file, "format"))?;
            columns.push(reader.read(&path, format)?);
            verify(file, &path)?;
            parts.push(file.part.clone());
        }
        if parts.is_empty() {
            return Ok(());
        }
        for (part, log) in parts.into_iter().zip(reader.finish(columns)?) {
            let log = manifest.filters.iter().fold(log, |log, filter| filter.apply(&log));
            self.dataset.logs.insert(part, log);
        }
        Ok(())
    }

    /// How many rows of `what` the manifest counts, where nothing changes them before they are counted.
    fn rows_told(&self, what: &str) -> Option<u32> {
        let unfiltered = self.manifest.filters.is_empty();
        self.manifest.counts.get(what).filter(|_| unfiltered).and_then(|&count| u32::try_from(count).ok())
    }

    /// Reads a file beside the logs.
    fn read(&mut self, file: &File) -> Result<(), DatasetError> {
        let path = self.locate(file)?;
        let part = &file.part;
        match file.role {
            Role::Log | Role::Other => {}
            Role::Candidates => self.read_candidates(file, &path)?,
            Role::Prefixes => self.read_prefixes(file, &path)?,
            Role::Users | Role::Items => self.read_features(file, &path)?,
            Role::Vectors => {
                let mut content = open(&path)?;
                let fvecs = file.name.ends_with(".fvecs");
                let read = if fvecs { vectors::read_fvecs } else { vectors::read_idx };
                let points = read(&path, &mut content)?;
                self.count(part, "vectors", points.rows() as u64);
                self.count(part, "dim", points.cols() as u64);
                self.dataset.vectors.insert(part.clone(), points);
            }
            Role::Labels => {
                let labels = vectors::read_idx_labels(&path, &mut open(&path)?)?;
                self.count(part, "labels", labels.len() as u64);
                self.dataset.labels.insert(part.clone(), labels);
            }
            Role::Neighbours => {
                let rows = vectors::read_ivecs(&path, &mut open(&path)?)?;
                self.count(part, "neighbours", rows.iter().map(|row| row.len() as u64).sum());
                self.dataset.neighbours.insert(part.clone(), rows);
            }
            Role::Text | Role::Pairs | Role::Analogies => self.count_words(file, &path)?,
        }
        verify(file, &path)
    }

    fn read_candidates(&mut self, file: &File, path: &Path) -> Result<(), DatasetError> {
        let log = self.dataset.logs.get(&file.part).ok_or_else(|| self.lacks(file, "log of its part"))?;
        let lists = Candidates::read(&mut Lines::new(path, &mut open(path)?), log)?;
        self.count(&file.part, "candidates", lists.total() as u64);
        self.dataset.candidates.insert(file.part.clone(), lists);
        Ok(())
    }

    /// Reads beginnings of sessions; their new items are given to the logs' vocabulary too.
    fn read_prefixes(&mut self, file: &File, path: &Path) -> Result<(), DatasetError> {
        let log = self.dataset.logs.values().next().ok_or_else(|| self.lacks(file, "log to continue"))?;
        let mut vocab = log.item_vocab().as_ref().clone();
        let prefixes = Prefixes::read(&mut Lines::new(path, &mut open(path)?), &mut vocab)?;
        let vocab = Arc::new(vocab);
        for log in self.dataset.logs.values_mut() {
            *log = Log::new(
                log.users().to_vec(),
                log.items().to_vec(),
                log.values().map(<[f32]>::to_vec),
                log.times().map(<[i64]>::to_vec),
                Arc::clone(log.user_vocab()),
                Arc::clone(&vocab),
            )?;
        }
        self.count(&file.part, "prefixes", prefixes.len() as u64);
        self.dataset.prefixes.insert(file.part.clone(), prefixes);
        Ok(())
    }

    fn read_features(&mut self, file: &File, path: &Path) -> Result<(), DatasetError> {
        let format = file.table.as_ref().ok_or_else(|| self.lacks(file, "table"))?;
        let log = self.dataset.logs.values().next().ok_or_else(|| self.lacks(file, "log of its ids"))?;
        let (vocab, of) = match file.role {
            Role::Users => (log.user_vocab(), "users"),
            _ => (log.item_vocab(), "items"),
        };
        let (features, rows) = read_features(path, format, vocab)?;
        self.count(of, "rows", rows);
        let slot = if of == "users" { &mut self.dataset.users } else { &mut self.dataset.items };
        *slot = Some(features);
        Ok(())
    }

    fn count_words(&mut self, file: &File, path: &Path) -> Result<(), DatasetError> {
        let mut content = open(path)?;
        let mut lines = Lines::new(path, &mut content);
        let part = &file.part;
        match file.role {
            Role::Pairs => {
                let pairs = words::count_pairs(&mut lines)?;
                self.count(part, "pairs", pairs);
            }
            Role::Analogies => {
                let (questions, sections) = words::count_analogies(&mut lines)?;
                self.count(part, "questions", questions);
                self.count(part, "sections", sections);
            }
            _ => {
                let (lines, tokens) = words::count_text(&mut lines, file.column)?;
                self.count(part, "lines", lines);
                self.count(part, "tokens", tokens);
            }
        }
        Ok(())
    }

    /// Counts the events, users and items of each part, and of all.
    fn count_logs(&mut self) {
        let logs = std::mem::take(&mut self.dataset.logs);
        if let Some(log) = logs.values().next() {
            self.count("all", "users", log.n_users() as u64);
            self.count("all", "items", log.n_items() as u64);
            let events = logs.get("all").map_or_else(|| logs.values().map(Log::len).sum(), Log::len);
            self.count("all", "interactions", events as u64);
        }
        for (part, log) in logs.iter().filter(|&(part, _)| part != "all") {
            self.count(part, "interactions", log.len() as u64);
            self.count(part, "users", distinct(log.users().iter().map(|user| user.0), log.n_users()));
            self.count(part, "items", distinct(log.items().iter().map(|item| item.0), log.n_items()));
        }
        self.dataset.logs = logs;
    }

    /// Notes a count; those of the part `all` go by their bare name.
    fn count(&mut self, part: &str, what: &str, count: u64) {
        let name = if part == "all" { what.to_owned() } else { format!("{part}.{what}") };
        self.dataset.counts.insert(name, count);
    }

    fn hold_to_counts(&self) -> Result<(), DatasetError> {
        let manifest = self.manifest.name.clone();
        for (count, &expected) in &self.manifest.counts {
            let count = count.clone();
            match self.dataset.counts.get(&count) {
                Some(&found) if found == expected => {}
                Some(&found) => return Err(DatasetError::Count { manifest, count, found, expected }),
                None => {
                    let known = self.dataset.counts.keys().cloned().collect();
                    return Err(DatasetError::UnknownCount { manifest, count, known });
                }
            }
        }
        Ok(())
    }

    fn lacks(&self, file: &File, key: &'static str) -> DatasetError {
        DatasetError::Entry { manifest: self.manifest.name.clone(), file: file.name.clone(), key }
    }
}

fn distinct(ids: impl Iterator<Item = u32>, rows: usize) -> u64 {
    let mut seen = vec![false; rows];
    ids.for_each(|id| seen[id as usize] = true);
    seen.into_iter().filter(|&seen| seen).count() as u64
}

impl Filter {
    fn apply(&self, log: &Log) -> Log {
        match *self {
            Filter::AtLeast { value } => crate::filter::at_least(log, value),
            Filter::Dedupe { keep } => crate::filter::dedupe(log, keep),
            Filter::Core { users, items } => crate::filter::core(log, users, items),
            Filter::Shrink {} => crate::filter::shrink(log),
        }
    }
}
