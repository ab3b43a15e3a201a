//! Smallest and largest value of each column, NaN left out.
//!
//! One pass over memory, bound by reading it. An infinity shows in the extrema themselves.

use ndarray::{ArrayView2, Axis, s};

use crate::apart::Apart;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::Matrix;
use crate::moments_sparse::{Compressed, Index, chunks};
use crate::scale::lies_by_column;
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a chunk, the unit that a thread takes: about half a millisecond of work.
const CHUNK: usize = 1 << 18;
/// Values of a column that are taken at a time: 16 KB of f64, which stays in the first-level cache if it has to be made.
const BLOCK: usize = 1 << 11;
/// Columns that are taken together at most: their extrema stay in the first-level cache.
const TOGETHER: usize = 2_048;
/// Chunks of rows at most, so that wide matrices do not need many times the room of a row.
const PARTS: usize = 64;
/// Narrow rows are taken together until they have this many lanes.
const LANES: usize = 32;

/// Mergeable extrema of `low.len()` columns; `low` lies above `high` where nothing was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Extrema<T> {
    /// Smallest value of each column.
    pub low: Vec<T>,
    /// Largest value of each column.
    pub high: Vec<T>,
}

impl<T: Float> Extrema<T> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { low: vec![T::INFINITY; columns], high: vec![-T::INFINITY; columns] }
    }

    /// Takes in what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        self.merge_at(0, other);
    }

    fn merge_at(&mut self, begin: usize, other: &Self) {
        for (low, v) in self.low[begin..].iter_mut().zip(&other.low) {
            *low = smaller(*v, *low);
        }
        for (high, v) in self.high[begin..].iter_mut().zip(&other.high) {
            *high = larger(*v, *high);
        }
    }

    /// Was there an infinity?
    #[must_use]
    pub fn has_inf(&self) -> bool {
        let seen = self.low.iter().zip(&self.high).filter(|(low, high)| low <= high);
        seen.into_iter().any(|(low, high)| !low.is_finite() || !high.is_finite())
    }

    /// NaN in the place of what was never seen.
    #[must_use]
    pub fn finalize(mut self) -> Self {
        for (low, high) in self.low.iter_mut().zip(&mut self.high) {
            if *low > *high {
                (*low, *high) = (T::NAN, T::NAN);
            }
        }
        self
    }

    /// Takes in a block of rows.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update(&mut self, x: ArrayView2<'_, T>, exec: &Exec<'_>) -> Result<()> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Ok(());
        }
        let by_column = lies_by_column(x);
        let group = if by_column { (CHUNK / rows).max(1) } else { TOGETHER }.min(columns);
        let step = (CHUNK / group).max(rows.div_ceil(PARTS)).min(rows);
        let groups = columns.div_ceil(group);
        let exec = exec.only_if(x.len() >= SERIAL_BELOW);
        let parts = exec.map(groups * rows.div_ceil(step), |i| {
            let (row, column) = (i / groups * step, i % groups * group);
            let part = x.slice(s![row..rows.min(row + step), column..columns.min(column + group)]);
            if by_column {
                of_columns(part.axis_iter(Axis(1)).collect::<Vec<_>>().iter())
            } else {
                of_rows(part)
            }
        })?;
        for (i, part) in parts.iter().enumerate() {
            self.merge_at(i % groups * group, part);
        }
        Ok(())
    }

    /// The same of rows whose values are made.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update_rows(&mut self, x: &dyn Matrix<T>, exec: &Exec<'_>) -> Result<()> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Ok(());
        }
        let step = (CHUNK / columns).max(rows.div_ceil(PARTS)).min(rows);
        let block = BLOCK.div_ceil(columns);
        let exec = exec.only_if(rows * columns >= SERIAL_BELOW);
        let parts = exec.map(rows.div_ceil(step), |i| {
            let mut lanes = Self::new(LANES.div_ceil(columns).min(block) * columns);
            let (end, mut buffer) = (rows.min((i + 1) * step), Vec::new());
            for begin in (i * step..end).step_by(block) {
                let values = x.some_rows(begin, block.min(end - begin), &mut buffer);
                match values.as_slice() {
                    Some(values) => simd::dispatch!(take(values, &mut lanes)),
                    None => lanes.merge(&of_rows(values)),
                }
            }
            fold(&lanes, columns)
        })?;
        parts.iter().for_each(|part| self.merge(part));
        Ok(())
    }

    /// Takes in a block of rows whose columns lie apart.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update_columns(&mut self, columns: &[impl Apart<T>], exec: &Exec<'_>) -> Result<()> {
        let exec = exec.only_if(columns.iter().map(Apart::len).sum::<usize>() >= SERIAL_BELOW);
        for (j, part) in exec.map(columns.len(), |j| of_columns(columns[j..=j].iter()))?.iter().enumerate() {
            self.merge_at(j, part);
        }
        Ok(())
    }

    /// Takes in a sparse matrix: CSR, or CSC if `by_column`. What is not stored is a zero.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update_sparse<I: Index>(
        &mut self,
        x: Compressed<'_, T, I>,
        by_column: bool,
        exec: &Exec<'_>,
    ) -> Result<()> {
        let columns = self.low.len();
        let exec = exec.only_if(x.values().len() >= SERIAL_BELOW);
        let starts = chunks(&x);
        let parts = exec.map(starts.len() - 1, |i| {
            let mut part = Self::new(if by_column { starts[i + 1] - starts[i] } else { columns });
            let mut stored = vec![0_usize; part.low.len()];
            for line in starts[i]..starts[i + 1] {
                for k in x.range(line, line + 1) {
                    let j = if by_column { line - starts[i] } else { x.indices()[k].place() };
                    part.add(j, x.values()[k]);
                    stored[j] += 1;
                }
            }
            (part, stored)
        })?;
        let mut all = Self::new(columns);
        let mut stored = vec![0; columns];
        for (i, (part, counts)) in parts.iter().enumerate() {
            let begin = if by_column { starts[i] } else { 0 };
            all.merge_at(begin, part);
            for (sum, n) in stored[begin..].iter_mut().zip(counts) {
                *sum += n;
            }
        }
        let rows = if by_column { x.width() } else { x.lines() };
        for (j, stored) in stored.into_iter().enumerate() {
            if stored < rows {
                all.add(j, T::ZERO);
            }
        }
        self.merge(&all);
        Ok(())
    }

    #[inline(always)]
    fn add(&mut self, j: usize, v: T) {
        self.low[j] = smaller(v, self.low[j]);
        self.high[j] = larger(v, self.high[j]);
    }
}

/// `b` if `a` is NaN.
#[inline(always)]
fn smaller<T: Float>(a: T, b: T) -> T {
    if a < b { a } else { b }
}

/// `b` if `a` is NaN.
#[inline(always)]
fn larger<T: Float>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

fn of_rows<T: Float>(x: ArrayView2<'_, T>) -> Extrema<T> {
    let (rows, columns) = x.dim();
    let mut lanes = Extrema::new(LANES.div_ceil(columns).min(rows) * columns);
    if let Some(values) = x.as_slice() {
        simd::dispatch!(take(values, &mut lanes));
    } else {
        let mut copy = Vec::with_capacity(columns);
        for row in x.outer_iter() {
            let values = row.as_slice().unwrap_or_else(|| {
                copy.clear();
                copy.extend(row.iter().copied());
                &copy
            });
            simd::dispatch!(take(values, &mut lanes));
        }
    }
    fold(&lanes, columns)
}

fn of_columns<'a, T: Float>(columns: impl ExactSizeIterator<Item = &'a (impl Apart<T> + 'a)>) -> Extrema<T> {
    let mut all = Extrema::new(columns.len());
    let mut lanes = Extrema::new(LANES);
    let mut buffer = Vec::new();
    for (j, column) in columns.enumerate() {
        lanes.low.fill(T::INFINITY);
        lanes.high.fill(-T::INFINITY);
        for begin in (0..column.len()).step_by(BLOCK) {
            let values = column.block(begin, BLOCK.min(column.len() - begin), &mut buffer);
            simd::dispatch!(take(values, &mut lanes));
        }
        let one = fold(&lanes, 1);
        (all.low[j], all.high[j]) = (one.low[0], one.high[0]);
    }
    all
}

/// Extrema of columns from those of several rows side by side.
fn fold<T: Float>(lanes: &Extrema<T>, columns: usize) -> Extrema<T> {
    let mut all = Extrema::new(columns);
    for k in 0..lanes.low.len() {
        all.low[k % columns] = smaller(lanes.low[k], all.low[k % columns]);
        all.high[k % columns] = larger(lanes.high[k], all.high[k % columns]);
    }
    all
}

/// Values side by side into lanes, the rest into the first of them.
#[inline(always)]
fn take<T: Float>(values: &[T], lanes: &mut Extrema<T>) {
    let width = lanes.low.len();
    let (low, high) = (&mut lanes.low[..width], &mut lanes.high[..width]);
    let mut fours = values.chunks_exact(4 * width);
    for four in &mut fours {
        simd::prefetch_ahead::<false, _>(four, simd::AHEAD);
        let (ab, cd) = four.split_at(2 * width);
        let ((a, b), (c, d)) = (ab.split_at(width), cd.split_at(width));
        for k in 0..width {
            low[k] = smaller(a[k], smaller(b[k], smaller(c[k], smaller(d[k], low[k]))));
            high[k] = larger(a[k], larger(b[k], larger(c[k], larger(d[k], high[k]))));
        }
    }
    for row in fours.remainder().chunks(width) {
        for ((v, low), high) in row.iter().zip(&mut *low).zip(&mut *high) {
            *low = smaller(*v, *low);
            *high = larger(*v, *high);
        }
    }
}

/// (range, scale, shift) that bring each column from `low..high` to `begin..end` as `x * scale + shift`: what
/// `MinMaxScaler` has, a range of next to nothing taken for 1. `None` if one of them is not finite.
pub fn steps_between<T: Float>(low: &[T], high: &[T], begin: T, end: T) -> Option<[Vec<T>; 3]> {
    let nothing = T::from_f64(10.0) * T::EPSILON;
    let range: Vec<T> = low.iter().zip(high).map(|(low, high)| *high - *low).collect();
    let scale: Vec<T> =
        range.iter().map(|&range| (end - begin) / if range < nothing { T::ONE } else { range }).collect();
    let shift: Vec<T> = low.iter().zip(&scale).map(|(low, scale)| begin - *low * *scale).collect();
    let all = [range, scale, shift];
    all.iter().flatten().all(|v| v.is_finite()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    fn of(x: ArrayView2<'_, f64>) -> Extrema<f64> {
        let mut all = Extrema::new(x.ncols());
        all.update(x, &Exec::serial()).unwrap();
        all
    }

    fn naive(x: ArrayView2<'_, f64>) -> Extrema<f64> {
        let mut all = Extrema::<f64>::new(x.ncols());
        for ((_, j), v) in x.indexed_iter().filter(|(_, v)| !v.is_nan()) {
            all.low[j] = all.low[j].min(*v);
            all.high[j] = all.high[j].max(*v);
        }
        all
    }

    proptest! {
        #[test]
        fn any_layout_and_any_parts(
            rows in 1usize..300, columns in 1usize..60, seed in any::<u32>(), holes in 0.0..1.1f64,
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if v < holes { f64::NAN } else { v - 0.7 }
            });
            let expected = naive(x.view());
            prop_assert_eq!(&of(x.view()), &expected);
            let mut f = Array2::zeros((rows, columns).f());
            f.assign(&x);
            prop_assert_eq!(&of(f.view()), &expected);
            let doubled = Array2::from_shape_fn((2 * rows, 2 * columns), |(i, j)| x[(i / 2, j / 2)]);
            prop_assert_eq!(&of(doubled.slice(s![..;2, ..;2])), &expected);
            let mut parts = of(x.slice(s![..rows / 2, ..]));
            parts.merge(&of(x.slice(s![rows / 2.., ..])));
            prop_assert_eq!(&parts, &expected);
        }
    }

    #[test]
    fn wide_matrices_are_taken_in_groups() {
        let x = Array2::from_shape_fn((70, 2 * TOGETHER + 5), |(i, j)| ((i * 31 + j * 17) % 101) as f64);
        assert_eq!(of(x.view()), naive(x.view()));
        assert_eq!(of(x.t()), naive(x.t()));
    }

    #[test]
    fn infinities_and_empty_columns() {
        let x = ndarray::array![[f64::NAN, f64::INFINITY, 1.0], [f64::NAN, f64::INFINITY, 2.0]];
        let all = of(x.view());
        assert!(all.has_inf());
        assert!(!of(x.slice(s![.., ..1])).has_inf());
        let all = all.finalize();
        assert!(all.low[0].is_nan() && all.high[0].is_nan());
        assert_eq!((all.low[2], all.high[2]), (1.0, 2.0));
    }

    #[test]
    fn what_a_sparse_matrix_does_not_store_is_a_zero() {
        // [[1, 0, nan], [2, -3, nan]]
        let nan = f64::NAN;
        let (v, i, p) = ([1.0, nan, 2.0, -3.0, nan], [0, 2, 0, 1, 2], [0, 2, 5]);
        let mut csr = Extrema::new(3);
        csr.update_sparse(Compressed::new(&v, &i, &p, 3).unwrap(), false, &Exec::serial()).unwrap();
        let (v, i, p) = ([1.0, 2.0, -3.0, nan, nan], [0, 1, 1, 0, 1], [0, 2, 3, 5]);
        let mut csc = Extrema::new(3);
        csc.update_sparse(Compressed::new(&v, &i, &p, 2).unwrap(), true, &Exec::serial()).unwrap();
        assert_eq!(csr, csc);
        assert_eq!((&csr.low[..2], &csr.high[..2]), (&[1.0, -3.0][..], &[2.0, 0.0][..]));
        assert!(csr.low[2] > csr.high[2]);
    }

    #[test]
    fn steps_bring_the_extrema_to_the_limits() {
        let [range, scale, shift] = steps_between(&[1.0, 3.0], &[5.0, 3.0], 0.0, 2.0).unwrap();
        assert_eq!((range, scale, shift), (vec![4.0, 0.0], vec![0.5, 2.0], vec![-0.5, -6.0]));
        assert!(steps_between(&[f64::NAN], &[f64::NAN], 0.0, 1.0).is_none());
        assert!(steps_between(&[-f64::MAX], &[f64::MAX], 0.0, 1.0).is_none());
    }
}
