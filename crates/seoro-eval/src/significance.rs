//! Whether a difference is more than luck: intervals, paired tests, and the correction for asking many times.
//!
//! Compare two models by their values for the same cases ([`Evaluation::values`](crate::Evaluation::values)) or by their
//! means over the same seeds; the tests are two-sided.

use rayon::prelude::*;
use seoro_core::Seed;
use std::f64::consts::SQRT_2;

/// Why a question of significance has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignificanceError {
    /// Two lists that are not pairs.
    #[error("{a} values beside {b}; expected pairs")]
    Unpaired {
        /// Values of the first.
        a: usize,
        /// Values of the second.
        b: usize,
    },
    /// Too few values.
    #[error("{len} values; expected at least {expected}")]
    TooFew {
        /// How many there are.
        len: usize,
        /// How many it takes.
        expected: usize,
    },
    /// A value that is infinite or NaN.
    #[error("value {index} is {value}; expected a finite number")]
    NotFinite {
        /// Its place.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A level or probability outside its range.
    #[error("{value}; expected a probability")]
    Probability {
        /// The value.
        value: f64,
    },
    /// A bootstrap without resamples.
    #[error("0 resamples; expected at least 1")]
    NoResample,
    /// A metric that was not evaluated.
    #[error("no values of {metric}, which was not evaluated")]
    Unknown {
        /// The metric.
        metric: crate::Metric,
    },
}

/// The mean; NaN without values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of a sample, with n − 1 in the divisor; NaN with fewer than two values.
pub fn std(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The bootstrap percentile interval of the mean (Efron 1979): the central `level` of the means of `resamples` samples
/// drawn with replacement, quantiles interpolated linearly. The same for any number of threads.
///
/// ```
/// use seoro_core::Seed;
/// let values: Vec<f64> = (0..100).map(f64::from).collect();
/// let (low, high) = seoro_eval::significance::bootstrap(&values, 0.95, 1000, Seed::new(1))?;
/// assert!(low > 40.0 && low < 49.5 && 49.5 < high && high < 59.0);
/// # Ok::<(), seoro_eval::significance::SignificanceError>(())
/// ```
///
/// # Errors
/// No value, a value that is not finite, no resample, a level outside (0, 1).
pub fn bootstrap(
    values: &[f64],
    level: f64,
    resamples: usize,
    seed: Seed,
) -> Result<(f64, f64), SignificanceError> {
    sample(values, 1)?;
    if !(level > 0.0 && level < 1.0) {
        return Err(SignificanceError::Probability { value: level });
    }
    if resamples == 0 {
        return Err(SignificanceError::NoResample);
    }
    let n = values.len() as u32;
    let resample = |index: usize| {
        let mut rng = seed.index(index as u64).rng();
        (0..n).map(|_| values[rng.below(n) as usize]).sum::<f64>() / f64::from(n)
    };
    let mut means: Vec<f64> = (0..resamples).into_par_iter().map(resample).collect();
    means.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Ok((quantile(&means, tail), quantile(&means, 1.0 - tail)))
}

/// The quantile of rising values, linear between neighbours.
fn quantile(rising: &[f64], share: f64) -> f64 {
    let place = share * (rising.len() - 1) as f64;
    let (low, high) = (rising[place.floor() as usize], rising[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Test {
    /// The test's statistic.
    pub statistic: f64,
    /// How likely a statistic at least so extreme is, if there were no difference.
    pub p_value: f64,
}

/// Student's t-test of pairs (1908): t = d̄ ÷ (s_d ÷ √n) with n − 1 degrees of freedom.
///
/// Where all differences are the same, t is 0 with p = 1 or infinite with p = 0.
///
/// ```
/// use seoro_eval::significance::paired_t;
/// let test = paired_t(&[0.5, 0.7, 0.9, 0.6], &[0.4, 0.5, 0.8, 0.6])?;
/// assert!((test.statistic - 6f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), seoro_eval::significance::SignificanceError>(())
/// ```
///
/// # Errors
/// Fewer than two pairs, unpaired lists, values that are not finite.
pub fn paired_t(a: &[f64], b: &[f64]) -> Result<Test, SignificanceError> {
    let differences = differences(a, b, 2)?;
    let n = differences.len() as f64;
    let (mean, freedom) = (mean(&differences), n - 1.0);
    if mean == 0.0 {
        return Ok(Test { statistic: 0.0, p_value: 1.0 });
    }
    let statistic = mean / (std(&differences) / n.sqrt());
    // P(|T| ≥ t) = I_x(ν/2, 1/2) with x = ν ÷ (ν + t²): Abramowitz and Stegun 26.7.1.
    let square = statistic * statistic;
    let (x, rest) = (freedom / (freedom + square), (1.0 + freedom / square).recip());
    let p_value = regularised_beta(freedom / 2.0, 0.5, x, rest).clamp(0.0, 1.0);
    Ok(Test { statistic, p_value })
}

/// The regularised incomplete beta function I_x(a, b), with `rest` = 1 − x: DLMF 8.17.22, or by 8.17.4 from I_rest(b, a)
/// where that fraction converges faster.
fn regularised_beta(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    if x == 0.0 || rest == 0.0 {
        return x;
    }
    let ln_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = (a * x.ln() + b * rest.ln() - ln_beta).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front / (a * beta_fraction(a, b, x))
    } else {
        1.0 - front / (b * beta_fraction(b, a, rest))
    }
}

/// 1 + d₁/(1 + d₂/(1 + …)) of DLMF 8.17.23, from the front by Lentz's method (Thompson and Barnett 1986).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const STEPS: u32 = 10_000; // about √max(a, b) are taken
    let away_from_0 = |value: f64| if value == 0.0 { f64::MIN_POSITIVE } else { value };
    let (mut fraction, mut c, mut d) = (1.0, 1.0, 0.0);
    for step in 1..=STEPS {
        let m = f64::from(step / 2);
        let term = match step % 2 {
            0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        d = away_from_0(1.0 + term * d).recip();
        c = away_from_0(1.0 + term / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// The most pairs whose distribution is counted exactly: 2⁵⁰ sums are exact in f64.
const EXACT: usize = 50;

/// Wilcoxon's signed-rank test of pairs (1945); equal pairs are left out, as he did.
///
/// The statistic is the smaller of the two sums of ranks. Exact for at most 50 differing pairs without ties, else by the
/// normal approximation with corrections for ties and continuity (Hollander and Wolfe 1999, section 3.1). Where no pair
/// differs, p is 1.
///
/// ```
/// use seoro_eval::significance::wilcoxon;
/// let test = wilcoxon(&[5.0, 4.0, 7.0, 9.0], &[4.0, 2.0, 4.0, 5.0])?;
/// assert_eq!((test.statistic, test.p_value), (0.0, 0.125));
/// # Ok::<(), seoro_eval::significance::SignificanceError>(())
/// ```
///
/// # Errors
/// No pair, unpaired lists, values that are not finite.
pub fn wilcoxon(a: &[f64], b: &[f64]) -> Result<Test, SignificanceError> {
    let mut differences = differences(a, b, 1)?;
    differences.retain(|&difference| difference != 0.0);
    differences.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = differences.len() as f64;
    let (mut positive, mut ranked, mut ties) = (0.0, 0.0, 0.0);
    for group in differences.chunk_by(|a, b| a.abs() == b.abs()) {
        let len = group.len() as f64;
        let mean_rank = ranked + (len + 1.0) / 2.0;
        positive += mean_rank * group.iter().filter(|&&difference| difference > 0.0).count() as f64;
        ties += len.powi(3) - len;
        ranked += len;
    }
    let statistic = positive.min(n * (n + 1.0) / 2.0 - positive);
    let p_value = if differences.is_empty() {
        1.0
    } else if ties == 0.0 && differences.len() <= EXACT {
        (2.0 * signed_rank_cdf(statistic as usize, differences.len())).min(1.0)
    } else {
        let expected = n * (n + 1.0) / 4.0;
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
        let z = ((statistic - expected).abs() - 0.5).max(0.0) / variance.sqrt();
        libm::erfc(z / SQRT_2)
    };
    Ok(Test { statistic, p_value })
}

/// The probability that a random subset of 1..=n sums to at most `statistic`, by counting subsets of each sum.
fn signed_rank_cdf(statistic: usize, n: usize) -> f64 {
    let mut subsets = vec![0.0; statistic + 1];
    subsets[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..=statistic).rev() {
            subsets[sum] += subsets[sum - rank];
        }
    }
    subsets.iter().sum::<f64>() / 2f64.powi(n as i32)
}

/// Holm's step-down correction (1979): p-values adjusted for all being asked together, in the order given.
///
/// ```
/// let adjusted = seoro_eval::significance::holm(&[0.5, 0.01, 0.03])?;
/// assert_eq!(adjusted, [0.5, 0.03, 0.06]);
/// # Ok::<(), seoro_eval::significance::SignificanceError>(())
/// ```
///
/// # Errors
/// A p-value outside 0 to 1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, SignificanceError> {
    if let Some(&value) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(SignificanceError::Probability { value });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        least = least.max((p_values[index] * (p_values.len() - place) as f64).min(1.0));
        adjusted[index] = least;
    }
    Ok(adjusted)
}

/// a − b, pair by pair.
fn differences(a: &[f64], b: &[f64], least: usize) -> Result<Vec<f64>, SignificanceError> {
    if a.len() != b.len() {
        return Err(SignificanceError::Unpaired { a: a.len(), b: b.len() });
    }
    sample(a, least)?;
    sample(b, least)?;
    Ok(a.iter().zip(b).map(|(a, b)| a - b).collect())
}

/// Checks that there are at least so many values, all finite.
fn sample(values: &[f64], least: usize) -> Result<(), SignificanceError> {
    if values.len() < least {
        return Err(SignificanceError::TooFew { len: values.len(), expected: least });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(SignificanceError::NotFinite { index, value: values[index] }),
        None => Ok(()),
    }
}
