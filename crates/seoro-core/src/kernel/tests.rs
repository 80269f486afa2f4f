//! Every level that this machine has, held to the scalar reference.

use super::scalar;
use crate::Seed;

/// The versions of a kernel that this machine can run.
macro_rules! levels {
    ($name:ident, $type:ty) => {{
        let mut versions: Vec<(&str, $type)> = vec![("portable", crate::kernel::portable::$name)];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                versions.push(("avx2", crate::kernel::avx2::$name));
            }
            if std::arch::is_x86_feature_detected!("avx512f") {
                versions.push(("avx512", crate::kernel::avx512::$name));
            }
        }
        versions
    }};
}

mod blocks;
mod lines;
mod optimize;
mod select;

/// Every length below 200 at every distance to a vector's boundary that matters; fewer where Miri interprets.
fn slices() -> impl Iterator<Item = (usize, usize)> {
    let step = if cfg!(miri) { 83 } else { 1 };
    (0..200).step_by(step).flat_map(|len| [0, 1, 3, 7].map(|offset| (len, offset)))
}

fn numbers(name: &str, len: usize) -> Vec<f32> {
    let mut rng = Seed::new(11).child(name).rng();
    (0..len).map(|_| rng.normal() as f32).collect()
}

/// The stated tolerance: `len · 2^-24` of the terms' absolute sum, what any order of additions keeps to.
fn assert_near(what: &str, found: f32, expected: f32, len: usize, absolute: f32) {
    let tolerance = (len + 2) as f32 * absolute * f32::EPSILON / 2.0;
    assert!((found - expected).abs() <= tolerance, "{what}, length {len}: {found}, expected {expected}");
}

type Reduce2 = unsafe fn(&[f32], &[f32]) -> f32;

fn check_reduction(name: &str, versions: &[(&str, Reduce2)], reference: fn(&[f32], &[f32]) -> f32) {
    let (a, b) = (numbers("a", 207), numbers("b", 207));
    for (len, offset) in slices() {
        let (a, b) = (&a[offset..offset + len], &b[offset / 2..offset / 2 + len]);
        let terms = |a: f32, b: f32| reference(&[a], &[b]).abs();
        let absolute = a.iter().zip(b).map(|(&a, &b)| terms(a, b)).sum();
        let mut vectors = Vec::new();
        for (level, kernel) in versions {
            // SAFETY: `levels` lists only what the processor has.
            let found = unsafe { kernel(a, b) };
            assert_near(&format!("{name} {level}"), found, reference(a, b), len, absolute);
            if *level != "portable" {
                vectors.push(found.to_bits());
            }
        }
        assert!(
            vectors.windows(2).all(|pair| pair[0] == pair[1]),
            "{name}: the vector levels agree to the bit"
        );
    }
}

#[test]
fn dot_is_near_the_reference() {
    check_reduction("dot", &levels!(dot, Reduce2), scalar::dot);
}

#[test]
fn squared_l2_is_near_the_reference() {
    check_reduction("squared_l2", &levels!(squared_l2, Reduce2), scalar::squared_l2);
}

#[test]
fn numbers_of_16_bits_are_compared_as_if_widened() {
    type Halved = unsafe fn(&[f32], &[u16]) -> f32;
    let (a, b) = (numbers("a", 300), numbers("b", 300));
    let halves: Vec<u16> = b.iter().map(|x| (x.to_bits() >> 16) as u16).collect();
    let wide: Vec<f32> = halves.iter().map(|&half| f32::from_bits(u32::from(half) << 16)).collect();
    for (halved, whole) in [
        (levels!(dot_bf16, Halved), levels!(dot, Reduce2)),
        (levels!(squared_l2_bf16, Halved), levels!(squared_l2, Reduce2)),
    ] {
        for ((level, halved), (_, whole)) in halved.into_iter().zip(whole) {
            for len in [0, 1, 15, 16, 63, 64, 100, 300] {
                // SAFETY: `levels` lists only what the processor has.
                let (halved, whole) =
                    unsafe { (halved(&a[..len], &halves[..len]), whole(&a[..len], &wide[..len])) };
                assert_eq!(halved.to_bits(), whole.to_bits(), "{level}, length {len}");
            }
        }
    }
}

#[test]
fn a_distance_within_its_limit_is_whole_and_one_beyond_is_above_it() {
    let (a, b) = (numbers("a", 900), numbers("b", 900));
    let whole = levels!(squared_l2, Reduce2);
    let versions = levels!(squared_l2_within, unsafe fn(&[f32], &[f32], f32) -> f32);
    for ((level, within), (_, whole)) in versions.into_iter().zip(whole) {
        for len in [0, 1, 16, 63, 64, 100, 128, 200, 784, 900] {
            let (a, b) = (&a[..len], &b[..len]);
            // SAFETY: `levels` lists only what the processor has.
            let expected = unsafe { whole(a, b) };
            for limit in [expected, expected * 2.0, f32::INFINITY] {
                // SAFETY: as above.
                let found = unsafe { within(a, b, limit) };
                assert_eq!(found.to_bits(), expected.to_bits(), "{level}, length {len}");
            }
            for limit in [0.0, expected * 0.3, expected * 0.99] {
                // SAFETY: as above.
                let found = unsafe { within(a, b, limit) };
                assert!(len == 0 || (found > limit && found <= expected), "{level}, length {len}: {found}");
            }
        }
    }
}

#[test]
fn a_prefetch_changes_nothing() {
    let data = numbers("data", 207);
    let before = data.clone();
    (0..207).for_each(|start| super::prefetch(&data[start..]));
    super::prefetch::<u64>(&[]);
    assert_eq!(data, before);
}

#[test]
fn sum_is_near_the_reference() {
    let x = numbers("x", 207);
    for (level, kernel) in levels!(sum, unsafe fn(&[f32]) -> f32) {
        for (len, offset) in slices() {
            let x = &x[offset..offset + len];
            // SAFETY: `levels` lists only what the processor has.
            let found = unsafe { kernel(x) };
            assert_near(level, found, scalar::sum(x), len, x.iter().map(|x| x.abs()).sum());
        }
    }
}

#[test]
fn axpy_is_near_the_reference() {
    let (x, y) = (numbers("x", 207), numbers("y", 207));
    for (level, kernel) in levels!(axpy, unsafe fn(f32, &[f32], &mut [f32])) {
        for (len, offset) in slices() {
            let (x, mut found) = (&x[offset..offset + len], y.clone());
            let mut expected = y.clone();
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(0.7, x, &mut found[offset / 2..offset / 2 + len]) };
            scalar::axpy(0.7, x, &mut expected[offset / 2..offset / 2 + len]);
            for place in 0..y.len() {
                assert_near(level, found[place], expected[place], 1, 1.0 + expected[place].abs());
            }
        }
    }
}

fn assert_all_near(what: &str, found: &[f32], expected: &[f32]) {
    for (&found, &expected) in found.iter().zip(expected) {
        assert_near(what, found, expected, 3, 2.0 + expected.abs());
    }
}

#[test]
fn attract_is_near_the_reference() {
    for (level, kernel) in levels!(attract, unsafe fn(f32, f32, &mut [f32], &mut [f32])) {
        for (len, offset) in slices() {
            let (mut x, mut y) = (numbers("x", 207), numbers("y", 207));
            let (mut expected_x, mut expected_y) = (x.clone(), y.clone());
            let (rows, row) = (offset..offset + len, offset / 2..offset / 2 + len);
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(0.9, 0.3, &mut x[rows.clone()], &mut y[row.clone()]) };
            scalar::attract(0.9, 0.3, &mut expected_x[rows], &mut expected_y[row]);
            assert_all_near(level, &x, &expected_x);
            assert_all_near(level, &y, &expected_y);
        }
    }
}

#[test]
fn attract_repel_is_near_the_reference() {
    type Kernel = unsafe fn(f32, f32, &mut [f32], &mut [f32], &mut [f32]);
    for (level, kernel) in levels!(attract_repel, Kernel) {
        for (len, offset) in slices() {
            let mut found = ["x", "y", "z"].map(|name| numbers(name, 207));
            let mut expected = found.clone();
            let rows = offset..offset + len;
            let [x, y, z] = found.each_mut().map(|row| &mut row[rows.clone()]);
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(0.9, 0.3, x, y, z) };
            let [x, y, z] = expected.each_mut().map(|row| &mut row[rows.clone()]);
            scalar::attract_repel(0.9, 0.3, x, y, z);
            found.iter().zip(&expected).for_each(|(found, expected)| assert_all_near(level, found, expected));
        }
    }
}

#[test]
fn dot_rows_is_dot_to_the_bit() {
    let (query, rows) = (numbers("query", 100), numbers("rows", 700));
    let versions = levels!(dot_rows, unsafe fn(&[f32], &[f32], &mut [f32]));
    for ((_, kernel), (_, dot)) in versions.into_iter().zip(levels!(dot, Reduce2)) {
        for dim in [0, 1, 15, 16, 50, 64, 100] {
            let mut out = [f32::NAN; 7];
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(&query[..dim], &rows[..7 * dim], &mut out) };
            for (row, out) in out.iter().enumerate() {
                // SAFETY: as above.
                let expected = unsafe { dot(&query[..dim], &rows[row * dim..(row + 1) * dim]) };
                assert_eq!(out.to_bits(), expected.to_bits());
            }
        }
    }
}

#[test]
fn dot_named_is_dot_to_the_bit() {
    let (query, rows) = (numbers("query", 600), numbers("rows", 7 * 600));
    let indices = [6, 0, 0, 3, 5];
    let versions = levels!(dot_named, unsafe fn(&[f32], &[u32], &[f32], &mut [f32]));
    for ((_, kernel), (_, dot)) in versions.into_iter().zip(levels!(dot, Reduce2)) {
        for dim in [0, 1, 15, 16, 50, 64, 100, 600] {
            let mut out = [f32::NAN; 5];
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(&query[..dim], &indices, &rows[..7 * dim], &mut out) };
            for (&index, out) in indices.iter().zip(out) {
                // SAFETY: as above.
                let expected = unsafe { dot(&query[..dim], &rows[index as usize * dim..][..dim]) };
                assert_eq!(out.to_bits(), expected.to_bits());
            }
        }
    }
}

#[test]
fn weighted_rows_is_near_a_sum_of_axpys() {
    let (weights, rows) = (numbers("weights", 4), numbers("rows", 5 * 150));
    let indices = [4, 0, 2, 4];
    for (level, kernel) in levels!(weighted_rows, unsafe fn(&[u32], &[f32], &[f32], &mut [f32])) {
        for dim in (0..150).step_by(if cfg!(miri) { 37 } else { 1 }) {
            let (mut found, mut expected) = (vec![f32::NAN; dim], vec![0.0; dim]);
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(&indices, &weights, &rows[..5 * dim], &mut found) };
            for (&index, &weight) in indices.iter().zip(&weights) {
                scalar::axpy(weight, &rows[index as usize * dim..][..dim], &mut expected);
            }
            for (&found, &expected) in found.iter().zip(&expected) {
                assert_near(level, found, expected, 4, 20.0);
            }
        }
    }
}

/// The distance in units in the last place of `expected`, an exact value.
fn ulps(found: f32, expected: f64) -> f64 {
    let nearest = expected as f32;
    (f64::from(found) - expected).abs() / f64::from(nearest.next_up() - nearest)
}

/// Arguments over the whole range where the exponential is a normal number.
fn arguments() -> impl Iterator<Item = f32> {
    let steps = if cfg!(miri) { 50 } else { 400_000 };
    (0..=steps).map(move |step| -87.3 + 176.0 * (step as f32 / steps as f32))
}

#[test]
fn exp_keeps_its_error_bound() {
    for (level, kernel) in levels!(exp, unsafe fn(&mut [f32])) {
        let x: Vec<f32> = arguments().collect();
        let mut found = x.clone();
        // SAFETY: `levels` lists only what the processor has.
        unsafe { kernel(&mut found) };
        let worst =
            x.iter().zip(&found).map(|(&x, &found)| ulps(found, f64::from(x).exp())).fold(0.0, f64::max);
        assert!(worst <= 2.0, "{level}: {worst} units in the last place");
        let mut edges = [0.0, -0.0, -87.4, -1e30, f32::NEG_INFINITY, 88.73, f32::INFINITY, f32::NAN];
        // SAFETY: as above.
        unsafe { kernel(&mut edges) };
        assert_eq!(edges[..5], [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(edges[5..7], [f32::INFINITY; 2]);
        assert!(edges[7].is_nan());
    }
}

#[test]
fn sigmoids_keep_their_error_bounds() {
    for (level, kernel) in levels!(sigmoid_all, unsafe fn(&mut [f32])) {
        let x: Vec<f32> = arguments().collect();
        let mut found = x.clone();
        // SAFETY: `levels` lists only what the processor has.
        unsafe { kernel(&mut found) };
        for (&x, &found) in x.iter().zip(&found) {
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            // What the exponential cannot hold is 0 or 1.
            let bound = if x < -87.0 { f64::INFINITY } else { 4.0 };
            assert!(ulps(found, exact) <= bound, "{level}: sigmoid({x}) = {found}, expected {exact}");
            assert!(ulps(super::sigmoid(x), exact) <= bound, "sigmoid({x})");
            let exact = f64::from(x).min(0.0) - (-f64::from(x).abs()).exp().ln_1p();
            let bound = if x > 87.0 { f64::INFINITY } else { 4.0 };
            assert!(ulps(super::log_sigmoid(x), exact) <= bound, "log_sigmoid({x})");
        }
    }
    assert_eq!(super::sigmoid(f32::NEG_INFINITY), 0.0);
    assert_eq!(super::sigmoid(f32::INFINITY), 1.0);
    assert_eq!(super::log_sigmoid(f32::NEG_INFINITY), f32::NEG_INFINITY);
    assert!(super::sigmoid(f32::NAN).is_nan() && super::log_sigmoid(f32::NAN).is_nan());
}

#[test]
fn the_largest_difference_is_found_and_the_first_of_equal_ones() {
    let mut rng = Seed::new(5).child("argmax").rng();
    let versions = levels!(argmax_less, unsafe fn(&[f32], &[f32]) -> usize);
    for (len, offset) in slices() {
        // Few distinct values, so that ties are many.
        let mut scores: Vec<f32> = (0..len + offset).map(|_| rng.below(6) as f32).collect();
        let less: Vec<f32> = (0..len + offset).map(|_| rng.below(3) as f32).collect();
        if let Some(score) = scores.get_mut(offset + len / 2).filter(|_| len % 3 == 0) {
            *score = f32::NAN;
        }
        let (scores, less) = (&scores[offset..], &less[offset..]);
        for (level, kernel) in &versions {
            // SAFETY: `levels` lists only what the processor has.
            let found = unsafe { kernel(scores, less) };
            assert_eq!(found, scalar::argmax_less(scores, less), "{level}, length {len}");
        }
    }
    let never = [f32::NEG_INFINITY, f32::NAN];
    versions.iter().for_each(|(_, kernel)| {
        // SAFETY: as above.
        assert_eq!(unsafe { kernel(&never, &[0.0; 2]) }, 0);
    });
}

#[test]
fn sums_looked_up_by_four_bits_equal_their_definition() {
    let mut rng = Seed::new(5).child("scan").rng();
    for (pairs, blocks) in [(0, 2), (1, 1), (3, 0), (3, 2), (25, 3), (128, 1), (140, 1)] {
        let mut bytes = |len: usize| -> Vec<u8> { (0..len).map(|_| rng.below(256) as u8).collect() };
        let (mut tables, codes) = (bytes(pairs * 32), bytes(blocks * pairs * 32));
        if pairs == 128 {
            tables.fill(255);
        }
        let mut expected = vec![0u16; blocks * 32];
        for (vector, sum) in expected.iter_mut().enumerate() {
            for part in 0..2 * pairs {
                let byte = codes[(vector / 32 * pairs + part / 2) * 32 + part % 2 * 16 + vector % 16];
                let code = if vector % 32 < 16 { byte & 15 } else { byte >> 4 };
                *sum = sum.wrapping_add(u16::from(tables[part * 16 + usize::from(code)]));
            }
        }
        let mut found = vec![7; blocks * 32];
        super::scan4(&tables, &codes, &mut found);
        assert_eq!(found, expected, "{pairs} pairs");
        found.fill(7);
        super::scan4::portable(tables.as_chunks().0, &codes, &mut found);
        assert_eq!(found, expected, "{pairs} pairs, portable");
    }
}

#[test]
fn sums_are_scaled() {
    let less = numbers("less", 100);
    let sums: Vec<u16> = (0..100).map(|place| place * 600).collect();
    for (level, kernel) in levels!(scale_sums, unsafe fn(&[u16], f32, f32, &[f32], &mut [f32])) {
        for less in [&less[..], &[]] {
            let mut out = vec![0.0; 100];
            // SAFETY: `levels` lists only what the processor has.
            unsafe { kernel(&sums, 0.25, -3.0, less, &mut out) };
            for (place, &out) in out.iter().enumerate() {
                let expected = f32::from(sums[place]) * 0.25 - 3.0 - less.get(place).unwrap_or(&0.0);
                assert!(
                    (out - expected).abs() <= 1e-6 * (1.0 + expected.abs()),
                    "{level}: {out}, {expected}"
                );
            }
        }
    }
}

#[test]
fn the_nearest_column_is_found_and_the_first_of_equal_ones() {
    let mut rng = Seed::new(5).child("columns").rng();
    let versions = levels!(nearest_column, unsafe fn(&[f32], &[f32], &[f32]) -> usize);
    for columns in [0, 16, 32, 64, 80, 256] {
        for len in [0, 1, 2, 5, 8] {
            // Whole numbers, which no order of additions rounds, and few, so that ties are many.
            let mut whole = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.below(4) as f32).collect() };
            let (point, less) = (whole(len), whole(columns));
            let rows = whole(len * columns);
            for (level, kernel) in &versions {
                // SAFETY: `levels` lists only what the processor has.
                let found = unsafe { kernel(&point, &rows, &less) };
                assert_eq!(
                    found,
                    scalar::nearest_column(&point, &rows, &less),
                    "{level}, {columns} of {len}"
                );
            }
        }
    }
}
