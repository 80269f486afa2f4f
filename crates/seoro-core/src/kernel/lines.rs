//! Numbers that many threads read and change at once (Hogwild), moved by vector instructions.
//!
//! Two numbers stand in an atomic of 64 bits, so that there is no data race by the language's rules; of two changes to one
//! number at once, one may be lost. The language has no atomics of the length of a vector. Assembly has: processors with AVX
//! load and store 16 aligned bytes as one (AMD64 manual, volume 2, 7.3.2; Intel's, volume 3, 10.1.1), so that an instruction
//! below does no other than two relaxed accesses could.

use super::{Level, level};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Numbers of a line.
pub const LINE: usize = 16;

/// A line of the cache: 16 numbers that threads share.
#[repr(align(64))]
#[derive(Debug, Default)]
pub struct Line([AtomicU64; LINE / 2]);

/// Copies shared numbers.
///
/// # Panics
/// Where `out` has not [`LINE`] numbers for each line.
#[inline]
pub fn read_lines(lines: &[Line], out: &mut [f32]) {
    let out = whole(out, lines);
    match level() {
        // SAFETY: `level` has found AVX2, and so AVX.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx::read(lines, out) },
        Level::Portable => portable::read(lines, out),
    }
}

/// Puts numbers in the place of shared ones.
///
/// # Panics
/// Where there are not [`LINE`] numbers for each line.
#[inline]
pub fn write_lines(lines: &[Line], numbers: &[f32]) {
    let numbers = whole_of(numbers, lines);
    match level() {
        // SAFETY: `level` has found AVX2, and so AVX.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx::write(lines, numbers) },
        Level::Portable => portable::write(lines, numbers),
    }
}

/// Adds `now − before` to shared numbers.
///
/// # Panics
/// Where there are not [`LINE`] numbers of both for each line.
#[inline]
pub fn move_lines(lines: &[Line], now: &[f32], before: &[f32]) {
    let (now, before) = (whole_of(now, lines), whole_of(before, lines));
    match level() {
        // SAFETY: `level` has found AVX2, and so AVX.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { avx::shift(lines, now, before) },
        Level::Portable => portable::shift(lines, now, before),
    }
}

fn whole_of<'a>(numbers: &'a [f32], lines: &[Line]) -> &'a [[f32; LINE]] {
    assert_eq!(numbers.len(), lines.len() * LINE, "whole lines");
    numbers.as_chunks().0
}

fn whole<'a>(numbers: &'a mut [f32], lines: &[Line]) -> &'a mut [[f32; LINE]] {
    assert_eq!(numbers.len(), lines.len() * LINE, "whole lines");
    numbers.as_chunks_mut().0
}

pub(super) mod portable {
    use super::*;

    fn join([low, high]: [f32; 2]) -> u64 {
        u64::from(low.to_bits()) | u64::from(high.to_bits()) << 32
    }

    fn split(bits: u64) -> [f32; 2] {
        [f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)]
    }

    pub(in super::super) fn read(lines: &[Line], out: &mut [[f32; LINE]]) {
        for (line, out) in lines.iter().zip(out) {
            for (pair, out) in line.0.iter().zip(out.as_chunks_mut::<2>().0) {
                *out = split(pair.load(Relaxed));
            }
        }
    }

    pub(in super::super) fn write(lines: &[Line], numbers: &[[f32; LINE]]) {
        for (line, numbers) in lines.iter().zip(numbers) {
            for (pair, numbers) in line.0.iter().zip(numbers.as_chunks::<2>().0) {
                pair.store(join(*numbers), Relaxed);
            }
        }
    }

    pub(in super::super) fn shift(lines: &[Line], now: &[[f32; LINE]], before: &[[f32; LINE]]) {
        for ((line, now), before) in lines.iter().zip(now).zip(before) {
            let steps = now.as_chunks::<2>().0.iter().zip(before.as_chunks::<2>().0);
            for (pair, (now, before)) in line.0.iter().zip(steps) {
                let [low, high] = split(pair.load(Relaxed));
                pair.store(join([low + (now[0] - before[0]), high + (now[1] - before[1])]), Relaxed);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx {
    use super::*;
    use std::arch::asm;
    use std::arch::x86_64::*;

    /// The numbers of a line, four at once.
    type Fours = [__m128; LINE / 4];

    #[inline]
    #[target_feature(enable = "avx")]
    fn load(line: &Line) -> Fours {
        let (a, b, c, d);
        // SAFETY: reads the line's 64 bytes, which are aligned, as relaxed loads of its atomics could; AVX is there.
        unsafe {
            asm!(
                "vmovaps {a}, [{line}]",
                "vmovaps {b}, [{line} + 16]",
                "vmovaps {c}, [{line} + 32]",
                "vmovaps {d}, [{line} + 48]",
                line = in(reg) line.0.as_ptr(),
                a = out(xmm_reg) a,
                b = out(xmm_reg) b,
                c = out(xmm_reg) c,
                d = out(xmm_reg) d,
                options(nostack, preserves_flags, readonly),
            );
        }
        [a, b, c, d]
    }

    #[inline]
    #[target_feature(enable = "avx")]
    fn store(line: &Line, [a, b, c, d]: Fours) {
        // SAFETY: writes the line's 64 bytes, which are aligned and may be changed behind a shared reference, as relaxed
        // stores to its atomics could; AVX is there.
        unsafe {
            asm!(
                "vmovaps [{line}], {a}",
                "vmovaps [{line} + 16], {b}",
                "vmovaps [{line} + 32], {c}",
                "vmovaps [{line} + 48], {d}",
                line = in(reg) line.0.as_ptr(),
                a = in(xmm_reg) a,
                b = in(xmm_reg) b,
                c = in(xmm_reg) c,
                d = in(xmm_reg) d,
                options(nostack, preserves_flags),
            );
        }
    }

    #[inline]
    #[target_feature(enable = "avx")]
    fn fours(numbers: &[f32; LINE]) -> Fours {
        let (parts, _) = numbers.as_chunks::<4>();
        // SAFETY: each pointer is of four numbers.
        std::array::from_fn(|part| unsafe { _mm_loadu_ps(parts[part].as_ptr()) })
    }

    #[target_feature(enable = "avx")]
    pub(in super::super) fn read(lines: &[Line], out: &mut [[f32; LINE]]) {
        for (line, out) in lines.iter().zip(out) {
            for (four, out) in load(line).into_iter().zip(out.as_chunks_mut::<4>().0) {
                // SAFETY: the pointer is of four numbers.
                unsafe { _mm_storeu_ps(out.as_mut_ptr(), four) };
            }
        }
    }

    #[target_feature(enable = "avx")]
    pub(in super::super) fn write(lines: &[Line], numbers: &[[f32; LINE]]) {
        for (line, numbers) in lines.iter().zip(numbers) {
            store(line, fours(numbers));
        }
    }

    #[target_feature(enable = "avx")]
    pub(in super::super) fn shift(lines: &[Line], now: &[[f32; LINE]], before: &[[f32; LINE]]) {
        for ((line, now), before) in lines.iter().zip(now).zip(before) {
            let (held, now, before) = (load(line), fours(now), fours(before));
            store(
                line,
                std::array::from_fn(|part| _mm_add_ps(held[part], _mm_sub_ps(now[part], before[part]))),
            );
        }
    }
}
