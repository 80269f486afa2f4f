//! Public types cross threads.

use seoro_ann::{
    Bitmap, BuildError, Builder, Flat, FlatIndex, Forest, ForestIndex, Hnsw, HnswIndex, Index, Ivf, IvfIndex,
    IvfPq, IvfPqIndex, Metric, Neighbor, Points, Pq, PqIndex, Scratch, SearchError, Storage, Tables, Work,
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
    crosses::<(Ivf, IvfIndex, Pq, PqIndex, Tables, IvfPq, IvfPqIndex)>();
}
