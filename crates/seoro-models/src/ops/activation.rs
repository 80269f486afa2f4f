//! What a layer does to its sums.

use burn::tensor::Tensor;
use burn::tensor::activation::{leaky_relu, relu, sigmoid, tanh};
use serde::{Deserialize, Serialize};

/// The slope of [`Activation::LeakyRelu`] below 0.
const LEAK: f32 = 0.2;

/// What a layer does to its sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// Nothing.
    Linear,
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(x, 0.2 x)`, with the slope that TensorFlow has by default.
    LeakyRelu,
}

impl Activation {
    /// The activation of each number of a tensor.
    pub fn of<const D: usize>(self, sums: Tensor<D>) -> Tensor<D> {
        match self {
            Activation::Linear => sums,
            Activation::Relu => relu(sums),
            Activation::Sigmoid => sigmoid(sums),
            Activation::Tanh => tanh(sums),
            Activation::LeakyRelu => leaky_relu(sums, f64::from(LEAK)),
        }
    }

    /// The activation of each number, in place; what is no number stays none.
    pub(crate) fn of_all(self, sums: &mut [f32]) {
        match self {
            Activation::Linear => {}
            Activation::Relu => sums.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
            Activation::Sigmoid => seoro_core::kernel::sigmoid_all(sums),
            Activation::Tanh => sums.iter_mut().for_each(|x| *x = x.tanh()),
            Activation::LeakyRelu => sums.iter_mut().for_each(|x| *x = if *x < 0.0 { LEAK * *x } else { *x }),
        }
    }

    /// Where it is `x` above 0 and a multiple of it below: by what.
    pub(crate) fn slope(self) -> Option<f32> {
        match self {
            Activation::Relu => Some(0.0),
            Activation::LeakyRelu => Some(LEAK),
            _ => None,
        }
    }
}
