//! Codes in files: exact vectors where they are kept, lists, words and codes.

use super::coded::{Coded, blocks};
use super::quantiser::Quantiser;
use super::rotation::Rotation;
use super::{IvfPqIndex, PqIndex, Tables, are_parts, fast};
use crate::Metric;
use crate::file::{FileError, Filed, Kind, Sections, Source, check};
use crate::ivf::Coarse;
use crate::slab::Slab;
use crate::vectors::{MOST, Vectors};
use serde::{Deserialize, Serialize};

/// What of codes is no array.
#[derive(Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Whether the exact vectors are there.
    keep: bool,
    /// Of a word.
    bits: u8,
    parts: u32,
    /// Whether there is a rotation.
    rotated: bool,
    tables: Tables,
    probe: u64,
    rerank: u64,
}

impl Filed for PqIndex {
    const KIND: Kind = Kind::Pq;
    type Recipe = Facts;

    fn recipe(&self) -> Facts {
        self.coded.facts()
    }

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        self.coded.put_sections(out);
    }

    fn from_sections(facts: Facts, source: &mut Source) -> Result<Self, FileError> {
        let coded = Coded::take_sections(&facts, source)?;
        match coded.coarse.lists() {
            1 => Ok(Self { coded }),
            _ => Err(source.damaged("starts", 0, "one list of all vectors")),
        }
    }
}

impl Filed for IvfPqIndex {
    const KIND: Kind = Kind::IvfPq;
    type Recipe = Facts;

    fn recipe(&self) -> Facts {
        self.coded.facts()
    }

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        self.coded.put_sections(out);
    }

    fn from_sections(facts: Facts, source: &mut Source) -> Result<Self, FileError> {
        Ok(Self { coded: Coded::take_sections(&facts, source)? })
    }
}

impl Coded {
    fn is_kept(&self) -> bool {
        self.vectors.len() == self.len()
    }

    fn facts(&self) -> Facts {
        Facts {
            keep: self.is_kept(),
            bits: if self.blocks.is_empty() { 8 } else { 4 },
            parts: self.quantiser.parts() as u32,
            rotated: self.rotation.is_some(),
            tables: self.tables,
            probe: self.probe as u64,
            rerank: self.rerank as u64,
        }
    }

    fn put_sections<'a>(&'a self, out: &mut Sections<'a>) {
        match self.is_kept() {
            true => {
                self.vectors.put_sections(out);
                out.put("order", &self.order);
            }
            false => self.vectors.put_names(out),
        }
        self.coarse.put_sections(out);
        out.put("list-rows", &self.rows);
        self.rotation.iter().for_each(|rotation| out.put("rotation", rotation.numbers()));
        out.put("words", &self.quantiser.book);
        // Where blocks begin follows from the lists.
        out.put("codes", &self.codes);
        if self.vectors.metric() == Metric::SquaredL2 {
            out.put("half-norms", &self.half_norms);
        }
    }

    /// Codes themselves may be anything: a byte is one of 256 words, half of one one of 16. So may words and what is made
    /// of them: the means of numbers that overflow are no numbers, and what they stand for is as far as can be.
    fn take_sections(facts: &Facts, source: &mut Source) -> Result<Self, FileError> {
        let (count, dim, parts) = (source.rows(MOST)?, source.dim()?, facts.parts as usize);
        if !are_parts(parts, dim) || !matches!(facts.bits, 4 | 8) {
            return Err(source.damaged("recipe", 0, "parts of the vectors, and words of 4 or 8 bits"));
        }
        let (vectors, order) = match facts.keep {
            true => {
                let vectors = Vectors::take_packed(source, count)?;
                let ordered = source.elements::<u32>("order").unwrap_or(0);
                let order: Slab<u32> = source.take("order", if ordered == 0 { 0 } else { dim })?;
                check::each_once(source, "order", &order, dim)?;
                (vectors, order)
            }
            false => (Vectors::take_packed_names(source, count)?, Slab::default()),
        };
        vectors.check_ids(source, |_| true)?;
        let coarse = Coarse::take_sections(source, count, vectors.rows().cols())?;
        let rows: Slab<u32> = source.take("list-rows", if coarse.lists() == 1 { 0 } else { count })?;
        check::each_once(source, "list-rows", &rows, count)?;
        let rotation = match facts.rotated {
            true => Some(Rotation::take_section(source, dim)?),
            false => None,
        };
        let words = 1usize << facts.bits;
        let book = source.take("words", words.saturating_mul(dim))?;
        let quantiser = Quantiser { dim, parts, words, book };
        let blocks: Slab<u32> = if facts.bits == 4 { blocks(&coarse).into() } else { Slab::default() };
        let bytes = match blocks.last() {
            Some(&blocks) => (blocks as usize).saturating_mul(fast::block_bytes(parts)),
            None => count.saturating_mul(parts),
        };
        let codes = source.take("codes", bytes)?;
        let half_norms = match source.metric() {
            Metric::SquaredL2 => source.take("half-norms", count)?,
            Metric::InnerProduct | Metric::Cosine => Slab::default(),
        };
        let [probe, rerank] =
            [facts.probe, facts.rerank].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let tables = facts.tables;
        Ok(Self {
            vectors,
            order,
            rows,
            coarse,
            rotation,
            quantiser,
            codes,
            blocks,
            half_norms,
            tables,
            probe,
            rerank,
        })
    }
}
