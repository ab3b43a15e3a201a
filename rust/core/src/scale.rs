//! Standardising: `(x - mean) / scale`, and back: `x * scale + mean`, in the type of `x`.
//!
//! Divided, not multiplied by the inverse, so that the bits are NumPy's. One pass: each value is read once and written
//! once; output pages are touched by the thread that fills them.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::ArrayView2;

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Values of a block: 16 KB of f64 in and 16 KB out.
const BLOCK: usize = 2_048;
/// Narrow rows are taken together until they have this many values.
const WIDTH: usize = 64;

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

/// Do the columns of `x` lie closer together than its rows do, so that NumPy would copy it in Fortran order?
#[must_use]
pub fn lies_by_column<T>(x: ArrayView2<'_, T>) -> bool {
    let strides = x.strides();
    x.nrows() > 1 && x.ncols() > 1 && strides[0].unsigned_abs() < strides[1].unsigned_abs()
}

/// Standardises a matrix into `out`, of the same shape. Returns whether an input was infinite.
///
/// `out` is in the order that NumPy's copy would have: Fortran's if [`lies_by_column`], else C's.
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
    let infinite = AtomicBool::new(false);
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    if lies_by_column(x) {
        exec.for_each_piece(out, PIECE, |i, out| {
            if by_column(x, i * PIECE, standard, direction, out) {
                infinite.store(true, Ordering::Relaxed);
            }
        })?;
        return Ok(infinite.into_inner());
    }
    let columns = x.ncols().max(1);
    let rows = (PIECE / columns).max(1);
    let wide = Wide::new(standard, columns, x.nrows());
    exec.for_each_piece(out, rows * columns, |i, out| {
        let begin = i * rows;
        let part = x.slice(ndarray::s![begin..begin + out.len() / columns, ..]);
        let found = if let Some(values) = part.as_slice() {
            simd::dispatch!(wide.contiguous(values, standard, direction, out))
        } else {
            let mut row = vec![T::ZERO; columns];
            let mut found = false;
            for (x, out) in part.outer_iter().zip(out.chunks_exact_mut(columns)) {
                for (to, from) in row.iter_mut().zip(x) {
                    *to = *from;
                }
                found |= simd::dispatch!(block(&row, columns, standard, direction, out));
            }
            found
        };
        if found {
            infinite.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(infinite.into_inner())
}

/// The parameters of several rows side by side: rows of few columns would leave most of a vector empty.
struct Wide<T> {
    width: usize,
    mean: Option<Vec<T>>,
    scale: Option<Vec<T>>,
}

impl<T: Float> Wide<T> {
    fn new(standard: Standard<'_, T>, columns: usize, rows: usize) -> Self {
        let together = WIDTH.div_ceil(columns).min(rows / 4).max(1);
        let repeat = |v: &[T]| v.iter().copied().cycle().take(columns * together).collect();
        Self { width: columns * together, mean: standard.mean.map(repeat), scale: standard.scale.map(repeat) }
    }

    /// Whole rows, block by block, so that the second look at a block finds it in the first-level cache.
    #[inline(always)]
    fn contiguous(&self, x: &[T], one: Standard<'_, T>, direction: Direction, out: &mut [T]) -> bool {
        let wide = Standard { mean: self.mean.as_deref(), scale: self.scale.as_deref() };
        let size = (BLOCK / self.width).max(1) * self.width;
        let mut found = false;
        for (x, out) in x.chunks(size).zip(out.chunks_mut(size)) {
            let whole = x.len() / self.width * self.width;
            let ((x, rest), (out, rest_out)) = (x.split_at(whole), out.split_at_mut(whole));
            found |= block(x, self.width, wide, direction, out);
            if !rest.is_empty() {
                let columns = one.mean.or(one.scale).map_or(rest.len(), <[T]>::len);
                found |= block(rest, columns, one, direction, rest_out);
            }
        }
        found
    }
}

/// Values of a matrix that lies by column, from the value number `begin` on, into `out`.
fn by_column<T: Float>(
    x: ArrayView2<'_, T>,
    begin: usize,
    standard: Standard<'_, T>,
    direction: Direction,
    mut out: &mut [T],
) -> bool {
    let rows = x.nrows();
    let (mut at, mut found) = (begin, false);
    while !out.is_empty() {
        let (column, row) = (at / rows, at % rows);
        let take = out.len().min(rows - row).min(BLOCK);
        let (to, rest) = std::mem::take(&mut out).split_at_mut(take);
        let part = x.slice(ndarray::s![row..row + take, column]);
        let scratch;
        let values = match part.as_slice() {
            Some(values) => values,
            None => {
                scratch = part.to_vec();
                &scratch
            }
        };
        let (mean, scale) = (standard.mean.map(|m| m[column]), standard.scale.map(|s| s[column]));
        found |= simd::dispatch!(one_column(values, mean, scale, direction, to));
        (out, at) = (rest, at + take);
    }
    found
}

#[inline(always)]
fn one_column<T: Float>(
    x: &[T],
    mean: Option<T>,
    scale: Option<T>,
    direction: Direction,
    out: &mut [T],
) -> bool {
    let pairs = out.iter_mut().zip(x);
    match (direction, mean, scale) {
        (Direction::Forward, Some(m), Some(s)) => pairs.for_each(|(o, v)| *o = (*v - m) / s),
        (Direction::Forward, Some(m), None) => pairs.for_each(|(o, v)| *o = *v - m),
        (Direction::Forward, None, Some(s)) => pairs.for_each(|(o, v)| *o = *v / s),
        (Direction::Inverse, Some(m), Some(s)) => pairs.for_each(|(o, v)| *o = *v * s + m),
        (Direction::Inverse, Some(m), None) => pairs.for_each(|(o, v)| *o = *v + m),
        (Direction::Inverse, None, Some(s)) => pairs.for_each(|(o, v)| *o = *v * s),
        (_, None, None) => out.copy_from_slice(x),
    }
    has_infinity(x)
}

/// Rows of `width` values each.
#[inline(always)]
fn block<T: Float>(
    x: &[T],
    width: usize,
    standard: Standard<'_, T>,
    direction: Direction,
    out: &mut [T],
) -> bool {
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        match direction {
            Direction::Forward => apply_row(x, standard, out),
            Direction::Inverse => invert_row(x, standard, out),
        }
    }
    has_infinity(x)
}

/// A product with zero is NaN for an infinity and for NaN; only then the values are looked at one by one.
#[inline(always)]
fn has_infinity<T: Float>(x: &[T]) -> bool {
    let mut probes = [T::ZERO; 32];
    for v in x.chunks_exact(32) {
        for k in 0..32 {
            probes[k] += v[k] * T::ZERO;
        }
    }
    let mut probe: T = probes.into_iter().sum();
    for v in x.chunks_exact(32).remainder() {
        probe += *v * T::ZERO;
    }
    probe.is_nan() && x.iter().fold(false, |found, v| found | (!v.is_finite() & !v.is_nan()))
}
