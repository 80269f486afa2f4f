//! Products of few rows with few.

use super::{assert_near, numbers};
use crate::kernel::blocks::*;

type Products = unsafe fn(usize, &[f32], &[u32], &[f32], &[u32], &mut [f32]);
type PutProducts = unsafe fn(usize, Weighted<'_>, &mut [f32], &[u32]);

/// The versions that this machine can run.
macro_rules! versions {
    ($portable:expr, $avx2:expr, $type:ty) => {{
        let mut versions: Vec<(&str, $type)> = vec![("portable", $portable)];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            versions.push(("avx2", $avx2));
        }
        versions
    }};
}

/// Rows picked in any order, some twice.
fn picked(count: usize, of: u32) -> Vec<u32> {
    (0..count as u32).map(|place| (place * 5 + 3) % of).collect()
}

#[test]
fn rows_are_multiplied_by_rows() {
    for (width, rows) in [(16, 1), (16, 7), (112, 11), (304, 3)] {
        let (a, b) = (numbers("a", rows * width), numbers("b", rows * width));
        let row = |of: &[f32], row: u32| of[row as usize * width..][..width].to_vec();
        for (left, right) in
            [(0, 3), (3, 0), (1, 1), (1, 5), (1, 13), (8, 1), (9, 1), (2, 6), (5, 7), (11, 16)]
        {
            let (a_rows, b_rows) = (picked(left, rows as u32), picked(right, rows as u32));
            for (level, kernel) in versions!(portable_products, avx2_products, Products) {
                let mut out = vec![f32::NAN; left * right];
                // SAFETY: `versions` lists only what the processor has.
                unsafe { kernel(width, &a, &a_rows, &b, &b_rows, &mut out) };
                for (place, &found) in out.iter().enumerate() {
                    let (x, y) = (row(&a, a_rows[place / right]), row(&b, b_rows[place % right]));
                    let absolute = x.iter().zip(&y).map(|(x, y)| (x * y).abs()).sum();
                    assert_near(level, found, crate::kernel::scalar::dot(&x, &y), width, absolute);
                }
            }
        }
    }
}

/// The versions that add, and those that put sums in the place of what was there.
fn adding() -> impl Iterator<Item = (bool, &'static str, PutProducts)> {
    let adding = versions!(portable_put_products::<true>, avx2_put_products::<true>, PutProducts);
    let setting = versions!(portable_put_products::<false>, avx2_put_products::<false>, PutProducts);
    let with = |adds| move |(level, kernel)| (adds, level, kernel);
    adding.into_iter().map(with(true)).chain(setting.into_iter().map(with(false)))
}

#[test]
fn weighted_rows_are_added_to_rows() {
    for width in [16, 48, 112, 304] {
        weighted_rows_of_width(width);
    }
}

fn weighted_rows_of_width(width: usize) {
    let rows = 9;
    let (from, to) = (numbers("from", rows * width), numbers("to", rows * width));
    for (outputs, inputs) in [(1, 1), (0, 4), (3, 2), (6, 6), (9, 0), (7, 16)] {
        let from_rows = picked(inputs, rows as u32);
        let to_rows: Vec<u32> = (0..outputs as u32).rev().collect();
        let weights = numbers("weights", outputs * inputs);
        for steps in [[inputs, 1], [1, outputs]] {
            let sums = Weighted { from: &from, rows: &from_rows, weights: &weights, steps };
            for (adds, level, kernel) in adding() {
                let mut found = to.clone();
                // SAFETY: `versions` lists only what the processor has.
                unsafe { kernel(width, sums, &mut found, &to_rows) };
                let mut expected = to.clone();
                if !adds {
                    to_rows.iter().for_each(|&row| expected[row as usize * width..][..width].fill(0.0));
                }
                let mut absolute: Vec<f32> = to.iter().map(|number| number.abs()).collect();
                for (output, &row) in to_rows.iter().enumerate() {
                    for (input, &other) in from_rows.iter().enumerate() {
                        let weight = weights[output * steps[0] + input * steps[1]];
                        for lane in 0..width {
                            let term = weight * from[other as usize * width + lane];
                            expected[row as usize * width + lane] += term;
                            absolute[row as usize * width + lane] += term.abs();
                        }
                    }
                }
                for place in 0..found.len() {
                    assert_near(level, found[place], expected[place], inputs + 1, absolute[place]);
                }
            }
        }
    }
}
