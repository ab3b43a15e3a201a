//! The median of what is there, exactly: `(low + high) / 2` of the two middle values, in the type of the data.
//!
//! A sample of rows brackets each column's median at four standard errors. One pass counts what lies below and on the
//! bracket and keeps what falls inside; the middle values are selected among the few kept. A bracket that misses them
//! falls back to a selection in the whole column.

use std::cmp::Ordering;

use ndarray::{ArrayView2, s};

use super::{CHUNK, LANES, Missing, SERIAL_BELOW, by_column};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Rows below which a column is simply selected in.
const SELECT_BELOW: usize = 1 << 14;
/// One row in so many is in the sample, ...
const SAMPLE_OF: usize = 64;
/// ... but no more than this: 3% of a column then falls into its bracket.
const SAMPLE: usize = 1 << 14;
/// Values of a block, whose marks stay in the first-level cache.
const BLOCK: usize = 1 << 11;

/// What is known of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Medians<T> {
    /// Median of each column, NaN for one without values.
    pub median: Vec<T>,
    /// Missing values of each column.
    pub missing: Vec<f64>,
    /// Was there a value that may not occur?
    pub refused: bool,
}

/// The median of each column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn medians<T: Float>(x: ArrayView2<'_, T>, missing: Missing<T>, exec: &Exec<'_>) -> Result<Medians<T>> {
    let (rows, columns) = x.dim();
    let exec = &exec.only_if(x.len() >= SERIAL_BELOW);
    let select = |j: usize| {
        let mut there: Vec<T> = x.column(j).iter().copied().filter(|v| !missing.is(*v)).collect();
        let refused = there.iter().any(|v| !v.is_finite());
        let n = there.len();
        (if refused { T::NAN } else { middle(&mut there) }, (rows - n) as f64, refused)
    };
    let mut all = Medians { median: vec![T::NAN; columns], missing: vec![0.0; columns], refused: false };
    let mut redo: Vec<usize> = (0..columns).collect();
    if rows >= SELECT_BELOW {
        redo.clear();
        let sample = sample(x, missing);
        let brackets = exec.map(columns, |j| bracket(sample[j].clone()))?;
        let alone = by_column(&x);
        let step = (CHUNK / if alone { 1 } else { columns }).max(1);
        let chunk = |i: usize| s![i * step..rows.min((i + 1) * step), ..];
        let chunks = rows.div_ceil(step);
        let parts: Vec<Part<T>> = if alone {
            let one = |i: usize| {
                let j = i % columns;
                scan(x.slice(chunk(i / columns)).slice(s![.., j..=j]), missing, &brackets[j..=j])
            };
            exec.map(chunks * columns, one)?
        } else {
            exec.map(chunks, |i| scan(x.slice(chunk(i)), missing, &brackets))?
        }
        .into_iter()
        .flatten()
        .collect();
        all.refused = parts.iter().any(|part| part.refused);
        let found = exec.map(columns, |j| {
            let mut whole = Part::default();
            for part in parts[j..].iter().step_by(columns) {
                whole.merge(part);
            }
            let n = rows - whole.missing;
            let median = if n == 0 { Some(T::NAN) } else { whole.middle(n, brackets[j]) };
            (median, whole.missing as f64)
        })?;
        for (j, (median, missing)) in found.into_iter().enumerate() {
            all.missing[j] = missing;
            match median {
                Some(median) => all.median[j] = median,
                None => redo.push(j),
            }
        }
    }
    if !all.refused {
        for (j, found) in redo.iter().zip(exec.map(redo.len(), |i| select(redo[i]))?) {
            (all.median[*j], all.missing[*j]) = (found.0, found.1);
            all.refused |= found.2;
        }
    }
    Ok(all)
}

fn order<T: Float>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The median of finite values, NaN if there is none.
fn middle<T: Float>(values: &mut [T]) -> T {
    let n = values.len();
    if n == 0 {
        return T::NAN;
    }
    let (below, high, _) = values.select_nth_unstable_by(n / 2, order);
    let high = *high;
    let low = if n % 2 == 1 { high } else { below.iter().copied().fold(below[0], larger) };
    half(low, high)
}

fn larger<T: Float>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

fn half<T: Float>(low: T, high: T) -> T {
    (low + high) / (T::ONE + T::ONE)
}

/// What is there in some rows, column by column.
fn sample<T: Float>(x: ArrayView2<'_, T>, missing: Missing<T>) -> Vec<Vec<T>> {
    let (rows, columns) = x.dim();
    let size = (rows / SAMPLE_OF).min(SAMPLE);
    let mut sample = vec![Vec::with_capacity(size); columns];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for i in 0..size {
        // One row of each of as many equal parts, at a place that no pattern in the data follows.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (begin, end) = (i * rows / size, (i + 1) * rows / size);
        for (column, v) in sample.iter_mut().zip(x.row(begin + (state >> 33) as usize % (end - begin))) {
            if v.is_finite() && !missing.is(*v) {
                column.push(*v);
            }
        }
    }
    sample
}

/// Values that are almost surely below and above the middle ones, from a sample.
fn bracket<T: Float>(mut sample: Vec<T>) -> (T, T) {
    let m = sample.len();
    if m == 0 {
        return (T::ZERO, T::ZERO);
    }
    // Four standard errors of the rank, sqrt(m) / 2 each.
    let off = 2 * m.isqrt() + 2;
    let (low, high) = ((m / 2).saturating_sub(off), (m / 2 + off).min(m - 1));
    let (below, high, _) = sample.select_nth_unstable_by(high, order);
    let high = *high;
    if low >= below.len() {
        return (high, high);
    }
    (*below.select_nth_unstable_by(low, order).1, high)
}

/// How a part of a column lies about its bracket.
#[derive(Default)]
struct Part<T> {
    missing: usize,
    below: usize,
    low: usize,
    inside: Vec<T>,
    high: usize,
    refused: bool,
}

impl<T: Float> Part<T> {
    fn merge(&mut self, other: &Self) {
        self.missing += other.missing;
        self.below += other.below;
        self.low += other.low;
        self.inside.extend_from_slice(&other.inside);
        self.high += other.high;
    }

    /// The median of the `n` values, if the bracket holds it.
    fn middle(&mut self, n: usize, (low, high): (T, T)) -> Option<T> {
        let a = self.at((n - 1) / 2, low, high)?;
        let b = if n % 2 == 1 { a } else { self.at(n / 2, low, high)? };
        Some(half(a, b))
    }

    /// The value of a rank.
    fn at(&mut self, rank: usize, low: T, high: T) -> Option<T> {
        let rank = rank.checked_sub(self.below)?;
        let Some(rank) = rank.checked_sub(self.low) else { return Some(low) };
        if rank < self.inside.len() {
            return Some(*self.inside.select_nth_unstable_by(rank, order).1);
        }
        (rank - self.inside.len() < self.high).then_some(high)
    }
}

/// Whole rows, some taken together as one wide row; the few that are left over one by one.
fn scan<T: Float>(x: ArrayView2<'_, T>, missing: Missing<T>, brackets: &[(T, T)]) -> Vec<Part<T>> {
    let (rows, columns) = x.dim();
    let mut parts: Vec<Part<T>> = (0..columns).map(|_| Part::default()).collect();
    let together = LANES.div_ceil(columns).min(rows).max(1);
    let step = BLOCK.div_ceil(together * columns) * together;
    let mut wide = Lanes::new(together * columns, brackets);
    let mut narrow = Lanes::new(columns, brackets);
    let mut copy = Vec::new();
    for begin in (0..rows).step_by(step) {
        let block = x.slice(s![begin..rows.min(begin + step), ..]);
        let values = match block.as_slice() {
            Some(values) => values,
            None => {
                copy.clear();
                copy.extend(block.iter().copied());
                &copy
            }
        };
        let (head, tail) = values.split_at(values.len() / wide.low.len() * wide.low.len());
        wide.take(head, missing, &mut parts);
        narrow.take(tail, missing, &mut parts);
    }
    wide.finish(&mut parts);
    narrow.finish(&mut parts);
    parts
}

/// Brackets and counts of wide rows. Counts are exact: a chunk has far fewer rows than an f32 counts.
struct Lanes<T> {
    low: Vec<T>,
    high: Vec<T>,
    missing: Vec<T>,
    below: Vec<T>,
    at_low: Vec<T>,
    at_high: Vec<T>,
    marks: Vec<u8>,
}

impl<T: Float> Lanes<T> {
    fn new(width: usize, brackets: &[(T, T)]) -> Self {
        let zeros = vec![T::ZERO; width];
        Self {
            low: brackets.iter().map(|b| b.0).cycle().take(width).collect(),
            high: brackets.iter().map(|b| b.1).cycle().take(width).collect(),
            missing: zeros.clone(),
            below: zeros.clone(),
            at_low: zeros.clone(),
            at_high: zeros,
            marks: Vec::new(),
        }
    }

    /// Counts a block of wide rows and keeps what falls inside.
    fn take(&mut self, values: &[T], missing: Missing<T>, parts: &mut [Part<T>]) {
        self.marks.clear();
        self.marks.resize(values.len().next_multiple_of(8), 0);
        match missing {
            Missing::Nan => simd::dispatch!(self.count(values, T::is_nan)),
            Missing::Value(marker) => simd::dispatch!(self.count(values, |v| v == marker)),
        }
        for (i, eight) in self.marks.as_chunks::<8>().0.iter().enumerate() {
            let mut left = u64::from_le_bytes(*eight);
            while left != 0 {
                let at = 8 * i + (left.trailing_zeros() / 8) as usize;
                let part = &mut parts[at % parts.len()];
                if values[at].is_finite() {
                    part.inside.push(values[at]);
                } else {
                    part.refused = true;
                }
                left &= left - 1;
            }
        }
    }

    /// Counts, and marks with a 1 what falls inside or may not occur.
    #[inline(always)]
    fn count(&mut self, values: &[T], absent: impl Fn(T) -> bool) {
        let width = self.low.len();
        let one_if = |is: bool| if is { T::ONE } else { T::ZERO };
        let (low, high) = (&self.low[..width], &self.high[..width]);
        let (holes, below) = (&mut self.missing[..width], &mut self.below[..width]);
        let (at_low, at_high) = (&mut self.at_low[..width], &mut self.at_high[..width]);
        for (row, marks) in values.chunks_exact(width).zip(self.marks.chunks_exact_mut(width)) {
            for k in 0..width {
                let v = row[k];
                let there = !absent(v);
                holes[k] += one_if(!there);
                below[k] += one_if(there & (v < low[k]));
                at_low[k] += one_if(there & (v == low[k]));
                at_high[k] += one_if(there & (v == high[k]));
                marks[k] = u8::from(there & (((v > low[k]) & (v < high[k])) | !v.is_finite()));
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and not negative")]
    fn finish(self, parts: &mut [Part<T>]) {
        let columns = parts.len();
        for k in 0..self.low.len() {
            let part = &mut parts[k % columns];
            part.missing += self.missing[k].to_f64() as usize;
            part.below += self.below[k].to_f64() as usize;
            part.low += self.at_low[k].to_f64() as usize;
            if self.low[k] < self.high[k] {
                part.high += self.at_high[k].to_f64() as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    fn naive(x: ArrayView2<'_, f64>) -> Vec<f64> {
        (0..x.ncols())
            .map(|j| {
                let mut v: Vec<f64> = x.column(j).iter().copied().filter(|v| !v.is_nan()).collect();
                v.sort_by(f64::total_cmp);
                let n = v.len();
                if n == 0 { f64::NAN } else { (v[(n - 1) / 2] + v[n / 2]) / 2.0 }
            })
            .collect()
    }

    fn same(a: &[f64], b: &[f64]) -> bool {
        a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    }

    #[test]
    fn hard_columns_of_many_rows() {
        let rows = SELECT_BELOW + 4_001;
        let mut rng = crate::random::Mt19937::new(0);
        let mut x = Array2::zeros((rows, 11));
        for i in 0..rows {
            let u = rng.next_f64();
            let sign = if rng.next_f64() < 0.5 { -1.0 } else { 1.0 };
            let row = [
                u,                                       // smooth
                (u * 2.0).floor(),                       // two values, half each
                (u * 3.0).floor() - 1.0,                 // ties in the middle
                sign * u.powi(9) * 1e300,                // signed, of every size
                if u < 0.5 { 0.0 } else { -0.0 },        // signed zeros
                if u < 0.499 { -1e308 } else { 1e308 },  // a jump at the middle
                i as f64,                                // sorted
                if i < rows / 2 { u } else { u + 10.0 }, // a gap at the middle
                if i % 5 == 0 { u } else { f64::NAN },   // mostly missing
                f64::NAN,                                // nothing there
                if i == 7 { 3.0 } else { f64::NAN },     // one value, which no sample finds
            ];
            for (j, v) in row.into_iter().enumerate() {
                x[(i, j)] = v;
            }
        }
        for take in [rows, rows - 1] {
            let x = x.slice(s![..take, ..]);
            let got = medians(x, Missing::Nan, &Exec::serial()).unwrap();
            assert!(!got.refused);
            assert!(same(&got.median, &naive(x)), "{:?} {:?}", got.median, naive(x));
            let mut f = Array2::zeros(x.raw_dim().f());
            f.assign(&x);
            assert!(same(&medians(f.view(), Missing::Nan, &Exec::serial()).unwrap().median, &got.median));
        }
        x[(rows - 3, 0)] = f64::INFINITY;
        assert!(medians(x.view(), Missing::Nan, &Exec::serial()).unwrap().refused);
        assert!(medians(x.slice(s![..5, 8..]), Missing::Value(3.0), &Exec::serial()).unwrap().refused);
    }

    proptest! {
        #[test]
        fn few_rows(rows in 1usize..60, columns in 1usize..6, seed in any::<u32>(), levels in 1u32..40) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if v < 0.2 { f64::NAN } else { (v * f64::from(levels)).floor() }
            });
            let got = medians(x.view(), Missing::Nan, &Exec::serial()).unwrap();
            prop_assert!(same(&got.median, &naive(x.view())));
        }
    }
}
