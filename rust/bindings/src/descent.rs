//! Linear models by gradient descent.

use std::sync::Mutex;

use ferroflow_core::descent::{
    Average, Dense, Epoch, Loss, Optimizer, Outcome, Problem, Rare, Rows, Rule, Schedule, Settings, State,
    fit,
};
use ferroflow_core::random::Mt19937;
use ferroflow_core::{Error, Float};
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::matrix::{Matrix, csr};

/// What the estimators ask for, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    loss: String,
    /// Delta, epsilon or the quantile, of losses that have one.
    shape: f64,
    outputs: usize,
    l2: f64,
    l1: f64,
    intercept: bool,
    batch: usize,
    max_iter: usize,
    tol: Option<f64>,
    patience: usize,
    shuffle: bool,
    seed: u32,
    optimizer: String,
    momentum: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    schedule: String,
    power_t: f64,
    t0: f64,
    alpha: f64,
    span: f64,
    every: f64,
    gamma: f64,
    eta0: Option<f64>,
    average: Option<u64>,
    clip: Option<f64>,
}

impl Options {
    fn settings(&self) -> PyResult<Settings> {
        let rule = match self.optimizer.as_str() {
            "sgd" => Rule::Sgd,
            "momentum" => Rule::Momentum,
            "nesterov" => Rule::Nesterov,
            "adagrad" => Rule::Adagrad,
            "rmsprop" => Rule::Rmsprop,
            "adam" => Rule::Adam,
            "adamw" => Rule::Adamw,
            name => return Err(unknown("optimizer", name)),
        };
        let schedule = match self.schedule.as_str() {
            "constant" => Schedule::Constant,
            "optimal" => Schedule::Optimal { alpha: self.alpha, t0: self.t0 },
            "invscaling" => Schedule::Invscaling(self.power_t),
            "adaptive" => Schedule::Adaptive,
            "step" => Schedule::Step { every: self.every, gamma: self.gamma },
            "cosine" => Schedule::Cosine { span: self.span },
            "one_cycle" => Schedule::OneCycle { span: self.span },
            name => return Err(unknown("learning_rate", name)),
        };
        let Self { momentum, beta_1, beta_2, epsilon, .. } = *self;
        Ok(Settings {
            batch: self.batch,
            max_iter: self.max_iter,
            tol: self.tol,
            patience: self.patience,
            shuffle: self.shuffle,
            seed: self.seed,
            optimizer: Optimizer { rule, momentum, beta_1, beta_2, epsilon },
            schedule,
            eta0: self.eta0,
            average: self.average,
            clip: self.clip,
        })
    }
}

/// The loss of that name, with its number if it has one.
pub fn loss(name: &str, shape: f64) -> PyResult<Loss> {
    Ok(match name {
        "log_loss" => Loss::Log,
        "softmax" => Loss::Softmax,
        "hinge" => Loss::Hinge(1.0),
        "perceptron" => Loss::Hinge(0.0),
        "squared_error" => Loss::Squared,
        "huber" => Loss::Huber(shape),
        "squared_hinge" => Loss::Rare(Rare::SquaredHinge),
        "modified_huber" => Loss::Rare(Rare::ModifiedHuber),
        "epsilon_insensitive" => Loss::Rare(Rare::Insensitive(shape)),
        "squared_epsilon_insensitive" => Loss::Rare(Rare::SquaredInsensitive(shape)),
        "quantile" => Loss::Rare(Rare::Quantile(shape)),
        "poisson" => Loss::Rare(Rare::Poisson),
        "tweedie" => Loss::Rare(Rare::Tweedie(shape)),
        name => return Err(unknown("loss", name)),
    })
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("{what} {name:?} is unknown"))
}

type Vector<'py, T> = PyReadonlyArray1<'py, T>;

/// Where an earlier call ended.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Before<'py, T: Element> {
    theta: Vector<'py, T>,
    first: Vector<'py, T>,
    second: Vector<'py, T>,
    updates: u64,
    eta: f64,
    mean: Vector<'py, f64>,
    averaged: u64,
}

/// Where this call ended.
#[derive(IntoPyObject)]
struct After<'py> {
    theta: Bound<'py, PyAny>,
    first: Bound<'py, PyAny>,
    second: Bound<'py, PyAny>,
    updates: u64,
    eta: f64,
    mean: Bound<'py, PyArray1<f64>>,
    averaged: u64,
}

/// What it found.
#[derive(IntoPyObject)]
struct Found<'py> {
    theta: Bound<'py, PyAny>,
    losses: Vec<f64>,
    validation: Vec<f64>,
    converged: bool,
    diverged: Option<f64>,
    column_sizes: Bound<'py, PyArray1<f64>>,
    state: After<'py>,
}

/// The vectors that go with the rows.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Targets<'py> {
    y: Vector<'py, f64>,
    weights: Option<Vector<'py, f64>>,
    train: Vector<'py, u32>,
    validation: Vector<'py, u32>,
}

impl Targets<'_> {
    /// Does everything fit `rows` rows and `outputs` classes?
    fn check(&self, rows: usize, outputs: usize) -> PyResult<()> {
        let y = self.y.as_slice()?;
        let lengths = y.len() == rows && self.weights.as_ref().is_none_or(|w| w.len() == rows);
        let within = |ids: &[u32]| ids.iter().all(|&i| (i as usize) < rows);
        let ids = within(self.train.as_slice()?) && within(self.validation.as_slice()?);
        let classes = outputs == 1 || y.iter().all(|&y| y >= 0.0 && (y as usize) < outputs);
        if lengths && ids && classes && self.train.len() > 0 {
            return Ok(());
        }
        Err(PyValueError::new_err("targets, weights or row numbers do not fit the rows"))
    }
}

fn run<'py, T: Float + Element, R: Rows<T>>(
    py: Python<'py>,
    x: &R,
    targets: &Targets<'py>,
    options: &Options,
    before: &Before<'py, T>,
    report: Option<&Bound<'py, PyAny>>,
) -> PyResult<Found<'py>> {
    targets.check(x.rows(), options.outputs)?;
    let mut state = State {
        theta: before.theta.as_slice()?.to_vec(),
        first: before.first.as_slice()?.to_vec(),
        second: before.second.as_slice()?.to_vec(),
        updates: before.updates,
        eta: before.eta,
        average: Average { mean: before.mean.as_slice()?.to_vec(), count: before.averaged },
    };
    if options.outputs == 0 || state.theta.len() != options.outputs * (x.columns() + 1) {
        return Err(PyValueError::new_err("the parameters do not fit the columns"));
    }
    let settings = options.settings()?;
    let problem = Problem {
        x,
        y: targets.y.as_slice()?,
        weights: targets.weights.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
        outputs: options.outputs,
        loss: loss(&options.loss, options.shape)?,
        l2: options.l2,
        l1: options.l1,
        intercept: options.intercept,
    };
    let (train, validation) = (targets.train.as_slice()?, targets.validation.as_slice()?);
    let raised: Mutex<Option<PyErr>> = Mutex::new(None);
    let report = report.map(|report| report.clone().unbind());
    let result = enter(py, |exec| {
        let mut tell = |epoch: &Epoch<'_, T>| {
            let Some(report) = &report else { return Ok(false) };
            let theta: Vec<f64> = epoch.theta.iter().map(|w| w.to_f64()).collect();
            Python::attach(|py| {
                let Epoch { number, loss, validation, rate, updates, .. } = *epoch;
                let arguments = (number, loss, validation, rate, updates, theta.into_pyarray(py));
                report.call1(py, arguments).and_then(|end| end.extract(py)).map_err(|error| {
                    if let Ok(mut raised) = raised.lock() {
                        *raised = Some(error);
                    }
                    Error::Interrupted
                })
            })
        };
        let tell: Option<ferroflow_core::descent::Report<'_, T>> =
            if report.is_some() { Some(&mut tell) } else { None };
        fit(&problem, train, validation, &settings, &mut state, exec, tell)
    });
    if let Some(error) = raised.into_inner().ok().flatten() {
        return Err(error);
    }
    Ok(found(py, result?, state))
}

/// What a fit found, and where it ended.
fn found<T: Float + Element>(py: Python<'_>, outcome: Outcome<T>, state: State<T>) -> Found<'_> {
    let array = |values: Vec<T>| values.into_pyarray(py).into_any();
    Found {
        theta: array(outcome.theta),
        losses: outcome.losses,
        validation: outcome.validation,
        converged: outcome.converged,
        diverged: outcome.diverged,
        column_sizes: outcome.column_sizes.into_pyarray(py),
        state: After {
            theta: array(state.theta),
            first: array(state.first),
            second: array(state.second),
            updates: state.updates,
            eta: state.eta,
            mean: state.average.mean.into_pyarray(py),
            averaged: state.average.count,
        },
    }
}

/// The result (weights, then intercepts), the epochs' losses, and where the fit ended, to go on from.
///
/// `report` is called after each epoch with its number, loss, validation loss, rate, updates and weights, and returns
/// whether to end.
#[pyfunction]
#[pyo3(signature = (x, targets, options, state, report=None))]
fn gradient_descent<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    targets: Targets<'py>,
    options: Options,
    state: &Bound<'py, PyAny>,
    report: Option<&Bound<'py, PyAny>>,
) -> PyResult<Found<'py>> {
    match &x {
        Matrix::F64(x) => {
            let rows = Dense::new(x.as_slice()?, x.shape()[1]);
            run(py, &rows, &targets, &options, &state.extract()?, report)
        }
        Matrix::F32(x) => {
            let rows = Dense::new(x.as_slice()?, x.shape()[1]);
            run(py, &rows, &targets, &options, &state.extract()?, report)
        }
        Matrix::Csr64(parts) => run(py, &csr(parts)?, &targets, &options, &state.extract()?, report),
        Matrix::Csr32(parts) => run(py, &csr(parts)?, &targets, &options, &state.extract()?, report),
    }
}

/// `RandomState(random_state).randint(limit)` for a limit of at least 1: NumPy's constructor takes as long as a small fit.
#[pyfunction]
fn first_randint(py: Python<'_>, random_state: u32, limit: u32) -> PyResult<u32> {
    enter(py, |_| Ok(Mt19937::new(random_state).interval(limit.saturating_sub(1))))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(first_randint, m)?)?;
    m.add_function(wrap_pyfunction!(gradient_descent, m)?)
}
