//! A layer: a product, a bias and an activation in one.
//!
//! ```text
//! Y = f(X W + b)        G = ∂L/∂Y ∘ f′        ∂L/∂X = G Wᵀ      ∂L/∂W = Xᵀ G      ∂L/∂b = Σ_rows G
//! ```
//!
//! With `f` a ReLU, leaky or not, `f′` is 1 where `Y > 0`, else its slope; other activations come after the fused part.

use super::activation::Activation;
use super::numbers::is_host;
use super::step::PIECE;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use seoro_core::gemm::{View, ViewMut, gemm};
use seoro_core::kernel;

/// `f(X W + b)` for `X` `[B, D]`, `W` `[D, H]` and `b` `[1, H]`: `[B, H]`.
///
/// # Panics
/// Where the shapes do not fit.
pub fn dense(input: Tensor<2>, weight: Tensor<2>, bias: Tensor<2>, activation: Activation) -> Tensor<2> {
    let ([_, inner], [rows, cols]) = (input.dims(), weight.dims());
    assert_eq!((inner, bias.dims()), (rows, [1, cols]), "X [B, D], W [D, H] and b [1, H]");
    if !is_host(&input.device().without_autodiff()) {
        return portable(input, weight, bias, activation);
    }
    let slope = activation.slope();
    let [input, weight, bias] = [input, weight, bias].map(Tensor::into_dispatch);
    let out = Tensor::from_dispatch(<Dispatch as DenseKernels>::dense(input, weight, bias, slope));
    if slope.is_some() { out } else { activation.of(out) }
}

/// The definition, of tensor operations.
pub(crate) fn portable(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<2>,
    activation: Activation,
) -> Tensor<2> {
    activation.of(input.matmul(weight) + bias)
}

/// Fused layers, on the processor.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait DenseKernels: Backend {
    /// See [`dense`](super::dense); `slope` is that of a ReLU below 0, where there is one.
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        slope: Option<f32>,
    ) -> FloatTensor<Self>;
}

/// From so many multiplications on, a product is worth all cores.
const MANY: usize = 1 << 22;

/// A contiguous matrix, as what `gemm` reads.
pub(super) fn view(tensor: &FlexTensor) -> View<'_> {
    let shape = tensor.shape();
    View::new(tensor.storage(), shape[0], shape[1])
}

/// A tensor of these numbers.
pub(super) fn matrix(numbers: Vec<f32>, shape: [usize; 2]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

/// `A B`, of matrices `[rows, inner]` and `[inner, cols]`.
pub(super) fn product(a: View<'_>, b: View<'_>, [rows, inner, cols]: [usize; 3]) -> FlexTensor {
    let mut numbers = vec![0.0; rows * cols];
    gemm(1.0, a, b, 0.0, ViewMut::new(&mut numbers, rows, cols), rows * inner * cols >= MANY);
    matrix(numbers, [rows, cols])
}

/// A number below 0 of a ReLU with this slope; without one, 0 whatever it was.
fn below(slope: f32, x: f32) -> f32 {
    if slope == 0.0 { 0.0 } else { slope * x }
}

impl DenseKernels for Flex {
    fn dense(input: FlexTensor, weight: FlexTensor, bias: FlexTensor, slope: Option<f32>) -> FlexTensor {
        let [input, weight, bias] = [input, weight, bias].map(|tensor| tensor.to_contiguous());
        let (rows, [inner, cols]) = (input.shape()[0], [weight.shape()[0], weight.shape()[1]]);
        // The bias stands in the output before the product is added to it.
        let mut out = bias.storage::<f32>().repeat(rows);
        let parallel = rows * inner * cols >= MANY;
        gemm(1.0, view(&input), view(&weight), 1.0, ViewMut::new(&mut out, rows, cols), parallel);
        if let Some(slope) = slope {
            // What is no number stays none, as in the portable version.
            let bend = |x: &mut f32| *x = if *x < 0.0 { below(slope, *x) } else { *x };
            match parallel {
                true => out.par_chunks_mut(PIECE).for_each(|piece| piece.iter_mut().for_each(bend)),
                false => out.iter_mut().for_each(bend),
            }
        }
        matrix(out, [rows, cols])
    }
}

#[derive(Debug)]
struct DenseBackward;

/// What the gradient is made of.
#[derive(Clone, Debug)]
struct Kept {
    input: FlexTensor,
    weight: FlexTensor,
    /// With an activation: its slope below 0, and what came out of it.
    bent: Option<(f32, FlexTensor)>,
}

impl Backward<Flex, 3> for DenseBackward {
    type State = Kept;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [of_input, of_weight, of_bias] = ops.parents;
        let mut gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let Kept { input, weight, bent } = ops.state;
        if let Some((slope, output)) = bent {
            let pieces = gradient.storage_mut::<f32>().par_chunks_mut(PIECE);
            pieces.zip(output.storage::<f32>().par_chunks(PIECE)).for_each(|(gradient, output)| {
                let bend = |x: f32, out: f32| if out <= 0.0 { below(slope, x) } else { x };
                gradient.iter_mut().zip(output).for_each(|(x, &out)| *x = bend(*x, out));
            });
        }
        let (rows, [inner, cols]) = (input.shape()[0], [weight.shape()[0], weight.shape()[1]]);
        if let Some(node) = of_bias {
            let mut sums = vec![0.0; cols];
            let rows = gradient.storage::<f32>().chunks_exact(cols.max(1));
            rows.for_each(|row| kernel::axpy(1.0, row, &mut sums));
            gradients.register::<Flex>(node.id, matrix(sums, [1, cols]));
        }
        if let Some(node) = of_weight {
            let product = product(view(&input).transposed(), view(&gradient), [inner, rows, cols]);
            gradients.register::<Flex>(node.id, product);
        }
        if let Some(node) = of_input {
            let product = product(view(&gradient), view(&weight).transposed(), [rows, cols, inner]);
            gradients.register::<Flex>(node.id, product);
        }
    }
}

impl<C: CheckpointStrategy> DenseKernels for Autodiff<Flex, C> {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        slope: Option<f32>,
    ) -> FloatTensor<Self> {
        let [(input, of_input), (weight, of_weight), (bias, of_bias)] =
            [input, weight, bias].map(|tensor| tensor.into_parts());
        let [input, weight] = [input, weight].map(|tensor| tensor.to_contiguous());
        let out = Flex::dense(input.clone(), weight.clone(), bias, slope);
        match DenseBackward.prepare::<C>([of_input, of_weight, of_bias]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let bent = slope.map(|slope| (slope, out.clone()));
                prepared.finish(Kept { input, weight, bent }, out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }
}
