//! Named streams of random numbers: the only source of randomness in the workspace.

use crate::hash::Fnv1a;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// A seed, and the root of a tree of independent named streams.
///
/// ```
/// use seoro_core::Seed;
/// let seed = Seed::new(42);
/// let mut init = seed.child("init").rng();
/// let mut epoch_3 = seed.child("epoch").index(3).rng();
/// assert_ne!(init.next_u64(), epoch_3.next_u64());
/// assert_eq!(seed.child("init").rng().next_u64(), seed.child("init").rng().next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// The root seed `value`.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number behind this seed.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The stream called `name` below this one.
    pub fn child(self, name: &str) -> Self {
        // The name's hash, then mixed with the parent, so that siblings and cousins are unrelated.
        let mut hash = Fnv1a::new();
        hash.bytes(name.as_bytes());
        Self(mix(self.0 ^ mix(hash.value())))
    }

    /// The `index`-th stream below this one: an epoch, a chunk, a user.
    pub fn index(self, index: u64) -> Self {
        Self(mix(self.0.wrapping_add(mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// The generator of this stream.
    pub fn rng(self) -> Rng {
        Rng(Xoshiro256PlusPlus::seed_from_u64(self.0))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A generator of random numbers (xoshiro256++), whose distributions are ours, so that no dependency's update changes a
/// result.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// 64 uniform bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number below `n`, unbiased (Lemire 2019); 0 where `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        let n = u64::from(n);
        let mut product = (self.next_u64() >> 32) * n;
        if (product as u32 as u64) < n {
            let threshold = (1u64 << 32) % n;
            while (product as u32 as u64) < threshold {
                product = (self.next_u64() >> 32) * n;
            }
        }
        (product >> 32) as u32
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal, by Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// Puts `slice` in uniform random order (Fisher-Yates).
    ///
    /// # Panics
    /// Where the slice has 2^32 elements or more.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        assert!(u32::try_from(slice.len()).is_ok(), "a slice of fewer than 2^32 elements");
        for last in (1..slice.len()).rev() {
            slice.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}
