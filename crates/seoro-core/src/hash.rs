//! A hash that stays the same between runs, machines and versions.

/// FNV-1a of 64 bits (Fowler, Noll and Vo): to tell data apart, not against forgery.
///
/// ```
/// let mut hash = seoro_core::hash::Fnv1a::new();
/// hash.bytes(b"foobar");
/// assert_eq!(hash.value(), 0x85944171f73967e8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv1a {
    /// The hash of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes, one step each.
    pub fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.word(u64::from(byte)));
    }

    /// Adds a whole word in one step: faster than, and another hash than, that of its bytes.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// The hash of what was added.
    pub fn value(self) -> u64 {
        self.0
    }
}
