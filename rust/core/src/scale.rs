//! Standardising: `(x - mean) / scale`, and back: `x * scale + mean`, in the type of `x`.
//!
//! Divided, not multiplied by the inverse, so that the bits are NumPy's. One pass: each value is read once and written
//! once; output pages are touched by the thread that fills them.

use ndarray::ArrayView2;

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;

/// Mean and divisor of each column, in the type of the data; `None` leaves that part out.
#[derive(Clone, Copy)]
pub struct Standard<'a, T> {
    /// Subtracted first.
    pub mean: Option<&'a [T]>,
    /// Divided by second.
    pub scale: Option<&'a [T]>,
}

/// `out = (x - mean) / scale` of one row.
#[inline(always)]
pub fn apply_row<T: Float>(x: &[T], standard: Standard<'_, T>, out: &mut [T]) {
    let n = x.len().min(out.len());
    let (x, out) = (&x[..n], &mut out[..n]);
    match (standard.mean, standard.scale) {
        (Some(m), Some(s)) => {
            for j in 0..n.min(m.len()).min(s.len()) {
                out[j] = (x[j] - m[j]) / s[j];
            }
        }
        (Some(m), None) => {
            for j in 0..n.min(m.len()) {
                out[j] = x[j] - m[j];
            }
        }
        (None, Some(s)) => {
            for j in 0..n.min(s.len()) {
                out[j] = x[j] / s[j];
            }
        }
        (None, None) => out.copy_from_slice(x),
    }
}

/// `out = x * scale + mean` of one row.
#[inline(always)]
pub fn invert_row<T: Float>(x: &[T], standard: Standard<'_, T>, out: &mut [T]) {
    let n = x.len().min(out.len());
    for j in 0..n {
        let y = standard.scale.map_or(x[j], |s| x[j] * s[j]);
        out[j] = standard.mean.map_or(y, |m| y + m[j]);
    }
}

/// Which way [`apply`] goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `(x - mean) / scale`
    Forward,
    /// `x * scale + mean`
    Inverse,
}

/// Standardises a matrix into `out`, which is C-ordered and of the same shape. Returns whether an input was infinite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn apply<T: Float>(
    x: ArrayView2<'_, T>,
    standard: Standard<'_, T>,
    direction: Direction,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let columns = x.ncols().max(1);
    let rows = (PIECE / columns).max(1);
    let infinite = std::sync::atomic::AtomicBool::new(false);
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    exec.for_each_piece(out, rows * columns, |i, out| {
        let begin = i * rows;
        let part = x.slice(ndarray::s![begin..begin + out.len() / columns, ..]);
        let found = if let Some(values) = part.as_slice() {
            simd::dispatch(|| contiguous(values, columns, standard, direction, out))
        } else {
            let mut row = vec![T::ZERO; columns];
            let mut found = false;
            for (x, out) in part.outer_iter().zip(out.chunks_exact_mut(columns)) {
                for (to, from) in row.iter_mut().zip(x) {
                    *to = *from;
                }
                found |= contiguous(&row, columns, standard, direction, out);
            }
            found
        };
        if found {
            infinite.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    })?;
    Ok(infinite.into_inner())
}

#[inline(always)]
fn contiguous<T: Float>(
    x: &[T],
    columns: usize,
    standard: Standard<'_, T>,
    direction: Direction,
    out: &mut [T],
) -> bool {
    // A product with zero is NaN for an infinity and for NaN; only then the values are looked at one by one.
    let mut probe = T::ZERO;
    for (x, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
        match direction {
            Direction::Forward => apply_row(x, standard, out),
            Direction::Inverse => invert_row(x, standard, out),
        }
    }
    for v in x.chunks_exact(8) {
        let part = (v[0] * T::ZERO + v[1] * T::ZERO) + (v[2] * T::ZERO + v[3] * T::ZERO);
        probe += part + ((v[4] * T::ZERO + v[5] * T::ZERO) + (v[6] * T::ZERO + v[7] * T::ZERO));
    }
    for v in x.chunks_exact(8).remainder() {
        probe += *v * T::ZERO;
    }
    probe.is_nan() && x.iter().fold(false, |found, v| found | (!v.is_finite() & !v.is_nan()))
}
