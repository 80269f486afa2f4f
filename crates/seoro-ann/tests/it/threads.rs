//! Public types cross threads.

use seoro_ann::{
    AnyIndex, Bitmap, BuildError, Builder, FileError, Flat, FlatIndex, Forest, ForestIndex, Hnsw, HnswIndex,
    Index, Ivf, IvfIndex, IvfPq, IvfPqIndex, Kind, Metric, Neighbor, Points, Pq, PqIndex, Retriever,
    RetrieverError, Scratch, SearchError, Storage, Tables, Verify, Work,
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
    crosses::<(AnyIndex, Kind, Verify, FileError, Retriever<'static, HnswIndex>, RetrieverError)>();
}
