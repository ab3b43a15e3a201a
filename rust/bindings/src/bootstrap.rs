//! Metrics of resampled rows: an array with a row for each resample.

use ferroflow_core::metric::bootstrap::{Ranks, Statistic, resample};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::target_classes::TargetClasses;

type Floats<'py> = PyReadonlyArray1<'py, f64>;
type Codes<'py> = PyReadonlyArray1<'py, u16>;

fn check(fits: bool) -> PyResult<()> {
    if fits { Ok(()) } else { Err(PyValueError::new_err("the arrays must have a value for each row")) }
}

/// What is asked for of each resample of the same draws, side by side in the order of the arguments: means of columns;
/// the median of a column; hits, predictions and truths of each class; sums of the values of groups; area under the ROC
/// curve and average precision of each class numbered in `positive` by its column of scores.
#[pyfunction]
#[pyo3(signature = (rows, resamples, seed, means=Vec::new(), median=None, labels=None, groups=None, rankings=None))]
#[allow(clippy::too_many_arguments, reason = "one for each kind of number")]
fn bootstrap<'py>(
    py: Python<'py>,
    rows: usize,
    resamples: usize,
    seed: u64,
    means: Vec<Floats<'py>>,
    median: Option<Floats<'py>>,
    labels: Option<(Codes<'py>, Codes<'py>, usize)>,
    groups: Option<(Floats<'py>, Codes<'py>, usize)>,
    rankings: Option<(Bound<'py, TargetClasses>, Vec<u16>, Vec<Floats<'py>>)>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let mut statistics = Vec::new();
    if !means.is_empty() {
        let columns = means.iter().map(|column| column.as_slice()).collect::<Result<Vec<&[f64]>, _>>()?;
        check(columns.iter().all(|column| column.len() == rows))?;
        statistics.push(Statistic::Means(columns));
    }
    if let Some(values) = &median {
        let values = values.as_slice()?;
        check(values.len() == rows && rows > 0)?;
        statistics.push(Statistic::Median(values, enter(py, |_| Ok(Ranks::new(values, |_| true)))?));
    }
    if let Some((t, p, classes)) = &labels {
        let (t, p, classes) = (t.as_slice()?, p.as_slice()?, *classes);
        check(
            t.len() == rows && p.len() == rows && t.iter().chain(p).all(|&code| usize::from(code) < classes),
        )?;
        statistics.push(Statistic::Labels { t, p, classes });
    }
    if let Some((values, group, groups)) = &groups {
        let (values, group, groups) = (values.as_slice()?, group.as_slice()?, *groups);
        check(values.len() == rows && group.len() == rows && group.iter().all(|&g| usize::from(g) < groups))?;
        statistics.push(Statistic::Groups { values, group, groups });
    }
    if let Some((classes, positive, scores)) = &rankings {
        let codes = &classes.get().codes;
        let scores = scores.iter().map(|column| column.as_slice()).collect::<Result<Vec<&[f64]>, _>>()?;
        check(scores.iter().all(|column| column.len() == rows) && codes.len() == rows)?;
        check(scores.len() == positive.len())?;
        statistics.push(Statistic::Rankings(enter(py, |exec| {
            exec.map(scores.len(), |k| Ranks::new(scores[k], |i| codes[i] == positive[k]))
        })?));
    }
    let values = enter(py, |exec| resample(rows, &statistics, (resamples, seed), exec))?;
    let width = values.len() / resamples.max(1);
    let table = Array2::from_shape_vec((resamples, width), values)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(table.into_pyarray(py))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bootstrap, m)?)
}
