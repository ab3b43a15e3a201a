//! Metrics that each row has for itself. What is not a plain array of numbers is answered with `None`.

use ferroflow_core::metric::per_row::{self, RowScore};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::number_array::NumberArray;
use crate::target_classes::TargetClasses;

/// The score of each row of relevances (or gains) and of scores of the same shape.
#[pyfunction]
fn row_scores<'py>(
    truth: &Bound<'py, PyAny>,
    scores: &Bound<'py, PyAny>,
    what: &str,
    discounts: Vec<f64>,
) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
    let what = match what {
        "coverage" => RowScore::Coverage,
        "ranking loss" => RowScore::RankingLoss,
        "ranking precision" => RowScore::RankingPrecision,
        "gain" => RowScore::Gain(&discounts),
        "normal gain" => RowScore::NormalGain(&discounts),
        other => return Err(PyValueError::new_err(format!("no row has a {other}"))),
    };
    let (Some(t), Some(s)) = (NumberArray::of(truth), NumberArray::of(scores)) else { return Ok(None) };
    let (Some(t), Some(s)) = (t.numbers(), s.numbers()) else { return Ok(None) };
    let gains = matches!(what, RowScore::Gain(_) | RowScore::NormalGain(_));
    if (t.rows(), t.columns()) != (s.rows(), s.columns()) || (gains && discounts.len() != s.columns()) {
        return Ok(None);
    }
    let found = enter(truth.py(), |exec| per_row::row_scores(&t, &s, what, exec))?;
    Ok(found.map(|found| PyArray1::from_vec(truth.py(), found)))
}

/// Which rows have their class among the `k` highest scores; `columns` tells the column of each class.
#[pyfunction]
fn top_k_hits<'py>(
    classes: &Bound<'py, TargetClasses>,
    columns: Vec<u16>,
    scores: &Bound<'py, PyAny>,
    k: usize,
) -> PyResult<Option<Bound<'py, PyArray1<bool>>>> {
    let Some(array) = NumberArray::of(scores) else { return Ok(None) };
    let (classes, Some(numbers)) = (classes.get(), array.numbers()) else { return Ok(None) };
    let fits = columns.len() == classes.counts.len()
        && columns.iter().all(|&column| usize::from(column) < numbers.columns());
    if !fits || numbers.rows() != classes.codes.len() {
        return Ok(None);
    }
    let hits = enter(scores.py(), |exec| per_row::top_k(&classes.codes, &columns, &numbers, k, exec))?;
    Ok(hits.map(|hits| PyArray1::from_vec(scores.py(), hits)))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(row_scores, m)?)?;
    m.add_function(wrap_pyfunction!(top_k_hits, m)?)
}
