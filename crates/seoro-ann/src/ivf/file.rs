//! The inverted file in a file: vectors in the order of the lists, and the lists.

use super::{Coarse, IvfIndex};
use crate::file::{FileError, Filed, Kind, Sections, Source, check};
use crate::slab::Slab;
use crate::storage::{Short, Storage};
use crate::vectors::{MOST, Vectors};
use crate::{Index, Metric};
use serde::{Deserialize, Serialize};

/// What of an inverted file is no array.
#[derive(Serialize, Deserialize)]
pub(crate) struct Facts {
    probe: u64,
    storage: Storage,
    /// The bytes'.
    step: f32,
}

impl Filed for IvfIndex {
    const KIND: Kind = Kind::Ivf;
    type Recipe = Facts;

    fn recipe(&self) -> Facts {
        let step = self.short.as_ref().map_or(0.0, Short::step);
        Facts { probe: self.probe as u64, storage: self.storage(), step }
    }

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        match self.storage().is_whole() {
            true => self.vectors.put_sections(out),
            false => self.vectors.put_names(out),
        }
        match &self.short {
            Some(short) => short.put_sections(out),
            None => {
                out.put("order", &self.order);
                if self.metric() == Metric::SquaredL2 {
                    out.put("half-norms", &self.half_norms);
                }
            }
        }
        out.put("list-rows", &self.rows);
        self.coarse.put_sections(out);
    }

    fn from_sections(facts: Facts, source: &mut Source) -> Result<Self, FileError> {
        let count = source.rows(MOST)?;
        let vectors = match facts.storage.is_whole() {
            true => Vectors::take_packed(source, count)?,
            false => Vectors::take_packed_names(source, count)?,
        };
        vectors.check_ids(source, |_| true)?;
        let width = vectors.rows().cols();
        let (mut order, mut half_norms) = (Slab::default(), Slab::default());
        let short = facts.storage.take_sections(source, count, facts.step)?;
        if short.is_none() {
            let ordered = source.elements::<u32>("order").unwrap_or(0);
            order = source.take("order", if ordered == 0 { 0 } else { width })?;
            check::each_once(source, "order", &order, width)?;
            if source.metric() == Metric::SquaredL2 {
                half_norms = source.take("half-norms", count)?;
            }
            // Those of very long vectors are infinite.
            check::not_nan(source, "half-norms", &half_norms)?;
        }
        let rows: Slab<u32> = source.take("list-rows", count)?;
        check::each_once(source, "list-rows", &rows, count)?;
        let coarse = Coarse::take_sections(source, count, width)?;
        // No search visits more than all.
        let probe = usize::try_from(facts.probe).unwrap_or(usize::MAX);
        Ok(Self { vectors, short, rows, order, half_norms, coarse, probe })
    }
}
