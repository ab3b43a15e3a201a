//! Products of columns: every polynomial term of the input, in scikit-learn's order and to its bits.
//!
//! A term of degree `d` is its first factor times the term of degree `d - 1` that the others make, and the terms that
//! share a first factor follow each other in both degrees: so a degree is a few multiplications of a run by a number.

use ndarray::{ArrayView2, s};

use crate::columns::all_finite;
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Values of output below which threads cost more than they bring.
const SERIAL_BELOW: usize = 50_000;
/// Values of a piece of output, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Terms `to..to + len` are the terms `from..from + len` times the column `factor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    factor: usize,
    from: usize,
    to: usize,
    len: usize,
}

/// Which terms, of how many columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    columns: usize,
    bias: bool,
    /// Terms from the bias and degree 1 on.
    all: usize,
    /// Terms that are computed but not given out, after the bias.
    hidden: usize,
    runs: Vec<Run>,
}

impl Terms {
    /// Terms of degrees `least` to `most` (degree 0 is the bias's alone), of distinct factors only if `distinct`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are more than `limit`, those that are not given out counted in.
    pub fn new(
        columns: usize,
        (least, most): (usize, usize),
        distinct: bool,
        bias: bool,
        limit: usize,
    ) -> Result<Self> {
        let first = usize::from(bias);
        let mut all = first;
        let mut runs = Vec::new();
        // Where the terms of the last degree that begin with each column start; the last is their end.
        let mut starts: Vec<usize> = Vec::new();
        let mut hidden = 0;
        if most > 0 {
            starts = (0..=columns).map(|j| first + j).collect();
            all += columns;
            hidden = if least > 1 { columns } else { 0 };
        }
        for degree in 2..=most {
            let end = starts[columns];
            let mut next = Vec::with_capacity(columns + 1);
            let begin = all;
            for factor in 0..columns {
                next.push(all);
                let from = starts[(factor + usize::from(distinct)).min(columns)];
                let len = end - from;
                if len > 0 {
                    runs.push(Run { factor, from, to: all, len });
                }
                all += len;
                if all > limit {
                    return Err(Error::Invalid(format!("there are more than {limit} polynomial terms")));
                }
            }
            next.push(all);
            if degree < least {
                hidden += all - begin;
            }
            starts = next;
            if all == begin {
                break;
            }
        }
        Ok(Self { columns, bias, all, hidden, runs })
    }

    /// Columns of the input.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Terms given out.
    #[must_use]
    pub fn width(&self) -> usize {
        self.all - self.hidden
    }

    /// The columns that a term given out is the product of; the first is multiplied last.
    #[must_use]
    pub fn factors(&self, term: usize) -> Vec<usize> {
        let first = usize::from(self.bias);
        let mut factors = Vec::new();
        if term < first {
            return factors;
        }
        let mut term = term + self.hidden;
        while term >= first + self.columns {
            let run = self.runs[self.runs.partition_point(|run| run.to <= term) - 1];
            factors.push(run.factor);
            term = run.from + (term - run.to);
        }
        factors.push(term - first);
        factors
    }

    /// The terms of a row; `scratch` is used if some are hidden.
    #[inline(always)]
    fn row<T: Float>(&self, x: &[T], scratch: &mut [T], out: &mut [T]) {
        let first = usize::from(self.bias);
        if self.hidden == 0 {
            self.compute(x, out);
        } else {
            self.compute(x, scratch);
            out[..first].copy_from_slice(&scratch[..first]);
            out[first..].copy_from_slice(&scratch[first + self.hidden..]);
        }
    }

    #[inline(always)]
    fn compute<T: Float>(&self, x: &[T], terms: &mut [T]) {
        let first = usize::from(self.bias);
        terms[..first].fill(T::ONE);
        if self.all == first {
            return;
        }
        terms[first..first + x.len()].copy_from_slice(x);
        for run in &self.runs {
            let (before, to) = terms.split_at_mut(run.to);
            let (from, to) = (&before[run.from..run.from + run.len], &mut to[..run.len]);
            let factor = x[run.factor];
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from * factor;
            }
        }
    }

    /// The terms of one row.
    pub fn apply_row<T: Float>(&self, x: &[T], out: &mut [T]) {
        let mut scratch = if self.hidden == 0 { Vec::new() } else { vec![T::ZERO; self.all] };
        self.row(x, &mut scratch, out);
    }
}

/// The terms of each row into `out`, row by row. Returns whether all values were finite.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn by_row<T: Float>(x: ArrayView2<'_, T>, terms: &Terms, out: &mut [T], exec: &Exec<'_>) -> Result<bool> {
    let width = terms.width();
    let step = (PIECE / width.max(1)).max(1);
    exec.only_if(out.len() >= SERIAL_BELOW).for_each_piece(out, step * width, |i, out| {
        let part = x.slice(s![i * step..i * step + out.len() / width, ..]);
        let mut scratch = if terms.hidden == 0 { Vec::new() } else { vec![T::ZERO; terms.all] };
        let mut copy = vec![T::ZERO; terms.columns];
        simd::dispatch!(for (x, out) in part.outer_iter().zip(out.chunks_exact_mut(width)) {
            match x.as_slice() {
                Some(x) => terms.row(x, &mut scratch, out),
                None => {
                    for (to, from) in copy.iter_mut().zip(x) {
                        *to = *from;
                    }
                    terms.row(&copy, &mut scratch, out);
                }
            }
        });
    })?;
    whole_is_finite(x, exec)
}

/// The terms of each column into `out`, column by column. Returns whether all values were finite.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn by_column<T: Float>(
    x: ArrayView2<'_, T>,
    terms: &Terms,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let rows = x.nrows();
    // Columns are read again and again.
    let copy: Vec<T>;
    let values = match x.t().to_slice() {
        Some(values) => values,
        None => {
            copy = x.t().iter().copied().collect();
            &copy
        }
    };
    let column = |j: usize| &values[j * rows..(j + 1) * rows];
    exec.only_if(out.len() >= SERIAL_BELOW).for_each_piece(out, rows, |i, out| {
        let factors = terms.factors(i);
        match factors.as_slice() {
            [] => out.fill(T::ONE),
            [j] => out.copy_from_slice(column(*j)),
            [first @ .., a, b] => {
                simd::dispatch!(for ((to, a), b) in out.iter_mut().zip(column(*a)).zip(column(*b)) {
                    *to = *b * *a;
                });
                for j in first.iter().rev() {
                    simd::dispatch!(for (to, from) in out.iter_mut().zip(column(*j)) {
                        *to *= *from;
                    });
                }
            }
        }
    })?;
    whole_is_finite(x, exec)
}

/// Are all values finite?
fn whole_is_finite<T: Float>(x: ArrayView2<'_, T>, exec: &Exec<'_>) -> Result<bool> {
    let step = (PIECE / x.ncols().max(1)).max(1);
    let chunks = x.nrows().div_ceil(step);
    let parts = exec.only_if(x.len() >= 4 * PIECE).map(chunks, |i| {
        let part = x.slice(s![i * step..x.nrows().min((i + 1) * step), ..]);
        match part.as_slice_memory_order() {
            Some(values) => simd::dispatch!(all_finite(values)),
            None => part.iter().all(|v| v.is_finite()),
        }
    })?;
    Ok(parts.into_iter().all(|finite| finite))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn both_orders_have_the_same_terms() {
        let x = Array2::from_shape_fn((7, 4), |(i, j)| 1.1 + (i * 4 + j) as f64 * 0.37);
        for most in 0..5 {
            for least in 0..=most {
                for (distinct, bias) in [(false, false), (false, true), (true, false), (true, true)] {
                    let terms = Terms::new(4, (least, most), distinct, bias, 1 << 20).unwrap();
                    let mut rows = vec![0.0; 7 * terms.width()];
                    let mut columns = rows.clone();
                    if rows.is_empty() {
                        continue;
                    }
                    assert!(by_row(x.view(), &terms, &mut rows, &Exec::serial()).unwrap());
                    assert!(by_column(x.view(), &terms, &mut columns, &Exec::serial()).unwrap());
                    for i in 0..7 {
                        for k in 0..terms.width() {
                            assert_eq!(rows[i * terms.width() + k], columns[k * 7 + i], "{least} {most} {k}");
                        }
                    }
                }
            }
        }
        assert_eq!(Terms::new(3, (0, 2), false, true, 1 << 20).unwrap().width(), 10);
        assert_eq!(Terms::new(3, (2, 3), true, false, 1 << 20).unwrap().width(), 4);
        assert!(Terms::new(1_000, (0, 9), false, true, 1 << 20).is_err());
    }

    #[test]
    fn the_first_factor_is_multiplied_last() {
        let terms = Terms::new(3, (3, 3), true, false, 1 << 20).unwrap();
        let mut out = [0.0];
        terms.apply_row(&[0.1, 0.2, 0.3], &mut out);
        assert_eq!(out, [0.1 * (0.2 * 0.3)]);
    }
}
