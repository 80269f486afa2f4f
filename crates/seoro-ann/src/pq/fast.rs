//! Codes of 4 bits: their blocks, and tables of 8 bits.

use super::quantiser::Quantiser;
use seoro_core::kernel::{self, SCAN_BLOCK};

/// The bytes of a block: 32 vectors, 16 bytes for each part, parts in pairs.
pub(super) fn block_bytes(parts: usize) -> usize {
    parts.div_ceil(2) * SCAN_BLOCK
}

/// Puts the code `word` of a part of the vector `place` into its block among `codes`.
pub(super) fn put(codes: &mut [u8], parts: usize, place: usize, part: usize, word: u8) {
    let (byte, high) = at(parts, place, part);
    codes[byte] |= if high { word << 4 } else { word };
}

/// The code of a part of the vector `place`.
pub(super) fn get(codes: &[u8], parts: usize, place: usize, part: usize) -> u8 {
    let (byte, high) = at(parts, place, part);
    if high { codes[byte] >> 4 } else { codes[byte] & 15 }
}

/// The byte of a code, and whether it is in its high half.
fn at(parts: usize, place: usize, part: usize) -> (usize, bool) {
    let block = place / SCAN_BLOCK * block_bytes(parts);
    (block + part * 16 + place % 16, place % SCAN_BLOCK >= 16)
}

/// How the sums of a query's tables become products: `product = base + scale · sum`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scale {
    pub(super) base: f32,
    pub(super) scale: f32,
}

/// Rounds a query's products with all words `[parts, 16]` to 8 bits, in `[parts in pairs, 16]`: each part's smallest is 0,
/// and one step is the same in all, such that the widest part's largest is 255 and no sum exceeds 16 bits.
pub(super) fn round(products: &[f32], quantiser: &Quantiser, bytes: &mut [u8]) -> Scale {
    bytes.fill(0);
    let (parts, _) = products.as_chunks::<16>();
    debug_assert_eq!(parts.len(), quantiser.parts());
    // What is not a number, as a damaged word makes it, is passed over.
    let lower = |a: f32, b: f32| if b < a || a.is_nan() { b } else { a };
    let higher = |a: f32, b: f32| if b > a || a.is_nan() { b } else { a };
    let (mut widest, mut all, mut base) = (0.0f32, 0.0, 0.0);
    for part in parts {
        let least = fold(part, lower);
        let width = fold(part, higher) - least;
        (widest, all, base) = (widest.max(width), all + width, base + least);
    }
    // Half a step a part may be rounded up.
    let room = (f32::from(u16::MAX) - 0.5 * parts.len() as f32).max(1.0);
    let scale = (widest / 255.0).max(all / room);
    if !(scale > 0.0 && scale.is_finite()) {
        return Scale { base, scale: 0.0 };
    }
    let by = 1.0 / scale;
    for (part, bytes) in parts.iter().zip(bytes.as_chunks_mut::<16>().0) {
        let least = fold(part, lower);
        let steps = part.map(|product| ((product - least) * by + 0.5).clamp(0.0, 255.0) as i32);
        *bytes = steps.map(|step| step as u8);
    }
    Scale { base, scale }
}

/// Folds halves onto each other, which vector instructions can.
#[inline(always)]
fn fold(part: &[f32; 16], by: impl Fn(f32, f32) -> f32) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|lane| by(part[lane], part[lane + 8]));
    let four: [f32; 4] = std::array::from_fn(|lane| by(eight[lane], eight[lane + 4]));
    by(by(four[0], four[2]), by(four[1], four[3]))
}

/// Writes the products of the first `count` vectors of some blocks, less `½‖x̂‖²` where there are any.
pub(super) fn scan(
    tables: &[u8],
    codes: &[u8],
    scale: Scale,
    count: usize,
    half_norms: &[f32],
    sums: &mut Vec<u16>,
    out: &mut Vec<f32>,
) {
    sums.resize(count.next_multiple_of(SCAN_BLOCK), 0);
    kernel::scan4(tables, codes, sums);
    out.resize(count, 0.0);
    kernel::scale_sums(&sums[..count], scale.scale, scale.base, half_norms, out);
}
