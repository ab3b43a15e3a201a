//! Scores that rank rows. What is not a plain array of numbers, or not finite, is answered with `None`.

use ferroflow_core::metric::probability;
use ferroflow_core::metric::ranking::{self, Drop, Ranked, Truth};
use numpy::{PyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::number_array::NumberArray;
use crate::target_classes::TargetClasses;

/// The area under the ROC curve, or the average precision, of the class numbered `positive`.
#[pyfunction]
fn ranking_score<'py>(
    classes: &Bound<'py, TargetClasses>,
    positive: u16,
    scores: &Bound<'py, PyAny>,
    column: usize,
    precision: bool,
) -> PyResult<Option<f64>> {
    let Some(array) = NumberArray::of(scores) else { return Ok(None) };
    let (classes, Some(numbers)) = (classes.get(), array.numbers()) else { return Ok(None) };
    if numbers.rows() != classes.codes.len() || column >= numbers.columns() {
        return Ok(None);
    }
    let truth = Truth::Class(&classes.codes, positive);
    let ranked = Ranked { scores: &numbers, column, truth, weights: None };
    enter(scores.py(), |exec| {
        if precision { ranking::average_precision(&ranked, exec) } else { ranking::area(&ranked, exec) }
    })
}

/// The same of each column of an indicator matrix.
#[pyfunction]
fn ranking_scores_of_columns<'py>(
    indicator: &Bound<'py, PyAny>,
    scores: &Bound<'py, PyAny>,
    precision: bool,
) -> PyResult<Option<Vec<f64>>> {
    let (Some(t), Some(s)) = (NumberArray::of(indicator), NumberArray::of(scores)) else { return Ok(None) };
    let (Some(t), Some(s)) = (t.numbers(), s.numbers()) else { return Ok(None) };
    if (t.rows(), t.columns()) != (s.rows(), s.columns()) {
        return Ok(None);
    }
    let (t, s) = (&t, &s);
    enter(scores.py(), |exec| {
        let mut all = Vec::with_capacity(s.columns());
        for column in 0..s.columns() {
            let ranked = Ranked { scores: s, column, truth: Truth::Column(t, column), weights: None };
            all.push(if precision {
                ranking::average_precision(&ranked, exec)?
            } else {
                ranking::area(&ranked, exec)?
            });
        }
        Ok(all.into_iter().collect())
    })
}

/// The areas under the ROC curves of each class against each other one by the class's own column; `None` also if the rows
/// do not sum to one.
#[pyfunction]
fn areas_of_pairs<'py>(
    classes: &Bound<'py, TargetClasses>,
    scores: &Bound<'py, PyAny>,
) -> PyResult<Option<Vec<Vec<f64>>>> {
    let Some(array) = NumberArray::of(scores) else { return Ok(None) };
    let (classes, Some(numbers)) = (classes.get(), array.numbers()) else { return Ok(None) };
    if numbers.rows() != classes.codes.len() || numbers.columns() != classes.counts.len() {
        return Ok(None);
    }
    enter(scores.py(), |exec| {
        if !probability::sums_to_one(&numbers, exec)? {
            return Ok(None);
        }
        ranking::areas_of_pairs(&numbers, &classes.codes, &classes.counts, exec)
    })
}

/// The area under a line through points; does x rise somewhere, and fall somewhere?
#[pyfunction]
fn trapezoids(x: &Bound<'_, PyAny>, y: &Bound<'_, PyAny>) -> PyResult<Option<(f64, bool, bool)>> {
    let (Some(NumberArray::F64(x)), Some(NumberArray::F64(y))) = (NumberArray::of(x), NumberArray::of(y))
    else {
        return Ok(None);
    };
    let (Ok(a), Ok(b)) = (x.as_slice(), y.as_slice()) else { return Ok(None) };
    if x.ndim() != 1 || y.ndim() != 1 || a.len() != b.len() || a.len() < 2 {
        return Ok(None);
    }
    let found = enter(x.py(), |_| Ok(ranking::trapezoids(a, b)))?;
    Ok((!found.0.is_nan()).then_some(found))
}

type Points<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Distinct scores, falling, and the weights of positive and of negative rows at or above each.
#[pyfunction]
fn score_curve<'py>(
    classes: &Bound<'py, TargetClasses>,
    positive: u16,
    scores: &Bound<'py, PyAny>,
    weights: Option<&Bound<'py, PyAny>>,
    drop: &str,
) -> PyResult<Option<Points<'py>>> {
    let py = scores.py();
    let drop = match drop {
        "nothing" => Drop::Nothing,
        "straight" => Drop::Straight,
        "flat" => Drop::Flat,
        other => return Err(PyValueError::new_err(format!("no points are {other}"))),
    };
    let Some(array) = NumberArray::of(scores) else { return Ok(None) };
    let weights = match weights {
        Some(weights) => match NumberArray::of(weights) {
            Some(weights) => Some(weights),
            None => return Ok(None),
        },
        None => None,
    };
    let (classes, Some(numbers)) = (classes.get(), array.numbers()) else { return Ok(None) };
    let weights = weights.as_ref().and_then(NumberArray::numbers);
    let rows = classes.codes.len();
    if numbers.rows() != rows
        || numbers.columns() != 1
        || weights.as_ref().is_some_and(|w| w.rows() != rows || w.columns() != 1)
    {
        return Ok(None);
    }
    let truth = Truth::Class(&classes.codes, positive);
    let ranked = Ranked { scores: &numbers, column: 0, truth, weights: weights.as_ref() };
    let Some(curve) = enter(py, |exec| ranking::curve(&ranked, drop, exec))? else { return Ok(None) };
    let array = |values| PyArray1::from_vec(py, values);
    Ok(Some((array(curve.thresholds), array(curve.positives), array(curve.negatives))))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(ranking_score, m)?)?;
    m.add_function(wrap_pyfunction!(ranking_scores_of_columns, m)?)?;
    m.add_function(wrap_pyfunction!(areas_of_pairs, m)?)?;
    m.add_function(wrap_pyfunction!(trapezoids, m)?)?;
    m.add_function(wrap_pyfunction!(score_curve, m)?)
}
