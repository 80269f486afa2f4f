//! The graph in a file: the vectors in the order of its nodes, and its layers.

use super::layer::{Layer, NONE};
use super::{Heads, HnswIndex, MOST, MOST_HEAD, MOST_LINKS, grow::HIGHEST};
use crate::file::{FileError, Filed, Kind, Sections, Source, check};
use crate::head::Head;
use crate::slab::Slab;
use crate::storage::{Short, Storage};
use crate::vectors::Vectors;
use serde::{Deserialize, Serialize};

/// What of a graph is no array.
#[derive(Serialize, Deserialize)]
pub(crate) struct Facts {
    entry: u32,
    ef: u64,
    /// The numbers of a head, 0 where there is none, and the heads' radius.
    head: u32,
    radius: f32,
    heads: Heads,
    storage: Storage,
    /// The bytes'.
    step: f32,
}

impl Filed for HnswIndex {
    const KIND: Kind = Kind::Hnsw;
    type Recipe = Facts;

    fn recipe(&self) -> Facts {
        let (head, short) = (self.head.as_ref(), self.short.as_ref());
        Facts {
            entry: self.entry,
            ef: self.ef as u64,
            head: head.map_or(0, |head| head.size() as u32),
            radius: head.map_or(0.0, Head::radius),
            heads: self.heads,
            storage: self.storage(),
            step: short.map_or(0.0, Short::step),
        }
    }

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        match self.storage().is_whole() {
            true => self.vectors.put_sections(out),
            false => self.vectors.put_names(out),
        }
        self.head.iter().for_each(|head| head.put_sections(out));
        self.short.iter().for_each(|short| short.put_sections(out));
        out.put("rows", &self.rows);
        out.put("places", &self.places);
        let sizes: Vec<[u64; 2]> =
            self.layers.iter().map(|layer| [layer.len() as u64, layer.stride() as u64]).collect();
        out.put_owned("layers", &sizes);
        out.put_parts("links", self.layers.iter().map(|layer| &layer.links[..]));
        out.put_parts("layer-vectors", self.layers.iter().map(|layer| &layer.vectors[..]));
        out.put_parts("layer-down", self.layers.iter().map(|layer| &layer.down[..]));
    }

    fn from_sections(facts: Facts, source: &mut Source) -> Result<Self, FileError> {
        let count = source.rows(MOST)?;
        let vectors = match facts.storage.is_whole() {
            true => Vectors::take_sections(source, count)?,
            false => Vectors::take_names(source, count)?,
        };
        vectors.check_ids(source, |_| true)?;
        let head = match facts.head as usize {
            0 => None,
            1 | HEAD_AND_MORE.. => {
                return Err(source.damaged("recipe", 0, "heads of 0, or 2 to 65536 numbers"));
            }
            _ if !facts.storage.is_whole() => {
                return Err(source.damaged("recipe", 0, "no heads of vectors that are not there"));
            }
            size => Some(Head::take_sections(source, &vectors, size, facts.radius)?),
        };
        let short = facts.storage.take_sections(source, count, facts.step)?;
        let rows: Slab<u32> = source.take("rows", count)?;
        check::each_once(source, "rows", &rows, count)?;
        let width = vectors.rows().cols();
        let reordered = source.elements::<u32>("places").unwrap_or(0);
        let places: Slab<u32> = source.take("places", if reordered == 0 { 0 } else { width })?;
        check::each_once(source, "places", &places, width)?;
        let layers = take_layers(source, count)?;
        let is_there = layers.last().is_none_or(|top| (facts.entry as usize) < top.len());
        if !is_there {
            return Err(source.damaged("recipe", 0, "an entry on the highest layer"));
        }
        // No search looks at more than all.
        let ef = usize::try_from(facts.ef).unwrap_or(usize::MAX).max(1);
        Ok(Self { vectors, head, heads: facts.heads, short, rows, places, layers, entry: facts.entry, ef })
    }
}

/// More than any head has.
const HEAD_AND_MORE: usize = MOST_HEAD + 1;

/// The layers of a graph over `rows` vectors.
fn take_layers(source: &mut Source, rows: usize) -> Result<Vec<Layer>, FileError> {
    let count = source.elements::<[u64; 2]>("layers").unwrap_or(0);
    if count > HIGHEST + 1 || (count == 0) != (rows == 0) {
        return Err(source.damaged("layers", 0, "1 to 25 layers, or none of no vectors"));
    }
    let sizes: Slab<[u64; 2]> = source.take("layers", count)?;
    let mut nodes = Vec::with_capacity(count);
    let mut links = Vec::with_capacity(count);
    for (place, &[size, stride]) in sizes.iter().enumerate() {
        let is_good = if place == 0 { size == rows as u64 } else { (1..=rows as u64).contains(&size) };
        if !is_good || !(1..=2 * MOST_LINKS as u64).contains(&stride) {
            return Err(source.damaged("layers", place, "layers of nodes that have 1 to 2048 links"));
        }
        // Both fit: rows have 31 bits, strides 12.
        nodes.push(size as usize);
        links.push((size * stride) as usize);
    }
    // The nodes of the ground are the vectors, and have none below.
    let above: Vec<usize> =
        nodes.iter().enumerate().map(|(at, &size)| if at == 0 { 0 } else { size }).collect();
    let links = source.take_parts("links", &links)?;
    let vectors = source.take_parts("layer-vectors", &above)?;
    let down = source.take_parts("layer-down", &above)?;
    let parts = links.into_iter().zip(vectors).zip(down).zip(sizes.iter());
    let layers = parts.map(|(((links, vectors), down), &[_, stride])| Layer {
        stride: stride as usize,
        links,
        vectors,
        down,
    });
    let layers: Vec<Layer> = layers.collect();
    let mut start = 0;
    for (at, layer) in layers.iter().enumerate() {
        check_links(source, layer, start)?;
        start += layer.links.len();
        if let Some(lower) = at.checked_sub(1).and_then(|at| layers.get(at)) {
            check_nodes(source, layer, lower, rows)?;
        }
    }
    Ok(layers)
}

/// That links lead to nodes, and that what is left of a list is filled up to its end.
fn check_links(source: &Source, layer: &Layer, start: usize) -> Result<(), FileError> {
    let (nodes, stride) = (layer.len(), layer.stride());
    for (node, links) in layer.links.chunks_exact(stride).enumerate() {
        let mut is_over = false;
        let mut wrong = |&link: &u32| {
            let was_over = is_over;
            is_over |= link == NONE;
            if was_over { link != NONE } else { link != NONE && link as usize >= nodes }
        };
        if let Some(place) = links.iter().position(&mut wrong) {
            let place = start + node * stride + place;
            return Err(source.damaged("links", place, "a node of the layer, or the end of the list"));
        }
    }
    Ok(())
}

/// That the nodes of a layer are vectors, and the same as theirs on the layer below.
fn check_nodes(source: &Source, layer: &Layer, lower: &Layer, rows: usize) -> Result<(), FileError> {
    check::below(source, "layer-vectors", &layer.vectors, rows)?;
    check::below(source, "layer-down", &layer.down, lower.len())?;
    let is_other = |(&vector, &down): (&u32, &u32)| lower.vector(down) != vector;
    match layer.vectors.iter().zip(&layer.down[..]).position(is_other) {
        Some(place) => Err(source.damaged("layer-down", place, "the same vector on the layer below")),
        None => Ok(()),
    }
}
