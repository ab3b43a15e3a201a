//! Moments of the columns of a compressed sparse matrix; what is not stored is a zero.
//!
//! `mean = sum / (n - n_nan)`, then `m2 = sum (x - mean)^2 + n_zero mean^2` less the correction term, as
//! [`crate::moments`] does for dense blocks: agrees with scikit-learn's `mean_variance_axis`. Two passes over the
//! stored values of a chunk. Sums are `f64` for `f32` input too. Entries that stand twice are taken one by one.

use ndarray::ArrayView1;

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::moments::Moments;

/// Stored values of a chunk, the unit that a thread takes: about 1 ms of work.
const CHUNK: usize = 1 << 19;

/// An index type of a sparse matrix.
pub trait Index: Copy + Send + Sync + 'static {
    /// As a place; a negative one becomes a place that no array has.
    fn place(self) -> usize;
}

impl Index for i32 {
    #[inline(always)]
    fn place(self) -> usize {
        usize::try_from(self).unwrap_or(usize::MAX)
    }
}

impl Index for i64 {
    #[inline(always)]
    fn place(self) -> usize {
        usize::try_from(self).unwrap_or(usize::MAX)
    }
}

/// A matrix in compressed rows (CSR) or, with rows and columns exchanged, in compressed columns (CSC).
#[derive(Clone, Copy)]
pub struct Compressed<'a, T, I> {
    values: &'a [T],
    indices: &'a [I],
    pointers: &'a [I],
    width: usize,
}

impl<'a, T: Float, I: Index> Compressed<'a, T, I> {
    /// Checks that `pointers` rise within the values and that every index is below `width`.
    ///
    /// # Errors
    /// [`Error::Invalid`] otherwise.
    pub fn new(values: &'a [T], indices: &'a [I], pointers: &'a [I], width: usize) -> Result<Self> {
        let stored = pointers.last().map_or(0, |p| p.place());
        let rising = pointers.windows(2).all(|p| p[0].place() <= p[1].place());
        let inside = stored <= values.len() && stored <= indices.len();
        if pointers.is_empty() || !rising || !inside {
            return Err(Error::Invalid("the row pointers of the sparse matrix do not fit its values".into()));
        }
        if indices[..stored].iter().map(|i| i.place()).max().is_some_and(|most| most >= width) {
            return Err(Error::Invalid("an index of the sparse matrix is outside of its shape".into()));
        }
        Ok(Self { values: &values[..stored], indices: &indices[..stored], pointers, width })
    }

    /// The stored values.
    pub(crate) fn values(&self) -> &'a [T] {
        self.values
    }

    /// The place of each value in its line.
    pub(crate) fn indices(&self) -> &'a [I] {
        self.indices
    }

    /// Places of a line.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Compressed rows or columns.
    pub(crate) fn lines(&self) -> usize {
        self.pointers.len() - 1
    }

    /// Where the values of the lines `from..to` are stored.
    pub(crate) fn range(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        self.pointers[from].place()..self.pointers[to].place()
    }
}

/// Moments of the columns of a CSR matrix; `weights`, if any, has one finite value a row.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn of_csr<T: Float, I: Index>(
    x: Compressed<'_, T, I>,
    weights: Option<ArrayView1<'_, f64>>,
    exec: &Exec<'_>,
) -> Result<Moments> {
    let starts = chunks(&x);
    let parts =
        exec.map(starts.len().saturating_sub(1), |i| csr_chunk(&x, weights, starts[i], starts[i + 1]))?;
    let mut all = Moments::new(x.width);
    for part in &parts {
        all.merge(part);
    }
    Ok(all)
}

/// First lines of chunks of some `CHUNK` values, and the end. A chunk costs as much as the matrix is wide, so wide
/// matrices have larger ones.
pub(crate) fn chunks<T: Float, I: Index>(x: &Compressed<'_, T, I>) -> Vec<usize> {
    let size = CHUNK.max(8 * x.width);
    let mut starts = vec![0];
    let mut begin = x.pointers[0].place();
    for row in 1..x.lines() {
        let at = x.pointers[row].place();
        if at - begin >= size {
            starts.push(row);
            begin = at;
        }
    }
    starts.push(x.lines());
    starts
}

fn csr_chunk<T: Float, I: Index>(
    x: &Compressed<'_, T, I>,
    weights: Option<ArrayView1<'_, f64>>,
    from: usize,
    to: usize,
) -> Moments {
    let mut m = Moments::new(x.width);
    let mut stored = vec![0.0; x.width];
    let mut entries = vec![0_usize; if weights.is_some() { x.width } else { 0 }];
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let total: f64 = (from..to).map(weight).sum();
    m.count.fill(total);
    for row in from..to {
        let w = weight(row);
        for k in x.range(row, row + 1) {
            let (j, v) = (x.indices[k].place(), x.values[k].to_f64());
            if weights.is_some() {
                entries[j] += 1;
            }
            if v.is_nan() {
                m.has_nan = true;
                m.count[j] -= w;
            } else {
                m.has_inf |= v.is_infinite();
                m.mean[j] += w * v;
                stored[j] += w;
            }
        }
    }
    for (j, entries) in entries.into_iter().enumerate() {
        // With a value stored in each row there are no zeros, though the sums of the weights be rounded otherwise.
        if entries == to - from {
            m.count[j] = stored[j];
        }
    }
    for j in 0..x.width {
        m.mean[j] = if m.count[j] == 0.0 { 0.0 } else { m.mean[j] / m.count[j] };
    }
    let mut rest = vec![0.0; x.width];
    for row in from..to {
        let w = weight(row);
        for k in x.range(row, row + 1) {
            let (j, v) = (x.indices[k].place(), x.values[k].to_f64());
            if !v.is_nan() {
                let d = v - m.mean[j];
                m.m2[j] += w * d * d;
                rest[j] += w * d;
            }
        }
    }
    for j in 0..x.width {
        let (zeros, mean, n) = (m.count[j] - stored[j], m.mean[j], m.count[j]);
        rest[j] -= zeros * mean;
        m.m2[j] += zeros * mean * mean - if n == 0.0 { 0.0 } else { rest[j] * rest[j] / n };
    }
    m
}

/// Moments of the columns of a CSC matrix; `weights`, if any, has one finite value a row.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn of_csc<T: Float, I: Index>(
    x: Compressed<'_, T, I>,
    weights: Option<ArrayView1<'_, f64>>,
    exec: &Exec<'_>,
) -> Result<Moments> {
    let rows = x.width as f64;
    let total = weights.map_or(rows, |w| w.sum());
    // A column of its own for each index would be many small tasks: they are taken in groups of about a chunk.
    let group = (x.lines() * CHUNK / x.values.len().max(1)).clamp(1, x.lines().max(1));
    let parts = exec.map(x.lines().div_ceil(group), |i| {
        (i * group..x.lines().min((i + 1) * group))
            .map(|j| csc_column(&x, weights, total, j))
            .collect::<Vec<_>>()
    })?;
    let mut all = Moments::new(x.lines());
    for (j, part) in parts.into_iter().flatten().enumerate() {
        (all.count[j], all.mean[j], all.m2[j]) = (part.count, part.mean, part.m2);
        all.has_nan |= part.has_nan;
        all.has_inf |= part.has_inf;
    }
    Ok(all)
}

struct One {
    count: f64,
    mean: f64,
    m2: f64,
    has_nan: bool,
    has_inf: bool,
}

fn csc_column<T: Float, I: Index>(
    x: &Compressed<'_, T, I>,
    weights: Option<ArrayView1<'_, f64>>,
    total: f64,
    column: usize,
) -> One {
    let range = x.range(column, column + 1);
    let pairs =
        || range.clone().map(|k| (x.values[k].to_f64(), weights.map_or(1.0, |w| w[x.indices[k].place()])));
    let (mut sum, mut stored, mut holes, mut has_nan, mut has_inf) = (0.0, 0.0, 0.0, false, false);
    for (v, w) in pairs() {
        if v.is_nan() {
            has_nan = true;
            holes += w;
        } else {
            has_inf |= v.is_infinite();
            sum += w * v;
            stored += w;
        }
    }
    // With a value stored in each row there are no zeros, though the sums of the weights be rounded otherwise.
    let full = range.len() == x.width;
    let count = if full { stored } else { total - holes };
    let mean = if count == 0.0 { 0.0 } else { sum / count };
    let (mut m2, mut rest) = (0.0, 0.0);
    for (v, w) in pairs().filter(|(v, _)| !v.is_nan()) {
        let d = v - mean;
        m2 += w * d * d;
        rest += w * d;
    }
    let zeros = count - stored;
    rest -= zeros * mean;
    m2 += zeros * mean * mean - if count == 0.0 { 0.0 } else { rest * rest / count };
    One { count, mean, m2, has_nan, has_inf }
}

/// Multiplies each stored value of a CSR matrix by its column's `factor`, in `f64`, in place.
///
/// # Errors
/// [`Error::Invalid`] if an index is outside of `factor`, [`Error::Interrupted`] if the caller asked to stop.
pub fn multiply_columns<T: Float, I: Index>(
    values: &mut [T],
    indices: &[I],
    factor: &[f64],
    exec: &Exec<'_>,
) -> Result<()> {
    if indices.len() < values.len() || indices.iter().any(|i| i.place() >= factor.len()) {
        return Err(Error::Invalid("an index of the sparse matrix is outside of its shape".into()));
    }
    let exec = exec.only_if(values.len() >= CHUNK);
    exec.for_each_piece(values, CHUNK / 4, |i, piece| {
        let begin = i * (CHUNK / 4);
        for (v, j) in piece.iter_mut().zip(&indices[begin..]) {
            *v = T::from_f64(v.to_f64() * factor[j.place()]);
        }
    })
}

/// Multiplies each stored value of a CSC matrix by its column's `factor`, in `f64`, in place.
///
/// # Errors
/// [`Error::Invalid`] if the column pointers do not fit, [`Error::Interrupted`] if the caller asked to stop.
pub fn multiply_lines<T: Float, I: Index>(
    values: &mut [T],
    pointers: &[I],
    factor: &[f64],
    exec: &Exec<'_>,
) -> Result<()> {
    let rising = pointers.windows(2).all(|p| p[0].place() <= p[1].place());
    let stored = pointers.last().map_or(0, |p| p.place());
    if pointers.len() != factor.len() + 1 || !rising || stored > values.len() {
        return Err(Error::Invalid("the column pointers of the sparse matrix do not fit its shape".into()));
    }
    let exec = exec.only_if(values.len() >= CHUNK);
    exec.for_each_piece(values, CHUNK / 4, |i, piece| {
        let begin = i * (CHUNK / 4);
        let end = begin + piece.len();
        let first = pointers.partition_point(|p| p.place() <= begin).saturating_sub(1);
        for (j, p) in pointers.windows(2).enumerate().skip(first) {
            let (from, to) = (p[0].place().max(begin), p[1].place().min(end));
            if from >= end {
                break;
            }
            for v in &mut piece[from - begin..to.max(from) - begin] {
                *v = T::from_f64(v.to_f64() * factor[j]);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_dense_matrixs(rows in 1usize..60, columns in 1usize..9, seed in any::<u32>(), weighted in any::<bool>()) {
            let mut rng = crate::random::Mt19937::new(seed);
            let x = Array2::from_shape_fn((rows, columns), |_| match rng.next_f64() {
                v if v < 0.6 => 0.0,
                v if v < 0.7 => f64::NAN,
                v => v * 10.0 - 8.0,
            });
            let w: ndarray::Array1<f64> = (0..rows).map(|_| rng.next_f64()).collect();
            let w = weighted.then(|| w.view());
            let mut dense = Moments::new(columns);
            dense.update(x.view(), w, &Exec::serial()).unwrap();
            let compress = |x: &Array2<f64>| {
                let (mut v, mut i, mut p) = (vec![], vec![], vec![0i32]);
                for row in x.outer_iter() {
                    for (j, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                        v.push(*value);
                        i.push(j as i32);
                    }
                    p.push(v.len() as i32);
                }
                (v, i, p)
            };
            let (v, i, p) = compress(&x);
            let csr = of_csr(Compressed::new(&v, &i, &p, columns).unwrap(), w, &Exec::serial()).unwrap();
            let (v, i, p) = compress(&x.t().to_owned());
            let csc = of_csc(Compressed::new(&v, &i, &p, rows).unwrap(), w, &Exec::serial()).unwrap();
            // Sums of at most 60 values of size 10: 1e-10 is far above their rounding.
            let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10);
            for m in [csr, csc] {
                prop_assert!(near(&m.count, &dense.count) && near(&m.m2, &dense.m2));
                for j in 0..columns {
                    prop_assert!(dense.count[j] < 1e-12 || (m.mean[j] - dense.mean[j]).abs() < 1e-10);
                }
                prop_assert_eq!(m.has_nan, dense.has_nan);
            }
        }
    }

    #[test]
    fn a_matrix_that_does_not_hold_together_is_refused() {
        let v = [1.0, 2.0];
        assert!(Compressed::new(&v, &[0, 3], &[0, 2], 3).is_err());
        assert!(Compressed::new(&v, &[0, -1], &[0, 2], 3).is_err());
        assert!(Compressed::new(&v, &[0, 1], &[0, 3], 3).is_err());
        assert!(Compressed::new(&v, &[0, 1], &[2, 1], 3).is_err());
        assert!(multiply_columns(&mut [1.0], &[2], &[1.0], &Exec::serial()).is_err());
        assert!(multiply_lines(&mut [1.0], &[0, 2], &[1.0], &Exec::serial()).is_err());
        assert!(multiply_lines(&mut [1.0], &[0, 1], &[1.0, 2.0], &Exec::serial()).is_err());
    }

    #[test]
    fn columns_are_multiplied_across_pieces() {
        let n = CHUNK + 7;
        let mut values = vec![1.0; n];
        let pointers = [0, 0, 5, CHUNK as i64 / 4, CHUNK as i64 / 4, CHUNK as i64 / 2 + 1, n as i64];
        let factor = [9.0, 1.0, 2.0, 9.0, 3.0, 4.0];
        multiply_lines(&mut values, &pointers, &factor, &Exec::serial()).unwrap();
        for (p, f) in pointers.windows(2).zip(factor) {
            assert!(values[p[0] as usize..p[1] as usize].iter().all(|v| *v == f));
        }
    }
}
