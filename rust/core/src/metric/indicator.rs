//! Rows of several labels, each 1 or 0 for a row: how many ones the truth has, the prediction, and both in one place,
//! for every label or for every row.
//!
//! Dense rows are read block by block into bytes, and as many rows laid side by side as fill the registers. Sparse rows
//! are two lists of columns; a stamp on the columns of the truth tells which of the prediction's are there too.
//! Weights are added row after row, as NumPy's `bincount` does, so that sums have its bits; hence one thread.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::metric::{Label, Weight};
use crate::simd;

/// Reads a range of the values as bytes 0 and 1; `false` if another value is among them.
pub type Read<'a> = dyn Fn(Range<usize>, &mut [u8]) -> bool + Sync + 'a;

/// Values below which one thread is quicker: a million take some 0.3 ms, waking the pool some 20 us.
const SERIAL_BELOW: usize = 200_000;
/// Values of a piece, the unit that a thread takes, unless a row has more; its counts fit a `u32`.
const PIECE: usize = 1 << 16;
/// Values of a block, small enough for the first-level cache.
const BLOCK: usize = 4096;
/// Values side by side that fill the registers.
const SIDE_BY_SIDE: usize = 64;

/// Reads labels as bytes 0 and 1; `false` if one of them is another.
///
/// `out` is as long as `labels`.
pub fn bits<T: Label>(labels: &[T], out: &mut [u8]) -> bool {
    #[inline(always)]
    fn kernel<T: Label>(labels: &[T], out: &mut [u8]) -> bool {
        let mut all = 0;
        for (out, &label) in out.iter_mut().zip(labels) {
            *out = label.bit();
            all |= *out;
        }
        all <= 1
    }
    simd::dispatch!(kernel(labels, out))
}

/// Two dense arrays of rows.
#[derive(Clone, Copy)]
pub struct Dense<'a> {
    /// The true labels.
    pub t: &'a Read<'a>,
    /// The predicted ones.
    pub p: &'a Read<'a>,
    /// How many rows.
    pub rows: usize,
    /// Labels of a row, at least one.
    pub columns: usize,
}

impl Dense<'_> {
    fn rows_of_piece(&self) -> usize {
        (PIECE / self.columns).max(1)
    }

    /// Calls `f(first row, true bits, predicted bits)` for blocks of the rows; `false` if a value is neither 0 nor 1.
    fn for_each_block(
        &self,
        rows: Range<usize>,
        block: usize,
        mut f: impl FnMut(usize, &[u8], &[u8]),
    ) -> bool {
        let len = block.min(rows.len()) * self.columns;
        let (mut t, mut p) = (vec![0; len], vec![0; len]);
        for begin in rows.clone().step_by(block) {
            let end = rows.end.min(begin + block);
            let values = begin * self.columns..end * self.columns;
            let (t, p) = (&mut t[..values.len()], &mut p[..values.len()]);
            if !((self.t)(values.clone(), t) && (self.p)(values, p)) {
                return false;
            }
            f(begin, t, p);
        }
        true
    }

    fn block(&self) -> usize {
        (BLOCK / self.columns).max(1)
    }

    /// Three rows with a column for each label: ones of both, of the prediction, of the truth. `None` if a value is
    /// neither 0 nor 1.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the caller asked to stop.
    pub fn of_labels(&self, exec: &Exec<'_>) -> Result<Option<Vec<i64>>> {
        let piece = self.rows_of_piece();
        let abreast = (SIDE_BY_SIDE / self.columns).max(1);
        let parts =
            exec.only_if(self.rows * self.columns >= SERIAL_BELOW).map(self.rows.div_ceil(piece), |i| {
                let rows = i * piece..((i + 1) * piece).min(self.rows);
                let mut sums = vec![0_u32; 3 * self.columns * abreast];
                let block = self.block().next_multiple_of(abreast);
                let read = self.for_each_block(rows, block, |_, t, p| simd::dispatch!(add(t, p, &mut sums)));
                read.then_some(sums)
            })?;
        let mut all = vec![0; 3 * self.columns];
        for part in parts {
            let Some(part) = part else { return Ok(None) };
            for (all, part) in all.chunks_mut(self.columns).zip(part.chunks(self.columns * abreast)) {
                for part in part.chunks(self.columns) {
                    all.iter_mut().zip(part).for_each(|(sum, &n)| *sum += i64::from(n));
                }
            }
        }
        Ok(Some(all))
    }

    /// [`Dense::of_labels`] with a weight for each row.
    ///
    /// # Errors
    /// As [`Dense::of_labels`].
    pub fn weights_of_labels(&self, weights: &[f64], exec: &Exec<'_>) -> Result<Option<Vec<f64>>> {
        let mut sums = vec![0.0; 3 * self.columns];
        let piece = self.rows_of_piece();
        for begin in (0..self.rows).step_by(piece) {
            exec.check()?;
            let rows = begin..self.rows.min(begin + piece);
            let read = self.for_each_block(rows, self.block(), |row, t, p| {
                simd::dispatch!(add_weights(t, p, &weights[row..], &mut sums));
            });
            if !read {
                return Ok(None);
            }
        }
        Ok(Some(sums))
    }

    /// For each row: ones of both, of the prediction, of the truth. `None` if a value is neither 0 nor 1.
    ///
    /// # Errors
    /// As [`Dense::of_labels`].
    pub fn of_rows(&self, exec: &Exec<'_>) -> Result<Option<Vec<i64>>> {
        let piece = self.rows_of_piece();
        let mut out = vec![0; 3 * self.rows];
        let bad = std::sync::atomic::AtomicBool::new(false);
        exec.only_if(self.rows * self.columns >= SERIAL_BELOW).for_each_piece(
            &mut out,
            3 * piece,
            |i, out| {
                let first = i * piece;
                let read = self.for_each_block(first..first + out.len() / 3, self.block(), |row, t, p| {
                    simd::dispatch!(add_rows(t, p, self.columns, &mut out[3 * (row - first)..]));
                });
                if !read {
                    bad.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            },
        )?;
        Ok((!bad.into_inner()).then_some(out))
    }
}

/// Adds rows that lie side by side; the last ones may be fewer.
#[inline(always)]
fn add(t: &[u8], p: &[u8], sums: &mut [u32]) {
    let width = sums.len() / 3;
    let (hits, rest) = sums.split_at_mut(width);
    let (predicted, truly) = rest.split_at_mut(width);
    for (t, p) in t.chunks(width).zip(p.chunks(width)) {
        let sums = hits.iter_mut().zip(predicted.iter_mut()).zip(truly.iter_mut());
        for (((hits, predicted), truly), (&t, &p)) in sums.zip(t.iter().zip(p)) {
            *hits += u32::from(t & p);
            *predicted += u32::from(p);
            *truly += u32::from(t);
        }
    }
}

#[inline(always)]
fn add_weights(t: &[u8], p: &[u8], weights: &[f64], sums: &mut [f64]) {
    let columns = sums.len() / 3;
    let (hits, rest) = sums.split_at_mut(columns);
    let (predicted, truly) = rest.split_at_mut(columns);
    let weight = |bit: u8, w: f64| if bit == 1 { w } else { 0.0 };
    for ((t, p), &w) in t.chunks(columns).zip(p.chunks(columns)).zip(weights) {
        let sums = hits.iter_mut().zip(predicted.iter_mut()).zip(truly.iter_mut());
        for (((hits, predicted), truly), (&t, &p)) in sums.zip(t.iter().zip(p)) {
            *hits += weight(t & p, w);
            *predicted += weight(p, w);
            *truly += weight(t, w);
        }
    }
}

#[inline(always)]
fn add_rows(t: &[u8], p: &[u8], columns: usize, out: &mut [i64]) {
    for ((t, p), out) in t.chunks(columns).zip(p.chunks(columns)).zip(out.chunks_exact_mut(3)) {
        let (mut hits, mut predicted, mut truly) = (0_u32, 0_u32, 0_u32);
        for (&t, &p) in t.iter().zip(p) {
            hits += u32::from(t & p);
            predicted += u32::from(p);
            truly += u32::from(t);
        }
        out.copy_from_slice(&[hits.into(), predicted.into(), truly.into()]);
    }
}

/// Rows as lists of the columns that are 1, no column twice in a row.
#[derive(Clone, Copy)]
pub struct Lists<'a> {
    pointers: &'a [i64],
    indices: &'a [i32],
}

impl<'a> Lists<'a> {
    /// Row `i` is `indices[pointers[i]..pointers[i + 1]]`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the parts do not fit together, or an index is not below `columns`.
    pub fn new(pointers: &'a [i64], indices: &'a [i32], columns: usize) -> Result<Self> {
        let fits = pointers.first() == Some(&0)
            && pointers.is_sorted()
            && pointers.last().is_some_and(|&end| usize::try_from(end).is_ok_and(|end| end <= indices.len()))
            && indices.iter().all(|&j| usize::try_from(j).is_ok_and(|j| j < columns));
        if fits {
            Ok(Self { pointers, indices })
        } else {
            Err(Error::Invalid("the parts of the sparse matrix do not fit its shape".into()))
        }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pointers.len() - 1
    }

    fn row(&self, i: usize) -> &'a [i32] {
        &self.indices[self.pointers[i] as usize..self.pointers[i + 1] as usize]
    }
}

/// Rows between two looks at whether the caller wants to stop.
const CHECK: usize = 1 << 14;

/// Calls `f(row, its true columns, its predicted ones, stamps)`; stamped `row + 1` are the true columns.
fn for_each_row(
    (t, p): (Lists<'_>, Lists<'_>),
    columns: usize,
    exec: &Exec<'_>,
    mut f: impl FnMut(usize, &[i32], &[i32], &[usize]),
) -> Result<()> {
    let mut stamps = vec![0; columns];
    for i in 0..t.rows().min(p.rows()) {
        if i % CHECK == 0 {
            exec.check()?;
        }
        let (t, p) = (t.row(i), p.row(i));
        t.iter().for_each(|&j| stamps[j as usize] = i + 1);
        f(i, t, p, &stamps);
    }
    Ok(())
}

/// As [`Dense::of_labels`], with a weight for each row unless `None`.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn lists_of_labels<W: Weight>(
    both: (Lists<'_>, Lists<'_>),
    columns: usize,
    weights: Option<&[W]>,
    exec: &Exec<'_>,
) -> Result<Vec<W>> {
    let mut sums = vec![W::ZERO; 3 * columns];
    let (hits, rest) = sums.split_at_mut(columns);
    let (predicted, truly) = rest.split_at_mut(columns);
    for_each_row(both, columns, exec, |i, t, p, stamps| {
        let w = weights.map_or(W::ONE, |w| w[i]);
        t.iter().for_each(|&j| truly[j as usize].add(w));
        for &j in p {
            predicted[j as usize].add(w);
            if stamps[j as usize] == i + 1 {
                hits[j as usize].add(w);
            }
        }
    })?;
    Ok(sums)
}

/// As [`Dense::of_rows`].
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop.
pub fn lists_of_rows(both: (Lists<'_>, Lists<'_>), columns: usize, exec: &Exec<'_>) -> Result<Vec<i64>> {
    let mut out = Vec::with_capacity(3 * both.0.rows());
    for_each_row(both, columns, exec, |i, t, p, stamps| {
        let hits = p.iter().filter(|&&j| stamps[j as usize] == i + 1).count();
        out.extend([hits as i64, p.len() as i64, t.len() as i64]);
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lists(bits: &[u8], columns: usize) -> (Vec<i64>, Vec<i32>) {
        let (mut pointers, mut indices) = (vec![0], Vec::new());
        for row in bits.chunks(columns) {
            indices.extend((0..columns as i32).rev().filter(|&j| row[j as usize] == 1));
            pointers.push(indices.len() as i64);
        }
        (pointers, indices)
    }

    proptest! {
        #[test]
        fn dense_and_sparse_counts_are_those_by_hand(columns in 1_usize..70, rows in 1_usize..400, seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut bit = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as u8 & 1
            };
            let t: Vec<u8> = (0..rows * columns).map(|_| bit()).collect();
            let p: Vec<u8> = (0..rows * columns).map(|_| bit()).collect();
            let weights: Vec<f64> = (0..rows).map(|i| 1.0 + i as f64).collect();
            let mut labels = vec![0_i64; 3 * columns];
            let mut weighted = vec![0.0; 3 * columns];
            let mut each = vec![0_i64; 3 * rows];
            for i in 0..rows {
                for j in 0..columns {
                    let (t, p) = (t[i * columns + j], p[i * columns + j]);
                    for (k, bit) in [t & p, p, t].into_iter().enumerate() {
                        labels[k * columns + j] += i64::from(bit);
                        weighted[k * columns + j] += f64::from(bit) * weights[i];
                        each[3 * i + k] += i64::from(bit);
                    }
                }
            }
            let floats = p.iter().map(|&x| f32::from(x)).collect::<Vec<_>>();
            let read_t = |range: Range<usize>, out: &mut [u8]| bits(&t[range], out);
            let read_p = |range: Range<usize>, out: &mut [u8]| bits(&floats[range], out);
            let dense = Dense { t: &read_t, p: &read_p, rows, columns };
            let exec = Exec::serial();
            prop_assert_eq!(dense.of_labels(&exec).unwrap(), Some(labels.clone()));
            prop_assert_eq!(dense.weights_of_labels(&weights, &exec).unwrap(), Some(weighted.clone()));
            prop_assert_eq!(dense.of_rows(&exec).unwrap(), Some(each.clone()));
            let ((tp, ti), (pp, pi)) = (lists(&t, columns), lists(&p, columns));
            let both = (Lists::new(&tp, &ti, columns).unwrap(), Lists::new(&pp, &pi, columns).unwrap());
            prop_assert_eq!(lists_of_labels::<i64>(both, columns, None, &exec).unwrap(), labels);
            prop_assert_eq!(lists_of_labels(both, columns, Some(&weights), &exec).unwrap(), weighted);
            prop_assert_eq!(lists_of_rows(both, columns, &exec).unwrap(), each);
        }
    }

    #[test]
    fn other_values_and_parts_that_do_not_fit_are_refused() {
        for wrong in [2.0, 0.5, -1.0, f64::NAN] {
            let mut out = [0; 2];
            assert!(!bits(&[1.0, wrong], &mut out));
        }
        assert!(bits(&[-0.0, 1.0], &mut [0; 2]));
        for (pointers, indices) in
            [(&[0, 2][..], &[0][..]), (&[0, 1], &[3]), (&[0, 1], &[-1]), (&[1, 1], &[0]), (&[], &[])]
        {
            assert!(Lists::new(pointers, indices, 3).is_err());
        }
    }
}
