//! The 4-bit scan: sums of 8-bit numbers looked up by 4-bit codes, 32 vectors at a time, tables in registers.
//!
//! F. André, A.-M. Kermarrec, N. Le Scouarnec: Quicker ADC, 2018 (arXiv 1812.09162), in the layout of faiss: a block holds
//! 32 vectors; for each pair of parts it has 32 bytes, 16 for either part, and byte `j` holds the code of vector `j` in its
//! low half and that of vector `j + 16` in its high half. One shuffle then looks up 16 vectors in the tables of two parts.

/// Vectors of a block.
pub const BLOCK: usize = 32;

/// Writes `Σ tables[part][code]` of each vector to `out` `[blocks, 32]`, for `codes` `[blocks, pairs, 32]` (see the module's
/// layout) and `tables` `[pairs, 2, 16]`; sums wrap at 65,536, which those of at most 256 parts never reach.
///
/// # Panics
/// Where the lengths do not fit.
pub fn scan4(tables: &[u8], codes: &[u8], out: &mut [u16]) {
    let (pairs, rest) = tables.as_chunks::<BLOCK>();
    assert!(rest.is_empty(), "tables of 16 numbers for pairs of parts");
    let blocks = out.len() / BLOCK;
    assert_eq!(out.len() % BLOCK, 0, "blocks of 32 sums");
    assert_eq!(Some(codes.len()), blocks.checked_mul(tables.len()), "32 bytes for each block and pair");
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if super::level() != super::Level::Portable {
        // SAFETY: levels above the portable one have AVX2.
        return unsafe { avx2(pairs, codes, out) };
    }
    portable(pairs, codes, out);
}

pub(super) fn portable(tables: &[[u8; BLOCK]], codes: &[u8], out: &mut [u16]) {
    let (out, _) = out.as_chunks_mut::<BLOCK>();
    let (codes, _) = codes.as_chunks::<BLOCK>();
    if tables.is_empty() {
        return out.as_flattened_mut().fill(0);
    }
    for (codes, sums) in codes.chunks_exact(tables.len()).zip(out) {
        sums.fill(0);
        for (codes, table) in codes.iter().zip(tables) {
            for (byte, &code) in codes.iter().enumerate() {
                let (table, vector) = (&table[byte / 16 * 16..][..16], byte % 16);
                sums[vector] = sums[vector].wrapping_add(u16::from(table[usize::from(code & 15)]));
                sums[vector + 16] = sums[vector + 16].wrapping_add(u16::from(table[usize::from(code >> 4)]));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) fn avx2(tables: &[[u8; BLOCK]], codes: &[u8], out: &mut [u16]) {
    use std::arch::x86_64::*;
    let (out, _) = out.as_chunks_mut::<BLOCK>();
    let (codes, _) = codes.as_chunks::<BLOCK>();
    if tables.is_empty() {
        return out.as_flattened_mut().fill(0);
    }
    let low = _mm256_set1_epi8(15);
    for (codes, sums) in codes.chunks_exact(tables.len()).zip(out) {
        // Sums of whole 16 bits, the odd bytes' included, and of the odd bytes; for vectors below 16 and from there on.
        let mut both = [_mm256_setzero_si256(); 2];
        let mut odd = both;
        for (codes, table) in codes.iter().zip(tables) {
            // SAFETY: both arrays hold the 32 bytes read.
            let (codes, table) = unsafe {
                (_mm256_loadu_si256(codes.as_ptr().cast()), _mm256_loadu_si256(table.as_ptr().cast()))
            };
            let halves = [_mm256_and_si256(codes, low), _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low)];
            for half in 0..2 {
                let found = _mm256_shuffle_epi8(table, halves[half]);
                both[half] = _mm256_add_epi16(both[half], found);
                odd[half] = _mm256_add_epi16(odd[half], _mm256_srli_epi16::<8>(found));
            }
        }
        for half in 0..2 {
            let even = _mm256_sub_epi16(both[half], _mm256_slli_epi16::<8>(odd[half]));
            // The two parts of a pair are the two halves of a register.
            let two = |sums| _mm_add_epi16(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let (even, odd) = (two(even), two(odd[half]));
            let sums = sums[half * 16..].as_mut_ptr().cast::<__m128i>();
            // SAFETY: 16 sums are left from here on, of which either store writes eight.
            unsafe {
                _mm_storeu_si128(sums, _mm_unpacklo_epi16(even, odd));
                _mm_storeu_si128(sums.add(1), _mm_unpackhi_epi16(even, odd));
            }
        }
    }
}
