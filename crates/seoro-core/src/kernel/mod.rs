//! The inner loops: dot products, sums, exponentials and the selection of the best.
//!
//! Every function is written once (`lanes`), with a fixed number of running sums, and compiled for AVX-512, for AVX2
//! and for any machine; which one runs is decided when it is called. AVX-512 and AVX2 give the same bits; the portable
//! version rounds each product before adding it, so it differs by the rounding of one multiplication a term.
//! [`scalar`] is the plain definition that all of them are tested against. Under Miri the portable version runs:
//! `cargo +nightly miri test -p seoro-core --no-default-features --lib kernel`, with
//! `MIRIFLAGS=-Zmiri-deterministic-floats`, as Miri otherwise adds random errors to the standard library's logarithm.

// Calling code compiled for a processor feature, after asking whether the processor has it; `lines` has assembly over atomics.
#![allow(unsafe_code)]

mod blocks;
mod bytes;
mod lanes;
mod lines;
mod named;
mod optimize;
mod panels;
pub mod scalar;
mod scan4;
mod select;
#[cfg(test)]
mod tests;

pub use blocks::{Weighted, add_products, products, set_products};
pub use bytes::{dot_i8, squared_l2_i8};
pub use lanes::{log_sigmoid, sigmoid, widen};
pub use lines::{LINE, Line, move_lines, read_lines, write_lines};
pub use optimize::{AdagradStep, AdamRest, AdamRests, AdamStep};
pub use panels::Panels;
pub use scan4::{BLOCK as SCAN_BLOCK, scan4};
pub use select::{first_above, select, top_k};

/// What the processor at hand can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(miri, allow(dead_code))] // Miri takes the portable level only.
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

#[inline]
fn level() -> Level {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        return if std::arch::is_x86_feature_detected!("avx512f") { Level::Avx512 } else { Level::Avx2 };
    }
    Level::Portable
}

/// Whether the portable version may use fused multiply-add: where every processor of the target has it.
const PORTABLE_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// Compiles each function of `lanes` for every level, and a public function that calls the right one.
macro_rules! for_each_level {
    ($($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? $(where $check:block)?;)*) => {
        #[cfg(target_arch = "x86_64")]
        mod avx512 {
            $(#[target_feature(enable = "avx512f,avx2,fma")]
            pub(super) fn $name($($arg: $type),*) $(-> $result)? { super::lanes::$name::<true>($($arg),*) })*
        }
        #[cfg(target_arch = "x86_64")]
        mod avx2 {
            $(#[target_feature(enable = "avx2,fma")]
            pub(super) fn $name($($arg: $type),*) $(-> $result)? { super::lanes::$name::<true>($($arg),*) })*
        }
        mod portable {
            $(pub(super) fn $name($($arg: $type),*) $(-> $result)? {
                super::lanes::$name::<{ super::PORTABLE_FMA }>($($arg),*)
            })*
        }
        $($(#[$doc])*
        #[inline]
        pub fn $name($($arg: $type),*) $(-> $result)? {
            $($check)?
            match level() {
                // SAFETY: `level` has found AVX-512F, AVX2 and FMA.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512::$name($($arg),*) },
                // SAFETY: `level` has found AVX2 and FMA.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2::$name($($arg),*) },
                Level::Portable => portable::$name($($arg),*),
            }
        })*
    };
}

for_each_level! {
    /// The dot product of `a` and `b`.
    ///
    /// ```
    /// assert_eq!(seoro_core::kernel::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
    /// ```
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 where { same_length(a, b) };

    /// The squared Euclidean distance of `a` and `b`.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn squared_l2(a: &[f32], b: &[f32]) -> f32 where { same_length(a, b) };

    /// [`dot`] with numbers of 16 bits, bfloat16: to the bit that with these widened.
    ///
    /// ```
    /// assert_eq!(seoro_core::kernel::dot_bf16(&[3.0], &[(2.0f32.to_bits() >> 16) as u16]), 6.0);
    /// ```
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn dot_bf16(a: &[f32], b: &[u16]) -> f32 where { same_length(a, b) };

    /// [`squared_l2`] to numbers of 16 bits, as [`dot_bf16`].
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn squared_l2_bf16(a: &[f32], b: &[u16]) -> f32 where { same_length(a, b) };

    /// [`squared_l2`] to the bit where it is at most `limit`; elsewhere it may stop early, at some number above `limit`.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn squared_l2_within(a: &[f32], b: &[f32], limit: f32) -> f32 where { same_length(a, b) };

    /// Adds `alpha · x` to `y`.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) where { same_length(x, y) };

    /// Moves two rows towards each other: `x ← keep · x + by · y` and `y ← keep · y + by · x`, both from the values before;
    /// a step of gradient descent on a function of `x · y`, with weight decay.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn attract(keep: f32, by: f32, x: &mut [f32], y: &mut [f32]) where { same_length(x, y) };

    /// Moves `x` towards `y` and away from `z`, and those likewise: `x ← keep · x + by · (y − z)`,
    /// `y ← keep · y + by · x` and `z ← keep · z − by · x`, all from the values before.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn attract_repel(keep: f32, by: f32, x: &mut [f32], y: &mut [f32], z: &mut [f32]) where {
        same_length(x, y);
        same_length(x, z)
    };

    /// The dot products of `query` `[D]` with each of `rows` `[R, D]`, to `out` `[R]`; each equals [`dot`] to the bit.
    ///
    /// # Panics
    /// Where `rows` does not hold `R × D` numbers.
    pub fn dot_rows(query: &[f32], rows: &[f32], out: &mut [f32]) where {
        assert_eq!(Some(rows.len()), query.len().checked_mul(out.len()), "rows of the query's length, one for each output");
    };

    /// The dot products of `query` `[D]` with the rows of `rows` `[R, D]` that `indices` name, to `out`; each equals [`dot`] to
    /// the bit.
    ///
    /// # Panics
    /// Where there is not one output for each index, or an index lies outside `rows`.
    pub fn dot_named(query: &[f32], indices: &[u32], rows: &[f32], out: &mut [f32]) where {
        same_length(indices, out)
    };

    /// Writes `Σ weights[i] · rows[indices[i]]` to `out` `[D]`, for `rows` `[R, D]`: a row of a sparse product, or a bag of
    /// embeddings.
    ///
    /// # Panics
    /// Where there is not one weight for each index, or an index lies outside `rows`.
    pub fn weighted_rows(indices: &[u32], weights: &[f32], rows: &[f32], out: &mut [f32]) where {
        assert_eq!(indices.len(), weights.len(), "one weight for each index");
    };

    /// The sum of `x`, in a fixed order.
    pub fn sum(x: &[f32]) -> f32;

    /// The place of the largest of `scores − less`, the first of equal ones, NaN never; 0 where there is none.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn argmax_less(scores: &[f32], less: &[f32]) -> usize where { same_length(scores, less) };

    /// The place of the largest of `point · column − less` among columns `[D, N]` that stand row by row, the first of equal
    /// ones, NaN never; 0 where there is none. For short points, where a product of matrices would not pay.
    ///
    /// # Panics
    /// Where `columns` does not hold `D × N` numbers for `less` `[N]`, or `N` is not a multiple of 16.
    pub fn nearest_column(point: &[f32], columns: &[f32], less: &[f32]) -> usize where {
        assert_eq!(Some(columns.len()), point.len().checked_mul(less.len()), "a row for each number of the point");
        assert_eq!(less.len() % 16, 0, "whole registers of columns");
    };

    /// Writes `base + scale · sums − less` to `out`; `less` may be empty, for zeros.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn scale_sums(sums: &[u16], scale: f32, base: f32, less: &[f32], out: &mut [f32]) where {
        assert!(sums.len() == out.len() && (less.is_empty() || less.len() == out.len()), "slices of one length");
    };

    /// Replaces each number by its exponential, within 2 units in the last place; what would be subnormal becomes 0.
    pub fn exp(x: &mut [f32]);

    /// Replaces each number by its [`sigmoid`](fn@sigmoid), to the bit but for the portable version's rounding.
    pub fn sigmoid_all(x: &mut [f32]);

    /// A step of Adam (Kingma and Ba 2015, algorithm 1) on parameters `x` with the gradient `g`; `m` and `v` are its moments.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn adam(step: crate::kernel::AdamStep, g: &[f32], x: &mut [f32], m: &mut [f32], v: &mut [f32]) where {
        same_length(g, x);
        same_length(g, m);
        same_length(g, v)
    };

    /// [`adam`] with a gradient of zeros, several steps at once, but for rounding and what [`AdamRests`] leaves out.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn adam_rest(rest: crate::kernel::AdamRest<'_>, x: &mut [f32], m: &mut [f32], v: &mut [f32]) where {
        same_length(x, m);
        same_length(x, v)
    };

    /// A step of Adagrad (Duchi, Hazan and Singer 2011) on parameters `x` with the gradient `g`; `sum` is that of its squares.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn adagrad(step: crate::kernel::AdagradStep, g: &[f32], x: &mut [f32], sum: &mut [f32]) where {
        same_length(g, x);
        same_length(g, sum)
    };
}

/// Asks for the cache lines of `data` before they are needed; a hint, which changes no result.
#[inline]
pub fn prefetch<T>(data: &[T]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for byte in (0..size_of_val(data)).step_by(64) {
        // SAFETY: the address lies inside `data`, and a prefetch reads nothing; SSE is part of x86-64.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(data.as_ptr().cast::<i8>().add(byte));
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = data;
}

#[inline]
fn same_length<A, B>(a: &[A], b: &[B]) {
    assert_eq!(a.len(), b.len(), "slices of one length");
}
