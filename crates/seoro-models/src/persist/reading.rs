//! Values from a file's bytes, for which no more is allocated than the file has left.

use postcard::de_flavors::Flavor;
use postcard::{Error, Result};
use std::io::Read;

/// The longest text (or all of them together) of a type that asks for a text it may borrow; few own types do.
const BORROWED: u64 = 1 << 20;

/// The bytes of a value, and how many are left of them.
pub(super) struct Bytes<'a, R> {
    reader: R,
    left: u64,
    /// The text at hand.
    text: Vec<u8>,
    /// Room for texts that are borrowed.
    borrowed: &'a mut [u8],
}

/// Room for the borrowed texts of `size` bytes.
pub(super) fn room(size: u64) -> Vec<u8> {
    vec![0; size.min(BORROWED) as usize]
}

impl<'a, R: Read> Bytes<'a, R> {
    pub(super) fn new(reader: R, size: u64, room: &'a mut [u8]) -> Self {
        Self { reader, left: size, text: Vec::new(), borrowed: room }
    }

    /// Counts `count` bytes as taken.
    fn take(&mut self, count: usize) -> Result<()> {
        self.left = self.left.checked_sub(count as u64).ok_or(Error::DeserializeUnexpectedEnd)?;
        Ok(())
    }
}

fn cut(_: std::io::Error) -> Error {
    Error::DeserializeUnexpectedEnd
}

impl<'a, R: Read + 'a> Flavor<'a> for Bytes<'a, R> {
    /// How many bytes are left over.
    type Remainder = u64;
    type Source = &'a [u8];

    #[inline]
    fn pop(&mut self) -> Result<u8> {
        self.take(1)?;
        let mut byte = [0];
        self.reader.read_exact(&mut byte).map_err(cut)?;
        Ok(byte[0])
    }

    fn try_take_n(&mut self, count: usize) -> Result<&'a [u8]> {
        self.take(count)?;
        let room = std::mem::take(&mut self.borrowed);
        let (bytes, rest) = room.split_at_mut_checked(count).ok_or(Error::DeserializeUnexpectedEnd)?;
        self.borrowed = rest;
        self.reader.read_exact(bytes).map_err(cut)?;
        Ok(bytes)
    }

    #[inline]
    fn try_take_n_temp<'b>(&'b mut self, count: usize) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        self.take(count)?;
        if count > self.text.len() {
            self.text.resize(count, 0);
        }
        let bytes = &mut self.text[..count];
        self.reader.read_exact(bytes).map_err(cut)?;
        Ok(bytes)
    }

    fn finalize(self) -> Result<u64> {
        Ok(self.left)
    }
}
