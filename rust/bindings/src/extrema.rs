//! Smallest and largest values of columns.

use ferroflow_core::extrema::{Extrema, steps_between};
use ferroflow_core::moments_sparse::{Compressed, Index};
use ferroflow_core::{Error, Float};
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::{AnyView, FloatTable, FloatVector, TableView};
use crate::sparse_array::{Indices, Stored};

/// (smallest values, largest values, was there an infinity)
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, bool);

fn found<T: Float + Element>(py: Python<'_>, extrema: Extrema<T>) -> Found<'_> {
    let infinite = extrema.has_inf();
    let Extrema { low, high } = extrema.finalize();
    (low.into_pyarray(py).into_any(), high.into_pyarray(py).into_any(), infinite)
}

fn of<'py, T: Float + Element>(py: Python<'py>, x: &TableView<'_, T>) -> PyResult<Found<'py>> {
    let extrema = enter(py, |exec| {
        let mut extrema = Extrema::new(x.dim().1);
        match x {
            TableView::Whole(x) => extrema.update(*x, exec)?,
            TableView::Columns(columns) => extrema.update_columns(columns, exec)?,
        }
        Ok(extrema)
    })?;
    Ok(found(py, extrema))
}

/// (smallest, largest value of each column without NaN, NaN if there is none; was there an infinity).
#[pyfunction]
fn column_extrema<'py>(py: Python<'py>, x: FloatTable<'py>) -> PyResult<Found<'py>> {
    match x.view()? {
        AnyView::F64(x) => of(py, &x),
        AnyView::F32(x) => of(py, &x),
        AnyView::Other(x) => {
            let mut extrema = Extrema::new(x.columns());
            Ok(found(py, enter(py, |exec| extrema.update_rows(&x, exec).map(|()| extrema))?))
        }
        AnyView::Columns(columns) => {
            let mut extrema = Extrema::new(columns.len());
            let extrema = enter(py, |exec| extrema.update_columns(&columns, exec).map(|()| extrema))?;
            Ok(found(py, extrema))
        }
    }
}

fn of_sparse<'py, T: Float + Element, I: Index + Element>(
    py: Python<'py>,
    values: &PyReadonlyArray1<'_, T>,
    indices: &PyReadonlyArray1<'_, I>,
    pointers: &PyReadonlyArray1<'_, I>,
    (rows, columns): (usize, usize),
    by_column: bool,
) -> PyResult<Found<'py>> {
    let (values, indices, pointers) = (values.as_slice()?, indices.as_slice()?, pointers.as_slice()?);
    let (lines, width) = if by_column { (columns, rows) } else { (rows, columns) };
    let extrema = enter(py, |exec| {
        if pointers.len() != lines + 1 {
            return Err(Error::Invalid("the parts of the sparse matrix do not fit its shape".into()));
        }
        let mut extrema = Extrema::new(columns);
        extrema.update_sparse(Compressed::new(values, indices, pointers, width)?, by_column, exec)?;
        Ok(extrema)
    })?;
    Ok(found(py, extrema))
}

/// As `column_extrema`, of a sparse matrix: its parts, its shape, and whether it is CSC.
#[pyfunction]
fn sparse_column_extrema<'py>(
    py: Python<'py>,
    values: Stored<'py>,
    indices: Indices<'py>,
    pointers: Indices<'py>,
    shape: (usize, usize),
    by_column: bool,
) -> PyResult<Found<'py>> {
    match (&values, &indices, &pointers) {
        (Stored::F64(v), Indices::I32(i), Indices::I32(p)) => of_sparse(py, v, i, p, shape, by_column),
        (Stored::F32(v), Indices::I32(i), Indices::I32(p)) => of_sparse(py, v, i, p, shape, by_column),
        (Stored::F64(v), Indices::I64(i), Indices::I64(p)) => of_sparse(py, v, i, p, shape, by_column),
        (Stored::F32(v), Indices::I64(i), Indices::I64(p)) => of_sparse(py, v, i, p, shape, by_column),
        _ => Err(PyTypeError::new_err("indices and pointers must be of one type")),
    }
}

/// (range, scale, shift) from each column's extrema to the limits; `None` if one of them is not finite.
#[pyfunction]
fn steps_between_limits<'py>(
    py: Python<'py>,
    low: FloatVector<'py>,
    high: FloatVector<'py>,
    begin: f64,
    end: f64,
) -> PyResult<Option<[Bound<'py, PyAny>; 3]>> {
    Ok(match (&low, &high) {
        (FloatVector::F64(low), FloatVector::F64(high)) => {
            steps_between(low.as_slice()?, high.as_slice()?, begin, end)
                .map(|all| all.map(|v| v.into_pyarray(py).into_any()))
        }
        (FloatVector::F32(low), FloatVector::F32(high)) => {
            steps_between(low.as_slice()?, high.as_slice()?, f32::from_f64(begin), f32::from_f64(end))
                .map(|all| all.map(|v| v.into_pyarray(py).into_any()))
        }
        _ => return Err(PyTypeError::new_err("low and high must be of one type")),
    })
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(column_extrema, m)?)?;
    m.add_function(wrap_pyfunction!(sparse_column_extrema, m)?)?;
    m.add_function(wrap_pyfunction!(steps_between_limits, m)?)
}
