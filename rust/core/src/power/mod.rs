//! Power transforms: Yeo and Johnson's, and Box and Cox's, and the exponents under which columns look most normal.
//!
//! Yeo-Johnson: `((x + 1)^l - 1) / l` for `x >= 0`, `-((1 - x)^(2-l) - 1) / (2 - l)` below, and their limits `ln(1 + x)` at
//! `l = 0`, `-ln(1 - x)` at `l = 2`. Box-Cox, for `x > 0`: `(x^l - 1) / l`, `ln x` at `l = 0`. Both by `exp(l ln x) - 1`, which
//! keeps its precision about these limits, by kernels that give the same bits on every target.

mod fit;
mod minimize;

pub use fit::best_exponents;

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::ArrayView2;

use crate::columns::{BLOCK, Met, map_columns};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::{exp_minus_one, logarithm, simd};

/// Values below which threads cost more than they bring.
const SERIAL_BELOW: usize = 20_000;
/// Above, `exp` overflows.
const LARGEST: f64 = 709.78;

/// Which transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Of any value.
    YeoJohnson,
    /// Of positive values.
    BoxCox,
}

/// Transforms some values, at most [`BLOCK`], by the exponent of their column, in place.
pub fn apply_block<T: Float>(values: &mut [T], family: Family, exponent: T) {
    let mut buffer = [0.0; BLOCK];
    let mut logs = [0.0; BLOCK];
    let n = values.len().min(BLOCK);
    let (buffer, logs) = (&mut buffer[..n], &mut logs[..n]);
    for (to, from) in buffer.iter_mut().zip(&*values) {
        *to = from.to_f64();
    }
    let exponent = exponent.to_f64();
    match family {
        Family::YeoJohnson => simd::dispatch!(yeo_johnson(buffer, logs, exponent, T::EPSILON.to_f64())),
        Family::BoxCox => simd::dispatch!(box_cox(buffer, logs, exponent)),
    }
    for (to, from) in values.iter_mut().zip(&*buffer) {
        *to = T::from_f64(*from);
    }
}

#[inline(always)]
fn yeo_johnson(values: &mut [f64], logs: &mut [f64], exponent: f64, epsilon: f64) {
    for (log, v) in logs.iter_mut().zip(&*values) {
        *log = v.abs();
    }
    logarithm::ln_1p_each(logs);
    let below = 2.0 - exponent;
    let (flat, flat_below) = (exponent.abs() < epsilon, (exponent - 2.0).abs() <= epsilon);
    let divisor = if flat { 1.0 } else { exponent };
    let divisor_below = if flat_below { -1.0 } else { -below };
    for (v, log) in values.iter_mut().zip(&*logs) {
        let positive = *v >= 0.0;
        let power = exp_minus_one::one(log * if positive { exponent } else { below });
        let up = if flat { *log } else { power };
        let down = if flat_below { *log } else { power };
        *v = if positive { up / divisor } else { down / divisor_below };
    }
}

#[inline(always)]
fn box_cox(values: &mut [f64], logs: &mut [f64], exponent: f64) {
    logs.copy_from_slice(values);
    logarithm::ln_each(logs);
    // scikit-learn's limit; below it the division would lose everything.
    if exponent.abs() < 1e-19 {
        values.copy_from_slice(logs);
        return;
    }
    let mut large = false;
    for (v, log) in values.iter_mut().zip(&*logs) {
        let power = log * exponent;
        large |= power >= LARGEST;
        *v = exp_minus_one::one(power) / exponent;
    }
    if large {
        for (v, log) in values.iter_mut().zip(&*logs) {
            if log * exponent >= LARGEST {
                *v = exponent.signum() * libm::exp(log * exponent - libm::log(exponent.abs()))
                    - 1.0 / exponent;
            }
        }
    }
}

/// Transforms the columns of a matrix into `out`, in the order of `map_columns`.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Invalid`] if there are not as many exponents as columns.
pub fn apply<T: Float>(
    x: ArrayView2<'_, T>,
    family: Family,
    exponents: &[T],
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<Met> {
    if exponents.len() != x.ncols() {
        return Err(Error::Invalid("as many exponents as columns are needed".into()));
    }
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    map_columns(x, out, &exec, |j, values| apply_block(values, family, exponents[j]))
}

/// The value whose transform is `y`; NaN if there is none.
#[must_use]
pub fn invert_one<T: Float>(y: T, family: Family, exponent: T) -> T {
    let (y, l) = (y.to_f64(), exponent.to_f64());
    let x = match family {
        Family::YeoJohnson if y >= 0.0 => {
            if l.abs() < f64::EPSILON {
                libm::exp(y) - 1.0
            } else {
                libm::pow(y * l + 1.0, 1.0 / l) - 1.0
            }
        }
        Family::YeoJohnson if (l - 2.0).abs() > f64::EPSILON => {
            1.0 - libm::pow(-(2.0 - l) * y + 1.0, 1.0 / (2.0 - l))
        }
        Family::YeoJohnson => 1.0 - libm::exp(-y),
        Family::BoxCox if l == 0.0 => libm::exp(y),
        Family::BoxCox => libm::exp(libm::log1p(l * y) / l),
    };
    T::from_f64(x)
}

/// Brings the columns of a matrix back into `out`, in the order of `map_columns`. Returns what was met among `y`, and whether
/// a number had no value that it could come from.
///
/// # Errors
/// As [`apply`].
pub fn invert<T: Float>(
    y: ArrayView2<'_, T>,
    family: Family,
    exponents: &[T],
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<(Met, bool)> {
    if exponents.len() != y.ncols() {
        return Err(Error::Invalid("as many exponents as columns are needed".into()));
    }
    let lost = AtomicBool::new(false);
    let met = map_columns(y, out, &exec.only_if(y.len() >= SERIAL_BELOW), |j, values| {
        let mut none = false;
        for v in values {
            let x = invert_one(*v, family, exponents[j]);
            none |= !x.is_finite() & v.is_finite();
            *v = x;
        }
        if none {
            lost.store(true, Ordering::Relaxed);
        }
    })?;
    Ok((met, lost.into_inner()))
}
