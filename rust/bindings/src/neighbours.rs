//! The nearest rows of a table with holes.

use ferroflow_core::Float;
use ferroflow_core::impute::Missing;
use ferroflow_core::impute::neighbours::{Found, Nearest, Squares, distances, nearest, squares};
use ndarray::ArrayView2;
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::FloatMatrix;

type Cells<'py> = (
    Bound<'py, PyArray1<usize>>,
    Bound<'py, PyArray1<usize>>,
    Bound<'py, PyArray1<f64>>,
    Vec<usize>,
    Vec<usize>,
);

fn fills<'py, T: Float>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    from: ArrayView2<'_, T>,
    what: Nearest<T>,
) -> PyResult<(Option<Cells<'py>>, bool)> {
    let (cells, kind) = enter(py, |exec| {
        let kind = squares(&[x, from], what.missing);
        Ok((if kind == Squares::Overflow { None } else { Some(nearest(x, from, what, kind, exec)?) }, kind))
    })?;
    let cells = cells.map(|cells| {
        let (mut rows, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (mut unsettled, mut nobody) = (Vec::new(), Vec::new());
        for (i, cell) in cells.iter().enumerate() {
            rows.push(cell.row);
            columns.push(cell.column);
            values.push(f64::NAN);
            match cell.found {
                Found::Mean(mean) => values[i] = mean,
                Found::Unsettled(_) => unsettled.push(i),
                Found::Nobody => nobody.push(i),
            }
        }
        (rows.into_pyarray(py), columns.into_pyarray(py), values.into_pyarray(py), unsettled, nobody)
    });
    Ok((cells, kind == Squares::Exact))
}

fn marker<T: Float>(marker: Option<f64>) -> Missing<T> {
    marker.map_or(Missing::Nan, |marker| Missing::Value(T::from_f64(marker)))
}

/// ((rows, columns and values of what is missing, which of them are scikit-learn's to find, and which have no
/// neighbour), are the squares of all values exact); no cells if they overflow.
#[pyfunction]
fn nearest_fills<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    rows: FloatMatrix<'py>,
    missing: Option<f64>,
    k: usize,
    by_distance: bool,
) -> PyResult<(Option<Cells<'py>>, bool)> {
    match (&x, &rows) {
        (FloatMatrix::F64(x), FloatMatrix::F64(rows)) => {
            let what = Nearest { missing: marker(missing), k, by_distance };
            fills(py, x.as_array(), rows.as_array(), what)
        }
        (FloatMatrix::F32(x), FloatMatrix::F32(rows)) => {
            let what = Nearest { missing: marker(missing), k, by_distance };
            fills(py, x.as_array(), rows.as_array(), what)
        }
        _ => Err(PyTypeError::new_err("both tables must be of one type")),
    }
}

fn measured<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    rows: ArrayView2<'_, T>,
    missing: Missing<T>,
) -> PyResult<Bound<'py, PyAny>> {
    let out = PyArray2::<T>::zeros(py, (x.nrows(), rows.nrows()), false);
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let to = unsafe { out.as_slice_mut()? };
    enter(py, |exec| distances(x, rows, missing, to, exec))?;
    Ok(out.into_any())
}

/// The distance of each row of `x` to each of `rows`.
#[pyfunction]
fn nan_distances<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    rows: FloatMatrix<'py>,
    missing: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    match (&x, &rows) {
        (FloatMatrix::F64(x), FloatMatrix::F64(rows)) => {
            measured(py, x.as_array(), rows.as_array(), marker(missing))
        }
        (FloatMatrix::F32(x), FloatMatrix::F32(rows)) => {
            measured(py, x.as_array(), rows.as_array(), marker(missing))
        }
        _ => Err(PyTypeError::new_err("both tables must be of one type")),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(nearest_fills, m)?)?;
    m.add_function(wrap_pyfunction!(nan_distances, m)?)
}
