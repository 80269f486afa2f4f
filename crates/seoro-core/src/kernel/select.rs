//! The best `k` of many scores: a scan that compares a vector of scores with the worst one kept.

use super::{Level, level};
use crate::{ItemId, Scored};

/// The `k` best of `scores`, best first, equal scores in the order of their places.
///
/// ```
/// use seoro_core::kernel::top_k;
/// let best = top_k(&[0.5, 2.0, 1.0, 2.0], 2)?;
/// assert_eq!(best.iter().map(|scored| scored.item.0).collect::<Vec<_>>(), [1, 3]);
/// # Ok::<(), seoro_core::ItemId>(())
/// ```
///
/// # Errors
/// The first place that holds NaN.
pub fn top_k(scores: &[f32], k: usize) -> Result<Vec<Scored>, ItemId> {
    let mut list = Vec::with_capacity(k.min(scores.len()));
    select(&mut list, k, 0, scores, &[])?;
    Ok(list)
}

/// Merges the scores of the items from `first` on into `list`, the `k` best so far and best first, without the items in
/// `hidden` (which rises). Items must be offered in rising order, so that equal scores stay in it.
///
/// # Errors
/// The first item offered, and not hidden, whose score is NaN.
pub fn select(
    list: &mut Vec<Scored>,
    k: usize,
    first: u32,
    scores: &[f32],
    hidden: &[ItemId],
) -> Result<(), ItemId> {
    let mut next = 0;
    while next < scores.len() {
        if list.len() == k {
            let worst = list.last().map_or(f32::INFINITY, |scored| scored.score);
            next += first_above(&scores[next..], worst);
            if next == scores.len() {
                break;
            }
        }
        let (item, score) = (ItemId(first + next as u32), scores[next]);
        next += 1;
        if hidden.binary_search(&item).is_ok() {
            continue;
        }
        if score.is_nan() {
            return Err(item);
        }
        if list.len() == k {
            list.pop();
        }
        let place = list.partition_point(|other| other.score >= score);
        list.insert(place, Scored { item, score });
    }
    Ok(())
}

/// The place of the first score that is above `threshold` or NaN; the length where there is none.
#[inline]
pub fn first_above(scores: &[f32], threshold: f32) -> usize {
    match level() {
        // SAFETY: `level` has found AVX-512F.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512_first_above(scores, threshold) },
        // SAFETY: `level` has found AVX2.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2_first_above(scores, threshold) },
        Level::Portable => portable_first_above(scores, threshold),
    }
}

#[cfg(test)]
type Scan = unsafe fn(&[f32], f32) -> usize;

/// The scans that this machine can run, for the tests.
#[cfg(test)]
pub(super) fn scans() -> Vec<(&'static str, Scan)> {
    let mut scans: Vec<(&'static str, Scan)> = vec![("portable", portable_first_above)];
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            scans.push(("avx2", avx2_first_above));
        }
        if std::arch::is_x86_feature_detected!("avx512f") {
            scans.push(("avx512", avx512_first_above));
        }
    }
    scans
}

#[inline]
fn is_above(score: f32, threshold: f32) -> bool {
    score > threshold || score.is_nan()
}

fn portable_first_above(scores: &[f32], threshold: f32) -> usize {
    const BLOCK: usize = 32;
    let (blocks, _) = scores.as_chunks::<BLOCK>();
    // The whole block is compared without a branch, which vectorises.
    let any = |block: &[f32; BLOCK]| block.iter().fold(false, |any, &score| any | is_above(score, threshold));
    let start = blocks.iter().take_while(|block| !any(block)).count() * BLOCK;
    let place = scores[start..].iter().position(|&score| is_above(score, threshold));
    place.map_or(scores.len(), |place| start + place)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512_first_above(scores: &[f32], threshold: f32) -> usize {
    use std::arch::x86_64::*;
    let limit = _mm512_set1_ps(threshold);
    let (blocks, _) = scores.as_chunks::<64>();
    for (block, lanes) in blocks.iter().enumerate() {
        let mut above = 0u64;
        for part in 0..4 {
            // SAFETY: the 16 numbers from 16·part on lie within the block of 64.
            let lanes = unsafe { _mm512_loadu_ps(lanes.as_ptr().add(16 * part)) };
            above |= u64::from(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(lanes, limit)) << (16 * part);
        }
        if above != 0 {
            return block * 64 + above.trailing_zeros() as usize;
        }
    }
    let rest = blocks.len() * 64;
    for (part, lanes) in scores[rest..].chunks(16).enumerate() {
        let mask = (!0u16) >> (16 - lanes.len());
        // SAFETY: the mask lets only the numbers of this chunk, at most 16, be read.
        let lanes = unsafe { _mm512_maskz_loadu_ps(mask, lanes.as_ptr()) };
        let above = _mm512_mask_cmp_ps_mask::<_CMP_NLE_UQ>(mask, lanes, limit);
        if above != 0 {
            return rest + 16 * part + above.trailing_zeros() as usize;
        }
    }
    scores.len()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_first_above(scores: &[f32], threshold: f32) -> usize {
    use std::arch::x86_64::*;
    let limit = _mm256_set1_ps(threshold);
    let (blocks, rest) = scores.as_chunks::<32>();
    for (block, lanes) in blocks.iter().enumerate() {
        let mut above = 0u32;
        for part in 0..4 {
            // SAFETY: the 8 numbers from 8·part on lie within the block of 32.
            let lanes = unsafe { _mm256_loadu_ps(lanes.as_ptr().add(8 * part)) };
            let mask = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(lanes, limit));
            above |= (mask as u32) << (8 * part);
        }
        if above != 0 {
            return block * 32 + above.trailing_zeros() as usize;
        }
    }
    let place = rest.iter().position(|&score| is_above(score, threshold));
    place.map_or(scores.len(), |place| blocks.len() * 32 + place)
}
