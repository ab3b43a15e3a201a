//! Linear support vector machines.

use ferroflow_core::Exec;
use ferroflow_core::descent::dual::{Model, Problem};
use ferroflow_core::descent::{Dense, Rows};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::descent::loss;
use crate::door::enter;
use crate::logistic::gradient;
use crate::matrix::{Matrix, csr};

type Vector<'py> = PyReadonlyArray1<'py, f64>;
type Solved<'py> = (Bound<'py, PyArray1<f64>>, usize, bool);

/// What the estimators ask for, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    squared: bool,
    tube: Option<f64>,
    bias: f64,
    tol: f64,
    max_iter: usize,
    seed: u32,
    /// The class of each model, and the strengths of its rows and of the others.
    models: Vec<(f64, f64, f64)>,
}

fn solve<R: Rows<f64>>(
    py: Python<'_>,
    x: &R,
    y: &[f64],
    weights: Option<&[f64]>,
    options: &Options,
) -> PyResult<Vec<Model>> {
    if y.len() != x.rows() || u32::try_from(y.len()).is_err() || weights.is_some_and(|w| w.len() != y.len()) {
        return Err(PyValueError::new_err("targets or weights do not fit the rows"));
    }
    let one = |k: usize, exec: &Exec<'_>| {
        let (class, own, others) = options.models[k];
        let signs: Vec<f64> = y.iter().map(|&y| if y == class { 1.0 } else { -1.0 }).collect();
        let strengths: Vec<f64> = (0..y.len())
            .map(|i| weights.map_or(1.0, |w| w[i]) * if signs[i] > 0.0 { own } else { others })
            .collect();
        let problem = Problem {
            x,
            targets: if options.tube.is_some() { y } else { &signs },
            strengths: &strengths,
            squared: options.squared,
            tube: options.tube,
            bias: options.bias,
            tol: options.tol,
            max_iter: options.max_iter,
            seed: options.seed,
        };
        problem.minimise(exec)
    };
    enter(py, |exec| match options.models.len() {
        1 => Ok(vec![one(0, exec)?]),
        n => exec.map(n, |k| one(k, &Exec::serial()))?.into_iter().collect(),
    })
}

/// The dual problem's minima: for each model (its weights, that of the bias last; the passes made; whether they sufficed).
#[pyfunction]
#[pyo3(signature = (x, y, weights, options))]
fn svm_dual<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    y: Vector<'py>,
    weights: Option<Vector<'py>>,
    options: Options,
) -> PyResult<Vec<Solved<'py>>> {
    let y = y.as_slice()?;
    let weights = weights.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
    let models = match &x {
        Matrix::F64(x) => solve(py, &Dense::new(x.as_slice()?, x.shape()[1]), y, weights, &options)?,
        Matrix::Csr64(parts) => solve(py, &csr(parts)?, y, weights, &options)?,
        _ => return Err(PyTypeError::new_err("the rows are to be float64")),
    };
    Ok(models.into_iter().map(|m| (m.weights.into_pyarray(py), m.passes, m.converged)).collect())
}

/// (sum of weighted losses, its gradient) at `theta`: the weights, then the intercept. The loss is one of
/// `gradient_descent`'s, `shape` its number.
#[pyfunction]
#[pyo3(signature = (x, y, weights, theta, name, shape))]
fn loss_gradient<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    y: Vector<'py>,
    weights: Option<Vector<'py>>,
    theta: Vector<'py>,
    name: &str,
    shape: f64,
) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
    gradient(py, &x, &y, weights.as_ref(), 1, loss(name, shape)?, &theta)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(loss_gradient, m)?)?;
    m.add_function(wrap_pyfunction!(svm_dual, m)?)
}
