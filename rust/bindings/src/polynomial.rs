//! Polynomial terms of the columns.

use ferroflow_core::polynomial::{Terms, by_column, by_row};
use ferroflow_core::{Error, Float};
use ndarray::ArrayView2;
use numpy::{Element, PyArrayMethods};
use pyo3::prelude::*;

use crate::door::{enter, to_py};
use crate::float_array::FloatMatrix;
use crate::fresh::fresh;

/// More terms are left to scikit-learn.
const MOST: usize = 1 << 31;

fn expanded<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    degrees: (usize, usize),
    distinct: bool,
    bias: bool,
    fortran: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let terms = Terms::new(x.ncols(), degrees, distinct, bias, MOST).map_err(to_py)?;
    let shape = (x.nrows(), terms.width());
    if shape.0.checked_mul(shape.1).is_none_or(|n| n > isize::MAX as usize / size_of::<T>()) {
        return Err(to_py(Error::Memory(format!(
            "unable to allocate {} x {} polynomial terms",
            shape.0, shape.1
        ))));
    }
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; either kernel writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<T, _>(py, shape, fortran) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let finite = enter(py, |exec| {
        if fortran { by_column(x, &terms, values, exec) } else { by_row(x, &terms, values, exec) }
    })?;
    Ok(finite.then(|| out.into_any()))
}

/// The terms of the least to the most degree; None if a value is not finite.
#[pyfunction]
fn polynomial_terms<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    degrees: (usize, usize),
    distinct: bool,
    bias: bool,
    fortran: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match &x {
        FloatMatrix::F64(x) => expanded(py, x.as_array(), degrees, distinct, bias, fortran),
        FloatMatrix::F32(x) => expanded(py, x.as_array(), degrees, distinct, bias, fortran),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(polynomial_terms, m)?)
}
