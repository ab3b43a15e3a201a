//! The most frequent value of what is there, the smallest of several.

use ndarray::ArrayView2;

use super::SERIAL_BELOW;
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

/// The most frequent value of each column, `missing` and `refused` left out.
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
    let found = exec.map(columns, |j| {
        let column = x.column(j);
        let refused = column.iter().any(|v| refuses(*v) && !missing(*v));
        let mut keys: Vec<u64> = column.iter().filter(|v| !missing(**v)).map(|v| v.key()).collect();
        let mode = most_frequent(&mut keys).map_or(f64::NAN, T::value);
        (mode, (rows - keys.len()) as f64, refused)
    })?;
    Ok(Modes {
        mode: found.iter().map(|f| f.0).collect(),
        missing: found.iter().map(|f| f.1).collect(),
        refused: found.iter().any(|f| f.2),
    })
}

fn most_frequent(keys: &mut [u64]) -> Option<u64> {
    keys.sort_unstable();
    let mut best = None;
    let mut count = 0;
    for run in keys.chunk_by(|a, b| a == b) {
        if run.len() > count {
            (best, count) = (Some(run[0]), run.len());
        }
    }
    best
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
