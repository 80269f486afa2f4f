//! Dropout: numbers that become 0 by chance, and others that make up for them (Srivastava et al. 2014, inverted).
//!
//! ```text
//! Y = X ∘ M          M = 0 with the chance p, else 1 / (1 − p)          ∂L/∂X = ∂L/∂Y ∘ M
//! ```

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use seoro_core::Seed;

/// `x` with a share of its numbers dropped, to 16 bits of the share, and the others made up for.
pub(crate) fn dropout(x: Tensor<2>, share: f64, seed: Seed) -> Tensor<2> {
    if share == 0.0 {
        return x;
    }
    let [rows, cols] = x.dims();
    let device = x.device().without_autodiff();
    let mask = Tensor::<2>::from_data(TensorData::new(mask(rows * cols, share, seed), [rows, cols]), &device);
    x.clone() * if x.is_autodiff() { mask.autodiff() } else { mask }
}

/// Numbers that are drawn from one stream.
const NUMBERS: usize = 1 << 14;

/// `M`: the same for a seed, whatever the threads.
fn mask(len: usize, share: f64, seed: Seed) -> Vec<f32> {
    // Some must be left.
    let least = ((share * 65_536.0).round() as u64).min(65_535);
    let by = 65_536.0 / (65_536 - least) as f32;
    let mut mask = vec![0.0; len];
    mask.par_chunks_mut(NUMBERS).enumerate().for_each(|(place, mask)| {
        let mut rng = seed.index(place as u64).rng();
        for four in mask.chunks_mut(4) {
            let mut bits = rng.next_u64();
            for number in four {
                *number = if bits & 0xffff < least { 0.0 } else { by };
                bits >>= 16;
            }
        }
    });
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_dropped_and_the_sum_kept() {
        for share in [0.1, 0.5] {
            let mask = mask(100_003, share, Seed::new(1));
            let dropped = mask.iter().filter(|&&number| number == 0.0).count() as f64 / 100_003.0;
            let mean = mask.iter().map(|&number| f64::from(number)).sum::<f64>() / 100_003.0;
            assert!((dropped - share).abs() < 0.005 && (mean - 1.0).abs() < 0.01, "{dropped}, {mean}");
        }
    }

    #[test]
    fn gradients_go_where_numbers_did() {
        use crate::ops::tests::{check, normal};
        let shape = [7, 5];
        let by = mask(35, 0.4, Seed::new(3));
        let oracle = |x: &[Tensor<2>]| {
            let by =
                Tensor::<2>::from_data(TensorData::new(by.clone(), shape), &x[0].device().without_autodiff());
            (x[0].clone() * by.autodiff()).tanh().sum()
        };
        let function = |x: &[Tensor<2>]| dropout(x[0].clone(), 0.4, Seed::new(3)).tanh().sum();
        check("dropout", &function, &oracle, &[(normal("x", shape), shape)]);
    }

    #[test]
    fn what_is_left_of_nearly_everything_still_makes_up_for_it() {
        let mask = mask(1 << 20, 0.999_999, Seed::new(1));
        assert!(mask.contains(&65_536.0));
        assert!(mask.iter().all(|&number| number == 0.0 || number == 65_536.0));
    }

    #[test]
    fn nothing_is_dropped_without_a_share_and_streams_differ() {
        assert_ne!(mask(100, 0.5, Seed::new(1)), mask(100, 0.5, Seed::new(2)));
        assert_eq!(mask(50_000, 0.5, Seed::new(1))[..100], mask(100, 0.5, Seed::new(1)));
    }
}
