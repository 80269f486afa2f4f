//! Checksums of files, as manifests write them.

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::io::Read;

/// A file's checksum, written `kind:hex`: `sha256:506d64…`, `md5:c4d9ee…`, `git-blob:77a7c4…`.
///
/// `git-blob` is the name git gives to a file's content (SHA-1 over a header with its length and the content): it is
/// what a repository's listing tells of a file without serving it.
///
/// ```
/// use seoro_core::dataset::{Checksum, Digester};
/// let expected: Checksum = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
/// let mut digester = Digester::new(expected.kind(), 3);
/// digester.update(b"abc");
/// assert_eq!(digester.finish(), expected);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum {
    kind: ChecksumKind,
    hex: String,
}

/// How a [`Checksum`] is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumKind {
    /// SHA-256.
    Sha256,
    /// MD5: good against accidents only.
    Md5,
    /// The id of a git blob of this content.
    GitBlob,
}

impl ChecksumKind {
    const ALL: [Self; 3] = [Self::Sha256, Self::Md5, Self::GitBlob];

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Md5 => "md5",
            Self::GitBlob => "git-blob",
        }
    }

    /// The number of hexadecimal digits.
    fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Md5 => 32,
            Self::GitBlob => 40,
        }
    }
}

/// A text that is no checksum.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{text:?} is no checksum; expected sha256:, md5: or git-blob: and 64, 32 or 40 lower-case hexadecimal digits"
)]
pub struct NoChecksum {
    /// The text.
    pub text: String,
}

impl Checksum {
    /// How it is made.
    pub fn kind(&self) -> ChecksumKind {
        self.kind
    }

    /// The checksum of everything `reader` gives; `bytes` is its length, which only a git blob's id needs beforehand.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of(kind: ChecksumKind, bytes: u64, reader: &mut dyn Read) -> std::io::Result<Self> {
        let mut digester = Digester::new(kind, bytes);
        std::io::copy(reader, &mut digester)?;
        Ok(digester.finish())
    }
}

impl std::str::FromStr for Checksum {
    type Err = NoChecksum;

    fn from_str(text: &str) -> Result<Self, NoChecksum> {
        let sound = |(kind, hex): (&str, &str)| {
            let kind = ChecksumKind::ALL.into_iter().find(|known| known.name() == kind)?;
            let digits = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            (digits && hex.len() == kind.digits()).then(|| Self { kind, hex: hex.to_owned() })
        };
        text.split_once(':').and_then(sound).ok_or_else(|| NoChecksum { text: text.to_owned() })
    }
}

impl TryFrom<String> for Checksum {
    type Error = NoChecksum;

    fn try_from(text: String) -> Result<Self, NoChecksum> {
        text.parse()
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.hex)
    }
}

/// A checksum in the making: write the content into it.
#[derive(Clone, Debug)]
pub struct Digester(State);

#[derive(Clone, Debug)]
enum State {
    Sha256(Sha256),
    Md5(Md5),
    GitBlob(Sha1),
}

impl Digester {
    /// Begins a checksum of a content of `bytes` bytes, a length which only a git blob's id needs.
    pub fn new(kind: ChecksumKind, bytes: u64) -> Self {
        Self(match kind {
            ChecksumKind::Sha256 => State::Sha256(Sha256::new()),
            ChecksumKind::Md5 => State::Md5(Md5::new()),
            ChecksumKind::GitBlob => State::GitBlob(Sha1::new_with_prefix(format!("blob {bytes}\0"))),
        })
    }

    /// Takes the next bytes of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::GitBlob(state) => state.update(bytes),
        }
    }

    /// The checksum of what was taken.
    pub fn finish(self) -> Checksum {
        let (kind, digest) = match self.0 {
            State::Sha256(state) => (ChecksumKind::Sha256, state.finalize().to_vec()),
            State::Md5(state) => (ChecksumKind::Md5, state.finalize().to_vec()),
            State::GitBlob(state) => (ChecksumKind::GitBlob, state.finalize().to_vec()),
        };
        let mut hex = String::with_capacity(kind.digits());
        for byte in digest {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Checksum { kind, hex }
    }
}

impl std::io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // FIPS 180-2, RFC 1321, and `printf 'hello\n' | git hash-object --stdin`.
        let cases = [
            ("abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("abc", "md5:900150983cd24fb0d6963f7d28e17f72"),
            ("hello\n", "git-blob:ce013625030ba8dba906f756967f9e9ca394464a"),
        ];
        for (content, expected) in cases {
            let expected: Checksum = expected.parse().unwrap();
            let made = Checksum::of(expected.kind(), content.len() as u64, &mut content.as_bytes()).unwrap();
            assert_eq!(made, expected);
        }
    }

    #[test]
    fn only_checksums_parse() {
        for text in ["", "sha256:", "md5:xyz", "sha1:00", "md5:900150983CD24FB0D6963F7D28E17F72"] {
            assert_eq!(text.parse::<Checksum>(), Err(NoChecksum { text: text.to_owned() }));
        }
    }
}
