//! Sums of products of columns, and what least squares makes of them.

use ferroflow_core::Float;
use ferroflow_core::coordinate::{Problem, descend};
use ferroflow_core::gram::{Gram, Rows, normal_residual};
use ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::FloatMatrix;

type Weights<'py> = Option<PyReadonlyArray1<'py, f64>>;
/// Weight, means, products.
type State<'py> = (f64, PyReadonlyArray1<'py, f64>, PyReadonlyArray2<'py, f64>);
type Descended<'py> = (Bound<'py, PyArray1<f64>>, f64, f64, usize, bool);
type Learned<'py> = (f64, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

fn from_python((weight, mean, products): &State<'_>) -> PyResult<Gram> {
    let (mean, products) = (mean.as_slice()?.to_vec(), products.as_slice()?.to_vec());
    if products.len() != mean.len() * mean.len() {
        return Err(PyValueError::new_err("as many means are needed as columns of products"));
    }
    Ok(Gram { weight: *weight, mean, products })
}

fn to_python(py: Python<'_>, mut gram: Gram) -> PyResult<Learned<'_>> {
    gram.mirror();
    let width = gram.mean.len();
    let products = Array2::from_shape_vec((width, width), gram.products)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((gram.weight, gram.mean.into_pyarray(py), products.into_pyarray(py)))
}

fn rows<'a, T: Float + Element>(
    x: &'a PyReadonlyArray2<'_, T>,
    y: &'a PyReadonlyArray2<'_, T>,
    weights: &'a Weights<'_>,
) -> PyResult<Rows<'a, T>> {
    let rows =
        Rows { x: x.as_array(), y: y.as_array(), weights: weights.as_ref().map(PyReadonlyArray1::as_array) };
    let n = rows.x.nrows();
    if rows.y.nrows() != n || rows.weights.is_some_and(|w| w.len() != n) {
        return Err(PyValueError::new_err("inputs, targets and weights differ in their number of rows"));
    }
    Ok(rows)
}

/// (weight, means, centred products) of the columns of `x` and `y` side by side, merged with what was `before`.
#[pyfunction]
#[pyo3(signature = (x, y, weights=None, before=None))]
fn column_products<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    y: FloatMatrix<'py>,
    weights: Weights<'py>,
    before: Option<State<'py>>,
) -> PyResult<Learned<'py>> {
    let start = |width| before.as_ref().map_or_else(|| Ok(Gram::new(width)), from_python);
    fn take_in<T: Float>(py: Python<'_>, rows: Rows<'_, T>, mut gram: Gram) -> PyResult<Gram> {
        if gram.mean.len() != rows.x.ncols() + rows.y.ncols() {
            return Err(PyValueError::new_err("the number of columns has changed"));
        }
        enter(py, |exec| gram.update(rows, exec).map(|()| gram))
    }
    let gram = match (&x, &y) {
        (FloatMatrix::F64(x), FloatMatrix::F64(y)) => {
            let rows = rows(x, y, &weights)?;
            take_in(py, rows, start(rows.x.ncols() + rows.y.ncols())?)?
        }
        (FloatMatrix::F32(x), FloatMatrix::F32(y)) => {
            let rows = rows(x, y, &weights)?;
            take_in(py, rows, start(rows.x.ncols() + rows.y.ncols())?)?
        }
        _ => return Err(PyTypeError::new_err("inputs and targets must be of one type")),
    };
    to_python(py, gram)
}

/// The state of the rows of both.
#[pyfunction]
fn merge_products<'py>(py: Python<'py>, a: State<'py>, b: State<'py>) -> PyResult<Learned<'py>> {
    let (mut gram, other) = (from_python(&a)?, from_python(&b)?);
    if gram.mean.len() != other.mean.len() {
        return Err(PyValueError::new_err("the numbers of columns differ"));
    }
    gram.merge(&other);
    to_python(py, gram)
}

/// `X' W (Y - X B)` of deviations from `mean`, of shape (inputs, targets).
#[pyfunction]
#[pyo3(name = "normal_residual", signature = (x, y, weights, mean, coef))]
fn residual<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    y: FloatMatrix<'py>,
    weights: Weights<'py>,
    mean: PyReadonlyArray1<'py, f64>,
    coef: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (mean, coef) = (mean.as_slice()?, coef.as_array());
    fn of<T: Float>(
        py: Python<'_>,
        rows: Rows<'_, T>,
        mean: &[f64],
        coef: ndarray::ArrayView2<'_, f64>,
    ) -> PyResult<Vec<f64>> {
        if coef.dim() != (rows.x.ncols(), rows.y.ncols()) || mean.len() != rows.x.ncols() + rows.y.ncols() {
            return Err(PyValueError::new_err("coefficients or means do not fit the columns"));
        }
        enter(py, |exec| normal_residual(rows, mean, coef, exec))
    }
    let out = match (&x, &y) {
        (FloatMatrix::F64(x), FloatMatrix::F64(y)) => of(py, rows(x, y, &weights)?, mean, coef)?,
        (FloatMatrix::F32(x), FloatMatrix::F32(y)) => of(py, rows(x, y, &weights)?, mean, coef)?,
        _ => return Err(PyTypeError::new_err("inputs and targets must be of one type")),
    };
    let out =
        Array2::from_shape_vec(coef.dim(), out).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(out.into_pyarray(py))
}

/// (weights, duality gap, what it was to be below, passes, converged?) of the elastic net whose squares are `square`:
/// `X'X`, `X'y` and `y'y`; `l1`, `l2`; from `start`.
#[pyfunction]
#[pyo3(signature = (square, l1, l2, positive, tol, max_iter, random, start))]
#[expect(clippy::too_many_arguments, reason = "one call a fit, made in one place")]
fn coordinate_descent<'py>(
    py: Python<'py>,
    square: (PyReadonlyArray2<'py, f64>, PyReadonlyArray1<'py, f64>, f64),
    l1: f64,
    l2: f64,
    positive: bool,
    tol: f64,
    max_iter: usize,
    random: Option<u32>,
    start: PyReadonlyArray1<'py, f64>,
) -> PyResult<Descended<'py>> {
    let (products, target) = (square.0.as_slice()?, square.1.as_slice()?);
    let mut w = start.as_slice()?.to_vec();
    if products.len() != w.len() * w.len() || target.len() != w.len() {
        return Err(PyValueError::new_err("products, targets and weights differ in their number of columns"));
    }
    let problem =
        Problem { products, target, target_square: square.2, l1, l2, positive, tol, max_iter, random };
    let end = enter(py, |exec| descend(problem, &mut w, exec))?;
    Ok((w.into_pyarray(py), end.gap, end.tolerance, end.passes, end.converged))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(column_products, m)?)?;
    m.add_function(wrap_pyfunction!(merge_products, m)?)?;
    m.add_function(wrap_pyfunction!(coordinate_descent, m)?)?;
    m.add_function(wrap_pyfunction!(residual, m)?)
}
