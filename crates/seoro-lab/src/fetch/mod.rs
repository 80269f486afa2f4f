//! From a manifest's addresses to checked files in the user's cache.
//!
//! A download is resumable, an archive is trusted with nothing, content is held to its checksum, and a data set appears
//! in the cache whole or not at all.

mod download;
mod error;
mod records;
mod unpack;

pub use error::FetchError;

use download::Download;
use error::at;
use records::{Claim, Records};
use seoro_core::dataset::{Checksum, File, Manifest};
use std::path::{Path, PathBuf};
use unpack::{Packing, Unpack};

/// The most bytes a download may have whose length, packed and unpacked, no manifest gives.
const UNSAID: u64 = 4 << 30;

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Bytes are coming in.
    Download {
        /// From where.
        url: &'a str,
        /// Bytes that are here.
        done: u64,
        /// Bytes that there are, where the server says so.
        total: Option<u64>,
    },
    /// A download is being checked and unpacked.
    Unpack {
        /// Where it came from.
        url: &'a str,
    },
}

/// A data set in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it had been there already.
    pub found: bool,
    /// Content that no verified checksum vouches for, and the checksum recorded for it now.
    pub recorded: Vec<(String, Checksum)>,
}

/// Fetches a data set into `cache`, where it then lies in a folder of its name.
///
/// A data set that is there already, whole and with the right checksums, is left as it is.
///
/// # Errors
/// See [`FetchError`].
pub fn fetch(
    manifest: &Manifest,
    cache: &Path,
    observe: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    let folder = cache.join(manifest.folder());
    if is_whole(manifest, &folder)
        && let Ok(recorded) = admit_files(manifest, cache, &folder)
    {
        return Ok(Fetched { folder, found: true, recorded });
    }
    std::fs::create_dir_all(cache).map_err(at(cache))?;
    let mut fetch = Fetch {
        manifest,
        cache,
        client: download::client(),
        staging: tempfile::Builder::new()
            .prefix(&format!(".{}-", manifest.name))
            .tempdir_in(cache)
            .map_err(at(cache))?,
        records: Records::open(cache)?,
        recorded: Vec::new(),
        parts: Vec::new(),
    };
    for source in sources(manifest, &folder)? {
        fetch.get(&source, observe)?;
    }
    fetch.admit(&manifest.files)?;
    fetch.install(&folder)?;
    Ok(Fetched { folder, found: false, recorded: fetch.recorded })
}

/// Holds the files of a data set in the cache to their checksums, those recorded at first use included.
///
/// # Errors
/// [`FetchError::Checksum`], [`FetchError::Recorded`], [`FetchError::Io`].
pub fn verify(manifest: &Manifest, cache: &Path) -> Result<(), FetchError> {
    admit_files(manifest, cache, &cache.join(manifest.folder())).map(drop)
}

fn is_whole(manifest: &Manifest, folder: &Path) -> bool {
    manifest.files.iter().all(|file| folder.join(&file.name).is_file())
}

/// Holds the files in `folder` to their checksums; gives those recorded now.
fn admit_files(
    manifest: &Manifest,
    cache: &Path,
    folder: &Path,
) -> Result<Vec<(String, Checksum)>, FetchError> {
    let mut records = Records::open(cache)?;
    let mut recorded = Vec::new();
    for file in &manifest.files {
        let new = records.admit(&folder.join(&file.name), &claim(manifest, file))?;
        recorded.extend(new.map(|checksum| (file.name.clone(), checksum)));
    }
    records.save()?;
    Ok(recorded)
}

fn claim<'a>(manifest: &'a Manifest, file: &'a File) -> Claim<'a> {
    Claim { set: &manifest.name, what: &file.name, checksums: &file.checksums, verified: file.verified }
}

/// One thing to download, and the files it gives.
struct Source<'a> {
    /// What the partial download and the record are called.
    name: &'a str,
    urls: &'a [String],
    files: Vec<&'a File>,
    limit: u64,
    unpacked: u64,
    claim: Option<Claim<'a>>,
}

/// What to download for a data set: its archive, and the files with addresses of their own.
fn sources<'a>(manifest: &'a Manifest, folder: &Path) -> Result<Vec<Source<'a>>, FetchError> {
    let (single, packed): (Vec<&File>, Vec<&File>) =
        manifest.files.iter().partition(|file| file.url.is_some());
    let mut sources: Vec<Source<'_>> = Vec::new();
    match (&manifest.archive, packed.first()) {
        (_, None) => {}
        (None, Some(file)) => {
            return Err(FetchError::NoAddress {
                name: manifest.name.clone(),
                file: file.name.clone(),
                homepage: manifest.homepage.clone(),
            });
        }
        (Some(archive), Some(_)) => sources.push(Source {
            name: "archive",
            urls: &archive.urls,
            files: packed,
            limit: archive.bytes.unwrap_or(archive.unpacked_bytes),
            unpacked: archive.unpacked_bytes,
            claim: Some(Claim {
                set: &manifest.name,
                what: "archive",
                checksums: archive.checksum.as_slice(),
                verified: archive.verified,
            }),
        }),
    }
    sources.extend(single.into_iter().map(|file| Source {
        name: &file.name,
        urls: file.url.as_slice(),
        files: vec![file],
        // A gzipped file of random bytes is a little longer than the file.
        limit: file.most_bytes().map_or(UNSAID, |bytes| bytes + bytes / 1000 + 1024),
        unpacked: file.most_bytes().unwrap_or(UNSAID),
        claim: None,
    }));
    sources.iter().try_for_each(|source| source.check(folder))?;
    Ok(sources)
}

impl<'a> Source<'a> {
    /// The addresses that can be asked.
    fn addresses(&self) -> impl Iterator<Item = &'a String> {
        self.urls.iter().filter(|url| url.starts_with("http://") || url.starts_with("https://"))
    }

    fn check(&self, folder: &Path) -> Result<(), FetchError> {
        let folder = folder.to_owned();
        let url = self.addresses().next();
        match (url, self.urls.first()) {
            (Some(url), _) if Packing::of(url) == Packing::Unsupported => {
                Err(FetchError::Packing { url: url.clone(), folder })
            }
            (None, Some(url)) => Err(FetchError::Scheme { url: url.clone(), folder }),
            _ => Ok(()),
        }
    }
}

/// A fetch under way.
struct Fetch<'a> {
    manifest: &'a Manifest,
    cache: &'a Path,
    client: ureq::Agent,
    /// Where files wait until all are there; removed with whatever is in it when the fetch ends early.
    staging: tempfile::TempDir,
    records: Records,
    recorded: Vec<(String, Checksum)>,
    parts: Vec<PathBuf>,
}

impl Fetch<'_> {
    /// Downloads one source and unpacks its files into the staging folder.
    fn get(&mut self, source: &Source<'_>, observe: &mut dyn FnMut(Progress<'_>)) -> Result<(), FetchError> {
        let part = self.cache.join(format!("{}.{}.part", self.manifest.name, source.name));
        self.parts.push(part.clone());
        let url = self.download(source, &part, observe)?;
        observe(Progress::Unpack { url });
        if let Some(claim) = &source.claim {
            let admitted = self.records.admit(&part, claim);
            let recorded = admitted.inspect_err(|_| discard(&part))?;
            self.recorded.extend(recorded.map(|checksum| (claim.what.to_owned(), checksum)));
        }
        let unpack = Unpack {
            archive: url,
            path: &part,
            files: &source.files,
            folder: self.staging.path(),
            limit: source.unpacked,
        };
        // Whole, but not what it should be: keeping it would make every later fetch fail the same way.
        unpack.run(Packing::of(url)).inspect_err(|_| discard(&part))
    }

    /// Downloads from the first address that answers.
    fn download<'s>(
        &self,
        source: &Source<'s>,
        part: &Path,
        observe: &mut dyn FnMut(Progress<'_>),
    ) -> Result<&'s str, FetchError> {
        let mut addresses = source.addresses().peekable();
        while let Some(url) = addresses.next() {
            tracing::info!(url, "downloading");
            let download = Download { url, part, limit: source.limit };
            let outcome = download
                .run(&self.client, &mut |done, total| observe(Progress::Download { url, done, total }));
            match outcome {
                Ok(()) => return Ok(url),
                Err(FetchError::Status { .. } | FetchError::Http { .. }) if addresses.peek().is_some() => {}
                Err(error) => {
                    if !matches!(error, FetchError::Cut { .. } | FetchError::Busy { .. }) {
                        discard_empty(part);
                    }
                    return Err(error);
                }
            }
        }
        Err(FetchError::NoAddress {
            name: self.manifest.name.clone(),
            file: source.name.to_owned(),
            homepage: self.manifest.homepage.clone(),
        })
    }

    /// Holds the staged files to their checksums.
    fn admit(&mut self, files: &[File]) -> Result<(), FetchError> {
        for file in files {
            let path = self.staging.path().join(&file.name);
            let admitted = self.records.admit(&path, &claim(self.manifest, file));
            let recorded = admitted.inspect_err(|_| self.parts.iter().for_each(|part| discard(part)))?;
            self.recorded.extend(recorded.map(|checksum| (file.name.clone(), checksum)));
        }
        Ok(())
    }

    /// Puts the staged folder in its place, moving an incomplete one away first.
    fn install(&mut self, folder: &Path) -> Result<(), FetchError> {
        let whole = self.staging.path().join(".whole");
        std::fs::create_dir(&whole).map_err(at(&whole))?;
        for file in &self.manifest.files {
            let from = self.staging.path().join(&file.name);
            std::fs::rename(&from, whole.join(&file.name)).map_err(at(&from))?;
        }
        if folder.exists() {
            std::fs::rename(folder, self.staging.path().join(".replaced")).map_err(at(folder))?;
        }
        std::fs::rename(&whole, folder).map_err(at(folder))?;
        self.records.save()?;
        self.parts.iter().for_each(|part| discard(part));
        Ok(())
    }
}

/// Removes a download that is of no more use; what cannot be removed is only room lost.
fn discard(part: &Path) {
    for path in [part, &download::origin_path(part)] {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::debug!(path = %path.display(), %error, "not removed");
        }
    }
}

fn discard_empty(part: &Path) {
    if std::fs::metadata(part).is_ok_and(|metadata| metadata.len() == 0) {
        discard(part);
    }
}
