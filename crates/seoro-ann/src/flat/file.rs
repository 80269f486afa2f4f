//! The exact index in a file: its vectors with half of their squared lengths, or shorter ones.

use super::FlatIndex;
use crate::file::{FileError, Filed, Kind, Sections, Source, check};
use crate::slab::Slab;
use crate::storage::{Short, Storage};
use crate::vectors::Vectors;
use crate::{Index, Metric};

impl Filed for FlatIndex {
    const KIND: Kind = Kind::Flat;
    /// How vectors are stored, and the bytes' step.
    type Recipe = (Storage, f32);

    fn recipe(&self) -> (Storage, f32) {
        (self.storage(), self.short.as_ref().map_or(0.0, Short::step))
    }

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        match self.storage().is_whole() {
            true => self.vectors.put_sections(out),
            false => self.vectors.put_names(out),
        }
        match &self.short {
            Some(short) => short.put_sections(out),
            None if self.metric() == Metric::SquaredL2 => out.put("half-norms", &self.half_norms),
            None => {}
        }
    }

    fn from_sections((storage, step): (Storage, f32), source: &mut Source) -> Result<Self, FileError> {
        let count = source.rows(crate::vectors::MOST)?;
        let vectors = match storage.is_whole() {
            true => Vectors::take_packed(source, count)?,
            false => Vectors::take_packed_names(source, count)?,
        };
        vectors.check_ids(source, |_| true)?;
        let short = storage.take_sections(source, count, step)?;
        let half_norms = match source.metric() {
            Metric::SquaredL2 if short.is_none() => source.take("half-norms", count)?,
            _ => Slab::default(),
        };
        // Those of very long vectors are infinite.
        check::not_nan(source, "half-norms", &half_norms)?;
        Ok(Self { vectors, count, half_norms, short })
    }
}
