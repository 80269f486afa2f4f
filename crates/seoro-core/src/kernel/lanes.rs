//! The one body of each kernel: arrays of running sums that the compiler turns into the vectors of each level.
//!
//! `FMA` says whether multiply-add is fused (rounded once). The order of additions is the same at every level.

pub(super) use super::named::{dot_named, weighted_rows};
pub(super) use super::optimize::{adagrad, adam, adam_rest};

/// Running sums of the main loop: enough to hide the latency of multiply-add at every level.
pub(super) const WIDE: usize = 64;
/// Running sums of what the main loop leaves.
const NARROW: usize = 16;

#[inline(always)]
pub(super) fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `Σ f(a, b)`, where `step(a, b, sum)` adds one term to a running sum.
#[inline(always)]
fn fold<B: Copy>(a: &[f32], b: &[B], step: impl Fn(f32, B, f32) -> f32) -> f32 {
    let mut sums = [0f32; WIDE];
    let (a_wide, a_rest) = a.as_chunks::<WIDE>();
    let (b_wide, b_rest) = b.as_chunks::<WIDE>();
    for (a, b) in a_wide.iter().zip(b_wide) {
        for lane in 0..WIDE {
            sums[lane] = step(a[lane], b[lane], sums[lane]);
        }
    }
    finish(sums, a_rest, b_rest, step)
}

/// The sum of the main loop's running sums and of what it leaves.
#[inline(always)]
fn finish<B: Copy>(sums: [f32; WIDE], a: &[f32], b: &[B], step: impl Fn(f32, B, f32) -> f32) -> f32 {
    let mut narrow: [f32; NARROW] = halve(sums);
    let (a_narrow, a_rest) = a.as_chunks::<NARROW>();
    let (b_narrow, b_rest) = b.as_chunks::<NARROW>();
    for (a, b) in a_narrow.iter().zip(b_narrow) {
        for lane in 0..NARROW {
            narrow[lane] = step(a[lane], b[lane], narrow[lane]);
        }
    }
    let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (&a, &b)| step(a, b, sum));
    reduce(narrow) + rest
}

#[inline(always)]
fn halve(sums: [f32; WIDE]) -> [f32; NARROW] {
    std::array::from_fn(|lane| (sums[lane] + sums[lane + 32]) + (sums[lane + 16] + sums[lane + 48]))
}

#[inline(always)]
fn reduce(sums: [f32; NARROW]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|lane| sums[lane] + sums[lane + 8]);
    let four: [f32; 4] = std::array::from_fn(|lane| eight[lane] + eight[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
pub(super) fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, mul_add::<FMA>)
}

#[inline(always)]
pub(super) fn squared_l2<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, |a, b, sum| mul_add::<FMA>(a - b, a - b, sum))
}

/// A number of 16 bits, bfloat16, in 32.
#[inline(always)]
pub fn widen(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

#[inline(always)]
pub(super) fn dot_bf16<const FMA: bool>(a: &[f32], b: &[u16]) -> f32 {
    fold(a, b, |a, b, sum| mul_add::<FMA>(a, widen(b), sum))
}

#[inline(always)]
pub(super) fn squared_l2_bf16<const FMA: bool>(a: &[f32], b: &[u16]) -> f32 {
    fold(a, b, |a, b, sum| mul_add::<FMA>(a - widen(b), a - widen(b), sum))
}

/// Chunks of the main loop between two looks at the sum: fewer looks cost less, more stop earlier.
const STRETCH: usize = 2;

#[inline(always)]
pub(super) fn squared_l2_within<const FMA: bool>(a: &[f32], b: &[f32], limit: f32) -> f32 {
    let step = |a: f32, b: f32, sum: f32| mul_add::<FMA>(a - b, a - b, sum);
    let mut sums = [0f32; WIDE];
    let (a_wide, a_rest) = a.as_chunks::<WIDE>();
    let (b_wide, b_rest) = b.as_chunks::<WIDE>();
    for (a, b) in a_wide.chunks(STRETCH).zip(b_wide.chunks(STRETCH)) {
        for (a, b) in a.iter().zip(b) {
            for lane in 0..WIDE {
                sums[lane] = step(a[lane], b[lane], sums[lane]);
            }
        }
        let so_far = reduce(halve(sums));
        if so_far > limit {
            return so_far;
        }
    }
    finish(sums, a_rest, b_rest, step)
}

#[inline(always)]
pub(super) fn sum<const FMA: bool>(x: &[f32]) -> f32 {
    fold(x, x, |x, _, sum| sum + x)
}

#[inline(always)]
pub(super) fn axpy<const FMA: bool>(alpha: f32, x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = mul_add::<FMA>(alpha, x, *y);
    }
}

#[inline(always)]
pub(super) fn attract<const FMA: bool>(keep: f32, by: f32, x: &mut [f32], y: &mut [f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        let (a, b) = (*x, *y);
        *x = mul_add::<FMA>(by, b, keep * a);
        *y = mul_add::<FMA>(by, a, keep * b);
    }
}

#[inline(always)]
pub(super) fn attract_repel<const FMA: bool>(
    keep: f32,
    by: f32,
    x: &mut [f32],
    y: &mut [f32],
    z: &mut [f32],
) {
    for ((x, y), z) in x.iter_mut().zip(y).zip(z) {
        let (a, b, c) = (*x, *y, *z);
        *x = mul_add::<FMA>(by, b - c, keep * a);
        *y = mul_add::<FMA>(by, a, keep * b);
        *z = mul_add::<FMA>(-by, a, keep * c);
    }
}

#[inline(always)]
pub(super) fn dot_rows<const FMA: bool>(query: &[f32], rows: &[f32], out: &mut [f32]) {
    if query.is_empty() {
        return out.fill(0.0);
    }
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        *out = dot::<FMA>(query, row);
    }
}

#[inline(always)]
pub(super) fn argmax_less<const FMA: bool>(scores: &[f32], less: &[f32]) -> usize {
    let (mut best, mut at) = ([f32::NEG_INFINITY; NARROW], [0u32; NARROW]);
    let (scores_narrow, scores_rest) = scores.as_chunks::<NARROW>();
    let (less_narrow, less_rest) = less.as_chunks::<NARROW>();
    for (chunk, (scores, less)) in scores_narrow.iter().zip(less_narrow).enumerate() {
        for lane in 0..NARROW {
            let score = scores[lane] - less[lane];
            let is_above = score > best[lane];
            best[lane] = if is_above { score } else { best[lane] };
            at[lane] = if is_above { chunk as u32 } else { at[lane] };
        }
    }
    let of_lane = |lane: usize| (best[lane], at[lane] as usize * NARROW + lane);
    let start = scores_narrow.len() * NARROW;
    let rest = scores_rest.iter().zip(less_rest).enumerate();
    let rest = rest.map(|(place, (score, less))| (score - less, start + place));
    let candidates = (0..NARROW).map(of_lane).chain(rest);
    let first = (f32::NEG_INFINITY, 0);
    candidates
        .fold(first, |kept, next| {
            let is_better = next.0 > kept.0 || (next.0 == kept.0 && next.0 > first.0 && next.1 < kept.1);
            if is_better { next } else { kept }
        })
        .1
}

#[inline(always)]
pub(super) fn nearest_column<const FMA: bool>(point: &[f32], columns: &[f32], less: &[f32]) -> usize {
    let wide = less.len() / WIDE * WIDE;
    let first = nearest_from::<FMA, WIDE>(point, columns, less, 0, wide, (f32::NEG_INFINITY, 0));
    nearest_from::<FMA, NARROW>(point, columns, less, wide, less.len(), first).1
}

/// The better of `first` and the best of some columns, `LANES` at a time.
#[inline(always)]
fn nearest_from<const FMA: bool, const LANES: usize>(
    point: &[f32],
    columns: &[f32],
    less: &[f32],
    start: usize,
    end: usize,
    first: (f32, usize),
) -> (f32, usize) {
    let (mut best, mut at) = ([f32::NEG_INFINITY; LANES], [0u32; LANES]);
    for column in (start..end).step_by(LANES) {
        let mut sums = [0f32; LANES];
        for (row, &number) in point.iter().enumerate() {
            let row = &columns[row * less.len() + column..][..LANES];
            for lane in 0..LANES {
                sums[lane] = mul_add::<FMA>(number, row[lane], sums[lane]);
            }
        }
        let less = &less[column..][..LANES];
        for lane in 0..LANES {
            let score = sums[lane] - less[lane];
            let is_above = score > best[lane];
            best[lane] = if is_above { score } else { best[lane] };
            at[lane] = if is_above { column as u32 } else { at[lane] };
        }
    }
    let of_lane = |lane: usize| (best[lane], at[lane] as usize + lane);
    (0..LANES).map(of_lane).fold(first, |kept, next| {
        let is_first = next.0 == kept.0 && next.0 > f32::NEG_INFINITY && next.1 < kept.1;
        if next.0 > kept.0 || is_first { next } else { kept }
    })
}

#[inline(always)]
pub(super) fn scale_sums<const FMA: bool>(
    sums: &[u16],
    scale: f32,
    base: f32,
    less: &[f32],
    out: &mut [f32],
) {
    for (out, &sum) in out.iter_mut().zip(sums) {
        *out = mul_add::<FMA>(f32::from(sum), scale, base);
    }
    for (out, less) in out.iter_mut().zip(less) {
        *out -= less;
    }
}

#[inline(always)]
pub(super) fn exp<const FMA: bool>(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = exp_one::<FMA>(*x));
}

#[inline(always)]
pub(super) fn sigmoid_all<const FMA: bool>(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = sigmoid_one::<FMA>(*x));
}

/// `1 / (1 + exp(−x))`, within 4 units in the last place; 0 below −87.4.
///
/// ```
/// assert_eq!(seoro_core::kernel::sigmoid(0.0), 0.5);
/// ```
#[inline]
pub fn sigmoid(x: f32) -> f32 {
    sigmoid_one::<{ super::PORTABLE_FMA }>(x)
}

/// `ln(sigmoid(x)) = min(x, 0) − ln(1 + exp(−|x|))`, within 4 units in the last place, without overflow on either side.
#[inline]
pub fn log_sigmoid(x: f32) -> f32 {
    x.min(0.0) - exp_one::<{ super::PORTABLE_FMA }>(-x.abs()).ln_1p()
}

#[inline(always)]
fn sigmoid_one<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp_one::<FMA>(-x))
}

/// `ln 2^-126`, the smallest normal number: below it the exponential is 0.
const LOWEST: f32 = -87.336_54;
/// `ln` of the largest finite number: above it the exponential is infinite.
const HIGHEST: f32 = 88.722_84;

/// `exp x = 2^n · exp r` with `n` the whole number nearest to `x / ln 2` and `|r| ≤ ln 2 / 2`; the polynomial for
/// `exp r` is that of Cephes' `expf` (Moshier 1992).
#[inline(always)]
fn exp_one<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5·2^23 rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = mul_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<FMA>(n, 2.121_944_4e-4, mul_add::<FMA>(n, -0.693_359_4, x));
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = mul_add::<FMA>(p, r, coefficient);
    }
    let p = mul_add::<FMA>(p, r * r, r) + 1.0;
    let scaled = f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23));
    let high = if x > HIGHEST { f32::INFINITY } else { scaled };
    let low = if x < LOWEST { 0.0 } else { high };
    if x.is_nan() { x } else { low }
}
