//! Products of a few rows with a few rows, picked from larger arrays: the inner loops of negative sampling.
//!
//! Rows are blocked so that a number that is loaded takes part in several products, and as many sums are on their way as
//! hide the latency of a multiply-add. Written once over [`Lanes`]; arrays alone leave it to the compiler's mood whether
//! sums stay in registers.

use super::{Level, PORTABLE_FMA, lanes, level};

/// Numbers of a vector.
const LANES: usize = 8;

/// The most rows that go with two others at once: so many sums, and what goes into them, are the registers there are.
const MOST: usize = 6;

type Lane = [f32; LANES];

/// Eight numbers of a running sum.
trait Lanes: Copy {
    fn zero() -> Self;
    fn load(from: &Lane) -> Self;
    fn splat(number: f32) -> Self;
    /// `self + a · b`.
    fn plus(self, a: Self, b: Self) -> Self;
    fn to_array(self) -> Lane;
}

impl Lanes for Lane {
    #[inline(always)]
    fn zero() -> Self {
        [0.0; LANES]
    }

    #[inline(always)]
    fn load(from: &Lane) -> Self {
        *from
    }

    #[inline(always)]
    fn splat(number: f32) -> Self {
        [number; LANES]
    }

    #[inline(always)]
    fn plus(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|lane| lanes::mul_add::<PORTABLE_FMA>(a[lane], b[lane], self[lane]))
    }

    #[inline(always)]
    fn to_array(self) -> Lane {
        self
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Lane, Lanes};
    use std::arch::x86_64::*;

    /// Made only below the functions of `blocks` that are compiled for AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(super) struct Vector(__m256);

    impl Lanes for Vector {
        #[inline(always)]
        fn zero() -> Self {
            // SAFETY: AVX is there, or no `Vector` is made.
            Self(unsafe { _mm256_setzero_ps() })
        }

        #[inline(always)]
        fn load(from: &Lane) -> Self {
            // SAFETY: AVX is there, or no `Vector` is made; the pointer is of eight numbers.
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn splat(number: f32) -> Self {
            // SAFETY: AVX is there, or no `Vector` is made.
            Self(unsafe { _mm256_set1_ps(number) })
        }

        #[inline(always)]
        fn plus(self, a: Self, b: Self) -> Self {
            // SAFETY: FMA is there, or no `Vector` is made.
            Self(unsafe { _mm256_fmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn to_array(self) -> Lane {
            let mut numbers = [0.0; super::LANES];
            // SAFETY: AVX is there, or no `Vector` is made; the pointer is of eight numbers.
            unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), self.0) };
            numbers
        }
    }
}

/// Writes the dot products of rows `a_rows` of `a` with rows `b_rows` of `b` to `out` `[A, B]`.
///
/// # Panics
/// Where `width` is no multiple of 16, a row lies outside, or `out` has not one place for each product.
pub fn products(width: usize, a: &[f32], a_rows: &[u32], b: &[f32], b_rows: &[u32], out: &mut [f32]) {
    assert_eq!(width % 16, 0, "whole registers");
    assert_eq!(Some(out.len()), a_rows.len().checked_mul(b_rows.len()), "a place for each product");
    match level() {
        // SAFETY: `level` has found AVX2 and FMA at both levels.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx2_products(width, a, a_rows, b, b_rows, out) },
        Level::Portable => portable_products(width, a, a_rows, b, b_rows, out),
    }
}

/// Rows of a matrix, and how much each of them counts in each of several sums.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// The matrix `[N, W]`.
    pub from: &'a [f32],
    /// Which of its rows.
    pub rows: &'a [u32],
    /// The weights.
    pub weights: &'a [f32],
    /// Where they stand: that of `rows[j]` in sum `i` at `i · steps[0] + j · steps[1]`.
    pub steps: [usize; 2],
}

/// Adds sum `i` of weighted rows to row `to_rows[i]` of `to`, for each `i`.
///
/// # Panics
/// Where `width` is no multiple of 16, or a row or a weight lies outside.
pub fn add_products(width: usize, sums: Weighted<'_>, to: &mut [f32], to_rows: &[u32]) {
    put_products::<true>(width, sums, to, to_rows);
}

/// As [`add_products`], with the sums in the place of what stands in the rows; rows without anything to add become zeros.
///
/// # Panics
/// As [`add_products`].
pub fn set_products(width: usize, sums: Weighted<'_>, to: &mut [f32], to_rows: &[u32]) {
    put_products::<false>(width, sums, to, to_rows);
}

fn put_products<const ADD: bool>(width: usize, sums: Weighted<'_>, to: &mut [f32], to_rows: &[u32]) {
    assert_eq!(width % 16, 0, "whole registers");
    match level() {
        // SAFETY: `level` has found AVX2 and FMA at both levels.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx2_put_products::<ADD>(width, sums, to, to_rows) },
        Level::Portable => portable_put_products::<ADD>(width, sums, to, to_rows),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn avx2_products(
    width: usize,
    a: &[f32],
    a_rows: &[u32],
    b: &[f32],
    b_rows: &[u32],
    out: &mut [f32],
) {
    products_with::<avx2::Vector>(width, a, a_rows, b, b_rows, out);
}

pub(super) fn portable_products(
    width: usize,
    a: &[f32],
    a_rows: &[u32],
    b: &[f32],
    b_rows: &[u32],
    out: &mut [f32],
) {
    products_with::<Lane>(width, a, a_rows, b, b_rows, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn avx2_put_products<const ADD: bool>(
    width: usize,
    sums: Weighted<'_>,
    to: &mut [f32],
    to_rows: &[u32],
) {
    put_products_with::<avx2::Vector, ADD>(width, sums, to, to_rows);
}

pub(super) fn portable_put_products<const ADD: bool>(
    width: usize,
    sums: Weighted<'_>,
    to: &mut [f32],
    to_rows: &[u32],
) {
    put_products_with::<Lane, ADD>(width, sums, to, to_rows);
}

/// A row of `data`, in lanes.
#[inline(always)]
fn lanes_of(data: &[f32], width: usize, row: u32) -> &[Lane] {
    let start = row as usize * width;
    data[start..start + width].as_chunks::<LANES>().0
}

/// The chosen rows of `data`, in lanes.
#[inline(always)]
fn pick<'a, const R: usize>(data: &'a [f32], width: usize, rows: &[u32]) -> [&'a [Lane]; R] {
    std::array::from_fn(|place| lanes_of(data, width, rows[place]))
}

#[inline(always)]
fn reduce(sums: Lane) -> f32 {
    let four: [f32; 4] = std::array::from_fn(|lane| sums[lane] + sums[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
fn products_with<V: Lanes>(
    width: usize,
    a: &[f32],
    a_rows: &[u32],
    b: &[f32],
    b_rows: &[u32],
    out: &mut [f32],
) {
    match (a_rows, b_rows) {
        (_, []) => {}
        (&[row], &[other]) => out[0] = product::<V>(lanes_of(a, width, row), lanes_of(b, width, other)),
        // One row goes with several of the others at once, whichever side it stands on.
        (rows, [other]) => products_of::<V, 1>(width, b, &[*other], a, rows, out),
        (rows, others) => {
            let (pairs, single) = rows.as_chunks::<2>();
            let (out_pairs, out_single) = out.split_at_mut(pairs.len() * 2 * others.len());
            for (rows, out) in pairs.iter().zip(out_pairs.chunks_exact_mut(2 * others.len())) {
                products_of::<V, 2>(width, a, rows, b, others, out);
            }
            for (row, out) in single.iter().zip(out_single.chunks_exact_mut(others.len())) {
                products_of::<V, 1>(width, a, &[*row], b, others, out);
            }
        }
    }
}

/// The product of two rows by themselves.
#[inline(always)]
fn product<V: Lanes>(a: &[Lane], b: &[Lane]) -> f32 {
    const WAYS: usize = 4;
    let mut sums = [V::zero(); WAYS];
    let (a_wide, a_rest) = a.as_chunks::<WAYS>();
    let (b_wide, b_rest) = b.as_chunks::<WAYS>();
    for (a, b) in a_wide.iter().zip(b_wide) {
        for way in 0..WAYS {
            sums[way] = sums[way].plus(V::load(&a[way]), V::load(&b[way]));
        }
    }
    for (way, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[way] = sums[way].plus(V::load(a), V::load(b));
    }
    let ways = sums.map(V::to_array);
    reduce(std::array::from_fn(|lane| (ways[0][lane] + ways[2][lane]) + (ways[1][lane] + ways[3][lane])))
}

/// The products of `A` rows with all of the others.
#[inline(always)]
fn products_of<V: Lanes, const A: usize>(
    width: usize,
    a: &[f32],
    a_rows: &[u32; A],
    b: &[f32],
    b_rows: &[u32],
    out: &mut [f32],
) {
    let (a, count) = (pick::<A>(a, width, a_rows), b_rows.len());
    let mut place = 0;
    while place < count {
        // In parts as even as can be.
        let left = count - place;
        let part = left.div_ceil(left.div_ceil(MOST));
        let (rows, out) = (&b_rows[place..place + part], &mut out[place..]);
        match part {
            6 => block::<V, A, 6>(a, pick(b, width, rows), count, out),
            5 => block::<V, A, 5>(a, pick(b, width, rows), count, out),
            4 => block::<V, A, 4>(a, pick(b, width, rows), count, out),
            3 => block::<V, A, 3>(a, pick(b, width, rows), count, out),
            2 => block::<V, A, 2>(a, pick(b, width, rows), count, out),
            _ => block::<V, A, 1>(a, pick(b, width, rows), count, out),
        }
        place += part;
    }
}

/// The products of `A` rows with `B`, to rows of `count` numbers.
#[inline(always)]
fn block<V: Lanes, const A: usize, const B: usize>(
    a: [&[Lane]; A],
    b: [&[Lane]; B],
    count: usize,
    out: &mut [f32],
) {
    let len = a[0].len();
    let (a, b) = (a.map(|row| &row[..len]), b.map(|row| &row[..len]));
    let mut sums = [[V::zero(); B]; A];
    for chunk in 0..len {
        let numbers: [V; A] = std::array::from_fn(|row| V::load(&a[row][chunk]));
        for other in 0..B {
            let other_numbers = V::load(&b[other][chunk]);
            for row in 0..A {
                sums[row][other] = sums[row][other].plus(numbers[row], other_numbers);
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (place, sum) in sums.into_iter().enumerate() {
            out[row * count + place] = reduce(sum.to_array());
        }
    }
}

#[inline(always)]
fn put_products_with<V: Lanes, const ADD: bool>(
    width: usize,
    sums: Weighted<'_>,
    to: &mut [f32],
    to_rows: &[u32],
) {
    // Fewer rows are more vectors of each at once.
    let (fours, rest) = to_rows.as_chunks::<4>();
    let (twos, ones) = rest.as_chunks::<2>();
    for (part, rows) in fours.iter().enumerate() {
        put_to::<V, ADD, 4, 2>(width, sums.after(4 * part), to, rows);
    }
    for rows in twos {
        put_to::<V, ADD, 2, 4>(width, sums.after(4 * fours.len()), to, rows);
    }
    for rows in ones.as_chunks::<1>().0 {
        put_to::<V, ADD, 1, 8>(width, sums.after(to_rows.len() - 1), to, rows);
    }
}

impl Weighted<'_> {
    /// Without the first `count` sums.
    #[inline(always)]
    fn after(self, count: usize) -> Self {
        Self { weights: self.weights.get(count * self.steps[0]..).unwrap_or_default(), ..self }
    }
}

/// The sums of `R` rows, `W` vectors at once.
#[inline(always)]
fn put_to<V: Lanes, const ADD: bool, const R: usize, const W: usize>(
    width: usize,
    sums: Weighted<'_>,
    to: &mut [f32],
    to_rows: &[u32; R],
) {
    let vectors = width / LANES;
    let whole = vectors / W * W;
    for start in (0..whole).step_by(W) {
        put_part::<V, ADD, R, W>(width, start * LANES, sums, to, to_rows);
    }
    for start in (whole..vectors).step_by(2) {
        put_part::<V, ADD, R, 2>(width, start * LANES, sums, to, to_rows);
    }
}

/// `W` vectors from number `start` of the sums of `R` rows, which stay in registers while the weighted rows go by.
#[inline(always)]
fn put_part<V: Lanes, const ADD: bool, const R: usize, const W: usize>(
    width: usize,
    start: usize,
    Weighted { from, rows, weights, steps }: Weighted<'_>,
    to: &mut [f32],
    to_rows: &[u32; R],
) {
    let mut sums = [[V::zero(); W]; R];
    for (other, &row) in rows.iter().enumerate() {
        let at = row as usize * width + start;
        let numbers = from[at..at + W * LANES].as_chunks::<LANES>().0;
        let vectors: [V; W] = std::array::from_fn(|place| V::load(&numbers[place]));
        for place in 0..R {
            let weight = V::splat(weights[place * steps[0] + other * steps[1]]);
            for vector in 0..W {
                sums[place][vector] = sums[place][vector].plus(weight, vectors[vector]);
            }
        }
    }
    for (sums, &row) in sums.into_iter().zip(to_rows) {
        let at = row as usize * width + start;
        for (to, sum) in to[at..at + W * LANES].as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
            let sum = sum.to_array();
            *to = if ADD { std::array::from_fn(|lane| to[lane] + sum[lane]) } else { sum };
        }
    }
}
