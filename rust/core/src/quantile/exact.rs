//! Quantiles of each column, exactly: for a fraction `f` of `n` values, those of the ranks `floor(f (n - 1))` and the next.
//!
//! A sample of rows brackets each quantile at four standard errors. One pass counts what lies below and on the bracket
//! and keeps what falls inside; the values are selected among the few kept. A bracket that misses them falls back to a
//! selection in the whole column.

use std::cmp::Ordering;
use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};

use super::between;
use crate::apart::Apart;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::impute::Missing;
use crate::matrix::{Matrix, Single, side_by_side};
use crate::moments_sparse::{Compressed, Index};
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a chunk, the unit that a thread takes: about 1 ms of work.
const CHUNK: usize = 1 << 18;
/// Narrow rows are taken together until they have this many lanes.
const LANES: usize = 32;
/// Rows below which a column is simply selected in.
const SELECT_BELOW: usize = 1 << 14;
/// One row in so many is in the sample, ...
const SAMPLE_OF: usize = 64;
/// ... but no more than this: 3% of a column then falls into a bracket.
const SAMPLE: usize = 1 << 14;
/// Parts in which it is taken, since each row costs a wait for the memory.
const SAMPLERS: usize = 8;
/// Rows from which the brackets are narrowed by more rows, ...
const NARROW_FROM: usize = 1 << 17;
/// ... one in so many: 1% of a column of a million values then falls into a bracket.
const NARROW_OF: usize = 8;
/// Values of a block, whose marks stay in the first-level cache.
const BLOCK: usize = 1 << 11;

/// What is known of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles<T> {
    /// The two values about each fraction, column by column; NaN for a column without values.
    pub pairs: Vec<(T, T)>,
    /// Missing values of each column.
    pub missing: Vec<usize>,
    /// Was there a value that may not occur? The pairs then mean nothing.
    pub refused: bool,
}

/// The rank at or below a fraction of `n` values, and how far on to the next one the fraction lies.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and at most n")]
pub fn rank(n: usize, fraction: f64) -> (usize, f64) {
    let last = n.saturating_sub(1);
    let at = last as f64 * fraction;
    if at < last as f64 { (at as usize, at - at.floor()) } else { (last, 0.0) }
}

/// Between two neighbours, as NumPy interpolates linearly.
#[must_use]
pub fn interpolate<T: Float>((low, high): (T, T), share: f64) -> f64 {
    between(low.to_f64(), high.to_f64(), (high - low).to_f64(), share)
}

/// The median of `n` values from the one at or below the middle and the next.
#[must_use]
pub fn middle<T: Float>((low, high): (T, T), n: usize) -> T {
    if n % 2 == 1 { low } else { (low + high) / (T::ONE + T::ONE) }
}

/// Quantiles of the columns at `fractions`, from 0 to 1 each.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn quantiles<T: Float>(
    x: ArrayView2<'_, T>,
    missing: Missing<T>,
    fractions: &[f64],
    exec: &Exec<'_>,
) -> Result<Quantiles<T>> {
    if x.by_column() {
        return quantiles_of_columns(&x.axis_iter(Axis(1)).collect::<Vec<_>>(), missing, fractions, exec);
    }
    quantiles_of_rows(&x, missing, fractions, exec)
}

/// The same of rows whose values lie side by side, or are made.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn quantiles_of_rows<T: Float>(
    x: &dyn Matrix<T>,
    missing: Missing<T>,
    fractions: &[f64],
    exec: &Exec<'_>,
) -> Result<Quantiles<T>> {
    let (rows, columns) = x.dim();
    let each = fractions.len();
    let exec = &exec.only_if(rows * columns >= SERIAL_BELOW);
    let select = |j: usize| {
        let mut buffer = Vec::new();
        let column = x.some_of(j, 0, rows, &mut buffer);
        let mut there: Vec<T> = column.iter().copied().filter(|v| !missing.is(*v)).collect();
        let refused = there.iter().any(|v| !v.is_finite());
        let n = there.len();
        (pairs_of(&mut there, fractions), rows - n, refused)
    };
    let mut all = Quantiles {
        pairs: vec![(T::NAN, T::NAN); columns * each],
        missing: vec![0; columns],
        refused: false,
    };
    let mut redo: Vec<usize> = (0..columns).collect();
    if rows >= SELECT_BELOW && each > 0 {
        redo.clear();
        let samples = exec.map(SAMPLERS, |part| sample(x, missing, part))?;
        // Those of the first fraction for all columns, then of the second, ...
        let mut of_column = exec.map(columns, |j| {
            let mut sample: Vec<T> = samples.iter().flat_map(|sample| &sample[j]).copied().collect();
            brackets(&mut sample, fractions)
        })?;
        drop(samples);
        let by_fraction = |of_column: &[Vec<(T, T)>]| -> Vec<(T, T)> {
            (0..each).flat_map(|k| of_column.iter().map(move |b| b[k])).collect()
        };
        let step = (CHUNK / columns).max(1);
        let chunk = |i: usize| i * step..rows.min((i + 1) * step);
        let size = sample_size(rows);
        let told_by = if rows >= NARROW_FROM { rows / NARROW_OF } else { size };
        if rows >= NARROW_FROM {
            // What falls inside is held until the end, so it is worth more rows to have less of it.
            let brackets = by_fraction(&of_column);
            let parts = exec.map(rows.div_ceil(step), |i| {
                let some = one_of_few(x, chunk(i), i as u64);
                scan(&some.view(), 0..some.nrows(), missing, &brackets, size)
            })?;
            for (j, brackets) in of_column.iter_mut().enumerate() {
                let mut wholes = merged(&parts, j, columns);
                let n =
                    (0..rows).step_by(step).map(|begin| (rows - begin).min(step) / NARROW_OF).sum::<usize>();
                let n = n - wholes[0].missing;
                for (whole, (fraction, bracket)) in wholes.iter_mut().zip(fractions.iter().zip(brackets)) {
                    whole.narrow(n, *fraction, bracket);
                }
            }
        }
        let brackets = by_fraction(&of_column);
        let parts: Vec<Vec<Part<T>>> =
            exec.map(rows.div_ceil(step), |i| scan(x, chunk(i), missing, &brackets, told_by))?;
        all.refused = parts.iter().flatten().any(|part| part.refused);
        let found = exec.map(columns, |j| {
            let mut wholes = merged(&parts, j, columns);
            let missing = wholes[0].missing;
            let found =
                wholes.iter_mut().zip(fractions).zip(&of_column[j]).map(|((whole, fraction), bracket)| {
                    let n = rows - missing;
                    if n == 0 {
                        Some((T::NAN, T::NAN))
                    } else {
                        whole.pair(rank(n, *fraction).0, n, *bracket)
                    }
                });
            (found.collect::<Option<Vec<_>>>(), missing)
        })?;
        for (j, (found, missing)) in found.into_iter().enumerate() {
            all.missing[j] = missing;
            match found {
                Some(found) => all.pairs[j * each..][..each].copy_from_slice(&found),
                None => redo.push(j),
            }
        }
    }
    if !all.refused {
        for (j, (pairs, missing, refused)) in redo.iter().zip(exec.map(redo.len(), |i| select(redo[i]))?) {
            all.pairs[j * each..][..each].copy_from_slice(&pairs);
            all.missing[*j] = missing;
            all.refused |= refused;
        }
    }
    Ok(all)
}

/// As [`quantiles`], of columns that lie apart.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn quantiles_of_columns<T: Float>(
    columns: &[impl Apart<T>],
    missing: Missing<T>,
    fractions: &[f64],
    exec: &Exec<'_>,
) -> Result<Quantiles<T>> {
    let exec = exec.only_if(columns.iter().map(Apart::len).sum::<usize>() >= SERIAL_BELOW);
    let alone = |j: usize| quantiles_of_rows(&Single(&columns[j]), missing, fractions, &Exec::serial());
    let mut all = Quantiles { pairs: Vec::new(), missing: Vec::new(), refused: false };
    for found in exec.map(columns.len(), alone)? {
        let found = found?;
        all.pairs.extend(found.pairs);
        all.missing.extend(found.missing);
        all.refused |= found.refused;
    }
    Ok(all)
}

/// Quantiles of the columns of a CSC matrix at `fractions`, NaN left out. What is not stored is a zero.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn of_csc<T: Float, I: Index>(
    x: Compressed<'_, T, I>,
    fractions: &[f64],
    exec: &Exec<'_>,
) -> Result<Quantiles<T>> {
    let (rows, columns) = (x.width(), x.lines());
    let exec = &exec.only_if(x.values().len() >= SERIAL_BELOW);
    let found = exec.map(columns, |j| {
        let stored = &x.values()[x.range(j, j + 1)];
        let mut there: Vec<T> = stored.iter().copied().filter(|v| !v.is_nan()).collect();
        let refused = there.iter().any(|v| !v.is_finite());
        let below = there.iter().filter(|v| **v < T::ZERO).count();
        let zeros = rows.saturating_sub(stored.len());
        let n = there.len() + zeros;
        // The zeros that are not stored stand between the values below zero and the others.
        let mut at = |rank: usize| match rank {
            _ if rank < below => *there.select_nth_unstable_by(rank, order).1,
            _ if rank < below + zeros => T::ZERO,
            _ => *there.select_nth_unstable_by(rank - zeros, order).1,
        };
        let mut pair = |fraction: &f64| {
            let low = rank(n, *fraction).0;
            if n == 0 { (T::NAN, T::NAN) } else { (at(low), at((low + 1).min(n - 1))) }
        };
        let pairs: Vec<(T, T)> = fractions.iter().map(&mut pair).collect();
        (pairs, rows.saturating_sub(n), refused)
    })?;
    let mut all = Quantiles { pairs: Vec::new(), missing: Vec::new(), refused: false };
    for (pairs, missing, refused) in found {
        all.pairs.extend(pairs);
        all.missing.push(missing);
        all.refused |= refused;
    }
    Ok(all)
}

fn order<T: Float>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// The values of some ranks, which rise; reorders the values.
fn pick<T: Float>(values: &mut [T], ranks: &[usize]) -> Vec<T> {
    let mut begin = 0;
    ranks
        .iter()
        .map(|&rank| {
            if rank < begin {
                return values[rank]; // the same rank again
            }
            let v = *values[begin..].select_nth_unstable_by(rank - begin, order).1;
            begin = rank + 1;
            v
        })
        .collect()
}

/// The two values about each fraction; reorders the values, which must be finite.
fn pairs_of<T: Float>(values: &mut [T], fractions: &[f64]) -> Vec<(T, T)> {
    let n = values.len();
    if n == 0 {
        return vec![(T::NAN, T::NAN); fractions.len()];
    }
    let about = |fraction: &f64| {
        let low = rank(n, *fraction).0;
        (low, (low + 1).min(n - 1))
    };
    let mut ranks: Vec<usize> = fractions.iter().map(about).flat_map(|(low, high)| [low, high]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let found = pick(values, &ranks);
    let at = |rank: usize| found[ranks.partition_point(|r| *r < rank)];
    fractions.iter().map(about).map(|(low, high)| (at(low), at(high))).collect()
}

fn sample_size(rows: usize) -> usize {
    (rows / SAMPLE_OF).min(SAMPLE)
}

/// What is there in some rows, one of several parts of them, column by column.
fn sample<T: Float>(x: &dyn Matrix<T>, missing: Missing<T>, part: usize) -> Vec<Vec<T>> {
    let ((rows, columns), mut buffer) = (x.dim(), Vec::new());
    let size = sample_size(rows);
    let mut sample = vec![Vec::with_capacity(size / SAMPLERS + 1); columns];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(part as u64 + 1);
    for i in part * size / SAMPLERS..(part + 1) * size / SAMPLERS {
        // One row of each of as many equal parts, at a place that no pattern in the data follows.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (begin, end) = (i * rows / size, (i + 1) * rows / size);
        let row = x.some_rows(begin + (state >> 33) as usize % (end - begin), 1, &mut buffer);
        for (column, v) in sample.iter_mut().zip(row) {
            if v.is_finite() && !missing.is(*v) {
                column.push(*v);
            }
        }
    }
    sample
}

/// One row of each few, at a place that no pattern in the data follows.
fn one_of_few<T: Float>(x: &dyn Matrix<T>, rows: Range<usize>, seed: u64) -> Array2<T> {
    let (columns, mut buffer) = (x.dim().1, Vec::new());
    let mut some = Array2::from_elem((rows.len() / NARROW_OF, columns), T::ZERO);
    let together = BLOCK.div_ceil(NARROW_OF * columns);
    let mut state = seed;
    for (k, mut some) in some.axis_chunks_iter_mut(Axis(0), together).enumerate() {
        let begin = rows.start + k * together * NARROW_OF;
        let from = x.some_rows(begin, some.nrows() * NARROW_OF, &mut buffer);
        for (i, mut row) in some.outer_iter_mut().enumerate() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            row.assign(&from.row(i * NARROW_OF + (state >> 33) as usize % NARROW_OF));
        }
    }
    some
}

/// For each fraction, the parts of the column `j` together.
fn merged<T: Float>(parts: &[Vec<Part<T>>], j: usize, columns: usize) -> Vec<Part<T>> {
    let each = parts.first().map_or(0, |parts| parts.len() / columns);
    let mut wholes: Vec<Part<T>> = (0..each).map(|_| Part::default()).collect();
    for parts in parts {
        for (whole, part) in wholes.iter_mut().zip(parts[j..].iter().step_by(columns)) {
            whole.merge(part);
        }
    }
    wholes
}

/// Four standard errors of the rank of a fraction of `m` values, of which `fraction (1 - fraction) m` is the variance.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2 sqrt(m)")]
fn four_errors(m: usize, fraction: f64) -> usize {
    (4.0 * (m as f64 * fraction * (1.0 - fraction)).max(0.0).sqrt()) as usize + 2
}

/// For each fraction, values that are almost surely below and above its two, from a sample.
fn brackets<T: Float>(sample: &mut [T], fractions: &[f64]) -> Vec<(T, T)> {
    let m = sample.len();
    if m == 0 {
        return vec![(T::ZERO, T::ZERO); fractions.len()];
    }
    let about = |fraction: &f64| {
        let middle = rank(m, *fraction).0;
        let off = four_errors(m, *fraction);
        (middle.saturating_sub(off), (middle + off).min(m - 1))
    };
    let mut ranks: Vec<usize> = fractions.iter().map(about).flat_map(|(low, high)| [low, high]).collect();
    ranks.sort_unstable();
    let found = pick(sample, &ranks);
    let at = |rank: usize| found[ranks.partition_point(|r| *r < rank)];
    fractions.iter().map(about).map(|(low, high)| (at(low), at(high))).collect()
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

    /// Narrows a bracket to what is almost surely about a fraction of a column of which these are `n` values.
    fn narrow(&mut self, n: usize, fraction: f64, bracket: &mut (T, T)) {
        let (middle, off) = (rank(n, fraction).0, four_errors(n, fraction));
        let (low, high) = *bracket;
        if let Some(v) = self.at(middle.saturating_sub(off), low, high) {
            bracket.0 = v;
        }
        if let Some(v) = self.at(middle + off, low, high) {
            bracket.1 = v;
        }
    }

    /// The values of a rank and of the next of `n`, if the bracket holds them.
    fn pair(&mut self, rank: usize, n: usize, (low, high): (T, T)) -> Option<(T, T)> {
        let first = self.below + self.low;
        if rank >= first && rank + 1 < first + self.inside.len() {
            let (_, a, above) = self.inside.select_nth_unstable_by(rank - first, order);
            let b = above.iter().copied().fold(above[0], |a, b| if b < a { b } else { a });
            return Some((*a, b));
        }
        let a = self.at(rank, low, high)?;
        let b = if rank + 1 < n { self.at(rank + 1, low, high)? } else { a };
        Some((a, b))
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

/// Whole rows, some taken together as one wide row; the few that are left over one by one. For each fraction, as many
/// brackets as columns, which so many rows have told.
fn scan<T: Float>(
    x: &dyn Matrix<T>,
    rows: Range<usize>,
    missing: Missing<T>,
    brackets: &[(T, T)],
    told_by: usize,
) -> Vec<Part<T>> {
    let columns = x.dim().1;
    // Room for what a smooth column has inside, since growing vectors would leave holes in the memory.
    let room = rows.len() * 2 * four_errors(told_by, 0.5) / told_by.max(1);
    let part = || Part { inside: Vec::with_capacity(room), ..Part::default() };
    let mut parts: Vec<Part<T>> = brackets.iter().map(|_| part()).collect();
    let together = LANES.div_ceil(columns).min(rows.len()).max(1);
    let step = BLOCK.div_ceil(together * columns) * together;
    let lanes = |width: usize| brackets.chunks(columns).map(|b| Lanes::new(width, b)).collect::<Vec<_>>();
    let (mut wide, mut narrow) = (lanes(together * columns), lanes(columns));
    // A look-up: dividing by the number of columns for each value kept took a third of the time.
    let column_of: Vec<usize> = (0..columns).cycle().take(step * columns).collect();
    let (mut copy, mut buffer) = (Vec::new(), Vec::new());
    for begin in rows.clone().step_by(step) {
        let block = x.some_rows(begin, step.min(rows.end - begin), &mut buffer);
        let values = side_by_side(&block, &mut copy);
        let whole = values.len() / (together * columns) * (together * columns);
        let (head, tail) = values.split_at(whole);
        for (lanes, values) in [(&mut wide, head), (&mut narrow, tail)] {
            for (k, (lanes, parts)) in lanes.iter_mut().zip(parts.chunks_mut(columns)).enumerate() {
                lanes.take(values, missing, k == 0, &column_of, parts);
            }
        }
    }
    for lanes in wide.into_iter().enumerate().chain(narrow.into_iter().enumerate()) {
        lanes.1.finish(&mut parts[lanes.0 * columns..][..columns]);
    }
    for part in &mut parts {
        part.inside.shrink_to_fit();
    }
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
    chosen: Vec<i64>,
    others: Vec<i64>,
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
            chosen: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Counts a block of wide rows and keeps what falls inside; the first time also what is missing or may not occur.
    fn take(
        &mut self,
        values: &[T],
        missing: Missing<T>,
        first: bool,
        column_of: &[usize],
        parts: &mut [Part<T>],
    ) {
        self.marks.resize(values.len(), 0);
        match (missing, first) {
            (Missing::Nan, true) => simd::dispatch!(self.count::<true>(values, T::is_nan)),
            (Missing::Nan, false) => simd::dispatch!(self.count::<false>(values, |_| false)),
            (Missing::Value(v), true) => simd::dispatch!(self.count::<true>(values, |x| x == v)),
            (Missing::Value(v), false) => simd::dispatch!(self.count::<false>(values, |x| x == v)),
        }
        // Positions first: a loop over them needs no guess at each value, which took twice the time.
        let room = values.len() + simd::PART_ROOM;
        self.chosen.resize(room, 0);
        self.others.resize(room, 0);
        let marks = &self.marks[..values.len()];
        let kept = simd::part_positions(marks, 1, 0, &mut self.chosen, &mut self.others);
        for at in self.chosen[..kept].iter().filter_map(|at| usize::try_from(*at).ok()) {
            let part = &mut parts[column_of[at]];
            if values[at].is_finite() {
                part.inside.push(values[at]);
            } else {
                part.refused = true;
            }
        }
    }

    /// Counts, and marks with a 1 what falls inside or, the first time, may not occur.
    #[inline(always)]
    fn count<const FIRST: bool>(&mut self, values: &[T], absent: impl Fn(T) -> bool) {
        let width = self.low.len();
        let one_if = |is: bool| if is { T::ONE } else { T::ZERO };
        let (low, high) = (&self.low[..width], &self.high[..width]);
        let (holes, below) = (&mut self.missing[..width], &mut self.below[..width]);
        let (at_low, at_high) = (&mut self.at_low[..width], &mut self.at_high[..width]);
        for (row, marks) in values.chunks_exact(width).zip(self.marks.chunks_exact_mut(width)) {
            if FIRST {
                simd::prefetch_ahead::<false, _>(row, simd::AHEAD);
            }
            for k in 0..width {
                let v = row[k];
                let there = !absent(v);
                if FIRST {
                    holes[k] += one_if(!there);
                }
                below[k] += one_if(there & (v < low[k]));
                at_low[k] += one_if(there & (v == low[k]));
                at_high[k] += one_if(there & (v == high[k]));
                let refused = FIRST && !v.is_finite();
                marks[k] = u8::from(there & (((v > low[k]) & (v < high[k])) | refused));
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
    use ndarray::{Array2, ShapeBuilder, s};
    use proptest::prelude::*;

    const FRACTIONS: [f64; 6] = [0.25, 0.5, 0.75, 0.0, 1.0, 0.501];

    fn naive(x: ArrayView2<'_, f64>) -> Vec<(f64, f64)> {
        let mut all = Vec::new();
        for column in x.columns() {
            let mut v: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
            v.sort_by(f64::total_cmp);
            for f in FRACTIONS {
                let low = rank(v.len(), f).0;
                let pair =
                    if v.is_empty() { (f64::NAN, f64::NAN) } else { (v[low], v[(low + 1).min(v.len() - 1)]) };
                all.push(pair);
            }
        }
        all
    }

    fn same(a: &[(f64, f64)], b: &[(f64, f64)]) -> bool {
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a.0, b.0) && same(a.1, b.1))
    }

    fn found(x: ArrayView2<'_, f64>) -> Quantiles<f64> {
        quantiles(x, Missing::Nan, &FRACTIONS, &Exec::serial()).unwrap()
    }

    #[test]
    fn brackets_narrowed_by_more_rows() {
        let rows = NARROW_FROM + 77;
        let mut rng = crate::random::Mt19937::new(0);
        let x = Array2::from_shape_fn((rows, 4), |(i, j)| {
            let u = rng.next_f64();
            match j {
                0 => u,
                1 => (u * 3.0).floor(),
                2 => (i % 16) as f64 + i as f64 / rows as f64,
                _ => {
                    if u < 0.999 {
                        f64::NAN
                    } else {
                        u
                    }
                }
            }
        });
        let got = found(x.view());
        assert!(same(&got.pairs, &naive(x.view())) && !got.refused);
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
            let got = found(x);
            assert!(!got.refused);
            assert!(same(&got.pairs, &naive(x)), "{:?} {:?}", got.pairs, naive(x));
            let mut f = Array2::zeros(x.raw_dim().f());
            f.assign(&x);
            assert!(same(&found(f.view()).pairs, &got.pairs));
        }
        x[(rows - 3, 0)] = f64::INFINITY;
        assert!(found(x.view()).refused);
        assert!(found(x.slice(s![rows - 9.., ..])).refused);
        let few = x.slice(s![..5, 8..]);
        assert!(quantiles(few, Missing::Value(3.0), &[0.5], &Exec::serial()).unwrap().refused);
    }

    proptest! {
        #[test]
        fn few_rows(rows in 1usize..60, columns in 1usize..6, seed in any::<u32>(), levels in 1u32..40) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if v < 0.2 { f64::NAN } else { (v * f64::from(levels)).floor() - 3.0 }
            });
            prop_assert!(same(&found(x.view()).pairs, &naive(x.view())));
            let (mut v, mut i, mut p) = (vec![], vec![], vec![0i32]);
            for column in x.columns() {
                for (row, value) in column.iter().enumerate().filter(|(row, v)| **v != 0.0 || row % 3 == 0) {
                    v.push(*value);
                    i.push(row as i32);
                }
                p.push(v.len() as i32);
            }
            let csc = Compressed::new(&v, &i, &p, rows).unwrap();
            let sparse = of_csc(csc, &FRACTIONS, &Exec::serial()).unwrap();
            prop_assert!(same(&sparse.pairs, &naive(x.view())));
            prop_assert_eq!(sparse.missing, found(x.view()).missing);
        }
    }
}
