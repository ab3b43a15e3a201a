//! Power transforms and their exponents.

use ferroflow_core::Float;
use ferroflow_core::power::{Family, apply, best_exponents, invert};
use ferroflow_core::scale::lies_by_column;
use ndarray::ArrayView2;
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::FloatMatrix;
use crate::fresh::fresh;

fn family(box_cox: bool) -> Family {
    if box_cox { Family::BoxCox } else { Family::YeoJohnson }
}

/// The exponent of greatest likelihood of each column; NaN where SciPy has to word the error.
#[pyfunction]
fn power_exponents<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    box_cox: bool,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let family = family(box_cox);
    let found = match &x {
        FloatMatrix::F64(x) => {
            let x = x.as_array();
            enter(py, |exec| best_exponents(x, family, exec))?
        }
        FloatMatrix::F32(x) => {
            let x = x.as_array();
            enter(py, |exec| best_exponents(x, family, exec))?
        }
    };
    Ok(found.into_pyarray(py))
}

fn powers<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    exponents: &[f64],
    box_cox: bool,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let exponents: Vec<T> = exponents.iter().map(|l| T::from_f64(*l)).collect();
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; `apply` writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<T, _>(py, x.dim(), lies_by_column(x)) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let met = enter(py, |exec| apply(x, family(box_cox), &exponents, values, exec))?;
    Ok((out.into_any(), met.infinite))
}

/// (x transformed by its columns' exponents, was there an infinity).
#[pyfunction]
fn transform_powers<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    exponents: PyReadonlyArray1<'py, f64>,
    box_cox: bool,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let exponents = exponents.as_slice()?;
    match &x {
        FloatMatrix::F64(x) => powers(py, x.as_array(), exponents, box_cox),
        FloatMatrix::F32(x) => powers(py, x.as_array(), exponents, box_cox),
    }
}

fn unpowered<'py, T: Float + Element>(
    py: Python<'py>,
    y: ArrayView2<'_, T>,
    exponents: &[f64],
    box_cox: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let exponents: Vec<T> = exponents.iter().map(|l| T::from_f64(*l)).collect();
    // SAFETY: as in `powers`; `invert` writes every element.
    let out = unsafe { fresh::<T, _>(py, y.dim(), lies_by_column(y)) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let (met, lost) = enter(py, |exec| invert(y, family(box_cox), &exponents, values, exec))?;
    Ok((!met.infinite && !lost).then(|| out.into_any()))
}

/// y brought back by its columns' exponents; None if a value is infinite, or has none that it could come from.
#[pyfunction]
fn invert_powers<'py>(
    py: Python<'py>,
    y: FloatMatrix<'py>,
    exponents: PyReadonlyArray1<'py, f64>,
    box_cox: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let exponents = exponents.as_slice()?;
    match &y {
        FloatMatrix::F64(y) => unpowered(py, y.as_array(), exponents, box_cox),
        FloatMatrix::F32(y) => unpowered(py, y.as_array(), exponents, box_cox),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(invert_powers, m)?)?;
    m.add_function(wrap_pyfunction!(power_exponents, m)?)?;
    m.add_function(wrap_pyfunction!(transform_powers, m)?)
}
