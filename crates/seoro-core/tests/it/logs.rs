//! Small random logs.

use proptest::collection::vec;
use proptest::prelude::*;
use seoro_core::*;
use std::sync::Arc;

const USERS: u32 = 6;
const ITEMS: u32 = 8;

/// A log of these rows (user, item, value, time), with or without its value and time columns.
pub(crate) fn log(rows: &[(u32, u32, i8, i64)], values: bool, times: bool) -> Log {
    Log::new(
        rows.iter().map(|row| UserId(row.0)).collect(),
        rows.iter().map(|row| ItemId(row.1)).collect(),
        values.then(|| rows.iter().map(|row| f32::from(row.2)).collect()),
        times.then(|| rows.iter().map(|row| row.3).collect()),
        Arc::new(Vocab::numbered(USERS)),
        Arc::new(Vocab::numbered(ITEMS)),
    )
    .unwrap()
}

/// Rows with many repeats and equal times; the scale spreads times over some days.
fn rows() -> impl Strategy<Value = Vec<(u32, u32, i8, i64)>> {
    let day = 24 * 60 * 60 * 1000i64;
    let row = (0..USERS, 0..ITEMS, -2i8..6, 0i64..9).prop_map(move |(u, i, v, t)| (u, i, v, t * day / 3));
    vec(row, 0..60)
}

pub(crate) fn any_log() -> impl Strategy<Value = Log> {
    (rows(), any::<bool>(), any::<bool>()).prop_map(|(rows, values, times)| log(&rows, values, times))
}

pub(crate) fn timed_log() -> impl Strategy<Value = Log> {
    (rows(), any::<bool>()).prop_map(|(rows, values)| log(&rows, values, true))
}
