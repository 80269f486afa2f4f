//! Rows of a matrix by their numbers: dot products with one row, and weighted sums, which stay in registers while rows go by.

use super::lanes::{WIDE, axpy, dot, mul_add};
use super::prefetch;

/// Numbers that are on their way from memory while a row is worked on: some rows, at least one.
const ON_THE_WAY: usize = 256;

#[inline(always)]
pub(super) fn dot_named<const FMA: bool>(query: &[f32], indices: &[u32], rows: &[f32], out: &mut [f32]) {
    let dim = query.len();
    let row = |index: u32| &rows[index as usize * dim..(index as usize + 1) * dim];
    let ahead = ON_THE_WAY.div_ceil(dim.max(1));
    for (place, (&index, out)) in indices.iter().zip(out).enumerate() {
        if let Some(&next) = indices.get(place + ahead) {
            prefetch(row(next));
        }
        *out = dot::<FMA>(query, row(index));
    }
}

/// Running sums of one register.
const REGISTER: usize = 8;

#[inline(always)]
pub(super) fn weighted_rows<const FMA: bool>(
    indices: &[u32],
    weights: &[f32],
    rows: &[f32],
    out: &mut [f32],
) {
    let dim = out.len();
    let named = (indices, weights);
    match dim {
        0..REGISTER => {
            out.fill(0.0);
            for (&index, &weight) in indices.iter().zip(weights) {
                axpy::<FMA>(weight, &rows[index as usize * dim..(index as usize + 1) * dim], out);
            }
        }
        16 => exact::<FMA, 16>(named, rows, out),
        32 => exact::<FMA, 32>(named, rows, out),
        WIDE => exact::<FMA, WIDE>(named, rows, out),
        _ => by_blocks::<FMA>(named, rows, out),
    }
}

/// A sum of rows of `W` numbers, which stays in registers while they go by.
#[inline(always)]
fn exact<const FMA: bool, const W: usize>(
    (indices, weights): (&[u32], &[f32]),
    rows: &[f32],
    out: &mut [f32],
) {
    let (rows, _) = rows.as_chunks::<W>();
    let mut sums = [0f32; W];
    for (&index, &weight) in indices.iter().zip(weights) {
        let row = &rows[index as usize];
        for lane in 0..W {
            sums[lane] = mul_add::<FMA>(weight, row[lane], sums[lane]);
        }
    }
    out.copy_from_slice(&sums);
}

/// A sum of rows of any width, of one register or more.
#[inline(always)]
fn by_blocks<const FMA: bool>(named: (&[u32], &[f32]), rows: &[f32], out: &mut [f32]) {
    let dim = out.len();
    for start in (0..dim).step_by(WIDE) {
        // Blocks and registers that would go beyond the end overlap those before, whose sums are the same.
        let start = start.min(dim - REGISTER);
        let out = &mut out[start..dim.min(start + WIDE)];
        match out.len().div_ceil(REGISTER) {
            1 => block::<FMA, 1>(named, rows, (dim, start), out),
            2 => block::<FMA, 2>(named, rows, (dim, start), out),
            3 => block::<FMA, 3>(named, rows, (dim, start), out),
            4 => block::<FMA, 4>(named, rows, (dim, start), out),
            5 => block::<FMA, 5>(named, rows, (dim, start), out),
            6 => block::<FMA, 6>(named, rows, (dim, start), out),
            7 => block::<FMA, 7>(named, rows, (dim, start), out),
            _ => block::<FMA, 8>(named, rows, (dim, start), out),
        }
    }
}

/// The numbers from `start` of a sum of rows of `dim`: as many as `N` registers hold, of which the last two may overlap.
#[inline(always)]
fn block<const FMA: bool, const N: usize>(
    (indices, weights): (&[u32], &[f32]),
    rows: &[f32],
    (dim, start): (usize, usize),
    out: &mut [f32],
) {
    let width = out.len();
    let mut sums = [[0f32; REGISTER]; N];
    for (&index, &weight) in indices.iter().zip(weights) {
        let from = index as usize * dim + start;
        let row = &rows[from..from + width];
        let (head, _) = row.as_chunks::<REGISTER>();
        let head = &head[..N - 1];
        let Some(tail) = row.last_chunk::<REGISTER>() else { return };
        for register in 0..N {
            let numbers = if register + 1 == N { tail } else { &head[register] };
            for lane in 0..REGISTER {
                sums[register][lane] = mul_add::<FMA>(weight, numbers[lane], sums[register][lane]);
            }
        }
    }
    for (register, sum) in sums.iter().enumerate() {
        let at = if register + 1 == N { width - REGISTER } else { register * REGISTER };
        out[at..at + REGISTER].copy_from_slice(sum);
    }
}
