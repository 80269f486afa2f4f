//! The state of a run in a file.

use super::{Plan, Position, Shared, Trained};
use crate::FitError;
use crate::run::Run;
use crate::sequences::Sequences;
use seoro_core::hash::Fnv1a;
use seoro_core::{Matrix, replace_file};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

const MAGIC: [u8; 8] = *b"seoro-w2";

/// Changes with the arithmetic and the format: what was saved before is begun again.
const REVISION: u64 = crate::REVISION as u64;

/// What makes two runs the same.
pub(super) fn key(
    plan: &Plan,
    counts: &[u64],
    keep: &[u64],
    sequences: &dyn Sequences,
    run: &Run<'_>,
    threads: usize,
) -> u64 {
    let mut hash = Fnv1a::new();
    hash.bytes(format!("{plan:?}").as_bytes());
    hash.word(run.seed.value());
    hash.word(threads as u64);
    hash.word(sequences.hash());
    counts.iter().chain(keep).chain(sequences.before()).for_each(|&number| hash.word(number));
    hash.value()
}

/// A checksum of what passes through.
struct Summing<T> {
    inner: T,
    sum: Fnv1a,
}

impl<T> Summing<T> {
    fn new(inner: T) -> Self {
        Self { inner, sum: Fnv1a::new() }
    }
}

impl<W: Write> Summing<W> {
    fn put(&mut self, bytes: &[u8; 8]) -> io::Result<()> {
        self.sum.word(u64::from_le_bytes(*bytes));
        self.inner.write_all(bytes)
    }
}

impl<R: Read> Summing<R> {
    fn take(&mut self) -> io::Result<[u8; 8]> {
        let mut bytes = [0; 8];
        self.inner.read_exact(&mut bytes)?;
        self.sum.word(u64::from_le_bytes(bytes));
        Ok(bytes)
    }
}

pub(super) fn save(path: &Path, key: u64, at: Position, parts: [&Shared; 2]) -> Result<(), FitError> {
    let written = replace_file(path, |file| {
        let mut out = Summing::new(BufWriter::with_capacity(1 << 20, file));
        out.put(&MAGIC)?;
        for word in [REVISION, key, at.epoch as u64, at.chunk as u64, at.seconds.to_bits()] {
            out.put(&word.to_le_bytes())?;
        }
        for part in parts {
            let matrix = part.to_matrix();
            // In pairs; a last one without another has a zero beside it.
            for pair in matrix.as_slice().chunks(2) {
                let bits = [pair[0].to_bits(), pair.get(1).map_or(0, |number| number.to_bits())];
                out.put(&(u64::from(bits[0]) | u64::from(bits[1]) << 32).to_le_bytes())?;
            }
        }
        let sum = out.sum.value();
        out.put(&sum.to_le_bytes())?;
        out.inner.flush()
    });
    written.map_err(|source| FitError::Checkpoint { path: path.to_owned(), source })
}

/// The state that the run's checkpoint holds, if there is one and it is of this very run.
pub(super) fn load(
    run: &Run<'_>,
    key: u64,
    rows: [usize; 2],
    dim: usize,
) -> Result<Option<(Position, Trained)>, FitError> {
    let Some(path) = run.checkpoint.as_ref().map(|checkpoint| &checkpoint.path) else { return Ok(None) };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|source| FitError::Checkpoint { path: path.clone(), source })?,
    };
    let damaged = |source| FitError::Checkpoint { path: path.clone(), source };
    let mut file = Summing::new(BufReader::with_capacity(1 << 20, file));
    if file.take().map_err(damaged)? != MAGIC {
        return Err(damaged(io::Error::new(io::ErrorKind::InvalidData, "not a checkpoint of word vectors")));
    }
    let mut word = || file.take().map(u64::from_le_bytes).map_err(damaged);
    let (revision, found) = (word()?, word()?);
    if revision != REVISION {
        tracing::warn!(revision, "a checkpoint of another version is passed over");
        return Ok(None);
    }
    if found != key {
        return Err(FitError::OtherFit { path: path.clone() });
    }
    let at = Position { epoch: word()? as usize, chunk: word()? as usize, seconds: f64::from_bits(word()?) };
    let mut matrix = |rows: usize| {
        let mut matrix = Matrix::zeros(rows, dim);
        for pair in matrix.as_mut_slice().chunks_mut(2) {
            let bits = u64::from_le_bytes(file.take()?);
            let numbers = [f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)];
            pair.copy_from_slice(&numbers[..pair.len()]);
        }
        Ok(matrix)
    };
    let trained =
        Trained { input: matrix(rows[0]).map_err(damaged)?, output: matrix(rows[1]).map_err(damaged)? };
    let expected = file.sum.value();
    if u64::from_le_bytes(file.take().map_err(damaged)?) != expected {
        return Err(damaged(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not fit")));
    }
    tracing::info!(epoch = at.epoch + 1, chunk = at.chunk, "going on from a checkpoint");
    Ok(Some((at, trained)))
}

/// Removes the file of a run that has ended.
pub(super) fn remove(path: &Path) -> Result<(), FitError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FitError::Checkpoint { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
