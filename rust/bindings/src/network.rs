//! The steps of a neural network's training beside its products.

use ferroflow_core::activation::Activation;
use ferroflow_core::layer::{self, Layer};
use ferroflow_core::network::{
    self, Loss, Parameter, Rule, Step, classification, regression, through_activation,
};
use ferroflow_core::{Exec, Float, Result};
use numpy::{
    Element, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn,
    PyReadwriteArray1, PyReadwriteArray2, PyReadwriteArrayDyn, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::FloatMatrixMut;
use crate::matrix::{Matrix, csr};

/// Calls a function that is generic over the float type for the type of a matrix.
macro_rules! by_type {
    ($matrix:expr, $f:ident($($argument:expr),*)) => {
        match $matrix {
            FloatMatrixMut::F64(matrix) => $f(matrix, $($argument),*),
            FloatMatrixMut::F32(matrix) => $f(matrix, $($argument),*),
        }
    };
}

fn named(activation: &str) -> PyResult<Activation> {
    Activation::named(activation)
        .ok_or_else(|| PyValueError::new_err(format!("activation {activation:?} is unknown")))
}

fn misfit() -> PyErr {
    PyValueError::new_err("the arrays of a network do not fit each other")
}

/// Adds the biases to the sums of a layer, in place; then, `then`: "relu" takes what is positive, "softmax" takes each row's
/// largest value away, to be followed by `exp`.
#[pyfunction]
fn network_bias(py: Python<'_>, z: FloatMatrixMut<'_>, bias: &Bound<'_, PyAny>, then: &str) -> PyResult<()> {
    fn of<T: Float + Element>(
        mut z: PyReadwriteArray2<'_, T>,
        py: Python<'_>,
        bias: &Bound<'_, PyAny>,
        then: &str,
    ) -> PyResult<()> {
        let bias: PyReadonlyArray1<'_, T> = bias.extract()?;
        let (width, bias) = (z.shape()[1], bias.as_slice()?);
        if bias.len() != width {
            return Err(misfit());
        }
        let z = z.as_slice_mut()?;
        enter(py, |_| {
            match then {
                "softmax" => network::below_largest(z, bias),
                then => network::add_bias(z, bias, then == "relu"),
            }
            Ok(())
        })
    }
    by_type!(z, of(py, bias, then))
}

/// Multiplies `delta` by the derivative of an activation whose values are `z`, in place, and writes the columns' sums.
#[pyfunction]
fn network_delta(
    py: Python<'_>,
    activation: &str,
    delta: FloatMatrixMut<'_>,
    z: &Bound<'_, PyAny>,
    sums: &Bound<'_, PyAny>,
) -> PyResult<()> {
    fn of<T: Float + Element>(
        mut delta: PyReadwriteArray2<'_, T>,
        py: Python<'_>,
        activation: Activation,
        z: &Bound<'_, PyAny>,
        sums: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (z, mut sums): (Option<PyReadonlyArray2<'_, T>>, PyReadwriteArray1<'_, T>) =
            (z.extract()?, sums.extract()?);
        let z = z.as_ref().map(|z| z.as_slice()).transpose()?;
        let width = delta.shape()[1];
        let (delta, sums) = (delta.as_slice_mut()?, sums.as_slice_mut()?);
        let z = z.unwrap_or(&[]);
        if sums.len() != width || (activation != Activation::Identity && z.len() != delta.len()) {
            return Err(misfit());
        }
        enter(py, |_| {
            through_activation(activation, z, delta, sums);
            Ok(())
        })
    }
    let activation = named(activation)?;
    by_type!(delta, of(py, activation, z, sums))
}

/// The mean loss of predictions, which become its gradient, in place.
#[pyfunction]
fn network_loss(
    py: Python<'_>,
    loss: &str,
    out: FloatMatrixMut<'_>,
    y: &Bound<'_, PyAny>,
    weights: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<f64> {
    fn of<T: Float + Element>(
        mut out: PyReadwriteArray2<'_, T>,
        py: Python<'_>,
        loss: &str,
        y: &Bound<'_, PyAny>,
        weights: Option<&[f64]>,
    ) -> PyResult<f64> {
        let (rows, width) = (out.shape()[0], out.shape()[1]);
        let out = out.as_slice_mut()?;
        let fits = |n: usize| n == rows * width && weights.is_none_or(|w| w.len() == rows);
        match loss {
            "softmax" | "logistic" => {
                let y: PyReadonlyArray2<'_, bool> = y.extract()?;
                let y = y.as_slice()?;
                if !fits(y.len()) {
                    return Err(misfit());
                }
                enter(py, |_| Ok(classification(loss == "softmax", y, out, width, weights)))
            }
            name => {
                let loss = if name == "poisson" { Loss::Poisson } else { Loss::Squared };
                let y: PyReadonlyArray2<'_, T> = y.extract()?;
                let y = y.as_slice()?;
                if !fits(y.len()) {
                    return Err(misfit());
                }
                enter(py, |_| Ok(regression(loss, y, out, width, weights)))
            }
        }
    }
    let weights = weights.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
    by_type!(out, of(py, loss, y, weights))
}

/// f(x W + b) of rows, in the order of sums that frozen models have.
#[pyfunction]
fn network_layer<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    weights: &Bound<'py, PyAny>,
    bias: &Bound<'py, PyAny>,
    activation: &str,
) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Float + Element>(
        py: Python<'py>,
        (rows, columns): (usize, usize),
        (weights, bias): (&Bound<'py, PyAny>, &Bound<'py, PyAny>),
        activation: Activation,
        f: impl FnOnce(Layer<'_, T>, &mut [T], &Exec<'_>) -> Result<()> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (weights, bias): (PyReadonlyArray2<'_, T>, PyReadonlyArray1<'_, T>) =
            (weights.extract()?, bias.extract()?);
        let layer = Layer { weights: weights.as_slice()?, bias: bias.as_slice()?, activation };
        let outputs = layer.bias.len();
        if columns == 0 || outputs == 0 || layer.weights.len() != columns * outputs {
            return Err(misfit());
        }
        let out = PyArray2::<T>::zeros(py, [rows, outputs], false);
        // SAFETY: the array was just made, is C-contiguous, and this is its only reference.
        let values = unsafe { out.as_slice_mut()? };
        enter(py, |exec| f(layer, values, exec))?;
        Ok(out.into_any())
    }
    let (model, activation) = ((weights, bias), named(activation)?);
    macro_rules! dense {
        ($x:expr, $width:literal) => {{
            let view = $x.as_array();
            of(py, view.dim(), model, activation, |layer, out, exec| {
                layer::dense::<_, $width>(view, layer, out, exec)
            })
        }};
    }
    macro_rules! sparse {
        ($parts:expr) => {{
            let (view, stored) = (csr($parts)?, $parts.0.len());
            let shape = ($parts.2.len().saturating_sub(1), $parts.3);
            of(py, shape, model, activation, |layer, out, exec| {
                layer::sparse(&view, stored, layer, out, exec)
            })
        }};
    }
    match &x {
        Matrix::F64(x) => dense!(x, 8),
        Matrix::F32(x) => dense!(x, 16),
        Matrix::Csr64(parts) => sparse!(parts),
        Matrix::Csr32(parts) => sparse!(parts),
    }
}

/// The arrays of all parameters: themselves, gradients, and the two memories of the rule (for sgd no second).
type Arrays<'py, T> = (
    Vec<PyReadwriteArrayDyn<'py, T>>,
    Vec<PyReadonlyArrayDyn<'py, T>>,
    Vec<PyReadwriteArrayDyn<'py, T>>,
    Vec<PyReadwriteArrayDyn<'py, T>>,
);

fn take<T: Float + Element>(
    py: Python<'_>,
    (weights, gradients, first, second): &mut Arrays<'_, T>,
    penalised: usize,
    step: &Step,
) -> PyResult<f64> {
    let adam = matches!(step.rule, Rule::Adam { .. });
    let n = weights.len();
    if gradients.len() != n || first.len() != n || (adam && second.len() != n) {
        return Err(misfit());
    }
    let mut parameters = Vec::with_capacity(n);
    let mut second = second.iter_mut();
    for (i, ((w, g), first)) in weights.iter_mut().zip(&*gradients).zip(&mut *first).enumerate() {
        let (w, g, first) = (w.as_slice_mut()?, g.as_slice()?, first.as_slice_mut()?);
        let second = match second.next() {
            Some(second) if adam => second.as_slice_mut()?,
            _ => &mut [],
        };
        if g.len() != w.len() || first.len() != w.len() || (adam && second.len() != w.len()) {
            return Err(misfit());
        }
        parameters.push(Parameter { w, g, first, second, penalised: i < penalised });
    }
    enter(py, |exec| network::update(parameters, step, exec))
}

/// What a step is made by: rate, alpha, shrinkage, weight of the rows; momentum and whether it is Nesterov's, or Adam's betas
/// and epsilon.
#[derive(FromPyObject)]
enum How {
    Sgd((f64, f64, f64, f64), (f64, bool)),
    Adam((f64, f64, f64, f64), (f64, f64, f64)),
}

impl How {
    fn step(&self) -> Step {
        let (&(eta, alpha, shrink, rows), rule) = match self {
            Self::Sgd(common, (momentum, nesterov)) => {
                (common, Rule::Sgd { momentum: *momentum, nesterov: *nesterov })
            }
            Self::Adam(common, (beta_1, beta_2, epsilon)) => {
                (common, Rule::Adam { beta_1: *beta_1, beta_2: *beta_2, epsilon: *epsilon })
            }
        };
        Step { rule, eta, alpha, shrink, rows }
    }
}

/// Takes a step, in place; returns the sum of squares of the first `penalised` arrays before it.
#[pyfunction]
fn network_update(py: Python<'_>, arrays: &Bound<'_, PyAny>, penalised: usize, how: How) -> PyResult<f64> {
    let step = how.step();
    if let Ok(mut arrays) = arrays.extract::<Arrays<'_, f64>>() {
        return take(py, &mut arrays, penalised, &step);
    }
    take(py, &mut arrays.extract::<Arrays<'_, f32>>()?, penalised, &step)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(network_bias, m)?)?;
    m.add_function(wrap_pyfunction!(network_delta, m)?)?;
    m.add_function(wrap_pyfunction!(network_layer, m)?)?;
    m.add_function(wrap_pyfunction!(network_loss, m)?)?;
    m.add_function(wrap_pyfunction!(network_update, m)?)
}
