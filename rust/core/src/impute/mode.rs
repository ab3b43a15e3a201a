//! The most frequent value of what is there, the smallest of several.

use std::sync::Mutex;

use ndarray::{ArrayView2, s};

use super::frequent::{Tables, most_frequent};
use super::{SERIAL_BELOW, by_column};
use crate::error::Result;
use crate::exec::Exec;

/// A value that sorts as a whole number.
pub trait Key: Copy + PartialEq + Send + Sync {
    /// A number in the order of the values, equal for equal ones.
    fn key(self) -> u64;
    /// The value of a number.
    fn value(key: u64) -> f64;
}

impl Key for i64 {
    #[inline(always)]
    fn key(self) -> u64 {
        self.cast_unsigned() ^ (1 << 63)
    }
    fn value(key: u64) -> f64 {
        (key ^ (1 << 63)).cast_signed() as f64
    }
}

impl Key for f64 {
    #[inline(always)]
    fn key(self) -> u64 {
        // Adding zero makes one of both zeros.
        let bits = (self + 0.0).to_bits();
        bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | (1 << 63))
    }
    fn value(key: u64) -> f64 {
        f64::from_bits(if key >> 63 == 1 { key ^ (1 << 63) } else { !key })
    }
}

impl Key for f32 {
    #[inline(always)]
    fn key(self) -> u64 {
        f64::from(self).key()
    }
    fn value(key: u64) -> f64 {
        f64::value(key)
    }
}

/// What is known of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// Most frequent value of each column, NaN for one without values.
    pub mode: Vec<f64>,
    /// Missing values of each column.
    pub missing: Vec<f64>,
    /// Was there a value that may not occur?
    pub refused: bool,
}

/// Columns that are read together, at most: their values of a row then fill a cache line.
const GROUP: usize = 8;
/// Rows of a group that are turned into columns at a time, so that they stay in the first-level cache.
const TILE: usize = 256;

/// The most frequent value of each column, what is `missing` left out.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn modes<T: Key>(
    x: ArrayView2<'_, T>,
    missing: impl Fn(T) -> bool + Sync,
    refuses: impl Fn(T) -> bool + Sync,
    exec: &Exec<'_>,
) -> Result<Modes> {
    let (rows, columns) = x.dim();
    let exec = &exec.only_if(x.len() >= SERIAL_BELOW);
    // As many groups for each thread, so that none waits for the last one.
    let groups = columns.div_ceil(if by_column(&x) { 1 } else { GROUP }).next_multiple_of(exec.threads());
    let group = columns.div_ceil(groups).max(1);
    let pool = Mutex::new(Vec::new());
    let found = exec.map(columns.div_ceil(group), |i| {
        let block = x.slice(s![.., i * group..columns.min((i + 1) * group)]);
        let mut work: Work = pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default();
        let refused = work.read(block, &missing, &refuses);
        let found: Vec<(f64, f64)> = (0..block.ncols())
            .map(|j| {
                let there = work.counts[j];
                let keys = &mut work.keys[j * rows..j * rows + there];
                (most_frequent(keys, &mut work.tables).map_or(f64::NAN, T::value), (rows - there) as f64)
            })
            .collect();
        if let Ok(mut pool) = pool.lock() {
            pool.push(work);
        }
        (found, refused)
    })?;
    Ok(Modes {
        mode: found.iter().flat_map(|(columns, _)| columns).map(|column| column.0).collect(),
        missing: found.iter().flat_map(|(columns, _)| columns).map(|column| column.1).collect(),
        refused: found.iter().any(|(_, refused)| *refused),
    })
}

/// Memory of a thread, which goes from one group of columns to the next.
#[derive(Default)]
struct Work {
    keys: Vec<u64>,
    counts: Vec<usize>,
    tables: Tables,
}

impl Work {
    /// Takes the keys of what is there, column after column. Was there a value that may not occur?
    fn read<T: Key>(
        &mut self,
        x: ArrayView2<'_, T>,
        missing: &impl Fn(T) -> bool,
        refuses: &impl Fn(T) -> bool,
    ) -> bool {
        let (rows, columns) = x.dim();
        self.keys.resize(rows * columns, 0);
        self.counts = vec![0; columns];
        let mut refused = false;
        let mut begin = 0;
        while begin < rows {
            let end = rows.min(begin + TILE);
            for j in 0..columns {
                let out = &mut self.keys[j * rows..(j + 1) * rows];
                let mut at = self.counts[j];
                for v in x.slice(s![begin..end, j]) {
                    let there = !missing(*v);
                    refused |= there && refuses(*v);
                    out[at] = v.key();
                    at += usize::from(there);
                }
                self.counts[j] = at;
            }
            begin = end;
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_order_and_value() {
        let values = [-f64::MAX, -1.5, -0.0, f64::MIN_POSITIVE, 2.0, f64::MAX];
        for pair in values.windows(2) {
            assert!(pair[0].key() < pair[1].key());
        }
        for v in values {
            assert_eq!(f64::value(v.key()), v);
        }
        assert_eq!(0.0.key(), (-0.0).key());
        assert!(i64::MIN.key() < (-1_i64).key() && (-1_i64).key() < 3_i64.key());
        assert_eq!(<i64 as Key>::value((-7_i64).key()), -7.0);
    }

    #[test]
    fn the_smallest_of_several() {
        let x = ndarray::array![
            [3.0, f64::NAN],
            [1.0, f64::NAN],
            [3.0, f64::NAN],
            [1.0, f64::NAN],
            [f64::NAN; 2]
        ];
        let got = modes(x.view(), f64::is_nan, |v: f64| !v.is_finite(), &Exec::serial()).unwrap();
        assert_eq!(got.mode[0], 1.0);
        assert!(got.mode[1].is_nan() && !got.refused);
        assert_eq!(got.missing, [1.0, 5.0]);
    }
}
