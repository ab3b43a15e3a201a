//! The loss of all rows and its gradient, in one pass.

use ferroflow_core::descent::gradient::{Scratch, batch};
use ferroflow_core::descent::{Dense, Loss, Problem, Rows};
use ferroflow_core::{Exec, Float, Result};
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::matrix::{Matrix, csr};

type Vector<'py> = PyReadonlyArray1<'py, f64>;

fn pass<T: Float + Element, R: Rows<T>>(
    x: &R,
    y: &[f64],
    weights: Option<&[f64]>,
    outputs: usize,
    loss: Loss,
    theta: &[f64],
    exec: &Exec<'_>,
) -> Result<(f64, Vec<f64>)> {
    let ids: Vec<u32> = (0..).take(x.rows()).collect();
    let problem = Problem { x, y, weights, outputs, loss, l2: 0.0, l1: 0.0, intercept: true };
    let theta: Vec<T> = theta.iter().map(|&t| T::from_f64(t)).collect();
    let mut scratch = Scratch::new(theta.len(), outputs);
    let total = batch(&problem, &ids, &[], &theta, &mut scratch, exec)?;
    let n: f64 = ids.len() as f64;
    Ok((total, scratch.gradient.iter().map(|g| n * Float::to_f64(*g)).collect()))
}

/// (sum of weighted losses, its gradient) at `theta`: the weights of each output, then the intercepts.
pub fn gradient<'py>(
    py: Python<'py>,
    x: &Matrix<'py>,
    y: &Vector<'py>,
    weights: Option<&Vector<'py>>,
    outputs: usize,
    loss: Loss,
    theta: &Vector<'py>,
) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
    let (y, theta) = (y.as_slice()?, theta.as_slice()?);
    let weights = weights.map(PyReadonlyArray1::as_slice).transpose()?;
    let check = |rows: usize, columns: usize| {
        let fits = y.len() == rows && weights.is_none_or(|w| w.len() == rows) && rows > 0;
        let classes = outputs == 1 || y.iter().all(|&y| y >= 0.0 && (y as usize) < outputs);
        if fits && classes && u32::try_from(rows).is_ok() && theta.len() == outputs * (columns + 1) {
            return Ok(());
        }
        Err(PyValueError::new_err("targets, weights or parameters do not fit the rows"))
    };
    macro_rules! dense {
        ($x:expr) => {{
            let rows = Dense::new($x.as_slice()?, $x.shape()[1]);
            check($x.shape()[0], $x.shape()[1])?;
            enter(py, |exec| pass(&rows, y, weights, outputs, loss, theta, exec))?
        }};
    }
    macro_rules! sparse {
        ($parts:expr) => {{
            let rows = csr($parts)?;
            check(rows.rows(), rows.columns())?;
            enter(py, |exec| pass(&rows, y, weights, outputs, loss, theta, exec))?
        }};
    }
    let (total, gradient) = match x {
        Matrix::F64(x) => dense!(x),
        Matrix::F32(x) => dense!(x),
        Matrix::Csr64(parts) => sparse!(parts),
        Matrix::Csr32(parts) => sparse!(parts),
    };
    Ok((total, gradient.into_pyarray(py)))
}

/// [`gradient`] of the logistic loss; `y` is -1 or 1 for one output, the class's number for several.
#[pyfunction]
#[pyo3(signature = (x, y, weights, outputs, theta))]
fn logistic_gradient<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    y: Vector<'py>,
    weights: Option<Vector<'py>>,
    outputs: usize,
    theta: Vector<'py>,
) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
    let loss = if outputs > 1 { Loss::Softmax } else { Loss::Log };
    gradient(py, &x, &y, weights.as_ref(), outputs, loss, &theta)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(logistic_gradient, m)?)
}
