//! Column moments.

use ferroflow_core::Float;
use ferroflow_core::moments::{Moments, variance_and_scale};
use ndarray::ArrayView1;
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::{AnyView, FloatTable, TableView};

type Column<'py> = Bound<'py, PyArray1<f64>>;
pub type Before<'py> = (PyReadonlyArray1<'py, f64>, PyReadonlyArray1<'py, f64>, PyReadonlyArray1<'py, f64>);

type Learned<'py> = (Column<'py>, Column<'py>, Column<'py>, Column<'py>);

pub fn from_python((count, mean, var): Before<'_>) -> Moments {
    let count = count.as_array().to_vec();
    let m2 = var.as_array().iter().zip(&count).map(|(var, n)| var * n).collect();
    Moments { count, mean: mean.as_array().to_vec(), m2, has_nan: false, has_inf: false }
}

fn to_python(py: Python<'_>, mut moments: Moments) -> Learned<'_> {
    let (var, scale) = variance_and_scale(&moments);
    for (mean, count) in moments.mean.iter_mut().zip(&moments.count) {
        if *count == 0.0 {
            *mean = f64::NAN; // a column that was never seen, as scikit-learn has it
        }
    }
    (
        moments.count.into_pyarray(py),
        moments.mean.into_pyarray(py),
        var.into_pyarray(py),
        scale.into_pyarray(py),
    )
}

/// (count, mean, variance, scale, has NaN, has infinity)
pub type Found<'py> = (Column<'py>, Column<'py>, Column<'py>, Column<'py>, bool, bool);

pub fn found(py: Python<'_>, moments: Moments) -> Found<'_> {
    let (has_nan, has_inf) = (moments.has_nan, moments.has_inf);
    let (count, mean, var, scale) = to_python(py, moments);
    (count, mean, var, scale, has_nan, has_inf)
}

fn update<T: Float + Element>(
    py: Python<'_>,
    x: &TableView<'_, T>,
    weights: Option<ArrayView1<'_, f64>>,
    before: Option<Before<'_>>,
) -> PyResult<Moments> {
    let mut moments = before.map_or_else(|| Moments::new(x.dim().1), from_python);
    enter(py, |exec| {
        match x {
            TableView::Whole(x) => moments.update(*x, weights, exec)?,
            TableView::Columns(columns) => moments.update_columns(columns, weights, exec)?,
        }
        Ok(moments)
    })
}

/// (count, mean, variance, scale, has NaN, has infinity) of the columns, merged with what was `before`.
#[pyfunction]
#[pyo3(signature = (x, weights=None, before=None))]
fn column_moments<'py>(
    py: Python<'py>,
    x: FloatTable<'py>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    before: Option<Before<'py>>,
) -> PyResult<Found<'py>> {
    let weights = weights.as_ref().map(PyReadonlyArray1::as_array);
    let moments = match x.view()? {
        AnyView::F64(x) => update(py, &x, weights, before)?,
        AnyView::F32(x) => update(py, &x, weights, before)?,
        AnyView::Other(x) => {
            let mut moments = before.map_or_else(|| Moments::new(x.columns()), from_python);
            enter(py, |exec| moments.update_rows(&x, weights, exec).map(|()| moments))?
        }
        AnyView::Columns(columns) => {
            let mut moments = before.map_or_else(|| Moments::new(columns.len()), from_python);
            enter(py, |exec| moments.update_columns(&columns, weights, exec).map(|()| moments))?
        }
    };
    Ok(found(py, moments))
}

/// (count, mean, variance, scale) of the rows of both.
#[pyfunction]
fn merge_moments<'py>(py: Python<'py>, a: Before<'py>, b: Before<'py>) -> Learned<'py> {
    let mut moments = from_python(a);
    moments.merge(&from_python(b));
    to_python(py, moments)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(column_moments, m)?)?;
    m.add_function(wrap_pyfunction!(merge_moments, m)?)
}
