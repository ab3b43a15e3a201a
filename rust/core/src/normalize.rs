//! Rows scaled to unit norm: `x / |x|_1`, `x / |x|_2` or `x / max |x|`, as scikit-learn's `normalize`.
//!
//! Sums are `f64`, eight lanes in a fixed order (value `j` goes to lane `j % 8`), so the bits do not depend on the layout
//! of the matrix. A norm below ten roundings of the type counts as zero: its row stays as it is. One pass.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::moments_sparse::Index;
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Values of a block, which stays in the first-level cache between its norms and its divisions.
const BLOCK: usize = 2_048;
/// Values of a row from which it fills vectors by itself.
const WIDE: usize = 64;
const LANES: usize = 8;

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Sum of absolute values.
    L1,
    /// Root of the sum of squares.
    L2,
    /// Largest absolute value.
    Max,
}

/// How a norm comes about: what of a value is joined, and how. A type each, so that inner loops do not ask.
trait Rule {
    /// Is the root of the sum taken?
    const ROOT: bool;
    fn of(x: f64) -> f64;
    fn join(a: f64, b: f64) -> f64;
}

struct Absolute;
struct Squares;
struct Largest;

impl Rule for Absolute {
    const ROOT: bool = false;
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x.abs()
    }
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
}

impl Rule for Squares {
    const ROOT: bool = true;
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x * x
    }
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
}

impl Rule for Largest {
    const ROOT: bool = false;
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x.abs()
    }
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        if b > a { b } else { a }
    }
}

/// What of a row's values is joined, lane by lane and then the lanes.
#[inline(always)]
fn sum<T: Float, R: Rule>(row: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (eights, rest) = row.as_chunks::<LANES>();
    for eight in eights {
        for k in 0..LANES {
            lanes[k] = R::join(lanes[k], R::of(eight[k].to_f64()));
        }
    }
    // By constant places, so that the lanes stay in registers.
    for k in 0..LANES - 1 {
        if k < rest.len() {
            lanes[k] = R::join(lanes[k], R::of(rest[k].to_f64()));
        }
    }
    fold::<R>(lanes)
}

#[inline(always)]
fn fold<R: Rule>(lane: [f64; LANES]) -> f64 {
    let [a, b, c, d] = [0, 1, 2, 3].map(|k| R::join(lane[k], lane[k + 4]));
    R::join(R::join(a, c), R::join(b, d))
}

#[inline(always)]
fn finish<T: Float, R: Rule>(sum: f64) -> T {
    divisor(T::from_f64(if R::ROOT { sum.sqrt() } else { sum }))
}

/// Scales one row.
pub fn scale_row<T: Float>(row: &mut [T], norm: Norm) {
    let d = match norm {
        Norm::L1 => finish::<T, Absolute>(sum::<T, Absolute>(row)),
        Norm::L2 => finish::<T, Squares>(sum::<T, Squares>(row)),
        Norm::Max => finish::<T, Largest>(sum::<T, Largest>(row)),
    };
    for v in row {
        *v /= d;
    }
}

/// What a row of that norm is divided by.
#[inline(always)]
fn divisor<T: Float>(norm: T) -> T {
    if norm < T::from_f64(10.0 * T::EPSILON.to_f64()) { T::ONE } else { norm }
}

/// Scales the rows of `out`, after the values of `x`, if there is one, were copied to it; both may lie in any layout.
/// `divisors`, one a row, receives what each row was divided by. Returns whether all was finite.
///
/// # Errors
/// [`Error::Invalid`] if the shapes differ, [`Error::Interrupted`] if the caller asked to stop.
pub fn apply<T: Float>(
    x: Option<ArrayView2<'_, T>>,
    mut out: ArrayViewMut2<'_, T>,
    norm: Norm,
    divisors: Option<&mut [T]>,
    exec: &Exec<'_>,
) -> Result<bool> {
    let (rows, columns) = out.dim();
    let other = x.is_some_and(|x| x.dim() != (rows, columns));
    if other || divisors.as_ref().is_some_and(|d| d.len() != rows) {
        return Err(Error::Invalid("the output is of another shape".into()));
    }
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let step = (PIECE / columns.max(1)).max(1);
    let mut parts = divisors.map(|d| d.chunks_mut(step));
    let mut pieces: Vec<_> = out
        .axis_chunks_iter_mut(Axis(0), step)
        .map(|out| (out, parts.as_mut().and_then(Iterator::next), true))
        .collect();
    exec.for_each_piece(&mut pieces, 1, |i, pieces| {
        for (out, divisors, finite) in pieces {
            let mut begin = i * step;
            let mut lanes = Lanes::default();
            let block = (BLOCK / columns.max(1)).max(1);
            let mut parts = divisors.as_mut().map(|d| d.chunks_mut(block));
            for mut out in out.axis_chunks_iter_mut(Axis(0), block) {
                let end = begin + out.nrows();
                if let Some(x) = x {
                    out.assign(&x.slice_axis(Axis(0), Slice::from(begin..end)));
                }
                let found = match norm {
                    Norm::L1 => simd::dispatch!(lanes.block::<Absolute>(&mut out)),
                    Norm::L2 => simd::dispatch!(lanes.block::<Squares>(&mut out)),
                    Norm::Max => simd::dispatch!(lanes.block::<Largest>(&mut out)),
                };
                *finite &= found;
                if let Some(to) = parts.as_mut().and_then(Iterator::next) {
                    to.copy_from_slice(&lanes.divisors);
                }
                begin = end;
            }
        }
    })?;
    Ok(pieces.iter().all(|piece| piece.2))
}

/// What a block needs besides its values.
struct Lanes<T> {
    copy: Vec<T>,
    sums: [Vec<f64>; LANES],
    divisors: Vec<T>,
    wide: Vec<T>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { copy: Vec::new(), sums: Default::default(), divisors: Vec::new(), wide: Vec::new() }
    }
}

impl<T: Float> Lanes<T> {
    /// Scales the rows of a block; returns whether they were finite.
    #[inline(always)]
    fn block<R: Rule>(&mut self, x: &mut ArrayViewMut2<'_, T>) -> bool {
        let columns = x.ncols();
        if let Some(values) = x.as_slice_mut() {
            return self.by_row::<R>(values, columns);
        }
        if x.strides()[0] == 1 {
            return self.by_column::<R>(x);
        }
        let mut copy = std::mem::take(&mut self.copy);
        copy.clear();
        copy.extend(x.iter().copied());
        let finite = self.by_row::<R>(&mut copy, columns);
        x.iter_mut().zip(&copy).for_each(|(to, from)| *to = *from);
        self.copy = copy;
        finite
    }

    #[inline(always)]
    fn by_row<R: Rule>(&mut self, values: &mut [T], columns: usize) -> bool {
        let columns = columns.max(1);
        let finite = all_finite(values);
        let sums = &mut self.sums[0];
        // Loops, not `extend`, which need not be compiled for the CPU's vectors.
        sums.resize(values.len() / columns, 0.0);
        self.divisors.resize(sums.len(), T::ONE);
        for (to, row) in sums.iter_mut().zip(values.chunks_exact(columns)) {
            *to = sum::<T, R>(row);
        }
        for (to, sum) in self.divisors.iter_mut().zip(&*sums) {
            *to = finish::<T, R>(*sum);
        }
        if columns >= WIDE {
            for (row, d) in values.chunks_exact_mut(columns).zip(&self.divisors) {
                row.iter_mut().for_each(|v| *v /= *d);
            }
            return finite;
        }
        // A short row would leave most of a vector empty.
        self.wide.resize(values.len(), T::ONE);
        for (row, d) in self.wide.chunks_exact_mut(columns).zip(&self.divisors) {
            for to in row {
                *to = *d;
            }
        }
        for (v, d) in values.iter_mut().zip(&self.wide) {
            *v /= *d;
        }
        finite
    }

    #[inline(always)]
    fn by_column<R: Rule>(&mut self, x: &mut ArrayViewMut2<'_, T>) -> bool {
        let rows = x.nrows();
        for sums in &mut self.sums {
            sums.clear();
            sums.resize(rows, 0.0);
        }
        let mut finite = true;
        for (j, column) in x.columns().into_iter().enumerate() {
            let values = column.as_slice().unwrap_or_default();
            finite &= all_finite(values);
            for (sum, v) in self.sums[j % LANES].iter_mut().zip(values) {
                *sum = R::join(*sum, R::of(v.to_f64()));
            }
        }
        self.divisors.clear();
        for row in 0..rows {
            let lane = std::array::from_fn(|k| self.sums[k][row]);
            self.divisors.push(finish::<T, R>(fold::<R>(lane)));
        }
        for mut column in x.columns_mut() {
            for (v, d) in column.as_slice_mut().unwrap_or_default().iter_mut().zip(&self.divisors) {
                *v /= *d;
            }
        }
        finite
    }
}

/// A product with zero is NaN for what is not finite.
#[inline(always)]
pub(crate) fn all_finite<T: Float>(x: &[T]) -> bool {
    let mut probes = [T::ZERO; 32];
    let (whole, rest) = x.as_chunks::<32>();
    for v in whole {
        for k in 0..32 {
            probes[k] += v[k] * T::ZERO;
        }
    }
    for v in rest {
        probes[0] += *v * T::ZERO;
    }
    !probes.into_iter().sum::<T>().is_nan()
}

/// Scales the rows of a CSR matrix in place, as scikit-learn does there: sums in `f64` in the order of the values, and
/// only a norm of zero counts as zero.
///
/// # Errors
/// [`Error::Invalid`] if the row pointers do not fit, [`Error::Interrupted`] if the caller asked to stop.
pub fn apply_csr<T: Float, I: Index>(
    mut values: &mut [T],
    pointers: &[I],
    norm: Norm,
    exec: &Exec<'_>,
) -> Result<()> {
    let stored = pointers.last().map_or(0, |p| p.place());
    if pointers.windows(2).any(|p| p[0].place() > p[1].place()) || stored > values.len() {
        return Err(Error::Invalid("the row pointers of the sparse matrix do not fit its values".into()));
    }
    let exec = exec.only_if(stored >= SERIAL_BELOW);
    let mut at = 0;
    let mut pieces = Vec::new();
    let mut first = 0;
    for line in 1..pointers.len() {
        let end = pointers[line].place();
        if end - at >= PIECE || line + 1 == pointers.len() {
            let (piece, rest) = std::mem::take(&mut values).split_at_mut(end - at);
            pieces.push((piece, &pointers[first..=line], at));
            (values, at, first) = (rest, end, line);
        }
    }
    exec.for_each_piece(&mut pieces, 1, |_, pieces| {
        for (values, pointers, begin) in pieces {
            simd::dispatch!(for p in pointers.windows(2) {
                scale_stored(&mut values[p[0].place() - *begin..p[1].place() - *begin], norm);
            });
        }
    })
}

/// Scales the stored values of one row.
#[inline(always)]
pub fn scale_stored<T: Float>(row: &mut [T], norm: Norm) {
    let norm = match norm {
        Norm::L1 => row.iter().map(|v| v.to_f64().abs()).sum(),
        Norm::L2 => row.iter().map(|v| (*v * *v).to_f64()).sum::<f64>().sqrt(),
        Norm::Max => row.iter().fold(0.0, |most, v| Largest::join(most, v.to_f64().abs())),
    };
    if norm != 0.0 {
        for v in row {
            *v = T::from_f64(v.to_f64() / norm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder, s};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_layout_changes_no_bit(rows in 1usize..400, columns in 1usize..40, seed in any::<u32>()) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |(i, _)| if i == 3 { 0.0 } else { rng.next_f64() - 0.4 });
            for kind in [Norm::L1, Norm::L2, Norm::Max] {
                let mut c = Array2::zeros((rows, columns));
                let mut d = vec![0.0; rows];
                prop_assert!(apply(Some(x.view()), c.view_mut(), kind, Some(&mut d), &Exec::serial()).unwrap());
                for (i, row) in x.outer_iter().enumerate() {
                    let expected: f64 = match kind {
                        Norm::L1 => row.iter().map(|v| v.abs()).sum(),
                        Norm::L2 => row.iter().map(|v| v * v).sum::<f64>().sqrt(),
                        Norm::Max => row.iter().fold(0.0, |a, v| v.abs().max(a)),
                    };
                    prop_assert!((d[i] - divisor(expected)).abs() <= 1e-14 * expected.max(1e-300));
                    prop_assert!(row.iter().zip(c.row(i)).all(|(a, b)| a / d[i] == *b));
                }
                let mut f = Array2::zeros((rows, columns).f());
                apply(Some(x.view()), f.view_mut(), kind, None, &Exec::serial()).unwrap();
                prop_assert_eq!(&f, &c);
                let mut doubled = Array2::from_shape_fn((2 * rows, 2 * columns), |(i, j)| x[(i / 2, j / 2)]);
                apply(None, doubled.slice_mut(s![..;2, ..;2]), kind, None, &Exec::serial()).unwrap();
                prop_assert_eq!(&doubled.slice(s![..;2, ..;2]), &c);
                let mut values: Vec<f64> = x.iter().copied().collect();
                let pointers: Vec<i32> = (0..=rows).map(|i| (i * columns) as i32).collect();
                apply_csr(&mut values, &pointers, kind, &Exec::serial()).unwrap();
                prop_assert!(values.iter().zip(&c).all(|(a, b)| (a - b).abs() <= 1e-14));
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_told() {
        for bad in [f64::NAN, f64::INFINITY] {
            let x = ndarray::array![[1.0, bad], [0.0, 1.0]];
            for kind in [Norm::L1, Norm::L2, Norm::Max] {
                let mut out = Array2::zeros((2, 2));
                assert!(!apply(Some(x.view()), out.view_mut(), kind, None, &Exec::serial()).unwrap());
            }
        }
        assert!(apply_csr(&mut [1.0], &[0, 2], Norm::L1, &Exec::serial()).is_err());
    }
}
