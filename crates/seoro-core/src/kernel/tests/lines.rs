//! Numbers that threads share.

use super::numbers;
use crate::kernel::lines::*;
use crate::kernel::{LINE, Line, move_lines, read_lines, write_lines};
use std::sync::atomic::{AtomicBool, Ordering};

fn lines(count: usize) -> Vec<Line> {
    (0..count).map(|_| Line::default()).collect()
}

/// What is held after a write and a move, by the functions that are asked for and by the portable ones.
#[test]
fn shared_numbers_are_moved_as_one_by_one() {
    for count in [0, 1, 7, 19] {
        let of = |name: &str| numbers(name, count * LINE);
        let (first, now, before) = (of("first"), of("now"), of("before"));
        let (ours, plain) = (lines(count), lines(count));
        write_lines(&ours, &first);
        portable::write(&plain, first.as_chunks().0);
        move_lines(&ours, &now, &before);
        portable::shift(&plain, now.as_chunks().0, before.as_chunks().0);
        let (mut found, mut expected) = (vec![f32::NAN; count * LINE], vec![f32::NAN; count * LINE]);
        read_lines(&ours, &mut found);
        portable::read(&plain, expected.as_chunks_mut().0);
        assert_eq!(found, expected);
        for (place, &found) in found.iter().enumerate() {
            assert_eq!(found, first[place] + (now[place] - before[place]));
        }
    }
}

/// Both numbers of an atomic are those of one write.
#[test]
fn pairs_are_never_torn() {
    let (shared, done) = (lines(4), AtomicBool::new(false));
    let rounds = if cfg!(miri) { 10 } else { 20_000 };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..rounds {
                write_lines(&shared, &[round as f32; 4 * LINE]);
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut seen = vec![0.0; 4 * LINE];
        while !done.load(Ordering::Relaxed) {
            read_lines(&shared, &mut seen);
            assert!(seen.as_chunks::<2>().0.iter().all(|[low, high]| low == high));
        }
    });
}
