//! A checksum of 64 bits over 8-byte words.
//!
//! Each step is a bijection of the state for a given word, and of the word for a given state: a change within one word
//! is always found, any other with probability 1 − 2^−64. It guards against damage, not against forgery.

use std::io::{self, Write};

/// A writer that sums what passes through it.
pub(super) struct Summing<W> {
    inner: W,
    state: u64,
    /// The bytes of a word that is not complete, and how many there are.
    word: [u8; 8],
    filled: usize,
    length: u64,
}

impl<W: Write> Summing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, state: 0x9e37_79b9_7f4a_7c15, word: [0; 8], filled: 0, length: 0 }
    }

    /// The writer, and the sum of all that was written.
    pub(super) fn finish(mut self) -> (W, u64) {
        self.word[self.filled..].fill(0);
        self.absorb(u64::from_le_bytes(self.word));
        self.absorb(self.length);
        (self.inner, self.state)
    }

    fn absorb(&mut self, word: u64) {
        self.state = (self.state ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32);
    }

    fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let head = if self.filled == 0 { 0 } else { bytes.len().min(8 - self.filled) };
        self.word[self.filled..self.filled + head].copy_from_slice(&bytes[..head]);
        self.filled += head;
        if self.filled == 8 {
            self.absorb(u64::from_le_bytes(self.word));
            self.filled = 0;
        }
        let (words, rest) = bytes[head..].as_chunks::<8>();
        words.iter().for_each(|&word| self.absorb(u64::from_le_bytes(word)));
        if !rest.is_empty() {
            self.word[..rest.len()].copy_from_slice(rest);
            self.filled = rest.len();
        }
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
