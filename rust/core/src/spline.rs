//! B-spline bases of columns: de Boor's recurrence as SciPy computes it, and scikit-learn's ways beyond the knots.
//!
//! A value has `degree + 1` splines that are not zero. They are computed once into a row of zeros; nothing else is touched.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView2, s};

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;

/// Values of output below which threads cost more than they bring.
const SERIAL_BELOW: usize = 20_000;
/// Values of a piece of output, the unit that a thread takes.
const PIECE: usize = 1 << 16;

/// What a value beyond the base knots becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Beyond {
    /// It is refused.
    Error,
    /// What the polynomials there give.
    Continue,
    /// What the value a whole number of periods away gives.
    Periodic,
    /// The splines' values at the nearer end, plus the distance times their slopes there.
    Ends {
        /// Values at the lower end, for as many splines as are not zero there.
        low: Vec<f64>,
        /// Slopes at the lower end, or none.
        low_slopes: Vec<f64>,
        /// Values at the upper end, for the last splines.
        high: Vec<f64>,
        /// Slopes at the upper end, or none.
        high_slopes: Vec<f64>,
    },
}

/// The basis of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    knots: Vec<f64>,
    degree: usize,
    splines: usize,
    beyond: Beyond,
}

impl Basis {
    /// The basis over some knots, of which `degree` at either end lie outside the range.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are too few knots, or tables of another length than there are splines.
    pub fn new(knots: Vec<f64>, degree: usize, beyond: Beyond) -> Result<Self> {
        let wrong = || Error::Invalid("knots, degree and ends of a spline basis do not fit".into());
        let all = knots.len().checked_sub(degree + 1).ok_or_else(wrong)?;
        let splines =
            if beyond == Beyond::Periodic { all.checked_sub(degree).ok_or_else(wrong)? } else { all };
        let fits = match &beyond {
            Beyond::Ends { low, low_slopes, high, high_slopes } => {
                let same = |slopes: &[f64], values: &[f64]| slopes.is_empty() || slopes.len() == values.len();
                low.len() <= splines
                    && high.len() <= splines
                    && same(low_slopes, low)
                    && same(high_slopes, high)
            }
            _ => splines >= degree,
        };
        if all <= degree || degree > 1 << 10 || knots.iter().any(|t| t.is_nan()) || !fits {
            return Err(wrong());
        }
        Ok(Self { knots, degree, splines, beyond })
    }

    /// How many splines there are.
    #[must_use]
    pub fn splines(&self) -> usize {
        self.splines
    }

    /// The splines of `x`, but for those beyond the end of `out`. A NaN has none; `false` if `x` is refused.
    /// `work` has twice `degree + 1` places.
    pub fn apply<T: Float>(&self, x: T, work: &mut [f64], out: &mut [T]) -> bool {
        out.fill(T::ZERO);
        if x.is_nan() {
            return true;
        }
        let mut x = x.to_f64();
        let (k, n) = (self.degree, self.knots.len() - self.degree - 1);
        let (first, last) = (self.knots[k], self.knots[n]);
        match &self.beyond {
            Beyond::Ends { low, low_slopes, high, high_slopes } => {
                if x < first {
                    write_end(x - first, low, low_slopes, 0, out);
                    return true;
                }
                if x > last {
                    write_end(x - last, high, high_slopes, self.splines - high.len(), out);
                    return true;
                }
            }
            Beyond::Error if !(first <= x && x <= last) => return false,
            Beyond::Periodic => {
                let period = last - first;
                x = if period > 0.0 { first + modulo(x - first, period) } else { 0.0 };
            }
            _ => {}
        }
        let interval = k + self.knots[k + 1..n].iter().take_while(|knot| **knot <= x).count();
        self.de_boor(x, interval, work);
        for (i, value) in (interval - k..).zip(&work[..=k]) {
            let i = if i >= self.splines { i - self.splines } else { i };
            if let Some(to) = out.get_mut(i) {
                // Twice for one spline if a period has no more knots than the degree.
                *to = T::from_f64(to.to_f64() + value);
            }
        }
        true
    }

    /// The `degree + 1` splines that are not zero in an interval of knots.
    fn de_boor(&self, x: f64, interval: usize, work: &mut [f64]) {
        let (h, before) = work.split_at_mut(self.degree + 1);
        h[0] = 1.0;
        for j in 1..=self.degree {
            before[..j].copy_from_slice(&h[..j]);
            h[0] = 0.0;
            for n in 1..=j {
                let (upper, lower) = (self.knots[interval + n], self.knots[interval + n - j]);
                if upper == lower {
                    h[n] = 0.0;
                    continue;
                }
                let w = before[n - 1] / (upper - lower);
                h[n - 1] += w * (upper - x);
                h[n] = w * (x - lower);
            }
        }
    }
}

fn write_end<T: Float>(off: f64, values: &[f64], slopes: &[f64], begin: usize, out: &mut [T]) {
    for (i, value) in values.iter().enumerate() {
        if let Some(to) = out.get_mut(begin + i) {
            *to = T::from_f64(slopes.get(i).map_or(*value, |slope| value + off * slope));
        }
    }
}

/// Python's remainder, of a positive divisor.
fn modulo(x: f64, by: f64) -> f64 {
    let rest = x % by;
    if rest < 0.0 { rest + by } else { rest }
}

/// The splines of a matrix, row by row, each column's side by side, without the last of each unless `all`. `None` if a value
/// is refused or infinite, or NaN unless `gaps` may be.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Invalid`] if there are not as many bases as columns.
pub fn apply<T: Float>(
    x: ArrayView2<'_, T>,
    bases: &[Basis],
    all: bool,
    gaps: bool,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let widths: Vec<usize> = bases.iter().map(|basis| basis.splines - usize::from(!all)).collect();
    let width: usize = widths.iter().sum();
    if bases.len() != x.ncols() || out.len() != width * x.nrows() {
        return Err(Error::Invalid("as many spline bases as columns are needed".into()));
    }
    let refused = AtomicBool::new(false);
    let step = (PIECE / width.max(1)).max(1);
    exec.only_if(out.len() >= SERIAL_BELOW).for_each_piece(out, step * width, |i, out| {
        let part = x.slice(s![i * step..i * step + out.len() / width, ..]);
        let deepest = bases.iter().map(|basis| basis.degree).max().unwrap_or(0);
        let mut work = vec![0.0; 2 * (deepest + 1)];
        let mut fine = true;
        for (x, mut out) in part.outer_iter().zip(out.chunks_exact_mut(width)) {
            for ((x, basis), width) in x.iter().zip(bases).zip(&widths) {
                let (mine, rest) = out.split_at_mut(*width);
                let work = &mut work[..2 * (basis.degree + 1)];
                fine &= basis.apply(*x, work, mine) & (x.is_finite() | (gaps & x.is_nan()));
                out = rest;
            }
        }
        if !fine {
            refused.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(!refused.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(basis: &Basis, x: f64) -> Option<Vec<f64>> {
        let mut out = vec![9.0; basis.splines()];
        basis.apply(x, &mut vec![0.0; 2 * (basis.degree + 1)], &mut out).then_some(out)
    }

    #[test]
    fn splines_sum_to_one_and_end_as_told() {
        let knots: Vec<f64> = (-3..=7).map(f64::from).collect();
        let none = Vec::new;
        let constant =
            Beyond::Ends { low: vec![0.5, 0.5], low_slopes: none(), high: vec![0.25], high_slopes: none() };
        let linear = Beyond::Ends {
            low: vec![0.5, 0.5],
            low_slopes: vec![-1.0, 1.0],
            high: vec![0.25],
            high_slopes: vec![2.0],
        };
        for beyond in [Beyond::Error, Beyond::Continue, Beyond::Periodic, constant.clone(), linear.clone()] {
            let basis = Basis::new(knots.clone(), 3, beyond).unwrap();
            for x in [0.0, 0.3, 1.0, 2.99, 4.0] {
                assert!((row(&basis, x).unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-15);
            }
            assert_eq!(row(&basis, f64::NAN).unwrap(), vec![0.0; basis.splines()]);
        }
        let basis = Basis::new(knots.clone(), 3, Beyond::Error).unwrap();
        assert!(row(&basis, -0.1).is_none() && row(&basis, 4.1).is_none());
        let basis = Basis::new(knots.clone(), 3, Beyond::Periodic).unwrap();
        assert_eq!(row(&basis, 4.5), row(&basis, 0.5));
        assert_eq!(row(&basis, -3.5), row(&basis, 0.5));
        assert_eq!(basis.splines(), 4);
        let basis = Basis::new(knots.clone(), 3, constant).unwrap();
        assert_eq!(row(&basis, -5.0).unwrap(), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(row(&basis, 5.0).unwrap(), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25]);
        let basis = Basis::new(knots.clone(), 3, linear).unwrap();
        assert_eq!(row(&basis, -2.0).unwrap(), [2.5, -1.5, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(row(&basis, 5.0).unwrap(), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.25]);
        assert!(Basis::new(vec![0.0, 1.0, 2.0], 3, Beyond::Error).is_err());
    }
}
