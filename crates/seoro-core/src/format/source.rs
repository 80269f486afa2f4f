//! A file's bytes, unpacked, in blocks of whole lines.

use super::ReadError;
use memchr::{memchr2_iter, memrchr};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// No row of data is longer; a file without line ends, or with a quote that never closes, is told before it fills the
/// memory.
const LONGEST_LINE: usize = 1 << 28;

/// An opened file, read block by block.
pub(super) struct Blocks {
    path: PathBuf,
    source: Box<dyn Read + Send>,
    packed: bool,
    /// Bytes of the file consumed, of all it has.
    consumed: Arc<AtomicU64>,
    total: u64,
    unpacked: u64,
    quotes: bool,
    /// How many bytes a block aims at.
    size: usize,
    longest: usize,
    /// The beginning of a line whose end is yet to be read.
    carry: Vec<u8>,
    /// The number of the line that comes next.
    line: u64,
    ended: bool,
}

/// Whole lines; the last one of a file may lack its end.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// The number of its first line in the file.
    pub(super) line: u64,
}

impl Block {
    /// The number of the line that byte `at` is in.
    pub(super) fn line_at(&self, at: usize) -> u64 {
        self.line + count_lines(&self.bytes[..at])
    }
}

/// A reader that counts what passes.
struct Counted {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Blocks {
    /// Opens `path`, unpacked as its extension says; where `quotes` hold, a line end inside them ends no line.
    pub(super) fn open(path: &Path, size: usize, quotes: bool) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let total = file.metadata().map_err(io)?.len();
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, bytes: Arc::clone(&consumed) };
        let (source, packed) = unpacked(path, counted)?;
        let mut blocks = Self {
            path: path.to_owned(),
            source,
            packed,
            consumed,
            total,
            unpacked: 0,
            quotes,
            size: size.max(1),
            longest: LONGEST_LINE,
            carry: Vec::new(),
            line: 1,
            ended: false,
        };
        blocks.skip_mark()?;
        Ok(blocks)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The share of the file that has been read, above 0.
    pub(super) fn progress(&self) -> f64 {
        let read = self.consumed.load(Ordering::Relaxed).max(1);
        (read as f64 / self.total.max(read) as f64).max(f64::MIN_POSITIVE)
    }

    /// The first line that is not blank, without its end, and its number; unless it is to `stay`, it is taken out of
    /// what follows.
    pub(super) fn first_line(&mut self, stay: bool) -> Result<Option<(Vec<u8>, u64)>, ReadError> {
        while let Some(block) = self.next(Vec::new())? {
            let (bytes, mut start) = (&block.bytes, 0);
            for end in line_ends(bytes, self.quotes).chain([bytes.len()]) {
                let line = bytes[start..end].strip_suffix(b"\r").unwrap_or(&bytes[start..end]);
                let next = (end + 1).min(bytes.len());
                if !line.is_empty() {
                    let rest = if stay { start } else { next };
                    self.carry.splice(..0, bytes[rest..].iter().copied());
                    self.line = block.line_at(rest);
                    return Ok(Some((line.to_vec(), block.line_at(start))));
                }
                start = next;
            }
        }
        Ok(None)
    }

    /// The next block, in `buffer`, whose content is dropped; `None` at the end.
    pub(super) fn next(&mut self, buffer: Vec<u8>) -> Result<Option<Block>, ReadError> {
        let block = Block { line: self.line, bytes: self.lines(buffer)? };
        self.line += count_lines(&block.bytes);
        Ok((!block.bytes.is_empty()).then_some(block))
    }

    /// The next lines, none at the end.
    fn lines(&mut self, mut buffer: Vec<u8>) -> Result<Vec<u8>, ReadError> {
        buffer.clear();
        buffer.append(&mut self.carry);
        let mut wanted = self.size.max(buffer.len());
        loop {
            self.fill(&mut buffer, wanted)?;
            if let Some(end) = last_line_end(&buffer, self.quotes).filter(|_| !self.ended) {
                self.carry.extend_from_slice(&buffer[end + 1..]);
                buffer.truncate(end + 1);
            } else if !self.ended && buffer.len() < self.longest {
                wanted = buffer.len() * 2;
                continue;
            } else if !self.ended {
                let line = self.line;
                return Err(ReadError::LongLine { path: self.path.clone(), line, limit: self.longest });
            }
            return Ok(buffer);
        }
    }

    /// Reads until `buffer` holds `wanted` bytes or the file ends.
    fn fill(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> Result<(), ReadError> {
        let missing = wanted.saturating_sub(buffer.len());
        buffer.reserve_exact(missing);
        let read = self.source.by_ref().take(missing as u64).read_to_end(buffer);
        let read = read.map_err(|source| match self.packed {
            true => ReadError::Damaged { path: self.path.clone(), bytes: self.unpacked, source },
            false => ReadError::Io { path: self.path.clone(), source },
        })?;
        self.unpacked += read as u64;
        self.ended |= read < missing;
        Ok(())
    }

    /// Drops the byte order mark that some programs put first.
    fn skip_mark(&mut self) -> Result<(), ReadError> {
        let mut first = Vec::new();
        self.fill(&mut first, 3)?;
        if first != b"\xEF\xBB\xBF" {
            self.carry = first;
        }
        Ok(())
    }
}

/// The number of line ends.
fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Where lines end, quoted line ends left out.
fn line_ends(bytes: &[u8], quotes: bool) -> impl Iterator<Item = usize> + '_ {
    let mut inside = false;
    memchr2_iter(b'\n', b'"', bytes).filter(move |&at| {
        if bytes[at] == b'"' {
            inside ^= quotes;
            return false;
        }
        !inside
    })
}

fn last_line_end(bytes: &[u8], quotes: bool) -> Option<usize> {
    if quotes { line_ends(bytes, true).last() } else { memrchr(b'\n', bytes) }
}

/// The bytes of the file as they were before packing, and whether it was packed.
#[cfg(feature = "compress")]
fn unpacked(path: &Path, file: Counted) -> Result<(Box<dyn Read + Send>, bool), ReadError> {
    Ok(match extension(path) {
        Some("gz") => (Box::new(flate2::read::MultiGzDecoder::new(file)), true),
        Some("zst") => {
            let decoder = zstd::stream::read::Decoder::new(file)
                .map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
            (Box::new(decoder), true)
        }
        _ => (Box::new(file), false),
    })
}

/// The bytes of the file, which must not be packed.
#[cfg(not(feature = "compress"))]
fn unpacked(path: &Path, file: Counted) -> Result<(Box<dyn Read + Send>, bool), ReadError> {
    match extension(path) {
        Some("gz" | "zst") => Err(ReadError::Compressed { path: path.to_owned() }),
        _ => Ok((Box::new(file), false)),
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_never_closes_is_told_early() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("open.csv");
        std::fs::write(&path, format!("1,2\n1,\"{}", "x\n".repeat(500))).expect("written");
        let mut blocks = Blocks::open(&path, 8, true).expect("opened");
        blocks.longest = 64;
        blocks.next(Vec::new()).expect("the first line").expect("a block");
        assert!(matches!(blocks.next(Vec::new()), Err(ReadError::LongLine { line: 2, limit: 64, .. })));
    }
}
