//! Public types cross threads.

use seoro_ann::{
    AnyIndex, Bitmap, BuildError, FileError, Flat, FlatIndex, Forest, ForestIndex, Hnsw, HnswIndex, Index,
    Kind, Metric, Neighbor, Points, Retriever, RetrieverError, Scratch, SearchError, Verify, Work,
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
    crosses::<(AnyIndex, Kind, Verify, FileError, Retriever<'static, HnswIndex>, RetrieverError)>();
    crosses::<(Points<'static>, Bitmap, Scratch, Work, Box<dyn Index>)>();
}
