//! Public types cross threads.

use seoro_item2vec::{
    Checkpoint, CorpusError, Embedding, FitError, Item2Vec, Progress, TextFile, Vectors, VectorsError,
    Word2Vec,
};

fn crosses<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    crosses::<(Vectors, VectorsError, Word2Vec, Item2Vec, Embedding)>();
    crosses::<(TextFile, CorpusError, FitError, Progress, Checkpoint)>();
}
