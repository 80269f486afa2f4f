//! The exact index in a file: its vectors, and half of their squared lengths.

use super::FlatIndex;
use crate::file::{FileError, Filed, Kind, Sections, Source, check};
use crate::slab::Slab;
use crate::vectors::Vectors;
use crate::{Index, Metric};

impl Filed for FlatIndex {
    const KIND: Kind = Kind::Flat;
    type Recipe = ();

    fn recipe(&self) {}

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        self.vectors.put_sections(out);
        if self.metric() == Metric::SquaredL2 {
            out.put("half-norms", &self.half_norms);
        }
    }

    fn from_sections((): (), source: &mut Source) -> Result<Self, FileError> {
        let vectors = Vectors::take_sections(source, crate::vectors::MOST)?;
        vectors.check_ids(source, |_| true)?;
        let half_norms = match source.metric() {
            Metric::SquaredL2 => source.take("half-norms", vectors.len())?,
            Metric::InnerProduct | Metric::Cosine => Slab::default(),
        };
        // Those of very long vectors are infinite.
        check::not_nan(source, "half-norms", &half_norms)?;
        Ok(Self { vectors, half_norms })
    }
}
