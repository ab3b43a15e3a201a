//! Many quantiles of each column at once, by NumPy's methods: one selection for all of a column's ranks.
//!
//! The middle rank is selected first and parts the values for those below and above it, so `k` ranks of `n` values cost
//! about `n log k` comparisons, where a sort has `n log n`; and each thread holds a copy of one column only.

use std::cmp::Ordering;

use ndarray::ArrayView2;

use super::between;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;

/// Values below which threads cost more than they bring.
const SERIAL_BELOW: usize = 20_000;
/// With fewer values a rank than this they are sorted.
const SORT_BELOW: usize = 12;

/// How a quantile is read off the ordered values: NumPy's methods of these names (Hyndman and Fan, 1996).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The first value whose share is reached.
    InvertedCdf,
    /// The same, averaged where it is reached exactly.
    AveragedInvertedCdf,
    /// The nearest rank, the even one of two.
    ClosestObservation,
    /// Interpolated linearly between the steps of the distribution function.
    InterpolatedInvertedCdf,
    /// The steps' middles.
    Hazen,
    /// n + 1 gaps.
    Weibull,
    /// n - 1 gaps: NumPy's default.
    Linear,
    /// Nearly unbiased for the median, whatever the distribution.
    MedianUnbiased,
    /// Nearly unbiased for normal data.
    NormalUnbiased,
}

impl Method {
    /// The method of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "inverted_cdf" => Self::InvertedCdf,
            "averaged_inverted_cdf" => Self::AveragedInvertedCdf,
            "closest_observation" => Self::ClosestObservation,
            "interpolated_inverted_cdf" => Self::InterpolatedInvertedCdf,
            "hazen" => Self::Hazen,
            "weibull" => Self::Weibull,
            "linear" => Self::Linear,
            "median_unbiased" => Self::MedianUnbiased,
            "normal_unbiased" => Self::NormalUnbiased,
            _ => return None,
        })
    }

    /// Where a share of `n` values lies: the rank below, the rank above, and how far it is on the way.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded by 0 and n - 1 before"
    )]
    fn place(self, n: usize, share: f64) -> (usize, usize, f64) {
        let (count, last) = (n as f64, n as f64 - 1.0);
        let by = |alpha: f64, beta: f64| count * share + (alpha + share * (1.0 - alpha - beta)) - 1.0;
        let at = match self {
            Self::InvertedCdf | Self::AveragedInvertedCdf => count * share - 1.0,
            Self::ClosestObservation => count * share - 1.0 - 0.5,
            Self::InterpolatedInvertedCdf => by(0.0, 1.0),
            Self::Hazen => by(0.5, 0.5),
            Self::Weibull => by(0.0, 0.0),
            Self::Linear => last * share,
            Self::MedianUnbiased => by(1.0 / 3.0, 1.0 / 3.0),
            Self::NormalUnbiased => by(3.0 / 8.0, 3.0 / 8.0),
        };
        let whole = at.floor();
        let on = at - whole;
        let one = |rank: f64| {
            let rank = rank.clamp(0.0, last) as usize;
            (rank, rank, 0.0)
        };
        match self {
            Self::InvertedCdf => one(if on == 0.0 { whole } else { whole + 1.0 }),
            Self::ClosestObservation => {
                one(if on == 0.0 && whole.rem_euclid(2.0) == 1.0 { whole } else { whole + 1.0 })
            }
            _ if at >= last => one(last),
            _ if at < 0.0 => one(0.0),
            Self::AveragedInvertedCdf => {
                (whole as usize, whole as usize + 1, if on == 0.0 { 0.5 } else { 1.0 })
            }
            _ => (whole as usize, whole as usize + 1, on),
        }
    }
}

/// What is known of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Many {
    /// The quantiles, column by column; NaN for a column without values.
    pub values: Vec<f64>,
    /// Was there a NaN? They are left out.
    pub nan: bool,
    /// Was there an infinity?
    pub infinite: bool,
}

/// The quantiles of shares in [0, 1] of each column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn many<T: Float>(x: ArrayView2<'_, T>, shares: &[f64], method: Method, exec: &Exec<'_>) -> Result<Many> {
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    let columns = exec.map(x.ncols(), |j| {
        let mut there: Vec<T> = x.column(j).iter().copied().filter(|v| !v.is_nan()).collect();
        let nan = there.len() < x.nrows();
        let infinite = there.iter().any(|v| !v.is_finite());
        let values = if there.is_empty() || infinite {
            vec![f64::NAN; shares.len()]
        } else {
            of_values(&mut there, shares, method)
        };
        Many { values, nan, infinite }
    })?;
    let mut all = Many { values: Vec::with_capacity(x.ncols() * shares.len()), nan: false, infinite: false };
    for column in columns {
        all.values.extend(column.values);
        all.nan |= column.nan;
        all.infinite |= column.infinite;
    }
    Ok(all)
}

/// The quantiles of some finite values, which are reordered.
fn of_values<T: Float>(values: &mut [T], shares: &[f64], method: Method) -> Vec<f64> {
    let places: Vec<(usize, usize, f64)> = shares.iter().map(|q| method.place(values.len(), *q)).collect();
    let mut ranks: Vec<usize> = places.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    settle(values, 0, &ranks);
    let quantile = |(a, b, on): (usize, usize, f64)| {
        let (a, b) = (values[a], values[b]);
        between(a.to_f64(), b.to_f64(), (b - a).to_f64(), on)
    };
    places.into_iter().map(quantile).collect()
}

fn order<T: Float>(a: &T, b: &T) -> Ordering {
    // So that "less" is one comparison.
    if a < b {
        Ordering::Less
    } else if a > b {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// Brings the values of some ranks, which rise, to their places; the first value has the rank `begin`.
fn settle<T: Float>(values: &mut [T], begin: usize, ranks: &[usize]) {
    if ranks.is_empty() {
        return;
    }
    if values.len() < SORT_BELOW * ranks.len() {
        values.sort_unstable_by(order);
        return;
    }
    let (below, above) = ranks.split_at(ranks.len() / 2);
    let (low, _, high) = values.select_nth_unstable_by(above[0] - begin, order);
    settle(low, begin, below);
    settle(high, above[0] + 1, &above[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_settle(values in prop::collection::vec(-50i32..50, 1..400), picks in prop::collection::vec(any::<u16>(), 1..30)) {
            let mut values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let mut ranks: Vec<usize> = picks.into_iter().map(|p| usize::from(p) % values.len()).collect();
            ranks.sort_unstable();
            ranks.dedup();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            settle(&mut values, 0, &ranks);
            for rank in ranks {
                prop_assert_eq!(values[rank], sorted[rank]);
            }
        }
    }
}
