//! Binning, as numbers of bins or one-hot.

use ferroflow_core::bin::{Edges, one_hot, ordinal, positions};
use ferroflow_core::scale::lies_by_column;
use ferroflow_core::{Error, Float};
use ndarray::ArrayView2;
use numpy::{Element, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::door::{enter, to_py};
use crate::float_array::FloatMatrix;
use crate::fresh::fresh;

type Inner<'py> = Vec<PyReadonlyArray1<'py, f64>>;

fn edges<T: Float>(inner: &Inner<'_>) -> PyResult<Edges<T>> {
    let columns: Vec<Vec<f64>> = inner.iter().map(|edges| edges.as_array().to_vec()).collect();
    Edges::new(&columns).map_err(to_py)
}

fn binned<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    inner: &Inner<'_>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let edges = edges::<T>(inner)?;
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; `ordinal` writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<T, _>(py, x.dim(), lies_by_column(x)) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let finite = enter(py, |exec| ordinal(x, &edges, values, exec))?;
    Ok(finite.then(|| out.into_any()))
}

/// The number of each value's bin, by its column's inner edges; None if a value is not finite.
#[pyfunction]
fn bin_values<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    inner: Inner<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match &x {
        FloatMatrix::F64(x) => binned(py, x.as_array(), &inner),
        FloatMatrix::F32(x) => binned(py, x.as_array(), &inner),
    }
}

fn placed<'py, T: Float>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    inner: &Inner<'_>,
    offsets: &[i32],
) -> PyResult<Option<Bound<'py, PyArray2<i32>>>> {
    let edges = edges::<T>(inner)?;
    // SAFETY: as in `binned`; `positions` writes every element.
    let out = unsafe { fresh::<i32, _>(py, x.dim(), false) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let finite = enter(py, |exec| positions(x, &edges, offsets, values, exec))?;
    Ok(finite.then_some(out))
}

/// The column of each value's one in the one-hot matrix whose columns' bins begin at `offsets`; None if a value is not
/// finite.
#[pyfunction]
fn bin_positions<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    inner: Inner<'py>,
    offsets: PyReadonlyArray1<'py, i32>,
) -> PyResult<Option<Bound<'py, PyArray2<i32>>>> {
    let offsets = offsets.as_slice()?;
    match &x {
        FloatMatrix::F64(x) => placed(py, x.as_array(), &inner, offsets),
        FloatMatrix::F32(x) => placed(py, x.as_array(), &inner, offsets),
    }
}

fn hot<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    inner: &Inner<'_>,
    offsets: &[i32],
    width: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let edges = edges::<T>(inner)?;
    if x.nrows().checked_mul(width).is_none() {
        return Err(to_py(Error::Memory("the one-hot matrix does not fit into memory".into())));
    }
    // SAFETY: as in `binned`; `one_hot` writes every element.
    let out = unsafe { fresh::<T, _>(py, (x.nrows(), width), false) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let finite = enter(py, |exec| one_hot(x, &edges, offsets, width, values, exec))?;
    Ok(finite.then(|| out.into_any()))
}

/// The dense one-hot matrix of `width` columns; None if a value is not finite.
#[pyfunction]
fn bin_one_hot<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    inner: Inner<'py>,
    offsets: PyReadonlyArray1<'py, i32>,
    width: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let offsets = offsets.as_slice()?;
    match &x {
        FloatMatrix::F64(x) => hot(py, x.as_array(), &inner, offsets, width),
        FloatMatrix::F32(x) => hot(py, x.as_array(), &inner, offsets, width),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bin_one_hot, m)?)?;
    m.add_function(wrap_pyfunction!(bin_positions, m)?)?;
    m.add_function(wrap_pyfunction!(bin_values, m)?)
}
