//! Products of a few rows with a few rows, picked from larger arrays: the inner loops of negative sampling.
//!
//! Rows are blocked so that a number that is loaded takes part in several products.

use super::lanes::mul_add;

/// Numbers of a running sum of products.
const LANES: usize = 8;
/// Numbers of a row that are summed at once.
const WIDE: usize = 16;

type Lane = [f32; LANES];

/// The chosen rows of `data`, in lanes.
#[inline(always)]
fn pick<'a, const R: usize>(data: &'a [f32], width: usize, rows: &[u32]) -> [&'a [Lane]; R] {
    std::array::from_fn(|place| {
        let start = rows[place] as usize * width;
        data[start..start + width].as_chunks::<LANES>().0
    })
}

#[inline(always)]
fn reduce(sums: Lane) -> f32 {
    let four: [f32; 4] = std::array::from_fn(|lane| sums[lane] + sums[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
fn block<const FMA: bool, const A: usize, const B: usize>(a: [&[Lane]; A], b: [&[Lane]; B]) -> [[f32; B]; A] {
    let len = a[0].len();
    let (a, b) = (a.map(|row| &row[..len]), b.map(|row| &row[..len]));
    let mut sums = [[[0f32; LANES]; B]; A];
    for chunk in 0..len {
        for (sums, a) in sums.iter_mut().zip(&a) {
            for (sums, b) in sums.iter_mut().zip(&b) {
                for lane in 0..LANES {
                    sums[lane] = mul_add::<FMA>(a[chunk][lane], b[chunk][lane], sums[lane]);
                }
            }
        }
    }
    sums.map(|row| row.map(reduce))
}

#[inline(always)]
pub(super) fn products<const FMA: bool>(
    width: usize,
    a: &[f32],
    a_rows: &[u32],
    b: &[f32],
    b_rows: &[u32],
    out: &mut [f32],
) {
    let count = b_rows.len();
    if count == 0 {
        return;
    }
    let (pairs, single) = a_rows.as_chunks::<2>();
    let (out_pairs, out_single) = out.split_at_mut(pairs.len() * 2 * count);
    for (rows, out) in pairs.iter().zip(out_pairs.chunks_exact_mut(2 * count)) {
        products_of::<FMA, 2>(width, a, rows, b, b_rows, out);
    }
    for (row, out) in single.iter().zip(out_single.chunks_exact_mut(count)) {
        products_of::<FMA, 1>(width, a, &[*row], b, b_rows, out);
    }
}

/// The products of `A` rows with all of the others.
#[inline(always)]
fn products_of<const FMA: bool, const A: usize>(
    width: usize,
    a: &[f32],
    a_rows: &[u32; A],
    b: &[f32],
    b_rows: &[u32],
    out: &mut [f32],
) {
    let (a, count) = (pick::<A>(a, width, a_rows), b_rows.len());
    let mut put = |place: usize, sums: &[&[f32]; A]| {
        for (row, sums) in sums.iter().enumerate() {
            out[row * count + place..][..sums.len()].copy_from_slice(sums);
        }
    };
    let (fours, rest) = b_rows.as_chunks::<4>();
    for (place, rows) in fours.iter().enumerate() {
        let sums = block::<FMA, A, 4>(a, pick(b, width, rows));
        put(place * 4, &std::array::from_fn(|row| &sums[row][..]));
    }
    let (twos, ones) = rest.as_chunks::<2>();
    let mut place = fours.len() * 4;
    for rows in twos {
        let sums = block::<FMA, A, 2>(a, pick(b, width, rows));
        put(place, &std::array::from_fn(|row| &sums[row][..]));
        place += 2;
    }
    for rows in ones.as_chunks::<1>().0 {
        let sums = block::<FMA, A, 1>(a, pick(b, width, rows));
        put(place, &std::array::from_fn(|row| &sums[row][..]));
    }
}

#[inline(always)]
pub(super) fn add_products<const FMA: bool>(
    width: usize,
    weights: &[f32],
    steps: [usize; 2],
    from: &[f32],
    from_rows: &[u32],
    to: &mut [f32],
    to_rows: &[u32],
) {
    if from_rows.is_empty() {
        return;
    }
    let (fours, rest) = to_rows.as_chunks::<4>();
    for (place, rows) in fours.iter().enumerate() {
        add_to::<FMA, 4>(width, &weights[place * 4 * steps[0]..], steps, from, from_rows, to, rows);
    }
    let (twos, ones) = rest.as_chunks::<2>();
    let mut place = fours.len() * 4;
    for rows in twos {
        add_to::<FMA, 2>(width, &weights[place * steps[0]..], steps, from, from_rows, to, rows);
        place += 2;
    }
    for rows in ones.as_chunks::<1>().0 {
        add_to::<FMA, 1>(width, &weights[place * steps[0]..], steps, from, from_rows, to, rows);
    }
}

/// Adds to `R` rows; sums stay in registers while the other rows go by.
#[inline(always)]
fn add_to<const FMA: bool, const R: usize>(
    width: usize,
    weights: &[f32],
    steps: [usize; 2],
    from: &[f32],
    from_rows: &[u32],
    to: &mut [f32],
    to_rows: &[u32; R],
) {
    for start in (0..width).step_by(WIDE) {
        let mut sums = [[0f32; WIDE]; R];
        for (other, &row) in from_rows.iter().enumerate() {
            let at = row as usize * width + start;
            let numbers = &from[at..at + WIDE];
            for (place, sums) in sums.iter_mut().enumerate() {
                let weight = weights[place * steps[0] + other * steps[1]];
                for lane in 0..WIDE {
                    sums[lane] = mul_add::<FMA>(weight, numbers[lane], sums[lane]);
                }
            }
        }
        for (sums, &row) in sums.iter().zip(to_rows) {
            let at = row as usize * width + start;
            to[at..at + WIDE].iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
        }
    }
}
