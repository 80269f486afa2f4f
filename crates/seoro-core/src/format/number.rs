//! Decimal numbers, read exactly and without allocation.

/// The longest run of digits that is read without a check for overflow.
const SAFE_DIGITS: usize = 18;

/// Powers of ten that `f32` holds exactly.
const POWERS: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// The digits from `at` on: their number and where they end; `None` where there are none or too many.
#[inline(always)]
pub(super) fn digits(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (mut number, mut end) = match bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()) {
        Some(eight) => {
            let (number, count) = eight_digits(u64::from_le_bytes(eight));
            (number, at + count)
        }
        None => (0, at),
    };
    if end == at || end == at + 8 {
        while let Some(digit) = bytes.get(end).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10)
        {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            end += 1;
        }
    }
    (end > at && end - at <= SAFE_DIGITS).then_some((number, end))
}

/// The number that the leading digits among eight bytes make, the first in the lowest byte, and how many they are: one
/// step for all of them, since a loop over digits guesses wrongly where numbers end.
#[inline(always)]
fn eight_digits(bytes: u64) -> (u64, usize) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = bytes ^ (ONES * u64::from(b'0'));
    // The high bit of every byte above 9; a carry can only spoil bytes after the first of them.
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & (ONES * 0x80);
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros in front; then pairs, fours and eights of digits are joined.
    let digits = digits << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    (low.wrapping_add(high) >> 32, count)
}

/// A finite number, correctly rounded.
pub(super) fn value(field: &[u8]) -> Option<f32> {
    if let Some((value, end)) = short_value(field, 0)
        && end == field.len()
    {
        return Some(value);
    }
    let starts_well = matches!(field.first(), Some(b'0'..=b'9' | b'.' | b'-' | b'+'));
    let text = std::str::from_utf8(field).ok().filter(|_| starts_well)?;
    text.parse::<f32>().ok().filter(|value| value.is_finite())
}

/// A short unsigned decimal from `at` on, and where it ends: digits and power of ten are exact in `f32`, so that the one
/// division rounds correctly.
#[inline(always)]
pub(super) fn short_value(bytes: &[u8], at: usize) -> Option<(f32, usize)> {
    let (whole, end) = digits(bytes, at)?;
    if bytes.get(end) != Some(&b'.') {
        return (whole < 1 << 24).then_some((whole as f32, end));
    }
    let (fraction, fraction_end) = digits(bytes, end + 1)?;
    let places = fraction_end - end - 1;
    if places >= POWERS.len() || whole >= 1 << 24 {
        return None;
    }
    let digits = whole * 10u64.pow(places as u32) + fraction;
    (digits < 1 << 24).then(|| (digits as f32 / POWERS[places], fraction_end))
}

/// A moment in Unix milliseconds, from a number of units of `ms` milliseconds; finer fractions are cut off.
pub(super) fn moment(field: &[u8], ms: i64) -> Option<i64> {
    let (negative, start) = match field.first()? {
        b'-' => (true, 1),
        _ => (false, 0),
    };
    let exact = digits(field, start).and_then(|(whole, end)| {
        let whole = i64::try_from(whole).ok()?.checked_mul(ms)?;
        match field.get(end) {
            None => Some(whole),
            Some(b'.') => {
                let fraction = &field[end + 1..];
                fraction.iter().all(u8::is_ascii_digit).then_some(())?;
                Some(whole.checked_add(milliseconds(fraction, ms))?)
            }
            Some(_) => None,
        }
    });
    match exact {
        Some(time) => Some(if negative { -time } else { time }),
        None => scientific(field, ms),
    }
}

/// The fraction's milliseconds, of a unit of `ms` of them.
fn milliseconds(fraction: &[u8], ms: i64) -> i64 {
    let mut left = ms;
    let mut sum = 0;
    for digit in fraction {
        left /= 10;
        sum += left * i64::from(digit - b'0');
    }
    sum
}

/// Times written like `9.78300760e8`.
fn scientific(field: &[u8], ms: i64) -> Option<i64> {
    if !field.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return None;
    }
    let time = std::str::from_utf8(field).ok()?.parse::<f64>().ok()? * ms as f64;
    (time.abs() < 9e18).then_some(time.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_milliseconds() {
        assert_eq!(moment(b"1396437466.94", 1000), Some(1_396_437_466_940));
        assert_eq!(moment(b"978300760", 1000), Some(978_300_760_000));
        assert_eq!(moment(b"1650812741436", 1), Some(1_650_812_741_436));
        assert_eq!(moment(b"1650812741436.9", 1), Some(1_650_812_741_436));
        assert_eq!(moment(b"-1.5", 1000), Some(-1500));
        assert_eq!(moment(b"1.0019", 1000), Some(1001));
        assert_eq!(moment(b"9.78300760e8", 1000), Some(978_300_760_000));
        for bad in ["", "-", "nan", "inf", "1e30", "12a", "1.2.3", "999999999999999999", " 1"] {
            assert_eq!(moment(bad.as_bytes(), 1000), None, "{bad}");
        }
    }

    #[test]
    fn values_are_finite_numbers() {
        for bad in ["", "-", "nan", "NaN", "inf", "-inf", "infinity", "1e39", "5x", "0x1", " 5", "5 "] {
            assert_eq!(value(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(value(b"4.5"), Some(4.5));
        assert_eq!(value(b"+.5e1"), Some(5.0));
    }

    proptest! {
        #[test]
        fn digits_are_read_up_to_the_first_other_byte(text in "[0-9]{0,20}", rest in proptest::collection::vec(any::<u8>(), 0..12)) {
            let bytes = [b"x", text.as_bytes(), &rest].concat();
            let run = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let expected = std::str::from_utf8(&bytes[1..1 + run]).ok().filter(|run| run.len() <= 18);
            let expected = expected.and_then(|run| run.parse::<u64>().ok()).map(|number| (number, 1 + run));
            prop_assert_eq!(digits(&bytes, 1), expected);
        }

        #[test]
        fn short_decimals_are_what_the_standard_library_reads(whole in 0u32..20_000_000, places in 0usize..8, fraction in 0u32..10_000_000) {
            let text = if places == 0 { format!("{whole}") } else { format!("{whole}.{:0places$}", fraction % 10u32.pow(places as u32)) };
            prop_assert_eq!(value(text.as_bytes()), text.parse::<f32>().ok());
        }
    }
}
