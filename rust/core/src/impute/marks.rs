//! Marks of what is missing, as scikit-learn's `MissingIndicator` has them: one pass over the values.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView1, ArrayView2, s};

use super::{CHUNK, Missing, SERIAL_BELOW};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::moments_sparse::Index;
use crate::simd;

/// Values that are marked before they are spread over their columns.
const BLOCK: usize = 1 << 12;

/// What marking found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// Does a column have a missing value?
    pub found: Vec<bool>,
    /// Was there a value that may not occur?
    pub refused: bool,
}

/// Marks the missing values of the chosen columns in `out`, row by row; of no columns if `out` is empty.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn mark<T: Float>(
    x: ArrayView2<'_, T>,
    missing: Missing<T>,
    chosen: &[usize],
    out: &mut [bool],
    exec: &Exec<'_>,
) -> Result<Marked> {
    let (rows, columns) = x.dim();
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    let found: Vec<AtomicBool> = (0..columns).map(|_| AtomicBool::new(false)).collect();
    let refused = AtomicBool::new(false);
    let step = (CHUNK / columns.max(1)).max(1);
    let part = |i: usize, out: &mut [bool]| {
        let x = x.slice(s![i * step..rows.min((i + 1) * step), ..]);
        let (any, bad) = mark_rows(x, missing, chosen, out);
        for (found, _) in found.iter().zip(any).filter(|(_, any)| *any != 0) {
            found.store(true, Ordering::Relaxed);
        }
        if bad {
            refused.store(true, Ordering::Relaxed);
        }
    };
    if out.is_empty() {
        exec.for_each(rows.div_ceil(step), |i| part(i, &mut []))?;
    } else {
        exec.for_each_piece(out, step * chosen.len(), part)?;
    }
    Ok(Marked {
        found: found.into_iter().map(AtomicBool::into_inner).collect(),
        refused: refused.into_inner(),
    })
}

fn mark_rows<T: Float>(
    x: ArrayView2<'_, T>,
    missing: Missing<T>,
    chosen: &[usize],
    out: &mut [bool],
) -> (Vec<u8>, bool) {
    let columns = x.ncols();
    let mut any = vec![0_u8; columns];
    let mut bad = 0;
    let tall = (BLOCK / columns).max(1);
    let mut marks = vec![0_u8; tall * columns];
    let mut copy = Vec::new();
    for begin in (0..x.nrows()).step_by(tall) {
        let block = x.slice(s![begin..x.nrows().min(begin + tall), ..]);
        let values = match block.as_slice() {
            Some(values) => values,
            None => {
                copy.clear();
                copy.resize(block.len(), T::ZERO);
                for (j, column) in block.columns().into_iter().enumerate() {
                    for (i, v) in column.iter().enumerate() {
                        copy[i * columns + j] = *v;
                    }
                }
                &copy
            }
        };
        let marks = &mut marks[..values.len()];
        bad |= match missing {
            Missing::Nan => simd::dispatch!(each(values, T::is_nan, marks)),
            Missing::Value(marker) => simd::dispatch!(each(values, |v| v == marker, marks)),
        };
        for row in marks.chunks_exact(columns) {
            for (any, mark) in any.iter_mut().zip(row) {
                *any |= mark;
            }
        }
        if !out.is_empty() {
            let out = &mut out[begin * chosen.len()..][..block.nrows() * chosen.len()];
            if chosen.len() == columns {
                for (out, mark) in out.iter_mut().zip(&*marks) {
                    *out = *mark != 0;
                }
            } else {
                for (out, row) in out.chunks_exact_mut(chosen.len()).zip(marks.chunks_exact(columns)) {
                    for (out, j) in out.iter_mut().zip(chosen) {
                        *out = row[*j] != 0;
                    }
                }
            }
        }
    }
    (any, bad != 0)
}

/// Marks each value with 0 or 1; is there one that may not occur?
#[inline(always)]
fn each<T: Float>(values: &[T], absent: impl Fn(T) -> bool, marks: &mut [u8]) -> u8 {
    let mut bad = 0;
    for (mark, v) in marks.iter_mut().zip(values) {
        let there = !absent(*v);
        *mark = u8::from(!there);
        bad |= u8::from(there & !v.is_finite());
    }
    bad
}

/// The places of the missing values of a compressed sparse matrix: (their indices, the lines' ends with a leading 0).
///
/// # Errors
/// [`Error::Invalid`] if the parts do not fit each other.
pub fn sparse_marks<T: Float, I: Index>(
    values: ArrayView1<'_, T>,
    indices: &[I],
    pointers: &[I],
    missing: Missing<T>,
) -> Result<(Vec<i32>, Vec<i32>)> {
    let wrong = || Error::Invalid("the parts of the sparse matrix do not fit each other".into());
    let narrow = |i: I| i32::try_from(i.place()).map_err(|_| wrong());
    if indices.len() != values.len() {
        return Err(wrong());
    }
    let (mut places, mut ends) = (Vec::new(), vec![0]);
    for pair in pointers.windows(2) {
        let (begin, end) = (pair[0].place(), pair[1].place());
        if begin > end || end > values.len() {
            return Err(wrong());
        }
        for k in begin..end {
            if missing.is(values[k]) {
                places.push(narrow(indices[k])?);
            }
        }
        ends.push(i32::try_from(places.len()).map_err(|_| wrong())?);
    }
    Ok((places, ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_layout_is_marked(rows in 1usize..200, columns in 1usize..40, value in any::<bool>(), seed in any::<u32>()) {
            let mut rng = crate::random::Mt19937::new(seed);
            let marker = if value { -1.0 } else { f64::NAN };
            let missing = if value { Missing::Value(-1.0) } else { Missing::Nan };
            let x = Array2::from_shape_fn((rows, columns), |_| if rng.next_f64() < 0.1 { marker } else { 2.0 });
            let mut f = Array2::zeros((rows, columns).f());
            f.assign(&x);
            let chosen: Vec<usize> = (0..columns).step_by(2).collect();
            let all: Vec<usize> = (0..columns).collect();
            for x in [x.view(), f.view()] {
                for chosen in [&chosen, &all] {
                    let mut out = vec![false; rows * chosen.len()];
                    let marked = mark(x, missing, chosen, &mut out, &Exec::serial()).unwrap();
                    for (i, row) in out.chunks(chosen.len()).enumerate() {
                        for (mark, j) in row.iter().zip(chosen) {
                            prop_assert_eq!(*mark, missing.is(x[(i, *j)]));
                        }
                    }
                    prop_assert!(!marked.refused);
                    for j in 0..columns {
                        prop_assert_eq!(marked.found[j], x.column(j).iter().any(|v| missing.is(*v)));
                    }
                    prop_assert_eq!(marked, mark(x, missing, &[], &mut [], &Exec::serial()).unwrap());
                }
            }
        }
    }

    #[test]
    fn infinities_are_refused_and_places_are_kept() {
        let x = ndarray::array![[1.0, f64::INFINITY], [f64::NAN, 2.0]];
        assert!(mark(x.view(), Missing::Nan, &[], &mut [], &Exec::serial()).unwrap().refused);
        let values = ndarray::array![1.0, f64::NAN, f64::NAN];
        let (places, ends) = sparse_marks(values.view(), &[0_i32, 3, 1], &[0, 2, 3], Missing::Nan).unwrap();
        assert_eq!((places, ends), (vec![3, 1], vec![0, 1, 2]));
        assert!(sparse_marks(values.view(), &[0_i32, 3, 1], &[0, 2, 9], Missing::Nan).is_err());
    }
}
