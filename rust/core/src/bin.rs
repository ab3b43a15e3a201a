//! Binning: how many of a column's inner edges are at or below a value, as NumPy's `searchsorted(side="right")` has it.
//!
//! Edges are rounded up to the type of the data, which decides no value otherwise, and are counted, not searched, where
//! they are few: whole rows, vectorised.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView2, s};

use crate::columns::{all_finite, map_columns};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::scale::lies_by_column;
use crate::simd;

/// Values below which threads cost more than they bring.
const SERIAL_BELOW: usize = 100_000;
/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Values of a block, still in the first-level cache when it is looked at again.
const BLOCK: usize = 1 << 11;
/// Up to so many edges are counted.
const COUNT_TO: usize = 32;
/// Narrow rows are taken together until they have this many lanes.
const LANES: usize = 32;
/// Values that are counted side by side.
const TOGETHER: usize = 8;

/// The inner edges of each column, in the type of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Edges<T> {
    columns: Vec<Vec<T>>,
    most: usize,
}

impl<T: Float> Edges<T> {
    /// Takes each column's inner edges, which must not fall.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they do, or if one is NaN.
    pub fn new(columns: &[Vec<f64>]) -> Result<Self> {
        if columns
            .iter()
            .any(|edges| edges.iter().any(|e| e.is_nan()) || edges.windows(2).any(|e| e[0] > e[1]))
        {
            return Err(Error::Invalid("edges must be numbers in order".into()));
        }
        let most = columns.iter().map(Vec::len).max().unwrap_or(0);
        let columns =
            columns.iter().map(|edges| edges.iter().map(|e| T::from_f64_up(*e)).collect()).collect();
        Ok(Self { columns, most })
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The bin of a value of the column `j`.
    #[inline]
    #[must_use]
    pub fn bin(&self, j: usize, x: T) -> usize {
        self.columns[j].partition_point(|edge| *edge <= x)
    }

    /// The edges of `together` rows side by side, level by level; where a column has fewer, NaN, which is below nothing.
    fn levels(&self, together: usize) -> Vec<Vec<T>> {
        (0..self.most)
            .map(|level| {
                let one = self.columns.iter().map(|edges| edges.get(level).copied().unwrap_or(T::NAN));
                let one: Vec<T> = one.collect();
                one.iter().copied().cycle().take(together * one.len()).collect()
            })
            .collect()
    }
}

/// Bins of a matrix into `out`, in the order of `map_columns`. Returns whether all values were finite.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Invalid`] if the edges are of another width.
pub fn ordinal<T: Float>(
    x: ArrayView2<'_, T>,
    edges: &Edges<T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    check_width(x, edges)?;
    if edges.most > COUNT_TO || lies_by_column(x) {
        let met = map_columns(x, out, &exec, |j, values| {
            let edges = &edges.columns[j];
            if edges.len() > COUNT_TO {
                for v in values {
                    *v = T::from_f64(edges.partition_point(|edge| edge <= v) as f64);
                }
            } else {
                simd::dispatch!(count_in_place(values, edges));
            }
        })?;
        return Ok(!met.nan && !met.infinite);
    }
    whole_rows(x, edges, out, 1, &exec, |counts, out| out.copy_from_slice(counts))
}

/// The column numbers of a one-hot matrix, row by row: the columns' bins side by side, column `j`'s from `offsets[j]` on.
/// Returns whether all values were finite.
///
/// # Errors
/// As [`ordinal`].
pub fn positions<T: Float>(
    x: ArrayView2<'_, T>,
    edges: &Edges<T>,
    offsets: &[i32],
    out: &mut [i32],
    exec: &Exec<'_>,
) -> Result<bool> {
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    check_width(x, edges)?;
    if offsets.len() != edges.width() {
        return Err(Error::Invalid("as many offsets as columns are needed".into()));
    }
    whole_rows(x, edges, out, 1, &exec, |counts, out| {
        for (counts, out) in counts.chunks_exact(offsets.len()).zip(out.chunks_exact_mut(offsets.len())) {
            for ((to, count), begin) in out.iter_mut().zip(counts).zip(offsets) {
                *to = begin + whole(*count);
            }
        }
    })
}

/// A dense one-hot matrix, row by row. Returns whether all values were finite.
///
/// # Errors
/// As [`ordinal`].
pub fn one_hot<T: Float>(
    x: ArrayView2<'_, T>,
    edges: &Edges<T>,
    offsets: &[i32],
    width: usize,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    check_width(x, edges)?;
    let columns = edges.width();
    let fits =
        |j: usize| usize::try_from(offsets[j]).is_ok_and(|begin| begin + edges.columns[j].len() < width);
    if offsets.len() != columns || !(0..columns).all(fits) {
        return Err(Error::Invalid("the offsets do not fit the width".into()));
    }
    whole_rows(x, edges, out, width, &exec, |counts, out| {
        out.fill(T::ZERO);
        for (counts, out) in counts.chunks_exact(columns).zip(out.chunks_exact_mut(width)) {
            for (count, begin) in counts.iter().zip(offsets) {
                out[(begin + whole(*count)) as usize] = T::ONE;
            }
        }
    })
}

/// A count as a whole number.
#[allow(clippy::cast_possible_truncation, reason = "a count of edges")]
fn whole<T: Float>(count: T) -> i32 {
    count.to_f64() as i32
}

fn check_width<T: Float>(x: ArrayView2<'_, T>, edges: &Edges<T>) -> Result<()> {
    if x.ncols() == edges.width() {
        return Ok(());
    }
    Err(Error::Invalid("as many columns of edges as of values are needed".into()))
}

/// Counts whole rows, block by block, and calls `write(counts, out)`; `width` values of `out` belong to a row, or to a
/// value if it is 1. Returns whether all values were finite.
fn whole_rows<T: Float, O: Send>(
    x: ArrayView2<'_, T>,
    edges: &Edges<T>,
    out: &mut [O],
    width: usize,
    exec: &Exec<'_>,
    write: impl Fn(&[T], &mut [O]) + Sync,
) -> Result<bool> {
    let (rows, columns) = x.dim();
    if rows == 0 || columns == 0 {
        return Ok(true);
    }
    let refused = AtomicBool::new(false);
    let per_row = if width == 1 { columns } else { width };
    let together = LANES.div_ceil(columns).min(rows);
    let levels = edges.levels(together);
    let step = (PIECE / per_row).max(1);
    exec.for_each_piece(out, step * per_row, |i, out| {
        let part = x.slice(s![i * step..i * step + out.len() / per_row, ..]);
        let few = BLOCK.div_ceil(together * columns) * together;
        let (mut copy, mut counts) = (Vec::new(), vec![T::ZERO; few * columns]);
        for (begin, out) in (0..part.nrows()).step_by(few).zip(out.chunks_mut(few * per_row)) {
            let block = part.slice(s![begin..begin + out.len() / per_row, ..]);
            let values = match block.as_slice() {
                Some(values) => values,
                None => {
                    copy.clear();
                    copy.extend(block.iter().copied());
                    &copy
                }
            };
            let counts = &mut counts[..values.len()];
            let finite = if edges.most > COUNT_TO {
                for (k, (count, v)) in counts.iter_mut().zip(values).enumerate() {
                    *count = T::from_f64(edges.bin(k % columns, *v) as f64);
                }
                values.iter().all(|v| v.is_finite())
            } else {
                simd::dispatch!(count(values, &levels, together * columns, counts))
            };
            if !finite {
                refused.store(true, Ordering::Relaxed);
            }
            write(counts, out);
        }
    })?;
    Ok(!refused.into_inner())
}

/// Counts the edges at or below each value; are all values finite?
#[inline(always)]
fn count<T: Float>(values: &[T], levels: &[Vec<T>], width: usize, counts: &mut [T]) -> bool {
    for (values, counts) in values.chunks(width).zip(counts.chunks_mut(width)) {
        let n = values.len().min(counts.len());
        let (values, rest) = values[..n].as_chunks::<TOGETHER>();
        let (counts, rest_counts) = counts[..n].as_chunks_mut::<TOGETHER>();
        // Level after level with the counts in registers, not in memory.
        for (i, (values, counts)) in values.iter().zip(counts).enumerate() {
            let mut count = [T::ZERO; TOGETHER];
            for level in levels {
                if let Some(level) = level[i * TOGETHER..].first_chunk::<TOGETHER>() {
                    for k in 0..TOGETHER {
                        count[k] += if level[k] <= values[k] { T::ONE } else { T::ZERO };
                    }
                }
            }
            *counts = count;
        }
        for (k, (v, to)) in (n - rest.len()..).zip(rest.iter().zip(rest_counts)) {
            *to = levels.iter().fold(T::ZERO, |n, level| n + if level[k] <= *v { T::ONE } else { T::ZERO });
        }
    }
    all_finite(values)
}

#[inline(always)]
fn count_in_place<T: Float>(values: &mut [T], edges: &[T]) {
    for v in values {
        let mut count = T::ZERO;
        for edge in edges {
            count += if *edge <= *v { T::ONE } else { T::ZERO };
        }
        *v = count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_way_counts_alike(rows in 1usize..300, columns in 1usize..40, bins in 1usize..50, seed in any::<u32>()) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |_| (rng.next_f64() * 20.0).floor() / 2.0);
            let inner: Vec<Vec<f64>> = (0..columns)
                .map(|j| (0..(bins + j) % 50).map(|i| i as f64 * 0.37).collect())
                .collect();
            let edges = Edges::<f64>::new(&inner).unwrap();
            let expected = Array2::from_shape_fn((rows, columns), |(i, j)| edges.bin(j, x[(i, j)]));
            let mut by_column = Array2::zeros((rows, columns).f());
            by_column.assign(&x);
            let mut out = vec![0.0; rows * columns];
            prop_assert!(ordinal(x.view(), &edges, &mut out, &Exec::serial()).unwrap());
            prop_assert_eq!(Array2::from_shape_vec((rows, columns), out.clone()).unwrap(), expected.mapv(|n| n as f64));
            if lies_by_column(by_column.view()) {
                prop_assert!(ordinal(by_column.view(), &edges, &mut out, &Exec::serial()).unwrap());
                prop_assert_eq!(Array2::from_shape_vec((rows, columns).f(), out).unwrap(), expected.mapv(|n| n as f64));
            }
            let mut offsets = vec![0];
            offsets.extend(inner.iter().scan(0, |sum, e| {
                *sum += e.len() as i32 + 1;
                Some(*sum)
            }));
            let width = offsets.pop().unwrap() as usize;
            let mut places = vec![0; rows * columns];
            positions(x.view(), &edges, &offsets, &mut places, &Exec::serial()).unwrap();
            let mut dense = vec![0.0; rows * width];
            one_hot(by_column.view(), &edges, &offsets, width, &mut dense, &Exec::serial()).unwrap();
            let mut from_places = vec![0.0; rows * width];
            for (k, (place, bin)) in places.iter().zip(&expected).enumerate() {
                prop_assert_eq!(*place as usize, offsets[k % columns] as usize + bin);
                from_places[k / columns * width + *place as usize] = 1.0;
            }
            prop_assert_eq!(dense, from_places);
        }
    }

    #[test]
    fn an_edge_between_two_f32_decides_as_in_f64() {
        let edge = 0.1;
        let edges = Edges::<f32>::new(&[vec![edge]]).unwrap();
        for x in [0.099_999_994_f32, 0.1, 0.100_000_01] {
            assert_eq!(edges.bin(0, x) == 1, f64::from(x) >= edge);
        }
    }

    #[test]
    fn what_is_not_finite_is_told() {
        let edges = Edges::<f64>::new(&[vec![0.0]]).unwrap();
        for v in [f64::NAN, f64::INFINITY] {
            let x = Array2::from_elem((3, 1), v);
            assert!(!ordinal(x.view(), &edges, &mut [0.0; 3], &Exec::serial()).unwrap());
        }
        assert!(Edges::<f64>::new(&[vec![1.0, 0.0]]).is_err());
    }
}
