//! Archives into the few files a manifest names.
//!
//! Nothing is ever written under a name that an archive chose: entries are matched with the manifest's files, and land
//! under the manifest's names. Entries that would escape a folder, and links, end the unpacking all the same.

use super::error::{FetchError, at};
use flate2::read::MultiGzDecoder;
use seoro_core::dataset;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Component, Path};

/// How a download is packed, as its address tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Zip,
    TarGz,
    Gz,
    Plain,
    Unsupported,
}

impl Packing {
    pub(super) fn of(url: &str) -> Self {
        let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
        match () {
            () if ends(&[".zip"]) => Packing::Zip,
            () if ends(&[".tar.gz", ".tgz"]) => Packing::TarGz,
            () if ends(&[".gz"]) => Packing::Gz,
            () if ends(&[".7z", ".rar", ".bz2", ".xz", ".tar"]) => Packing::Unsupported,
            () => Packing::Plain,
        }
    }
}

/// An archive on disk, the files wanted from it, and the folder they go to.
pub(super) struct Unpack<'a> {
    /// What errors call the archive.
    pub(super) archive: &'a str,
    /// Where it lies.
    pub(super) path: &'a Path,
    /// What is wanted.
    pub(super) files: &'a [&'a dataset::File],
    /// Where it goes.
    pub(super) folder: &'a Path,
    /// The most bytes that may come out.
    pub(super) limit: u64,
}

impl Unpack<'_> {
    /// Unpacks the files wanted, each exactly once.
    pub(super) fn run(&self, packing: Packing) -> Result<(), FetchError> {
        let found = match packing {
            Packing::Zip => self.zip()?,
            Packing::TarGz => self.tar_gz()?,
            Packing::Gz => return self.single(MultiGzDecoder::new(self.open()?)),
            Packing::Plain | Packing::Unsupported => return self.single(self.open()?),
        };
        match self.files.iter().zip(found).find(|&(_, found)| found != 1) {
            Some((file, found)) => {
                Err(FetchError::Member { archive: self.archive.to_owned(), file: file.name.clone(), found })
            }
            None => Ok(()),
        }
    }

    fn open(&self) -> Result<BufReader<File>, FetchError> {
        Ok(BufReader::new(File::open(self.path).map_err(at(self.path))?))
    }

    /// A download that is one file.
    fn single(&self, mut content: impl Read) -> Result<(), FetchError> {
        let mut left = self.limit;
        self.files.iter().try_for_each(|file| self.write(file, &mut content, &mut left))
    }

    /// Unpacks from a zip archive; gives how often each file was found.
    fn zip(&self) -> Result<Vec<usize>, FetchError> {
        let mut archive = zip::ZipArchive::new(self.open()?).map_err(|error| self.broken(&error))?;
        let mut found = vec![0; self.files.len()];
        let mut left = self.limit;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| self.broken(&error))?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            self.check_name(&name)?;
            if entry.is_symlink() {
                return Err(self.not_safe(&name, "is a link"));
            }
            if entry.is_dir() {
                continue;
            }
            if let Some(wanted) = self.take(&name, &mut found) {
                self.write(wanted, &mut entry, &mut left)?;
            }
        }
        Ok(found)
    }

    /// Unpacks from a gzipped tar archive; gives how often each file was found.
    fn tar_gz(&self) -> Result<Vec<usize>, FetchError> {
        // Entries that nobody wants are inflated too, so the limit holds for the whole stream.
        let mut stream = MultiGzDecoder::new(self.open()?).take(self.limit.saturating_add(1));
        let mut found = vec![0; self.files.len()];
        let outcome = self.tar(&mut stream, &mut found);
        if stream.limit() == 0 {
            return Err(FetchError::TooLarge { what: self.archive.to_owned(), limit: self.limit });
        }
        outcome.map(|()| found)
    }

    fn tar(&self, stream: &mut dyn Read, found: &mut [usize]) -> Result<(), FetchError> {
        let mut archive = tar::Archive::new(stream);
        let mut left = self.limit;
        for entry in archive.entries().map_err(|error| self.broken(&error))? {
            let mut entry = entry.map_err(|error| self.broken(&error))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            self.check_name(&name)?;
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            if !kind.is_file() && !kind.is_contiguous() && !kind.is_gnu_sparse() {
                return Err(self.not_safe(&name, "is a link or a device"));
            }
            if let Some(wanted) = self.take(&name, found) {
                self.write(wanted, &mut entry, &mut left)?;
            }
        }
        Ok(())
    }

    /// The file that an entry is, counted as found; only the first of several is written.
    fn take(&self, entry: &str, found: &mut [usize]) -> Option<&dataset::File> {
        let name = entry.rsplit('/').next()?;
        let place = self.files.iter().position(|file| file.name == name)?;
        found[place] += 1;
        (found[place] == 1).then(|| self.files[place])
    }

    /// Writes one file, of no more bytes than the manifest gives it and the archive has left.
    fn write(&self, file: &dataset::File, content: &mut dyn Read, left: &mut u64) -> Result<(), FetchError> {
        let path = self.folder.join(&file.name);
        let limit = file.most_bytes().unwrap_or(*left).min(*left);
        let mut out = BufWriter::new(File::create_new(&path).map_err(at(&path))?);
        let mut here = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let got = content.read(&mut buffer).map_err(|error| self.broken(&error))?;
            if got == 0 {
                break;
            }
            here += got as u64;
            if here > limit {
                let what = format!("{} in {}", file.name, self.archive);
                return Err(FetchError::TooLarge { what, limit });
            }
            out.write_all(&buffer[..got]).map_err(at(&path))?;
        }
        *left -= here;
        let out = out.into_inner().map_err(|error| at(&path)(error.into_error()))?;
        out.sync_all().map_err(at(&path))
    }

    /// Refuses names that lead out of a folder on any system.
    fn check_name(&self, name: &str) -> Result<(), FetchError> {
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let drive = name.as_bytes().get(1) == Some(&b':');
        if drive || name.contains(['\\', '\0']) || !Path::new(name).components().all(inside) {
            return Err(self.not_safe(name, "leads out of the folder"));
        }
        Ok(())
    }

    fn not_safe(&self, entry: &str, what: &'static str) -> FetchError {
        FetchError::Unsafe { archive: self.archive.to_owned(), entry: entry.to_owned(), what }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> FetchError {
        FetchError::Archive { archive: self.archive.to_owned(), message: error.to_string() }
    }
}
