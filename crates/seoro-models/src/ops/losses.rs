//! Losses of scores, and their gradients.
//!
//! The logistic loss of a score `s` with target `y`, the mean over a batch of `B`:
//!
//! ```text
//! L = 1/B Σ ln(1 + eˢ) − y s          ∂L/∂s = (σ(s) − y) / B
//! ```
//!
//! With `y` a label it is the cross-entropy of the probability `σ(s)` (BCE with logits); with `s` the difference of two
//! scores and `y = 1` it is BPR's `−ln σ(s)` (Rendle et al. 2009).

use super::numbers::is_host;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use seoro_core::kernel;

/// The mean logistic loss of `scores` `[B, 1]` with `targets`, one for each, as a tensor `[1]`.
///
/// # Panics
/// Where there is not one target for each score.
pub fn logistic(scores: Tensor<2>, targets: &[f32]) -> Tensor<1> {
    assert_eq!(scores.dims(), [targets.len(), 1], "one target for each score");
    let device = scores.device().without_autodiff();
    let targets = Tensor::<2>::from_data(TensorData::new(targets.to_vec(), [targets.len(), 1]), &device);
    if is_host(&device) {
        let loss = <Dispatch as LossKernels>::logistic(scores.into_dispatch(), targets.into_dispatch());
        Tensor::from_dispatch(loss)
    } else {
        portable(scores, targets)
    }
}

/// The definition, of tensor operations: `ln(1 + eˢ) = −ln σ(−s)`.
pub(crate) fn portable(scores: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let targets = if scores.is_autodiff() { targets.autodiff() } else { targets };
    (log_sigmoid(-scores.clone()) + scores * targets).mean().neg()
}

/// Fused losses, on the processor.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait LossKernels: Backend {
    /// See [`logistic`](super::logistic).
    fn logistic(scores: FloatTensor<Self>, targets: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl LossKernels for Flex {
    fn logistic(scores: FlexTensor, targets: FlexTensor) -> FlexTensor {
        let (scores, targets) = (scores.to_contiguous(), targets.to_contiguous());
        let (scores, targets) = (scores.storage::<f32>(), targets.storage::<f32>());
        let pieces = scores.par_chunks(SCORES).zip(targets.par_chunks(SCORES));
        let sums: Vec<f64> = pieces.map(|(scores, targets)| logistic_sum(scores, targets)).collect();
        let mean = sums.iter().sum::<f64>() / targets.len().max(1) as f64;
        FlexTensor::from_data(TensorData::new(vec![mean as f32], [1]))
    }
}

/// Scores that a core takes at once.
const SCORES: usize = 1 << 12;

/// So many numbers between 1 and 2 have a product of at most 2^512.
const FACTORS: usize = 512;

/// `Σ ln(1 + eˢ) − y s`, with one logarithm for a product of many: `ln(1 + eˢ) = max(s, 0) + ln(1 + e^−|s|)`.
pub(super) fn logistic_sum(scores: &[f32], targets: &[f32]) -> f64 {
    let mut powers = [0f32; FACTORS];
    let mut sum = 0.0;
    for (scores, targets) in scores.chunks(FACTORS).zip(targets.chunks(FACTORS)) {
        let powers = &mut powers[..scores.len()];
        powers.iter_mut().zip(scores).for_each(|(power, s)| *power = -s.abs());
        kernel::exp(powers);
        sum += powers.iter().map(|&power| 1.0 + f64::from(power)).product::<f64>().ln();
        let linear = scores.iter().zip(targets).map(|(&s, &y)| f64::from(s.max(0.0)) - f64::from(y * s));
        sum += linear.sum::<f64>();
    }
    sum
}

/// `(σ(s) − y) · by`, by `s`.
pub(super) fn logistic_gradient(scores: &[f32], targets: &[f32], by: f32) -> Vec<f32> {
    let mut gradient = scores.to_vec();
    gradient.par_chunks_mut(SCORES).zip(targets.par_chunks(SCORES)).for_each(|(gradient, targets)| {
        kernel::sigmoid_all(gradient);
        gradient.iter_mut().zip(targets).for_each(|(gradient, target)| *gradient = (*gradient - target) * by);
    });
    gradient
}

#[derive(Debug)]
struct LogisticBackward;

impl Backward<Flex, 1> for LogisticBackward {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let of_loss = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (scores, targets) = ops.state;
        let count = targets.storage::<f32>().len();
        if let Some(parent) = parent {
            let by = of_loss.storage::<f32>()[0] / count.max(1) as f32;
            let gradient = logistic_gradient(scores.storage(), targets.storage(), by);
            let gradient = FlexTensor::from_data(TensorData::new(gradient, [count, 1]));
            gradients.register::<Flex>(parent.id, gradient);
        }
    }
}

impl<C: CheckpointStrategy> LossKernels for Autodiff<Flex, C> {
    fn logistic(scores: FloatTensor<Self>, targets: FloatTensor<Self>) -> FloatTensor<Self> {
        let targets = targets.into_primitive().to_contiguous();
        let (scores, node) = scores.into_parts();
        let scores = scores.to_contiguous();
        let loss = Flex::logistic(scores.clone(), targets.clone());
        match LogisticBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((scores, targets), loss),
            OpsKind::UnTracked(prepared) => prepared.finish(loss),
        }
    }
}
