//! Parameters where they are computed with.

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{Device, Tensor, TensorData};
use seoro_core::Matrix;

/// A matrix of parameters `[R, D]`: plain numbers on the processor, for kernels to change in place, and a tensor elsewhere.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    Host(FlexTensor),
    Device(Tensor<2>),
}

/// Whether kernels of ours run there.
pub(crate) fn is_host(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

impl Numbers {
    /// `numbers` as a matrix on `device`, for kernels or not.
    pub(crate) fn new(numbers: Vec<f32>, shape: [usize; 2], device: &Device, for_kernels: bool) -> Self {
        let data = TensorData::new(numbers, shape);
        if for_kernels {
            Numbers::Host(FlexTensor::from_data(data))
        } else {
            Numbers::Device(Tensor::from_data(data, device))
        }
    }

    /// The numbers as a tensor, which shares them.
    pub(crate) fn tensor(&self) -> Tensor<2> {
        match self {
            Numbers::Host(numbers) => Tensor::from_primitive::<Flex>(numbers.clone()),
            Numbers::Device(tensor) => tensor.clone(),
        }
    }

    /// A copy of the numbers, row by row.
    pub(crate) fn to_vec(&self) -> Vec<f32> {
        match self {
            Numbers::Host(numbers) => numbers.storage::<f32>().to_vec(),
            Numbers::Device(tensor) => host_numbers(tensor.clone()),
        }
    }
}

/// A matrix on the processor.
pub(crate) fn on_host(matrix: Matrix) -> Tensor<2> {
    let shape = [matrix.rows(), matrix.cols()];
    Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(matrix.into_vec(), shape)))
}

/// The numbers of a tensor of any device, row by row.
pub(crate) fn host_numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data();
    match data.as_slice::<f32>() {
        Ok(numbers) => numbers.to_vec(),
        // Backends compute in f32; another type would be converted number by number.
        Err(_) => data.iter::<f32>().collect(),
    }
}

/// The numbers of a tensor on the processor, alone in their memory: those themselves, or a copy where they are a view.
pub(crate) fn flex<const D: usize>(tensor: Tensor<D>) -> Option<FlexTensor> {
    Some(tensor.try_into_primitive::<Flex>().ok()?.to_contiguous())
}
