//! Values to 1 above a threshold, else to 0, in the type of the data.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::ArrayViewMut2;

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::normalize::all_finite;
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Values of a block, which stays in the first-level cache between its two looks.
const BLOCK: usize = 2_048;

/// `1` if `x > threshold`, else `0`.
#[inline(always)]
pub fn binary<T: Float>(x: T, threshold: T) -> T {
    if x > threshold { T::ONE } else { T::ZERO }
}

/// Binarises values that lie side by side into `out`, as long as they. Returns whether all were finite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn apply<T: Float>(x: &[T], threshold: T, out: &mut [T], exec: &Exec<'_>) -> Result<bool> {
    let finite = AtomicBool::new(true);
    exec.only_if(x.len() >= SERIAL_BELOW).for_each_piece(out, PIECE, |i, out| {
        for (x, out) in x[i * PIECE..].chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            if !simd::dispatch!(block(x, threshold, out)) {
                finite.store(false, Ordering::Relaxed);
            }
        }
    })?;
    Ok(finite.into_inner())
}

#[inline(always)]
fn block<T: Float>(x: &[T], threshold: T, out: &mut [T]) -> bool {
    for (out, x) in out.iter_mut().zip(x) {
        *out = binary(*x, threshold);
    }
    all_finite(x)
}

/// Binarises a matrix of any layout in its place.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop; some values are then done.
pub fn apply_in_place<T: Float>(mut x: ArrayViewMut2<'_, T>, threshold: T, exec: &Exec<'_>) -> Result<()> {
    if let Some(values) = x.as_slice_memory_order_mut() {
        return exec.only_if(values.len() >= SERIAL_BELOW).for_each_piece(values, PIECE, |_, values| {
            simd::dispatch!(values.iter_mut().for_each(|x| *x = binary(*x, threshold)));
        });
    }
    x.map_inplace(|x| *x = binary(*x, threshold));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder, s};

    #[test]
    fn in_any_layout() {
        let x: Vec<f64> = (0..PIECE + 100).map(|i| (i % 7) as f64 - 3.0).collect();
        let mut out = vec![9.0; x.len()];
        assert!(apply(&x, 1.0, &mut out, &Exec::serial()).unwrap());
        assert!(x.iter().zip(&out).all(|(x, y)| *y == f64::from(u8::from(*x > 1.0))));
        let mut y = Array2::from_shape_vec((4, x.len() / 4).f(), x.clone()).unwrap();
        apply_in_place(y.view_mut(), 1.0, &Exec::serial()).unwrap();
        assert_eq!(y.as_slice_memory_order().unwrap(), out);
        let mut y = ndarray::Array1::from(x.clone()).into_shape_with_order((x.len() / 4, 4)).unwrap();
        apply_in_place(y.slice_mut(s![.., ..;2]), 1.0, &Exec::serial()).unwrap();
        assert!(
            y.iter()
                .zip(x.iter().zip(&out))
                .enumerate()
                .all(|(i, (y, (x, z)))| y == if i % 2 == 0 { z } else { x })
        );
        assert!(!apply(&[f64::NAN], 0.0, &mut [0.0], &Exec::serial()).unwrap());
    }
}
