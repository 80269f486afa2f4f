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

/// How many terms of the series stand for a sum over steps; what is left out is smaller by [`STEEP`] to this power.
const TERMS: usize = 4;
/// The largest `ε / (√v r_t)` that the series is used for: what is left out of a change is below its 10⁻⁶th part.
const STEEP: f32 = 1.0 / 32.0;
/// What remains of the first of some changes when the next ones are left out.
const FADED: f64 = 1e-12;

/// Steps of Adam in which a parameter has no gradient, and what they come to from any of them on.
///
/// From `x`, `m` and `v` on, `k` steps without a gradient lead to `β₁ᵏ m`, `β₂ᵏ v` and
///
/// ```text
/// x − Σ_t η_t β₁ᵗ m / (√v r_t + ε)  =  x − m/√v (A₀ − A₁ ε/√v + A₂ (ε/√v)² − …)
/// η_t = η / (1 − β₁ᵀ)     r_t = √(β₂ᵗ / (1 − β₂ᵀ))     A_j = Σ_t η_t β₁ᵗ / r_tʲ⁺¹        t = 1 … k
/// ```
///
/// with `T` the number of step `t` since training began. `A_j` is the same for all numbers: the steps cost as much as one. Where
/// `ε` is not small against `√v`, they are taken one by one.
#[derive(Clone, Debug, Default)]
pub struct AdamRests {
    steps: Vec<AdamStep>,
    /// By the step they begin with.
    sums: Vec<Sums>,
    /// `(β₁ᵏ, β₂ᵏ)` by `k`.
    fades: Vec<(f64, f64)>,
    /// After how many steps the changes of a number have faded away.
    reach: usize,
}

/// What steps come to.
#[derive(Clone, Copy, Debug)]
struct Sums {
    /// `A_j`.
    terms: [f64; TERMS],
    /// The last `1 / r_t`, which is the largest.
    most: f64,
}

impl AdamRests {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Adds a step, whose β₁, β₂ and ε must be those of the steps before.
    pub fn push(&mut self, step: AdamStep) {
        let (beta1, beta2) = (f64::from(step.beta1), f64::from(step.beta2));
        if self.steps.is_empty() {
            self.fades.push((1.0, 1.0));
            let slope = beta1 / beta2.sqrt();
            // Where they do not fade, never.
            self.reach = if slope < 1.0 { (FADED.ln() / slope.ln()).ceil() as usize } else { usize::MAX };
        }
        self.steps.push(step);
        self.sums.push(Sums { terms: [0.0; TERMS], most: 0.0 });
        let (fade1, fade2) = self.fades[self.fades.len() - 1];
        self.fades.push((fade1 * beta1, fade2 * beta2));

        // η_t β₁ᵗ and 1 / r_t, of the step that begins with the latest, the one before, and so on.
        let (mut rate, mut inverse) = (f64::from(step.rate), 1.0 / f64::from(step.root));
        let grow = 1.0 / beta2.sqrt();
        for sums in self.sums.iter_mut().rev().take(self.reach) {
            (rate, inverse) = (rate * beta1, inverse * grow);
            let mut term = rate;
            for sum in &mut sums.terms {
                term *= inverse;
                *sum += term;
            }
            sums.most = inverse;
        }
    }

    /// The steps after the first `taken`.
    ///
    /// # Panics
    /// Where there are not more.
    pub fn after(&self, taken: usize) -> AdamRest<'_> {
        let (steps, sums) = (&self.steps[taken..], &self.sums[taken]);
        let (near, far) = steps.split_at(self.reach.min(steps.len()));
        let fade = |steps: &[AdamStep]| (self.fades[steps.len()].0 as f32, self.fades[steps.len()].1 as f32);
        let terms = sums.terms.map(|sum| sum as f32);
        // Sums out of range, as with β₂ = 0, are used for nothing, nor are those of no step, with β₁ = 0.
        let are_sums = !near.is_empty() && terms.iter().all(|term| term.is_finite());
        AdamRest {
            near,
            terms,
            steepest: if are_sums { STEEP / sums.most as f32 } else { -1.0 },
            fade: fade(steps),
            fade_far: fade(far),
        }
    }

    /// Forgets all steps.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.sums.clear();
        self.fades.clear();
    }
}

/// Steps of [`AdamRests`], from some one on.
#[derive(Clone, Copy, Debug)]
pub struct AdamRest<'a> {
    /// Those that change numbers.
    near: &'a [AdamStep],
    /// `A_j`.
    terms: [f32; TERMS],
    /// The largest `ε / √v` that they are used for.
    steepest: f32,
    /// `(β₁ᵏ, β₂ᵏ)`, of all steps and of those that come after the near ones.
    fade: (f32, f32),
    fade_far: (f32, f32),
}

/// Numbers that are taken together.
const TOGETHER: usize = 8;

/// Some parameters and their moments.
type Lanes<'a, const N: usize> = (&'a mut [f32; N], &'a mut [f32; N], &'a mut [f32; N]);

#[inline(always)]
pub(super) fn adam_rest<const FMA: bool>(rest: AdamRest<'_>, x: &mut [f32], m: &mut [f32], v: &mut [f32]) {
    let (xs, x) = x.as_chunks_mut::<TOGETHER>();
    let (ms, m) = m.as_chunks_mut::<TOGETHER>();
    let (vs, v) = v.as_chunks_mut::<TOGETHER>();
    for ((x, m), v) in xs.iter_mut().zip(ms).zip(vs) {
        rest_together::<TOGETHER, FMA>(rest, (x, m, v));
    }
    let one = std::array::from_mut;
    for ((x, m), v) in x.iter_mut().zip(m).zip(v) {
        rest_together::<1, FMA>(rest, (one(x), one(m), one(v)));
    }
}

#[inline(always)]
fn rest_together<const N: usize, const FMA: bool>(rest: AdamRest<'_>, (x, m, v): Lanes<'_, N>) {
    let epsilon = rest.near.first().map_or(0.0, |step| step.epsilon);
    // A number without momentum stays where it is.
    let inverse: [f32; N] = std::array::from_fn(|i| if m[i] == 0.0 { 0.0 } else { 1.0 / v[i].sqrt() });
    let is_steep = inverse.iter().fold(false, |steep, inverse| steep | (inverse * epsilon > rest.steepest));
    if is_steep {
        return rest_by_step::<N, FMA>(rest, (x, m, v));
    }
    let [a, b, c, d] = rest.terms;
    for i in 0..N {
        let ratio = -epsilon * inverse[i];
        let sum = mul_add::<FMA>(ratio, mul_add::<FMA>(ratio, mul_add::<FMA>(ratio, d, c), b), a);
        x[i] -= m[i] * inverse[i] * sum;
        m[i] *= rest.fade.0;
        v[i] *= rest.fade.1;
    }
}

/// Step by step: where `v` is so small that `ε` decides.
#[inline(always)]
fn rest_by_step<const N: usize, const FMA: bool>(rest: AdamRest<'_>, (x, m, v): Lanes<'_, N>) {
    for step in rest.near {
        for i in 0..N {
            (x[i], m[i], v[i]) = adam_one::<FMA>(*step, 0.0, x[i], m[i], v[i]);
        }
    }
    for i in 0..N {
        m[i] *= rest.fade_far.0;
        v[i] *= rest.fade_far.1;
    }
}

#[inline(always)]
pub(super) fn adagrad<const FMA: bool>(step: AdagradStep, g: &[f32], x: &mut [f32], sum: &mut [f32]) {
    for ((g, x), sum) in g.iter().zip(x).zip(sum) {
        *sum = mul_add::<FMA>(*g, *g, *sum);
        *x -= step.learning_rate * *g / (sum.sqrt() + step.epsilon);
    }
}
