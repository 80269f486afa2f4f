//! Public types cross threads.

use seoro_ann::{
    Bitmap, BuildError, Builder, Flat, FlatIndex, Forest, ForestIndex, Hnsw, HnswIndex, Index, Metric,
    Neighbor, Points, Scratch, SearchError, Storage, Work,
};

fn crosses<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    crosses::<(
        Flat,
        FlatIndex,
        Forest,
        ForestIndex,
        Hnsw,
        HnswIndex,
        Metric,
        Neighbor,
        SearchError,
        BuildError,
    )>();
    crosses::<(Points<'static>, Bitmap, Builder, Scratch, Storage, Work, Box<dyn Index>)>();
}
