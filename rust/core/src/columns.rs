//! Mapping each value by a function of its column, into fresh memory, in one pass.
//!
//! A block of rows is taken column by column through a buffer, so that what a column needs is looked up once a block; a
//! block's rows stay in the second-level cache meanwhile. `out` is in the order that NumPy's copy would have.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView2, s};

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::scale::lies_by_column;
use crate::simd;

/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Values of a buffer: 8 KB of f64.
pub const BLOCK: usize = 1_024;

/// What was met among the inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Was there a NaN?
    pub nan: bool,
    /// Was there an infinity?
    pub infinite: bool,
}

/// Replaces, by `f(column, values)`, the values of each column: at most [`BLOCK`] at a time, in place.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn map_columns<T: Float>(
    x: ArrayView2<'_, T>,
    out: &mut [T],
    exec: &Exec<'_>,
    f: impl Fn(usize, &mut [T]) + Sync,
) -> Result<Met> {
    let (rows, columns) = x.dim();
    let (nan, infinite) = (AtomicBool::new(false), AtomicBool::new(false));
    let note = |values: &[T]| {
        if !simd::dispatch!(all_finite(values)) {
            nan.fetch_or(values.iter().any(|v| v.is_nan()), Ordering::Relaxed);
            infinite.fetch_or(values.iter().any(|v| !v.is_nan() && !v.is_finite()), Ordering::Relaxed);
        }
    };
    if x.is_empty() {
        return Ok(Met::default());
    }
    if lies_by_column(x) {
        exec.for_each_piece(out, PIECE, |i, out| {
            let mut done = 0;
            while done < out.len() {
                let (j, row) = ((i * PIECE + done) / rows, (i * PIECE + done) % rows);
                let take = (out.len() - done).min(rows - row).min(BLOCK);
                let values = &mut out[done..done + take];
                for (to, from) in values.iter_mut().zip(x.slice(s![row..row + take, j])) {
                    *to = *from;
                }
                note(values);
                f(j, values);
                done += take;
            }
        })?;
    } else {
        let step = (PIECE / columns).max(1);
        exec.for_each_piece(out, step * columns, |i, out| {
            let mut buffer = [T::ZERO; BLOCK];
            for (k, out) in out.chunks_mut(BLOCK * columns).enumerate() {
                let begin = i * step + k * BLOCK;
                let part = x.slice(s![begin..begin + out.len() / columns, ..]);
                let buffer = &mut buffer[..part.nrows()];
                for j in 0..columns {
                    for (to, from) in buffer.iter_mut().zip(part.column(j)) {
                        *to = *from;
                    }
                    note(buffer);
                    f(j, buffer);
                    for (to, from) in out[j..].iter_mut().step_by(columns).zip(&*buffer) {
                        *to = *from;
                    }
                }
            }
        })?;
    }
    Ok(Met { nan: nan.into_inner(), infinite: infinite.into_inner() })
}

/// Are all values finite? A product with zero is NaN for an infinity and for NaN.
#[inline(always)]
pub(crate) fn all_finite<T: Float>(values: &[T]) -> bool {
    let mut lanes = [T::ZERO; 32];
    let (blocks, rest) = values.as_chunks::<32>();
    for block in blocks {
        for k in 0..32 {
            lanes[k] += block[k] * T::ZERO;
        }
    }
    !rest.iter().fold(lanes.into_iter().sum(), |sum: T, v| sum + *v * T::ZERO).is_nan()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};

    #[test]
    fn every_layout_is_mapped_and_what_is_not_finite_is_told() {
        for (rows, columns) in [(1, 1), (3, 2), (2_500, 3), (40, 70), (70_000, 1)] {
            let x = Array2::from_shape_fn((rows, columns), |(i, j)| (i * columns + j) as f64);
            let expected = Array2::from_shape_fn((rows, columns), |(i, j)| x[(i, j)] * 10.0 + j as f64);
            let f = |j: usize, values: &mut [f64]| values.iter_mut().for_each(|v| *v = *v * 10.0 + j as f64);
            let mut out = vec![0.0; rows * columns];
            assert_eq!(map_columns(x.view(), &mut out, &Exec::serial(), f).unwrap(), Met::default());
            assert_eq!(Array2::from_shape_vec((rows, columns), out.clone()).unwrap(), expected);
            let mut by_column = Array2::zeros((rows, columns).f());
            by_column.assign(&x);
            map_columns(by_column.view(), &mut out, &Exec::serial(), f).unwrap();
            if lies_by_column(by_column.view()) {
                assert_eq!(Array2::from_shape_vec((rows, columns).f(), out.clone()).unwrap(), expected);
            }
            by_column[(rows - 1, 0)] = f64::NAN;
            assert!(map_columns(by_column.view(), &mut out, &Exec::serial(), f).unwrap().nan);
            by_column[(rows - 1, 0)] = f64::NEG_INFINITY;
            assert_eq!(
                map_columns(by_column.view(), &mut out, &Exec::serial(), f).unwrap(),
                Met { nan: false, infinite: true }
            );
        }
    }
}
