//! The median of what is there, exactly: `(low + high) / 2` of the two middle values, in the type of the data.

use ndarray::ArrayView2;

use super::Missing;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::Matrix;
use crate::quantile::{Quantiles, middle, quantiles, quantiles_of_rows};

/// What is known of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Medians<T> {
    /// Median of each column, NaN for one without values.
    pub median: Vec<T>,
    /// Missing values of each column.
    pub missing: Vec<f64>,
    /// Was there a value that may not occur?
    pub refused: bool,
}

/// The median of each column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn medians<T: Float>(x: ArrayView2<'_, T>, missing: Missing<T>, exec: &Exec<'_>) -> Result<Medians<T>> {
    quantiles(x, missing, &[0.5], exec).map(|found| middles(found, x.nrows()))
}

/// The same of rows whose values lie side by side, or are made.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn medians_of_rows<T: Float>(
    x: &dyn Matrix<T>,
    missing: Missing<T>,
    exec: &Exec<'_>,
) -> Result<Medians<T>> {
    quantiles_of_rows(x, missing, &[0.5], exec).map(|found| middles(found, x.dim().0))
}

fn middles<T: Float>(found: Quantiles<T>, rows: usize) -> Medians<T> {
    let median = found.pairs.iter().zip(&found.missing).map(|(pair, m)| middle(*pair, rows - m)).collect();
    let missing = found.missing.iter().map(|m| *m as f64).collect();
    Medians { median, missing, refused: found.refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_and_even_numbers_of_values() {
        let nan = f64::NAN;
        let x = ndarray::array![[1.0, 4.0, nan], [nan, 1.0, nan], [5.0, 2.0, nan], [2.0, nan, nan]];
        let found = medians(x.view(), Missing::Nan, &Exec::serial()).unwrap();
        assert_eq!(found.median[..2], [2.0, 2.0]);
        assert!(found.median[2].is_nan());
        assert_eq!(found.missing, [1.0, 1.0, 4.0]);
    }
}
