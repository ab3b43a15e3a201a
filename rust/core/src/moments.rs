//! Count, mean and centred sum of squares of each column, NaN left out.
//!
//! Per block of about 16,384 values, which stays in cache: the column sums about the block's first row, so that the
//! variance of a constant column is zero to the last bit, then the squares about the block's own mean; blocks are merged by Chan, Golub, LeVeque: Algorithms for computing the sample variance (1983).
//! One pass over memory. Sums are `f64` for `f32` input too. Finiteness is read off the block's sums: only a block
//! whose sum is not finite is looked at value by value.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, Axis, s};

use crate::apart::Apart;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::{Matrix, side_by_side};
use crate::simd;

/// Values of separate columns below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a block: 128 KB of f64, which stays in the second-level cache between its two passes.
const BLOCK: usize = 16_384;
/// Values of a chunk, the unit that a thread takes: about 1 ms of work.
const CHUNK: usize = 32 * BLOCK;
/// Narrow rows are taken together until they have this many lanes.
const LANES: usize = 32;

/// Mergeable moments of `mean.len()` columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Weight (the number of rows, unweighted) that each column has seen, NaN left out.
    pub count: Vec<f64>,
    /// Mean of each column.
    pub mean: Vec<f64>,
    /// Sum of squares about the mean.
    pub m2: Vec<f64>,
    /// Was there a NaN?
    pub has_nan: bool,
    /// Was there an infinity?
    pub has_inf: bool,
}

impl Moments {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        let zeros = vec![0.0; columns];
        Self { count: zeros.clone(), mean: zeros.clone(), m2: zeros, has_nan: false, has_inf: false }
    }

    /// Takes in what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        self.has_nan |= other.has_nan;
        self.has_inf |= other.has_inf;
        for j in 0..self.mean.len().min(other.mean.len()) {
            let (a, b) = (self.count[j], other.count[j]);
            let n = a + b;
            if b == 0.0 {
                continue;
            }
            if a == 0.0 {
                (self.count[j], self.mean[j], self.m2[j]) = (b, other.mean[j], other.m2[j]);
                continue;
            }
            let delta = other.mean[j] - self.mean[j];
            self.mean[j] += delta * (b / n);
            self.m2[j] += other.m2[j] + delta * delta * (a * b / n);
            self.count[j] = n;
        }
    }

    /// Takes in a block of rows; `weights`, if any, has one finite value a row.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update<T: Float>(
        &mut self,
        x: ArrayView2<'_, T>,
        weights: Option<ArrayView1<'_, f64>>,
        exec: &Exec<'_>,
    ) -> Result<()> {
        let (rows, columns) = x.dim();
        let by_column = x.strides()[0].unsigned_abs() == 1 && columns > 1 && rows > 1;
        if by_column && weights.is_none() {
            let all: Vec<_> = x.axis_iter(Axis(1)).collect();
            return self.update_columns(&all, None, exec);
        }
        self.update_rows(&x, weights, exec)
    }

    /// The same of rows whose values lie side by side, or are made.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update_rows<T: Float>(
        &mut self,
        x: &dyn Matrix<T>,
        weights: Option<ArrayView1<'_, f64>>,
        exec: &Exec<'_>,
    ) -> Result<()> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Ok(());
        }
        let step = (CHUNK / columns).max(1);
        let chunks = rows.div_ceil(step);
        let parts = exec.map(chunks, |i| of_rows(x, i * step..rows.min((i + 1) * step), weights))?;
        for part in &parts {
            self.merge(part);
        }
        Ok(())
    }

    /// Takes in a block of rows whose columns lie apart, each as long as the others.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update_columns<T: Float>(
        &mut self,
        columns: &[impl Apart<T>],
        weights: Option<ArrayView1<'_, f64>>,
        exec: &Exec<'_>,
    ) -> Result<()> {
        let exec = exec.only_if(columns.iter().map(Apart::len).sum::<usize>() >= SERIAL_BELOW);
        let parts = exec.map(columns.len(), |j| of_column(&columns[j], weights))?;
        let mut all = Self::new(columns.len());
        for (j, part) in parts.iter().enumerate() {
            (all.count[j], all.mean[j], all.m2[j]) = (part.count[0], part.mean[0], part.m2[0]);
            all.has_nan |= part.has_nan;
            all.has_inf |= part.has_inf;
        }
        self.merge(&all);
        Ok(())
    }
}

/// Variances (over n) and the divisors of a standard scaler: the standard deviation, or 1 for a constant column.
///
/// A column is constant if its variance is within the error bound of the two-pass algorithm (Chan et al., table 2.1):
/// `n eps var + (n mean eps)^2`, scikit-learn's rule.
#[must_use]
pub fn variance_and_scale(moments: &Moments) -> (Vec<f64>, Vec<f64>) {
    let var: Vec<f64> = moments.m2.iter().zip(&moments.count).map(|(m2, n)| m2 / n).collect();
    let scale = (0..var.len())
        .map(|j| {
            let (n, eps) = (moments.count[j], f64::EPSILON);
            let bound = n * eps * var[j] + (n * moments.mean[j] * eps).powi(2);
            if var[j] <= bound { 1.0 } else { var[j].sqrt() }
        })
        .collect();
    (var, scale)
}

/// Moments of some rows, block by block.
fn of_rows<T: Float>(
    x: &dyn Matrix<T>,
    range: Range<usize>,
    weights: Option<ArrayView1<'_, f64>>,
) -> Moments {
    let columns = x.dim().1;
    let mut all = Moments::new(columns);
    let step = (BLOCK / columns).max(1);
    let (mut copied, mut buffer) = (Vec::new(), Vec::new());
    let mut scratch = Scratch::new(columns);
    let mut begin = range.start;
    while begin < range.end {
        let end = range.end.min(begin + step);
        let block = x.some_rows(begin, end - begin, &mut buffer);
        let values = side_by_side(&block, &mut copied);
        let weights = weights.map(|w| w.slice_move(s![begin..end]));
        add_block(values, columns, weights, &mut scratch, &mut all, end < range.end);
        begin = end;
    }
    all
}

/// Moments of a column, block by block.
fn of_column<T: Float>(x: &impl Apart<T>, weights: Option<ArrayView1<'_, f64>>) -> Moments {
    let rows = x.len();
    let (mut all, mut scratch, mut buffer) = (Moments::new(1), Scratch::new(1), Vec::new());
    for begin in (0..rows).step_by(BLOCK) {
        let end = rows.min(begin + BLOCK);
        let values = x.block(begin, end - begin, &mut buffer);
        let weights = weights.map(|w| w.slice_move(s![begin..end]));
        add_block(values, 1, weights, &mut scratch, &mut all, end < rows);
    }
    all
}

fn add_block<T: Float>(
    values: &[T],
    columns: usize,
    weights: Option<ArrayView1<'_, f64>>,
    scratch: &mut Scratch,
    all: &mut Moments,
    fetch_next: bool,
) {
    match weights {
        None => plain_block(values, columns, scratch, all, fetch_next),
        Some(weights) => all.merge(&weighted_block(values, columns, &weights.to_vec())),
    }
}

/// What a block needs besides its values, made once for a chunk: allocating it anew took a fifth of the time.
struct Scratch {
    first: Vec<f64>,
    second: Vec<f64>,
    wide: Vec<f64>,
    part: Moments,
    /// Had the last block a NaN? Then the next one has too, most likely.
    holes: bool,
}

impl Scratch {
    fn new(columns: usize) -> Self {
        let lanes = Vec::with_capacity(LANES.next_multiple_of(columns));
        Self {
            first: lanes.clone(),
            second: lanes.clone(),
            wide: lanes,
            part: Moments::new(columns),
            holes: false,
        }
    }

    fn clear(&mut self, width: usize) {
        for lanes in [&mut self.first, &mut self.second] {
            lanes.clear();
            lanes.resize(width, 0.0);
        }
    }
}

/// A block without weights, taken as wide rows of whole rows; the few rows that are left over are a block of their own.
fn plain_block<T: Float>(
    values: &[T],
    columns: usize,
    scratch: &mut Scratch,
    all: &mut Moments,
    fetch_next: bool,
) {
    let rows = values.len() / columns;
    let together = LANES.div_ceil(columns).min(rows).max(1);
    let width = together * columns;
    let (head, tail) = values.split_at(values.len() / width * width);
    lanes_block(head, columns, width, scratch, fetch_next);
    all.merge(&scratch.part);
    if !tail.is_empty() {
        lanes_block(tail, columns, columns, scratch, false);
        all.merge(&scratch.part);
    }
}

/// Leaves the moments of at least one row in `scratch.part`.
fn lanes_block<T: Float>(
    values: &[T],
    columns: usize,
    width: usize,
    scratch: &mut Scratch,
    fetch_next: bool,
) {
    scratch.clear(width);
    let Scratch { first, second, wide, part, holes } = scratch;
    wide.clear();
    for _ in 0..width / columns {
        wide.extend(values.iter().take(columns).map(|v| origin(*v)));
    }
    let n = (values.len() / columns) as f64;
    if !*holes {
        simd::dispatch!(add_rows(values, wide, first));
        fold(first, &mut part.mean);
        part.count.fill(n);
        *holes = !part.mean.iter().sum::<f64>().is_finite();
    }
    if *holes {
        first.fill(0.0);
        simd::dispatch!(add_present(values, wide, first, second));
        fold(first, &mut part.mean);
        fold(second, &mut part.count);
        second.fill(0.0);
    }
    first.fill(0.0);
    part.has_inf = *holes
        && !part.mean.iter().sum::<f64>().is_finite()
        && values.iter().fold(false, |found, v| found | (!v.is_finite() & !v.is_nan()));
    for j in 0..columns {
        part.mean[j] = wide[j] + part.mean[j] / part.count[j].max(1.0);
    }
    wide.clear();
    for _ in 0..width / columns {
        wide.extend_from_slice(&part.mean);
    }
    if *holes {
        simd::dispatch!(add_squares::<T, true>(values, wide, first, second, fetch_next));
    } else {
        simd::dispatch!(add_squares::<T, false>(values, wide, first, second, fetch_next));
    }
    fold(first, &mut part.m2);
    for j in 0..columns {
        // The mean was rounded: the correction term of the corrected two-pass algorithm.
        let rest: f64 = second.iter().skip(j).step_by(columns).sum();
        part.m2[j] -= rest * rest / part.count[j].max(1.0);
    }
    part.has_nan = part.count.iter().any(|c| *c < n);
    *holes = part.has_nan;
}

/// What a column is summed about: its first value, or 0 if that is NaN or so large that a difference could overflow.
fn origin<T: Float>(first: T) -> f64 {
    let first = first.to_f64();
    if first.abs() < 1e290 { first } else { 0.0 }
}

/// The sum of each column's lanes.
fn fold(lanes: &[f64], sums: &mut [f64]) {
    sums.fill(0.0);
    for row in lanes.chunks(sums.len()) {
        for (sum, lane) in sums.iter_mut().zip(row) {
            *sum += lane;
        }
    }
}

#[inline(always)]
fn add_rows<T: Float>(values: &[T], origin: &[f64], lanes: &mut [f64]) {
    let width = lanes.len();
    let origin = &origin[..width];
    let mut fours = values.chunks_exact(4 * width);
    for four in &mut fours {
        simd::prefetch_ahead::<false, _>(four, simd::AHEAD);
        let (ab, cd) = four.split_at(2 * width);
        let ((a, b), (c, d)) = (ab.split_at(width), cd.split_at(width));
        for k in 0..width {
            let off = |v: T| v.to_f64() - origin[k];
            lanes[k] += (off(a[k]) + off(b[k])) + (off(c[k]) + off(d[k]));
        }
    }
    for row in fours.remainder().chunks_exact(width) {
        for k in 0..width {
            lanes[k] += row[k].to_f64() - origin[k];
        }
    }
}

/// Sums of `x - origin` and counts of what is not NaN.
#[inline(always)]
fn add_present<T: Float>(values: &[T], origin: &[f64], sums: &mut [f64], counts: &mut [f64]) {
    let width = sums.len();
    let (origin, counts) = (&origin[..width], &mut counts[..width]);
    let mut twos = values.chunks_exact(2 * width);
    for two in &mut twos {
        simd::prefetch_ahead::<false, _>(two, simd::AHEAD);
        let (a, b) = two.split_at(width);
        for k in 0..width {
            let (a, b) = (a[k].to_f64() - origin[k], b[k].to_f64() - origin[k]);
            sums[k] += present(a, a) + present(b, b);
            counts[k] += present(a, 1.0) + present(b, 1.0);
        }
    }
    for row in twos.remainder().chunks_exact(width) {
        for k in 0..width {
            let a = row[k].to_f64() - origin[k];
            sums[k] += present(a, a);
            counts[k] += present(a, 1.0);
        }
    }
}

/// `value`, or 0 where `x` is NaN: by its bits, since the compiler made a jump table of two conditions.
#[inline(always)]
fn present(x: f64, value: f64) -> f64 {
    f64::from_bits(value.to_bits() & u64::from(x.is_nan()).wrapping_sub(1))
}

/// Sums of `(x - mean)^2` and of `x - mean`; with `HOLES`, of what is not NaN. If so wished, the values behind come from
/// memory meanwhile, which a second pass leaves idle otherwise (with holes it takes longer than they do).
#[inline(always)]
fn add_squares<T: Float, const HOLES: bool>(
    values: &[T],
    mean: &[f64],
    squares: &mut [f64],
    rest: &mut [f64],
    fetch_next: bool,
) {
    let width = squares.len();
    let (mean, rest) = (&mean[..width], &mut rest[..width]);
    let off = |v: T, mean: f64| {
        let d = v.to_f64() - mean;
        if HOLES { present(d, d) } else { d }
    };
    let mut twos = values.chunks_exact(2 * width);
    for two in &mut twos {
        if fetch_next && !HOLES {
            simd::prefetch_ahead::<true, _>(two, size_of_val(values));
        }
        let (a, b) = two.split_at(width);
        for k in 0..width {
            let (p, q) = (off(a[k], mean[k]), off(b[k], mean[k]));
            squares[k] += p * p + q * q;
            rest[k] += p + q;
        }
    }
    for row in twos.remainder().chunks_exact(width) {
        for k in 0..width {
            let p = off(row[k], mean[k]);
            squares[k] += p * p;
            rest[k] += p;
        }
    }
}

/// A block with weights. An infinity makes its column's moments NaN or infinite, as it should.
fn weighted_block<T: Float>(values: &[T], columns: usize, weights: &[f64]) -> Moments {
    let mut out = Moments::new(columns);
    let origin: Vec<f64> = values.iter().take(columns).map(|v| origin(*v)).collect();
    for (row, w) in values.chunks_exact(columns).zip(weights) {
        for j in 0..columns {
            let v = row[j].to_f64();
            let w = if v.is_nan() { 0.0 } else { *w };
            out.count[j] += w;
            out.mean[j] += if v.is_nan() { 0.0 } else { w * (v - origin[j]) };
            out.has_nan |= v.is_nan();
            out.has_inf |= v.is_infinite();
        }
    }
    for j in 0..columns {
        out.mean[j] = if out.count[j] == 0.0 { 0.0 } else { origin[j] + out.mean[j] / out.count[j] };
    }
    let mut rest = vec![0.0; columns];
    for (row, w) in values.chunks_exact(columns).zip(weights) {
        for j in 0..columns {
            let v = row[j].to_f64();
            let d = if v.is_nan() { 0.0 } else { v - out.mean[j] };
            out.m2[j] += w * d * d;
            rest[j] += w * d;
        }
    }
    for j in 0..columns {
        out.m2[j] -= if out.count[j] == 0.0 { 0.0 } else { rest[j] * rest[j] / out.count[j] };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder};
    use proptest::prelude::*;

    fn moments(x: ArrayView2<'_, f64>) -> Moments {
        let mut m = Moments::new(x.ncols());
        m.update(x, None, &Exec::serial()).unwrap();
        m
    }

    fn close(a: &Moments, b: &Moments) -> bool {
        // One rounding a merge and a value: 1e-12 is far above it for a few hundred values of this size.
        let near = |x: f64, y: f64| (x - y).abs() <= 1e-12 * (1.0 + x.abs().max(y.abs()));
        a.count == b.count
            && a.mean.iter().zip(&b.mean).all(|(x, y)| near(*x, *y))
            && a.m2.iter().zip(&b.m2).all(|(x, y)| near(*x, *y))
            && (a.has_nan, a.has_inf) == (b.has_nan, b.has_inf)
    }

    proptest! {
        #[test]
        fn merging_parts_gives_the_whole(
            rows in 1usize..200, columns in 1usize..40, cut in 0.0..1.0f64, seed in any::<u32>(), holes in any::<bool>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if holes && v < 0.2 { f64::NAN } else { v }
            });
            let at = (rows as f64 * cut) as usize;
            let mut parts = moments(x.slice(s![..at, ..]));
            parts.merge(&moments(x.slice(s![at.., ..])));
            let whole = moments(x.view());
            prop_assert!(close(&parts, &whole));
            let mut f = Array2::zeros((rows, columns).f());
            f.assign(&x);
            prop_assert!(close(&moments(f.view()), &whole));
            let strided = Array2::from_shape_fn((rows, 2 * columns), |(i, j)| x[(i, j / 2)]);
            prop_assert!(close(&moments(strided.slice(s![.., ..;2])), &whole));
        }
    }

    #[test]
    fn a_constant_column_has_no_variance_at_all() {
        for (rows, value) in [(1, 0.1), (7, 1e-10), (10_001, 0.3), (70_003, -1e17)] {
            let x = Array2::from_elem((rows, 3), value);
            assert_eq!(moments(x.view()).m2, [0.0; 3]);
            assert_eq!(moments(x.view()).mean, [value; 3]);
            let mut m = Moments::new(3);
            let w = ndarray::Array1::linspace(0.1, 0.7, rows);
            m.update(x.view(), Some(w.view()), &Exec::serial()).unwrap();
            assert_eq!((m.m2, m.mean), (vec![0.0; 3], vec![value; 3]));
        }
    }

    #[test]
    fn infinities_and_overflow_are_told_apart() {
        let big = Array2::from_elem((8, 1), 1e308);
        let m = moments(big.view());
        assert!(!m.has_inf && !m.has_nan);
        let apart = ndarray::array![[1e308], [-1e308]];
        assert_eq!(moments(apart.view()).mean, [0.0]);
        let mut m = Moments::new(1);
        m.update(apart.view(), Some(ndarray::aview1(&[0.5, 0.5])), &Exec::serial()).unwrap();
        assert_eq!(m.mean, [0.0]);
        let x = ndarray::array![[1.0, f64::INFINITY], [f64::NAN, 2.0]];
        let m = moments(x.view());
        assert!(m.has_inf && m.has_nan);
        assert_eq!(m.count, [1.0, 2.0]);
    }
}
