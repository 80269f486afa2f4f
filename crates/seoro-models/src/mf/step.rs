//! One step of stochastic gradient descent, on one sample.
//!
//! With the pull `e = −∂loss/∂s`, rate η and L2 coefficient λ (the penalty is `½λ‖·‖²` of what a sample touches), a
//! pair `(u, i)` moves, all from the values before the step,
//!
//! ```text
//! p ← (1 − ηλ) p + η e q        b ← (1 − ηλ) b + η e
//! q ← (1 − ηλ) q + η e p        c ← (1 − ηλ) c + η e        μ ← (1 − ηλ) μ + η e
//! ```
//!
//! and a triple `(u, i, j)` with `s = c_i − c_j + p · (q_i − q_j)`
//!
//! ```text
//! p   ← (1 − ηλ) p + η e (q_i − q_j)
//! q_i ← (1 − ηλ) q_i + η e p    c_i ← (1 − ηλ) c_i + η e
//! q_j ← (1 − ηλ) q_j − η e p    c_j ← (1 − ηλ) c_j − η e
//! ```

use super::factors::Row;
use super::loss::Loss;
use seoro_core::kernel;
use serde::{Deserialize, Serialize};

/// The rates of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    /// η.
    pub(super) rate: f32,
    /// 1 − ηλ.
    pub(super) keep: f32,
    /// Whether `b` and `c` move.
    pub(super) biases: bool,
    /// Whether `μ` moves.
    pub(super) global: bool,
}

impl Step {
    /// A step on the pair of a user and an item; returns its loss before the step.
    #[inline]
    pub(super) fn pair(
        self,
        loss: Loss,
        target: f32,
        user: &mut Row<'_>,
        item: &mut Row<'_>,
        global: &mut f32,
    ) -> f32 {
        let score = *global + *user.bias + *item.bias + kernel::dot(user.factors, item.factors);
        let (pull, loss) = loss.at(score, target);
        let move_by = self.rate * pull;
        kernel::attract(self.keep, move_by, user.factors, item.factors);
        if self.biases {
            *user.bias = self.keep * *user.bias + move_by;
            *item.bias = self.keep * *item.bias + move_by;
        }
        if self.global {
            *global = self.keep * *global + move_by;
        }
        loss
    }

    /// A step on a user, the item that should score higher, and the one that should score lower; returns the loss
    /// `−ln σ(s)` before the step.
    #[inline]
    pub(super) fn triple(self, user: &mut Row<'_>, better: &mut Row<'_>, worse: &mut Row<'_>) -> f32 {
        let gap = kernel::dot(user.factors, better.factors) - kernel::dot(user.factors, worse.factors);
        let (pull, loss) = Loss::Logistic.at(*better.bias - *worse.bias + gap, 1.0);
        let move_by = self.rate * pull;
        kernel::attract_repel(self.keep, move_by, user.factors, better.factors, worse.factors);
        *better.bias = self.keep * *better.bias + move_by;
        *worse.bias = self.keep * *worse.bias - move_by;
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mf::factors::{Factors, Groups};
    use seoro_core::{Matrix, Seed};

    #[derive(Deserialize)]
    struct Parameters {
        p: Vec<Vec<f32>>,
        q: Vec<Vec<f32>>,
        b: Vec<f32>,
        c: Vec<f32>,
        mu: Vec<f32>,
    }

    #[derive(Deserialize)]
    struct Sample {
        user: usize,
        item: usize,
        other: usize,
        target: f32,
    }

    #[derive(Deserialize)]
    struct Case {
        loss: String,
        rate: f64,
        regularization: f64,
        before: Parameters,
        samples: Vec<Sample>,
        after: Parameters,
        total: f64,
    }

    fn factors(given: &Parameters) -> Factors {
        let matrix =
            |rows: &[Vec<f32>]| Matrix::from_vec(rows.len(), rows[0].len(), rows.concat()).expect("a matrix");
        Factors {
            users: matrix(&given.p),
            items: matrix(&given.q),
            user_bias: given.b.clone(),
            item_bias: given.c.clone(),
            global: given.mu[0],
        }
    }

    fn near(ours: &[f32], expected: &[f32], what: &str) {
        assert_eq!(ours.len(), expected.len());
        for (ours, expected) in ours.iter().zip(expected) {
            assert!(
                (ours - expected).abs() < 2e-5 * (1.0 + expected.abs()),
                "{what}: {ours}, expected {expected}"
            );
        }
    }

    #[test]
    fn an_epoch_in_a_fixed_order_equals_numpy() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/mf.json")).expect("the fixture");
        assert_eq!(cases.len(), 3);
        for case in cases {
            let mut model = factors(&case.before);
            let keep = (1.0 - case.rate * case.regularization) as f32;
            let step = Step { rate: case.rate as f32, keep, biases: true, global: true };
            let (mut global, mut total) = (model.global, 0.0);
            let users = Groups::deal_out(case.before.p.len(), 1, Seed::new(1));
            let items = Groups::deal_out(case.before.q.len(), 1, Seed::new(1));
            let (mut users, mut items) = model.grouped(&users, &items);
            let (users, items) = (&mut users[0], &mut items[0]);
            for sample in &case.samples {
                let user = &mut users[sample.user];
                total += f64::from(match case.loss.as_str() {
                    "bpr" => {
                        let [better, worse] =
                            items.get_disjoint_mut([sample.item, sample.other]).expect("two items");
                        step.triple(user, better, worse)
                    }
                    loss => {
                        let loss = if loss == "squared" { Loss::Squared } else { Loss::Logistic };
                        step.pair(loss, sample.target, user, &mut items[sample.item], &mut global)
                    }
                });
            }
            let expected = factors(&case.after);
            near(model.users.as_slice(), expected.users.as_slice(), &case.loss);
            near(model.items.as_slice(), expected.items.as_slice(), &case.loss);
            near(&model.user_bias, &expected.user_bias, &case.loss);
            near(&model.item_bias, &expected.item_bias, &case.loss);
            near(&[global], &[expected.global], &case.loss);
            assert!(
                (total - case.total).abs() < 1e-4 * case.total,
                "{}: {total}, expected {}",
                case.loss,
                case.total
            );
        }
    }
}
