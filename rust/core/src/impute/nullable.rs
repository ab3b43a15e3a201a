//! The mean, and filling in, of columns that mark missing values by bits, as Arrow has them.
//!
//! A block of values becomes one with NaN for what is missing while it lies in the first-level cache, so that there is
//! nothing else to write; a NaN among the values is missing too.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView1, Axis};

use super::fill::{BLOCK, Fill, PIECE, fill_rows};
use super::mean::add_block;
use super::{LANES, Means, Missing, SERIAL_BELOW};
use crate::error::Result;
use crate::exec::Exec;
use crate::simd;

/// A column's values, and which of them are there.
#[derive(Clone, Copy, Debug)]
pub struct Nullable<'a> {
    /// The values; any where they are missing.
    pub values: &'a [f64],
    /// Bits, and the first one's number: a value is there if its bit is set. All are there if none are given.
    pub there: Option<(&'a [u8], usize)>,
}

impl<'a> Nullable<'a> {
    /// The values, NaN where they are missing.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.values.len()];
        if let Some((bits, first)) = self.there {
            simd::dispatch!(with_nan(self.values, bits, first, &mut out));
        } else {
            out.copy_from_slice(self.values);
        }
        out
    }

    /// Some values from `begin` on, NaN where they are missing; in `buffer` if there are bits to look at.
    fn block<'b>(&self, begin: usize, buffer: &'b mut [f64]) -> &'b [f64]
    where
        'a: 'b,
    {
        let values = &self.values[begin..begin + buffer.len()];
        let Some((bits, first)) = self.there else { return values };
        simd::dispatch!(with_nan(values, bits, first + begin, buffer));
        buffer
    }
}

/// The 64 bits from the one of the number `at` on; zeros beyond the last.
#[inline(always)]
fn word(bits: &[u8], at: usize) -> u64 {
    let from = &bits[at / 8..];
    let (low, last) = match from.first_chunk::<9>() {
        Some([low @ .., last]) => (*low, *last),
        None => {
            let mut low = [0; 8];
            let n = from.len().min(8);
            low[..n].copy_from_slice(&from[..n]);
            (low, 0)
        }
    };
    let low = u64::from_le_bytes(low);
    match at % 8 {
        0 => low,
        shift => low >> shift | u64::from(last) << (64 - shift),
    }
}

const BITS: [u64; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Each value by its lane, its bit and itself. Eight at a time against the bits of a byte, which compares them as one vector.
#[inline(always)]
fn choose(
    values: &[f64],
    bits: &[u8],
    first: usize,
    out: &mut [f64],
    mut f: impl FnMut(usize, bool, f64) -> f64,
) {
    for (i, (values, out)) in values.chunks(64).zip(out.chunks_mut(64)).enumerate() {
        let mut word = word(bits, first + 64 * i);
        let (eights, rest) = values.as_chunks::<8>();
        let (out_eights, out_rest) = out.as_chunks_mut::<8>();
        for (values, out) in eights.iter().zip(out_eights) {
            for lane in 0..8 {
                out[lane] = f(lane, word & BITS[lane] != 0, values[lane]);
            }
            word >>= 8;
        }
        for (lane, (v, out)) in rest.iter().zip(out_rest).enumerate() {
            *out = f(lane, word & BITS[lane] != 0, *v);
        }
    }
}

#[inline(always)]
fn with_nan(values: &[f64], bits: &[u8], first: usize, out: &mut [f64]) {
    choose(
        values,
        bits,
        first,
        out,
        #[inline(always)]
        |_, there, v| if there { v } else { f64::NAN },
    );
}

/// Fills in what has no bit, and NaN; is one of the results not finite?
#[inline(always)]
fn filled(values: &[f64], bits: &[u8], first: usize, filling: f64, out: &mut [f64]) -> bool {
    // A product with zero is NaN for an infinity.
    let mut probe = [0.0; 8];
    choose(
        values,
        bits,
        first,
        out,
        #[inline(always)]
        |lane, there, v| {
            let v = if there & !v.is_nan() { v } else { filling };
            probe[lane] += v * 0.0;
            v
        },
    );
    probe.iter().sum::<f64>().is_nan()
}

/// The sum and the number of the values of a whole block that are there and not NaN.
#[inline(always)]
fn sum_of_found(values: &[f64], bits: &[u8], first: usize) -> (f64, f64) {
    let (mut sums, mut found) = ([0.0; LANES], [0_u64; LANES]);
    for (i, four) in values.as_chunks::<{ 4 * LANES }>().0.iter().enumerate() {
        let word = |k: usize| word(bits, first + 4 * LANES * i + 64 * k);
        let words = [word(0), word(0) >> 32, word(1), word(1) >> 32];
        for part in 0..LANES / 8 {
            let byte = words.map(|word| word >> (8 * part));
            for lane in 0..8 {
                let k = 8 * part + lane;
                let is = |row: usize| (byte[row] & BITS[lane] != 0) & !four[row * LANES + k].is_nan();
                let value = |row: usize| if is(row) { four[row * LANES + k] } else { 0.0 };
                sums[k] += (value(0) + value(1)) + (value(2) + value(3));
                found[k] += u64::from(is(0)) + u64::from(is(1)) + u64::from(is(2)) + u64::from(is(3));
            }
        }
    }
    (sums.iter().sum(), found.iter().sum::<u64>() as f64)
}

/// The sum and count of a column.
fn mean_of(column: &Nullable<'_>, missing: Missing<f64>) -> Means {
    let rows = column.values.len();
    let (mut all, mut buffer) = (Means::new(1), [0.0; BLOCK]);
    all.rows = rows;
    for begin in (0..rows).step_by(BLOCK) {
        let (before, n) = (all.sum[0], BLOCK.min(rows - begin));
        if let (Missing::Nan, Some((bits, first)), BLOCK) = (missing, column.there, n) {
            let values = &column.values[begin..begin + n];
            let (sum, found) = simd::dispatch!(sum_of_found(values, bits, first + begin));
            all.sum[0] += sum;
            all.missing[0] += n as f64 - found;
        } else {
            add_block(column.block(begin, &mut buffer[..n]), missing, &mut all);
        }
        if before.is_finite() && !all.sum[0].is_finite() || all.refused {
            let values = column.block(begin, &mut buffer[..n]);
            all.refused |= values.iter().any(|v| missing.refuses(*v));
        }
    }
    all
}

/// Sums and counts of columns of one length.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn means_of_nullable(columns: &[Nullable<'_>], missing: Missing<f64>, exec: &Exec<'_>) -> Result<Means> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    let exec = exec.only_if(rows * columns.len() >= SERIAL_BELOW);
    let parts = exec.map(columns.len(), |j| mean_of(&columns[j], missing))?;
    Ok(Means::side_by_side(rows, &parts))
}

/// Fills each column's own mean into it while it still lies in the cache. Returns also whether a value was met that may not
/// occur, or a column without a finite mean, whose part of `out` is then left as it was.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn fill_means(
    columns: &[Nullable<'_>],
    missing: Missing<f64>,
    out: &mut [f64],
    exec: &Exec<'_>,
) -> Result<(Means, bool)> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let outs: Vec<_> = out.chunks_mut(rows.max(1)).map(Mutex::new).collect();
    let parts = exec.map(columns.len(), |j| {
        let means = mean_of(&columns[j], missing);
        let mean = means.finalize()[0];
        let filled = match outs.get(j).map(Mutex::lock) {
            Some(Ok(mut out)) if mean.is_finite() => {
                fill_nullable(&columns[j..=j], missing, &[mean], &mut out, &Exec::serial())
            }
            _ => Ok(true),
        };
        filled.map(|refused| (means, refused))
    })?;
    let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
    let refused = parts.iter().any(|(_, refused)| *refused);
    Ok((Means::side_by_side(rows, parts.iter().map(|(means, _)| means)), refused))
}

/// Fills finite values into columns of one length, one after the other. Returns whether a value was met that may not occur.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn fill_nullable(
    columns: &[Nullable<'_>],
    missing: Missing<f64>,
    values: &[f64],
    out: &mut [f64],
    exec: &Exec<'_>,
) -> Result<bool> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let refused = AtomicBool::new(false);
    exec.for_each_piece(out, PIECE, |i, out| {
        let (mut done, mut found, mut buffer) = (0, false, [0.0; BLOCK]);
        while done < out.len() {
            let (j, row) = ((i * PIECE + done) / rows, (i * PIECE + done) % rows);
            let take = (out.len() - done).min(rows - row).min(BLOCK);
            let to = &mut out[done..done + take];
            found |= if let (Missing::Nan, Some((bits, first))) = (missing, columns[j].there) {
                // All but the fillings, which are finite, are then values that are there.
                simd::dispatch!(filled(&columns[j].values[row..row + take], bits, first + row, values[j], to))
            } else {
                let part = ArrayView1::from(columns[j].block(row, &mut buffer[..take])).insert_axis(Axis(1));
                fill_rows(part, Fill { missing, values: &values[j..=j], indicators: &[] }, to)
            };
            done += take;
        }
        if found {
            refused.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(refused.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_stand_for_nan(
            rows in 1usize..5_000, columns in 1usize..4, first in 0usize..20, seed in any::<u32>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let mut bits = vec![vec![0u8; (first + rows).div_ceil(8)]; columns];
            // Whole numbers, so that every order of the sums is exact.
            let mut values: Vec<Vec<f64>> = (0..columns)
                .map(|_| (0..rows).map(|_| (rng.next_f64() * 1000.0).round()).collect())
                .collect();
            let mut expected = values.clone();
            for ((column, bits), values) in expected.iter_mut().zip(&mut bits).zip(&mut values) {
                for (i, v) in column.iter_mut().enumerate() {
                    let kind = rng.next_f64();
                    if kind < 0.3 {
                        (*v, values[i]) = (f64::NAN, f64::INFINITY);
                        continue;
                    }
                    bits[(first + i) / 8] |= 1 << ((first + i) % 8);
                    if kind < 0.4 {
                        (*v, values[i]) = (f64::NAN, f64::NAN);
                    }
                }
            }
            let nullable: Vec<_> = values
                .iter()
                .zip(&bits)
                .map(|(values, bits)| Nullable { values, there: Some((bits, first)) })
                .collect();
            let serial = Exec::serial();
            let means = means_of_nullable(&nullable, Missing::Nan, &serial).unwrap();
            let mut out = vec![0.0; rows * columns];
            let fills: Vec<f64> = (0..columns).map(|j| -(j as f64)).collect();
            prop_assert!(!fill_nullable(&nullable, Missing::Nan, &fills, &mut out, &serial).unwrap());
            let mut with_means = vec![0.0; rows * columns];
            let (same, odd) = fill_means(&nullable, Missing::Nan, &mut with_means, &serial).unwrap();
            prop_assert_eq!(&same, &means);
            prop_assert_eq!(odd, means.missing.contains(&(rows as f64)));
            for (j, column) in expected.iter().enumerate() {
                let there: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
                prop_assert_eq!(means.sum[j], there.iter().sum::<f64>());
                prop_assert_eq!(means.missing[j], (rows - there.len()) as f64);
                if !there.is_empty() {
                    let mean = there.iter().sum::<f64>() / there.len() as f64;
                    let filled = &with_means[j * rows..(j + 1) * rows];
                    let expected = column.iter().map(|v| if v.is_nan() { mean } else { *v });
                    prop_assert!(expected.eq(filled.iter().copied()));
                }
                for (i, (v, same)) in column.iter().zip(nullable[j].to_vec()).enumerate() {
                    prop_assert_eq!(v.to_bits(), same.to_bits());
                    prop_assert_eq!(out[j * rows + i], if v.is_nan() { fills[j] } else { *v });
                }
            }
            let marked = means_of_nullable(&nullable, Missing::Value(7.0), &serial).unwrap();
            prop_assert_eq!(marked.refused, expected.iter().flatten().any(|v| v.is_nan()));
        }
    }

    #[test]
    fn columns_without_bits_and_infinities() {
        let values = [1.0, f64::NAN, f64::INFINITY];
        let column = |n: usize| [Nullable { values: &values[..n], there: None }];
        let found = means_of_nullable(&column(2), Missing::Nan, &Exec::serial()).unwrap();
        assert_eq!((found.sum[0], found.missing[0], found.refused), (1.0, 1.0, false));
        assert!(means_of_nullable(&column(3), Missing::Nan, &Exec::serial()).unwrap().refused);
        let mut out = [0.0; 3];
        assert!(!fill_nullable(&column(2), Missing::Nan, &[5.0], &mut out[..2], &Exec::serial()).unwrap());
        assert_eq!(out[..2], [1.0, 5.0]);
        assert!(fill_nullable(&column(3), Missing::Nan, &[5.0], &mut out, &Exec::serial()).unwrap());
    }
}
