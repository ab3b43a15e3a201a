//! The filling in its place, of any layout.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayViewMut1, ArrayViewMut2, Axis};

use super::{Missing, SERIAL_BELOW};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::scale::lies_by_column;
use crate::simd;

/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;

/// Puts a finite value for each column where `x` is missing. Returns whether a value was met that may not occur.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop; some values are then filled.
pub fn fill_in_place<T: Float>(
    mut x: ArrayViewMut2<'_, T>,
    missing: Missing<T>,
    values: &[T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    let by_column = lies_by_column(x.view());
    let lanes = x.lanes_mut(Axis(usize::from(!by_column)));
    let mut lanes: Vec<ArrayViewMut1<'_, T>> = lanes.into_iter().collect();
    let group = lanes.first().map_or(1, |lane| (PIECE / lane.len().max(1)).max(1));
    let refused = AtomicBool::new(false);
    exec.for_each_piece(&mut lanes, group, |i, lanes| {
        for (j, lane) in (i * group..).zip(lanes) {
            let fills = if by_column { &values[j..=j] } else { values };
            let found = match (missing, lane.as_slice_mut()) {
                (Missing::Nan, Some(lane)) => simd::dispatch!(one_lane(lane.iter_mut(), T::is_nan, fills)),
                (Missing::Nan, None) => one_lane(lane.iter_mut(), T::is_nan, fills),
                (Missing::Value(marker), _) => one_lane(lane.iter_mut(), |v| v == marker, fills),
            };
            if found {
                refused.store(true, Ordering::Relaxed);
            }
        }
    })?;
    Ok(refused.into_inner())
}

/// Fills a column, by its one value, or a row; is one of the results not finite?
#[inline(always)]
fn one_lane<'a, T: Float>(
    lane: impl Iterator<Item = &'a mut T>,
    absent: impl Fn(T) -> bool,
    fills: &[T],
) -> bool {
    let mut probe = T::ZERO;
    let mut fill = |v: &mut T, filling: T| {
        *v = if absent(*v) { filling } else { *v };
        probe += *v * T::ZERO;
    };
    match fills {
        [filling] => lane.for_each(|v| fill(v, *filling)),
        _ => lane.zip(fills).for_each(|(v, filling)| fill(v, *filling)),
    }
    probe.is_nan()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder, s};

    #[test]
    fn every_layout_is_filled_and_what_may_not_occur_is_told() {
        for (rows, columns) in [(1, 1), (1, 5), (5, 1), (7, 4), (300, 50)] {
            let x = Array2::from_shape_fn((rows, columns), |(i, j)| {
                if (i + j) % 3 == 0 { f64::NAN } else { (i * j) as f64 }
            });
            let values: Vec<f64> = (0..columns).map(|j| -(j as f64) - 1.0).collect();
            let expected =
                Array2::from_shape_fn(x.dim(), |at| if x[at].is_nan() { values[at.1] } else { x[at] });
            let mut by_column = Array2::zeros((rows, columns).f());
            let mut apart = Array2::zeros((rows, columns + 3));
            for mut view in [x.clone().view_mut(), by_column.view_mut(), apart.slice_mut(s![.., 1..=columns])]
            {
                view.assign(&x);
                assert!(!fill_in_place(view.view_mut(), Missing::Nan, &values, &Exec::serial()).unwrap());
                assert_eq!(view, expected);
                let marker = Missing::Value(values[0]);
                assert!(
                    !fill_in_place(view.view_mut(), marker, &vec![7.0; columns], &Exec::serial()).unwrap()
                );
                assert!(view.iter().all(|v| *v != values[0]));
                view[(rows - 1, 0)] = f64::INFINITY;
                assert!(fill_in_place(view, Missing::Nan, &values, &Exec::serial()).unwrap());
            }
        }
    }
}
