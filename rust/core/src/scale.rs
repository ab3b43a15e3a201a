//! Scaling of columns: `(x - mean) / scale`, and back: `x * scale + mean`; then, if asked for, clipped.
//!
//! Divided, not multiplied by the inverse, so that the bits are NumPy's. Each step is rounded to the type of `x`, also
//! where the parameters are of a wider one, as NumPy does it in place. One pass: each value is read once and written
//! once; output pages are touched by the thread that fills them.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::apart::{Apart, BITS, Words, words};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::{Matrix, side_by_side};
use crate::simd;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Values of a block: 16 KB of f64 in and 16 KB out; of which the bits are read together.
const BLOCK: usize = BITS;
/// Narrow rows are taken together until they have this many values.
const WIDTH: usize = 64;

/// Mean and divisor of each column, in the type of the data or a wider one; `None` leaves that part out.
#[derive(Clone, Copy)]
pub struct Standard<'a, P> {
    /// Subtracted first.
    pub mean: Option<&'a [P]>,
    /// Divided by second.
    pub scale: Option<&'a [P]>,
}

// In the parameter's type, rounded to the data's: for two of f32 the compiler leaves f64 out, since that changes no bit.

#[inline(always)]
fn minus<T: Float, P: Float>(x: T, m: P) -> T {
    T::from_f64(x.to_f64() - m.to_f64())
}

#[inline(always)]
fn plus<T: Float, P: Float>(x: T, m: P) -> T {
    T::from_f64(x.to_f64() + m.to_f64())
}

#[inline(always)]
fn times<T: Float, P: Float>(x: T, s: P) -> T {
    T::from_f64(x.to_f64() * s.to_f64())
}

#[inline(always)]
fn over<T: Float, P: Float>(x: T, s: P) -> T {
    T::from_f64(x.to_f64() / s.to_f64())
}

/// `out = (x - mean) / scale` of one row.
#[inline(always)]
pub fn apply_row<T: Float, P: Float>(x: &[T], standard: Standard<'_, P>, out: &mut [T]) {
    let n = x.len().min(out.len());
    let (x, out) = (&x[..n], &mut out[..n]);
    match (standard.mean, standard.scale) {
        (Some(m), Some(s)) => {
            for j in 0..n.min(m.len()).min(s.len()) {
                out[j] = over(minus(x[j], m[j]), s[j]);
            }
        }
        (Some(m), None) => {
            for j in 0..n.min(m.len()) {
                out[j] = minus(x[j], m[j]);
            }
        }
        (None, Some(s)) => {
            for j in 0..n.min(s.len()) {
                out[j] = over(x[j], s[j]);
            }
        }
        (None, None) => out.copy_from_slice(x),
    }
}

/// `out = x * scale + mean` of one row.
#[inline(always)]
pub fn invert_row<T: Float, P: Float>(x: &[T], standard: Standard<'_, P>, out: &mut [T]) {
    let n = x.len().min(out.len());
    let (x, out) = (&x[..n], &mut out[..n]);
    match (standard.mean, standard.scale) {
        (Some(m), Some(s)) => {
            for j in 0..n.min(m.len()).min(s.len()) {
                out[j] = plus(times(x[j], s[j]), m[j]);
            }
        }
        (Some(m), None) => {
            for j in 0..n.min(m.len()) {
                out[j] = plus(x[j], m[j]);
            }
        }
        (None, Some(s)) => {
            for j in 0..n.min(s.len()) {
                out[j] = times(x[j], s[j]);
            }
        }
        (None, None) => out.copy_from_slice(x),
    }
}

/// `x` within `low` and `high`; NaN stays.
#[inline(always)]
pub fn clip<T: Float>(x: T, (low, high): (T, T)) -> T {
    let x = if x.is_nan() | (x > low) { x } else { low };
    if x.is_nan() | (x < high) { x } else { high }
}

/// Which way [`apply`] goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `(x - mean) / scale`
    Forward,
    /// `x * scale + mean`
    Inverse,
}

/// What [`apply`] does besides.
#[derive(Clone, Copy)]
pub struct Mode<T> {
    /// Which way it goes.
    pub direction: Direction,
    /// Within which limits the results are kept.
    pub clip: Option<(T, T)>,
}

/// Do the columns of `x` lie closer together than its rows do, so that NumPy would copy it in Fortran order?
#[must_use]
pub fn lies_by_column<T>(x: ArrayView2<'_, T>) -> bool {
    let strides = x.strides();
    x.nrows() > 1 && x.ncols() > 1 && strides[0].unsigned_abs() < strides[1].unsigned_abs()
}

/// Scales a matrix into `out`, of the same shape. Returns whether an input was infinite.
///
/// `out` is in the order that NumPy's copy would have: Fortran's if [`lies_by_column`], else C's.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn apply<T: Float, P: Float>(
    x: ArrayView2<'_, T>,
    standard: Standard<'_, P>,
    mode: Mode<T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    if lies_by_column(x) {
        return apply_columns(&x.axis_iter(Axis(1)).collect::<Vec<_>>(), standard, mode, out, exec);
    }
    apply_rows(&x, standard, mode, out, exec)
}

/// As [`apply`], for rows whose values lie side by side, or are made; `out` is in C's order.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn apply_rows<T: Float, P: Float>(
    x: &dyn Matrix<T>,
    standard: Standard<'_, P>,
    mode: Mode<T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let infinite = AtomicBool::new(false);
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let (rows, columns) = (x.dim().0, x.dim().1.max(1));
    let wide = Wide::new(standard, columns, rows);
    let step = (BLOCK / columns).max(1).next_multiple_of(wide.width / columns);
    let rows = (PIECE / columns).max(1).next_multiple_of(step);
    exec.for_each_piece(out, rows * columns, |i, out| {
        let (mut found, mut buffer, mut copy) = (false, Vec::new(), Vec::new());
        for (k, out) in out.chunks_mut(step * columns).enumerate() {
            let part = x.some_rows(i * rows + k * step, out.len() / columns, &mut buffer);
            let values = side_by_side(&part, &mut copy);
            found |= simd::dispatch!(wide.contiguous(values, standard, mode, out));
        }
        if found {
            infinite.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(infinite.into_inner())
}

/// As [`apply`], for columns that lie apart, each as long as the others; `out` is in Fortran's order.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn apply_columns<T: Float, P: Float>(
    columns: &[impl Apart<T>],
    standard: Standard<'_, P>,
    mode: Mode<T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<bool> {
    let infinite = AtomicBool::new(false);
    let past_caches = simd::is_past_caches(out);
    exec.only_if(out.len() >= SERIAL_BELOW).for_each_piece(out, PIECE, |i, out| {
        if by_column(columns, i * PIECE, standard, mode, past_caches, out) {
            infinite.store(true, Ordering::Relaxed);
        }
        simd::written_past_caches();
    })?;
    Ok(infinite.into_inner())
}

/// Scales a matrix in its place, of any layout; the bits are [`apply`]'s. Returns whether a value was infinite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop; some values are then scaled.
pub fn apply_in_place<T: Float, P: Float>(
    mut x: ArrayViewMut2<'_, T>,
    standard: Standard<'_, P>,
    mode: Mode<T>,
    exec: &Exec<'_>,
) -> Result<bool> {
    let (rows, columns) = (x.nrows(), x.ncols().max(1));
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    let infinite = AtomicBool::new(false);
    let note = |found: bool| {
        if found {
            infinite.store(true, Ordering::Relaxed);
        }
    };
    if lies_by_column(x.view()) {
        let group = (PIECE / rows.max(1)).max(1);
        let mut columns: Vec<_> = x.axis_iter_mut(Axis(1)).collect();
        exec.for_each_piece(&mut columns, group, |i, columns| {
            let (mut copy, mut out) = (Vec::with_capacity(BLOCK.min(rows)), Vec::new());
            for (j, column) in (i * group..).zip(columns) {
                let (mean, scale) = (standard.mean.map(|m| m[j]), standard.scale.map(|s| s[j]));
                for mut block in column.axis_chunks_iter_mut(Axis(0), BLOCK) {
                    copy.clear();
                    let apart = match block.as_slice() {
                        Some(values) => {
                            copy.extend_from_slice(values);
                            false
                        }
                        None => {
                            copy.extend(block.iter().copied());
                            out.resize(copy.len(), T::ZERO);
                            true
                        }
                    };
                    let to = block.as_slice_mut().unwrap_or(&mut out);
                    let one = One { mean, scale, mode, there: None };
                    note(simd::dispatch!(one.write(&copy, false, to)));
                    if apart {
                        block.iter_mut().zip(&out).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        })?;
        return Ok(infinite.into_inner());
    }
    let wide = Wide::new(standard, columns, rows);
    let mut pieces: Vec<_> = x.axis_chunks_iter_mut(Axis(0), (PIECE / columns).max(1)).collect();
    exec.for_each_piece(&mut pieces, 1, |_, pieces| {
        let (mut copy, mut out) = (Vec::with_capacity(BLOCK), Vec::new());
        let blocks =
            pieces.iter_mut().flat_map(|p| p.axis_chunks_iter_mut(Axis(0), (BLOCK / columns).max(1)));
        for mut block in blocks {
            copy.clear();
            if let Some(values) = block.as_slice_mut() {
                copy.extend_from_slice(values);
                note(simd::dispatch!(wide.contiguous(&copy, standard, mode, values)));
                continue;
            }
            for row in block.rows() {
                match row.as_slice() {
                    Some(values) => copy.extend_from_slice(values),
                    None => copy.extend(row.iter().copied()),
                }
            }
            out.resize(copy.len(), T::ZERO);
            note(simd::dispatch!(wide.contiguous(&copy, standard, mode, &mut out)));
            for (mut row, from) in block.rows_mut().into_iter().zip(out.chunks_exact(columns)) {
                match row.as_slice_mut() {
                    Some(values) => values.copy_from_slice(from),
                    None => row.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
                }
            }
        }
    })?;
    Ok(infinite.into_inner())
}

/// The parameters of several rows side by side: rows of few columns would leave most of a vector empty.
struct Wide<P> {
    width: usize,
    mean: Option<Vec<P>>,
    scale: Option<Vec<P>>,
}

impl<P: Float> Wide<P> {
    fn new(standard: Standard<'_, P>, columns: usize, rows: usize) -> Self {
        let together = WIDTH.div_ceil(columns).min(rows / 4).max(1);
        let repeat = |v: &[P]| v.iter().copied().cycle().take(columns * together).collect();
        Self { width: columns * together, mean: standard.mean.map(repeat), scale: standard.scale.map(repeat) }
    }

    /// Whole rows, block by block, so that the second look at a block finds it in the first-level cache.
    #[inline(always)]
    fn contiguous<T: Float>(&self, x: &[T], one: Standard<'_, P>, mode: Mode<T>, out: &mut [T]) -> bool {
        let wide = Standard { mean: self.mean.as_deref(), scale: self.scale.as_deref() };
        let size = (BLOCK / self.width).max(1) * self.width;
        let mut found = false;
        for (x, out) in x.chunks(size).zip(out.chunks_mut(size)) {
            let whole = x.len() / self.width * self.width;
            let ((x, rest), (out, rest_out)) = (x.split_at(whole), out.split_at_mut(whole));
            found |= block(x, self.width, wide, mode, out);
            if !rest.is_empty() {
                let columns = one.mean.or(one.scale).map_or(rest.len(), <[P]>::len);
                found |= block(rest, columns, one, mode, rest_out);
            }
        }
        found
    }
}

/// Values of columns of one length, from the value number `begin` on, into `out`.
fn by_column<T: Float, P: Float>(
    columns: &[impl Apart<T>],
    begin: usize,
    standard: Standard<'_, P>,
    mode: Mode<T>,
    past_caches: bool,
    mut out: &mut [T],
) -> bool {
    let rows = columns.first().map_or(0, Apart::len);
    let (mut at, mut found, mut buffer) = (begin, false, Vec::new());
    while !out.is_empty() {
        let (column, row) = (at / rows, at % rows);
        let take = out.len().min(rows - row).min(BLOCK);
        let (to, rest) = std::mem::take(&mut out).split_at_mut(take);
        let (mean, scale) = (standard.mean.map(|m| m[column]), standard.scale.map(|s| s[column]));
        let bits = columns[column].bits();
        let there = bits.map(|(_, bits, first)| words(bits, first + row, take).0);
        let values = match bits {
            Some((values, ..)) => &values[row..row + take],
            None => columns[column].block(row, take, &mut buffer),
        };
        let one = One { mean, scale, mode, there: there.as_ref() };
        found |= simd::dispatch!(one.write(values, past_caches, to));
        (out, at) = (rest, at + take);
    }
    found
}

/// Values that are looked at side by side.
const LANES: usize = 32;

/// How a column is scaled, and which of its values are there.
struct One<'a, T, P> {
    mean: Option<P>,
    scale: Option<P>,
    mode: Mode<T>,
    there: Option<&'a Words>,
}

impl<T: Float, P: Float> One<'_, T, P> {
    /// Writes the scaled values, at most a [`BLOCK`]. Was one infinite? (Found on the way, while divisions are waited for.)
    #[inline(always)]
    fn write(&self, x: &[T], past_caches: bool, out: &mut [T]) -> bool {
        let mut largest = [T::ZERO; LANES];
        let n = x.len().min(out.len());
        let ((x, rest), (out, rest_out)) = (x[..n].as_chunks::<LANES>(), out[..n].as_chunks_mut::<LANES>());
        for (number, (x, out)) in x.iter().zip(out).enumerate() {
            // Of a copy, which nothing else can change: the compiler then needs no other loop for that case.
            let values = self.scaled(number, *x, &mut largest);
            if past_caches {
                simd::prefetch_ahead::<false, _>(x, simd::AHEAD);
                simd::write_past_caches(&values, out);
            } else {
                *out = values;
            }
        }
        if !rest.is_empty() {
            let mut last = [T::ZERO; LANES];
            last[..rest.len()].copy_from_slice(rest);
            rest_out.copy_from_slice(&self.scaled(x.len(), last, &mut largest)[..rest.len()]);
        }
        is_infinite(&largest)
    }

    /// The lanes of this number: what to do is asked once for them all, which costs nothing and saves a loop for each case.
    #[inline(always)]
    fn scaled(&self, number: usize, mut x: [T; LANES], largest: &mut [T; LANES]) -> [T; LANES] {
        if let Some(words) = self.there {
            let bits = words[number / 2] >> (32 * (number % 2));
            for (k, v) in x.iter_mut().enumerate() {
                *v = if bits >> k & 1 == 1 { *v } else { T::NAN };
            }
        }
        look(largest, &x);
        match (self.mode.direction, self.mean, self.scale) {
            (Direction::Forward, Some(m), Some(s)) => x.iter_mut().for_each(|v| *v = over(minus(*v, m), s)),
            (Direction::Forward, Some(m), None) => x.iter_mut().for_each(|v| *v = minus(*v, m)),
            (Direction::Forward, None, Some(s)) => x.iter_mut().for_each(|v| *v = over(*v, s)),
            (Direction::Inverse, Some(m), Some(s)) => x.iter_mut().for_each(|v| *v = plus(times(*v, s), m)),
            (Direction::Inverse, Some(m), None) => x.iter_mut().for_each(|v| *v = plus(*v, m)),
            (Direction::Inverse, None, Some(s)) => x.iter_mut().for_each(|v| *v = times(*v, s)),
            (_, None, None) => {}
        }
        clip_each(&mut x, self.mode.clip);
        x
    }
}

/// Rows of `width` values each.
#[inline(always)]
fn block<T: Float, P: Float>(
    x: &[T],
    width: usize,
    standard: Standard<'_, P>,
    mode: Mode<T>,
    out: &mut [T],
) -> bool {
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        match mode.direction {
            Direction::Forward => apply_row(x, standard, out),
            Direction::Inverse => invert_row(x, standard, out),
        }
    }
    clip_each(out, mode.clip);
    has_infinity(x)
}

#[inline(always)]
fn clip_each<T: Float>(values: &mut [T], limits: Option<(T, T)>) {
    if let Some(limits) = limits {
        values.iter_mut().for_each(|v| *v = clip(*v, limits));
    }
}

#[inline(always)]
fn has_infinity<T: Float>(x: &[T]) -> bool {
    let mut largest = [T::ZERO; LANES];
    let (x, rest) = x.as_chunks::<LANES>();
    x.iter().for_each(|x| look(&mut largest, x));
    look(&mut largest, rest);
    is_infinite(&largest)
}

/// Keeps the largest absolute values; NaN is not above anything.
#[inline(always)]
fn look<T: Float>(largest: &mut [T; LANES], values: &[T]) {
    for (largest, v) in largest.iter_mut().zip(values) {
        *largest = if v.abs() > *largest { v.abs() } else { *largest };
    }
}

#[inline(always)]
fn is_infinite<T: Float>(largest: &[T; LANES]) -> bool {
    largest.iter().fold(false, |found, v| found | (*v == T::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ShapeBuilder, s};
    use proptest::prelude::*;

    #[test]
    fn columns_are_the_same_past_the_caches_and_tell_infinities() {
        use crate::apart::{Marked, Marks};
        let rows = 3_001;
        let mut values: Vec<f64> = (0..2 * rows).map(|i| (i as f64).sin()).collect();
        (values[5], values[40], values[rows + 7]) = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY);
        // The infinities are missing, then the second column's is there.
        let mut bits = vec![0xff_u8; rows.div_ceil(8)];
        bits[5] = 0xfe;
        let mut other = bits.clone();
        other[0] = 0x7f;
        for (second, infinite) in [(&other, false), (&bits, true)] {
            let columns: Vec<_> = values
                .chunks(rows)
                .zip([&bits, second])
                .map(|(values, bits)| Marked {
                    numbers: ndarray::ArrayView1::from(values).insert_axis(Axis(1)).into(),
                    marks: Marks::Bits(bits, 0),
                })
                .collect();
            for (mean, scale) in [(true, true), (true, false), (false, true), (false, false)] {
                let standard = Standard {
                    mean: mean.then_some(&[0.1, 0.2][..]),
                    scale: scale.then_some(&[3.0, 0.7][..]),
                };
                for direction in [Direction::Forward, Direction::Inverse] {
                    let mode = Mode { direction, clip: None };
                    // Places in lines of memory that vectors can and cannot be written to.
                    for offset in [0, 1, 2] {
                        let mut out = [vec![0.0; 2 * rows + 2], vec![0.0; 2 * rows + 2]];
                        for (past_caches, out) in [false, true].into_iter().zip(&mut out) {
                            let out = &mut out[offset..offset + 2 * rows];
                            assert_eq!(by_column(&columns, 0, standard, mode, past_caches, out), infinite);
                        }
                        let [there, past] = out.map(|v| v.into_iter().map(f64::to_bits).collect::<Vec<_>>());
                        assert_eq!(there, past);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn in_place_gives_the_same_bits_in_any_layout(
            rows in 1usize..90, columns in 1usize..80, seed in any::<u32>(), which in 0..4, clipped in any::<bool>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let mut draw = || rng.next_f64() as f32 - 0.3;
            let x = Array2::from_shape_fn((rows, columns), |_| draw());
            let (mean, scale): (Vec<f64>, Vec<f64>) =
                (0..columns).map(|_| (f64::from(draw()) / 3.0, f64::from(draw()) / 3.0)).unzip();
            let standard = Standard {
                mean: (which % 2 == 0).then_some(&mean[..]),
                scale: (which < 2).then_some(&scale[..]),
            };
            for direction in [Direction::Forward, Direction::Inverse] {
                let mode = Mode { direction, clip: clipped.then_some((-0.2, 0.4)) };
                let mut out = vec![0.0; x.len()];
                prop_assert!(!apply(x.view(), standard, mode, &mut out, &Exec::serial()).unwrap());
                let out = Array2::from_shape_vec((rows, columns), out).unwrap();
                for ((i, j), v) in x.indexed_iter() {
                    let (m, s) = (standard.mean.map_or(0.0, |m| m[j]), standard.scale.map_or(1.0, |s| s[j]));
                    let v = f64::from(*v);
                    let y = match direction {
                        Direction::Forward => (f64::from((v - m) as f32) / s) as f32,
                        Direction::Inverse => (f64::from((v * s) as f32) + m) as f32,
                    };
                    prop_assert_eq!(out[(i, j)], if clipped { y.clamp(-0.2, 0.4) } else { y });
                }
                let mut c = x.clone();
                apply_in_place(c.view_mut(), standard, mode, &Exec::serial()).unwrap();
                prop_assert_eq!(&c, &out);
                let mut f = Array2::zeros((rows, columns).f());
                f.assign(&x);
                apply_in_place(f.view_mut(), standard, mode, &Exec::serial()).unwrap();
                prop_assert_eq!(&f, &out);
                let mut doubled = Array2::from_shape_fn((2 * rows, 2 * columns), |(i, j)| x[(i / 2, j / 2)]);
                apply_in_place(doubled.slice_mut(s![..;2, ..;2]), standard, mode, &Exec::serial()).unwrap();
                prop_assert_eq!(&doubled.slice(s![..;2, ..;2]), &out);
                prop_assert_eq!(&doubled.slice(s![1..;2, ..;2]), &x);
            }
        }
    }

    #[test]
    fn clipping_is_numpys() {
        assert!(clip(f64::NAN, (0.0, 1.0)).is_nan());
        assert!(clip(-0.0_f64, (0.0, 1.0)).is_sign_positive());
        assert_eq!([-1.0, 0.5, 7.0].map(|x| clip(x, (0.0, 1.0))), [0.0, 0.5, 1.0]);
    }
}
