//! Products of few rows with few.

use super::{assert_near, numbers};

type Products = unsafe fn(usize, &[f32], &[u32], &[f32], &[u32], &mut [f32]);
type AddProducts = unsafe fn(usize, &[f32], [usize; 2], &[f32], &[u32], &mut [f32], &[u32]);

/// Rows picked in any order, some twice.
fn picked(count: usize, of: u32) -> Vec<u32> {
    (0..count as u32).map(|place| (place * 5 + 3) % of).collect()
}

#[test]
fn rows_are_multiplied_by_rows() {
    for (width, rows) in [(16, 1), (16, 7), (112, 11), (304, 3)] {
        let (a, b) = (numbers("a", rows * width), numbers("b", rows * width));
        let row = |of: &[f32], row: u32| of[row as usize * width..][..width].to_vec();
        for (left, right) in [(0, 3), (3, 0), (1, 1), (2, 6), (5, 7), (11, 16)] {
            let (a_rows, b_rows) = (picked(left, rows as u32), picked(right, rows as u32));
            for (level, kernel) in levels!(products, Products) {
                let mut out = vec![f32::NAN; left * right];
                // SAFETY: `levels` lists only what the processor has.
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

#[test]
fn weighted_rows_are_added_to_rows() {
    let (width, rows) = (48, 9);
    let (from, to) = (numbers("from", rows * width), numbers("to", rows * width));
    for (outputs, inputs) in [(1, 1), (0, 4), (3, 2), (6, 6), (9, 0), (7, 16)] {
        let from_rows = picked(inputs, rows as u32);
        let to_rows: Vec<u32> = (0..outputs as u32).rev().collect();
        let weights = numbers("weights", outputs * inputs);
        for steps in [[inputs, 1], [1, outputs]] {
            for (level, kernel) in levels!(add_products, AddProducts) {
                let mut found = to.clone();
                // SAFETY: `levels` lists only what the processor has.
                unsafe { kernel(width, &weights, steps, &from, &from_rows, &mut found, &to_rows) };
                let mut expected = to.clone();
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
