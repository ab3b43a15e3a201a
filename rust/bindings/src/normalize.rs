//! Rows of unit norm, and values above a threshold.

use ferroflow_core::normalize::{self, Norm};
use ferroflow_core::scale::lies_by_column;
use ferroflow_core::{Float, binarize};
use ndarray::{ArrayView2, ArrayViewMut2};
use numpy::{Element, IntoPyArray, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::{FloatMatrix, FloatMatrixMut};
use crate::fresh::fresh;
use crate::sparse_array::{Indices, StoredMut};

fn norm_named(name: &str) -> PyResult<Norm> {
    match name {
        "l1" => Ok(Norm::L1),
        "l2" => Ok(Norm::L2),
        "max" => Ok(Norm::Max),
        _ => Err(PyValueError::new_err(format!("no such norm: {name}"))),
    }
}

/// An array of the shape and order of `x`.
fn like<'py, T: Element>(py: Python<'py>, x: ArrayView2<'_, T>) -> Bound<'py, PyArray2<T>> {
    // SAFETY: nobody else sees the memory; both callers copy `x` to it before they read it or return it, and on an error
    // the array is dropped unseen.
    unsafe { fresh(py, x.dim(), lies_by_column(x)) }
}

type Divided<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>, bool);

fn normalized<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    norm: Norm,
    tell: bool,
) -> PyResult<Divided<'py>> {
    let out = like(py, x);
    let mut divisors = tell.then(|| vec![T::ZERO; x.nrows()]);
    let finite = {
        let mut out = out.readwrite();
        let to = out.as_array_mut();
        enter(py, |exec| normalize::apply(Some(x), to, norm, divisors.as_deref_mut(), exec))?
    };
    Ok((out.into_any(), divisors.map(|d| d.into_pyarray(py).into_any()), finite))
}

/// (x with rows of unit norm; what each was divided by, if `tell`; was all finite).
#[pyfunction]
fn normalize_rows<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    norm: &str,
    tell: bool,
) -> PyResult<Divided<'py>> {
    let norm = norm_named(norm)?;
    match &x {
        FloatMatrix::F64(x) => normalized(py, x.as_array(), norm, tell),
        FloatMatrix::F32(x) => normalized(py, x.as_array(), norm, tell),
    }
}

fn normalize_there<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayViewMut2<'_, T>,
    norm: Norm,
    tell: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut divisors = tell.then(|| vec![T::ZERO; x.nrows()]);
    enter(py, |exec| normalize::apply(None, x, norm, divisors.as_deref_mut(), exec))?;
    Ok(divisors.map(|d| d.into_pyarray(py).into_any()))
}

/// As `normalize_rows`, in place; returns what each row was divided by, if `tell`.
#[pyfunction]
fn normalize_rows_in_place<'py>(
    py: Python<'py>,
    x: FloatMatrixMut<'py>,
    norm: &str,
    tell: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let norm = norm_named(norm)?;
    match x {
        FloatMatrixMut::F64(mut x) => normalize_there(py, x.as_array_mut(), norm, tell),
        FloatMatrixMut::F32(mut x) => normalize_there(py, x.as_array_mut(), norm, tell),
    }
}

/// Scales the rows of a CSR matrix to unit norm, in place.
#[pyfunction]
fn normalize_csr(py: Python<'_>, values: StoredMut<'_>, pointers: Indices<'_>, norm: &str) -> PyResult<()> {
    let norm = norm_named(norm)?;
    macro_rules! run {
        ($values:ident, $pointers:ident) => {{
            let (values, pointers) = ($values.as_slice_mut()?, $pointers.as_slice()?);
            enter(py, |exec| normalize::apply_csr(values, pointers, norm, exec))
        }};
    }
    match (values, &pointers) {
        (StoredMut::F64(mut v), Indices::I32(p)) => run!(v, p),
        (StoredMut::F32(mut v), Indices::I32(p)) => run!(v, p),
        (StoredMut::F64(mut v), Indices::I64(p)) => run!(v, p),
        (StoredMut::F32(mut v), Indices::I64(p)) => run!(v, p),
    }
}

fn binary<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    threshold: f64,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let out = like(py, x);
    let threshold = T::from_f64(threshold);
    let finite = {
        let mut to = out.readwrite();
        if let Some(values) = x.to_slice().or_else(|| x.reversed_axes().to_slice()) {
            let to = to.as_slice_mut()?;
            enter(py, |exec| binarize::apply(values, threshold, to, exec))?
        } else {
            let mut to = to.as_array_mut();
            enter(py, |exec| {
                to.assign(&x);
                binarize::apply_in_place(to, threshold, exec)?;
                Ok(x.iter().all(|v| v.is_finite()))
            })?
        }
    };
    Ok((out.into_any(), finite))
}

/// (1 where x lies above the threshold, else 0; was all finite).
#[pyfunction]
fn binarize_values<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    threshold: f64,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    match &x {
        FloatMatrix::F64(x) => binary(py, x.as_array(), threshold),
        FloatMatrix::F32(x) => binary(py, x.as_array(), threshold),
    }
}

/// As `binarize_values`, in place.
#[pyfunction]
fn binarize_values_in_place(py: Python<'_>, x: FloatMatrixMut<'_>, threshold: f64) -> PyResult<()> {
    match x {
        FloatMatrixMut::F64(mut x) => {
            let x = x.as_array_mut();
            enter(py, |exec| binarize::apply_in_place(x, threshold, exec))
        }
        FloatMatrixMut::F32(mut x) => {
            let x = x.as_array_mut();
            enter(py, |exec| binarize::apply_in_place(x, f32::from_f64(threshold), exec))
        }
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(binarize_values, m)?)?;
    m.add_function(wrap_pyfunction!(binarize_values_in_place, m)?)?;
    m.add_function(wrap_pyfunction!(normalize_csr, m)?)?;
    m.add_function(wrap_pyfunction!(normalize_rows, m)?)?;
    m.add_function(wrap_pyfunction!(normalize_rows_in_place, m)?)
}
