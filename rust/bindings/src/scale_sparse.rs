//! Column moments and scaling of compressed sparse matrices.

use ferroflow_core::moments::Moments;
use ferroflow_core::moments_sparse::{Compressed, Index, multiply_columns, multiply_lines, of_csc, of_csr};
use ferroflow_core::{Error, Float};
use ndarray::ArrayView1;
use numpy::{Element, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::moments::{Before, Found, found, from_python};
use crate::sparse_array::{Indices, Stored, StoredMut};

struct Whole<'a> {
    shape: (usize, usize),
    by_column: bool,
    weights: Option<ArrayView1<'a, f64>>,
    before: Moments,
}

fn learn<T: Float + Element, I: Index + Element>(
    py: Python<'_>,
    values: &PyReadonlyArray1<'_, T>,
    indices: &PyReadonlyArray1<'_, I>,
    pointers: &PyReadonlyArray1<'_, I>,
    whole: Whole<'_>,
) -> PyResult<Moments> {
    let (values, indices, pointers) = (values.as_slice()?, indices.as_slice()?, pointers.as_slice()?);
    let Whole { shape: (rows, columns), by_column, weights, mut before } = whole;
    let (lines, width) = if by_column { (columns, rows) } else { (rows, columns) };
    enter(py, |exec| {
        if pointers.len() != lines + 1 || weights.is_some_and(|w| w.len() != rows) {
            return Err(Error::Invalid("the parts of the sparse matrix do not fit its shape".into()));
        }
        let x = Compressed::new(values, indices, pointers, width)?;
        let moments = if by_column { of_csc(x, weights, exec)? } else { of_csr(x, weights, exec)? };
        before.merge(&moments);
        Ok(before)
    })
}

/// As `column_moments`, of a sparse matrix: its parts, its shape, and whether it is CSC.
#[pyfunction]
#[pyo3(signature = (values, indices, pointers, shape, by_column, weights=None, before=None))]
#[allow(clippy::too_many_arguments, reason = "a sparse matrix has many parts")]
fn sparse_column_moments<'py>(
    py: Python<'py>,
    values: Stored<'py>,
    indices: Indices<'py>,
    pointers: Indices<'py>,
    shape: (usize, usize),
    by_column: bool,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    before: Option<Before<'py>>,
) -> PyResult<Found<'py>> {
    let whole = Whole {
        shape,
        by_column,
        weights: weights.as_ref().map(PyReadonlyArray1::as_array),
        before: before.map_or_else(|| Moments::new(shape.1), from_python),
    };
    let moments = match (&values, &indices, &pointers) {
        (Stored::F64(v), Indices::I32(i), Indices::I32(p)) => learn(py, v, i, p, whole)?,
        (Stored::F32(v), Indices::I32(i), Indices::I32(p)) => learn(py, v, i, p, whole)?,
        (Stored::F64(v), Indices::I64(i), Indices::I64(p)) => learn(py, v, i, p, whole)?,
        (Stored::F32(v), Indices::I64(i), Indices::I64(p)) => learn(py, v, i, p, whole)?,
        _ => return Err(PyTypeError::new_err("indices and pointers must be of one type")),
    };
    Ok(found(py, moments))
}

fn multiply<T: Float + Element, I: Index + Element>(
    py: Python<'_>,
    values: &mut PyReadwriteArray1<'_, T>,
    places: &PyReadonlyArray1<'_, I>,
    by_column: bool,
    factor: &[f64],
) -> PyResult<()> {
    let (values, places) = (values.as_slice_mut()?, places.as_slice()?);
    enter(py, |exec| match by_column {
        true => multiply_lines(values, places, factor, exec),
        false => multiply_columns(values, places, factor, exec),
    })
}

/// Multiplies the stored values of a matrix by their columns' factors, in place; `places` are the indices of a CSR
/// matrix, the pointers of a CSC matrix.
#[pyfunction]
fn multiply_sparse_columns(
    py: Python<'_>,
    values: StoredMut<'_>,
    places: Indices<'_>,
    by_column: bool,
    factor: PyReadonlyArray1<'_, f64>,
) -> PyResult<()> {
    let factor = factor.as_slice()?;
    match (values, &places) {
        (StoredMut::F64(mut v), Indices::I32(i)) => multiply(py, &mut v, i, by_column, factor),
        (StoredMut::F32(mut v), Indices::I32(i)) => multiply(py, &mut v, i, by_column, factor),
        (StoredMut::F64(mut v), Indices::I64(i)) => multiply(py, &mut v, i, by_column, factor),
        (StoredMut::F32(mut v), Indices::I64(i)) => multiply(py, &mut v, i, by_column, factor),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(multiply_sparse_columns, m)?)?;
    m.add_function(wrap_pyfunction!(sparse_column_moments, m)?)
}
