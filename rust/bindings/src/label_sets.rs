//! Rows of several labels.

use ferroflow_core::encode::rows_of_sets;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;

type Ints<'py> = Bound<'py, PyArray1<i32>>;

/// The CSR parts (indices, indptr) of rows whose labels' numbers follow each other in `numbers`, `lens[i]` in row i.
#[pyfunction]
fn label_sets<'py>(
    py: Python<'py>,
    numbers: PyReadonlyArray1<'py, u32>,
    lens: PyReadonlyArray1<'py, i64>,
) -> PyResult<(Ints<'py>, Ints<'py>)> {
    let (numbers, lens) = (numbers.as_slice()?, lens.as_slice()?);
    if numbers.len() > i32::MAX as usize {
        return Err(PyValueError::new_err("more labels than an int32 can number"));
    }
    let lens = lens.iter().map(|&len| usize::try_from(len).unwrap_or(0));
    let (indices, indptr) = enter(py, |_| Ok(rows_of_sets(numbers, lens)))?;
    Ok((indices.into_pyarray(py), indptr.into_pyarray(py)))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(label_sets, m)?)
}
