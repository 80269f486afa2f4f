//! Public types cross threads.

use seoro_ann::{
    Bitmap, BuildError, Flat, FlatIndex, Forest, ForestIndex, Hnsw, HnswIndex, Index, Ivf, IvfIndex, IvfPq,
    IvfPqIndex, Metric, Neighbor, Points, Pq, PqIndex, Scratch, SearchError, Tables, Work,
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
    crosses::<(Ivf, IvfIndex, Pq, PqIndex, Tables, IvfPq, IvfPqIndex)>();
    crosses::<(Points<'static>, Bitmap, Scratch, Work, Box<dyn Index>)>();
}
