//! A small HTTP server on the loopback interface, which can be told to misbehave.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is served at one path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) status: u16,
    /// The version, sent as a strong ETag.
    pub(crate) etag: Option<&'static str>,
    /// Whether `Range` is honoured.
    pub(crate) ranges: bool,
    /// Ends the connection after so many bytes of an answer.
    pub(crate) cut: Option<usize>,
    /// Whether the length is announced.
    pub(crate) length: bool,
}

impl Page {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), status: 200, etag: Some("\"one\""), ranges: true, cut: None, length: true }
    }
}

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
}

#[derive(Default)]
struct Site {
    pages: HashMap<String, Page>,
    seen: Vec<Seen>,
}

/// The server; it ends with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    site: Arc<Mutex<Site>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let site = Arc::new(Mutex::new(Site::default()));
        let served = Arc::clone(&site);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is its own business.
                let _ = answer(&stream, &served);
            }
        });
        Self { address, site }
    }

    pub(crate) fn put(&self, path: &str, page: Page) -> String {
        self.site.lock().unwrap().pages.insert(path.to_owned(), page);
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.site.lock().unwrap().seen)
    }
}

fn answer(mut stream: &TcpStream, site: &Mutex<Site>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or("").to_owned();
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let range = headers.get("range").cloned();
    let mut site = site.lock().unwrap();
    site.seen.push(Seen { path: path.clone(), range: range.clone() });
    let Some(page) = site.pages.get(&path).cloned() else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    drop(site);
    respond(stream, &page, range, headers.get("if-range"))
}

fn respond(
    mut stream: &TcpStream,
    page: &Page,
    range: Option<String>,
    if_range: Option<&String>,
) -> std::io::Result<()> {
    let same = if_range.is_none_or(|tag| Some(tag.as_str()) == page.etag);
    let start: Option<usize> = range
        .filter(|_| page.ranges && same && page.status == 200)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let total = page.body.len();
    let (status, body, extra) = match start {
        Some(start) if start >= total => {
            (416, &page.body[total..], format!("Content-Range: bytes */{total}\r\n"))
        }
        Some(start) => {
            (206, &page.body[start..], format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1))
        }
        None => (page.status, &page.body[..], String::new()),
    };
    let tag = page.etag.map_or(String::new(), |tag| format!("ETag: {tag}\r\n"));
    let length = if page.length { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    write!(stream, "HTTP/1.1 {status} Said\r\n{extra}{tag}{length}Connection: close\r\n\r\n")?;
    stream.write_all(&body[..page.cut.unwrap_or(body.len()).min(body.len())])?;
    stream.flush()
}
