//! Statistics of the columns of a matrix that is stored by column, zeros left out; and the filling of what it stores.
//!
//! Agrees with scikit-learn's `SimpleImputer` on CSC input. Columns are taken one by one, on all threads.

use ndarray::{ArrayView1, ArrayViewMut1};

use super::frequent::{Tables, most_frequent};
use super::mode::Key;
use super::{Missing, SERIAL_BELOW};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::moments_sparse::Index;

/// Which statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Mean
    Mean,
    /// Median
    Median,
    /// The most frequent value, the smallest of several.
    Mode,
}

/// What a column stores.
struct Column<T> {
    /// Values that are neither missing nor zero.
    values: Vec<T>,
    /// Zeros, stored or not.
    zeros: usize,
}

/// The statistic of each column, NaN for one without values; `empty`, if given, for one that stores no value but zeros
/// and missing ones.
///
/// # Errors
/// [`Error::Invalid`] if the parts do not fit each other, [`Error::Interrupted`] if the caller asked to stop.
pub fn of_columns<T: Float + Key, I: Index>(
    values: ArrayView1<'_, T>,
    pointers: &[I],
    rows: usize,
    missing: Missing<T>,
    statistic: Statistic,
    empty: Option<f64>,
    exec: &Exec<'_>,
) -> Result<Vec<f64>> {
    check(values.len(), pointers)?;
    let exec = exec.only_if(values.len() >= SERIAL_BELOW);
    exec.map(pointers.len().saturating_sub(1), |j| {
        let stored = (pointers[j].place(), pointers[j + 1].place());
        let mut column = Column { values: Vec::new(), zeros: rows - (stored.1 - stored.0).min(rows) };
        for k in stored.0..stored.1 {
            let v = values[k];
            if missing.is(v) {
                continue;
            }
            if v == T::ZERO {
                column.zeros += 1;
            } else {
                column.values.push(v);
            }
        }
        match (empty, statistic) {
            (Some(empty), _) if column.values.is_empty() => empty,
            (_, Statistic::Mean) => column.mean(),
            (_, Statistic::Median) => column.median(),
            (_, Statistic::Mode) => column.mode(),
        }
    })
}

/// Fills the stored values that are missing, each with its column's.
///
/// # Errors
/// [`Error::Invalid`] if the parts do not fit each other.
pub fn fill_columns<T: Float, I: Index>(
    mut values: ArrayViewMut1<'_, T>,
    pointers: &[I],
    missing: Missing<T>,
    fills: &[f64],
) -> Result<()> {
    check(values.len(), pointers)?;
    for (pair, fill) in pointers.windows(2).zip(fills) {
        for k in pair[0].place()..pair[1].place() {
            if missing.is(values[k]) {
                values[k] = T::from_f64(*fill);
            }
        }
    }
    Ok(())
}

fn check<I: Index>(stored: usize, pointers: &[I]) -> Result<()> {
    if pointers.windows(2).any(|p| p[0].place() > p[1].place() || p[1].place() > stored) {
        return Err(Error::Invalid("the parts of the sparse matrix do not fit each other".into()));
    }
    Ok(())
}

impl<T: Float + Key> Column<T> {
    fn len(&self) -> usize {
        self.values.len() + self.zeros
    }

    fn mean(&self) -> f64 {
        if self.len() == 0 {
            return f64::NAN;
        }
        self.values.iter().map(|v| v.to_f64()).sum::<f64>() / self.len() as f64
    }

    fn median(mut self) -> f64 {
        let n = self.len();
        if n == 0 {
            return f64::NAN;
        }
        self.values.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let below = self.values.partition_point(|v| *v < T::ZERO);
        let at = |rank: usize| match rank {
            _ if rank < below => self.values[rank],
            _ if rank - below < self.zeros => T::ZERO,
            _ => self.values[rank - self.zeros],
        };
        if n % 2 == 1 {
            at(n / 2).to_f64()
        } else {
            ((at(n / 2 - 1) + at(n / 2)) / (T::ONE + T::ONE)).to_f64()
        }
    }

    fn mode(&self) -> f64 {
        let mut keys: Vec<u64> = self.values.iter().map(|v| v.key()).collect();
        let zeros = self.zeros as u64;
        match most_frequent(&mut keys, &mut Tables::default()) {
            Some(best) if best.count > zeros => T::value(best.key),
            Some(best) if best.count == zeros => T::value(best.key).min(0.0),
            None if zeros == 0 => f64::NAN,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn zeros_count_and_ties_go_to_the_smallest() {
        let nan = f64::NAN;
        let values = array![3.0, -1.0, nan, 0.0, 2.0, 2.0, -4.0, -4.0, nan];
        let pointers = [0_i32, 4, 8, 9];
        let of = |statistic, empty| {
            of_columns(values.view(), &pointers, 5, Missing::Nan, statistic, empty, &Exec::serial()).unwrap()
        };
        assert_eq!(of(Statistic::Mean, None), [0.5, -0.8, 0.0]);
        assert_eq!(of(Statistic::Median, None), [0.0, 0.0, 0.0]);
        assert_eq!(of(Statistic::Mode, None), [0.0, -4.0, 0.0]);
        assert_eq!(of(Statistic::Mode, Some(7.0))[2], 7.0);
        let mut filled = values.clone();
        fill_columns(filled.view_mut(), &pointers, Missing::Nan, &[8.0, 9.0, 10.0]).unwrap();
        assert_eq!((filled[2], filled[8]), (8.0, 10.0));
        let one = of_columns(
            array![nan].view(),
            &[0_i32, 1],
            1,
            Missing::Nan,
            Statistic::Mode,
            None,
            &Exec::serial(),
        );
        assert!(one.unwrap()[0].is_nan());
        assert!(
            of_columns(values.view(), &[0_i32, 99], 5, Missing::Nan, Statistic::Mode, None, &Exec::serial())
                .is_err()
        );
    }
}
