//! The median of what is there, exactly: `(low + high) / 2` of the two middle values, in the type of the data.
//!
//! A sample of rows brackets each column's median at four standard errors. One pass counts what lies below and on the
//! bracket and keeps what falls inside; the middle values are selected among the few kept. A bracket that misses them
//! falls back to a selection in the whole column.

use std::cmp::Ordering;

use ndarray::{ArrayView1, ArrayView2, s};

use super::{CHUNK, Missing, SERIAL_BELOW};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Rows of the sample: 6% of a column then falls into its bracket.
const SAMPLE: usize = 4_096;
/// Rows below which a column is simply selected in: twice a sample's cost, about.
const SELECT_BELOW: usize = 4 * SAMPLE;
/// Rows that are turned into columns at a time, so that they stay in the first-level cache.
const TILE: usize = 256;

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
        let brackets = exec.map(columns, |j| bracket(x.column(j), missing))?;
        let step = (CHUNK / columns).max(TILE);
        let parts = exec.map(rows.div_ceil(step), |i| {
            scan(x.slice(s![i * step..rows.min((i + 1) * step), ..]), missing, &brackets)
        })?;
        all.refused = parts.iter().flatten().any(|part| part.refused);
        let found = exec.map(columns, |j| {
            let mut whole = Part::default();
            for part in &parts {
                whole.merge(&part[j]);
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

/// Values that are almost surely below and above the middle ones, from a sample.
fn bracket<T: Float>(x: ArrayView1<'_, T>, missing: Missing<T>) -> (T, T) {
    let n = x.len();
    let mut sample = Vec::with_capacity(SAMPLE);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for i in 0..SAMPLE {
        // One row of each of as many equal parts, at a place that no pattern in the data follows.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (begin, end) = (i * n / SAMPLE, (i + 1) * n / SAMPLE);
        let v = x[begin + (state >> 33) as usize % (end - begin)];
        if v.is_finite() && !missing.is(v) {
            sample.push(v);
        }
    }
    let m = sample.len();
    if m == 0 {
        return (T::ZERO, T::ZERO);
    }
    // Four standard errors of the rank, sqrt(m) / 2 each.
    let off = 2 * m.isqrt() + 2;
    let (low, high) = ((m / 2).saturating_sub(off), (m / 2 + off).min(m - 1));
    let (_, high, _) = sample.select_nth_unstable_by(high, order);
    let high = *high;
    let (_, low, _) = sample.select_nth_unstable_by(low, order);
    (*low, high)
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

fn scan<T: Float>(x: ArrayView2<'_, T>, missing: Missing<T>, brackets: &[(T, T)]) -> Vec<Part<T>> {
    let (rows, columns) = x.dim();
    let mut parts: Vec<Part<T>> = (0..columns).map(|_| Part::default()).collect();
    let mut tile = vec![T::ZERO; TILE * columns];
    let mut kept = vec![T::ZERO; TILE];
    let mut begin = 0;
    while begin < rows {
        let n = TILE.min(rows - begin);
        let block = x.slice(s![begin..begin + n, ..]);
        if block.strides()[0] == 1 {
            for j in 0..columns {
                for (to, from) in tile[j * TILE..j * TILE + n].iter_mut().zip(block.column(j)) {
                    *to = *from;
                }
            }
        } else {
            for (i, row) in block.outer_iter().enumerate() {
                for (j, v) in row.iter().enumerate() {
                    tile[j * TILE + i] = *v;
                }
            }
        }
        for (j, part) in parts.iter_mut().enumerate() {
            let values = &tile[j * TILE..j * TILE + n];
            let counts = match missing {
                Missing::Nan => simd::dispatch(|| count(values, T::is_nan, brackets[j], &mut kept)),
                Missing::Value(marker) => {
                    simd::dispatch(|| count(values, |v| v == marker, brackets[j], &mut kept))
                }
            };
            part.missing += counts.missing;
            part.below += counts.below;
            part.low += counts.low;
            part.high += counts.high;
            part.inside.extend_from_slice(&kept[..counts.inside]);
            part.refused |= counts.suspicious && values.iter().any(|v| missing.refuses(*v));
        }
        begin += n;
    }
    parts
}

struct Counts {
    missing: usize,
    below: usize,
    low: usize,
    inside: usize,
    high: usize,
    suspicious: bool,
}

#[inline(always)]
fn count<T: Float>(values: &[T], absent: impl Fn(T) -> bool, (low, high): (T, T), kept: &mut [T]) -> Counts {
    let kept = &mut kept[..values.len()];
    let mut c = Counts { missing: 0, below: 0, low: 0, inside: 0, high: 0, suspicious: false };
    let mut probe = T::ZERO;
    for &v in values {
        let there = !absent(v);
        c.missing += usize::from(!there);
        c.below += usize::from(there && v < low);
        c.low += usize::from(there && v == low);
        c.high += usize::from(there && v == high && low < high);
        probe += if there { v * T::ZERO } else { T::ZERO };
    }
    for &v in values {
        kept[c.inside] = v;
        c.inside += usize::from(!absent(v) && v > low && v < high);
    }
    c.suspicious = probe.is_nan();
    c
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
        let rows = 5 * SAMPLE + 1;
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
