//! `datasets list | fetch NAME | check NAME`: what data there is, where it lies, and whether it is what it should be.

use crate::fetch::{self, FetchError, Progress};
use crate::manifests;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use seoro_core::dataset::{DatasetError, Manifest, ManifestError, load};
use std::io::Write;
use std::path::{Path, PathBuf};

/// List, fetch and check data sets.
#[derive(Debug, Args)]
pub struct DatasetsArgs {
    #[command(subcommand)]
    what: What,
    /// The folder that holds one folder for each data set; after it, the user's cache is looked through
    #[arg(long, global = true, env = "SEORO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the data sets: kind, counts, where they lie, licence
    List,
    /// Fetch a data set from its official address into the user's cache
    Fetch {
        /// Its name
        name: String,
    },
    /// Load a data set, and hold it to its manifest
    Check {
        /// Its name
        name: String,
    },
}

/// Why a command on data sets ended without doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetsError {
    /// A name that no manifest has.
    #[error("no data set is called {name:?}; expected one of: {}", manifests::names().collect::<Vec<_>>().join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// A data set that is nowhere.
    #[error("{name} is not here; expected a folder of this name in one of: {}", folders.join(", "))]
    Absent {
        /// Its name.
        name: String,
        /// Where it was looked for.
        folders: Vec<String>,
    },
    /// A user without a home, and so without a cache.
    #[error("no folder for fetched data; expected XDG_CACHE_HOME or HOME in the environment")]
    NoCache,
    /// A manifest that means nothing.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A data set that is not what its manifest says.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A fetch that failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Output that could not be written.
    #[error("output: {0}")]
    Output(#[from] std::io::Error),
}

/// The folder that fetched data sets go to: `seoro/datasets` in `XDG_CACHE_HOME`, or in `~/.cache`.
pub fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(caches.join("seoro").join("datasets"))
}

/// Runs a command on data sets, printing what it finds.
///
/// # Errors
/// See [`DatasetsError`]; its text is one line.
pub fn run(args: &DatasetsArgs) -> Result<(), DatasetsError> {
    run_with(args, cache().as_deref(), &mut std::io::stdout().lock())
}

/// As [`run`], with another cache and another place to write to.
///
/// # Errors
/// See [`DatasetsError`].
pub fn run_with(args: &DatasetsArgs, cache: Option<&Path>, out: &mut dyn Write) -> Result<(), DatasetsError> {
    let places = Places { data: args.data.as_deref(), cache };
    match &args.what {
        What::List => list(&places, out),
        What::Fetch { name } => fetch_one(&manifest(name)?, cache.ok_or(DatasetsError::NoCache)?, out),
        What::Check { name } => check(&manifest(name)?, &places, out),
    }
}

fn manifest(name: &str) -> Result<Manifest, DatasetsError> {
    let found = manifests::find(name).ok_or_else(|| DatasetsError::Unknown { name: name.to_owned() })?;
    Ok(found?)
}

/// The folders that data sets are looked for in.
struct Places<'a> {
    data: Option<&'a Path>,
    cache: Option<&'a Path>,
}

impl<'a> Places<'a> {
    /// The folder that has one of the data set's name, and what to call it.
    fn find(&self, name: &str) -> Option<(&'static str, &'a Path)> {
        [("data", self.data), ("cache", self.cache)].into_iter().find_map(|(place, folder)| {
            folder.filter(|folder| folder.join(name).is_dir()).map(|f| (place, f))
        })
    }
}

fn list(places: &Places<'_>, out: &mut dyn Write) -> Result<(), DatasetsError> {
    for name in manifests::names() {
        let manifest = manifest(name)?;
        let place = places.find(manifest.folder()).map_or("absent", |(place, _)| place);
        let counts = summary(manifest.counts.iter().filter(|(count, _)| !count.contains('.')));
        writeln!(out, "{name:24} {:12} {place:6} {counts}", manifest.kind)?;
        writeln!(out, "{:24} {}", "", manifest.licence)?;
    }
    Ok(())
}

fn fetch_one(manifest: &Manifest, cache: &Path, out: &mut dyn Write) -> Result<(), DatasetsError> {
    writeln!(out, "licence: {}", manifest.licence)?;
    writeln!(out, "cite: {}", manifest.citation)?;
    let bar = Bar::new();
    let fetched = fetch::fetch(manifest, cache, &mut |progress| bar.show(progress))?;
    drop(bar);
    for (what, checksum) in &fetched.recorded {
        writeln!(out, "{what}: no verified checksum; recorded {checksum} on this first use")?;
    }
    let was = if fetched.found { "is already in" } else { "went to" };
    writeln!(out, "{} {was} {}", manifest.name, fetched.folder.display())?;
    Ok(())
}

fn check(manifest: &Manifest, places: &Places<'_>, out: &mut dyn Write) -> Result<(), DatasetsError> {
    let (place, folder) = places.find(manifest.folder()).ok_or_else(|| DatasetsError::Absent {
        name: manifest.name.clone(),
        folders: [places.data, places.cache].iter().flatten().map(|f| f.display().to_string()).collect(),
    })?;
    if place == "cache" {
        fetch::verify(manifest, folder)?;
    }
    let dataset = load(manifest, folder)?;
    for (count, found) in &dataset.counts {
        let expected = if manifest.counts.contains_key(count) { ", as expected" } else { "" };
        writeln!(out, "{count}: {found}{expected}")?;
    }
    writeln!(
        out,
        "{} is what its manifest says, in {}",
        manifest.name,
        folder.join(manifest.folder()).display()
    )?;
    Ok(())
}

fn summary<'a>(counts: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    counts.map(|(count, number)| format!("{number} {count}")).collect::<Vec<_>>().join(", ")
}

/// A progress bar on the standard error stream; nothing where that is no terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::no_length();
        let template = "{msg} [{bar:24}] {bytes}/{total_bytes} ({bytes_per_sec}, {eta})";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    fn show(&self, progress: Progress<'_>) {
        match progress {
            Progress::Download { url, done, total } => {
                self.0.set_message(url.rsplit('/').next().unwrap_or(url).to_owned());
                if let Some(total) = total {
                    self.0.set_length(total);
                }
                self.0.set_position(done);
            }
            Progress::Unpack { .. } => self.0.set_message("checking and unpacking"),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
