//! The nearest rows of a table with holes.

use ferroflow_core::Float;
use ferroflow_core::impute::Missing;
use ferroflow_core::impute::neighbours::{Nearest, nearest, overflow};
use ndarray::ArrayView2;
use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::FloatMatrix;

type Cells<'py> =
    (Bound<'py, PyArray1<usize>>, Bound<'py, PyArray1<usize>>, Bound<'py, PyArray1<f64>>, Vec<usize>);

fn fills<'py, T: Float>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    from: ArrayView2<'_, T>,
    what: Nearest<T>,
) -> PyResult<Option<Cells<'py>>> {
    let cells = enter(py, |exec| {
        if overflow(&[x, from], what.missing) { Ok(None) } else { nearest(x, from, what, exec).map(Some) }
    })?;
    Ok(cells.map(|cells| {
        let (mut rows, mut columns, mut values, mut nobody) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (i, cell) in cells.iter().enumerate() {
            rows.push(cell.row);
            columns.push(cell.column);
            values.push(cell.mean.unwrap_or(f64::NAN));
            if cell.mean.is_none() {
                nobody.push(i);
            }
        }
        (rows.into_pyarray(py), columns.into_pyarray(py), values.into_pyarray(py), nobody)
    }))
}

fn marker<T: Float>(marker: Option<f64>) -> Missing<T> {
    marker.map_or(Missing::Nan, |marker| Missing::Value(T::from_f64(marker)))
}

/// (rows, columns and values of what is missing, which of them have no neighbour); `None` if squares overflow.
#[pyfunction]
fn nearest_fills<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    rows: FloatMatrix<'py>,
    missing: Option<f64>,
    k: usize,
    by_distance: bool,
) -> PyResult<Option<Cells<'py>>> {
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

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(nearest_fills, m)?)
}
