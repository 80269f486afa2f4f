//! Optimisers' steps at every level, held to their formulas.

use super::{numbers, scalar, slices};
use crate::kernel::{AdagradStep, AdamRest, AdamRests, AdamStep};

type Adam = unsafe fn(AdamStep, &[f32], &mut [f32], &mut [f32], &mut [f32]);
type Rest = unsafe fn(AdamRest<'_>, &mut [f32], &mut [f32], &mut [f32]);
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

/// Steps at rest, from the first, the last or a middle one on, against steps with a gradient of zeros one by one.
#[test]
fn adam_at_rest_is_adam_without_a_gradient() {
    let betas = [(0.9, 0.999), (0.5, 0.9), (0.0, 0.999), (0.99, 0.9), (0.9, 0.0), (0.0, 0.0)];
    for (betas, before) in betas.into_iter().flat_map(|betas| [(betas, 0), (betas, 30)]) {
        let mut rests = AdamRests::default();
        let mut steps = Vec::new();
        for count in 1..=400 {
            steps.push(AdamStep::new(0.01, betas, 1e-8, before + count as u64));
            rests.push(steps[count - 1]);
            if [1, 2, 7, 40, 400].contains(&count) {
                for (len, taken) in
                    [1, 8, 43].into_iter().flat_map(|len| [(len, 0), (len, count / 2), (len, count - 1)])
                {
                    rests_as_steps(&format!("{betas:?}"), len, rests.after(taken), &steps[taken..]);
                }
            }
        }
    }
}

/// Of numbers whose moments are ordinary, 0, and so small that ε decides.
fn rests_as_steps(betas: &str, len: usize, at_rest: AdamRest<'_>, steps: &[AdamStep]) {
    for ((level, adam), (_, rest)) in levels!(adam, Adam).into_iter().zip(levels!(adam_rest, Rest)) {
        let (mut x, mut m, mut v) = (numbers("x", len), numbers("m", len), squares("v", len));
        (0..len).filter(|i| i % 7 == 3).for_each(|i| (m[i], v[i]) = (0.0, 0.0));
        (0..len).filter(|i| i % 11 == 5).for_each(|i| (m[i], v[i]) = (1e-25, 0.0));
        (0..len).filter(|i| i % 17 == 4).for_each(|i| (m[i], v[i]) = (1e-9 * m[i], 1e-18 * v[i]));
        let (mut xs, mut ms, mut vs) = (x.clone(), m.clone(), v.clone());
        for step in steps {
            // SAFETY: `levels` lists only what the processor has.
            unsafe { adam(*step, &vec![0.0; len], &mut xs, &mut ms, &mut vs) };
        }
        // SAFETY: as above.
        unsafe { rest(at_rest, &mut x, &mut m, &mut v) };
        // Each step by itself rounds.
        let tolerance = (2e-7 * steps.len() as f32).min(2e-5);
        let near = |what: &str, found: &[f32], expected: &[f32], least: f32| {
            for (found, expected) in found.iter().zip(expected) {
                let is_near = (found - expected).abs() <= tolerance * (least + expected.abs()) + 1e-37;
                assert!(is_near, "{what}, {level}, {betas}, {} steps: {found}, {expected}", steps.len());
            }
        };
        near("x", &x, &xs, 1.0);
        near("m", &m, &ms, 0.0);
        near("v", &v, &vs, 0.0);
    }
}

/// Near the bound of the series, on both sides, every term of it counts: a change is that of 64 bits to its 10⁻⁶th part.
#[test]
fn what_adams_rest_leaves_out_is_below_its_bound() {
    let (rate, (beta1, beta2), epsilon) = (0.01_f64, (0.9_f64, 0.999_f64), 1e-8_f64);
    let mut rests = AdamRests::default();
    for count in 1..=60 {
        rests.push(AdamStep::new(rate, (beta1, beta2), epsilon, 1000 + count));
    }
    // Where T steps have been taken, r is about its root.
    let low = (beta2.powi(60) / (1.0 - beta2.powi(1060))).sqrt();
    for share in [0.9, 0.999, 1.001, 1.1, 3.0] {
        let root = share * 32.0 * epsilon / low;
        let (m, v) = (root as f32, (root * root) as f32);
        let change: f64 = (1..=60)
            .map(|t| {
                let power = |beta: f64| 1.0 - beta.powi(1000 + t);
                let rate = rate / power(beta1) * beta1.powi(t);
                rate * f64::from(m) / ((f64::from(v) * beta2.powi(t) / power(beta2)).sqrt() + epsilon)
            })
            .sum();
        for (level, rest) in levels!(adam_rest, Rest) {
            let (mut x, mut ms, mut vs) = ([0.0; 9], [m; 9], [v; 9]);
            // SAFETY: `levels` lists only what the processor has.
            unsafe { rest(rests.after(0), &mut x, &mut ms, &mut vs) };
            for x in x {
                let apart = (f64::from(x) / -change - 1.0).abs();
                assert!(apart < 3e-6, "{level}, {share}: {x}, {}", -change);
            }
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
