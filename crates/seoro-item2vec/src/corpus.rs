//! Texts to learn from.

use crate::CorpusError;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A text in chunks, read in any order, by many threads, and again each epoch: it need not fit into memory.
///
/// Words stand between white space of ASCII, sentences on lines of their own; one that reaches over a chunk's edge is cut
/// there.
pub trait Corpus: Sync {
    /// How many chunks there are: each is best some ten thousand words long.
    fn chunks(&self) -> usize;

    /// Puts the words of a chunk into `text`, whose content is to be replaced.
    ///
    /// # Errors
    /// A text that cannot be read.
    fn read(&self, chunk: usize, text: &mut String) -> Result<(), CorpusError>;
}

impl<C: Corpus + ?Sized> Corpus for &C {
    fn chunks(&self) -> usize {
        (**self).chunks()
    }

    fn read(&self, chunk: usize, text: &mut String) -> Result<(), CorpusError> {
        (**self).read(chunk, text)
    }
}

/// Bytes of a chunk: some ten thousand words.
const CHUNK: usize = 1 << 16;

/// What is longer than so many bytes is no word, and would be read again for each chunk it reaches over.
const LONGEST: usize = 1 << 22;

/// A text in memory.
impl Corpus for str {
    fn chunks(&self) -> usize {
        self.len().div_ceil(CHUNK)
    }

    fn read(&self, chunk: usize, text: &mut String) -> Result<(), CorpusError> {
        text.clear();
        let bytes = self.as_bytes();
        let edge = |at: usize| first_word(bytes, at);
        // White space of ASCII is no part of another character, so edges are those of characters.
        text.push_str(&self[edge(chunk * CHUNK)..edge(((chunk + 1) * CHUNK).min(self.len()))]);
        Ok(())
    }
}

/// The first place, at `at` or after, where a word begins that does not reach back before `at`; or the end.
fn first_word(bytes: &[u8], at: usize) -> usize {
    if at == 0 || at >= bytes.len() {
        return at.min(bytes.len());
    }
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    match bytes[at - 1..].iter().position(is_space) {
        Some(space) => at + space,
        None => bytes.len(),
    }
}

/// A file of text, read as it is needed; a word may have up to 4 MiB.
#[derive(Clone, Debug)]
pub struct TextFile {
    path: PathBuf,
    len: u64,
}

impl TextFile {
    /// The text of the file at `path`, which must stay as it is.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CorpusError> {
        let path = path.as_ref().to_owned();
        match std::fs::metadata(&path) {
            Ok(facts) => Ok(Self { path, len: facts.len() }),
            Err(source) => Err(CorpusError::Io { path, source }),
        }
    }

    /// Reads the words that begin in the bytes of a chunk; returns where in the file the first one does.
    fn read_chunk(&self, chunk: usize, bytes: &mut Vec<u8>) -> Result<u64, CorpusError> {
        let failed = |source| CorpusError::Io { path: self.path.clone(), source };
        let start = chunk as u64 * CHUNK as u64;
        let end = self.len.min(start + CHUNK as u64);
        // A byte before tells whether a word begins with the chunk.
        let from = start.saturating_sub(1);
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        bytes.clear();
        file.by_ref().take(end - from).read_to_end(bytes).map_err(failed)?;
        // The last word may reach beyond.
        let last = (end - from).saturating_sub(1) as usize;
        while !bytes.get(last..).is_some_and(|tail| tail.iter().any(u8::is_ascii_whitespace)) {
            let begin = bytes.iter().rposition(u8::is_ascii_whitespace).map_or(0, |space| space + 1);
            if bytes.len() - begin > LONGEST {
                let (path, at) = (self.path.clone(), from + begin as u64);
                return Err(CorpusError::Word { path, at, most: LONGEST });
            }
            if file.by_ref().take(CHUNK as u64).read_to_end(bytes).map_err(failed)? == 0 {
                break;
            }
        }
        let begin = first_word(bytes, (start - from) as usize);
        bytes.truncate(if end == self.len { bytes.len() } else { first_word(bytes, (end - from) as usize) });
        bytes.drain(..begin);
        Ok(from + begin as u64)
    }

    /// The line, counted from 1, that the byte at `at` stands on.
    fn line(&self, at: u64) -> std::io::Result<u64> {
        let (mut file, mut lines, mut buffer) = (File::open(&self.path)?.take(at), 1, vec![0; CHUNK]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(lines),
                read => lines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count() as u64,
            }
        }
    }
}

impl Corpus for TextFile {
    fn chunks(&self) -> usize {
        self.len.div_ceil(CHUNK as u64) as usize
    }

    fn read(&self, chunk: usize, text: &mut String) -> Result<(), CorpusError> {
        let failed = |source| CorpusError::Io { path: self.path.clone(), source };
        let mut bytes = std::mem::take(text).into_bytes();
        let begin = self.read_chunk(chunk, &mut bytes)?;
        match String::from_utf8(bytes) {
            Ok(read) => {
                *text = read;
                Ok(())
            }
            Err(error) => {
                let line = self.line(begin + error.utf8_error().valid_up_to() as u64).map_err(failed)?;
                Err(CorpusError::Text { path: self.path.clone(), line })
            }
        }
    }
}
