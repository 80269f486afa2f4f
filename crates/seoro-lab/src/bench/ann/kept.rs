//! What several cases of one run use: vectors and our built indexes. Libraries' indexes are kept on disk.

use crate::LabError;
use crate::ann::{Collection, Recipe, Set, Space};
use crate::bench::Scene;
use seoro_ann::{Build, Index};
use seoro_core::Seed;
use std::sync::{Arc, Mutex, PoisonError};

/// A built index, and what it is an index of.
type Built = (Space, Recipe, Arc<dyn Index>);

/// The vectors and indexes of a run.
#[derive(Default)]
pub(in crate::bench) struct Kept {
    collections: Mutex<Vec<(Set, Arc<Collection>)>>,
    indexes: Mutex<Vec<Built>>,
}

/// The vectors of a space, read or made at their first use.
pub(super) fn collection(scene: &Scene, space: Space) -> Result<Arc<Collection>, LabError> {
    let set = space.set();
    let mut kept = scene.kept.collections.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, found)) = kept.iter().find(|(of, _)| *of == set) {
        return Ok(Arc::clone(found));
    }
    let made = Arc::new(Collection::open(set, &scene.folders, &|| scene.python())?);
    kept.push((set, Arc::clone(&made)));
    Ok(made)
}

/// Our index over the vectors of a space, built at its first use.
pub(super) fn index(scene: &Scene, space: Space, recipe: &Recipe) -> Result<Arc<dyn Index>, LabError> {
    let mut kept = scene.kept.indexes.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, found)) = kept.iter().find(|(of, by, _)| *of == space && by == recipe) {
        return Ok(Arc::clone(found));
    }
    let vectors = collection(scene, space)?;
    let built: Arc<dyn Index> = Arc::from(build(&vectors, space, recipe, (SEED, scene.threads))?);
    // Those of other spaces are not asked for any more: cases stand in the order of their spaces.
    kept.retain(|(of, _, _)| *of == space);
    kept.push((space, recipe.clone(), Arc::clone(&built)));
    Ok(built)
}

/// The seed of an index, where no more than one is asked.
pub(super) const SEED: u64 = 1;

/// Builds our index.
pub(super) fn build(
    vectors: &Collection,
    space: Space,
    recipe: &Recipe,
    (seed, threads): (u64, usize),
) -> Result<Box<dyn Index>, LabError> {
    let mut build = Build::new(Seed::new(seed));
    build.threads = threads;
    let failed =
        |source| LabError::Build { index: recipe.to_string(), vectors: vectors.name.to_owned(), source };
    recipe.build(&vectors.points(space.metric()), &build).map_err(failed)
}
