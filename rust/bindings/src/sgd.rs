//! Linear models by scikit-learn's sequence of stochastic updates.

use std::sync::Mutex;

use ferroflow_core::Error;
use ferroflow_core::descent::Dense;
use ferroflow_core::random::Mt19937;
use ferroflow_core::sgd::{Epoch, Learner, Loss, Penalty, Rate, Rows, Settings, Steps, Targets, fit};
use numpy::{Element, IntoPyArray, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::{enter, enter_with};
use crate::matrix::{Matrix, csr};

/// What the estimators ask for, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    loss: String,
    epsilon: f64,
    penalty: String,
    alpha: f64,
    l1_ratio: f64,
    learning_rate: String,
    eta0: f64,
    power_t: f64,
    fit_intercept: bool,
    intercept_decay: f64,
    one_class: bool,
    average: f64,
    max_iter: usize,
    tol: f64,
    patience: usize,
    shuffle: bool,
    scored: bool,
    verbose: bool,
    n_jobs: Option<i64>,
}

impl Options {
    fn settings(&self) -> PyResult<Settings> {
        let loss = match self.loss.as_str() {
            "hinge" => Loss::Hinge(1.0),
            "perceptron" => Loss::Hinge(0.0),
            "squared_hinge" => Loss::SquaredHinge,
            "modified_huber" => Loss::ModifiedHuber,
            "log_loss" => Loss::Log,
            "squared_error" => Loss::Squared,
            "huber" => Loss::Huber(self.epsilon),
            "epsilon_insensitive" => Loss::Insensitive(self.epsilon),
            "squared_epsilon_insensitive" => Loss::SquaredInsensitive(self.epsilon),
            name => return Err(unknown("loss", name)),
        };
        let penalty = match self.penalty.as_str() {
            "none" => Penalty::None,
            "l2" => Penalty::L2,
            "l1" => Penalty::L1,
            "elasticnet" => Penalty::ElasticNet,
            name => return Err(unknown("penalty", name)),
        };
        let rate = match self.learning_rate.as_str() {
            "constant" => Rate::Constant,
            "optimal" => Rate::Optimal,
            "invscaling" => Rate::Invscaling(self.power_t),
            "adaptive" => Rate::Adaptive,
            "pa1" => Rate::Pa1,
            "pa2" => Rate::Pa2,
            name => return Err(unknown("learning_rate", name)),
        };
        Ok(Settings {
            loss,
            penalty,
            alpha: self.alpha,
            l1_ratio: self.l1_ratio,
            rate,
            eta0: self.eta0,
            intercept: self.fit_intercept,
            intercept_decay: self.intercept_decay,
            one_class: self.one_class,
            average: self.average,
            max_iter: self.max_iter,
            tol: self.tol,
            patience: self.patience,
            shuffle: self.shuffle,
            scored: self.scored,
            verbose: self.verbose,
        })
    }
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("{what} {name:?} is unknown"))
}

type Vector<'py, T> = PyReadonlyArray1<'py, T>;

/// Vectors of one entry a row.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct PerRow<'py> {
    /// Targets in the matrix's type, or the numbers of classes as int32.
    y: Bound<'py, PyAny>,
    weights: Option<Bound<'py, PyAny>>,
    held_out: Option<Vector<'py, bool>>,
}

/// Where the models stand: one entry a model, or one row of weights.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Start<'py> {
    coef: Bound<'py, PyAny>,
    intercept: Vec<f64>,
    averaged: Option<Bound<'py, PyAny>>,
    averaged_intercept: Vec<f64>,
    t: f64,
    seeds: Vec<u32>,
    class_weights: Vec<[f64; 2]>,
    /// The target of rows of other classes; targets are numbers of classes then.
    other: Option<f64>,
}

type After<'py> = (Bound<'py, PyAny>, Vec<f64>, Bound<'py, PyAny>, Vec<f64>, Vec<(usize, bool)>);

fn run<'py, T: Steps<R> + Element, R: Rows<T>>(
    py: Python<'py>,
    (x, columns): (&R, usize),
    per_row: &PerRow<'py>,
    start: &Start<'py>,
    options: &Options,
    watch: Option<&Bound<'py, PyAny>>,
) -> PyResult<After<'py>> {
    let settings = options.settings()?;
    let n = x.rows();
    let models = start.seeds.len();
    let coef: Vector<'py, T> = start.coef.extract()?;
    let averaged: Option<Vector<'py, T>> = start.averaged.as_ref().map(|a| a.extract()).transpose()?;
    let weights: Option<Vector<'py, T>> = per_row.weights.as_ref().map(|w| w.extract()).transpose()?;
    let targets: Option<Vector<'py, T>> =
        if start.other.is_none() { Some(per_row.y.extract()?) } else { None };
    let codes: Option<Vector<'py, i32>> =
        if start.other.is_some() { Some(per_row.y.extract()?) } else { None };
    let fits = coef.len() == models * columns
        && averaged.as_ref().map_or(settings.average == 0.0, |a| a.len() == coef.len())
        && [start.intercept.len(), start.averaged_intercept.len(), start.class_weights.len()] == [models; 3]
        && weights.as_ref().is_none_or(|w| w.len() == n)
        && per_row.held_out.as_ref().is_none_or(|h| h.len() == n)
        && targets.as_ref().is_none_or(|y| y.len() == n)
        && codes.as_ref().is_none_or(|y| y.len() == n)
        && columns > 0
        && i32::try_from(n).is_ok();
    if !fits {
        return Err(PyValueError::new_err("weights or targets do not fit the rows"));
    }
    let coef = coef.as_slice()?;
    let averaged = averaged.as_ref().map(|a| a.as_slice()).transpose()?;
    let mut learners = Vec::with_capacity(models);
    for k in 0..models {
        let part = k * columns..(k + 1) * columns;
        let y = match (&targets, &codes) {
            (Some(y), _) => Targets::Each(y.as_slice()?),
            (None, Some(codes)) => {
                Targets::Class(codes.as_slice()?, k as i32, T::from_f64(start.other.unwrap_or(-1.0)))
            }
            (None, None) => return Err(PyValueError::new_err("there are no targets")),
        };
        learners.push(Learner::new(
            y,
            start.class_weights[k],
            start.seeds[k],
            start.t,
            (coef[part.clone()].to_vec(), start.intercept[k]),
            (averaged.map_or_else(Vec::new, |a| a[part].to_vec()), start.averaged_intercept[k]),
        ));
    }
    let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
    // Weights of one are none.
    let weights = weights.filter(|w| w.iter().any(|w| *w != T::ONE));
    let held_out = per_row.held_out.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
    let raised: Mutex<Option<PyErr>> = Mutex::new(None);
    let watch = watch.map(|watch| watch.clone().unbind());
    let result = enter_with(py, options.n_jobs, |exec| {
        let mut tell = |number: usize, epoch: Option<&Epoch<'_, T>>| {
            let Some(watch) = &watch else { return Ok(0.0) };
            Python::attach(|py| {
                let found = epoch.map(|e| {
                    let weights = e.weights.to_vec().into_pyarray(py);
                    (weights, e.norm, e.intercept, e.updates, e.loss, e.objective)
                });
                watch.call1(py, (number, found)).and_then(|score| score.extract(py)).map_err(|error| {
                    if let Ok(mut raised) = raised.lock() {
                        *raised = Some(error);
                    }
                    Error::Interrupted
                })
            })
        };
        let tell: Option<ferroflow_core::sgd::Watch<'_, T>> =
            if watch.is_some() { Some(&mut tell) } else { None };
        fit(x, weights, held_out, &settings, &mut learners, exec, tell)
    });
    if let Some(error) = raised.into_inner().ok().flatten() {
        return Err(error);
    }
    let epochs = result?;
    let (mut coef, mut averaged) = (Vec::with_capacity(models * columns), Vec::new());
    let (mut intercept, mut averaged_intercept) = (Vec::new(), Vec::new());
    for learner in learners {
        let ((w, b), (aw, ab)) = learner.model();
        coef.extend(w);
        averaged.extend(aw);
        intercept.push(b);
        averaged_intercept.push(ab);
    }
    let vector = |values: Vec<T>| values.into_pyarray(py).into_any();
    Ok((vector(coef), intercept, vector(averaged), averaged_intercept, epochs))
}

/// (weights one model after the other, intercepts, their averages, (epochs, stopped by itself) of each).
///
/// `watch(epoch, None)` is called before an epoch and `watch(epoch, (weights without their scale, norm, intercept,
/// updates, mean loss, mean objective))` after it, which returns the score to stop by.
#[pyfunction]
#[pyo3(signature = (x, per_row, start, options, watch=None))]
fn sgd<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    per_row: PerRow<'py>,
    start: Start<'py>,
    options: Options,
    watch: Option<&Bound<'py, PyAny>>,
) -> PyResult<After<'py>> {
    match &x {
        Matrix::F64(x) => {
            let columns = x.shape()[1];
            run(py, (&Dense::new(x.as_slice()?, columns), columns), &per_row, &start, &options, watch)
        }
        Matrix::F32(x) => {
            let columns = x.shape()[1];
            run(py, (&Dense::new(x.as_slice()?, columns), columns), &per_row, &start, &options, watch)
        }
        Matrix::Csr64(parts) => run(py, (&csr(parts)?, parts.3), &per_row, &start, &options, watch),
        Matrix::Csr32(parts) => run(py, (&csr(parts)?, parts.3), &per_row, &start, &options, watch),
    }
}

/// The second of the two numbers that `RandomState(random_state)` gives to a classifier: `randint(1, 2**31 - 1)`, then
/// `randint(2**31 - 1)`.
#[pyfunction]
fn sgd_seed(py: Python<'_>, random_state: u32) -> PyResult<u32> {
    enter(py, |_| {
        let mut stream = Mt19937::new(random_state);
        stream.interval(i32::MAX as u32 - 2);
        Ok(stream.interval(i32::MAX as u32 - 1))
    })
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(sgd_seed, m)?)?;
    m.add_function(wrap_pyfunction!(sgd, m)?)
}
