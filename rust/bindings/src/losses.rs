//! Losses of predicted numbers and probabilities. What is not a plain array of numbers is answered with `None`.

use ferroflow_core::metric::{self, Numbers, calibration, probability, regression};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::number_array::NumberArray;
use crate::target_classes::TargetClasses;

/// Truth, prediction and weights as arrays.
struct Arrays<'py> {
    t: NumberArray<'py>,
    p: NumberArray<'py>,
    w: Option<NumberArray<'py>>,
}

impl<'py> Arrays<'py> {
    fn of(t: &Bound<'py, PyAny>, p: &Bound<'py, PyAny>, w: Option<&Bound<'py, PyAny>>) -> Option<Self> {
        let w = match w {
            Some(w) => Some(NumberArray::of(w)?),
            None => None,
        };
        Some(Self { t: NumberArray::of(t)?, p: NumberArray::of(p)?, w })
    }

    /// The matrices, if they are of one shape.
    #[allow(clippy::type_complexity, reason = "three of a kind")]
    fn numbers(&self) -> Option<(Numbers<'_>, Numbers<'_>, Option<Numbers<'_>>)> {
        let (t, p) = (self.t.numbers()?, self.p.numbers()?);
        let w = match &self.w {
            Some(w) => Some(w.numbers()?),
            None => None,
        };
        let weights = w.as_ref().is_none_or(|w| w.columns() == 1 && w.rows() == t.rows());
        (t.rows() == p.rows() && t.columns() == p.columns() && weights).then_some((t, p, w))
    }
}

/// The mean loss of each column; `None` if one is not finite.
#[pyfunction]
fn mean_losses<'py>(
    t: &Bound<'py, PyAny>,
    p: &Bound<'py, PyAny>,
    w: Option<&Bound<'py, PyAny>>,
    loss: &str,
    alpha: f64,
) -> PyResult<Option<Vec<f64>>> {
    let loss = match loss {
        "squared" => regression::Loss::Squared,
        "absolute" => regression::Loss::Absolute,
        "percentage" => regression::Loss::Percentage,
        "pinball" => regression::Loss::Pinball(alpha),
        "squared log" => regression::Loss::SquaredLog,
        "poisson" => regression::Loss::Poisson,
        "gamma" => regression::Loss::Gamma,
        "tweedie 1.5" => regression::Loss::Tweedie15,
        "tweedie" => regression::Loss::Tweedie(alpha),
        other => return Err(PyValueError::new_err(format!("there is no loss {other}"))),
    };
    let Some(arrays) = Arrays::of(t, p, w) else { return Ok(None) };
    let Some((t_, p_, w_)) = arrays.numbers() else { return Ok(None) };
    let sums = enter(t.py(), |exec| regression::charge(&t_, &p_, w_.as_ref(), loss, exec))?;
    Ok(sums
        .into_iter()
        .map(|(loss, weight)| Some(loss / weight).filter(|mean| weight != 0.0 && mean.is_finite()))
        .collect())
}

/// For each column: sum of weights; mean of the truth and squares about it; squares about the mean of the errors, if asked
/// for; squared errors.
#[pyfunction]
fn explained_squares<'py>(
    t: &Bound<'py, PyAny>,
    p: &Bound<'py, PyAny>,
    w: Option<&Bound<'py, PyAny>>,
    errors: bool,
) -> PyResult<Option<Vec<[f64; 5]>>> {
    let Some(arrays) = Arrays::of(t, p, w) else { return Ok(None) };
    let Some((t_, p_, w_)) = arrays.numbers() else { return Ok(None) };
    let sums = enter(t.py(), |exec| regression::explain(&t_, &p_, w_.as_ref(), errors, exec))?;
    Ok(Some(sums.iter().map(|s| [s.weight, s.truth.0, s.truth.1, s.error.1, s.squared]).collect()))
}

/// The median absolute error of each column; `None` if a value is not finite.
#[pyfunction]
fn median_errors(t: &Bound<'_, PyAny>, p: &Bound<'_, PyAny>) -> PyResult<Option<Vec<f64>>> {
    let Some(arrays) = Arrays::of(t, p, None) else { return Ok(None) };
    let Some((t_, p_, _)) = arrays.numbers() else { return Ok(None) };
    let medians = enter(t.py(), |exec| metric::medians(&t_, &p_, exec))?;
    Ok(medians.into_iter().map(|m| Some(m).filter(|m| m.is_finite())).collect())
}

/// The weighted quantile of each column of `t`, or of its distances from `p`; `None` also if rounding decides on one.
#[pyfunction]
fn weighted_quantiles<'py>(
    t: &Bound<'py, PyAny>,
    p: Option<&Bound<'py, PyAny>>,
    w: &Bound<'py, PyAny>,
    share: f64,
) -> PyResult<Option<Vec<f64>>> {
    let Some(arrays) = Arrays::of(t, p.unwrap_or(t), Some(w)) else { return Ok(None) };
    let Some((t_, p_, Some(w_))) = arrays.numbers() else { return Ok(None) };
    let p_ = p.is_some().then_some(&p_);
    enter(t.py(), |exec| {
        let each = |j| metric::weighted_quantile(&t_, p_, &w_, j, share, exec);
        (0..t_.columns()).map(each).collect::<ferroflow_core::Result<Option<Vec<f64>>>>()
    })
}

/// The largest absolute error of one column; `None` if a value is not finite.
#[pyfunction]
fn largest_error(t: &Bound<'_, PyAny>, p: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    let Some(arrays) = Arrays::of(t, p, None) else { return Ok(None) };
    let Some((t_, p_, _)) = arrays.numbers() else { return Ok(None) };
    if t_.columns() > 1 {
        return Ok(None);
    }
    Ok(Some(enter(t.py(), |exec| regression::largest(&t_, &p_, exec))?).filter(|most| most.is_finite()))
}

/// Sums of losses of probabilities (or decisions) and of weights; `None` if a value may not occur.
///
/// `columns` tells the column of each class.
#[pyfunction]
fn probability_losses<'py>(
    classes: &Bound<'py, TargetClasses>,
    columns: Vec<u16>,
    p: &Bound<'py, PyAny>,
    w: Option<&Bound<'py, PyAny>>,
    loss: &str,
) -> PyResult<Option<(f64, f64)>> {
    let loss = match loss {
        "log" => probability::Loss::Log,
        "brier" => probability::Loss::Brier,
        "hinge" => probability::Loss::Hinge,
        other => return Err(PyValueError::new_err(format!("there is no loss {other}"))),
    };
    let Some(arrays) = Arrays::of(p, p, w) else { return Ok(None) };
    let Some((p_, _, w_)) = arrays.numbers() else { return Ok(None) };
    let classes = classes.get();
    let width = p_.columns().max(2);
    let fits = columns.len() == classes.counts.len() && columns.iter().all(|&j| usize::from(j) < width);
    if p_.rows() != classes.codes.len() || !fits {
        return Ok(None);
    }
    let (sum, weight) =
        enter(p.py(), |exec| probability::charge(&classes.codes, &columns, &p_, w_.as_ref(), loss, exec))?;
    Ok((sum.is_finite() && weight.is_finite()).then_some((sum, weight)))
}

/// Each class's sum of weights; `None` if the weights are no plain column.
#[pyfunction]
fn class_weights<'py>(
    classes: &Bound<'py, TargetClasses>,
    w: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
    let Some(array) = NumberArray::of(w) else { return Ok(None) };
    let (classes, Some(numbers)) = (classes.get(), array.numbers()) else { return Ok(None) };
    if numbers.columns() != 1 || numbers.rows() != classes.codes.len() {
        return Ok(None);
    }
    let sums = enter(w.py(), |_| Ok(metric::class_weights(&classes.codes, classes.counts.len(), &numbers)))?;
    Ok(Some(PyArray1::from_vec(w.py(), sums)))
}

/// Sums of probabilities, numbers of positive rows, and of rows.
type BinSums = (Vec<f64>, Vec<f64>, Vec<f64>);

/// Sums of probabilities, numbers of positive rows and of rows, of the bins between `edges`; `None` also if a value is no
/// probability.
#[pyfunction]
fn probability_bins(
    classes: &Bound<'_, TargetClasses>,
    positive: Option<u16>,
    p: &Bound<'_, PyAny>,
    edges: Vec<f64>,
) -> PyResult<Option<BinSums>> {
    let Some(array) = NumberArray::of(p) else { return Ok(None) };
    let (classes, Some(numbers)) = (classes.get(), array.numbers()) else { return Ok(None) };
    if numbers.columns() != 1 || numbers.rows() != classes.codes.len() || edges.len() >= usize::from(u16::MAX)
    {
        return Ok(None);
    }
    let bins = enter(p.py(), |_| Ok(calibration::bins(&classes.codes, positive, &numbers, &edges)))?;
    Ok(bins.map(|bins| (bins.probability, bins.positive, bins.rows)))
}

/// What hits come to beyond their confidence in each bin between `edges`, and the sum of weights; `None` also if a value is
/// no probability.
#[pyfunction]
fn calibration_gaps<'py>(
    classes: &Bound<'py, TargetClasses>,
    columns: Vec<u16>,
    p: &Bound<'py, PyAny>,
    w: Option<&Bound<'py, PyAny>>,
    edges: Vec<f64>,
) -> PyResult<Option<(Vec<f64>, f64)>> {
    let Some(arrays) = Arrays::of(p, p, w) else { return Ok(None) };
    let Some((p_, _, w_)) = arrays.numbers() else { return Ok(None) };
    let classes = classes.get();
    let fits = columns.len() == classes.counts.len() && p_.rows() == classes.codes.len();
    if !fits || edges.len() >= usize::from(u16::MAX) {
        return Ok(None);
    }
    enter(p.py(), |exec| calibration::gaps(&classes.codes, &columns, &p_, w_.as_ref(), &edges, exec))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(mean_losses, m)?)?;
    m.add_function(wrap_pyfunction!(explained_squares, m)?)?;
    m.add_function(wrap_pyfunction!(median_errors, m)?)?;
    m.add_function(wrap_pyfunction!(weighted_quantiles, m)?)?;
    m.add_function(wrap_pyfunction!(largest_error, m)?)?;
    m.add_function(wrap_pyfunction!(calibration_gaps, m)?)?;
    m.add_function(wrap_pyfunction!(probability_losses, m)?)?;
    m.add_function(wrap_pyfunction!(class_weights, m)?)?;
    m.add_function(wrap_pyfunction!(probability_bins, m)?)
}
