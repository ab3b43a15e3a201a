//! The filling: `x`, or its column's fill where `x` is missing, in one pass into fresh memory.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView2, s};

use super::{LANES, Missing, SERIAL_BELOW};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::{Matrix, side_by_side};
use crate::simd;

/// Values of a piece, the unit that a thread takes.
pub(super) const PIECE: usize = 1 << 16;
/// Values of a block, which is still in the first-level cache when it is looked at for infinities.
pub(super) const BLOCK: usize = 1 << 11;

/// What is filled in, and what is told beside it.
#[derive(Clone, Copy)]
pub struct Fill<'a, T> {
    /// What marks a missing value.
    pub missing: Missing<T>,
    /// A finite value for each column.
    pub values: &'a [T],
    /// Columns whose missing marks follow each row as 0 and 1.
    pub indicators: &'a [usize],
}

/// Fills `x` into `out`: row by row, each followed by its indicators; or, without indicators and if `by_column`, column
/// by column. Returns whether a value was met that may not occur.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn fill<T: Float>(
    x: ArrayView2<'_, T>,
    fill: Fill<'_, T>,
    by_column: bool,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    if !by_column {
        return fill_matrix(&x, fill, out, exec);
    }
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    let refused = AtomicBool::new(false);
    let rows = x.nrows();
    exec.for_each_piece(out, PIECE, |i, out| {
        let (mut done, mut found) = (0, false);
        while done < out.len() {
            let (j, row) = ((i * PIECE + done) / rows, (i * PIECE + done) % rows);
            let take = (out.len() - done).min(rows - row);
            let part = x.slice(s![row..row + take, j..=j]);
            let one = Fill { values: &fill.values[j..=j], indicators: &[], ..fill };
            found |= fill_rows(&part, 0, one, &mut out[done..done + take]);
            done += take;
        }
        if found {
            refused.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(refused.into_inner())
}

/// As [`fill`], row by row, of rows whose values lie side by side, or are made.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn fill_matrix<T: Float>(
    x: &dyn Matrix<T>,
    fill: Fill<'_, T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let (rows, columns) = x.dim();
    let exec = exec.only_if(rows * columns >= SERIAL_BELOW);
    let refused = AtomicBool::new(false);
    let width = columns + fill.indicators.len();
    let step = (PIECE / width.max(1)).max(1);
    exec.for_each_piece(out, step * width, |i, out| {
        if fill_rows(x, i * step, fill, out) {
            refused.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(refused.into_inner())
}

/// Fills rows from `begin` on, as many as `out` holds.
pub(super) fn fill_rows<T: Float>(x: &dyn Matrix<T>, begin: usize, fill: Fill<'_, T>, out: &mut [T]) -> bool {
    match fill.missing {
        Missing::Nan => fill_where(x, begin, fill, T::is_nan, out),
        Missing::Value(marker) => fill_where(x, begin, fill, |v| v == marker, out),
    }
}

fn fill_where<T: Float>(
    x: &dyn Matrix<T>,
    begin: usize,
    fill: Fill<'_, T>,
    absent: impl Fn(T) -> bool + Copy,
    out: &mut [T],
) -> bool {
    let columns = x.dim().1;
    let width = columns + fill.indicators.len();
    // Narrow rows are taken together, so that the lanes are full.
    let together = LANES.div_ceil(columns).min(out.len() / width).max(1);
    let wide: Vec<T> = fill.values.iter().copied().cycle().take(together * columns).collect();
    let step = BLOCK.div_ceil(wide.len()) * together;
    let (mut copy, mut buffer) = (Vec::new(), Vec::new());
    let mut found = false;
    for (i, out) in out.chunks_mut(step * width).enumerate() {
        let x = x.some_rows(begin + i * step, out.len() / width, &mut buffer);
        let values = side_by_side(&x, &mut copy);
        let suspicious = if fill.indicators.is_empty() {
            simd::dispatch!(block(values, absent, &wide, out))
        } else {
            simd::dispatch!(marked_block(values, absent, fill, out))
        };
        found |= suspicious && values.iter().any(|v| fill.missing.refuses(*v));
    }
    found
}

/// Fills a block; is one of its results not finite?
#[inline(always)]
fn block<T: Float>(x: &[T], absent: impl Fn(T) -> bool, wide: &[T], out: &mut [T]) -> bool {
    for (x, out) in x.chunks(wide.len()).zip(out.chunks_mut(wide.len())) {
        let n = x.len().min(out.len()).min(wide.len());
        let (x, out, wide) = (&x[..n], &mut out[..n], &wide[..n]);
        simd::prefetch_ahead::<false, _>(x, simd::AHEAD);
        for k in 0..n {
            let (v, filling) = (x[k], wide[k]);
            out[k] = if absent(v) { filling } else { v };
        }
    }
    any_not_finite(out)
}

/// Fills a block, each row followed by its indicators; is one of the results not finite?
#[inline(always)]
fn marked_block<T: Float>(x: &[T], absent: impl Fn(T) -> bool, fill: Fill<'_, T>, out: &mut [T]) -> bool {
    let columns = fill.values.len();
    let rows = out.chunks_exact_mut(columns + fill.indicators.len());
    for (x, out) in x.chunks_exact(columns).zip(rows) {
        let (out, flags) = out.split_at_mut(columns);
        for k in 0..columns {
            let (v, filling) = (x[k], fill.values[k]);
            out[k] = if absent(v) { filling } else { v };
        }
        for (flag, j) in flags.iter_mut().zip(fill.indicators) {
            *flag = if absent(x[*j]) { T::ONE } else { T::ZERO };
        }
    }
    any_not_finite(out)
}

#[inline(always)]
pub(super) fn any_not_finite<T: Float>(values: &[T]) -> bool {
    // A product with zero is NaN for an infinity and for NaN.
    let mut probe = [T::ZERO; 16];
    let mut parts = values.chunks_exact(16);
    for part in &mut parts {
        for k in 0..16 {
            probe[k] += part[k] * T::ZERO;
        }
    }
    for v in parts.remainder() {
        probe[0] += *v * T::ZERO;
    }
    probe.iter().copied().sum::<T>().is_nan()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_layout_is_filled_value_by_value(
            rows in 1usize..200, columns in 1usize..40, seed in any::<u32>(), value in any::<bool>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let marker = if value { -1.0 } else { f64::NAN };
            let missing = if value { Missing::Value(-1.0) } else { Missing::Nan };
            let x = Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if v < 0.3 { marker } else { v }
            });
            let values: Vec<f64> = (0..columns).map(|j| j as f64).collect();
            let expected = Array2::from_shape_fn((rows, columns), |(i, j)| {
                if missing.is(x[(i, j)]) { values[j] } else { x[(i, j)] }
            });
            let plain = Fill { missing, values: &values, indicators: &[] };
            let serial = Exec::serial();
            let mut f = Array2::zeros((rows, columns).f());
            f.assign(&x);
            let wide = Array2::from_shape_fn((rows, 2 * columns), |(i, j)| x[(i, j / 2)]);
            for view in [x.view(), f.view(), wide.slice(s![.., ..;2])] {
                let mut out = vec![0.0; rows * columns];
                prop_assert!(!fill(view, plain, false, &mut out, &serial).unwrap());
                prop_assert_eq!(Array2::from_shape_vec((rows, columns), out.clone()).unwrap(), expected.view());
                prop_assert!(!fill(view, plain, true, &mut out, &serial).unwrap());
                prop_assert_eq!(Array2::from_shape_vec((rows, columns).f(), out).unwrap(), expected.view());
                let mut out = vec![0.0; rows * (columns + 1)];
                let marked = Fill { indicators: &[columns - 1], ..plain };
                prop_assert!(!fill(view, marked, false, &mut out, &serial).unwrap());
                for (i, row) in out.chunks(columns + 1).enumerate() {
                    prop_assert_eq!(&row[..columns], expected.row(i).to_slice().unwrap());
                    prop_assert_eq!(row[columns] == 1.0, missing.is(x[(i, columns - 1)]));
                }
            }
        }
    }

    #[test]
    fn infinities_are_found() {
        let x = ndarray::array![[1.0, f64::INFINITY], [f64::NAN, 2.0]];
        let fills = Fill { missing: Missing::Nan, values: &[0.0, 0.0], indicators: &[] };
        assert!(fill(x.view(), fills, false, &mut [0.0; 4], &Exec::serial()).unwrap());
        let fills = Fill { missing: Missing::Value(2.0), ..fills };
        assert!(fill(x.view(), fills, false, &mut [0.0; 4], &Exec::serial()).unwrap());
    }
}
