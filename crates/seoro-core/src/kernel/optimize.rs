//! Steps of optimisers, fused: each number is read and written once.

use super::lanes::mul_add;

/// One step of Adam (Kingma and Ba 2015, algorithm 1):
///
/// ```text
/// m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
/// x ← x − η m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ)     v̂ = v / (1 − β₂ᵗ)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    beta1: f32,
    beta2: f32,
    /// `1 − β₁` and `1 − β₂`.
    fresh: (f32, f32),
    /// `η / (1 − β₁ᵗ)`.
    rate: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    root: f32,
    epsilon: f32,
}

impl AdamStep {
    /// The step with number `step`, counted from 1.
    pub fn new(learning_rate: f64, (beta1, beta2): (f64, f64), epsilon: f64, step: u64) -> Self {
        // Beyond any count that matters both powers are 0.
        let power = |beta: f64| 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
        Self {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            fresh: ((1.0 - beta1) as f32, (1.0 - beta2) as f32),
            rate: (learning_rate / power(beta1)) as f32,
            root: (1.0 / power(beta2).sqrt()) as f32,
            epsilon: epsilon as f32,
        }
    }
}

/// One step of Adagrad: `sum ← sum + g²`, `x ← x − η g / (√sum + ε)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradStep {
    /// η.
    pub learning_rate: f32,
    /// ε.
    pub epsilon: f32,
}

/// Adam on one number; the new parameter and moments.
#[inline(always)]
fn adam_one<const FMA: bool>(s: AdamStep, g: f32, x: f32, m: f32, v: f32) -> (f32, f32, f32) {
    let m = mul_add::<FMA>(s.beta1, m, s.fresh.0 * g);
    let v = mul_add::<FMA>(s.beta2, v, s.fresh.1 * (g * g));
    (x - s.rate * m / mul_add::<FMA>(v.sqrt(), s.root, s.epsilon), m, v)
}

#[inline(always)]
pub(super) fn adam<const FMA: bool>(step: AdamStep, g: &[f32], x: &mut [f32], m: &mut [f32], v: &mut [f32]) {
    for (((g, x), m), v) in g.iter().zip(x).zip(m).zip(v) {
        (*x, *m, *v) = adam_one::<FMA>(step, *g, *x, *m, *v);
    }
}

#[inline(always)]
pub(super) fn adam_rest<const FMA: bool>(step: AdamStep, x: &mut [f32], m: &mut [f32], v: &mut [f32]) {
    for ((x, m), v) in x.iter_mut().zip(m).zip(v) {
        (*x, *m, *v) = adam_one::<FMA>(step, 0.0, *x, *m, *v);
    }
}

#[inline(always)]
pub(super) fn adagrad<const FMA: bool>(step: AdagradStep, g: &[f32], x: &mut [f32], sum: &mut [f32]) {
    for ((g, x), sum) in g.iter().zip(x).zip(sum) {
        *sum = mul_add::<FMA>(*g, *g, *sum);
        *x -= step.learning_rate * *g / (sum.sqrt() + step.epsilon);
    }
}
