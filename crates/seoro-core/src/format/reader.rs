//! Files into logs that share their vocabularies.

use super::error::Fault;
use super::ids::{Growing, Ids, Kinds};
use super::source::{Block, Blocks};
use super::{Format, ReadError};
use crate::{ItemId, Log, UserId};
use rayon::prelude::*;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How many bytes a block has, unless told otherwise: small enough for a core's cache.
const BLOCK_BYTES: usize = 1 << 19;

/// Reads files whose ids mean the same users and items: training and test, several parts.
///
/// A file that cannot be read leaves the reader as it was.
///
/// ```
/// use seoro_core::format::{Delimited, Format, LogReader};
/// # let folder = std::env::temp_dir().join("seoro-doc-log-reader");
/// # std::fs::create_dir_all(&folder)?;
/// # let (train, test) = (folder.join("train.tsv"), folder.join("test.tsv"));
/// # std::fs::write(&train, "ann\ttea\nbo\trice\n")?;
/// # std::fs::write(&test, "bo\ttea\n")?;
/// let format = Format::Delimited(Delimited::default());
/// let mut reader = LogReader::new();
/// let parts = vec![reader.read(&train, &format)?, reader.read(&test, &format)?];
/// let logs = reader.finish(parts)?;
/// assert_eq!(logs[1].item_vocab().name(logs[1].items()[0].0).as_deref(), Some("tea"));
/// assert_eq!(logs[0].item_vocab(), logs[1].item_vocab());
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LogReader {
    users: Growing,
    items: Growing,
    block_bytes: usize,
}

/// The events of one file, until [`LogReader::finish`] makes logs of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    pub(super) users: Vec<UserId>,
    pub(super) items: Vec<ItemId>,
    pub(super) values: Option<Vec<f32>>,
    pub(super) times: Option<Vec<i64>>,
}

/// What a thread made of one block.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) users: Ids,
    pub(super) items: Ids,
    pub(super) values: Vec<f32>,
    pub(super) times: Vec<i64>,
}

/// Reads a file into a log of its own.
///
/// # Errors
/// See [`ReadError`].
pub fn read_log(path: &Path, format: &Format) -> Result<Log, ReadError> {
    let mut reader = LogReader::new();
    let columns = reader.read(path, format)?;
    let (users, items) = (Arc::new(reader.users.finish()), Arc::new(reader.items.finish()));
    Ok(columns.log(users, items)?)
}

impl Default for LogReader {
    fn default() -> Self {
        Self::new()
    }
}

impl LogReader {
    /// A reader that gives ids rows as they appear.
    pub fn new() -> Self {
        Self::of(Growing::names(), Growing::names())
    }

    /// A reader of data that speaks in rows: an id is a number, and there are as many users (items) as the largest one
    /// says.
    ///
    /// After each file, a row must be below 2^20 or below 64 times the ids read so far, as models have room for every
    /// row; data with larger gaps are read by [`LogReader::numbered_below`], or by [`LogReader::new`].
    pub fn numbered() -> Self {
        Self::numbered_below(None, None)
    }

    /// As [`LogReader::numbered`], where it is known how many users, or items, there are at most.
    pub fn numbered_below(users: Option<u32>, items: Option<u32>) -> Self {
        Self::of(Growing::numbered(users), Growing::numbered(items))
    }

    fn of(users: Growing, items: Growing) -> Self {
        Self { users, items, block_bytes: BLOCK_BYTES }
    }

    /// Reads about `bytes` at a time and thread; what is read does not depend on it.
    pub fn with_block_bytes(mut self, bytes: usize) -> Self {
        self.block_bytes = bytes;
        self
    }

    /// The events of a file, unpacked where it ends in `.gz` or `.zst`.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing of the file is kept then.
    pub fn read(&mut self, path: &Path, format: &Format) -> Result<Columns, ReadError> {
        let marks = (self.users.mark(), self.items.mark());
        let mut read = self.read_format(path, format);
        let (users, items) = (self.users.excess(), self.items.excess());
        if read.is_ok() && users.or(items).is_some() {
            // Which line is at fault was not known while it was read.
            let mut again = Self::numbered_below(users, items).with_block_bytes(self.block_bytes);
            let source = io::Error::other("the file changed while it was read");
            read = again.read(path, format).and(Err(ReadError::Io { path: path.to_owned(), source }));
        }
        if read.is_err() {
            self.users.forget(marks.0);
            self.items.forget(marks.1);
        }
        read
    }

    fn read_format(&mut self, path: &Path, format: &Format) -> Result<Columns, ReadError> {
        match format {
            Format::Delimited(format) => super::delimited::read(self, path, format),
            Format::Rows(format) => super::lists::read_rows(self, path, format),
            Format::Sessions(format) => super::lists::read_sessions(self, path, format),
            Format::Atomic(format) => super::delimited::read_atomic(self, path, format),
            #[cfg(feature = "json")]
            Format::JsonLines(format) => super::json::read(self, path, format),
            #[cfg(feature = "parquet")]
            Format::Parquet(format) => super::parquet::read(self, path, format),
        }
    }

    /// Logs of the parts read, with the same vocabularies.
    ///
    /// # Errors
    /// [`ReadError::Parts`] where a part came from another reader.
    pub fn finish(self, parts: Vec<Columns>) -> Result<Vec<Log>, ReadError> {
        let (users, items) = (Arc::new(self.users.finish()), Arc::new(self.items.finish()));
        parts.into_iter().map(|part| Ok(part.log(Arc::clone(&users), Arc::clone(&items))?)).collect()
    }

    pub(super) fn kinds(&self) -> Kinds {
        Kinds { users: self.users.kind(), items: self.items.kind() }
    }

    pub(super) fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// The number of users so far.
    pub(super) fn n_users(&self) -> u32 {
        self.users.len()
    }

    /// Parses the blocks on all threads and takes them in order, the next ones being read meanwhile.
    pub(super) fn drive(
        &mut self,
        blocks: &mut Blocks,
        values: bool,
        times: bool,
        parse: impl Fn(&[u8]) -> Result<Batch, Fault> + Sync,
    ) -> Result<Columns, ReadError> {
        let mut columns =
            Columns { values: values.then(Vec::new), times: times.then(Vec::new), ..Columns::default() };
        let path = blocks.path().to_owned();
        in_order(blocks, parse, |batch, read| self.take(&mut columns, batch, read, &path))?;
        columns.finished(&path)
    }

    /// The rows of users, in order.
    pub(super) fn user_rows(
        &mut self,
        ids: &Ids,
        path: &Path,
        take: impl FnMut(u32),
    ) -> Result<(), ReadError> {
        self.users.rows(ids, path, take)
    }

    /// The rows of items, in order.
    pub(super) fn item_rows(
        &mut self,
        ids: &Ids,
        path: &Path,
        take: impl FnMut(u32),
    ) -> Result<(), ReadError> {
        self.items.rows(ids, path, take)
    }

    /// Appends a batch; `read` is the share of the file read so far.
    pub(super) fn take(
        &mut self,
        columns: &mut Columns,
        batch: Batch,
        read: f64,
        path: &Path,
    ) -> Result<(), ReadError> {
        columns.reserve(batch.items.len(), read);
        self.users.rows(&batch.users, path, |row| columns.users.push(UserId(row)))?;
        self.items.rows(&batch.items, path, |row| columns.items.push(ItemId(row)))?;
        if let Some(values) = &mut columns.values {
            values.extend_from_slice(&batch.values);
        }
        if let Some(times) = &mut columns.times {
            times.extend_from_slice(&batch.times);
        }
        Ok(())
    }
}

/// Parses blocks on all threads and gives what they yield to `take` in the file's order, with the share of the file read;
/// the next blocks are read meanwhile.
pub(super) fn in_order<T: Send>(
    blocks: &mut Blocks,
    parse: impl Fn(&[u8]) -> Result<T, Fault> + Sync,
    mut take: impl FnMut(T, f64) -> Result<(), ReadError> + Send,
) -> Result<(), ReadError> {
    let width = 2 * rayon::current_num_threads();
    let path = blocks.path().to_owned();
    let mut group = next_group(blocks, Vec::new(), width)?;
    while !group.is_empty() {
        let parse = |block: &Block| {
            parse(&block.bytes).map_err(|fault| {
                let line = block.line_at(fault.at);
                fault.at_line(&path, line)
            })
        };
        let parsed: Vec<_> = group.par_iter().map(parse).collect();
        let read = blocks.progress();
        let (next, taken) = rayon::join(
            || next_group(blocks, group, width),
            || parsed.into_iter().try_for_each(|parsed| take(parsed?, read)),
        );
        taken?;
        group = next?;
    }
    Ok(())
}

/// The next blocks, in the buffers of earlier ones.
fn next_group(blocks: &mut Blocks, spare: Vec<Block>, width: usize) -> Result<Vec<Block>, ReadError> {
    let mut spare = spare.into_iter();
    let mut group = Vec::with_capacity(width);
    while group.len() < width {
        match blocks.next(spare.next().unwrap_or_default().bytes)? {
            Some(block) => group.push(block),
            None => break,
        }
    }
    Ok(group)
}

impl Columns {
    /// The number of events.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    fn log(self, users: Arc<crate::Vocab>, items: Arc<crate::Vocab>) -> Result<Log, crate::LogError> {
        Log::new(self.users, self.items, self.values, self.times, users, items)
    }

    /// The columns of a file that was read to its end.
    pub(super) fn finished(mut self, path: &Path) -> Result<Self, ReadError> {
        if self.users.is_empty() {
            return Err(ReadError::Empty { path: path.to_owned() });
        }
        self.shrink();
        Ok(self)
    }

    /// Makes room for `more` rows and, at once, for those that the unread share of the file lets expect: columns grow
    /// once or twice, and hold little that stays unused.
    pub(super) fn reserve(&mut self, more: usize, read: f64) {
        let len = self.users.len() + more;
        if len <= self.users.capacity() && len <= self.items.capacity() {
            return;
        }
        let expected = (len as f64 / read * 1.02) as usize;
        let total = expected.max(len + self.users.len() / 2);
        reserve_total(&mut self.users, total);
        reserve_total(&mut self.items, total);
        self.values.iter_mut().for_each(|values| reserve_total(values, total));
        self.times.iter_mut().for_each(|times| reserve_total(times, total));
    }

    /// Gives back room that was expected in vain.
    fn shrink(&mut self) {
        if self.users.capacity() > self.users.len() / 8 * 9 {
            self.users.shrink_to_fit();
            self.items.shrink_to_fit();
            self.values.iter_mut().for_each(Vec::shrink_to_fit);
            self.times.iter_mut().for_each(Vec::shrink_to_fit);
        }
    }
}

fn reserve_total<T>(column: &mut Vec<T>, total: usize) {
    column.reserve_exact(total.saturating_sub(column.len()));
}
