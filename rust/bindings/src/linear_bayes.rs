//! Bayesian ridge regression of one column of a table on others.

use ferroflow_core::Float;
use ferroflow_core::linear_bayes::{Bayes, Prior, fill, fit};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::FloatMatrix;

/// A 2-d float array of either type, to be changed in place.
#[derive(FromPyObject)]
enum FloatMatrixMut<'py> {
    /// float64
    F64(PyReadwriteArray2<'py, f64>),
    /// float32
    F32(PyReadwriteArray2<'py, f32>),
}

/// max_iter, tol, (alpha_1, alpha_2), (lambda_1, lambda_2), alpha_init, lambda_init
type Priors = (usize, f64, (f64, f64), (f64, f64), Option<f64>, Option<f64>);
type Learned<'py> =
    (Bound<'py, PyArray1<f64>>, f64, Bound<'py, PyArray1<f64>>, f64, f64, Bound<'py, PyArray1<f64>>, usize);

fn check(dim: (usize, usize), rows: usize, target: usize, inputs: &[usize]) -> PyResult<()> {
    if rows != dim.0 || target >= dim.1 || inputs.iter().any(|j| *j >= dim.1) {
        return Err(PyValueError::new_err("columns or rows that the table does not have"));
    }
    Ok(())
}

fn learn<T: Float>(
    py: Python<'_>,
    x: ArrayView2<'_, T>,
    left_out: ArrayView1<'_, bool>,
    target: usize,
    inputs: &[usize],
    prior: Prior,
) -> PyResult<Option<Bayes>> {
    check(x.dim(), left_out.len(), target, inputs)?;
    enter(py, |exec| fit(x, left_out, target, inputs, prior, exec))
}

/// (weights, intercept, means, alpha, lambda, covariance row by row, updates) of `BayesianRidge` for one column in the
/// rows that are not `left_out`; None if a value is not finite.
#[pyfunction]
fn bayesian_ridge<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    left_out: PyReadonlyArray1<'py, bool>,
    target: usize,
    inputs: Vec<usize>,
    priors: Priors,
) -> PyResult<Option<Learned<'py>>> {
    let (max_iter, tol, alpha, lambda, alpha_init, lambda_init) = priors;
    let prior = Prior { max_iter, tol, alpha, lambda, alpha_init, lambda_init };
    let left_out = left_out.as_array();
    let found = match &x {
        FloatMatrix::F64(x) => learn(py, x.as_array(), left_out, target, &inputs, prior)?,
        FloatMatrix::F32(x) => learn(py, x.as_array(), left_out, target, &inputs, prior)?,
    };
    Ok(found.map(|b| {
        let (coef, offset) = (b.coef.into_pyarray(py), b.offset.into_pyarray(py));
        (coef, b.intercept, offset, b.alpha, b.lambda, b.sigma.into_pyarray(py), b.n_iter)
    }))
}

struct Model<'a> {
    target: usize,
    inputs: &'a [usize],
    weights: (&'a [f64], f64),
    limits: (f64, f64),
}

fn put<T: Float>(
    py: Python<'_>,
    x: ArrayViewMut2<'_, T>,
    rows: ArrayView1<'_, bool>,
    model: &Model<'_>,
) -> PyResult<()> {
    check(x.dim(), rows.len(), model.target, model.inputs)?;
    enter(py, |_| {
        fill(x, rows, model.target, model.inputs, model.weights, model.limits);
        Ok(())
    })
}

/// Puts a linear model's predictions, kept within the limits, into some rows of the target's column.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "a table, its rows and columns, and a model")]
fn fill_linear<'py>(
    py: Python<'py>,
    x: FloatMatrixMut<'py>,
    rows: PyReadonlyArray1<'py, bool>,
    target: usize,
    inputs: Vec<usize>,
    coef: PyReadonlyArray1<'py, f64>,
    intercept: f64,
    limits: (f64, f64),
) -> PyResult<()> {
    let model = Model { target, inputs: &inputs, weights: (coef.as_slice()?, intercept), limits };
    match x {
        FloatMatrixMut::F64(mut x) => put(py, x.as_array_mut(), rows.as_array(), &model),
        FloatMatrixMut::F32(mut x) => put(py, x.as_array_mut(), rows.as_array(), &model),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bayesian_ridge, m)?)?;
    m.add_function(wrap_pyfunction!(fill_linear, m)?)
}
