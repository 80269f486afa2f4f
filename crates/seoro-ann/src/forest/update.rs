//! Adding and deleting vectors after the build.

use super::{ForestIndex, MOST, complement, grow, length};
use crate::{Metric, UpdateError};
use seoro_core::Seed;
use std::collections::{HashMap, HashSet};

impl ForestIndex {
    /// Adds a vector called `id`, in the place of a deleted one if there is any; the same changes in the same order give
    /// the same index.
    ///
    /// # Errors
    /// An id that is there, another dimension, a number that is not finite, or no row left.
    pub fn add(&mut self, id: u64, vector: &[f32]) -> Result<(), UpdateError> {
        let mut prepared = Vec::new();
        self.vectors.prepare(vector, &mut prepared)?;
        if self.names().contains_key(&id) {
            return Err(UpdateError::Known { id });
        }
        let row = match self.free.last() {
            Some(&row) => row,
            None if self.vectors.len() < MOST => self.vectors.len() as u32,
            None => return Err(UpdateError::Full { rows: self.vectors.len() }),
        };
        self.free.to_mut().pop();
        if row as usize == self.given.len() {
            self.given.to_mut().push(row);
        }
        self.vectors.put(row as usize, &prepared, self.given[row as usize] as usize, id);
        if let Some(head) = &mut self.head {
            head.put(row as usize, &prepared);
        }
        if self.vectors.metric() == Metric::InnerProduct {
            // Longer ones than any at the build stay where they are: their last coordinate is zero.
            let extra = complement(self.radius, length(&prepared));
            match self.extra.as_mut_slice().get_mut(row as usize) {
                Some(own) => *own = extra,
                None => self.extra.to_mut().push(extra),
            }
        }
        self.names().insert(id, row);
        let mut trees = std::mem::take(&mut self.trees);
        for (place, tree) in trees.iter_mut().enumerate() {
            let mut rng = Seed::new(id).child("add").index(place as u64).rng();
            grow::insert(tree, &self.recipe, &self.space(), &mut rng, row);
        }
        self.trees = trees;
        Ok(())
    }

    /// Deletes the vector called `id`, which is answered no more; its place serves the next that is added, and leaves that it
    /// empties are kept until the forest is built again.
    ///
    /// # Errors
    /// An id that is not there.
    pub fn delete(&mut self, id: u64) -> Result<(), UpdateError> {
        let row = self.names().remove(&id).ok_or(UpdateError::Unknown { id })?;
        let mut trees = std::mem::take(&mut self.trees);
        for tree in &mut trees {
            let was_there = tree.remove(&self.space(), row);
            debug_assert!(was_there, "every tree holds every row");
        }
        self.trees = trees;
        self.free.to_mut().push(row);
        Ok(())
    }

    /// Whether a vector is called `id`.
    pub fn contains(&mut self, id: u64) -> bool {
        self.names().contains_key(&id)
    }

    /// The row of each id.
    fn names(&mut self) -> &mut HashMap<u64, u32> {
        let (vectors, given, free) = (&self.vectors, &self.given, &self.free);
        self.names.get_or_insert_with(|| {
            // Those of a forest that was saved after changes.
            let free: HashSet<u32> = free.iter().copied().collect();
            let there = (0..vectors.len() as u32).filter(|row| !free.contains(row));
            there.map(|row| (vectors.id(given[row as usize]), row)).collect()
        })
    }
}
