//! Scores and probabilities of linear models.

use ferroflow_core::scores::{self, Linear, dense, probabilities, sparse};
use ferroflow_core::{Exec, Float, Result};
use numpy::{
    Element, PyArray2, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::matrix::{Matrix, csr};

type Model<'py, T> = (PyReadonlyArray2<'py, T>, PyReadonlyArray1<'py, T>);

fn filled<'py, T: Float + Element>(
    py: Python<'py>,
    rows: usize,
    columns: usize,
    model: &Model<'py, T>,
    f: impl FnOnce(Linear<'_, T>, &mut [T], &Exec<'_>) -> Result<()> + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let model = Linear { weights: model.0.as_slice()?, bias: model.1.as_slice()? };
    let outputs = model.bias.len();
    if columns == 0 || outputs == 0 || model.weights.len() != columns * outputs {
        return Err(PyValueError::new_err("the weights do not fit the columns"));
    }
    let out = PyArray2::<T>::zeros(py, [rows, outputs], false);
    // SAFETY: the array was just made, is C-contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    enter(py, |exec| f(model, values, exec))?;
    Ok(out.into_any())
}

/// x w' + b, one column per row of `weights`.
#[pyfunction]
fn linear_scores<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    weights: &Bound<'py, PyAny>,
    bias: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    macro_rules! dense_scores {
        ($x:expr) => {{
            let (view, model) = ($x.as_array(), (weights.extract()?, bias.extract()?));
            filled(py, view.nrows(), view.ncols(), &model, |model, out, exec| dense(view, model, out, exec))
        }};
    }
    macro_rules! sparse_scores {
        ($parts:expr) => {{
            let (view, model) = (csr($parts)?, (weights.extract()?, bias.extract()?));
            let (stored, rows, columns) = ($parts.0.len(), $parts.2.len().saturating_sub(1), $parts.3);
            filled(py, rows, columns, &model, |model, out, exec| {
                sparse(&view, columns, stored, model, out, exec)
            })
        }};
    }
    match &x {
        Matrix::F64(x) => dense_scores!(x),
        Matrix::F32(x) => dense_scores!(x),
        Matrix::Csr64(parts) => sparse_scores!(parts),
        Matrix::Csr32(parts) => sparse_scores!(parts),
    }
}

fn mapped<'py, T: Float + Element>(
    py: Python<'py>,
    scores: &PyReadonlyArrayDyn<'py, T>,
) -> PyResult<Bound<'py, PyAny>> {
    let shape = scores.shape();
    let outputs = if shape.len() > 1 { shape[1] } else { 1 };
    let scores = scores.as_slice()?;
    let rows = scores.len() / outputs.max(1);
    let out = PyArray2::<T>::zeros(py, [rows, outputs.max(2)], false);
    // SAFETY: the array was just made, is C-contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    enter(py, |exec| probabilities(scores, outputs, values, exec))?;
    Ok(out.into_any())
}

/// Probabilities of scores: of one score a row its sigmoid's two, of several their softmax.
#[pyfunction]
fn linear_probabilities<'py>(py: Python<'py>, scores: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(scores) = scores.cast::<PyArrayDyn<f32>>() {
        return mapped(py, &scores.readonly());
    }
    mapped(py, &scores.cast::<PyArrayDyn<f64>>()?.readonly())
}

/// e^x of each value in place.
#[pyfunction]
fn exponentials(py: Python<'_>, values: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(values) = values.cast::<PyArrayDyn<f32>>() {
        let mut values = values.try_readwrite()?;
        let values = values.as_slice_mut()?;
        return enter(py, |exec| scores::exponentials(values, exec));
    }
    let mut values = values.cast::<PyArrayDyn<f64>>()?.try_readwrite()?;
    let values = values.as_slice_mut()?;
    enter(py, |exec| scores::exponentials(values, exec))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(exponentials, m)?)?;
    m.add_function(wrap_pyfunction!(linear_scores, m)?)?;
    m.add_function(wrap_pyfunction!(linear_probabilities, m)?)
}
