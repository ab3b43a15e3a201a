//! The mean, and filling in, of columns that mark missing values by bits, as Arrow has them.
//!
//! Where NaN marks what is missing, values are summed and filled by their bits. A NaN among the values is missing too: a
//! block that has one, and every block where a number is the mark, is looked at value by value, with NaN for what has no
//! bit, while it lies in the first-level cache.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView1, Axis};

use super::fill::{Fill, PIECE, any_not_finite, fill_rows};
use super::mean::{self, add_block};
use super::{Means, Missing, SERIAL_BELOW};
use crate::apart::{Apart, BITS as BLOCK, words};
use crate::error::Result;
use crate::exec::Exec;
use crate::simd;

/// The sum and count of a column.
fn mean_of(column: &impl Apart<f64>, missing: Missing<f64>) -> Means {
    let rows = column.len();
    let (mut all, mut buffer) = (Means::new(1), Vec::new());
    all.rows = rows;
    let size = if column.bits().is_some() { BLOCK } else { mean::BLOCK };
    for begin in (0..rows).step_by(size) {
        let n = size.min(rows - begin);
        let by_bits = match (missing, column.bits()) {
            (Missing::Nan, Some((values, bits, first))) => {
                let (words, found) = words(bits, first + begin, n);
                let sum = simd::sum_chosen(&values[begin..begin + n], &words);
                // It is none of values with NaN, or with both infinities.
                (!sum.is_nan()).then_some((sum, found))
            }
            _ => None,
        };
        if let Some((sum, found)) = by_bits {
            all.sum[0] += sum;
            all.missing[0] += n as f64 - f64::from(found);
        } else {
            add_block(column.block(begin, n, &mut buffer), missing, &mut all);
        }
        if !all.refused && !all.sum[0].is_finite() {
            let values = column.block(begin, n, &mut buffer);
            all.refused = values.iter().any(|v| missing.refuses(*v));
        }
    }
    all
}

/// Fills in NaN; is one of the others not finite?
fn fill_nan(values: &mut [f64], filling: f64) -> bool {
    values.iter_mut().for_each(|v| *v = if v.is_nan() { filling } else { *v });
    values.iter().any(|v| !v.is_finite())
}

/// Sums and counts of columns of one length.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn means_of_nullable(
    columns: &[impl Apart<f64>],
    missing: Missing<f64>,
    exec: &Exec<'_>,
) -> Result<Means> {
    let rows = columns.first().map_or(0, Apart::len);
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
    columns: &[impl Apart<f64>],
    missing: Missing<f64>,
    out: &mut [f64],
    exec: &Exec<'_>,
) -> Result<(Means, bool)> {
    let rows = columns.first().map_or(0, Apart::len);
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    // The column was just read: it stays in the cache if what is written does not go there.
    let past_caches = simd::is_past_caches(out);
    let outs: Vec<_> = out.chunks_mut(rows.max(1)).map(Mutex::new).collect();
    let parts = exec.map(columns.len(), |j| {
        let means = mean_of(&columns[j], missing);
        let mean = means.finalize()[0];
        let filled = match outs.get(j).map(Mutex::lock) {
            Some(Ok(mut out)) if mean.is_finite() => {
                fill_columns(&columns[j..=j], missing, &[mean], &mut out, past_caches, &Exec::serial())
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
    columns: &[impl Apart<f64>],
    missing: Missing<f64>,
    values: &[f64],
    out: &mut [f64],
    exec: &Exec<'_>,
) -> Result<bool> {
    fill_columns(columns, missing, values, out, simd::is_past_caches(out), exec)
}

fn fill_columns(
    columns: &[impl Apart<f64>],
    missing: Missing<f64>,
    values: &[f64],
    out: &mut [f64],
    past_caches: bool,
    exec: &Exec<'_>,
) -> Result<bool> {
    let rows = columns.first().map_or(0, Apart::len);
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let refused = AtomicBool::new(false);
    exec.for_each_piece(out, PIECE, |i, out| {
        let (mut done, mut found, mut buffer) = (0, false, Vec::new());
        while done < out.len() {
            let (j, row) = ((i * PIECE + done) / rows, (i * PIECE + done) % rows);
            let take = (out.len() - done).min(rows - row).min(BLOCK);
            let to = &mut out[done..done + take];
            found |= if let (Missing::Nan, Some((from, bits, first))) = (missing, columns[j].bits()) {
                let (words, _) = words(bits, first + row, take);
                let from = &from[row..row + take];
                // All but the fillings, which are finite, are then values that are there.
                let past =
                    past_caches.then(|| simd::choose_past_caches(from, &words, values[j], to)).flatten();
                let finite = past.unwrap_or_else(|| {
                    simd::choose(from, &words, values[j], to);
                    !simd::dispatch!(any_not_finite(to))
                });
                !finite && fill_nan(to, values[j])
            } else {
                let part = ArrayView1::from(columns[j].block(row, take, &mut buffer)).insert_axis(Axis(1));
                fill_rows(&part, 0, Fill { missing, values: &values[j..=j], indicators: &[] }, to)
            };
            done += take;
        }
        simd::written_past_caches();
        if found {
            refused.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(refused.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apart::{Marked, Marks};
    use proptest::prelude::*;

    fn marked<'a>(values: &'a [f64], marks: Marks<'a>) -> Marked<'a> {
        Marked { numbers: ArrayView1::from(values).insert_axis(Axis(1)).into(), marks }
    }

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
                .map(|(values, bits)| marked(values, Marks::Bits(bits, first)))
                .collect();
            let serial = Exec::serial();
            let means = means_of_nullable(&nullable, Missing::Nan, &serial).unwrap();
            let mut out = vec![0.0; rows * columns];
            let fills: Vec<f64> = (0..columns).map(|j| -(j as f64)).collect();
            prop_assert!(!fill_nullable(&nullable, Missing::Nan, &fills, &mut out, &serial).unwrap());
            let mut past_caches = vec![0.0; rows * columns];
            let odd = fill_columns(&nullable, Missing::Nan, &fills, &mut past_caches, true, &serial).unwrap();
            prop_assert!(!odd && past_caches == out);
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
                for (i, (v, same)) in column.iter().zip(nullable[j].block(0, rows, &mut Vec::new())).enumerate() {
                    prop_assert_eq!(v.to_bits(), same.to_bits());
                    prop_assert_eq!(out[j * rows + i], if v.is_nan() { fills[j] } else { *v });
                }
            }
            let marked = means_of_nullable(&nullable, Missing::Value(7.0), &serial).unwrap();
            prop_assert_eq!(marked.refused, expected.iter().flatten().any(|v| v.is_nan()));
        }
    }

    #[test]
    fn an_infinity_is_told_also_past_the_caches() {
        let mut values = vec![1.0; 4096];
        let bits = vec![0b0111_1111_u8; 512];
        let mut out = vec![0.0; 4096];
        for (infinite, refused) in [(7, false), (4094, true)] {
            values[infinite] = f64::INFINITY; // the first has no bit
            let column = [marked(&values, Marks::Bits(&bits, 0))];
            let fill = fill_columns(&column, Missing::Nan, &[5.0], &mut out, true, &Exec::serial());
            assert_eq!(fill.unwrap(), refused);
            assert!((0..4094).all(|i| out[i] == if i % 8 == 7 { 5.0 } else { 1.0 }));
        }
    }

    #[test]
    fn columns_without_bits_and_infinities() {
        let values = [1.0, f64::NAN, f64::INFINITY];
        let column = |n: usize| [marked(&values[..n], Marks::None)];
        let found = means_of_nullable(&column(2), Missing::Nan, &Exec::serial()).unwrap();
        assert_eq!((found.sum[0], found.missing[0], found.refused), (1.0, 1.0, false));
        assert!(means_of_nullable(&column(3), Missing::Nan, &Exec::serial()).unwrap().refused);
        let mut out = [0.0; 3];
        assert!(!fill_nullable(&column(2), Missing::Nan, &[5.0], &mut out[..2], &Exec::serial()).unwrap());
        assert_eq!(out[..2], [1.0, 5.0]);
        assert!(fill_nullable(&column(3), Missing::Nan, &[5.0], &mut out, &Exec::serial()).unwrap());
    }
}
