//! The losses and what they pull a score towards.

use serde::{Deserialize, Serialize};

/// The loss of one score `s` against its target `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Loss {
    /// `ln(1 + eˢ) − y·s`, with `∂/∂s = σ(s) − y`: the cross-entropy of a probability `σ(s)`.
    Logistic,
    /// `½ (s − y)²`, with `∂/∂s = s − y`.
    Squared,
}

impl Loss {
    /// The pull `−∂loss/∂s` and the loss.
    #[inline(always)]
    pub(super) fn at(self, score: f32, target: f32) -> (f32, f32) {
        match self {
            Loss::Logistic => {
                // Both branches keep the exponent negative, so that nothing overflows.
                let small = (-score.abs()).exp();
                let likely = 1.0 / (1.0 + small);
                let sigmoid = if score >= 0.0 { likely } else { small * likely };
                (target - sigmoid, (1.0 + small).ln() + score.max(0.0) - target * score)
            }
            Loss::Squared => {
                let error = target - score;
                (error, 0.5 * error * error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definitions in f64, without any care for overflow.
    fn reference(loss: Loss, score: f64, target: f64) -> f64 {
        match loss {
            Loss::Logistic => (1.0 + score.exp()).ln() - target * score,
            Loss::Squared => 0.5 * (score - target) * (score - target),
        }
    }

    #[test]
    fn the_pull_is_the_finite_difference_of_the_loss() {
        for loss in [Loss::Logistic, Loss::Squared] {
            for target in [0.0_f32, 0.25, 1.0] {
                for step in -24..=24 {
                    let score = step as f32 * 0.5;
                    let (pull, value) = loss.at(score, target);
                    let (s, y, h) = (f64::from(score), f64::from(target), 1e-5);
                    let slope = (reference(loss, s + h, y) - reference(loss, s - h, y)) / (2.0 * h);
                    assert!((f64::from(pull) + slope).abs() < 1e-5, "{loss:?} at {score}: {pull}, {slope}");
                    let expected = reference(loss, s, y);
                    assert!(
                        (f64::from(value) - expected).abs() < 1e-5 * (1.0 + expected),
                        "{loss:?} at {score}"
                    );
                }
            }
        }
    }

    #[test]
    fn large_scores_stay_finite() {
        assert_eq!(Loss::Logistic.at(1e4, 0.0), (-1.0, 1e4));
        assert_eq!(Loss::Logistic.at(-1e4, 1.0), (1.0, 1e4));
    }
}
