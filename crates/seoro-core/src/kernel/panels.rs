//! Products and distances of many vectors of bytes with many, summed exactly in whole numbers.
//!
//! Queries stand in panels of 16, widened to 16 bits, two numbers of each beside each other: one multiply-add of pairs
//! takes two numbers of eight queries. A block of rows is widened once for all panels, and each panel's sums with it stay
//! in registers, so that a number is loaded once for many products.

#[cfg(target_arch = "x86_64")]
use super::{Level, level};

/// Queries of a panel.
const PANEL: usize = 16;

/// Rows whose sums with a panel fill the registers.
const ROWS: usize = 6;

/// Numbers beside each other, for one multiply-add.
const PAIR: usize = 2;

/// Pairs of a panel's 16 queries.
type Step = [i16; PANEL * PAIR];

/// Vectors of bytes, widened and in panels.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    width: usize,
    count: usize,
    /// `[⌈Q/16⌉, D/2]`; zeros where there is no query.
    steps: Vec<Step>,
    /// `‖q‖²`, `[Q]`.
    squares: Vec<i32>,
}

impl Panels {
    /// Takes queries of `width` bytes in the place of those before.
    ///
    /// # Panics
    /// Where `width` is odd, or a query has another.
    pub fn fill<'a>(&mut self, width: usize, queries: impl IntoIterator<Item = &'a [i8]>) {
        assert_eq!(width % PAIR, 0, "whole pairs of bytes");
        (self.width, self.count) = (width, 0);
        self.steps.clear();
        self.squares.clear();
        let mut queries = queries.into_iter();
        loop {
            let mut panel: [&[[i8; PAIR]]; PANEL] = [&[]; PANEL];
            let mut filled = 0;
            for (place, query) in panel.iter_mut().zip(queries.by_ref()) {
                assert_eq!(query.len(), width, "queries of one width");
                self.squares.push(square(query.iter().map(|&byte| i16::from(byte))));
                (*place, filled) = (query.as_chunks().0, filled + 1);
            }
            if filled == 0 {
                return;
            }
            self.count += filled;
            // Step by step, so that what is written is written once, in order.
            self.steps.extend((0..width / PAIR).map(|pair| {
                let mut step = [0; PANEL * PAIR];
                for (out, query) in step.as_chunks_mut::<PAIR>().0.iter_mut().zip(&panel[..filled]) {
                    *out = query[pair].map(i16::from);
                }
                step
            }));
        }
    }

    /// How many queries there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes the dot products of each query with `rows` `[R, D]` to `out` `[Q, R]`; fewer than 2¹⁷ numbers cannot
    /// overflow one.
    ///
    /// ```
    /// let mut queries = seoro_core::kernel::Panels::default();
    /// queries.fill(2, [[1, 2].as_slice(), &[3, 4]].into_iter());
    /// let mut out = [0; 2];
    /// queries.dot(&[-1, 1], &mut out);
    /// assert_eq!(out, [1, 1]);
    /// ```
    ///
    /// # Panics
    /// Where `rows` and `out` are not of one number of rows.
    pub fn dot(&self, rows: &[i8], out: &mut [i32]) {
        self.sums::<false>(rows, out);
    }

    /// The same for squared Euclidean distances; 2¹⁵ numbers cannot overflow one.
    ///
    /// # Panics
    /// As [`Panels::dot`].
    pub fn squared_l2(&self, rows: &[i8], out: &mut [i32]) {
        self.sums::<true>(rows, out);
    }

    fn sums<const L2: bool>(&self, rows: &[i8], out: &mut [i32]) {
        let of = out.len().checked_div(self.count).unwrap_or(0);
        assert_eq!(out.len(), of * self.count, "as many sums for each query");
        if self.count == 0 {
            return;
        }
        assert_eq!(Some(rows.len()), of.checked_mul(self.width), "a row for each sum of a query");
        if self.width == 0 {
            return out.fill(0);
        }
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if level() != Level::Portable {
            // SAFETY: levels above the portable one have AVX2.
            return unsafe { self.avx2::<L2>(rows, of, out) };
        }
        self.blocks::<L2>(rows, of, out, portable);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn avx2<const L2: bool>(&self, rows: &[i8], of: usize, out: &mut [i32]) {
        self.blocks::<L2>(rows, of, out, |steps, block| avx2(steps, block));
    }

    /// Goes over `of` rows in blocks, and for each block over the panels; `multiply` gives the sums of a panel with a block.
    #[inline(always)]
    fn blocks<const L2: bool>(
        &self,
        rows: &[i8],
        of: usize,
        out: &mut [i32],
        multiply: impl Fn(&[Step], &[[i16; PAIR]]) -> [[i32; PANEL]; ROWS],
    ) {
        let pairs = self.width / PAIR;
        // Rows that a last block lacks stay zeros or what they were: no one reads their sums.
        let mut block = vec![[0i16; PAIR]; ROWS * pairs];
        for (first, rows) in rows.chunks(ROWS * self.width).enumerate() {
            let first = first * ROWS;
            let mut squares = [0; ROWS];
            for ((row, wide), square) in
                rows.chunks_exact(self.width).zip(block.chunks_exact_mut(pairs)).zip(&mut squares)
            {
                let wide = wide.as_flattened_mut();
                wide.iter_mut().zip(row).for_each(|(wide, &byte)| *wide = i16::from(byte));
                if L2 {
                    *square = self::square(wide.iter().copied());
                }
            }
            let count = rows.len() / self.width;
            for (panel, steps) in self.steps.chunks_exact(pairs).enumerate() {
                let sums = multiply(steps, &block);
                let queries = panel * PANEL..self.count.min((panel + 1) * PANEL);
                for (lane, query) in queries.enumerate() {
                    let out = &mut out[query * of + first..][..count];
                    for ((out, sums), square) in out.iter_mut().zip(&sums).zip(squares) {
                        *out = match L2 {
                            true => self.squares[query]
                                .wrapping_add(square)
                                .wrapping_sub(sums[lane].wrapping_mul(2)),
                            false => sums[lane],
                        };
                    }
                }
            }
        }
    }
}

/// `‖x‖²`, which wraps where a dot product needs it not.
#[inline(always)]
fn square(numbers: impl Iterator<Item = i16>) -> i32 {
    numbers.fold(0, |sum: i32, x| sum.wrapping_add(i32::from(x) * i32::from(x)))
}

#[inline(always)]
fn portable(steps: &[Step], block: &[[i16; PAIR]]) -> [[i32; PANEL]; ROWS] {
    let mut sums = [[0; PANEL]; ROWS];
    for (row, sums) in block.chunks_exact(steps.len()).zip(&mut sums) {
        for (step, pair) in steps.iter().zip(row) {
            let (queries, _) = step.as_chunks::<PAIR>();
            for (sum, query) in sums.iter_mut().zip(queries) {
                *sum += i32::from(query[0]) * i32::from(pair[0]) + i32::from(query[1]) * i32::from(pair[1]);
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn avx2(steps: &[Step], block: &[[i16; PAIR]]) -> [[i32; PANEL]; ROWS] {
    use std::arch::x86_64::*;
    let pairs = steps.len();
    assert_eq!(block.len(), ROWS * pairs, "a block of whole rows");
    let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
    for (at, step) in steps.iter().enumerate() {
        // SAFETY: a step is of twice 32 bytes.
        let queries = unsafe {
            let step = step.as_ptr().cast::<__m256i>();
            [_mm256_loadu_si256(step), _mm256_loadu_si256(step.add(1))]
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the block holds `ROWS` rows of `pairs` pairs, as checked above, and a pair is of 32 bits.
            let pair = unsafe { block.as_ptr().add(row * pairs + at).cast::<i32>().read_unaligned() };
            let pair = _mm256_set1_epi32(pair);
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(queries[0], pair));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(queries[1], pair));
        }
    }
    let mut out = [[0; PANEL]; ROWS];
    for (out, sums) in out.iter_mut().zip(sums) {
        // SAFETY: sixteen sums are twice 32 bytes.
        unsafe {
            let out = out.as_mut_ptr().cast::<__m256i>();
            _mm256_storeu_si256(out, sums[0]);
            _mm256_storeu_si256(out.add(1), sums[1]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn every_level_gives_the_sums_of_the_definition() {
        let mut rng = Seed::new(5).child("panels").rng();
        let mut queries = Panels::default();
        let widths: &[usize] = if cfg!(miri) { &[0, 4] } else { &[0, 2, 8, 32, 98, 300] };
        for &width in widths {
            for (count, of) in [(0, 3), (1, 1), (15, 6), (16, 7), (17, 0), (40, 23)] {
                let mut bytes = |len| -> Vec<i8> { (0..len).map(|_| rng.below(256) as u8 as i8).collect() };
                let (mut left, right) = (bytes(count * width), bytes(of * width));
                left.iter_mut().step_by(5).for_each(|byte| *byte = -128);
                let row = |bytes: &'_ [i8], at: usize| bytes[at * width..(at + 1) * width].to_vec();
                let rows: Vec<Vec<i8>> = (0..count).map(|at| row(&left, at)).collect();
                queries.fill(width, rows.iter().map(Vec::as_slice));
                assert_eq!((queries.len(), queries.is_empty()), (count, count == 0));
                let products = |at: usize, other: usize, f: fn(i32, i32) -> i32| -> i32 {
                    let (a, b) = (row(&left, at), row(&right, other));
                    a.iter().zip(&b).map(|(&a, &b)| f(i32::from(a), i32::from(b))).sum()
                };
                let all = |f| -> Vec<i32> {
                    (0..count * of).map(|place| products(place / of, place % of, f)).collect()
                };
                let (dots, squares) = (all(|a, b| a * b), all(|a, b| (a - b).pow(2)));
                let mut out = vec![7; count * of];
                queries.dot(&right, &mut out);
                assert_eq!(out, dots, "{count} × {of} of {width}");
                queries.squared_l2(&right, &mut out);
                assert_eq!(out, squares, "{count} × {of} of {width}");
                if width > 0 {
                    out.fill(7);
                    queries.blocks::<true>(&right, of, &mut out, portable);
                    assert_eq!(out, squares, "portable, {count} × {of} of {width}");
                }
            }
        }
    }
}
