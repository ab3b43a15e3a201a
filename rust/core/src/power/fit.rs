//! The exponents of greatest likelihood, as SciPy's `yeojohnson` and `boxcox` find them.
//!
//! The log-likelihood of an exponent is `(l - 1) sum(ln) - n/2 ln(variance of the transformed column)`. A column's logarithms
//! are taken once; each step of the search then costs one `exp(t) - 1` and one blocked variance (Chan's merge).

use ndarray::{ArrayView1, ArrayView2};

use super::{Family, minimize};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::{exp_minus_one, logarithm, simd};

/// Values below which threads cost more than they bring: a value takes some 20 exponentials.
const SERIAL_BELOW: usize = 4_000;
/// Values of a block of the variance.
const BLOCK: usize = 512;
/// Sums side by side.
const LANES: usize = 32;
/// `brent`'s tolerance, which SciPy gives its bounded search too.
const TOLERANCE: f64 = 1.48e-8;

/// The exponent of each column of finite values and NaN, which is left out; NaN for a column whose search is SciPy's to
/// word an error for: one without values, or (Box-Cox) with one that is not positive, or constant, or without a maximum.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn best_exponents<T: Float>(x: ArrayView2<'_, T>, family: Family, exec: &Exec<'_>) -> Result<Vec<f64>> {
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    exec.map(x.ncols(), |j| match family {
        Family::YeoJohnson => yeo_johnson(x.column(j)),
        Family::BoxCox => box_cox(x.column(j)),
    })
}

/// Number, mean and sum of squared distances from it.
#[derive(Clone, Copy, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    #[inline(always)]
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = sum(values, |v| v) / count;
        Self { count, mean, squares: sum(values, |v| (v - mean) * (v - mean)) }
    }

    #[inline(always)]
    fn merge(&mut self, other: Self) {
        let (off, all) = (other.mean - self.mean, self.count + other.count);
        if other.count > 0.0 {
            self.squares += other.squares + off * off * (self.count * other.count / all);
            self.mean += off * (other.count / all);
            self.count = all;
        }
    }

    /// Of each value times a factor.
    fn times(self, factor: f64) -> Self {
        Self { count: self.count, mean: self.mean * factor, squares: self.squares * factor * factor }
    }

    fn variance(&self) -> f64 {
        self.squares / self.count
    }
}

#[inline(always)]
fn sum(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for k in 0..LANES {
            lanes[k] += f(block[k]);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += f(*v);
    }
    lanes.into_iter().sum()
}

/// The spread of `exp(power log) - 1`, or of the logarithms if the power is 0.
#[inline(always)]
fn spread_of_powers(logs: &[f64], power: f64) -> Spread {
    let mut buffer = [0.0; BLOCK];
    let mut spread = Spread::default();
    for logs in logs.chunks(BLOCK) {
        if power == 0.0 {
            spread.merge(Spread::of(logs));
            continue;
        }
        let buffer = &mut buffer[..logs.len()];
        for (to, log) in buffer.iter_mut().zip(logs) {
            *to = exp_minus_one::one(power * log);
        }
        spread.merge(Spread::of(buffer));
    }
    spread
}

fn yeo_johnson<T: Float>(x: ArrayView1<'_, T>) -> f64 {
    let there = x.iter().filter(|v| !v.is_nan()).map(|v| v.to_f64());
    let (mut up, mut down): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut largest = 0.0_f64;
    for v in there {
        largest = largest.max(v.abs());
        if v >= 0.0 { up.push(v) } else { down.push(-v) }
    }
    let n = (up.len() + down.len()) as f64;
    if n == 0.0 {
        return f64::NAN;
    }
    if largest == 0.0 {
        return 1.0;
    }
    simd::dispatch!(logarithm::ln_1p_each(&mut up));
    simd::dispatch!(logarithm::ln_1p_each(&mut down));
    let logs = simd::dispatch!(sum(&up, |v| v)) - simd::dispatch!(sum(&down, |v| v));
    let (epsilon, tiny, limit) = (T::EPSILON.to_f64(), T::TINY.to_f64(), T::MAX.to_f64());
    let loss = |l: f64| {
        let power = |p: f64| if p.abs() < epsilon { (0.0, 1.0) } else { (p, 1.0 / p) };
        let ((p, factor), (p_down, factor_down)) = (power(l), power(2.0 - l));
        let mut spread = simd::dispatch!(spread_of_powers(&up, p)).times(factor);
        spread.merge(simd::dispatch!(spread_of_powers(&down, p_down)).times(-factor_down));
        let variance = spread.variance();
        let log_variance = if variance >= tiny { variance.ln() } else { f64::NEG_INFINITY };
        let likelihood = -n / 2.0 * log_variance + (l - 1.0) * logs;
        // An infinite likelihood comes of a variance too small for the type: it is none.
        if likelihood.is_infinite() { f64::INFINITY } else { -likelihood }
    };
    // Values up to 20 times the largest are transformed without overflow, and so that their squares do not either.
    let log_largest = (20.0 * largest).ln_1p();
    let low = (tiny.ln() - epsilon.ln()) / 2.0 / log_largest;
    let high = (limit.ln() + epsilon.ln()) / 2.0 / log_largest;
    let (low, high) = match (up.is_empty(), down.is_empty()) {
        (true, _) => (2.0 - high, 2.0 - low),
        (false, true) => (low, high),
        (false, false) => (low.max(2.0 - high), high.min(2.0 - low)),
    };
    minimize::bounded(loss, low, high, TOLERANCE)
}

fn box_cox<T: Float>(x: ArrayView1<'_, T>) -> f64 {
    let mut logs: Vec<f64> = x.iter().filter(|v| !v.is_nan()).map(|v| v.to_f64()).collect();
    let n = logs.len() as f64;
    let constant = logs.iter().all(|v| *v == logs[0]);
    if constant || !logs.iter().all(|v| *v > 0.0 && v.is_finite()) {
        return f64::NAN;
    }
    simd::dispatch!(logarithm::ln_each(&mut logs));
    let total = simd::dispatch!(sum(&logs, |v| v));
    // About their mean the powers keep their precision: var(x^l) = exp(2 l mean) var(exp(l (ln x - mean)) - 1).
    let mean = total / n;
    logs.iter_mut().for_each(|v| *v -= mean);
    let (least, most) = logs.iter().fold((0.0_f64, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
    let loss = |l: f64| {
        let log_variance = if l == 0.0 {
            simd::dispatch!(spread_of_powers(&logs, 0.0)).variance().ln()
        } else {
            // Large powers are taken relative to the largest.
            let highest = (l * least).max(l * most);
            let shift = if highest > 300.0 { highest } else { 0.0 };
            let spread = if shift == 0.0 {
                simd::dispatch!(spread_of_powers(&logs, l))
            } else {
                let shifted: Vec<f64> = logs.iter().map(|v| (l * v - shift).exp()).collect();
                simd::dispatch!(Spread::of(&shifted))
            };
            2.0 * (l * mean + shift) + spread.variance().ln() - 2.0 * l.abs().ln()
        };
        n / 2.0 * log_variance - (l - 1.0) * total
    };
    minimize::brent(loss, (-2.0, 2.0)).unwrap_or(f64::NAN)
}
