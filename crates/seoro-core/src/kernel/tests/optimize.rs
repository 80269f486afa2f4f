//! Optimisers' steps at every level, held to their formulas.

use super::{numbers, scalar, slices};
use crate::kernel::{AdagradStep, AdamStep};

type Adam = unsafe fn(AdamStep, &[f32], &mut [f32], &mut [f32], &mut [f32]);
type AdamRest = unsafe fn(AdamStep, &mut [f32], &mut [f32], &mut [f32]);
type Adagrad = unsafe fn(AdagradStep, &[f32], &mut [f32], &mut [f32]);

fn near(what: &str, found: &[f32], expected: &[f32]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 4e-7 * (1.0 + expected.abs()), "{what}: {found}, {expected}");
    }
}

fn squares(name: &str, len: usize) -> Vec<f32> {
    numbers(name, len).into_iter().map(|x| x * x).collect()
}

#[test]
fn adam_is_the_papers_formula() {
    let (rate, beta1, beta2, epsilon) = (0.01, 0.9, 0.999, 1e-8);
    for (level, adam) in levels!(adam, Adam) {
        for (len, offset) in slices().step_by(7) {
            for count in [1, 2, 1000] {
                let g = &numbers("g", 207)[offset..offset + len];
                let (mut x, mut m, mut v) = (numbers("x", len), numbers("m", len), squares("v", len));
                let (mut xs, mut ms, mut vs) = (x.clone(), m.clone(), v.clone());
                let step = AdamStep::new(rate, (beta1, beta2), epsilon, count as u64);
                // SAFETY: `levels` lists only what the processor has.
                unsafe { adam(step, g, &mut x, &mut m, &mut v) };
                scalar::adam((rate, beta1, beta2, epsilon), count, g, &mut xs, &mut ms, &mut vs);
                near(level, &x, &xs);
                near(level, &m, &ms);
                near(level, &v, &vs);
            }
        }
    }
}

#[test]
fn adam_at_rest_is_adam_without_a_gradient() {
    let step = AdamStep::new(0.01, (0.9, 0.999), 1e-8, 3);
    for ((level, adam), (_, rest)) in levels!(adam, Adam).into_iter().zip(levels!(adam_rest, AdamRest)) {
        for len in [0, 1, 8, 40, 100] {
            let before = || (numbers("x", len), numbers("m", len), squares("v", len));
            let (mut one, mut other) = (before(), before());
            // SAFETY: `levels` lists only what the processor has.
            unsafe { adam(step, &vec![0.0; len], &mut one.0, &mut one.1, &mut one.2) };
            // SAFETY: as above.
            unsafe { rest(step, &mut other.0, &mut other.1, &mut other.2) };
            assert_eq!(one, other, "{level}, length {len}");
        }
    }
}

#[test]
fn adagrad_is_its_formula() {
    let step = AdagradStep { learning_rate: 0.05, epsilon: 1e-6 };
    for (level, adagrad) in levels!(adagrad, Adagrad) {
        for (len, offset) in slices().step_by(7) {
            let g = &numbers("g", 207)[offset..offset + len];
            let (mut x, mut sum) = (numbers("x", len), squares("v", len));
            let (mut xs, mut sums) = (x.clone(), sum.clone());
            // SAFETY: `levels` lists only what the processor has.
            unsafe { adagrad(step, g, &mut x, &mut sum) };
            scalar::adagrad(0.05, 1e-6, g, &mut xs, &mut sums);
            near(level, &x, &xs);
            near(level, &sum, &sums);
        }
    }
}
