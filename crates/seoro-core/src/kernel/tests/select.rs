//! Selecting the best.

use super::{numbers, slices};
use crate::kernel::{scalar, select, top_k};
use crate::{ItemId, Scored, Seed};

#[test]
fn the_scan_stops_at_the_first_score_above_or_nan() {
    let scores: Vec<f32> = numbers("scores", 207);
    for (level, scan) in select::scans() {
        for (len, offset) in slices() {
            for special in [0, len / 3, len.saturating_sub(1)] {
                let mut scores = scores[offset..offset + len].to_vec();
                for (threshold, value) in [(9.0, 9.5), (9.0, f32::NAN), (f32::INFINITY, f32::NAN), (9.0, 9.0)]
                {
                    if let Some(score) = scores.get_mut(special) {
                        *score = value;
                    }
                    let expected = if value == 9.0 { len } else { special };
                    // SAFETY: `scans` lists only what the processor has.
                    assert_eq!(unsafe { scan(&scores, threshold) }, expected, "{level}, length {len}");
                }
            }
        }
    }
}

#[test]
fn top_k_equals_sorting() {
    let mut rng = Seed::new(5).rng();
    for len in [0, 1, 5, 64, 65, 200, 1000] {
        // Few distinct values, so that ties are many.
        let scores: Vec<f32> = (0..len).map(|_| rng.below(40) as f32).collect();
        for k in [0, 1, 2, 20, 300, 2000] {
            assert_eq!(top_k(&scores, k), scalar::top_k(&scores, k), "length {len}, k {k}");
        }
    }
    let infinite = [f32::NEG_INFINITY; 3];
    assert_eq!(top_k(&infinite, 2), scalar::top_k(&infinite, 2));
    for place in [0, 3, 70, 99] {
        let mut scores = vec![1.0; 100];
        scores[place] = f32::NAN;
        assert_eq!(top_k(&scores, 2), Err(ItemId(place as u32)));
        assert_eq!(top_k(&scores, 0), Err(ItemId(place as u32)));
    }
}

#[test]
fn selecting_block_by_block_equals_selecting_at_once_and_skips_what_is_hidden() {
    let scores = numbers("scores", 500);
    let hidden: Vec<ItemId> = (0..500).step_by(3).map(ItemId).collect();
    let mut visible = scores.clone();
    for item in &hidden {
        visible[item.index()] = f32::NEG_INFINITY;
    }
    let mut with_nan = scores;
    with_nan[300] = f32::NAN; // hidden, so never looked at
    let expected = scalar::top_k(&visible, 20).unwrap();
    for block in [1, 7, 64, 500] {
        let mut list: Vec<Scored> = Vec::new();
        for (part, scores) in with_nan.chunks(block).enumerate() {
            select(&mut list, 20, (part * block) as u32, scores, &hidden).unwrap();
        }
        assert_eq!(list, expected, "blocks of {block}");
    }
}
