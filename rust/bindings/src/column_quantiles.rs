//! Exact quantiles of columns.

use ferroflow_core::apart::Apart;
use ferroflow_core::impute::Missing;
use ferroflow_core::moments_sparse::{Compressed, Index};
use ferroflow_core::quantile::{
    Quantiles, interpolate, middle, of_csc, quantiles, quantiles_of_columns, quantiles_of_rows, rank,
};
use ferroflow_core::{Error, Float};
use ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::{AnyView, FloatTable, TableView};
use crate::sparse_array::{Indices, Stored};

/// (median of each column, in its type; its quantiles, one row a fraction; was there an infinity; was there a column without
/// values)
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyArray2<f64>>, bool, bool);

/// The last fraction is the median's.
fn found<'py, T: Float + Element>(
    py: Python<'py>,
    found: Quantiles<T>,
    rows: usize,
    fractions: &[f64],
) -> Found<'py> {
    let columns = found.missing.len();
    let each = fractions.len();
    let n = |j: usize| rows - found.missing[j];
    let at = |j: usize, k: usize| found.pairs[j * each + k];
    let quantiles = Array2::from_shape_fn((each - 1, columns), |(k, j)| {
        interpolate(at(j, k), rank(n(j), fractions[k]).1)
    });
    let median: Vec<T> = (0..columns).map(|j| middle(at(j, each - 1), n(j))).collect();
    let empty = (0..columns).any(|j| n(j) == 0);
    (median.into_pyarray(py).into_any(), quantiles.into_pyarray(py), found.refused, empty)
}

fn of<'py, T: Float + Element>(
    py: Python<'py>,
    x: &TableView<'_, T>,
    fractions: &[f64],
) -> PyResult<Found<'py>> {
    let all = enter(py, |exec| match x {
        TableView::Whole(x) => quantiles(*x, Missing::Nan, fractions, exec),
        TableView::Columns(columns) => quantiles_of_columns(columns, Missing::Nan, fractions, exec),
    })?;
    Ok(found(py, all, x.dim().0, fractions))
}

/// Quantiles of each column without NaN, as NumPy interpolates linearly, and its median.
#[pyfunction]
fn column_quantiles<'py>(
    py: Python<'py>,
    x: FloatTable<'py>,
    mut fractions: Vec<f64>,
) -> PyResult<Found<'py>> {
    fractions.push(0.5);
    match x.view()? {
        AnyView::F64(x) => of(py, &x, &fractions),
        AnyView::F32(x) => of(py, &x, &fractions),
        AnyView::Other(x) => {
            let all = enter(py, |exec| quantiles_of_rows(&x, Missing::Nan, &fractions, exec))?;
            Ok(found(py, all, x.rows(), &fractions))
        }
        AnyView::Columns(columns) => {
            let all = enter(py, |exec| quantiles_of_columns(&columns, Missing::Nan, &fractions, exec))?;
            Ok(found(py, all, columns.first().map_or(0, Apart::len), &fractions))
        }
    }
}

fn of_sparse<'py, T: Float + Element, I: Index + Element>(
    py: Python<'py>,
    values: &PyReadonlyArray1<'_, T>,
    indices: &PyReadonlyArray1<'_, I>,
    pointers: &PyReadonlyArray1<'_, I>,
    (rows, columns): (usize, usize),
    fractions: &[f64],
) -> PyResult<Found<'py>> {
    let (values, indices, pointers) = (values.as_slice()?, indices.as_slice()?, pointers.as_slice()?);
    let all = enter(py, |exec| {
        if pointers.len() != columns + 1 {
            return Err(Error::Invalid("the parts of the sparse matrix do not fit its shape".into()));
        }
        of_csc(Compressed::new(values, indices, pointers, rows)?, fractions, exec)
    })?;
    Ok(found(py, all, rows, fractions))
}

/// As `column_quantiles`, of the parts of a CSC matrix of that shape.
#[pyfunction]
fn sparse_column_quantiles<'py>(
    py: Python<'py>,
    values: Stored<'py>,
    indices: Indices<'py>,
    pointers: Indices<'py>,
    shape: (usize, usize),
    mut fractions: Vec<f64>,
) -> PyResult<Found<'py>> {
    fractions.push(0.5);
    match (&values, &indices, &pointers) {
        (Stored::F64(v), Indices::I32(i), Indices::I32(p)) => of_sparse(py, v, i, p, shape, &fractions),
        (Stored::F32(v), Indices::I32(i), Indices::I32(p)) => of_sparse(py, v, i, p, shape, &fractions),
        (Stored::F64(v), Indices::I64(i), Indices::I64(p)) => of_sparse(py, v, i, p, shape, &fractions),
        (Stored::F32(v), Indices::I64(i), Indices::I64(p)) => of_sparse(py, v, i, p, shape, &fractions),
        _ => Err(PyTypeError::new_err("indices and pointers must be of one type")),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(column_quantiles, m)?)?;
    m.add_function(wrap_pyfunction!(sparse_column_quantiles, m)?)
}
