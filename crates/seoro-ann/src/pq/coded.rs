//! Vectors as codes in lists: what [`Pq`](super::Pq) (one list around the origin) and [`IvfPq`](super::IvfPq) share.

use super::Tables;
use super::fast::{self, Scale};
use super::quantiser::Quantiser;
use super::rotation::Rotation;
use crate::arrange::{order_places, permute_rows};
use crate::ivf::{Coarse, bytes_to_build};
use crate::kmeans::{Rows, pick};
use crate::slab::{self, Slab};
use crate::vectors::Vectors;
use crate::{Build, BuildError, Metric, Points};
use rayon::prelude::*;
use seoro_core::kernel::SCAN_BLOCK;
use seoro_core::{Matrix, kernel};
use std::ops::Range;

/// What codes are made by.
pub(super) struct Codes {
    pub(super) parts: usize,
    pub(super) bits: usize,
    pub(super) iterations: usize,
    pub(super) rotations: usize,
    pub(super) tables: Tables,
    pub(super) keep: bool,
    pub(super) rerank: usize,
}

/// What lists are made by.
pub(super) struct Lists {
    pub(super) lists: usize,
    pub(super) iterations: usize,
    pub(super) probe: usize,
}

/// How many vectors are coded at once.
const CHUNK: usize = 4096;

/// Vectors looked at for each word.
const SAMPLE: usize = 256;

/// Codes in lists.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coded {
    /// By place where they are kept, else only names, metric and dimension; names are by row.
    pub(super) vectors: Vectors,
    /// Which of a query's numbers stands where in vectors that are kept; in their own order where empty.
    pub(super) order: Slab<u32>,
    /// Which row each place was; empty where one list holds all in their order.
    pub(super) rows: Slab<u32>,
    /// Rotated, where there is a rotation.
    pub(super) coarse: Coarse,
    /// Of what codes and lists see; vectors that are kept are as they are.
    pub(super) rotation: Option<Rotation>,
    pub(super) quantiser: Quantiser,
    /// Words of 8 bits by place, `[N, parts]`; words of 4 bits in blocks of 32 vectors, list by list.
    pub(super) codes: Slab<u8>,
    /// Where each list's blocks begin, and the end, `[L + 1]`; empty for words of 8 bits.
    pub(super) blocks: Slab<u32>,
    /// `½‖x̂‖²` by place under the squared distance.
    pub(super) half_norms: Slab<f32>,
    pub(super) tables: Tables,
    pub(super) probe: usize,
    pub(super) rerank: usize,
}

impl Codes {
    pub(super) fn words(&self) -> usize {
        // Refused recipes are asked for their memory too.
        1usize.checked_shl(self.bits as u32).unwrap_or(usize::MAX)
    }

    /// About the most that the index and its build will hold.
    pub(super) fn bytes_to_build(&self, points: &Points<'_>, lists: usize) -> u64 {
        let (rows, dim) = (points.vectors.rows(), points.vectors.cols());
        let code = self.parts.saturating_mul(self.bits).div_ceil(8) + 1;
        // The last block of a list is half empty on average.
        let codes = rows.saturating_add(lists.saturating_mul(SCAN_BLOCK)).saturating_mul(code) as u64;
        let sample =
            (rows.min(self.words().saturating_mul(SAMPLE)).saturating_mul(dim) as u64).saturating_mul(4);
        let (rotation, copies) =
            if self.rotations > 0 { (Rotation::bytes_to_learn(rows, dim), 2) } else { (0, 1) };
        let chunk = self.parts.saturating_add(copies * dim).saturating_mul(4 * CHUNK.min(rows)) as u64;
        Vectors::bytes_of(points)
            .saturating_add(bytes_to_build(lists, rows, dim.next_multiple_of(16)))
            .saturating_add(Quantiser::bytes_to_train(rows, dim, self.parts, self.words()))
            .saturating_add(codes.saturating_add(sample).saturating_add(chunk))
            .saturating_add(rotation.saturating_add(rows as u64 * 8))
    }
}

impl Coded {
    pub(super) fn build(
        codes: &Codes,
        lists: Option<&Lists>,
        points: &Points<'_>,
        build: &Build<'_>,
    ) -> Result<Self, BuildError> {
        let mut vectors = Vectors::packed(points)?;
        let (metric, width) = (vectors.metric(), vectors.rows().cols());
        let (mut coarse, rows) = match lists {
            Some(lists) => Coarse::new(vectors.points(), metric, lists.lists, lists.iterations, build)?,
            None => (Coarse::single(vectors.len(), width, metric), (0..vectors.len() as u32).collect()),
        };
        permute_rows(vectors.rows_mut(), &rows);
        let sample = pick(rows.len(), SAMPLE * codes.words(), build.seed.child("codes"));
        let mut sample = residuals(&vectors, (&coarse, &coarse.centroids), sample.into_iter());
        let rotation = match codes.rotations {
            0 => None,
            turns => Some(Rotation::learn(&sample, codes, turns, build)?),
        };
        let given = rotation.as_ref().map(|_| coarse.centroids.clone());
        if let Some(rotation) = &rotation {
            sample = rotation.turn_all(&sample);
            let mut held = Vec::new();
            let rows = coarse.centroids.as_mut_slice().chunks_exact_mut(width.max(1));
            rows.for_each(|row| rotation.turn(row, &mut held));
        }
        let quantiser =
            Quantiser::train(Rows::of(&sample), codes.parts, codes.words(), codes.iterations, build)?;
        let mut coded = Self {
            vectors,
            order: Slab::default(),
            rows: if coarse.lists() == 1 { Slab::default() } else { Slab::placed(&rows) },
            coarse,
            rotation,
            quantiser,
            codes: Slab::default(),
            blocks: Slab::default(),
            half_norms: Slab::default(),
            tables: codes.tables,
            probe: lists.map_or(1, |lists| lists.probe),
            rerank: codes.rerank,
        };
        coded.encode(codes.bits, given.as_ref(), build)?;
        if codes.keep {
            // Distances to the best by codes are left early from here on; nothing else reads these vectors.
            coded.order = order_places(&mut coded.vectors);
        } else {
            coded.vectors = coded.vectors.without_rows();
        }
        Ok(coded)
    }

    /// Codes all vectors, in chunks; `given` are the centroids before their rotation, if any.
    fn encode(
        &mut self,
        bits: usize,
        given: Option<&slab::Rows>,
        build: &Build<'_>,
    ) -> Result<(), BuildError> {
        let (count, parts) = (self.len(), self.quantiser.parts());
        if bits == 4 {
            self.blocks = blocks(&self.coarse).into();
            let blocks = self.blocks.last().copied().unwrap_or(0) as usize;
            self.codes = Slab::zeros(blocks * fast::block_bytes(parts));
        } else {
            self.codes = Slab::zeros(count * parts);
        }
        let is_distance = self.vectors.metric() == Metric::SquaredL2;
        let mut half_norms = Slab::zeros(if is_distance { count } else { 0 });
        let mut codes = vec![0; CHUNK.min(count) * parts];
        for first in (0..count).step_by(CHUNK) {
            build.check()?;
            let chunk = first..count.min(first + CHUNK);
            let codes = &mut codes[..chunk.len() * parts];
            let places = chunk.start as u32..chunk.end as u32;
            let mut rest =
                residuals(&self.vectors, (&self.coarse, given.unwrap_or(&self.coarse.centroids)), places);
            if let Some(rotation) = &self.rotation {
                rest = rotation.turn_all(&rest);
            }
            self.quantiser.encode(Rows::of(&rest), codes);
            self.store(chunk.clone(), codes, bits);
            if is_distance {
                let own = half_norms.as_mut_slice()[chunk.clone()].par_iter_mut().zip(chunk.clone());
                own.for_each_init(Vec::new, |decoded, (half_norm, place)| {
                    self.decode(self.coarse.list_of(place), place..place + 1, decoded);
                    *half_norm = 0.5 * kernel::dot(decoded, decoded);
                });
            }
            build.observe.iter().for_each(|observe| observe(chunk.end, count));
        }
        self.half_norms = half_norms;
        Ok(())
    }

    /// Puts the codes of some places where they are kept.
    fn store(&mut self, places: Range<usize>, codes: &[u8], bits: usize) {
        let parts = self.quantiser.parts();
        if bits == 8 {
            let own = &mut self.codes.as_mut_slice()[places.start * parts..places.end * parts];
            return own.copy_from_slice(codes);
        }
        for (place, code) in places.zip(codes.chunks_exact(parts.max(1))) {
            let list = self.coarse.list_of(place);
            let within = place - self.coarse.list(list).start;
            let first = self.blocks[list as usize] as usize * fast::block_bytes(parts);
            let blocks = &mut self.codes.as_mut_slice()[first..];
            code.iter().enumerate().for_each(|(part, &word)| fast::put(blocks, parts, within, part, word));
        }
    }

    /// Writes what the codes of some places of a list stand for, `[P, D′]`.
    pub(super) fn decode(&self, list: u32, places: Range<usize>, out: &mut Vec<f32>) {
        let (width, parts) = (self.vectors.rows().cols(), self.quantiser.parts());
        out.clear();
        let centroid = self.coarse.centroids.row(list as usize);
        for place in places {
            let start = out.len();
            out.extend_from_slice(centroid);
            debug_assert_eq!(centroid.len(), width);
            if self.blocks.is_empty() {
                let code = &self.codes[place * parts..(place + 1) * parts];
                self.quantiser.add_decoded(code.iter().copied(), &mut out[start..]);
            } else {
                let blocks = &self.codes[self.blocks[list as usize] as usize * fast::block_bytes(parts)..];
                let within = place - self.coarse.list(list).start;
                let code = (0..parts).map(|part| fast::get(blocks, parts, within, part));
                self.quantiser.add_decoded(code, &mut out[start..]);
            }
        }
    }

    /// The blocks that hold some places of a list, which begin at a block.
    pub(super) fn blocks_of(&self, list: u32, places: &Range<usize>) -> &[u8] {
        let bytes = fast::block_bytes(self.quantiser.parts());
        let first =
            self.blocks[list as usize] as usize + (places.start - self.coarse.list(list).start) / SCAN_BLOCK;
        &self.codes[first * bytes..(first + places.len().div_ceil(SCAN_BLOCK)) * bytes]
    }

    pub(super) fn len(&self) -> usize {
        self.coarse.len()
    }

    /// Which row a place is.
    #[inline]
    pub(super) fn row(&self, place: u32) -> u32 {
        self.rows.get(place as usize).copied().unwrap_or(place)
    }

    pub(super) fn bytes(&self) -> u64 {
        let numbers = self.order.len() + self.rows.len() + self.blocks.len() + self.half_norms.len();
        self.vectors.bytes()
            + self.coarse.bytes()
            + self.quantiser.bytes()
            + self.rotation.as_ref().map_or(0, Rotation::bytes)
            + self.codes.len() as u64
            + numbers as u64 * 4
    }

    /// A query as what its own code stands for.
    pub(super) fn as_code(&self, query: &mut [f32], products: &mut Vec<f32>) {
        self.quantiser.products(&query[..self.vectors.dim()], products);
        query.fill(0.0);
        let tables = products.chunks_exact(self.quantiser.words).enumerate();
        let code = tables.map(|(part, products)| nearest(self.quantiser.book(part), products));
        self.quantiser.add_decoded(code, query);
    }

    /// Writes a query's tables: all products, and for words of 4 bits those in 8 bits.
    pub(super) fn tables(&self, query: &[f32], products: &mut Vec<f32>, bytes: &mut [u8]) -> Scale {
        self.quantiser.products(&query[..self.vectors.dim()], products);
        if bytes.is_empty() { Scale::default() } else { fast::round(products, &self.quantiser, bytes) }
    }

    /// The bytes of a query's tables of 8 bits.
    pub(super) fn table_bytes(&self) -> usize {
        if self.blocks.is_empty() { 0 } else { fast::block_bytes(self.quantiser.parts()) }
    }
}

/// The word of a part, by its products with them, that is nearest: the first of equally near ones.
fn nearest(book: &[f32], products: &[f32]) -> u8 {
    let words = book.chunks_exact((book.len() / products.len()).max(1));
    let (mut best, mut nearest) = (f32::NEG_INFINITY, 0);
    for (place, (word, product)) in words.zip(products).enumerate() {
        let score = product - 0.5 * kernel::dot(word, word);
        if score > best {
            (best, nearest) = (score, place as u8);
        }
    }
    nearest
}

/// Where each list's blocks begin, and the end.
pub(super) fn blocks(coarse: &Coarse) -> Vec<u32> {
    let mut blocks = vec![0];
    let mut end = 0;
    for list in 0..coarse.lists() as u32 {
        end += coarse.list(list).len().div_ceil(SCAN_BLOCK) as u32;
        blocks.push(end);
    }
    blocks
}

/// What these centroids of their lists leave of the vectors at some places, `[P, D]`.
fn residuals(
    vectors: &Vectors,
    (coarse, centroids): (&Coarse, &slab::Rows),
    places: impl ExactSizeIterator<Item = u32>,
) -> Matrix {
    let mut residuals = Matrix::zeros(places.len(), vectors.dim());
    for (row, place) in places.enumerate() {
        let centroid = centroids.row(coarse.list_of(place as usize) as usize);
        let out = residuals.row_mut(row).iter_mut();
        out.zip(vectors.row(place).iter().zip(centroid)).for_each(|(out, (x, c))| *out = x - c);
    }
    residuals
}
