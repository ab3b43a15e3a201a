//! Filling in what a matrix that is stored by column misses.

use ferroflow_core::Float;
use ferroflow_core::impute::{Key, Missing, Statistic, fill_columns, of_columns, sparse_marks};
use ferroflow_core::moments_sparse::Index;
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::door::enter;
use crate::sparse_array::{Indices, Stored, StoredMut};

fn missing<T: Float>(marker: Option<f64>) -> Missing<T> {
    marker.map_or(Missing::Nan, |marker| Missing::Value(T::from_f64(marker)))
}

type Places<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>);

fn places<'py, T: Float + Element, I: Index + Element>(
    py: Python<'py>,
    values: &PyReadonlyArray1<'py, T>,
    indices: &PyReadonlyArray1<'py, I>,
    pointers: &PyReadonlyArray1<'py, I>,
    marker: Option<f64>,
) -> PyResult<Places<'py>> {
    let (values, indices, pointers) = (values.as_array(), indices.as_slice()?, pointers.as_slice()?);
    let (places, ends) = enter(py, |_| sparse_marks(values, indices, pointers, missing(marker)))?;
    Ok((places.into_pyarray(py), ends.into_pyarray(py)))
}

/// (indices, pointers) of the missing values of a compressed sparse matrix.
#[pyfunction]
fn sparse_missing<'py>(
    py: Python<'py>,
    values: Stored<'py>,
    indices: Indices<'py>,
    pointers: Indices<'py>,
    marker: Option<f64>,
) -> PyResult<Places<'py>> {
    match (&values, &indices, &pointers) {
        (Stored::F64(v), Indices::I32(i), Indices::I32(p)) => places(py, v, i, p, marker),
        (Stored::F32(v), Indices::I32(i), Indices::I32(p)) => places(py, v, i, p, marker),
        (Stored::F64(v), Indices::I64(i), Indices::I64(p)) => places(py, v, i, p, marker),
        (Stored::F32(v), Indices::I64(i), Indices::I64(p)) => places(py, v, i, p, marker),
        _ => Err(PyTypeError::new_err("indices and pointers must be of one type")),
    }
}

struct Wanted<'a> {
    rows: usize,
    marker: Option<f64>,
    strategy: &'a str,
    empty: Option<f64>,
}

type Learned<'py> = Bound<'py, PyArray1<f64>>;

fn learn<'py, T: Float + Element + Key, I: Index + Element>(
    py: Python<'py>,
    values: &PyReadonlyArray1<'py, T>,
    pointers: &PyReadonlyArray1<'py, I>,
    wanted: &Wanted<'_>,
) -> PyResult<Learned<'py>> {
    let statistic = match wanted.strategy {
        "mean" => Statistic::Mean,
        "median" => Statistic::Median,
        "most_frequent" => Statistic::Mode,
        other => return Err(PyValueError::new_err(format!("no such statistic: {other}"))),
    };
    let (values, pointers) = (values.as_array(), pointers.as_slice()?);
    let (rows, marker, empty) = (wanted.rows, missing(wanted.marker), wanted.empty);
    let found = enter(py, |exec| of_columns(values, pointers, rows, marker, statistic, empty, exec))?;
    Ok(found.into_pyarray(py))
}

/// The statistic of each column of a CSC matrix, without its missing values.
#[pyfunction]
fn sparse_column_statistics<'py>(
    py: Python<'py>,
    values: Stored<'py>,
    pointers: Indices<'py>,
    rows: usize,
    strategy: &str,
    marker: Option<f64>,
    empty: Option<f64>,
) -> PyResult<Learned<'py>> {
    let wanted = Wanted { rows, marker, strategy, empty };
    match (&values, &pointers) {
        (Stored::F64(v), Indices::I32(p)) => learn(py, v, p, &wanted),
        (Stored::F32(v), Indices::I32(p)) => learn(py, v, p, &wanted),
        (Stored::F64(v), Indices::I64(p)) => learn(py, v, p, &wanted),
        (Stored::F32(v), Indices::I64(p)) => learn(py, v, p, &wanted),
    }
}

fn put<T: Float + Element, I: Index + Element>(
    py: Python<'_>,
    values: &mut PyReadwriteArray1<'_, T>,
    pointers: &PyReadonlyArray1<'_, I>,
    marker: Option<f64>,
    fills: &[f64],
) -> PyResult<()> {
    let (values, pointers) = (values.as_array_mut(), pointers.as_slice()?);
    enter(py, |_| fill_columns(values, pointers, missing(marker), fills))
}

/// Fills the stored values of a CSC matrix that are missing, in place.
#[pyfunction]
fn fill_sparse_columns(
    py: Python<'_>,
    values: StoredMut<'_>,
    pointers: Indices<'_>,
    marker: Option<f64>,
    fills: PyReadonlyArray1<'_, f64>,
) -> PyResult<()> {
    let fills = fills.as_slice()?;
    match (values, &pointers) {
        (StoredMut::F64(mut v), Indices::I32(p)) => put(py, &mut v, p, marker, fills),
        (StoredMut::F32(mut v), Indices::I32(p)) => put(py, &mut v, p, marker, fills),
        (StoredMut::F64(mut v), Indices::I64(p)) => put(py, &mut v, p, marker, fills),
        (StoredMut::F32(mut v), Indices::I64(p)) => put(py, &mut v, p, marker, fills),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(fill_sparse_columns, m)?)?;
    m.add_function(wrap_pyfunction!(sparse_column_statistics, m)?)?;
    m.add_function(wrap_pyfunction!(sparse_missing, m)?)
}
