//! The forest in a file: vectors, heads and trees.

use super::tree::{LEAF, Leaf, Split, Tree};
use super::{Forest, ForestIndex, MOST};
use crate::file::check::{self, Marks};
use crate::file::{FileError, Filed, Kind, Sections, Source};
use crate::head::Head;
use crate::slab::Slab;
use crate::vectors::Vectors;
use crate::{Index, Metric};
use serde::{Deserialize, Serialize};

/// What of a forest is no array.
#[derive(Serialize, Deserialize)]
pub(crate) struct Facts {
    recipe: Forest,
    radius: f32,
    head_radius: f32,
}

impl Filed for ForestIndex {
    const KIND: Kind = Kind::Forest;
    type Recipe = Facts;

    fn recipe(&self) -> Facts {
        let head_radius = self.head.as_ref().map_or(0.0, Head::radius);
        Facts { recipe: self.recipe.clone(), radius: self.radius, head_radius }
    }

    fn rows(&self) -> usize {
        self.vectors.len()
    }

    fn sections<'a>(&'a self, out: &mut Sections<'a>) {
        self.vectors.put_sections(out);
        out.put("given", &self.given);
        out.put("free", &self.free);
        if self.metric() == Metric::InnerProduct {
            out.put("extra", &self.extra);
        }
        self.head.iter().for_each(|head| head.put_sections(out));
        let sizes = self.trees.iter().map(|tree| {
            let lens = [tree.splits.len(), tree.leaves.len(), tree.rows.len()];
            [u64::from(tree.root), lens[0] as u64, lens[1] as u64, lens[2] as u64]
        });
        out.put_owned("trees", &sizes.collect::<Vec<[u64; 4]>>());
        out.put_parts("splits", self.trees.iter().map(|tree| &tree.splits[..]));
        out.put_parts("planes", self.trees.iter().map(|tree| &tree.planes[..]));
        out.put_parts("leaves", self.trees.iter().map(|tree| &tree.leaves[..]));
        out.put_parts("leaf-rows", self.trees.iter().map(|tree| &tree.rows[..]));
    }

    fn from_sections(facts: Facts, source: &mut Source) -> Result<Self, FileError> {
        let Facts { recipe, radius, head_radius } = facts;
        if recipe.check().is_err() || radius.is_nan() || head_radius.is_nan() {
            return Err(source.damaged("recipe", 0, "the recipe of a forest that can be built"));
        }
        let vectors = Vectors::take_sections(source, MOST)?;
        let given: Slab<u32> = source.take("given", vectors.len())?;
        check::each_once(source, "given", &given, vectors.len())?;
        let free = source.elements::<u32>("free").filter(|&free| free <= vectors.len()).unwrap_or(0);
        let free: Slab<u32> = source.take("free", free)?;
        let is_free = check::each_once(source, "free", &free, vectors.len())?;
        let mut is_named = vec![false; vectors.len()];
        (0..vectors.len()).for_each(|row| is_named[given[row] as usize] = !is_free.is_marked(row));
        vectors.check_ids(source, |row| is_named[row])?;
        let extra = match source.metric() {
            Metric::InnerProduct => source.take("extra", vectors.len())?,
            Metric::Cosine | Metric::SquaredL2 => Slab::default(),
        };
        check::finite(source, "extra", &extra)?;
        let head = match recipe.has_head(vectors.dim()) {
            true => Some(Head::take_sections(source, &vectors, recipe.head, head_radius)?),
            false => None,
        };
        let width = recipe.width(vectors.dim());
        let trees = take_trees(source, recipe.trees, width)?;
        for (at, tree) in trees.iter().enumerate() {
            check_tree(source, at, tree)?;
            check_rows(source, at, tree, &is_free, vectors.len() - free.len())?;
        }
        Ok(Self { recipe, vectors, given, head, extra, radius, trees, free, names: None })
    }
}

/// The trees, whose parts have the lengths that they say.
fn take_trees(source: &mut Source, count: usize, width: usize) -> Result<Vec<Tree>, FileError> {
    let sizes: Slab<[u64; 4]> = source.take("trees", count)?;
    // A tree has no more of anything than its numbers of 32 bits can name.
    let is_wrong = |size: &[u64; 4]| size.iter().any(|&number| number > u64::from(u32::MAX));
    if let Some(place) = sizes.iter().position(is_wrong) {
        return Err(source.damaged("trees", place, "a root and three lengths of 32 bits"));
    }
    let lens = |which: usize| sizes.iter().map(|size| size[which] as usize).collect::<Vec<usize>>();
    let splits = source.take_parts("splits", &lens(1))?;
    let planes: Option<Vec<usize>> = lens(1).iter().map(|splits| splits.checked_mul(width)).collect();
    let too_many = source.damaged("splits", 0, "planes that fit into memory");
    let planes = source.take_parts("planes", &planes.ok_or(too_many)?)?;
    let leaves = source.take_parts("leaves", &lens(2))?;
    let rows = source.take_parts("leaf-rows", &lens(3))?;
    let parts = sizes.iter().zip(splits).zip(planes).zip(leaves).zip(rows);
    let tree = |((((size, splits), planes), leaves), rows): ((((&[u64; 4], _), _), _), _)| Tree {
        root: size[0] as u32,
        splits,
        planes,
        leaves,
        rows,
    };
    Ok(parts.map(tree).collect())
}

/// That every split and leaf hangs on the root, once: then no walk down goes on for ever.
fn check_tree(source: &Source, at: usize, tree: &Tree) -> Result<(), FileError> {
    let (splits, leaves): (&[Split], &[Leaf]) = (&tree.splits, &tree.leaves);
    let (mut seen_splits, mut seen_leaves) = (Marks::new(splits.len()), Marks::new(leaves.len()));
    let wrong =
        || Err(source.damaged("trees", at, "a tree whose splits and leaves hang on its root, once each"));
    let (mut below, mut seen) = (vec![tree.root], 0);
    while let Some(node) = below.pop() {
        let number = (node & !LEAF) as usize;
        let is_new = match node & LEAF {
            0 => number < splits.len() && seen_splits.mark(number),
            _ => number < leaves.len() && seen_leaves.mark(number),
        };
        if !is_new {
            return wrong();
        }
        seen += 1;
        if node & LEAF == 0 {
            below.extend(splits[number].children);
        }
    }
    if seen == splits.len() + leaves.len() { Ok(()) } else { wrong() }
}

/// That leaves are apart, inside the tree's rows, and hold all `count` rows that are not free, once each.
fn check_rows(
    source: &Source,
    at: usize,
    tree: &Tree,
    is_free: &Marks,
    count: usize,
) -> Result<(), FileError> {
    let wrong = |section, expected| Err(source.damaged(section, at, expected));
    let mut taken = Marks::new(tree.rows.len());
    let mut seen = Marks::new(is_free.len());
    let mut held = 0;
    for leaf in &tree.leaves[..] {
        let (start, len, room) = (leaf.start as usize, leaf.len as usize, leaf.room as usize);
        let is_inside = len <= room && start.checked_add(room).is_some_and(|end| end <= tree.rows.len());
        if !is_inside || !(start..start + room).all(|place| taken.mark(place)) {
            return wrong("leaves", "leaves inside the tree's rows, apart from each other");
        }
        for &row in &tree.rows[start..start + len] {
            let row = row as usize;
            if row >= is_free.len() || is_free.is_marked(row) || !seen.mark(row) {
                return wrong("leaf-rows", "rows that are there, once each");
            }
        }
        held += len;
    }
    if held == count { Ok(()) } else { wrong("leaf-rows", "every row that is there") }
}
