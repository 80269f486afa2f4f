//! One address into one file, resumable.

use super::error::{FetchError, at};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::{HeaderMap, Response};

const CHUNK: usize = 64 << 10;

/// An HTTP client, and what it is asked to get.
pub(super) struct Download<'a> {
    /// The address.
    pub(super) url: &'a str,
    /// Where the content goes.
    pub(super) part: &'a Path,
    /// The most bytes to take.
    pub(super) limit: u64,
}

/// A client that follows redirects, and gives up on a server silent for a minute.
pub(super) fn client() -> ureq::Agent {
    let minute = Some(Duration::from_secs(60));
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(minute)
        .timeout_recv_response(minute)
        .timeout_per_read(minute)
        .user_agent(concat!("seoro/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// The file beside a partial download that says which version of which address it is the beginning of.
pub(super) fn origin_path(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".origin");
    name.into()
}

impl Download<'_> {
    /// Fetches the rest of the content, or all of it: a beginning that is here is kept where the server confirms that it
    /// still serves the same version (`Range` with `If-Range`, RFC 9110 §13.1.5).
    pub(super) fn run(
        &self,
        client: &ureq::Agent,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        let mut file = self.open()?;
        let mut here = file.metadata().map_err(at(self.part))?.len();
        let validator = self.validator().filter(|_| here > 0);
        let mut response = self.ask(client, here, validator.as_deref())?;
        if response.status() == 416 {
            if self.is_whole(response.headers(), here) {
                return Ok(());
            }
            response = self.ask(client, 0, None)?;
        }
        let total = length(response.headers());
        let total = match response.status().as_u16() {
            206 if validator.is_some() && range_start(response.headers()) == Some(here) => {
                total.map(|rest| rest.saturating_add(here))
            }
            200 => {
                here = 0;
                self.begin(&mut file, response.headers())?;
                total
            }
            status => return Err(FetchError::Status { url: self.url.to_owned(), status }),
        };
        if total.is_some_and(|total| total > self.limit) {
            return Err(self.too_large());
        }
        self.copy(response.into_body().into_reader(), &mut file, here, total, observe)
    }

    /// Opens the partial file and holds it against other fetches.
    fn open(&self) -> Result<File, FetchError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.part)
            .map_err(at(self.part))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(FetchError::Busy { path: self.part.to_owned() }),
            Err(TryLockError::Error(source)) if source.kind() == ErrorKind::Unsupported => Ok(file),
            Err(TryLockError::Error(source)) => Err(at(self.part)(source)),
        }
    }

    fn ask(
        &self,
        client: &ureq::Agent,
        here: u64,
        validator: Option<&str>,
    ) -> Result<Response<ureq::Body>, FetchError> {
        let mut request = client.get(self.url).header("Accept-Encoding", "identity");
        if let Some(validator) = validator {
            request = request.header("Range", format!("bytes={here}-")).header("If-Range", validator);
        }
        request
            .call()
            .map_err(|error| FetchError::Http { url: self.url.to_owned(), message: error.to_string() })
    }

    /// What the server called the version whose beginning is here.
    fn validator(&self) -> Option<String> {
        let origin = std::fs::read_to_string(origin_path(self.part)).ok()?;
        let (url, validator) = origin.split_once('\n')?;
        (url == self.url && !validator.is_empty()).then(|| validator.to_owned())
    }

    /// Starts over, noting which version this is the beginning of.
    fn begin(&self, file: &mut File, headers: &HeaderMap) -> Result<(), FetchError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // A weak tag does not promise equal bytes, so If-Range may not carry it.
        let tag = text("etag").filter(|tag| !tag.starts_with("W/"));
        let validator = tag.or(text("last-modified")).unwrap_or("");
        file.set_len(0).map_err(at(self.part))?;
        let origin = origin_path(self.part);
        std::fs::write(&origin, format!("{}\n{validator}", self.url)).map_err(at(&origin))
    }

    /// Whether a refused range was refused because nothing is left to send.
    fn is_whole(&self, headers: &HeaderMap, here: u64) -> bool {
        let range = headers.get("content-range").and_then(|value| value.to_str().ok());
        range.and_then(|range| range.strip_prefix("bytes */")?.parse::<u64>().ok()) == Some(here)
    }

    fn copy(
        &self,
        mut body: impl Read,
        file: &mut File,
        mut here: u64,
        total: Option<u64>,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        file.seek(SeekFrom::Start(here)).map_err(at(self.part))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            observe(here, total);
            let got = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.cut(here, total, &error.to_string())),
            };
            here += got as u64;
            if here > self.limit {
                return Err(self.too_large());
            }
            file.write_all(&buffer[..got]).map_err(at(self.part))?;
        }
        match total {
            Some(total) if here < total => Err(self.cut(here, Some(total), "")),
            _ => file.sync_all().map_err(at(self.part)),
        }
    }

    fn cut(&self, got: u64, total: Option<u64>, message: &str) -> FetchError {
        match total {
            Some(expected) => FetchError::Cut { url: self.url.to_owned(), got, expected },
            None => FetchError::Http { url: self.url.to_owned(), message: message.to_owned() },
        }
    }

    fn too_large(&self) -> FetchError {
        FetchError::TooLarge { what: self.url.to_owned(), limit: self.limit }
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get("content-length")?.to_str().ok()?.trim().parse().ok()
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
