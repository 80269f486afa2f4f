//! Products and distances of vectors of bytes, summed exactly in whole numbers.

use super::{Level, level};

/// The dot product of two vectors of bytes.
///
/// ```
/// assert_eq!(seoro_core::kernel::dot_i8(&[1, -2], &[3, 4]), -5);
/// ```
///
/// # Panics
/// Where the lengths differ.
///
/// `b` must hold no −128, or the sum is wrong; 2¹⁷ numbers cannot overflow it.
#[inline]
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    assert_eq!(a.len(), b.len(), "slices of one length");
    match level() {
        // SAFETY: `level` has found AVX2 at both levels.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx2_dot(a, b) },
        Level::Portable => portable_dot(a, b),
    }
}

/// The squared Euclidean distance of two vectors of bytes.
///
/// ```
/// assert_eq!(seoro_core::kernel::squared_l2_i8(&[1, -2], &[3, 4]), 40);
/// ```
///
/// # Panics
/// Where the lengths differ.
///
/// 2¹⁵ numbers cannot overflow the sum.
#[inline]
pub fn squared_l2_i8(a: &[i8], b: &[i8]) -> i32 {
    assert_eq!(a.len(), b.len(), "slices of one length");
    match level() {
        // SAFETY: `level` has found AVX2 at both levels.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx2_squared_l2(a, b) },
        Level::Portable => portable_squared_l2(a, b),
    }
}

fn portable_dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

fn portable_squared_l2(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| (i32::from(a) - i32::from(b)).pow(2)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_dot(a: &[i8], b: &[i8]) -> i32 {
    use std::arch::x86_64::*;
    let (a_wide, a_rest) = a.as_chunks::<32>();
    let (b_wide, b_rest) = b.as_chunks::<32>();
    let ones = _mm256_set1_epi16(1);
    let mut sums = _mm256_setzero_si256();
    for (a, b) in a_wide.iter().zip(b_wide) {
        // SAFETY: both chunks are of 32 bytes.
        let (a, b) =
            unsafe { (_mm256_loadu_si256(a.as_ptr().cast()), _mm256_loadu_si256(b.as_ptr().cast())) };
        // Unsigned times signed is the product there is: the sign moves to the other side. Two products of at most
        // 128 · 127 fit 16 bits.
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, ones));
    }
    total(sums) + portable_dot(a_rest, b_rest)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_squared_l2(a: &[i8], b: &[i8]) -> i32 {
    use std::arch::x86_64::*;
    let (a_wide, a_rest) = a.as_chunks::<16>();
    let (b_wide, b_rest) = b.as_chunks::<16>();
    let mut sums = _mm256_setzero_si256();
    for (a, b) in a_wide.iter().zip(b_wide) {
        // SAFETY: both chunks are of 16 bytes.
        let (a, b) = unsafe { (_mm_loadu_si128(a.as_ptr().cast()), _mm_loadu_si128(b.as_ptr().cast())) };
        let apart = _mm256_sub_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(apart, apart));
    }
    total(sums) + portable_squared_l2(a_rest, b_rest)
}

/// The sum of eight whole numbers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn total(sums: std::arch::x86_64::__m256i) -> i32 {
    use std::arch::x86_64::*;
    let four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn every_level_gives_the_same_whole_number() {
        let mut rng = Seed::new(3).child("bytes").rng();
        let mut bytes = |len| -> Vec<i8> { (0..len).map(|_| (rng.below(255) as i32 - 127) as i8).collect() };
        let lens = if cfg!(miri) { 90 } else { 300 };
        for len in 0..lens {
            let (mut a, mut b) = (bytes(len), bytes(len));
            for extreme in [None, Some((127, -127)), Some((-128, 127)), Some((127, 127))] {
                if let Some((left, right)) = extreme {
                    a.fill(left);
                    b.fill(right);
                }
                assert_eq!(dot_i8(&a, &b), portable_dot(&a, &b), "length {len}");
                assert_eq!(squared_l2_i8(&a, &b), portable_squared_l2(&a, &b), "length {len}");
            }
        }
    }
}
