//! Files that were changed, by chance and by design: reading them gives a typed error, or an index that answers.
//!
//! A test run tries a few hundred. `SEORO_MUTATION_SECONDS=600 cargo test -p seoro-ann mutated -- --nocapture` goes on
//! for that long, from a new place at each run, and prints how many it tried and what became of them. A case that fails
//! names its number, at which `SEORO_MUTATION_FIRST` starts.

use crate::files::{all, answers};
use crate::oracle::random;
use seoro_ann::{AnyIndex, Index, Metric, Neighbor, Verify};
use seoro_core::{Matrix, Rng, Seed};
use std::fmt::Debug;
use std::hash::Hasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use twox_hash::XxHash3_64;

/// An index that is saved, what it answers, and to what.
struct Base {
    bytes: Vec<u8>,
    queries: Matrix,
    answers: Vec<Vec<Neighbor>>,
}

fn bases(path: &Path) -> Vec<Base> {
    let mut bases = Vec::new();
    let shapes = [
        (70, 5, Metric::SquaredL2),
        (50, 33, Metric::InnerProduct),
        (40, 130, Metric::SquaredL2),
        (3, 1, Metric::Cosine),
        (0, 4, Metric::SquaredL2),
        (6, 0, Metric::SquaredL2),
    ];
    for (rows, dim, metric) in shapes {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(2, dim, "queries"));
        let ids: Vec<u64> = (0..rows as u64).map(|row| 3 * row + 1).collect();
        for ids in [None, Some(&ids[..])] {
            for mut index in all(&vectors, metric, ids) {
                if let AnyIndex::Forest(forest) = &mut index
                    && rows > 9
                {
                    [4u64, 7, 22].into_iter().for_each(|id| forest.delete(id).unwrap());
                    forest.add(1 << 40, vectors.row(0)).unwrap();
                }
                index.save(path).unwrap();
                let answers = answers(&index, &queries);
                bases.push(Base { bytes: std::fs::read(path).unwrap(), queries: queries.clone(), answers });
            }
        }
    }
    bases
}

const FIXED: usize = 64;
const ENTRY: usize = 48;

fn get(bytes: &[u8], place: usize) -> u64 {
    bytes.get(place..place + 8).map_or(0, |number| u64::from_le_bytes(number.try_into().unwrap()))
}

fn set(bytes: &mut [u8], place: usize, number: u64) {
    if let Some(own) = bytes.get_mut(place..place + 8) {
        own.copy_from_slice(&number.to_le_bytes());
    }
}

fn sections(bytes: &[u8]) -> usize {
    let claimed = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    claimed.min(bytes.len().saturating_sub(FIXED) / ENTRY)
}

/// Where a section's numbers are, as the table says, cut to the file.
fn range(bytes: &[u8], section: usize) -> std::ops::Range<usize> {
    let at = FIXED + ENTRY * section;
    let start = usize::try_from(get(bytes, at + 24)).unwrap_or(usize::MAX).min(bytes.len());
    let len = usize::try_from(get(bytes, at + 32)).unwrap_or(usize::MAX).min(bytes.len() - start);
    start..start + len
}

/// Makes the length and all checksums right again.
fn reseal(bytes: &mut [u8]) {
    if bytes.len() < FIXED {
        return;
    }
    let len = bytes.len() as u64;
    set(bytes, 24, len);
    for section in 0..sections(bytes) {
        let sum = XxHash3_64::oneshot(&bytes[range(bytes, section)]);
        set(bytes, FIXED + ENTRY * section + 40, sum);
    }
    let recipe = u32::from_le_bytes(bytes[36..40].try_into().unwrap()) as usize;
    let header = (FIXED + ENTRY * sections(bytes)).saturating_add(recipe).min(bytes.len());
    let mut hash = XxHash3_64::new();
    hash.write(&bytes[..16]);
    hash.write(&bytes[24..header]);
    set(bytes, 16, hash.finish());
}

fn below(rng: &mut Rng, limit: usize) -> usize {
    rng.below(limit.max(1) as u32) as usize
}

/// Gives a section other numbers, and the table and the places of those after it what that makes of them.
fn replace(bytes: &mut Vec<u8>, section: usize, numbers: Vec<u8>) {
    let count = sections(bytes);
    let mut held: Vec<Vec<u8>> = (0..count).map(|section| bytes[range(bytes, section)].to_vec()).collect();
    held[section] = numbers;
    let recipe = u32::from_le_bytes(bytes[36..40].try_into().unwrap()) as usize;
    bytes.truncate(FIXED + ENTRY * count + recipe);
    for (section, numbers) in held.iter().enumerate() {
        bytes.resize(bytes.len().next_multiple_of(64), 0);
        let (at, start) = (FIXED + ENTRY * section, bytes.len() as u64);
        set(bytes, at + 24, start);
        set(bytes, at + 32, numbers.len() as u64);
        bytes.extend(numbers);
    }
}

/// A number that may be where trouble is.
fn number(rng: &mut Rng, bytes: &[u8]) -> u64 {
    let rows = get(bytes, 48);
    let all = [
        0,
        1,
        rows,
        rows.wrapping_sub(1),
        rows.wrapping_add(1),
        2,
        1 << 30,
        1 << 31,
        (1 << 31) + 1,
        u64::from(u32::MAX),
        1 << 32,
        1 << 40,
        u64::MAX,
        u64::MAX / 8,
        u64::from(f32::NAN.to_bits()),
        u64::from(f32::INFINITY.to_bits()),
        u64::from(rng.below(200)),
    ];
    all[below(rng, all.len())]
}

/// Changes the bytes in one of many ways.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let (len, count) = (bytes.len(), sections(bytes));
    // A header's byte, one of any section alike, or any.
    let section = range(bytes, below(rng, count));
    let place = match rng.below(6) {
        0 => below(rng, (FIXED + ENTRY * count + 16).min(len)),
        1..=4 if !section.is_empty() => section.start + below(rng, section.len()),
        _ => below(rng, len),
    };
    match rng.below(12) {
        0 => bytes[place] ^= 1 << rng.below(8),
        1 => (0..=below(rng, 8)).for_each(|_| {
            let place = below(rng, len);
            bytes[place] = rng.below(256) as u8;
        }),
        2 | 3 => {
            let (at, number) = (place / 4 * 4, number(rng, bytes) as u32);
            bytes[at..(at + 4).min(len)].copy_from_slice(&number.to_le_bytes()[..(len - at).min(4)]);
        }
        4 => {
            let number = number(rng, bytes);
            set(bytes, place / 8 * 8, number);
        }
        5 => bytes.truncate(place),
        6 => bytes.extend((0..rng.below(300)).map(|_| 0x5a)),
        // A field of the header.
        7 => {
            let number = number(rng, bytes);
            let fields = [12, 32, 36, 40, 48, 56];
            match rng.below(2) {
                0 => set(bytes, fields[below(rng, fields.len())], number),
                _ => set(bytes, FIXED + ENTRY * below(rng, count) + 16 + 8 * below(rng, 3), number),
            }
        }
        // Two sections change places in the table, or one becomes another's copy, or another index's.
        8 if count > 1 => {
            let (a, b) = (below(rng, count), below(rng, count));
            let (a, b) = (FIXED + ENTRY * a, FIXED + ENTRY * b);
            (0..ENTRY).for_each(|byte| bytes.swap(a + byte, b + byte));
        }
        9 if count > 0 => {
            let from = if rng.below(2) == 0 { bytes.clone() } else { other.to_vec() };
            let numbers = from[range(&from, below(rng, sections(&from)))].to_vec();
            replace(bytes, below(rng, count), numbers);
        }
        // One element becomes as another of its section: links twice, cycles, rows twice.
        10 if section.len() > 8 => {
            let elements = section.len() / 4;
            let (from, to) = (below(rng, elements), below(rng, elements));
            let from = section.start + 4 * from;
            bytes.copy_within(from..from + 4, section.start + 4 * to);
        }
        // A section grows or shrinks.
        _ if count > 0 => {
            let which = below(rng, count);
            let mut numbers = bytes[range(bytes, which)].to_vec();
            let new =
                if rng.below(2) == 0 { below(rng, numbers.len()) } else { numbers.len() + below(rng, 400) };
            numbers.resize(new / 4 * 4, rng.below(2) as u8);
            replace(bytes, which, numbers);
        }
        _ => bytes[place] = !bytes[place],
    }
}

/// What became of files.
#[derive(Default, Debug)]
struct Tally {
    cases: u64,
    resealed: u64,
    refused: u64,
    served: u64,
    longest: Duration,
    errors: std::collections::BTreeMap<String, u64>,
}

/// The name of an error's variant, with its section.
fn label(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let section = text.split("section: \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
    format!("{} {section}", text.split(' ').next().unwrap_or(""))
}

/// Searches an index, and changes it where it can be; what it answered the queries that it was made for.
fn exercise(mut index: AnyIndex, queries: &Matrix) -> Option<Vec<Vec<Neighbor>>> {
    // Vectors of another dimension now, as the header says; without rows there may be very many.
    let is_same = index.dim() == queries.cols();
    if index.dim() > 1 << 16 {
        assert!(index.is_empty());
        return None;
    }
    let queries = if is_same { queries.clone() } else { random(1, index.dim(), "others") };
    let found = answers(&index, &queries);
    if let AnyIndex::Forest(forest) = &mut index {
        (0..30).for_each(|id| drop(forest.delete(id)));
        (500..540).for_each(|id| drop(forest.add(id, queries.row(0))));
        answers(forest, &queries);
    }
    is_same.then_some(found)
}

/// The time this thread has computed for, where the system says: others may keep it waiting for long.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match stat.split(' ').next().and_then(|nanos| nanos.parse().ok()) {
        Some(nanos) => Duration::from_nanos(nanos),
        None => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap(),
    }
}

/// One case: the number of it decides everything.
fn case(bases: &[Base], path: &Path, number: u64, tally: &mut Tally) {
    let mut rng = Seed::new(number).child("mutated").rng();
    let base = &bases[below(&mut rng, bases.len())];
    let other = &bases[below(&mut rng, bases.len())];
    let is_resealed = rng.below(2) == 0;
    let mut bytes = base.bytes.clone();
    for _ in 0..=below(&mut rng, 3) {
        if bytes.len() >= FIXED {
            mutate(&mut bytes, &other.bytes, &mut rng);
        }
    }
    if is_resealed {
        reseal(&mut bytes);
    }
    std::fs::write(path, &bytes).unwrap();
    tally.cases += 1;
    tally.resealed += u64::from(is_resealed);
    let start = spent();
    for (read, is_verified) in [
        (AnyIndex::load(path), true),
        (AnyIndex::map(path), true),
        (AnyIndex::map_with(path, Verify::Structure), false),
    ] {
        match read {
            Err(error) => {
                tally.refused += 1;
                *tally.errors.entry(label(&error)).or_default() += 1;
            }
            Ok(index) => {
                tally.served += 1;
                let found = exercise(index, &base.queries);
                let must_agree = is_verified && !is_resealed;
                assert!(!must_agree || found.as_ref() == Some(&base.answers), "another answer");
            }
        }
    }
    let took = spent() - start;
    tally.longest = tally.longest.max(took);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn mutated_files_are_refused_or_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let bases = bases(&path);
    let variable = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let (seconds, wanted) = (variable("SEORO_MUTATION_SECONDS"), variable("SEORO_MUTATION_FIRST"));
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let first = wanted.unwrap_or(if seconds.is_some() { since << 24 } else { 0 });
    let (start, mut tally) = (Instant::now(), Tally::default());
    for number in first.. {
        let is_over = match seconds {
            Some(seconds) => start.elapsed().as_secs() >= seconds,
            None => tally.cases == 600,
        };
        if is_over {
            break;
        }
        let done = catch_unwind(AssertUnwindSafe(|| case(&bases, &path, number, &mut tally)));
        assert!(done.is_ok(), "case {number}, see above");
    }
    println!("{:?}: {tally:#?}", start.elapsed());
    assert!(tally.refused > tally.cases && tally.served > tally.cases / 20, "{tally:?}");
}
