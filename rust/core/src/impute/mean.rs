//! The mean of what is there: `sum / count`, as NumPy's masked mean has it, the sum in f64 for f32 input too.

use std::ops::Range;

use ndarray::{ArrayView2, s};

use super::{CHUNK, LANES, Missing, SERIAL_BELOW};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::{Matrix, side_by_side};
use crate::simd;

/// Values of a block: 128 KB of f64, which stays in the second-level cache if it has to be made.
pub(super) const BLOCK: usize = 1 << 14;

/// Mergeable sums and counts of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    /// Rows seen.
    pub rows: usize,
    /// Missing values of each column.
    pub missing: Vec<f64>,
    /// Sum of the others.
    pub sum: Vec<f64>,
    /// Was there a value that may not occur?
    pub refused: bool,
}

impl Means {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { rows: 0, missing: vec![0.0; columns], sum: vec![0.0; columns], refused: false }
    }

    /// What was seen of columns one by one, of so many rows.
    pub(super) fn side_by_side<'a>(rows: usize, parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self { rows, ..Self::new(0) };
        for part in parts {
            all.missing.push(part.missing[0]);
            all.sum.push(part.sum[0]);
            all.refused |= part.refused;
        }
        all
    }

    /// Takes in what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.refused |= other.refused;
        for j in 0..self.sum.len().min(other.sum.len()) {
            self.missing[j] += other.missing[j];
            self.sum[j] += other.sum[j];
        }
    }

    /// Takes in a block of rows.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update<T: Float>(
        &mut self,
        x: ArrayView2<'_, T>,
        missing: Missing<T>,
        exec: &Exec<'_>,
    ) -> Result<()> {
        let (rows, columns) = x.dim();
        if columns > 0 && x.by_column() {
            let exec = exec.only_if(x.len() >= SERIAL_BELOW);
            let parts = exec.map(columns, |j| of_rows(&x.slice(s![.., j..=j]), 0..rows, missing))?;
            self.merge(&Self::side_by_side(rows, &parts));
            return Ok(());
        }
        self.update_rows(&x, missing, exec)
    }

    /// The same of rows whose values lie side by side, or are made.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update_rows<T: Float>(
        &mut self,
        x: &dyn Matrix<T>,
        missing: Missing<T>,
        exec: &Exec<'_>,
    ) -> Result<()> {
        let (rows, columns) = x.dim();
        if columns == 0 {
            return Ok(());
        }
        let exec = exec.only_if(rows * columns >= SERIAL_BELOW);
        let step = (CHUNK / columns).max(1);
        let parts =
            exec.map(rows.div_ceil(step), |i| of_rows(x, i * step..rows.min((i + 1) * step), missing))?;
        for part in &parts {
            self.merge(part);
        }
        Ok(())
    }

    /// The mean of each column, NaN for one without values.
    #[must_use]
    pub fn finalize(&self) -> Vec<f64> {
        let rows = self.rows as f64;
        self.sum.iter().zip(&self.missing).map(|(sum, missing)| sum / (rows - missing)).collect()
    }
}

/// Sums of some rows, block by block.
fn of_rows<T: Float>(x: &dyn Matrix<T>, range: Range<usize>, missing: Missing<T>) -> Means {
    let columns = x.dim().1;
    let mut all = Means::new(columns);
    all.rows = range.len();
    let step = (BLOCK / columns).max(1);
    let (mut copied, mut buffer) = (Vec::new(), Vec::new());
    for begin in range.clone().step_by(step) {
        let block = x.some_rows(begin, step.min(range.end - begin), &mut buffer);
        let values = side_by_side(&block, &mut copied);
        add_block(values, missing, &mut all);
        if !all.refused && !all.sum.iter().sum::<f64>().is_finite() {
            all.refused = values.iter().any(|v| missing.refuses(*v));
        }
    }
    all
}

/// Whole rows, some taken together as one wide row; the few that are left over one by one.
pub(super) fn add_block<T: Float>(values: &[T], missing: Missing<T>, all: &mut Means) {
    let columns = all.sum.len();
    let together = LANES.div_ceil(columns).min(values.len() / columns).max(1);
    let (head, tail) = values.split_at(values.len() / (together * columns) * (together * columns));
    for (values, width) in [(head, together * columns), (tail, columns)] {
        if values.is_empty() {
            continue;
        }
        let mut lanes = vec![0.0; 2 * width];
        let (sums, counts) = lanes.split_at_mut(width);
        match missing {
            Missing::Nan => simd::dispatch!(add_rows(values, T::is_nan, sums, counts)),
            Missing::Value(marker) => simd::dispatch!(add_rows(values, |v| v == marker, sums, counts)),
        }
        for (sums, counts) in sums.chunks(columns).zip(counts.chunks(columns)) {
            for j in 0..columns {
                all.sum[j] += sums[j];
                all.missing[j] += counts[j];
            }
        }
    }
}

#[inline(always)]
fn add_rows<T: Float>(values: &[T], absent: impl Fn(T) -> bool, sums: &mut [f64], missing: &mut [f64]) {
    let width = sums.len();
    let missing = &mut missing[..width];
    let value = |v: T| if absent(v) { 0.0 } else { v.to_f64() };
    let hole = |v: T| if absent(v) { 1.0 } else { 0.0 };
    let mut fours = values.chunks_exact(4 * width);
    for four in &mut fours {
        simd::prefetch_ahead::<false, _>(four, simd::AHEAD);
        let (ab, cd) = four.split_at(2 * width);
        let ((a, b), (c, d)) = (ab.split_at(width), cd.split_at(width));
        for k in 0..width {
            sums[k] += (value(a[k]) + value(b[k])) + (value(c[k]) + value(d[k]));
            missing[k] += (hole(a[k]) + hole(b[k])) + (hole(c[k]) + hole(d[k]));
        }
    }
    for row in fours.remainder().chunks_exact(width) {
        for k in 0..width {
            sums[k] += value(row[k]);
            missing[k] += hole(row[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    fn means(x: ArrayView2<'_, f64>) -> Means {
        let mut m = Means::new(x.ncols());
        m.update(x, Missing::Nan, &Exec::serial()).unwrap();
        m
    }

    proptest! {
        #[test]
        fn parts_and_layouts_agree_with_the_whole(
            rows in 1usize..300, columns in 1usize..40, cut in 0.0..1.0f64, seed in any::<u32>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            // Whole numbers, so that every order of the sums is exact.
            let x = Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if v < 0.2 { f64::NAN } else { (v * 1000.0).round() }
            });
            let whole = means(x.view());
            let at = (rows as f64 * cut) as usize;
            let mut parts = means(x.slice(s![..at, ..]));
            parts.merge(&means(x.slice(s![at.., ..])));
            prop_assert_eq!(&parts, &whole);
            let mut f = Array2::zeros((rows, columns).f());
            f.assign(&x);
            prop_assert_eq!(&means(f.view()), &whole);
            let wide = Array2::from_shape_fn((rows, 2 * columns), |(i, j)| x[(i, j / 2)]);
            prop_assert_eq!(&means(wide.slice(s![.., ..;2])), &whole);
            for j in 0..columns {
                let there: Vec<f64> = x.column(j).iter().copied().filter(|v| !v.is_nan()).collect();
                prop_assert_eq!(whole.sum[j], there.iter().sum::<f64>());
                prop_assert_eq!(whole.missing[j], (rows - there.len()) as f64);
            }
        }
    }

    #[test]
    fn infinities_and_overflow_are_told_apart() {
        assert!(!means(Array2::from_elem((8, 1), 1e308).view()).refused);
        let mut late = Array2::from_elem((3 * BLOCK, 1), 1e308);
        late[(2 * BLOCK, 0)] = f64::INFINITY;
        assert!(means(late.view()).refused);
        assert!(means(ndarray::array![[1.0, f64::INFINITY], [f64::NAN, 2.0]].view()).refused);
        let mut m = Means::new(1);
        m.update(ndarray::array![[1.0], [f64::NAN], [-1.0]].view(), Missing::Value(-1.0), &Exec::serial())
            .unwrap();
        assert!(m.refused);
    }
}
