//! Public types cross threads.

use seoro_ann::{Flat, Metric, Neighbor, SearchError};

fn crosses<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    crosses::<(Flat, Metric, Neighbor, SearchError)>();
}
