//! Public types cross threads.

use seoro_item2vec::{Vectors, VectorsError};

fn crosses<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    crosses::<(Vectors, VectorsError)>();
}
