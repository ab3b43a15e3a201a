//! Metrics of resampled rows: an array with a row for each resample.

use ferroflow_core::metric::bootstrap::{self, Ranks};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::target_classes::TargetClasses;

type Table<'py> = Bound<'py, PyArray2<f64>>;

fn table(py: Python<'_>, values: Vec<f64>, resamples: usize) -> PyResult<Table<'_>> {
    let width = values.len() / resamples.max(1);
    let values = Array2::from_shape_vec((resamples, width), values)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(values.into_pyarray(py))
}

fn check(equal: bool) -> PyResult<()> {
    if equal { Ok(()) } else { Err(PyValueError::new_err("the arrays must have a value for each row")) }
}

/// Means of columns.
#[pyfunction]
fn bootstrap_means<'py>(
    py: Python<'py>,
    columns: Vec<PyReadonlyArray1<'py, f64>>,
    resamples: usize,
    seed: u64,
) -> PyResult<Table<'py>> {
    let columns = columns.iter().map(|column| column.as_slice()).collect::<Result<Vec<&[f64]>, _>>()?;
    check(columns.windows(2).all(|pair| pair[0].len() == pair[1].len()))?;
    let values = enter(py, |exec| bootstrap::means(&columns, (resamples, seed), exec))?;
    table(py, values, resamples)
}

/// Medians of a column.
#[pyfunction]
fn bootstrap_medians<'py>(
    py: Python<'py>,
    column: PyReadonlyArray1<'py, f64>,
    resamples: usize,
    seed: u64,
) -> PyResult<Table<'py>> {
    let column = column.as_slice()?;
    let values = enter(py, |exec| bootstrap::medians(column, (resamples, seed), exec))?;
    table(py, values, resamples)
}

/// Hits, predictions and truths of each class.
#[pyfunction]
fn bootstrap_labels<'py>(
    py: Python<'py>,
    truth: PyReadonlyArray1<'py, u16>,
    prediction: PyReadonlyArray1<'py, u16>,
    classes: usize,
    resamples: usize,
    seed: u64,
) -> PyResult<Table<'py>> {
    let (t, p) = (truth.as_slice()?, prediction.as_slice()?);
    check(t.len() == p.len() && t.iter().chain(p).all(|&code| usize::from(code) < classes))?;
    let values = enter(py, |exec| bootstrap::label_sums(t, p, classes, (resamples, seed), exec))?;
    table(py, values, resamples)
}

/// Sums of the values of groups.
#[pyfunction]
fn bootstrap_groups<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, f64>,
    group: PyReadonlyArray1<'py, u16>,
    groups: usize,
    resamples: usize,
    seed: u64,
) -> PyResult<Table<'py>> {
    let (values, group) = (values.as_slice()?, group.as_slice()?);
    check(values.len() == group.len() && group.iter().all(|&g| usize::from(g) < groups))?;
    let sums = enter(py, |exec| bootstrap::group_sums(values, group, groups, (resamples, seed), exec))?;
    table(py, sums, resamples)
}

/// Area under the ROC curve and average precision of each class numbered in `positive` by its column of scores.
#[pyfunction]
fn bootstrap_rankings<'py>(
    py: Python<'py>,
    classes: &Bound<'py, TargetClasses>,
    positive: Vec<u16>,
    scores: Vec<PyReadonlyArray1<'py, f64>>,
    resamples: usize,
    seed: u64,
) -> PyResult<Table<'py>> {
    let codes = &classes.get().codes;
    let scores = scores.iter().map(|column| column.as_slice()).collect::<Result<Vec<&[f64]>, _>>()?;
    check(scores.iter().all(|column| column.len() == codes.len()) && scores.len() == positive.len())?;
    let values = enter(py, |exec| {
        let rankings = exec.map(scores.len(), |k| Ranks::new(scores[k], |i| codes[i] == positive[k]))?;
        bootstrap::ranking_scores(&rankings, codes.len(), (resamples, seed), exec)
    })?;
    table(py, values, resamples)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bootstrap_means, m)?)?;
    m.add_function(wrap_pyfunction!(bootstrap_medians, m)?)?;
    m.add_function(wrap_pyfunction!(bootstrap_labels, m)?)?;
    m.add_function(wrap_pyfunction!(bootstrap_groups, m)?)?;
    m.add_function(wrap_pyfunction!(bootstrap_rankings, m)?)
}
